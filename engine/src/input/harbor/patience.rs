//! How long the harbor waits for whom.

use std::time::Duration;

/// Times that are given.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To say what comes, before the sound.
    pub head: Duration,
    /// To a source that sends nothing.
    pub source: Duration,
}

impl Default for Patience {
    /// 15 s and 10 s, as a real Icecast.
    fn default() -> Self {
        Self { head: Duration::from_secs(15), source: Duration::from_secs(10) }
    }
}
