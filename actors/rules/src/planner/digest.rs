//! Digests of what a plan follows from and of the plan itself: equal digests, equal plan.
//!
//! Over the JSON text of each part, in a fixed order: field names stand in it, so that a part that
//! grows has another digest. Not among the inputs: what played, and what is planned around an hour.

use super::{Media, PLANNER_VERSION, PlanInputs, Playlists, TZDB_VERSION};
use crate::library::analysis::AnalysisEntry;
use grimnir_events::ContentHash;
use grimnir_events::MediaId;
use grimnir_events::details::MediaDetails;
use grimnir_events::timeline::HourPlan;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;

/// Items, playlists and descriptions; the dear part of the inputs, to be kept while the library
/// does not change.
pub fn library(
    media: Media<'_>,
    playlists: &Playlists,
    details: &BTreeMap<MediaId, MediaDetails>,
    analyses: &BTreeMap<MediaId, AnalysisEntry>,
) -> ContentHash {
    let mut sum = Sum::new("library");
    media.dated().for_each(|item| sum.add(&item));
    sum.mark("playlists");
    playlists.iter().for_each(|playlist| sum.add(&playlist));
    sum.mark("details");
    details.iter().for_each(|details| sum.add(&details));
    sum.mark("analyses");
    analyses.iter().for_each(|analysis| sum.add(&analysis));
    sum.done()
}

/// Everything that people set and that a plan follows from; `library` is the digest of that part.
pub fn inputs(inputs: &PlanInputs<'_>, library: ContentHash) -> ContentHash {
    let mut sum = Sum::new("inputs");
    sum.add(&(PLANNER_VERSION, TZDB_VERSION, inputs.station, inputs.time_zone, library));
    sum.add(inputs.settings);
    sum.add(inputs.rules);
    sum.add(&inputs.joins.mode);
    sum.add(inputs.grid);
    sum.add(&inputs.clock);
    inputs.clocks.values().for_each(|clock| sum.add(clock));
    sum.mark("blocks");
    inputs.blocks.values().for_each(|block| sum.add(block));
    sum.mark("playlist times");
    inputs.playlist_times.iter().for_each(|(id, times)| {
        sum.add(id);
        times.iter().for_each(|time| sum.add(&time));
    });
    sum.mark("shows");
    inputs.shows.values().for_each(|show| sum.add(show));
    sum.mark("orders");
    sum.add(&inputs.orders.legal_id);
    inputs.orders.voice.iter().for_each(|voice| sum.add(&voice));
    sum.done()
}

/// An hour, whole.
pub fn plan(plan: &HourPlan) -> ContentHash {
    let mut sum = Sum::new("plan");
    sum.add(plan);
    sum.done()
}

struct Sum(Sha256);

impl Sum {
    fn new(what: &str) -> Self {
        let mut sum = Self(Sha256::new());
        sum.mark(what);
        sum
    }
    fn mark(&mut self, what: &str) {
        self.0.update(what);
        self.0.update([0]);
    }
    fn add(&mut self, part: &(impl Serialize + ?Sized)) {
        // Hashing cannot fail; a part that serde refuses stands as what was written of it.
        let _ = serde_json::to_writer(Hashing(&mut self.0), part);
        self.0.update([0]);
    }
    fn done(self) -> ContentHash {
        ContentHash(self.0.finalize().into())
    }
}

struct Hashing<'s>(&'s mut Sha256);

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
