//! The words of an engine's end that nobody ordered.

use crate::units::UtcMicros;
use serde::{Deserialize, Serialize};

/// An engine's process ended, and nobody had asked it to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EngineCrash {
    /// The process.
    pub pid: u32,
    /// When that was seen.
    pub at: UtcMicros,
    /// How it ended, as far as its parent can tell, e.g. `signal 6`.
    pub ended: String,
    /// How long it had run, in milliseconds; `None` for one that was adopted.
    pub lived_ms: Option<u64>,
    /// What its log last said of a panic or an error; may be empty.
    pub last_words: String,
    /// It already was the smallest engine there is.
    pub minimal: bool,
}

/// What follows from a crash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashAnswer {
    /// An engine is started as before.
    Restarted,
    /// There were too many: one is started that plays the last rung and emergencies, nothing else.
    Minimal,
}

/// Why engines are whole again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WholeAgain {
    /// A person said so.
    Ordered,
    /// It has been tried for long enough without.
    TimeHasPassed,
}
