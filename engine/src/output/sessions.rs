//! Who listens to a mount, and who listened while an item was heard.
//!
//! A session knows which frames of the air it was handed; so an item is counted by its frames, not
//! by the time at which somebody asks. Upstream: the hub. Not here: addresses, which nobody keeps.

use crate::air::clock;
use grimnir_events::listening::MountListened;
use grimnir_events::{AirFrame, MountId, UtcMicros};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// Longest name of a program that is kept, in characters.
const AGENT_CHARS: usize = 200;
/// Ended sessions that wait to be counted: beyond, the oldest are counted no more.
const ENDED_MAX: usize = 20_000;
/// So many of them go at once, so that not everybody who comes has them counted.
const ENDED_GO: usize = ENDED_MAX / 10;

/// Who listens.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// By IPv6.
    pub ipv6: bool,
    /// Over TLS.
    pub tls: bool,
    /// What the player calls itself.
    pub agent: String,
}

impl Who {
    /// As a request tells it.
    pub fn new(ipv6: bool, tls: bool, agent: &str) -> Self {
        let agent = agent.chars().filter(|c| !c.is_control()).take(AGENT_CHARS).collect();
        Self { ipv6, tls, agent }
    }
}

/// One listener from beginning to end.
#[derive(Debug)]
pub struct Session {
    /// Who.
    pub who: Who,
    /// Since when.
    pub since: UtcMicros,
    bytes: AtomicU64,
    first: AtomicI64,
    last: AtomicI64,
    over: AtomicBool,
}

/// No frame yet.
const NEVER: i64 = i64::MIN;

impl Session {
    /// It was handed so many bytes, with these frames of the air.
    pub fn took(&self, bytes: usize, from: AirFrame, until: AirFrame) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        // Headers are before all air.
        if until.0 != NEVER {
            let never = Ordering::Relaxed;
            let _ = self.first.compare_exchange(NEVER, from.0, never, never);
            self.last.fetch_max(until.0, Ordering::Relaxed);
        }
    }

    /// Its connection is over.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Bytes that it was handed.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Frames that it was handed.
    pub fn frames(&self) -> i64 {
        self.span().map_or(0, |(first, last)| last - first)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn span(&self) -> Option<(i64, i64)> {
        let (first, last) = (&self.first, &self.last);
        let span = (first.load(Ordering::Relaxed), last.load(Ordering::Relaxed));
        (span.0 != NEVER).then_some(span)
    }
}

/// The sessions of a mount: those that are, and those that were and are still to be counted.
#[derive(Default)]
pub struct Sessions(Vec<Arc<Session>>);

impl Sessions {
    /// Somebody comes.
    pub fn begin(&mut self, who: Who) -> Arc<Session> {
        if self.0.len() >= ENDED_MAX {
            self.drop_oldest();
        }
        let session = Arc::new(Session {
            who,
            since: clock::utc_now(),
            bytes: AtomicU64::new(0),
            first: AtomicI64::new(NEVER),
            last: AtomicI64::new(NEVER),
            over: AtomicBool::new(false),
        });
        self.0.push(session.clone());
        session
    }

    /// Those that are.
    pub fn now(&self) -> Vec<Arc<Session>> {
        self.0.iter().filter(|session| !session.is_over()).cloned().collect()
    }

    /// Of those who ended, where too many did.
    fn drop_oldest(&mut self) {
        if self.0.iter().filter(|session| session.is_over()).count() >= ENDED_MAX {
            tracing::warn!(limit = ENDED_MAX, "too many came and went: the oldest are not counted");
            let mut left = ENDED_GO;
            self.0.retain(|session| {
                let goes = left > 0 && session.is_over();
                left -= usize::from(goes);
                !goes
            });
        }
    }

    /// What each session was handed of the frames from `from` to before `to`.
    pub fn spans(&self, from: AirFrame, to: AirFrame) -> Vec<(i64, i64)> {
        let within = |session: &Arc<Session>| {
            let (first, last) = session.span()?;
            let (first, last) = (first.max(from.0), last.min(to.0));
            (first < last).then_some((first, last))
        };
        self.0.iter().filter_map(within).collect()
    }

    /// Nothing before `frame` is to be counted any more.
    pub fn forget_before(&mut self, frame: AirFrame) {
        self.0.retain(|session| {
            !session.is_over() || session.span().is_some_and(|(_, last)| last > frame.0)
        });
    }

    /// None is left, of those that are and of those that are to be counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How many sessions there were, how many at once at most, and their frames.
pub struct Count {
    /// Sessions.
    pub sessions: u32,
    /// At once.
    pub most: u32,
    /// Of all together.
    pub frames: i64,
}

/// What became of spans: one for each session.
pub fn tally(spans: &[(i64, i64)]) -> Count {
    // Who goes at a frame is gone before others come at it.
    let mut turns: Vec<(i64, i32)> =
        spans.iter().flat_map(|(first, last)| [(*first, 1), (*last, -1)]).collect();
    turns.sort_unstable();
    let (mut now, mut most) = (0, 0);
    for (_, turn) in turns {
        now += turn;
        most = most.max(now);
    }
    Count {
        sessions: spans.len() as u32,
        most: most as u32,
        frames: spans.iter().map(|(first, last)| last - first).sum(),
    }
}

/// The same of a mount.
pub fn count(mount_id: MountId, spans: &[(i64, i64)]) -> MountListened {
    let Count { sessions, most, frames } = tally(spans);
    MountListened { mount_id, sessions, most, frames }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNT: MountId = MountId([1; 16]);

    fn listened(sessions: &Sessions, from: i64, to: i64) -> (u32, u32, i64) {
        let MountListened { sessions, most, frames, .. } =
            count(MOUNT, &sessions.spans(AirFrame(from), AirFrame(to)));
        (sessions, most, frames)
    }

    #[test]
    fn an_item_is_counted_by_the_frames_that_each_session_was_handed() {
        let mut all = Sessions::default();
        let mut heard = |spans: &[(i64, i64)]| {
            let session = all.begin(Who::default());
            for (from, until) in spans {
                session.took(100, AirFrame(*from), AirFrame(*until));
            }
            session
        };
        let _whole = heard(&[(NEVER, NEVER), (0, 500), (500, 3_000)]);
        heard(&[(900, 1_100)]).end();
        heard(&[(1_100, 1_900)]).end();
        let came = heard(&[(2_000, 2_500)]);
        let nothing = heard(&[]);
        assert_eq!(listened(&all, 1_000, 2_000), (3, 2, 1_000 + 100 + 800));
        assert_eq!(listened(&all, 2_000, 2_100), (2, 2, 200));
        assert_eq!(listened(&all, 3_000, 4_000), (0, 0, 0));
        assert_eq!((came.frames(), came.bytes(), nothing.frames()), (500, 100, 0));
        all.forget_before(AirFrame(1_100));
        assert_eq!(listened(&all, 0, 4_000).0, 3, "who ended before is forgotten");
        assert_eq!(all.now().len(), 3);
    }

    #[test]
    fn most_at_once_is_told_whoever_comes_as_another_goes() {
        assert_eq!(count(MOUNT, &[(0, 100), (100, 200), (200, 300)]).most, 1);
        assert_eq!(count(MOUNT, &[(0, 300), (50, 250), (100, 200), (250, 260)]).most, 3);
        let all: Vec<(i64, i64)> = (0..50_000).map(|n| (n, n + 1_000)).collect();
        assert_eq!(count(MOUNT, &all).most, 1_000);
    }

    #[test]
    fn where_too_many_came_and_went_the_oldest_are_counted_no_more() {
        let mut all = Sessions::default();
        let stays = all.begin(Who::default());
        stays.took(1, AirFrame(0), AirFrame(1_000_000));
        for n in 0..ENDED_MAX as i64 + 10 {
            let session = all.begin(Who::default());
            session.took(1, AirFrame(n), AirFrame(n + 1));
            session.end();
        }
        let all_of = listened(&all, 0, 1_000_000).0 as usize;
        assert_eq!(all_of, 1 + ENDED_MAX + 10 - ENDED_GO);
        assert_eq!(listened(&all, 0, ENDED_GO as i64).0, 1, "the oldest are gone, who listens not");
        assert_eq!(listened(&all, ENDED_GO as i64, 1_000_000).0 as usize, all_of);
    }

    #[test]
    fn a_players_name_is_kept_short_and_plain() {
        let who = Who::new(false, true, &format!("a\r\nb{}", "ä".repeat(300)));
        assert!(who.agent.starts_with("abä") && who.agent.chars().count() == AGENT_CHARS);
    }
}
