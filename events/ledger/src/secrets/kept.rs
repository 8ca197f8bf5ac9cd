//! Passwords that are kept as they are, because they are told to others: outputs sign in with them.

use super::{MAX_PASSWORD_BYTES, Secrets, SecretsError, random};
use grimnir_events::{ContentHash, CredentialId, envelope};
use serde::{Deserialize, Serialize};

/// One of them.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Hex of 32 random bytes, so that its fingerprint tells nothing of a short password.
    salt: String,
    text: String,
}

impl Kept {
    fn fingerprint(&self) -> ContentHash {
        envelope::hash(format!("{}:{}", self.salt, self.text).as_bytes())
    }
}

impl Secrets {
    /// Keeps a password under an id and answers its fingerprint: the same for the same password
    /// under the same id.
    pub fn keep(&self, id: CredentialId, text: &str) -> Result<ContentHash, SecretsError> {
        if text.is_empty() || text.len() > MAX_PASSWORD_BYTES {
            return Err(SecretsError::Password { found: text.len() });
        }
        let salt = hex::encode(random::<32>()?);
        self.change(|content| {
            let held = content.kept.get(&id).filter(|held| held.text == text).cloned();
            let kept = held.unwrap_or_else(|| Kept { salt, text: text.to_owned() });
            let fingerprint = kept.fingerprint();
            content.kept.insert(id, kept);
            Ok(fingerprint)
        })
    }

    /// A password that is kept.
    pub fn kept(&self, id: CredentialId) -> Option<String> {
        self.content().kept.get(&id).map(|kept| kept.text.clone())
    }

    /// Fingerprint of a password that is kept.
    pub fn kept_fingerprint(&self, id: CredentialId) -> Option<ContentHash> {
        self.content().kept.get(&id).map(Kept::fingerprint)
    }

    /// Forgets a password that was kept.
    pub fn forget(&self, id: CredentialId) -> Result<(), SecretsError> {
        self.change(|content| {
            content.kept.remove(&id);
            Ok(())
        })
    }
}
