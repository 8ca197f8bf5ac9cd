//! The words of smart blocks: which items a block takes, how it prefers and spaces them, and what
//! it does when they run out.
//!
//! Every key changes what is planned. Numbers are integers; weights are hundredths.
//! Downstream: the planner. Not here: how a pick is made.

mod rule;
mod validate;
mod value;

pub use rule::{Field, Logic, Op, Rule, RuleGroup};
pub use validate::{BlockFault, MAX_FALLBACK_DEPTH, MAX_RULES, check_separations};
pub use value::{Span, SpanUnit, Value};

use crate::ids::{PlaylistId, SmartBlockId};
use serde::{Deserialize, Serialize};

/// A named set of rules that yields items.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmartBlock {
    /// Its id.
    pub id: SmartBlockId,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Its rules.
    pub rules: BlockRules,
}

/// The rules of a block.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlockRules {
    /// An item is taken when every group matches; none takes all programme.
    pub include: Vec<RuleGroup>,
    /// An item is left out when any group matches.
    pub exclude: Vec<RuleGroup>,
    /// What is preferred.
    pub weights: Vec<Weight>,
    /// How many of a kind in a time.
    pub quotas: Vec<Quota>,
    /// How far apart alike items are.
    pub separation: BlockSeparation,
    /// How picks follow on one another.
    pub sequence: Sequence,
    /// How long the block is.
    pub duration: Duration,
    /// In which order items come up.
    pub order: Order,
    /// How much the longest-rested are preferred.
    pub rest: Rest,
    /// What fills a gap that no item of the block fits.
    pub bumpers: Bumpers,
    /// What comes in between, every so many items.
    pub interstitials: Interstitials,
    /// An item may come again in one run of the block.
    pub loop_to_fill: bool,
    /// Other blocks to ask when this one has nothing.
    pub fallbacks: Vec<Fallback>,
}

/// A preference.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// What it is about.
    pub rule: Rule,
    /// How much it adds to the score, in hundredths; below zero it takes away.
    pub weight_x100: i32,
}

/// A bound on how many of a kind air in a time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// What is looked at.
    pub field: Field,
    /// Which values count.
    pub values: Vec<String>,
    /// At least so many; an item that does not count is held back until then.
    #[serde(default)]
    pub min: Option<u32>,
    /// At most so many.
    #[serde(default)]
    pub max: Option<u32>,
    /// In how many seconds before the air time of a pick; 0 counts this run of the block.
    #[serde(default)]
    pub window_sec: u32,
}

/// How far apart alike items start, in seconds. What is not given is the station's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlockSeparation {
    /// Of one artist, each of a credit counted.
    pub artist_sec: Option<u32>,
    /// Of one title.
    pub title_sec: Option<u32>,
    /// Of one album.
    pub album_sec: Option<u32>,
    /// Of one label.
    pub label_sec: Option<u32>,
    /// Of one value of other fields, the most important last.
    pub fields: Vec<FieldSeparation>,
}

/// How far apart items of one value of a field start.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSeparation {
    /// The field: one that holds text.
    pub field: Field,
    /// Seconds.
    pub sec: u32,
}

/// How picks follow on one another.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sequence {
    /// What the curve is of.
    pub measure: Measure,
    /// Wanted value per place; empty wants none.
    pub curve: Vec<i32>,
    /// What comes after the curve's end.
    pub mode: CurveMode,
    /// An item further from the curve is held back; `None` lets the score decide alone.
    pub tolerance: Option<u32>,
    /// What an item on the curve adds to the score, in hundredths.
    pub weight_x100: u32,
    /// Two items below `low_below` may follow on one another.
    pub allow_adjacent_low: bool,
    /// Below this an item is low; 0 knows none.
    pub low_below: u32,
    /// Largest step from one item to the next; 0 knows none.
    pub max_step: u32,
}

/// What a curve is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Energy.
    #[default]
    Energy,
    /// Beats a minute.
    Bpm,
}

/// What comes after a curve's end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CurveMode {
    /// Its beginning.
    #[default]
    Cycle,
    /// Its last value goes on.
    Hold,
    /// Nothing: it is laid over the run's whole time.
    Stretch,
}

/// How long a block is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Duration {
    /// Airtime; `None` fills to the end of the slot.
    pub target_ms: Option<u32>,
    /// How far off is near enough.
    pub tolerance_ms: u32,
    /// How the end is met.
    pub strategy: Strategy,
    /// Most items; `None` knows no limit.
    pub max_items: Option<u32>,
}

impl Default for Duration {
    fn default() -> Self {
        Self { target_ms: None, tolerance_ms: 2_000, strategy: Strategy::Over, max_items: None }
    }
}

/// How a block's end is met.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Whatever comes closer: the last item in or out.
    Closest,
    /// Never longer than target and tolerance.
    Under,
    /// On until the target is reached.
    #[default]
    Over,
    /// The last items are chosen so that their lengths add up.
    ExactFit,
}

/// In which order items come up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Longest rested first, by score among those alike.
    #[default]
    LeastRecent,
    /// By chance, whatever rested how long.
    Random,
    /// Newest in the library first.
    Newest,
    /// Oldest in the library first.
    Oldest,
    /// Last on air first.
    MostRecent,
}

/// How much the longest-rested are preferred, with the order `least_recent`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rest {
    /// Items beyond this share of the block, longest rested first, are held back.
    pub share_percent: u8,
    /// What the longest rested adds to the score, in hundredths.
    pub weight_x100: u32,
}

impl Default for Rest {
    fn default() -> Self {
        Self { share_percent: 25, weight_x100: 100 }
    }
}

/// What fills a gap that no item of the block fits.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bumpers {
    /// They are used.
    pub enabled: bool,
    /// Where they come from.
    pub source: Option<ItemSource>,
    /// Most in one gap.
    pub max_per_gap: u32,
    /// Longest of them.
    pub max_duration_sec: u32,
}

/// What comes in between, every so many items.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Interstitials {
    /// They are used.
    pub enabled: bool,
    /// After so many items of the block.
    pub every: u32,
    /// So many in one break, with `any`.
    pub per_break: u32,
    /// `any` takes from the sources in turn, `all` one from each.
    pub logic: Logic,
    /// Longest of them.
    pub max_duration_sec: u32,
    /// Where they come from.
    pub sources: Vec<ItemSource>,
}

/// A plain source of items.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemSource {
    /// Items of a playlist.
    Playlist(PlaylistId),
    /// Items that a rule holds of.
    Match(Rule),
}

/// Another block to ask when this one has nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// Which.
    pub smart_block_id: SmartBlockId,
    /// Most items of it in one run; 0 knows no limit.
    #[serde(default)]
    pub limit: u32,
}

/// What a station asks of every pick, whatever its source.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StationRules {
    /// The sound recording performance complement of 17 U.S.C. § 114(j)(13): in three hours no
    /// more than 3 tracks of one album, 2 of them in a row, nor 4 of one featured artist or of one
    /// set or compilation, 3 of them in a row. Never relaxed.
    pub performance_complement: bool,
    /// Separations by other fields, for sources that name none of their own.
    pub separation: BlockSeparation,
}
