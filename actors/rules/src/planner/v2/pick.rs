//! Picks the next item of a source: least given up first, then best by score.
//!
//! Candidates come longest rested first. Each is judged at its projected air time; what it breaks
//! is a set of bits, and the rungs of the ladder are the bits from the lowest up: fit, rest,
//! sequence, separations from the least important up, quotas, exclusions. The smallest set wins, so
//! nothing is relaxed while something lower would do. What is hard is in no set.
//! The scan ends with [`WINDOW`] candidates that break nothing, so it does not grow with a library.

use super::best::Best;
use super::catalogue::Catalogue;
use super::criteria::Moment;
use super::explain::{PickTrace, RUNNERS_UP, Scored};
use super::hard::Hard;
use super::history::{History, Logged, Who};
use super::packaging::KEPT_APART;
use super::score::{CLOSING, Fit, Parts, bits};
use super::source::Source;
use super::text::mix;
use super::ways::Way;
use crate::planner::media::Media;
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
pub struct Desk<'d> {
    /// The library.
    pub catalogue: &'d Catalogue,
    /// What played.
    pub history: &'d History,
    /// Last plays when the rest order was made.
    pub base: &'d [i64],
    /// The items.
    pub media: Media<'d>,
    /// What is hard.
    pub hard: &'d Hard<'d>,
    /// Where the spans of the source's rules reach back to.
    pub thresholds: &'d [i64],
    /// How the hour is filled.
    pub way: Way,
}

/// What ruled out every item, and how many each rule.
pub type Removed = Vec<(&'static str, usize)>;

impl Desk<'_> {
    /// The best of the source, or what ruled out all of it; tells `trace` what it does.
    pub fn pick(
        &self,
        source: &Source,
        ask: &Ask<'_>,
        trace: Option<&mut PickTrace>,
    ) -> Result<Picked, Removed> {
        let mut best = Best::none();
        // A run that is nearly full asks often what nothing is short enough for.
        if trace.is_none()
            && ask.run.longest.is_some_and(|longest| longest < source.shortest(self.catalogue))
        {
            return Err(source.all_too_long(ask.run));
        }
        let tallies = self.tallies(source, ask);
        let share = usize::from(source.rules.rest.share_percent);
        let rested = (source.main.len() * share / 100).max(1);
        // Just before a fixed time lengths decide, among what rested less too.
        let lengths = ask.fit.is_some();
        let closing = lengths && ask.room.is_some_and(|(room, _)| room <= CLOSING);
        let least_recent = source.rules.order == Order::LeastRecent;
        let rotates = least_recent && !closing && self.way == Way::Rules;
        // The rank is also how many were judged before.
        for (rank, place) in self.candidates(source, ask.draw).enumerate() {
            let late = if rotates && rank >= rested { REST } else { 0 };
            let enough = (best.mask == 0 && best.found.len() >= WINDOW)
                || (rank >= REACH && !best.found.is_empty())
                // From here on everything breaks more.
                || late > best.mask;
            if enough && trace.is_none() {
                break;
            }
            let bounded = trace.is_none() && self.way.weighs();
            let limit = if bounded { best.limit() } else { u32::MAX };
            match self.judge(source, ask, &tallies, place, (late, limit)) {
                Judged::Ruled(why) => best.remove(why),
                Judged::Worse => {}
                Judged::Breaks(mask) => {
                    if trace.is_some() {
                        best.count(mask);
                    }
                    if !enough {
                        best.take(self.way.counted(mask), rank, place);
                    }
                }
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
                let limit = if self.way.weighs() { best.limit() } else { u32::MAX };
                let limits = (EXCLUDE, limit);
                if let Judged::Breaks(mask) = self.judge(source, ask, &tallies, place, limits) {
                    best.take(self.way.counted(mask), rank, place);
                }
            }
        }
        let ranks = if rotates { Vec::new() } else { best.found.clone() };
        let relaxed = |mut picked: Picked| {
            if !self.way.weighs() {
                // What it breaks was not asked before.
                let limits = (picked.mask & EXCLUDE, u32::MAX);
                let place = picked.place as u32;
                if let Judged::Breaks(mask) = self.judge(source, ask, &tallies, place, limits) {
                    picked.mask = mask;
                }
            }
            let known = ranks.iter().find(|(_, place)| *place as usize == picked.place);
            let late = known.is_some_and(|(rank, _)| *rank >= rested);
            let tired = least_recent && late && picked.mask & EXCLUDE == 0;
            Picked { mask: picked.mask | if tired { REST } else { 0 }, ..picked }
        };
        let Some(trace) = trace else { return self.choose(source, ask, best, None).map(relaxed) };
        for (why, count) in &best.removed {
            trace.removed.insert((*why).to_owned(), *count);
        }
        for (at, count) in best.broken.iter().enumerate().filter(|(_, count)| **count > 0) {
            let name = source.bit_name(self.catalogue, 1 << at);
            *trace.removed.entry(name).or_default() += count;
        }
        let picked = self.choose(source, ask, best, Some(&mut *trace)).map(relaxed);
        if let Ok(picked) = &picked {
            let broken = bits(picked.mask);
            trace.relaxed = broken.map(|bit| source.bit_name(self.catalogue, bit)).collect();
        }
        picked
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

    /// What an item breaks beside `late`; what breaks more than `limit` need not be known.
    fn judge(
        &self,
        source: &Source,
        ask: &Ask<'_>,
        tallies: &[u32],
        place: u32,
        (late, limit): (u32, u32),
    ) -> Judged {
        let at = place as usize;
        let moment = self.moment();
        if let Some(why) = self.hard.of(source, ask, at, &moment, self) {
            return Judged::Ruled(why);
        }
        if source.firm.alike(source, ask.run, self.catalogue, at) {
            return Judged::Ruled(KEPT_APART);
        }
        // The heaviest first: most of what is worse is seen early.
        let mut mask = late;
        if source.exclude.iter().any(|group| group.holds(at, &moment)) {
            mask |= EXCLUDE;
        }
        for (bound, count) in source.bounds.iter().zip(tallies) {
            let values = self.catalogue.dims[bound.dim].of(at);
            let counts = values.iter().any(|value| bound.values.contains(value));
            if (counts && *count >= bound.max) || (!counts && *count < bound.min) {
                mask |= QUOTA;
            }
        }
        for (step, apart) in source.apart.iter().enumerate().rev() {
            let bit = 1 << (APART + step as u32);
            if mask > limit && source.firm.always == 0 {
                return Judged::Worse;
            }
            let close = |value: &u32| self.history.close(apart.dim, *value, ask.at, apart.us);
            if self.catalogue.dims[apart.dim].of(at).iter().any(close) {
                if source.firm.always & bit != 0 {
                    return Judged::Ruled(KEPT_APART);
                }
                mask |= bit;
            }
        }
        mask |= super::score::sequence_mask(source, ask, self.catalogue, at);
        let airtime = self.catalogue.entries[at].cues.airtime();
        if ask.room.is_some_and(|(room, useful)| (1..useful).contains(&(room - airtime))) {
            mask |= FIT;
        }
        if mask > limit { Judged::Worse } else { Judged::Breaks(mask) }
    }

    fn moment(&self) -> Moment<'_> {
        let Self { catalogue, history, thresholds, .. } = *self;
        Moment { catalogue, history, thresholds }
    }

    /// The best by score of those that break the least.
    fn choose(
        &self,
        source: &Source,
        ask: &Ask<'_>,
        best: Best,
        trace: Option<&mut PickTrace>,
    ) -> Result<Picked, Removed> {
        let moment = self.moment();
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
            let fit = ask.fit.filter(|_| self.way != Way::Rested);
            parts.misfit = fit.and_then(|fit| fit.misfit(entry.cues.airtime(), &lengths));
            (parts, *place)
        });
        let rank = |(parts, place): &(Parts, u32)| {
            let (entry, last) = {
                let at = *place as usize;
                (&self.catalogue.entries[at], self.history.raw_item(at))
            };
            let first = self.way.first(entry.cues.airtime(), last);
            (parts.misfit.unwrap_or_default(), first, -parts.total(), entry.tie, *place)
        };
        let Some(trace) = trace else {
            let first = scored.min_by_key(rank).ok_or(best.removed)?;
            return Ok(Picked { place: first.1 as usize, mask: best.mask });
        };
        let mut all: Vec<(Parts, u32)> = scored.collect();
        all.sort_by_key(rank);
        let Some((_, place)) = all.first() else { return Err(best.removed) };
        let picked = Picked { place: *place as usize, mask: best.mask };
        trace.picked = Some(self.catalogue.entries[picked.place].id);
        let named = all.iter().take(1 + RUNNERS_UP);
        trace.ranking = named.map(|(parts, place)| self.scored(parts, *place)).collect();
        Ok(picked)
    }

    /// How much chance weighs: a tenth of a point, and all there is where nothing else speaks.
    fn spread(&self, source: &Source) -> i64 {
        if source.rules.rest.weight_x100 == 0 { 100 } else { 1 }
    }

    fn scored(&self, parts: &Parts, place: u32) -> Scored {
        let id = self.catalogue.entries[place as usize].id;
        Scored {
            media_id: id,
            title: self.media.get(id).map(|item| item.tags.title.clone()).unwrap_or_default(),
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

/// What came of judging an item.
enum Judged {
    /// It must not air.
    Ruled(&'static str),
    /// It breaks more than what was found.
    Worse,
    /// It breaks this.
    Breaks(u32),
}
