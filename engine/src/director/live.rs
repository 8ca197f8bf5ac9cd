//! Live inputs: from signed in over ready to on air, and what becomes of the air when they go.
//!
//! A session that is ready claims the air by its policy; from there on it is a claim like others
//! (`claims`, `owner`), whose one item is the sound that comes. Where that runs out, automation
//! goes on at the last frame there is, and the claim is kept for a while. Not here: sockets.

use super::Director;
use super::plays::{PlayState, Spec};
use crate::input::Key;
use crate::output::icy;
use crate::output::record::aired::AiredLog;
use grimnir_events::air::AirEvent;
use grimnir_events::ladder::{AUTOMATION_CLAIM, ReleaseReason};
use grimnir_events::live::{
    KEPT_US, LiveAirEvent, LiveMode, LiveSession, TakePolicy, is_live, live_claim,
};
use grimnir_events::units::frames_of_micros;
use grimnir_events::{AirFrame, ClaimId, LiveSessionId, UtcMicros, WebstreamId, derive_id};
use grimnir_mix::live::LiveTap;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;

mod over;
mod recorded;
mod seldom;
mod words;

use seldom::{Refusals, Titles};

/// What follows is prepared once less than this is held: 750 ms.
const LOW: i64 = 36_000;
/// The air changes hands once less than this is held: 250 ms.
const DRY: i64 = 12_000;
/// What follows begins so much before the last frame, under its end: 5 ms.
const SEAM: i64 = 240;
/// Titles, and the first who were turned away, are told at most once in this time: 1 s.
const TELL: i64 = 48_000;
/// Fade of a live source that cuts in.
const CUT_MS: u32 = 10;

/// An encoder that is connected, or whose last sound is still on its way.
pub(super) struct Link {
    key: Key,
    tap: LiveTap,
    cut: Arc<Notify>,
    format: String,
    /// Where it is noted what of it is on air; a webstream is not recorded.
    aired: Option<Arc<AiredLog>>,
    ready_told: bool,
    pub(super) ended: bool,
}

impl Link {
    /// The player of a webstream as an encoder.
    pub(super) fn of_stream(key: Key, tap: LiveTap) -> Self {
        let (cut, format) = (Arc::new(Notify::new()), String::new());
        Self { key, tap, cut, format, aired: None, ready_told: false, ended: false }
    }

    /// Nothing more comes of it.
    pub(super) fn over(&self) -> bool {
        self.ended || self.tap.ended()
    }
}

/// One session that is, or was, in use.
pub(super) struct Live {
    pub(super) session: LiveSession,
    /// Its sound comes of this webstream.
    stream: Option<WebstreamId>,
    pub(super) windows: Vec<(UtcMicros, UtcMicros)>,
    pub(super) link: Option<Link>,
    /// How it is to take the air once it can.
    pub(super) wanted: Option<TakePolicy>,
    /// How it took it.
    took: TakePolicy,
    pub(super) claim: Option<ClaimId>,
    /// Its sound was silence, and nothing was heard of it since.
    muted: bool,
    /// It lets its claim go for want of sound.
    gave_up: bool,
    /// The play over the programme.
    over: Option<u64>,
    /// Since when the claim has no sound.
    quiet_since: Option<AirFrame>,
    served: u64,
    cut_served: u64,
    titles: Titles,
}

impl Live {
    /// One that nobody has asked anything of yet.
    pub(super) fn new(session: LiveSession, windows: Vec<(UtcMicros, UtcMicros)>) -> Self {
        Self {
            took: session.take,
            session,
            stream: None,
            windows,
            link: None,
            wanted: None,
            claim: None,
            muted: false,
            gave_up: false,
            over: None,
            quiet_since: None,
            served: 0,
            cut_served: 0,
            titles: Titles::default(),
        }
    }

    /// The live input that a webstream is.
    pub(super) fn of_stream(id: WebstreamId, session: LiveSession) -> Self {
        Self { stream: Some(id), ..Self::new(session, vec![]) }
    }
}

/// All of them.
#[derive(Default)]
pub struct Lives {
    pub(super) all: BTreeMap<LiveSessionId, Live>,
    claims: u64,
    /// Live claims of a run before this one, and since when they are held.
    orphans: BTreeMap<ClaimId, AirFrame>,
    /// Plays over the programme on their way out.
    over_ending: BTreeMap<u64, LiveSessionId>,
    /// Plays that are heard, with where that is noted.
    airing: BTreeMap<u64, Arc<AiredLog>>,
    refusals: Refusals,
}

impl Lives {
    fn of_claim(&self, claim: ClaimId) -> Option<&Live> {
        self.all.values().find(|live| live.claim == Some(claim))
    }
    fn of_key(&mut self, key: Key) -> Option<&mut Live> {
        self.all.values_mut().find(|live| live.link.as_ref().is_some_and(|link| link.key == key))
    }
    /// What a webstream's ring is filled by.
    pub(super) fn stream_link(&mut self, id: LiveSessionId) -> Option<&mut Link> {
        let live = self.all.get_mut(&id).filter(|live| live.stream.is_some())?;
        live.link.as_mut()
    }
    /// Something of theirs may change within a turn.
    pub fn busy(&self) -> bool {
        self.all.values().any(|live| live.link.is_some() || live.claim.is_some())
    }
}

impl Director {
    fn live_fact(&self, event: LiveAirEvent) {
        self.fact(AirEvent::Live(Box::new(event)));
    }

    /// Tells something of one of them, in the words of what it is.
    fn tell_of(&self, id: LiveSessionId, event: LiveAirEvent) {
        match self.lives.all.get(&id).and_then(|live| live.stream) {
            Some(stream) => {
                if let Some(event) = self.streams.told(stream, event) {
                    self.fact(AirEvent::Webstream(Box::new(event)));
                }
            }
            None => self.live_fact(event),
        }
    }

    /// One turn: who is ready, who takes the air, whose time is over.
    pub(super) fn step_lives(&mut self) {
        self.step_streams();
        let ids: Vec<LiveSessionId> = self.lives.all.keys().copied().collect();
        for id in ids {
            self.step_ready(id);
            self.step_title(id);
            self.step_wanted(id);
            self.step_over(id);
            self.step_kept(id);
            self.step_gone(id);
        }
        self.step_orphans();
    }

    fn step_ready(&mut self, session_id: LiveSessionId) {
        let now = self.now().utc();
        let Some(live) = self.lives.all.get_mut(&session_id) else { return };
        let open = live.windows.iter().any(|(from, until)| *from <= now && now < *until);
        let Some(link) = live.link.as_mut().filter(|link| !link.over()) else { return };
        if !open {
            link.cut.notify_one();
        }
        live.muted &= !link.tap.ready();
        if !link.ready_told && link.tap.ready() {
            link.ready_told = true;
            let format = link.format.clone();
            self.tell_of(session_id, LiveAirEvent::Ready { session_id, format });
        }
    }

    /// Claims the air for a session that is ready and wants it.
    fn step_wanted(&mut self, session_id: LiveSessionId) {
        let now = self.now();
        let (fade_ms, emergency) = (self.settings().override_fade_ms, self.is_emergency());
        let Some(live) = self.lives.all.get_mut(&session_id) else { return };
        let Some(take) = live.wanted else { return };
        let ready = live.link.as_ref().is_some_and(|link| !link.over() && link.tap.ready());
        let waits = emergency && live.session.mode == LiveMode::Over;
        if !ready || !self.signed_on || waits {
            return;
        }
        live.wanted = None;
        live.took = take;
        if live.session.mode == LiveMode::Over {
            return self.begin_over(session_id);
        }
        if live.claim.is_some() {
            return;
        }
        let fade_ms = match take {
            TakePolicy::Immediate => CUT_MS,
            TakePolicy::Faded { fade_ms } => fade_ms,
            TakePolicy::NextItem | TakePolicy::OnCue => fade_ms,
        };
        let utc = now.utc();
        let window = live.windows.iter().find(|(from, until)| *from <= utc && utc < *until);
        let Some((_, until)) = window.copied() else { return };
        self.lives.claims += 1;
        let number = self.lives.claims.to_be_bytes();
        let id = ClaimId(derive_id("live claim", &[&session_id.0, &self.run.0, &number]));
        live.claim = Some(id);
        live.quiet_since = None;
        let claim = live_claim(id, &live.session, utc, until, fade_ms);
        let told = Box::new(claim.clone());
        self.tell_of(session_id, LiveAirEvent::Claimed { session_id, claim: told });
        self.raise(claim, false);
        self.seat(id);
    }

    /// A claim without sound is kept for a while, then it is over.
    fn step_kept(&mut self, session_id: LiveSessionId) {
        let now = self.now();
        let claim = self.lives.all.get(&session_id).and_then(|live| live.claim);
        let Some(claim) = claim else { return };
        let (held, sounds) = (self.claims.raised.contains_key(&claim), self.claim_ready(claim));
        let Some(live) = self.lives.all.get_mut(&session_id) else { return };
        if !held {
            // It has ended, by whomever; who is connected takes the air again when told to.
            live.claim = None;
            let gave_up = std::mem::take(&mut live.gave_up);
            if let Some(stream) = live.stream {
                live.wanted = None;
                self.stream_let_go(stream, gave_up);
            }
            return;
        }
        if sounds {
            if live.quiet_since.take().is_some() {
                self.fact(AirEvent::SourceRecovered { claim_id: claim });
            }
            return;
        }
        let since = *live.quiet_since.get_or_insert(now);
        if now.since(since) > frames_of_micros(KEPT_US) {
            live.gave_up = true;
            self.end_claim(claim, ReleaseReason::Completed);
        }
    }

    /// Forgets whoever is gone with all of their sound.
    fn step_gone(&mut self, session_id: LiveSessionId) {
        let Some(live) = self.lives.all.get_mut(&session_id) else { return };
        let sounds = |claim: ClaimId| {
            self.claims.raised.get(&claim).is_some_and(|raised| raised.current.is_some())
        };
        if live.over.is_some() || live.claim.is_some_and(sounds) {
            return;
        }
        if live.link.as_ref().is_some_and(|link| link.ended) {
            live.link = None;
        }
        if live.link.is_none() && live.claim.is_none() {
            self.lives.all.remove(&session_id);
        }
    }

    /// Live claims that a run before this one raised: their encoders came back as others.
    fn step_orphans(&mut self) {
        let now = self.now();
        let live = |(id, raised): (&ClaimId, &super::claims::Raised)| {
            let orphan = is_live(&raised.claim) && self.lives.of_claim(*id).is_none();
            (orphan && raised.ending.is_none()).then_some(*id)
        };
        let orphans: Vec<ClaimId> = self.claims.raised.iter().filter_map(live).collect();
        self.lives.orphans.retain(|id, _| orphans.contains(id));
        for id in orphans {
            let since = *self.lives.orphans.entry(id).or_insert(now);
            if now.since(since) > frames_of_micros(KEPT_US) {
                self.end_claim(id, ReleaseReason::Completed);
            }
        }
    }

    /// Sees to it that a live claim has its sound at hand; true if it is one.
    pub(super) fn prepare_live(&mut self, id: ClaimId) -> bool {
        let Some(raised) = self.claims.raised.get_mut(&id) else { return false };
        if !is_live(&raised.claim) {
            return false;
        }
        let live = self.lives.of_claim(id);
        let link = live.and_then(|live| live.link.as_ref()).filter(|link| !link.over());
        let tap = link.map(|link| (link.key, link.tap.clone()));
        if let Some((voice, key)) = raised.live_deck() {
            let holds = tap.is_some_and(|(now, tap)| now == key && tap.fill() as i64 > LOW);
            if !holds {
                raised.take_deck();
                self.plays.discard(voice, grimnir_events::air::EndReason::Released);
            }
            return true;
        }
        let Some((key, tap)) = tap.filter(|(_, tap)| tap.ready()) else { return true };
        if raised.current.is_some() || raised.ending.is_some() {
            return true;
        }
        let Some(item) = raised.claim.items.first() else { return true };
        let spec = Spec { live: true, ..Spec::of_item(item, id, raised.claim.tier, None) };
        let voice = self.plays.prepare_live(spec, &tap);
        raised.set_live_deck(voice, key);
        true
    }

    /// When the owner's sound will have run out, where it is live and that is near; the second says
    /// whether that is certain enough to give the air away.
    pub(super) fn live_end(&self, owner: ClaimId) -> Option<(AirFrame, bool)> {
        let raised = self.claims.raised.get(&owner).filter(|raised| is_live(&raised.claim))?;
        let (voice, _, _) = raised.current?;
        if !matches!(self.plays.get(voice)?.state, PlayState::Sounding { .. }) {
            return None;
        }
        let live = self.lives.of_claim(owner).filter(|live| !live.muted);
        let Some(link) = live.and_then(|live| live.link.as_ref()) else {
            return Some((self.now(), true));
        };
        // A play of a connection before this one has what that left.
        let fill = link.tap.fill() as i64;
        let end = self.now().plus((fill - SEAM).max(0));
        match link.over() {
            true => Some((end, true)),
            false if fill < LOW => Some((end, fill < DRY)),
            false => None,
        }
    }

    /// A live source is silent: what it holds is dropped, and its claim is kept as if that had run
    /// out, until something is heard of it.
    pub(super) fn mute_live(&mut self, claim_id: ClaimId) {
        let mut all = self.lives.all.values_mut();
        if let Some(live) = all.find(|live| live.claim == Some(claim_id)) {
            live.muted = true;
            live.link.iter().for_each(|link| link.tap.flush());
        }
    }

    /// The owner's live sound has run out: its claim is kept.
    pub(super) fn note_dry(&mut self, claim_id: ClaimId) {
        let now = self.now();
        let found = self.lives.all.values_mut().find(|live| live.claim == Some(claim_id));
        let Some(live) = found else { return };
        live.quiet_since.get_or_insert(now);
        let (session_id, muted) = (live.session.id, live.muted);
        self.tell_of(session_id, LiveAirEvent::RanDry { session_id, claim_id });
        let reason = if muted { "it is silent" } else { "its sound ran out" }.to_owned();
        self.fact(AirEvent::SourceFailed { claim_id, reason });
    }

    /// Where a live source waits for the end of what automation plays; `None` where it does not.
    pub(super) fn live_junction(&self, from: ClaimId, to: ClaimId) -> Option<AirFrame> {
        let live = self.lives.of_claim(to)?;
        let returns = self.claims.raised.get(&to).is_some_and(|raised| raised.took_at.is_some());
        if from != AUTOMATION_CLAIM || live.took != TakePolicy::NextItem || returns {
            return None;
        }
        match (&self.auto.next, &self.auto.playing) {
            (Some(next), _) => Some(next.playing.start),
            (None, Some(playing)) => Some(playing.playing.segue),
            (None, None) => None,
        }
    }

    /// A live claim is heard: its title is what it told last.
    pub(super) fn live_started(&mut self, claim: ClaimId) {
        let title = self.lives.of_claim(claim).map(|live| (&live.session.name, live.titles.last()));
        if let Some((name, title)) = title.filter(|(_, title)| !title.is_empty()) {
            self.outputs.set_title(&icy::title_of(name, title));
        }
    }
}
