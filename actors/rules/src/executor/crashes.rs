//! How often an engine may crash before the smallest one takes its place.

use super::ExecutorState;
use super::rejection::ExecutorRejection as No;
use crate::text;
use grimnir_events::UtcMicros;
use grimnir_events::crash::{CrashAnswer, EngineCrash, WholeAgain};
use grimnir_events::executor::ExecutorEvent;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// So many crashes in [`WINDOW_US`] are too many.
pub const TOO_MANY: usize = 5;
/// The time they are counted in: 5 minutes.
pub const WINDOW_US: i64 = 300_000_000;
/// The smallest engine is replaced by a whole one after this: 10 minutes.
pub const MINIMAL_US: i64 = 600_000_000;
/// Longest last words that are kept, in characters.
pub const LAST_WORDS_MAX: usize = 1_000;

/// The fold of crashes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Crashes {
    /// When engines crashed that count against the next, oldest first.
    pub at: VecDeque<UtcMicros>,
    /// The process that crashed last: it does so once.
    pub last_pid: u32,
    /// Since when the smallest engine is to play; `None` when a whole one is.
    pub minimal_since: Option<UtcMicros>,
}

impl Crashes {
    /// Folds a crash.
    pub fn crashed(&mut self, crash: &EngineCrash, answer: CrashAnswer) {
        self.last_pid = crash.pid;
        self.at.push_back(crash.at);
        while self.at.len() > TOO_MANY {
            self.at.pop_front();
        }
        if answer == CrashAnswer::Minimal {
            self.minimal_since.get_or_insert(crash.at);
        }
    }

    /// Folds the return to whole engines: what crashed before counts no more.
    pub fn whole(&mut self) {
        self.at.clear();
        self.minimal_since = None;
    }

    /// The smallest engine has played for long enough that a whole one is tried again.
    pub fn is_over(&self, now: UtcMicros) -> bool {
        self.minimal_since.is_some_and(|since| now.since(since) >= MINIMAL_US)
    }
}

/// Decides what follows from a crash.
pub(super) fn report(state: &ExecutorState, crash: &EngineCrash) -> Vec<ExecutorEvent> {
    let crashes = &state.crashes;
    if crashes.last_pid == crash.pid && crashes.at.back() == Some(&crash.at) {
        return vec![];
    }
    let recent = crashes.at.iter().filter(|at| crash.at.since(**at) < WINDOW_US).count() + 1;
    let minimal = crashes.minimal_since.is_some() || recent >= TOO_MANY;
    let answer = if minimal { CrashAnswer::Minimal } else { CrashAnswer::Restarted };
    let crash = EngineCrash {
        ended: text::clip(&crash.ended, LAST_WORDS_MAX),
        last_words: text::clip(&crash.last_words, LAST_WORDS_MAX),
        ..crash.clone()
    };
    vec![ExecutorEvent::EngineCrashed { crash: Box::new(crash), answer }]
}

/// Decides whether engines are whole again.
pub(super) fn restore(state: &ExecutorState, why: &WholeAgain) -> Result<Vec<ExecutorEvent>, No> {
    match state.crashes.minimal_since {
        Some(_) => Ok(vec![ExecutorEvent::EngineWhole { why: why.clone() }]),
        None => Err(No::EngineIsWhole),
    }
}
