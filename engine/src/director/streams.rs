//! Webstreams on air: opened ahead of their time, put on air like a live input, closed after it.
//!
//! Each has a player of its own ([`crate::input::webstream`]), which sees to it that its ring has
//! sound. What takes the air is a live input whose encoder is that player (`live`). Not here: which
//! address is heard.

use super::live::{Link, Live};
use super::{Director, Msg, Taken};
use crate::held::Part;
use crate::input::InputWord;
use crate::input::webstream::player::{Player, Tell};
use grimnir_events::air::AirEvent;
use grimnir_events::ladder::Tier;
use grimnir_events::live::{LiveAirEvent, TakePolicy};
use grimnir_events::webstream::{EngineWebstreams, Webstream, WebstreamAirEvent, WebstreamGrant};
use grimnir_events::{LiveSessionId, UtcMicros, WebstreamId};
use grimnir_mix::live::live;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;

/// A webstream is opened so long before its time: 8 s.
const AHEAD_US: i64 = 8_000_000;
/// What is held of it: the most there is, so that another address can be found meanwhile.
const HELD_FRAMES: u64 = 96_000;
/// Its connections have numbers apart from those of encoders.
const KEYS: u64 = 1 << 63;

/// One webstream.
struct Stream {
    grant: WebstreamGrant,
    player: Player,
    served_stop: u64,
    served_probe: u64,
    /// The last wish of a person that is over.
    done_start: u64,
    /// Windows that end until then are over.
    done_until: UtcMicros,
    /// What it follows now.
    wish: Option<Wish>,
}

/// When it is to be on air, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Wish {
    from: UtcMicros,
    until: UtcMicros,
    tier: Tier,
    take: TakePolicy,
    /// The wish of a person; 0 for the plan's.
    start: u64,
}

impl Stream {
    fn wish_at(&self, now: UtcMicros) -> Option<Wish> {
        let WebstreamGrant { webstream, windows, start, stop, .. } = &self.grant;
        let newer = start.number > self.done_start.max(*stop);
        if newer && start.from <= now && now < start.until {
            let (from, until, take) = (start.from, start.until, start.take);
            let tier = Tier::LiveOverride;
            return Some(Wish { from, until, tier, take, start: start.number });
        }
        let open = |(from, until): &&(UtcMicros, UtcMicros)| {
            from.plus(-AHEAD_US) <= now && now < *until && *until > self.done_until
        };
        let (from, until) = *windows.iter().find(open)?;
        let (tier, take) = (Tier::LiveScheduled, webstream.take);
        Some(Wish { from, until, tier, take, start: 0 })
    }

    /// A person wants it off the air: windows that are open are over as well.
    fn stop(&mut self, now: UtcMicros) {
        self.stand_down();
        let open = self.grant.windows.iter().filter(|(from, until)| *from <= now && now < *until);
        let ends = open.map(|(_, until)| *until).max();
        self.done_until = self.done_until.max(ends.unwrap_or(self.done_until));
    }

    /// Whoever took it off the air means this time of it.
    fn stand_down(&mut self) {
        match self.wish.take() {
            Some(Wish { start: 0, until, .. }) => self.done_until = self.done_until.max(until),
            Some(wish) => self.done_start = self.done_start.max(wish.start),
            None => {}
        }
    }
}

/// All of them.
pub struct Streams {
    all: BTreeMap<WebstreamId, Stream>,
    runtime: Handle,
    keys: u64,
}

impl Streams {
    /// None yet.
    pub fn new(runtime: Handle) -> Self {
        Self { all: BTreeMap::new(), runtime, keys: KEYS }
    }

    /// What a live input tells, as a webstream tells it where it is one.
    pub(super) fn told(&self, id: WebstreamId, event: LiveAirEvent) -> Option<WebstreamAirEvent> {
        let webstream_id = id;
        Some(match event {
            LiveAirEvent::Ready { format, .. } => WebstreamAirEvent::Ready { webstream_id, format },
            LiveAirEvent::Claimed { claim, .. } => {
                let wish = self.all.get(&id).and_then(|stream| stream.wish);
                let start = wish.map_or(0, |wish| wish.start);
                WebstreamAirEvent::Claimed { webstream_id, start, claim }
            }
            LiveAirEvent::Titled { title, .. } => WebstreamAirEvent::Titled { webstream_id, title },
            LiveAirEvent::RanDry { claim_id, .. } => {
                WebstreamAirEvent::RanDry { webstream_id, claim_id }
            }
            LiveAirEvent::Connected { .. }
            | LiveAirEvent::OverBegan { .. }
            | LiveAirEvent::OverEnded { .. }
            | LiveAirEvent::Disconnected { .. }
            | LiveAirEvent::Refused { .. }
            | LiveAirEvent::Recording { .. } => return None,
        })
    }
}

/// The live input that a webstream is.
fn session_of(id: WebstreamId) -> LiveSessionId {
    LiveSessionId(id.0)
}

/// It goes on as it is with the new words.
fn goes_on(before: &Webstream, now: &Webstream) -> bool {
    let all = |w: &Webstream| (w.urls.clone(), w.probe, w.failover);
    all(before) == all(now)
}

impl Director {
    /// Takes a hand-over of webstreams.
    pub(super) fn set_webstreams(
        &mut self,
        webstreams: EngineWebstreams,
        bytes: &[u8],
        epoch: u64,
    ) -> Taken {
        let revision = self.accept(webstreams.revision, self.held.webstreams.revision, epoch)?;
        self.cache.keep(Part::Webstreams, epoch, bytes);
        self.take_webstreams(webstreams);
        Ok(revision)
    }

    /// Brings the webstreams to what a hand-over says.
    pub(super) fn take_webstreams(&mut self, mut webstreams: EngineWebstreams) {
        if self.held.lean {
            // The smallest engine fetches nothing.
            webstreams.grants.clear();
        }
        let now = self.now().utc();
        let mut before = std::mem::take(&mut self.streams.all);
        for grant in &webstreams.grants {
            let id = grant.webstream.id;
            if !grant.webstream.enabled {
                continue;
            }
            let kept = before.remove(&id);
            let Some(mut stream) = self.stream_of(kept, grant) else { continue };
            stream.grant = grant.clone();
            let stops = grant.stop > std::mem::replace(&mut stream.served_stop, grant.stop);
            if grant.probe > std::mem::replace(&mut stream.served_probe, grant.probe) {
                stream.player.probe();
            }
            if stops {
                stream.stop(now);
            }
            self.streams.all.insert(id, stream);
            if stops {
                self.cut_off(session_of(id));
            }
        }
        // What is left is no more; its player ends with it.
        for id in before.into_keys() {
            self.cut_off(session_of(id));
            self.end_link(id);
        }
        self.held.webstreams = webstreams;
    }

    /// The one there is, if it can go on, else a new one.
    fn stream_of(&mut self, kept: Option<Stream>, grant: &WebstreamGrant) -> Option<Stream> {
        let webstream = &grant.webstream;
        if let Some(stream) = kept {
            if goes_on(&stream.grant.webstream, webstream) {
                stream.player.pass_titles(webstream.passthrough);
                return Some(stream);
            }
            self.end_link(webstream.id);
            let player = self.start_player(webstream)?;
            return Some(Stream { player, ..stream });
        }
        let player = self.start_player(webstream)?;
        Some(Stream {
            grant: grant.clone(),
            player,
            served_stop: grant.stop,
            served_probe: grant.probe,
            done_start: 0,
            done_until: UtcMicros(0),
            wish: None,
        })
    }

    fn start_player(&self, webstream: &Webstream) -> Option<Player> {
        let tx = self.tx.clone();
        let tell: Tell = Arc::new(move |word: InputWord| {
            let _ = tx.send(Msg::Input(word));
        });
        Player::start(webstream, self.streams.runtime.clone(), tell)
            .map_err(|reason| tracing::error!(id = %webstream.id, reason, "no webstream"))
            .ok()
    }

    /// Nothing more comes into its ring; what is there is still heard.
    fn end_link(&mut self, id: WebstreamId) {
        if let Some(link) = self.lives.stream_link(session_of(id)) {
            link.ended = true;
        }
    }

    /// One turn: what is opened, put on air, closed.
    pub(super) fn step_streams(&mut self) {
        let now = self.now().utc();
        let ids: Vec<WebstreamId> = self.streams.all.keys().copied().collect();
        for id in ids {
            let Some(stream) = self.streams.all.get_mut(&id) else { continue };
            let live = self.lives.all.get(&session_of(id));
            let claims = live.is_some_and(|live| live.claim.is_some());
            // What it took the air by is what it follows while it holds it.
            if !claims {
                stream.wish = stream.wish_at(now).filter(|_| self.signed_on);
            }
            let Some(wish) = stream.wish else {
                if live.is_some_and(|live| !claims && live.link.is_some()) {
                    stream.player.rest();
                    self.end_link(id);
                }
                continue;
            };
            // What is left of a ring that ended is heard first: its end is foreseen by it.
            let claim = live.and_then(|live| live.claim);
            let sounds = claim.and_then(|claim| self.claims.raised.get(&claim)?.current).is_some();
            let over = live.is_none_or(|live| live.link.as_ref().is_none_or(Link::over));
            if over && !sounds {
                self.open_stream(id, wish);
            }
            let Some(live) = self.lives.all.get_mut(&session_of(id)) else { continue };
            if !claims {
                live.session.tier = wish.tier;
                live.windows = vec![(wish.from, wish.until)];
                if wish.from <= now {
                    live.wanted.get_or_insert(wish.take);
                }
            }
        }
    }

    /// Has its player fill a ring, from which it will be heard.
    fn open_stream(&mut self, id: WebstreamId, wish: Wish) {
        let Some(stream) = self.streams.all.get(&id) else { return };
        if now_over(stream, self.now().utc()) {
            return;
        }
        let (feed, tap) = live(HELD_FRAMES);
        self.streams.keys += 1;
        let key = self.streams.keys;
        stream.player.play(feed, key, self.gate.target_lufs());
        let session = stream.grant.webstream.session(wish.tier, wish.take);
        let live = self.lives.all.entry(session.id).or_insert_with(|| Live::of_stream(id, session));
        live.windows = vec![(wish.from, wish.until)];
        live.link = Some(Link::of_stream(key, tap));
    }

    /// Its claim has ended; by whomever, unless it gave it up for want of sound.
    pub(super) fn stream_let_go(&mut self, id: WebstreamId, gave_up: bool) {
        let sent_away = self.signed_on && !gave_up;
        if let Some(stream) = self.streams.all.get_mut(&id).filter(|_| sent_away) {
            stream.stand_down();
        }
    }

    /// What a player tells.
    pub(super) fn on_stream(&mut self, event: WebstreamAirEvent) {
        self.fact(AirEvent::Webstream(Box::new(event)));
    }
}

fn now_over(stream: &Stream, now: UtcMicros) -> bool {
    stream.wish.is_none_or(|wish| wish.until <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::webstream::{FailoverSettings, ProbeSettings, WebstreamStart};

    fn stream(windows: &[(i64, i64)], start: WebstreamStart) -> (Stream, tokio::runtime::Runtime) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("starts");
        let webstream = Webstream {
            id: WebstreamId([1; 16]),
            name: "Sister".into(),
            urls: vec!["http://127.0.0.1:9/".into()],
            enabled: true,
            take: TakePolicy::Immediate,
            passthrough: true,
            // It is not opened unless it is played.
            probe: ProbeSettings { interval_s: 0, ..ProbeSettings::default() },
            failover: FailoverSettings::default(),
        };
        let tell: Tell = Arc::new(|_| {});
        let player = Player::start(&webstream, runtime.handle().clone(), tell).expect("starts");
        let windows = windows.iter().map(|(from, until)| (second(*from), second(*until))).collect();
        let grant = WebstreamGrant { webstream, windows, start, stop: 0, probe: 0 };
        let stream = Stream {
            grant,
            player,
            served_stop: 0,
            served_probe: 0,
            done_start: 0,
            done_until: UtcMicros(0),
            wish: None,
        };
        (stream, runtime)
    }

    fn second(n: i64) -> UtcMicros {
        UtcMicros(n * 1_000_000)
    }

    #[test]
    fn who_stops_a_webstream_in_a_slot_stops_the_slot_as_well_and_no_later_one() {
        let take = TakePolicy::Immediate;
        let start = WebstreamStart { number: 1, from: second(30), until: second(90), take };
        let (mut stream, _runtime) = stream(&[(20, 100), (200, 300)], start);
        assert_eq!(stream.wish_at(second(25)).map(|wish| wish.start), Some(0), "the slot's");
        stream.wish = stream.wish_at(second(40));
        assert_eq!(stream.wish.map(|wish| wish.start), Some(1), "a person's");
        stream.grant.stop = 2;
        stream.stop(second(50));
        assert_eq!(stream.wish_at(second(50)), None, "neither comes back");
        assert_eq!(stream.wish_at(second(200)).map(|wish| wish.from), Some(second(200)));
    }
}
