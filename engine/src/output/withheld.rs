//! An output whose password should be there and is not: it stays shut and says so.
//!
//! A monitor would let everybody in, and SRT would send in the clear. Upstream: the desk, which
//! puts it in the place of the output until a hand-over brings the password.

use super::encoder::{EncoderKey, Tell};
use super::target::{Pulse, Sink, Target};
use grimnir_events::output::{EngineOutput, OFF_AIR, OutputHealth};
use std::sync::Arc;

const REASON: &str = "its password is not in the secrets store: it is to be set again";

/// It sends nothing and lets nobody in.
pub struct Withheld(Pulse);

impl Withheld {
    /// In the place of an output that names a password of which nothing was handed over; `None`
    /// where nothing is missing.
    pub fn of(handed: &EngineOutput, tell: Tell) -> Option<Self> {
        let missing = handed.secret.as_deref().unwrap_or_default().is_empty();
        (missing && handed.output.kind.secret().is_some())
            .then(|| Self(Pulse::new(handed.output.id, OFF_AIR, tell)))
    }
}

impl Target for Withheld {
    fn wants(&self) -> Vec<(EncoderKey, Arc<dyn Sink>)> {
        Vec::new()
    }
    fn set_on_air(&self, on_air: bool) {
        if on_air {
            self.0.set(OutputHealth::Down, REASON);
        } else {
            self.0.count(|state| OFF_AIR.clone_into(&mut state.reason));
        }
    }
    fn set_title(&self, _: &str) {}
    fn pulse(&self) -> &Pulse {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::output::{Encoding, Output, OutputKind, SecretRef, SrtOutput};
    use grimnir_events::station::MountFormat;
    use grimnir_events::{ContentHash, CredentialId, OutputId};

    #[test]
    fn what_names_a_password_stays_shut_without_it() {
        let named = SecretRef { id: CredentialId([1; 16]), fingerprint: ContentHash([2; 32]) };
        let shut = |passphrase, secret: Option<&str>| {
            let to = SrtOutput {
                host: "a".into(),
                port: 1,
                encoding: Encoding { format: MountFormat::Mp3, bitrate_kbps: 128 },
                latency_ms: 100,
                stream_id: String::new(),
                passphrase,
            };
            let (name, kind) = ("out".into(), OutputKind::Srt(to));
            let output = Output { id: OutputId([3; 16]), name, kind, enabled: true };
            let handed = EngineOutput { output, secret: secret.map(str::to_owned) };
            Withheld::of(&handed, Arc::new(|_| {})).is_some()
        };
        assert!(shut(Some(named), None) && shut(Some(named), Some("")));
        assert!(!shut(Some(named), Some("hackme")) && !shut(None, None));
    }
}
