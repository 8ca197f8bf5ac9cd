//! How the picks of a block follow on one another.

use super::apart::{block_of, run};
use super::criteria::{bpm, energy};
use super::play::{Complaint, Take};
use super::world::World;
use grimnir_events::smart_block::{CurveMode, Measure, Sequence};

/// What the play at this place breaks of its block's sequence.
pub fn sequence(world: &World, takes: &[Take], at: usize) -> Vec<Complaint> {
    let take = &takes[at];
    let Some(rules) = block_of(world, take) else { return vec![] };
    let sequence = &rules.sequence;
    let measure = |take: &Take| measured(world, sequence, take);
    let before = run(takes, at);
    let own = measure(take);
    let wanted = match (sequence.curve.len(), sequence.mode) {
        (0, _) | (_, CurveMode::Stretch) => None,
        (length, CurveMode::Cycle) => Some(sequence.curve[before.len() % length]),
        (length, CurveMode::Hold) => Some(sequence.curve[before.len().min(length - 1)]),
    };
    let last = before.last().map(|last| measure(last));
    let mut wrong = Vec::new();
    if let (Some(wanted), Some(tolerance)) = (wanted, sequence.tolerance)
        && (own - i64::from(wanted)).abs() > i64::from(tolerance)
    {
        wrong.push(format!("{own} where the curve is at {wanted}"));
    }
    if let Some(last) = last {
        let low = i64::from(sequence.low_below);
        if !sequence.allow_adjacent_low && own < low && last < low {
            wrong.push(format!("{own} after {last}, both below {low}"));
        }
        if sequence.max_step > 0 && (own - last).abs() > i64::from(sequence.max_step) {
            wrong.push(format!("{own} after {last}, a step of {} at most", sequence.max_step));
        }
    }
    // One rung of the ladder, whatever of it is broken.
    wrong.into_iter().take(1).map(|what| Complaint::new("sequence", take, what)).collect()
}

fn measured(world: &World, sequence: &Sequence, take: &Take) -> i64 {
    let details = take.details(world);
    match sequence.measure {
        Measure::Energy => energy(&details),
        Measure::Bpm => bpm(&details).unwrap_or(100),
    }
}
