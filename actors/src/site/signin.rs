//! Users: registering and signing in. Names and passwords stay in the secrets store.

use crate::error::CommandError;
use crate::meta::Meta;
use crate::site::{SignedIn, Site};
use grimnir_events::access::Role;
use grimnir_events::{CredentialId, StationId, UserId, derive_id};
use grimnir_ledger::SecretsError;
use grimnir_rules::Access;
use grimnir_rules::access::command::AccessCommand;

/// Shortest password that is taken.
const MIN_PASSWORD_CHARS: usize = 8;
/// Longest sign-in name.
const MAX_NAME_CHARS: usize = 100;
/// Longest password that is hashed: more is an attack on the processor.
const MAX_PASSWORD_CHARS: usize = 256;

impl Site {
    /// Checks a name and password; `None` when they do not match.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Option<SignedIn>, CommandError> {
        if password.chars().count() > MAX_PASSWORD_CHARS {
            return Ok(None);
        }
        let secrets = self.shared.secrets.clone();
        let (name, password) = (name.to_owned(), password.to_owned());
        // Hashing takes tens of milliseconds of processor on purpose.
        let verified = tokio::task::spawn_blocking(move || secrets.verify(&name, &password))
            .await
            .map_err(|e| CommandError::Failed { what: "signing in", reason: e.to_string() })?;
        let Some(known) = verified else { return Ok(None) };
        // Only a secret that the ledger names signs anybody in.
        let user = self.shared.views.user(known.user_id);
        let user = user.filter(|user| user.credential_id == known.credential_id);
        Ok(user.map(|user| SignedIn { user_id: known.user_id, role: user.role }))
    }

    /// Registers a user.
    pub async fn register_user(
        &self,
        name: &str,
        password: &str,
        role: Role,
        meta: Meta,
    ) -> Result<UserId, CommandError> {
        let chars = password.chars().count();
        if !(MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&chars) {
            return Err(CommandError::invalid(
                "password_length",
                "password",
                format!(
                    "the password has {chars} characters, allowed are {MIN_PASSWORD_CHARS} to \
                     {MAX_PASSWORD_CHARS}"
                ),
            ));
        }
        let name = name.trim();
        let name_chars = name.chars().count();
        if !(1..=MAX_NAME_CHARS).contains(&name_chars) {
            return Err(CommandError::invalid(
                "username_length",
                "username",
                format!("the name has {name_chars} characters, allowed are 1 to {MAX_NAME_CHARS}"),
            ));
        }
        // Asked before anything is kept: a secret without its event signs nobody in.
        self.shared.ownership.decides(self.shared.site_id.0)?;
        let user_id = UserId(derive_id("user", &[&meta.commit_id.0]));
        let credential_id = CredentialId(derive_id("credential", &[&meta.commit_id.0]));
        let ledger = &self.shared.ledger;
        if ledger.find(meta.commit_id).await.is_ok_and(|stored| stored.is_some()) {
            // Asked before under the same key: a new hash would make another request of it.
            return Ok(user_id);
        }
        let secrets = self.shared.secrets.clone();
        let (owned_name, owned_password) = (name.to_owned(), password.to_owned());
        let failed = |e: String| CommandError::Failed { what: "keeping the secret", reason: e };
        let stored = tokio::task::spawn_blocking(move || {
            let print =
                secrets.set_password(&owned_name, user_id, credential_id, &owned_password)?;
            Ok((secrets.seal(user_id, &owned_name)?, print))
        })
        .await
        .map_err(|e| failed(e.to_string()))?;
        let (sealed, fingerprint) = stored.map_err(|e: SecretsError| match e {
            SecretsError::NameTaken => {
                CommandError::taken("username_taken", "username", e.to_string())
            }
            other => failed(other.to_string()),
        })?;
        let command =
            AccessCommand::RegisterUser { user_id, name: sealed, credential_id, fingerprint, role };
        let receipt = self.command::<Access>(StationId::default(), command, meta).await;
        if let Err(error @ CommandError::Rejected { .. }) = receipt {
            let _ = self.shared.secrets.erase(user_id);
            return Err(error);
        }
        receipt.map(|_| user_id)
    }

    /// Secret that signs tokens, 32 bytes, kept beside the ledger.
    pub fn token_secret(&self) -> [u8; 32] {
        self.shared.secrets.token_secret()
    }
}
