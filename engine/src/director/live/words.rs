//! What hand-overs and inputs say about live sessions.

use super::{Link, Live};
use crate::director::{Director, Taken};
use crate::held::Part;
use crate::input::{Connected, InputWord, Key};
use crate::output::icy;
use grimnir_events::ladder::ReleaseReason;
use grimnir_events::line::{EngineLineSecrets, EngineLines};
use grimnir_events::live::{EngineInputs, LiveAirEvent, LiveGrant, LiveSession, TakePolicy};
use grimnir_events::{ClaimId, LiveSessionId};

impl Director {
    /// Takes a hand-over of who may come in.
    pub(in crate::director) fn set_inputs(
        &mut self,
        inputs: EngineInputs,
        bytes: &[u8],
        epoch: u64,
    ) -> Taken {
        let revision = self.accept(inputs.revision, self.held.inputs.revision, epoch)?;
        self.cache.keep(Part::Inputs, epoch, bytes);
        self.take_inputs(inputs);
        Ok(revision)
    }

    /// Lets in whom it names, and carries out what is new in it.
    pub(in crate::director) fn take_inputs(&mut self, mut inputs: EngineInputs) {
        if self.held.lean {
            // The smallest engine has no decoders but its own.
            inputs.grants.clear();
        }
        self.gate.set(inputs.clone());
        let of_encoder = |(id, live): (&LiveSessionId, &Live)| live.stream.is_none().then_some(*id);
        let ids: Vec<LiveSessionId> = self.lives.all.iter().filter_map(of_encoder).collect();
        for id in ids {
            match inputs.grants.iter().find(|grant| grant.session.id == id) {
                Some(grant) => self.regrant(grant),
                None => self.cut_off(id),
            }
        }
        self.held.inputs = inputs;
    }

    /// Takes a hand-over of lines.
    pub(in crate::director) fn set_lines(
        &mut self,
        lines: EngineLines,
        bytes: &[u8],
        epoch: u64,
    ) -> Taken {
        let revision = self.accept(lines.revision, self.held.lines.revision, epoch)?;
        self.cache.keep(Part::Lines, epoch, bytes);
        self.take_lines(lines);
        Ok(revision)
    }

    /// Takes a hand-over of what lines are encrypted with.
    pub(in crate::director) fn set_line_secrets(
        &mut self,
        secrets: EngineLineSecrets,
        bytes: &[u8],
        epoch: u64,
    ) -> Taken {
        let held = self.held.line_secrets.revision;
        let revision = self.accept(secrets.revision, held, epoch)?;
        self.cache.keep(Part::LineSecrets, epoch, bytes);
        self.gate.set_line_secrets(secrets.secrets.clone());
        self.held.line_secrets = secrets;
        Ok(revision)
    }

    /// Has these lines opened while their sessions are valid; the smallest engine opens none.
    pub(in crate::director) fn take_lines(&mut self, lines: EngineLines) {
        self.gate.set_lines(if self.held.lean { vec![] } else { lines.lines.clone() });
        self.held.lines = lines;
    }

    fn regrant(&mut self, grant: &LiveGrant) {
        let Some(live) = self.lives.all.get_mut(&grant.session.id) else { return };
        live.session = grant.session.clone();
        live.windows.clone_from(&grant.windows);
        let (number, take) = grant.take;
        if number > live.served {
            live.served = number;
            live.wanted = Some(take);
        }
        if grant.disconnect > live.cut_served {
            live.cut_served = grant.disconnect;
            self.cut_off(grant.session.id);
        }
    }

    /// Ends a connection and its claim.
    pub(in crate::director) fn cut_off(&mut self, id: LiveSessionId) {
        let Some(live) = self.lives.all.get_mut(&id) else { return };
        live.wanted = None;
        if let Some(link) = &live.link {
            link.cut.notify_one();
        }
        if let Some(claim) = live.claim {
            self.end_claim(claim, ReleaseReason::Released);
        }
    }

    /// Takes the word of an input.
    pub(in crate::director) fn on_input(&mut self, word: InputWord) {
        match word {
            InputWord::Connected(connected) => self.on_connected(*connected),
            InputWord::Recognised { key, format } => {
                if let Some(link) = self.lives.of_key(key).and_then(|live| live.link.as_mut()) {
                    link.format = format;
                }
            }
            InputWord::Webstream(event) => self.on_stream(*event),
            InputWord::Titled { key, title } => self.on_titled(key, title),
            InputWord::Ended { key, reason, bytes } => {
                let Some(live) = self.lives.of_key(key) else { return };
                if let Some(link) = &mut live.link {
                    link.ended = true;
                }
                let session_id = live.session.id;
                self.live_fact(LiveAirEvent::Disconnected { session_id, reason, bytes });
            }
            InputWord::Refused { address, mount, reason } => {
                let now = self.now();
                let Some(others) = self.lives.refusals.another(now) else { return };
                self.live_fact(LiveAirEvent::Refused { address, mount, reason, others });
            }
        }
    }

    fn on_connected(&mut self, connected: Connected) {
        let Connected { key, session_id, address, client, protocol, tap, aired, cut } = connected;
        let grants = &self.held.inputs.grants;
        let Some(grant) = grants.iter().find(|grant| grant.session.id == session_id) else {
            // It was revoked just now.
            return cut.notify_one();
        };
        let (session, windows) = (grant.session.clone(), grant.windows.clone());
        let (served, cut_served) = (grant.take.0, grant.disconnect);
        let first =
            |session: LiveSession| Live { served, cut_served, ..Live::new(session, windows) };
        let (orphan, mut again) = (self.orphan_of(&session), None);
        let live = self.lives.all.entry(session_id).or_insert_with(|| first(session));
        let (format, aired) = (String::new(), Some(aired));
        live.link = Some(Link { key, tap, cut, format, aired, ready_told: false, ended: false });
        if live.claim.is_none() && orphan.is_some() {
            // It was on air when the run before this one broke off: it goes on.
            (live.claim, live.took, live.wanted) = (orphan, TakePolicy::Immediate, None);
            again = orphan;
        } else if live.session.take != TakePolicy::OnCue && live.claim.is_none() {
            live.wanted = Some(live.session.take);
        }
        let protocol = protocol.to_owned();
        self.live_fact(LiveAirEvent::Connected { session_id, address, client, protocol });
        // Told anew, so that whoever looks knows whose it is; the ladder has it already.
        let raised = again.and_then(|id| self.claims.raised.get(&id));
        if let Some(claim) = raised.map(|raised| Box::new(raised.claim.clone())) {
            self.live_fact(LiveAirEvent::Claimed { session_id, claim });
        }
    }

    /// The claim that a run before this one made for a session, while it is kept.
    fn orphan_of(&self, session: &LiveSession) -> Option<ClaimId> {
        let same = |name: &str, tier| name == session.name && tier == session.tier;
        let grants = self.held.inputs.grants.iter().map(|grant| &grant.session);
        // A claim tells no more of its session than name and tier.
        if grants.filter(|other| same(&other.name, other.tier)).count() != 1 {
            return None;
        }
        let of_session = |id: &&ClaimId| {
            let raised = self.claims.raised.get(id).filter(|raised| raised.ending.is_none());
            raised.is_some_and(|raised| same(&raised.claim.label, raised.claim.tier))
        };
        self.lives.orphans.keys().find(of_session).copied()
    }

    fn on_titled(&mut self, key: Key, title: String) {
        let now = self.now();
        let Some(live) = self.lives.of_key(key) else { return };
        if live.titles.last() == title {
            return;
        }
        let told = live.titles.hear(&title, now);
        let (session_id, claim, name) = (live.session.id, live.claim, live.session.name.clone());
        let heard = claim.is_some() && self.owner == claim;
        if heard {
            self.outputs.set_title(&icy::title_of(&name, &title));
        }
        if told {
            self.tell_of(session_id, LiveAirEvent::Titled { session_id, title });
        }
    }

    /// Tells a title that came too soon after another.
    pub(super) fn step_title(&mut self, session_id: LiveSessionId) {
        let now = self.now();
        let live = self.lives.all.get_mut(&session_id);
        if let Some(title) = live.and_then(|live| live.titles.due(now)) {
            self.tell_of(session_id, LiveAirEvent::Titled { session_id, title });
        }
    }
}
