//! Who takes an output's segments: sessions, made of requests that have nothing in common but where
//! they come from and what the player calls itself.
//!
//! Of both only a number is kept, by a secret that ends with the process: no address. Not here:
//! what a session is counted for (`sessions`).

use crate::output::sessions::{Session, Sessions, Who};
use grimnir_events::AirFrame;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A session is over where nothing is asked for so many segments, and for so long at least.
const PAUSE_SEGMENTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(10);
/// Sessions at once: who comes beyond is served and not counted.
const HERE_MAX: usize = 20_000;
/// Those that are over are looked for this often.
const SWEEP: Duration = Duration::from_secs(1);

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// From where; it is forgotten with the request.
    pub address: IpAddr,
    /// What is kept.
    pub who: Who,
}

/// Frames that a segment holds: from the first to before the last.
pub type Span = (AirFrame, AirFrame);

/// What a playlist holds.
pub const NO_FRAMES: Span = (AirFrame(i64::MIN), AirFrame(i64::MIN));

/// The sessions of one output.
pub struct Audience {
    secret: RandomState,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sessions: Sessions,
    here: HashMap<u64, Here>,
    swept: Option<Instant>,
    full: bool,
}

struct Here {
    session: Arc<Session>,
    seen: Instant,
}

impl Audience {
    /// Nobody yet, of segments of this length.
    pub fn new(segment: Duration) -> Self {
        let pause = (segment * PAUSE_SEGMENTS).max(PAUSE);
        Self { secret: RandomState::new(), pause, state: Mutex::default() }
    }

    /// Somebody is given so many bytes, with these frames of the air.
    pub fn took(&self, caller: &Caller, bytes: usize, span: Span, now: Instant) {
        let key = self.secret.hash_one((caller.address, &caller.who.agent));
        let mut state = self.swept(now, SWEEP);
        let State { sessions, here, full, .. } = &mut *state;
        let room = here.len() < HERE_MAX;
        if !room && !std::mem::replace(full, true) {
            tracing::warn!(limit = HERE_MAX, "so many take segments: who comes is not counted");
        }
        if room || here.contains_key(&key) {
            let new = || Here { session: sessions.begin(caller.who.clone()), seen: now };
            let here = here.entry(key).or_insert_with(new);
            here.seen = now;
            here.session.took(bytes, span.0, span.1);
        }
    }

    /// Who listens.
    pub fn now(&self, now: Instant) -> Vec<Arc<Session>> {
        self.swept(now, Duration::ZERO).sessions.now()
    }

    /// What each was handed of these frames; what is before `keep` is counted no more.
    pub fn spans(&self, from: AirFrame, to: AirFrame, keep: AirFrame) -> Vec<(i64, i64)> {
        let mut state = self.swept(Instant::now(), Duration::ZERO);
        let spans = state.sessions.spans(from, to);
        state.sessions.forget_before(keep);
        spans
    }

    /// True where nobody listens and nobody is to be counted any more.
    pub fn is_forgotten(&self) -> bool {
        self.lock().sessions.is_empty()
    }

    /// Ends the sessions of those who ask no more, where that was not done for `every`.
    fn swept(&self, now: Instant, every: Duration) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if state.swept.is_none_or(|last| now.saturating_duration_since(last) >= every) {
            state.swept = Some(now);
            state.here.retain(|_, here| {
                let stays = now.saturating_duration_since(here.seen) < self.pause;
                if !stays {
                    here.session.end();
                }
                stays
            });
            state.full &= state.here.len() >= HERE_MAX;
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(last: u8, agent: &str) -> Caller {
        Caller { address: IpAddr::from([192, 0, 2, last]), who: Who::new(false, false, agent) }
    }

    fn span(from: i64, to: i64) -> Span {
        (AirFrame(from), AirFrame(to))
    }

    #[test]
    fn requests_of_one_player_at_one_address_are_a_session_until_it_pauses() {
        let audience = Audience::new(Duration::from_secs(4));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let spans = |from, to| {
            let mut spans = audience.spans(AirFrame(from), AirFrame(to), AirFrame(0));
            spans.sort_unstable();
            spans
        };
        let (anna, bert) = (caller(1, "Player/1"), caller(2, "Player/1"));
        audience.took(&anna, 10, NO_FRAMES, at(0));
        audience.took(&anna, 100, span(0, 400), at(1));
        audience.took(&anna, 100, span(400, 800), at(5));
        // Another address, and another player at the same one.
        audience.took(&bert, 100, span(0, 400), at(6));
        audience.took(&caller(1, "Other"), 100, span(400, 800), at(6));
        let now = audience.now(at(6));
        assert_eq!(now.len(), 3);
        assert_eq!((now[0].bytes(), now[0].frames()), (210, 800));
        assert_eq!(spans(100, 500), [(100, 400), (100, 500), (400, 500)]);
        // Four segments without a request: whoever comes then is another session.
        audience.took(&bert, 10, NO_FRAMES, at(20));
        assert_eq!(audience.now(at(20)).len(), 3);
        assert_eq!(audience.now(at(21)).len(), 2, "the first is over");
        assert_eq!(audience.now(at(22)).len(), 1, "and the other player");
        audience.took(&anna, 100, span(2_000, 2_400), at(23));
        assert_eq!(audience.now(at(23)).len(), 2);
        assert_eq!(spans(0, 4_000), [(0, 400), (0, 800), (400, 800), (2_000, 2_400)]);
        assert_eq!(audience.spans(AirFrame(0), AirFrame(9), AirFrame(900)).len(), 2);
        assert_eq!(spans(0, 4_000), [(0, 400), (2_000, 2_400)], "who went before is forgotten");
        assert!(audience.now(at(60)).is_empty() && !audience.is_forgotten());
        audience.spans(AirFrame(0), AirFrame(0), AirFrame(9_000));
        assert!(audience.is_forgotten());
    }

    #[test]
    fn no_number_of_players_takes_more_than_its_room() {
        let audience = Audience::new(Duration::from_secs(1));
        let now = Instant::now();
        for n in 0..HERE_MAX + 50 {
            audience.took(&caller(1, &n.to_string()), 1, span(0, 1), now);
        }
        assert_eq!(audience.now(now).len(), HERE_MAX);
        let known = caller(1, "7");
        audience.took(&known, 5, span(1, 2), now);
        assert!(audience.now(now).iter().any(|one| one.frames() == 2), "who is there counts on");
        assert_eq!(audience.now(now + PAUSE).len(), 0);
        audience.took(&caller(1, "new"), 1, span(0, 1), now + PAUSE);
        assert_eq!(audience.now(now + PAUSE).len(), 1);
    }
}
