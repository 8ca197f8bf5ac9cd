//! Sealed segments that a start did not read, read again in their turn: each from the proven tree
//! before it to the proven tree behind it.
//!
//! What is signed meanwhile is the tree that was signed before, and commits after it: a record that
//! was changed never gets into it. Here it is found. A file keeps how far it is, so that short runs
//! come round too.

use super::folder::ProofFolder;
use super::growth::Growth;
use super::notary::NotaryError;
use super::reading::{Reading, Target};
use super::tile::TilesAt;
use crate::files;
use crate::ledger::Recorded;
use std::path::PathBuf;
use std::sync::Arc;

/// In the folder of the proof: the size up to which sealed segments were read again.
const KEPT: &str = "reread";

/// The reading of what a start left out.
#[derive(Debug)]
pub(crate) struct Reread {
    folder: ProofFolder,
    /// The trees behind the sealed segments, proven; smallest first.
    ends: Vec<Target>,
    /// Those before this one are done.
    at: usize,
    /// The segments that are left in this round.
    left: usize,
    reading: Option<Reading>,
}

impl Reread {
    /// Of the segments that end with these trees, from where the last run came to.
    pub fn of(folder: ProofFolder, ends: Vec<Target>) -> Self {
        let mut reread = Self { folder, left: ends.len(), ends, at: 0, reading: None };
        if !reread.ends.is_empty() {
            let text = files::read_if_there(&reread.path()).ok().flatten();
            let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
            let kept = text.and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0);
            reread.at = reread.ends.partition_point(|end| end.size <= kept) % reread.ends.len();
        }
        reread
    }

    fn path(&self) -> PathBuf {
        self.folder.dir().join(KEPT)
    }

    /// Position of the commit that is next; `None` when all segments were read. There are tiles of
    /// the tree with `size` leaves.
    pub fn next(&mut self, size: u64) -> Option<u64> {
        if self.left == 0 {
            return None;
        }
        let end = *self.ends.get(self.at)?;
        let reading = self
            .reading
            .take()
            .unwrap_or_else(|| Reading::new(self.folder.clone(), self.before(size), Some(end)));
        let next = reading.growth().size() + 1;
        self.reading = Some(reading);
        Some(next)
    }

    /// The tree before the segment that is next, or before one ahead of it where the tiles of that
    /// are not good.
    fn before(&self, size: u64) -> Growth {
        let tiles = TilesAt::new(&self.folder, size);
        let earlier = self.ends[..self.at].iter().rev();
        let mut resumed = earlier.filter_map(|before| {
            let growth = Growth::resume(&tiles, before.size).ok()?;
            (growth.root() == before.root).then_some(growth)
        });
        resumed.next().unwrap_or_default()
    }

    /// All segments are to be read once more.
    pub fn begin_round(&mut self) {
        self.left = self.ends.len();
    }

    /// Takes commits from [`Self::next`] on, and says how many: those of the segment after it are
    /// left out.
    pub fn admit(&mut self, commits: &[Arc<Recorded>]) -> Result<u64, NotaryError> {
        let Some(end) = self.ends.get(self.at).copied() else { return Ok(0) };
        let Some(reading) = &mut self.reading else { return Ok(0) };
        let count = commits.partition_point(|recorded| recorded.seq <= end.size);
        commits[..count].iter().try_for_each(|recorded| reading.admit(recorded))?;
        if reading.is_confirmed() {
            self.reading = None;
            self.at = (self.at + 1) % self.ends.len();
            self.left -= 1;
            let path = self.path();
            if let Err(error) = files::replace(&path, format!("{}\n", end.size).as_bytes()) {
                tracing::warn!(%error, path = %path.display(), "what was read again is not kept");
            }
        }
        Ok(count as u64)
    }
}
