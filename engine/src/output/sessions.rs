//! Who listens to a mount, and who listened while an item was heard.
//!
//! A session knows which frames of the air it was handed; so an item is counted by its frames, not
//! by the time at which somebody asks. Upstream: the hub. Not here: addresses, which nobody keeps.

use crate::air::clock;
use grimnir_events::listening::MountListened;
use grimnir_events::{AirFrame, MountId, UtcMicros};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Longest name of a program that is kept, in characters.
const AGENT_CHARS: usize = 200;
/// Ended sessions that wait to be counted: beyond, the oldest are counted no more.
const ENDED_MAX: usize = 20_000;

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
    ended: AtomicI64,
}

/// No frame yet; no end yet.
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
        self.ended.store(clock::utc_now().0, Ordering::Relaxed);
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
        self.ended.load(Ordering::Relaxed) != NEVER
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
        if self.0.iter().filter(|session| session.is_over()).count() > ENDED_MAX {
            tracing::warn!(limit = ENDED_MAX, "too many came and went: some are not counted");
            self.0.retain(|session| !session.is_over());
        }
        let session = Arc::new(Session {
            who,
            since: clock::utc_now(),
            bytes: AtomicU64::new(0),
            first: AtomicI64::new(NEVER),
            last: AtomicI64::new(NEVER),
            ended: AtomicI64::new(NEVER),
        });
        self.0.push(session.clone());
        session
    }

    /// Those that are.
    pub fn now(&self) -> Vec<Arc<Session>> {
        self.0.iter().filter(|session| !session.is_over()).cloned().collect()
    }

    /// How the frames from `from` to before `to` were listened to.
    pub fn listened(&self, mount_id: MountId, from: AirFrame, to: AirFrame) -> MountListened {
        let within = |session: &Arc<Session>| {
            let (first, last) = session.span()?;
            let (first, last) = (first.max(from.0), last.min(to.0));
            (first < last).then_some((first, last))
        };
        let spans: Vec<(i64, i64)> = self.0.iter().filter_map(within).collect();
        // At most as many as there are when somebody comes.
        let at = |frame: i64| spans.iter().filter(|(a, b)| (*a..*b).contains(&frame)).count();
        let mut starts: Vec<i64> = spans.iter().map(|(first, _)| *first).collect();
        starts.sort_unstable();
        starts.dedup();
        let most = starts.into_iter().map(at).max().unwrap_or(0);
        MountListened {
            mount_id,
            sessions: spans.len() as u32,
            most: most as u32,
            frames: spans.iter().map(|(first, last)| last - first).sum(),
        }
    }

    /// Nothing before `frame` is to be counted any more.
    pub fn forget_before(&mut self, frame: AirFrame) {
        self.0.retain(|session| {
            !session.is_over() || session.span().is_some_and(|(_, last)| last > frame.0)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNT: MountId = MountId([1; 16]);

    fn listened(sessions: &Sessions, from: i64, to: i64) -> (u32, u32, i64) {
        let MountListened { sessions, most, frames, .. } =
            sessions.listened(MOUNT, AirFrame(from), AirFrame(to));
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
    fn a_players_name_is_kept_short_and_plain() {
        let who = Who::new(false, true, &format!("a\r\nb{}", "ä".repeat(300)));
        assert!(who.agent.starts_with("abä") && who.agent.chars().count() == AGENT_CHARS);
    }
}
