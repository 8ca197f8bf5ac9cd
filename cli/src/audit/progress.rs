//! A bar for people who wait at a terminal; nothing anywhere else.

use grimnir_replay::audit::Progress;
use std::io::{IsTerminal, Write};

const CELLS: u64 = 30;

/// A bar on stderr.
pub struct Bar {
    shown: bool,
    terminal: bool,
}

impl Bar {
    /// A bar that was not shown yet.
    pub fn new() -> Self {
        Self { shown: false, terminal: std::io::stderr().is_terminal() }
    }

    /// Shows how far it is.
    pub fn show(&mut self, word: Progress) {
        if !self.terminal {
            return;
        }
        self.shown = true;
        let (read, all) = word.bytes.unwrap_or((0, 0));
        let full = (read * CELLS).checked_div(all).unwrap_or(0).min(CELLS);
        let percent = (read * 100).checked_div(all).unwrap_or(0).min(100);
        let bar = "#".repeat(full as usize) + &".".repeat((CELLS - full) as usize);
        // A terminal that goes away is no reason to stop reading.
        let _ = write!(std::io::stderr(), "\r[{bar}] {percent:3} %  {} commits", word.commits);
    }

    /// Takes it away, so that the answer stands alone.
    pub fn clear(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}
