//! Why a pick is what it is: written down by the very code that picks, when somebody asks.

use grimnir_events::{MediaId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One pick, or one that failed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PickTrace {
    /// Which slot, and what it picks from.
    pub source: String,
    /// Projected air time.
    pub at: UtcMicros,
    /// Seed of the slot's picks.
    pub seed: String,
    /// What was drawn for this pick.
    pub draw: u64,
    /// Items of the source.
    pub candidates: usize,
    /// How many each rule held back or ruled out; an item counts for each rule it breaks.
    pub removed: BTreeMap<String, usize>,
    /// Rules that the winner breaks: what was relaxed.
    pub relaxed: Vec<String>,
    /// What was picked; `None` for a hole.
    pub picked: Option<MediaId>,
    /// The winner, then those behind it.
    pub ranking: Vec<Scored>,
    /// Why nothing was picked.
    pub hole: Option<String>,
}

/// An item that could have been picked, and its score in hundredths.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Scored {
    /// Which.
    pub media_id: MediaId,
    /// Its title.
    pub title: String,
    /// The sum.
    pub total: i64,
    /// By the block's weights.
    pub weights: i64,
    /// By how long it rested.
    pub rest: i64,
    /// By the curve.
    pub curve: i64,
    /// By how well it fits what is left; less is better, in frames.
    pub misfit: Option<i64>,
    /// By chance.
    pub chance: i64,
}

/// Items behind the winner that a trace names.
pub const RUNNERS_UP: usize = 4;
