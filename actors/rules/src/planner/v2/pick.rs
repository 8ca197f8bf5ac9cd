//! Picks the next item of a source: least given up first, then best by score.
//!
//! Candidates come longest rested first. Each is judged at its projected air time; what it breaks
//! is a set of bits, and the rungs of the ladder are the bits from the lowest up: fit, rest,
//! sequence, separations from the least important up, quotas, exclusions. The smallest set wins, so
//! nothing is relaxed while something lower would do. What is hard is in no set.
//! The scan ends with [`WINDOW`] candidates that break nothing, so it does not grow with a library.

use super::catalogue::Catalogue;
use super::criteria::Moment;
use super::explain::{PickTrace, RUNNERS_UP, Scored};
use super::hard::Hard;
use super::history::{History, Logged, Who};
use super::score::{Fit, Parts};
use super::source::Source;
use super::text::mix;
use grimnir_events::UtcMicros;
use grimnir_events::smart_block::Order;

/// Candidates that the score chooses between.
pub const WINDOW: usize = 64;
/// Candidates that are judged before something is relaxed. Beyond it the scan goes on only while
/// there is nothing at all to pick.
pub const REACH: usize = 4_096;

/// It does not fit what is left before a fixed time.
pub const FIT: u32 = 1;
/// It is not among the longest rested.
pub const REST: u32 = 1 << 1;
/// It breaks the curve or stands beside what it must not.
pub const SEQUENCE: u32 = 1 << 2;
/// The first separation; the others follow.
pub const APART: u32 = 3;
/// It breaks a quota. Separations take at most twenty bits: sixteen fields and four of their own.
pub const QUOTA: u32 = 1 << 23;
/// An exclusion keeps it out.
pub const EXCLUDE: u32 = 1 << 24;

/// What a pick is for.
pub struct Ask<'s> {
    /// Projected air time.
    pub at: UtcMicros,
    /// The draw of this pick.
    pub draw: u64,
    /// What is left to fill.
    pub fit: Option<Fit>,
    /// Frames to a fixed time, and the least airtime that is worth a start before it.
    pub room: Option<(i64, i64)>,
    /// The run so far.
    pub run: &'s Run,
}

/// Items picked in a row from one source.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Places, in order.
    pub picked: Vec<u32>,
    /// Most frames of the next item.
    pub longest: Option<i64>,
    /// Share of the run's time that is over, in thousandths.
    pub done_permille: i64,
}

/// A pick.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Picked {
    /// Place in the catalogue.
    pub place: usize,
    /// What it breaks.
    pub mask: u32,
}

/// The parts that every pick looks at.
pub struct Desk<'d, 'a> {
    /// The library.
    pub catalogue: &'d Catalogue<'a>,
    /// What played.
    pub history: &'d History,
    /// Last plays when the rest order was made.
    pub base: &'d [i64],
    /// What is hard.
    pub hard: &'d Hard<'d, 'a>,
    /// Where the spans of the source's rules reach back to.
    pub thresholds: &'d [i64],
}

/// The best so far: everything that breaks the same, up to the window.
struct Best {
    mask: u32,
    found: Vec<(usize, u32)>,
}

impl<'d, 'a> Desk<'d, 'a> {
    /// The best of the source, or `None`; tells `trace` what it does.
    pub fn pick(
        &self,
        source: &Source,
        ask: &Ask<'_>,
        mut trace: Option<&mut PickTrace>,
    ) -> Option<Picked> {
        let tallies = self.tallies(source, ask);
        let mut best = Best { mask: u32::MAX, found: Vec::new() };
        let share = usize::from(source.rules.rest.share_percent);
        let rested = (source.main.len() * share / 100).max(1);
        // The rank is also how many were judged before.
        for (rank, place) in self.candidates(source, ask.draw).enumerate() {
            let enough = (best.mask == 0 && best.found.len() >= WINDOW)
                || (rank >= REACH && !best.found.is_empty());
            if enough && trace.is_none() {
                break;
            }
            let Some(mut mask) = self.judge(source, ask, &tallies, place, trace.as_deref_mut())
            else {
                continue;
            };
            if source.rules.order == Order::LeastRecent && rank >= rested {
                mask |= REST;
                if let Some(trace) = trace.as_deref_mut() {
                    trace.removes(source.bit_name(self.catalogue, REST));
                }
            }
            if !enough {
                best.take(mask, rank, place);
            }
        }
        if best.found.is_empty() {
            // By their rest now: that of the planner's beginning would depend on when it was made.
            let mut reserve = source.reserve.clone();
            reserve.sort_unstable_by_key(|place| {
                let at = *place as usize;
                (self.history.raw_item(at), self.catalogue.entries[at].tie)
            });
            for (rank, place) in reserve.into_iter().enumerate() {
                if rank >= REACH && !best.found.is_empty() {
                    break;
                }
                if let Some(mask) = self.judge(source, ask, &tallies, place, None) {
                    best.take(mask | EXCLUDE, rank, place);
                }
            }
        }
        self.choose(source, ask, best, trace)
    }

    /// Places in the order they come up.
    fn candidates<'s>(
        &'s self,
        source: &'s Source,
        draw: u64,
    ) -> Box<dyn Iterator<Item = u32> + 's> {
        let still =
            |place: &u32| self.base[*place as usize] == self.history.raw_item(*place as usize);
        let newer = move |(at, place): &(i64, u32)| {
            *at == self.history.raw_item(*place as usize) && source.holds(*place)
        };
        let tail = &self.history.tail;
        match source.rules.order {
            Order::LeastRecent => {
                let rested = source.main.iter().copied().filter(still);
                Box::new(rested.chain(tail.iter().copied().filter(newer).map(|(_, place)| place)))
            }
            Order::MostRecent => {
                let late = tail.iter().rev().copied().filter(newer).map(|(_, place)| place);
                Box::new(late.chain(source.main.iter().rev().copied().filter(still)))
            }
            Order::Random => {
                let from = (draw % source.main.len().max(1) as u64) as usize;
                let (before, after) = source.main.split_at(from);
                Box::new(after.iter().chain(before).copied())
            }
            Order::Newest | Order::Oldest => Box::new(source.main.iter().copied()),
        }
    }

    /// How often each quota's values play in its window, without the pick.
    fn tallies(&self, source: &Source, ask: &Ask<'_>) -> Vec<u32> {
        let counts = |bound: &super::source::Bound| {
            let has = |values: &[u32]| values.iter().any(|value| bound.values.contains(value));
            let dim = &self.catalogue.dims[bound.dim];
            let count = match bound.window_us {
                None => ask.run.picked.iter().filter(|place| has(dim.of(**place as usize))).count(),
                Some(us) => {
                    let plays = self.history.window(ask.at, us);
                    let counted = |play: &&Logged| has(play.values(self.catalogue, bound.dim));
                    plays.filter(counted).count()
                }
            };
            count as u32
        };
        source.bounds.iter().map(counts).collect()
    }

    /// What an item breaks; `None` when it must not air.
    fn judge(
        &self,
        source: &Source,
        ask: &Ask<'_>,
        tallies: &[u32],
        place: u32,
        trace: Option<&mut PickTrace>,
    ) -> Option<u32> {
        let at = place as usize;
        let moment = Moment { history: self.history, thresholds: self.thresholds };
        if let Some(why) = self.hard.of(source, ask, at, &moment, self) {
            if let Some(trace) = trace {
                trace.removes(why.to_owned());
            }
            return None;
        }
        let entry = &self.catalogue.entries[at];
        let mut mask = super::score::sequence_mask(source, ask, self.catalogue, at);
        if ask.room.is_some_and(|(room, useful)| {
            let rest = room - entry.cues.airtime();
            rest > 0 && rest < useful
        }) {
            mask |= FIT;
        }
        for (step, apart) in source.apart.iter().enumerate() {
            let close = |value: &u32| self.history.close(apart.dim, *value, ask.at, apart.us);
            if self.catalogue.dims[apart.dim].of(at).iter().any(close) {
                mask |= 1 << (APART + step as u32);
            }
        }
        for (bound, count) in source.bounds.iter().zip(tallies) {
            let values = self.catalogue.dims[bound.dim].of(at);
            let counts = values.iter().any(|value| bound.values.contains(value));
            if (counts && *count >= bound.max) || (!counts && *count < bound.min) {
                mask |= QUOTA;
            }
        }
        if source.exclude.iter().any(|group| group.holds(entry, at, &moment)) {
            mask |= EXCLUDE;
        }
        if let Some(trace) = trace {
            bits(mask).for_each(|bit| trace.removes(source.bit_name(self.catalogue, bit)));
        }
        Some(mask)
    }

    /// The best by score of those that break the least.
    fn choose(
        &self,
        source: &Source,
        ask: &Ask<'_>,
        best: Best,
        trace: Option<&mut PickTrace>,
    ) -> Option<Picked> {
        let moment = Moment { history: self.history, thresholds: self.thresholds };
        let lengths: Vec<i64> = {
            let airtime =
                |(_, place): &(usize, u32)| self.catalogue.entries[*place as usize].cues.airtime();
            let mut lengths: Vec<i64> = best.found.iter().map(airtime).collect();
            lengths.sort_unstable();
            lengths
        };
        let of = best.found.len();
        let scored = best.found.iter().enumerate().map(|(nth, (_, place))| {
            let entry = &self.catalogue.entries[*place as usize];
            let chance = (mix(ask.draw ^ entry.tie) % 10) as i64;
            let mut parts = Parts::of(source, ask, self.catalogue, *place as usize, &moment);
            parts.rest = match source.rules.order {
                Order::LeastRecent => {
                    i64::from(source.rules.rest.weight_x100) * (of - nth) as i64 / of as i64
                }
                Order::Random => 0,
                // These orders say themselves who is next.
                Order::Newest | Order::Oldest | Order::MostRecent => -1_000_000 * nth as i64,
            };
            parts.chance = chance * self.spread(source);
            parts.misfit = ask.fit.and_then(|fit| fit.misfit(entry.cues.airtime(), &lengths));
            (parts, *place)
        });
        let mut all: Vec<(Parts, u32)> = scored.collect();
        all.sort_by_key(|(parts, place)| {
            (parts.order(), self.catalogue.entries[*place as usize].tie, *place)
        });
        let (_, place) = all.first()?;
        let picked = Picked { place: *place as usize, mask: best.mask };
        if let Some(trace) = trace {
            trace.picked = Some(self.catalogue.entries[picked.place].item.id);
            trace.relaxed =
                bits(best.mask).map(|bit| source.bit_name(self.catalogue, bit)).collect();
            let named = all.iter().take(1 + RUNNERS_UP);
            trace.ranking = named.map(|(parts, place)| self.scored(parts, *place)).collect();
        }
        Some(picked)
    }

    /// How much chance weighs: a tenth of a point, and all there is where nothing else speaks.
    fn spread(&self, source: &Source) -> i64 {
        if source.rules.rest.weight_x100 == 0 { 100 } else { 1 }
    }

    fn scored(&self, parts: &Parts, place: u32) -> Scored {
        let item = self.catalogue.entries[place as usize].item;
        Scored {
            media_id: item.id,
            title: item.tags.title.clone(),
            total: parts.total(),
            weights: parts.weights,
            rest: parts.rest,
            curve: parts.curve,
            misfit: parts.misfit,
            chance: parts.chance,
        }
    }

    /// The places of the tracks before a pick, newest first, and of those planned after it.
    pub fn neighbours(&self) -> (impl Iterator<Item = u32>, impl Iterator<Item = u32>) {
        let place = |play: &Logged| match play.who {
            Who::Item(place) => Some(place),
            Who::Gone { .. } => None,
        };
        (
            self.history.plays.iter().rev().filter_map(place),
            self.history.later.iter().filter_map(place),
        )
    }
}

impl Best {
    fn take(&mut self, mask: u32, rank: usize, place: u32) {
        if mask < self.mask {
            self.mask = mask;
            self.found.clear();
        }
        if mask == self.mask && self.found.len() < WINDOW {
            self.found.push((rank, place));
        }
    }
}

/// The bits of a set, the lowest first.
pub fn bits(mask: u32) -> impl Iterator<Item = u32> {
    (0..32).map(|at| 1_u32 << at).filter(move |bit| mask & bit != 0)
}
