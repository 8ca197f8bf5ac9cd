//! Outputs of a station: set with their passwords, which go into the secrets store and nowhere
//! else, and seen as the engine last told of them.

use crate::error::CommandError;
use crate::meta::{Meta, Receipt};
use crate::site::Site;
use crate::site::air::{ENGINE_PATIENCE, answered};
use grimnir_engine_proto::v1;
use grimnir_events::output::{Output, OutputKind, SecretRef};
use grimnir_events::station::StationEvent;
use grimnir_events::{CredentialId, MountId, OutputId, StationId, UtcMicros, derive_id};
use grimnir_rules::Station;
use grimnir_rules::station::command::StationCommand;
use std::ops::RangeInclusive;

/// What SRT encrypts with, in bytes.
pub(crate) const PASSPHRASE_BYTES: RangeInclusive<usize> = 10..=79;
/// Longest password of an output, in characters.
const PASSWORD_CHARS: usize = 256;

/// What becomes of an output's password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Password {
    /// It stays as it is.
    Keep,
    /// There is none from here on.
    Forget,
    /// It is this.
    Set(String),
}

/// How an output is doing, as its engine last told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutputState {
    /// Which.
    pub id: OutputId,
    /// `up`, `degraded` or `down`.
    pub health: String,
    /// Why it is not up.
    pub reason: String,
    /// Since when.
    pub since: UtcMicros,
    /// Encoded bytes that left.
    pub bytes_sent: u64,
    /// Encoded bytes that were dropped because it was too slow.
    pub lost_bytes: u64,
    /// Connections after the first.
    pub reconnects: u32,
    /// Who listens to its segments, where the engine serves them.
    pub listeners: u32,
}

/// Somebody who listens to a mount or to segments, as the engine knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListenerState {
    /// The mount.
    pub mount_id: Option<MountId>,
    /// The output in segments.
    pub output_id: Option<OutputId>,
    /// Its path.
    pub path: String,
    /// Since when.
    pub since: UtcMicros,
    /// By IPv6.
    pub ipv6: bool,
    /// Over TLS.
    pub tls: bool,
    /// What the player calls itself.
    pub user_agent: String,
    /// Bytes that it was handed.
    pub bytes_sent: u64,
    /// Frames of the air that it was handed.
    pub heard_frames: i64,
}

impl Site {
    /// Who listens to a station's mounts and segments now; nobody while its engine does not run.
    pub async fn listeners(&self, station: StationId) -> Result<Vec<ListenerState>, CommandError> {
        let Some(mut client) = self.shared.engine(station).client() else { return Ok(vec![]) };
        let asked = client.list_listeners(v1::ListenersRequest {});
        let answer =
            answered(tokio::time::timeout(ENGINE_PATIENCE, asked).await).map_err(|reason| {
                CommandError::Failed { what: "asking the engine who listens", reason }
            })?;
        let state = |listener: v1::Listener| ListenerState {
            mount_id: listener.mount_id.try_into().ok().map(MountId),
            output_id: listener.output_id.try_into().ok().map(OutputId),
            path: listener.path,
            since: UtcMicros(listener.since_us),
            ipv6: listener.ipv6,
            tls: listener.tls,
            user_agent: listener.user_agent,
            bytes_sent: listener.bytes_sent,
            heard_frames: listener.heard_frames,
        };
        Ok(answer.listeners.into_iter().map(state).collect())
    }

    /// Adds an output or changes one; `output` names the password that it has now.
    pub async fn set_output(
        &self,
        station: StationId,
        mut output: Output,
        password: Password,
        meta: Meta,
    ) -> Result<Receipt<StationEvent>, CommandError> {
        let before = output.kind.secret().copied();
        let mut fresh = None;
        match &password {
            Password::Keep => {}
            Password::Forget => put_secret(&mut output.kind, None),
            Password::Set(text) => {
                check_password(&output.kind, text)?;
                let (secret, known) = self.keep_secret(text, &meta).await?;
                fresh = (!known).then_some(secret);
                put_secret(&mut output.kind, Some(secret));
            }
        }
        let after = output.kind.secret().copied();
        let command = StationCommand::SetOutput { output: Box::new(output) };
        let receipt = self.command::<Station>(station, command, meta).await;
        match (&receipt, before, fresh) {
            (Err(CommandError::Rejected { .. }), _, Some(fresh)) => {
                self.forget_secret(fresh.id).await;
            }
            (Ok(_), Some(before), _) if after.is_none_or(|after| after.id != before.id) => {
                self.forget_secret(before.id).await;
            }
            _ => {}
        }
        receipt
    }

    /// Removes an output, and its password.
    pub async fn remove_output(
        &self,
        station: StationId,
        output_id: OutputId,
        meta: Meta,
    ) -> Result<Receipt<StationEvent>, CommandError> {
        let row = self.shared.views.station(station);
        let held = row.and_then(|row| row.outputs.into_iter().find(|o| o.id == output_id));
        let command = StationCommand::RemoveOutput { output_id };
        let receipt = self.command::<Station>(station, command, meta).await?;
        if let Some(secret) = held.and_then(|output| output.kind.secret().copied()) {
            self.forget_secret(secret.id).await;
        }
        Ok(receipt)
    }

    /// How the engine last said a station's outputs are; empty while it does not run.
    pub fn output_states(&self, station: StationId) -> Vec<OutputState> {
        let targets = self.shared.engine(station).status().map(|status| status.targets);
        let state = |target: v1::TargetStatus| OutputState {
            id: OutputId(target.output_id.try_into().unwrap_or_default()),
            health: target.health,
            reason: target.reason,
            since: UtcMicros(target.since_us),
            bytes_sent: target.bytes_sent,
            lost_bytes: target.lost_bytes,
            reconnects: target.reconnects,
            listeners: target.listeners,
        };
        targets.unwrap_or_default().into_iter().map(state).collect()
    }

    /// Keeps a password; true where the same request had it kept before.
    pub(crate) async fn keep_secret(
        &self,
        text: &str,
        meta: &Meta,
    ) -> Result<(SecretRef, bool), CommandError> {
        let id = CredentialId(derive_id("output-secret", &[&meta.commit_id.0]));
        // What a request kept that was carried out before stands, whatever is said now.
        let ledger = &self.shared.ledger;
        let known = ledger.find(meta.commit_id).await.is_ok_and(|stored| stored.is_some());
        if known {
            let fingerprint = self.shared.secrets.kept_fingerprint(id).unwrap_or_default();
            return Ok((SecretRef { id, fingerprint }, true));
        }
        let (secrets, text) = (self.shared.secrets.clone(), text.to_owned());
        let failed = |reason: String| CommandError::Failed { what: "keeping a password", reason };
        let kept = tokio::task::spawn_blocking(move || secrets.keep(id, &text)).await;
        let fingerprint = kept
            .map_err(|error| failed(error.to_string()))?
            .map_err(|error| failed(error.to_string()))?;
        Ok((SecretRef { id, fingerprint }, false))
    }

    pub(crate) async fn forget_secret(&self, id: CredentialId) {
        let secrets = self.shared.secrets.clone();
        let forgotten = tokio::task::spawn_blocking(move || secrets.forget(id)).await;
        if let Ok(Err(error)) = forgotten {
            tracing::warn!(%error, "a password that is needed no more stays on disk");
        }
    }
}

fn put_secret(kind: &mut OutputKind, secret: Option<SecretRef>) {
    match kind {
        OutputKind::Icecast(to) => to.password = secret,
        OutputKind::Shoutcast(to) => to.password = secret,
        OutputKind::Srt(to) => to.passphrase = secret,
        OutputKind::Monitor(to) => to.password = secret,
        OutputKind::Hls(_) | OutputKind::Recording(_) | OutputKind::Rtp(_) => {}
    }
}

/// A password as long as its kind of output takes one.
fn check_password(kind: &OutputKind, text: &str) -> Result<(), CommandError> {
    let fits = match kind {
        OutputKind::Srt(_) => PASSPHRASE_BYTES,
        _ => 1..=PASSWORD_CHARS,
    };
    password_fits(text, fits).map_err(|detail| {
        let detail = format!("the password {detail}");
        CommandError::invalid("bad_output_password", "password", detail)
    })
}

/// What is wrong with a password that is to have so many characters.
pub(crate) fn password_fits(text: &str, fits: RangeInclusive<usize>) -> Result<(), String> {
    let count = text.chars().count();
    if fits.contains(&count) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let (least, most) = (fits.start(), fits.end());
    Err(format!("has {count} characters, expected {least} to {most} and no control character"))
}
