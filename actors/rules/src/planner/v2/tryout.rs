//! A block tried out without planning anything: what it would yield, and what each rule leaves.

use super::explain::PickTrace;
use super::slots::Slots;
use super::source::{Counts, SourceKey};
use super::{Planner, Stretch, hour_seed};
use crate::planner::PlanInputs;
use crate::planner::chain::Chain;
use crate::planner::hours::hour_of;
use crate::planner::v1::slots::End;
use crate::timeline::decide::HOUR_US;
use grimnir_events::smart_block::SmartBlock;
use grimnir_events::timeline::{Anchor, HourPlan, Line};
use grimnir_events::units::frames_of_ms;
use grimnir_events::{LineId, SmartBlockId, UtcMicros};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What a block yields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Materialized {
    /// Lines from the asked time on.
    pub lines: Vec<Line>,
    /// What could not be done as asked.
    pub notes: Vec<String>,
    /// How each pick came about; a hole has no line.
    pub picks: Vec<(Option<LineId>, PickTrace)>,
}

/// What each rule of a block leaves of the library.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockTest {
    /// By the rules whose answer stays the same.
    pub counts: Counts,
    /// Items that can come up.
    pub matching: usize,
    /// Items that come up once exclusions are relaxed.
    pub reserve: usize,
    /// Airtime of the items that can come up, in frames.
    pub airtime: i64,
    /// The first pick: what the rules that look at the time hold back.
    pub pick: PickTrace,
}

/// What a block would yield from `at` on for `duration_ms`; the same seed, the same items.
///
/// What `planned` holds of earlier and later hours counts, as it would in a plan. At most 150
/// lines, as in an hour.
pub fn materialize(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    block: &SmartBlock,
    at: UtcMicros,
    duration_ms: u32,
    seed: u64,
) -> Materialized {
    tried(inputs, planned, block, (at, duration_ms), seed, true)
}

/// The lines of [`materialize`], without how they came about: that costs a look at every item.
pub fn lines(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    block: &SmartBlock,
    at: UtcMicros,
    duration_ms: u32,
    seed: u64,
) -> Vec<Line> {
    tried(inputs, planned, block, (at, duration_ms), seed, false).lines
}

fn tried(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    block: &SmartBlock,
    (at, duration_ms): (UtcMicros, u32),
    seed: u64,
    told: bool,
) -> Materialized {
    let blocks = with(inputs, block);
    let inputs = PlanInputs { blocks: &blocks, clock: None, ..*inputs };
    let mut planner = begin(&inputs, planned, at);
    planner.traces = told.then(Vec::new);
    let mut hasher = Sha256::new();
    hasher.update(hour_seed(&inputs, at));
    hasher.update(seed.to_be_bytes());
    let (slots, next, shows) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (hour, whole) = (hour_of(&planner.zone, at), (false, false));
    let stretch = Stretch { from: at, until: at, slots, next, whole, shows, hour };
    let (chain, seed) = (chain(&inputs, at), hasher.finalize().into());
    let mut slots = Slots::new(&mut planner, &[], chain, seed, &stretch);
    slots.only(block.id, at, end(at, duration_ms));
    let (lines, notes) = slots.finish();
    Materialized { lines, notes, picks: planner.traces.unwrap_or_default() }
}

/// What each rule of a block leaves of the library at a time.
pub fn test(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    block: &SmartBlock,
    at: UtcMicros,
) -> BlockTest {
    let tried = materialize(inputs, planned, block, at, 1_000, 0);
    let blocks = with(inputs, block);
    let inputs = PlanInputs { blocks: &blocks, clock: None, ..*inputs };
    let mut planner = begin(&inputs, planned, at);
    let source = planner.source(&SourceKey::Block(block.id));
    let pick = tried.picks.into_iter().map(|(_, trace)| trace).next().unwrap_or_default();
    let Some(source) = source else {
        let counts = Counts::default();
        return BlockTest { counts, matching: 0, reserve: 0, airtime: 0, pick };
    };
    let airtime = |place: &u32| planner.catalogue.entries[*place as usize].cues.airtime();
    BlockTest {
        counts: source.counts.clone(),
        matching: source.main.len(),
        reserve: source.reserve.len(),
        airtime: source.main.iter().map(airtime).sum(),
        pick,
    }
}

fn with(inputs: &PlanInputs<'_>, block: &SmartBlock) -> BTreeMap<SmartBlockId, SmartBlock> {
    let mut blocks = inputs.blocks.clone();
    blocks.insert(block.id, block.clone());
    blocks
}

pub(super) fn begin<'a>(
    inputs: &PlanInputs<'a>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    at: UtcMicros,
) -> Planner<'a> {
    // Lines of the running hour count as far as they lie before; the rest is what comes after.
    let mut split = BTreeMap::new();
    let first = UtcMicros(at.0.div_euclid(HOUR_US).saturating_mul(HOUR_US));
    for (hour, plan) in planned {
        let (before, after): (Vec<Line>, Vec<Line>) =
            plan.lines.iter().cloned().partition(|line| line.planned_at < at);
        if *hour < first || !before.is_empty() {
            split.insert(*hour, HourPlan { lines: before, ..plan.clone() });
        }
        if !after.is_empty() {
            split.insert(at.plus(1).max(*hour), HourPlan { lines: after, ..plan.clone() });
        }
    }
    let mut planner = Planner::new(inputs, &split, at);
    planner.read_on(at);
    planner.traces = Some(Vec::new());
    planner
}

fn chain<'a>(inputs: &PlanInputs<'a>, at: UtcMicros) -> Chain<'a> {
    Chain::new(inputs, at, at.frame(), Anchor::AfterPrevious)
}

fn end(at: UtcMicros, duration_ms: u32) -> End {
    let at = at.frame().plus(frames_of_ms(i64::from(duration_ms)));
    End { at, cut: None, hard: false, hold: false }
}
