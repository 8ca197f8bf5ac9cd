//! What speaks for a candidate among those that break the same: weights, curve, rest, fit, chance.

use super::catalogue::{Catalogue, Entry};
use super::criteria::Moment;
use super::pick::{Ask, SEQUENCE};
use super::source::Source;
use grimnir_events::smart_block::{CurveMode, Measure, Sequence};

/// Score of an item that nothing speaks for or against.
const BASE: i64 = 100;

/// Frames before a fixed time, two or three songs, in which lengths come before rest.
pub const CLOSING: i64 = 600 * 48_000;

/// What is left to fill, where lengths are to add up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fit {
    /// Frames left.
    pub left: i64,
    /// Frames off that are near enough.
    pub tolerance: i64,
}

impl Fit {
    /// By how many frames the end is missed with this item and others of `lengths` (sorted).
    ///
    /// With one more to come it is the nearest length, with two the nearest sum of two; with
    /// several the sums that any number of items reaches, from so many of the shortest to so many
    /// of the longest.
    pub fn misfit(&self, airtime: i64, lengths: &[i64]) -> Option<i64> {
        let (shortest, longest) = (*lengths.first()?, *lengths.last()?);
        let rest = self.left - airtime;
        let mut error = rest.abs();
        if rest > longest && rest <= 2 * longest {
            error = pair_misfit(rest, airtime, lengths).unwrap_or(rest - longest);
        } else if rest > 0 && rest <= longest {
            let at = lengths.partition_point(|length| *length < rest);
            // The item itself does not come twice: its length counts where another has it too.
            let twice = lengths.partition_point(|length| *length <= airtime)
                - lengths.partition_point(|length| *length < airtime);
            let near = lengths.iter().take(at + 2).skip(at.saturating_sub(2));
            let others = near.filter(|length| **length != airtime || twice > 1);
            error = others.map(|length| (rest - length).abs()).fold(error, i64::min);
        } else if rest > longest {
            let more = (rest + longest - 1) / longest.max(1);
            let short_by = rest - (more - 1) * longest;
            error = (more * shortest - rest).clamp(0, short_by);
        }
        // Near enough is as good as exact.
        Some(if error <= self.tolerance { 0 } else { error })
    }
}

/// By how many frames the nearest two of `lengths` (sorted) miss `rest`, without one of `airtime`.
fn pair_misfit(rest: i64, airtime: i64, lengths: &[i64]) -> Option<i64> {
    let own = lengths.partition_point(|length| *length < airtime);
    let own = lengths.get(own).filter(|length| **length == airtime).map(|_| own);
    let (mut low, mut high) = (0, lengths.len().checked_sub(1)?);
    let mut best = None;
    while low < high {
        if own == Some(low) {
            low += 1;
        } else if own == Some(high) {
            high -= 1;
        } else {
            let over = lengths[low] + lengths[high] - rest;
            best = Some(best.map_or(over.abs(), |best: i64| best.min(over.abs())));
            if over < 0 {
                low += 1;
            } else {
                high -= 1;
            }
        }
    }
    best
}

/// The parts of a score, in hundredths.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Parts {
    /// By the block's weights.
    pub weights: i64,
    /// By rest.
    pub rest: i64,
    /// By the curve.
    pub curve: i64,
    /// Frames that it misses the end by.
    pub misfit: Option<i64>,
    /// By chance.
    pub chance: i64,
}

impl Parts {
    /// What a block says of an item.
    pub fn of(
        source: &Source,
        ask: &Ask<'_>,
        catalogue: &Catalogue,
        place: usize,
        moment: &Moment<'_>,
    ) -> Self {
        let entry = &catalogue.entries[place];
        let holds = source.weights.iter().filter(|(rule, _)| rule.holds(place, moment));
        let weights = holds.map(|(_, weight)| weight).sum();
        let sequence = &source.rules.sequence;
        let curve = wanted(sequence, ask).map_or(0, |wanted| {
            let off = (wanted - measure(sequence, entry)).abs();
            i64::from(sequence.weight_x100) / (1 + off)
        });
        Self { weights, curve, ..Self::default() }
    }

    /// The sum.
    pub fn total(&self) -> i64 {
        BASE + self.weights + self.rest + self.curve + self.chance
    }
}

fn measure(sequence: &Sequence, entry: &Entry) -> i64 {
    match sequence.measure {
        Measure::Energy => entry.energy(),
        Measure::Bpm => entry.bpm().unwrap_or_default(),
    }
}

/// What the curve wants of the next item.
fn wanted(sequence: &Sequence, ask: &Ask<'_>) -> Option<i64> {
    let count = sequence.curve.len();
    let last = count.checked_sub(1)?;
    let place = ask.run.picked.len();
    let at = match sequence.mode {
        CurveMode::Cycle => place % count,
        CurveMode::Hold => place.min(last),
        CurveMode::Stretch => (count * ask.run.done_permille.max(0) as usize / 1_000).min(last),
    };
    Some(i64::from(sequence.curve[at]))
}

/// The item is too far from the curve, or must not stand beside the one before it.
pub fn sequence_mask(source: &Source, ask: &Ask<'_>, catalogue: &Catalogue, place: usize) -> u32 {
    let sequence = &source.rules.sequence;
    let found = measure(sequence, &catalogue.entries[place]);
    let off = |wanted: i64| {
        sequence.tolerance.is_some_and(|limit| (wanted - found).abs() > i64::from(limit))
    };
    let mut broken = wanted(sequence, ask).is_some_and(off);
    if let Some(before) = ask.run.picked.last() {
        let before = measure(sequence, &catalogue.entries[*before as usize]);
        let low = i64::from(sequence.low_below);
        broken |= !sequence.allow_adjacent_low && found < low && before < low;
        let step = i64::from(sequence.max_step);
        broken |= step > 0 && (found - before).abs() > step;
    }
    if broken { SEQUENCE } else { 0 }
}

/// The bits of a set, the lowest first.
pub fn bits(mask: u32) -> impl Iterator<Item = u32> {
    (0..32).map(|at| 1_u32 << at).filter(move |bit| mask & bit != 0)
}
