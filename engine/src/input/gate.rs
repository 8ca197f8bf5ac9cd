//! Who may come in: sessions that are handed over, their windows, and one source per mount.
//!
//! A secret is compared by its digest, in constant time. Not here: how it is asked for.

use super::Key;
use grimnir_events::line::LiveLine;
use grimnir_events::live::{EngineInputs, LiveGrant, LiveSession, secret_digest};
use grimnir_events::station::StationSettings;
use grimnir_events::{CredentialId, LiveSessionId, UtcMicros};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What somebody shows at the gate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// User name; empty where none was given.
    pub user: String,
    /// Secret.
    pub password: String,
    /// Mount; `None` where the secret is to say it.
    pub mount: Option<String>,
}

/// Who was let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admitted {
    /// This connection.
    pub key: Key,
    /// As whom.
    pub session_id: LiveSessionId,
    /// Its name.
    pub name: String,
    /// Its mount.
    pub mount: String,
}

/// Why somebody was not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denial {
    /// Nobody has this name and secret for this mount.
    Unknown,
    /// It is not the time of this session.
    NotNow,
    /// Another source is on the mount.
    Busy,
}

impl Denial {
    /// As people read it.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "wrong user name or password",
            Self::NotNow => "the session is not valid at this time",
            Self::Busy => "another source is on the mount",
        }
    }
}

#[derive(Default)]
struct State {
    inputs: EngineInputs,
    lines: Vec<(LiveSessionId, LiveLine)>,
    /// What those are encrypted with that are.
    secrets: Vec<(CredentialId, String)>,
    /// The source on each mount.
    sources: BTreeMap<String, (Key, LiveSessionId)>,
    keys: Key,
    /// What sound is levelled to, in hundredths of LUFS, once that was told.
    target: Option<i32>,
}

impl State {
    /// Gives a session its mount, where it is its time and nobody else is there.
    fn seat(&mut self, grant: &LiveGrant, now: UtcMicros) -> Result<Admitted, Denial> {
        let (session_id, mount) = (grant.session.id, grant.session.mount.clone());
        if !is_open(grant, now) {
            return Err(Denial::NotNow);
        }
        if self.sources.contains_key(&mount) {
            return Err(Denial::Busy);
        }
        self.keys += 1;
        let key = self.keys;
        self.sources.insert(mount.clone(), (key, session_id));
        Ok(Admitted { key, session_id, name: grant.session.name.clone(), mount })
    }
}

fn is_open(grant: &LiveGrant, now: UtcMicros) -> bool {
    grant.windows.iter().any(|(from, until)| *from <= now && now < *until)
}

/// The gate.
#[derive(Default)]
pub struct Gate(Mutex<State>);

impl Gate {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Others may come in from now on; who is in stays.
    pub fn set(&self, inputs: EngineInputs) {
        self.state().inputs = inputs;
    }

    /// Who comes in from now on is levelled to this, in hundredths of LUFS.
    pub fn set_target(&self, lufs_x100: i32) {
        self.state().target = Some(lufs_x100);
    }

    /// The loudness that inputs are levelled to: the station's.
    pub fn target_lufs(&self) -> f64 {
        let told = self.state().target;
        f64::from(told.unwrap_or_else(|| StationSettings::default().target_lufs_x100)) / 100.0
    }

    /// Lines that are to be open while their sessions are valid.
    pub fn set_lines(&self, lines: Vec<(LiveSessionId, LiveLine)>) {
        self.state().lines = lines;
    }

    /// What lines are encrypted with.
    pub fn set_line_secrets(&self, secrets: Vec<(CredentialId, String)>) {
        self.state().secrets = secrets;
    }

    /// Lines that are to be open now, with what they are encrypted with.
    pub fn open_lines(&self, now: UtcMicros) -> Vec<(LiveSession, LiveLine, Option<String>)> {
        let state = self.state();
        let open = |(id, line): &(LiveSessionId, LiveLine)| {
            let grant = state.inputs.grants.iter().find(|grant| grant.session.id == *id)?;
            let wanted = line.passphrase().map(|passphrase| passphrase.id);
            let found = state.secrets.iter().find(|(id, _)| wanted == Some(*id));
            let secret = found.map(|(_, text)| text.clone());
            is_open(grant, now).then(|| (grant.session.clone(), line.clone(), secret))
        };
        state.lines.iter().filter_map(open).collect()
    }

    /// The mount of a session.
    pub fn mount_of(&self, session_id: LiveSessionId) -> Option<String> {
        let state = self.state();
        let grant = state.inputs.grants.iter().find(|grant| grant.session.id == session_id)?;
        Some(grant.session.mount.clone())
    }

    /// Somebody is heard over the line of a session.
    pub fn admit_line(
        &self,
        session_id: LiveSessionId,
        now: UtcMicros,
    ) -> Result<Admitted, Denial> {
        let mut state = self.state();
        let of = |grant: &&LiveGrant| grant.session.id == session_id;
        let grant = state.inputs.grants.iter().find(of).ok_or(Denial::Unknown)?.clone();
        state.seat(&grant, now)
    }

    /// A source asks for its mount.
    pub fn admit(&self, shown: &Shown, now: UtcMicros) -> Result<Admitted, Denial> {
        let mut state = self.state();
        let grant = find(&state.inputs.grants, shown).ok_or(Denial::Unknown)?.clone();
        state.seat(&grant, now)
    }

    /// A source is gone.
    pub fn leave(&self, admitted: &Admitted) {
        let mut state = self.state();
        if state.sources.get(&admitted.mount).is_some_and(|(key, _)| *key == admitted.key) {
            state.sources.remove(&admitted.mount);
        }
    }

    /// The source that somebody may tell a title of; `None` where no source is on the mount.
    pub fn titled(&self, shown: &Shown) -> Result<Option<Key>, Denial> {
        let state = self.state();
        let grant = find(&state.inputs.grants, shown).ok_or(Denial::Unknown)?;
        let source = state.sources.get(&grant.session.mount);
        Ok(source.filter(|(_, session)| *session == grant.session.id).map(|(key, _)| *key))
    }
}

/// The grant whose secret it is. A user name that is told is to be the session's, but for the one
/// that encoders send where nobody gave them any.
fn find<'a>(grants: &'a [LiveGrant], shown: &Shown) -> Option<&'a LiveGrant> {
    let mut found = None;
    for grant in grants {
        let session = &grant.session;
        let named = session.username.is_empty()
            || shown.user.is_empty()
            || shown.user == "source"
            || shown.user == session.username;
        let here = shown.mount.as_ref().is_none_or(|mount| *mount == session.mount);
        let digest = secret_digest(session.id, &shown.password);
        // All are looked at, and every byte: how long it takes tells nothing.
        let differing = digest.0.iter().zip(session.digest.0).fold(0, |sum, (a, b)| sum | (a ^ b));
        if differing == 0 && named && here {
            found = found.or(Some(grant));
        }
    }
    found
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use grimnir_events::StationId;
    use grimnir_events::ladder::Tier;
    use grimnir_events::live::{LiveMode, LiveSession, LiveValidity, TakePolicy};

    /// Session `number` with the secret `secret-N`, valid for two short whiles.
    pub(in crate::input) fn grant(number: u8, username: &str, mount: &str) -> LiveGrant {
        let id = LiveSessionId([number; 16]);
        LiveGrant {
            session: LiveSession {
                id,
                name: "DJ".into(),
                username: username.into(),
                digest: secret_digest(id, &format!("secret-{number}")),
                mount: mount.into(),
                validity: LiveValidity::Shows { show_id: None },
                tier: Tier::LiveOverride,
                take: TakePolicy::Immediate,
                mode: LiveMode::Replace,
            },
            windows: vec![(UtcMicros(100), UtcMicros(200)), (UtcMicros(300), UtcMicros(400))],
            take: (0, TakePolicy::default()),
            disconnect: 0,
        }
    }

    pub(in crate::input) fn shown(user: &str, password: &str, mount: Option<&str>) -> Shown {
        Shown { user: user.into(), password: password.into(), mount: mount.map(str::to_owned) }
    }

    fn gate() -> Gate {
        let gate = Gate::default();
        let grants = vec![grant(1, "anna", "/live"), grant(2, "", "/studio")];
        gate.set(EngineInputs { revision: 1, station_id: StationId([1; 16]), grants });
        gate
    }

    #[test]
    fn a_secret_opens_its_own_mount_in_its_window_once() {
        let (gate, now) = (gate(), UtcMicros(150));
        let right = shown("anna", "secret-1", Some("/live"));
        for wrong in [
            shown("anna", "secret-2", Some("/live")),
            shown("bert", "secret-1", Some("/live")),
            shown("anna", "secret-1", Some("/studio")),
            shown("anna", "", None),
        ] {
            assert_eq!(gate.admit(&wrong, now), Err(Denial::Unknown), "{wrong:?}");
        }
        for outside in [99, 200, 250, 400] {
            assert_eq!(gate.admit(&right, UtcMicros(outside)), Err(Denial::NotNow));
        }
        let first = gate.admit(&right, now).expect("is let in");
        assert_eq!(gate.admit(&right, now), Err(Denial::Busy));
        assert_eq!(gate.titled(&right), Ok(Some(first.key)));
        gate.leave(&first);
        assert_eq!(gate.titled(&right), Ok(None));
        let second =
            gate.admit(&shown("source", "secret-1", None), UtcMicros(300)).expect("is let in");
        assert_ne!(first.key, second.key, "it comes back with the same secret");
        gate.leave(&first);
        assert_eq!(gate.titled(&right), Ok(Some(second.key)), "who is gone already frees nothing");
        assert!(gate.admit(&shown("", "secret-2", None), now).is_ok(), "another mount");
    }

    #[test]
    fn nobody_tells_titles_of_another_who_is_on_the_same_mount() {
        let gate = Gate::default();
        let grants = vec![grant(1, "", "/live"), grant(2, "", "/live")];
        gate.set(EngineInputs { revision: 1, station_id: StationId([1; 16]), grants });
        let [first, second] = ["secret-1", "secret-2"].map(|secret| shown("", secret, None));
        let admitted = gate.admit(&first, UtcMicros(150)).expect("is let in");
        assert_eq!(gate.titled(&first), Ok(Some(admitted.key)));
        assert_eq!(gate.titled(&second), Ok(None));
    }
}
