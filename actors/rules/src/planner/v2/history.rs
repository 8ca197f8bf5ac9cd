//! What was on air when, by plan or in fact: last plays of items, artists, titles …, and the log of
//! plays that sliding windows look back on.

use super::catalogue::{ARTIST, Catalogue, TITLE};
use super::text::each_artist;
use crate::planner::{Play, Tally};
use grimnir_events::timeline::HourPlan;
use grimnir_events::{MediaId, UtcMicros};
use std::collections::BTreeMap;

const NEVER: i64 = i64::MIN;

/// One play.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logged {
    /// When it started.
    pub at: UtcMicros,
    /// What played.
    pub who: Who,
}

/// What played.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// An item of the catalogue, by its place.
    Item(u32),
    /// One that has left it: its artists and its title, where other items share them.
    Gone {
        /// Numbers of its artists.
        artists: Vec<u32>,
        /// Number of its title.
        title: Vec<u32>,
    },
}

impl Logged {
    /// Its values of a dimension.
    pub fn values<'a>(&'a self, catalogue: &'a Catalogue, dim: usize) -> &'a [u32] {
        match &self.who {
            Who::Item(place) => catalogue.dims[dim].of(*place as usize),
            Who::Gone { artists, .. } if dim == ARTIST => artists,
            Who::Gone { title, .. } if dim == TITLE => title,
            Who::Gone { .. } => &[],
        }
    }
}

/// Last plays and the log.
#[derive(Debug)]
pub struct History {
    items: Vec<i64>,
    counts: Vec<u32>,
    last: Vec<Vec<i64>>,
    /// Plays so far, by time.
    pub plays: Vec<Logged>,
    /// Plays that are planned after the hour in the making, by time.
    pub later: Vec<Logged>,
    /// As `items` and `last`, of what is planned after; empty where nothing is.
    next_item: Vec<i64>,
    next: Vec<Vec<i64>>,
    /// Dimensions that items are kept apart by.
    tracked: Vec<usize>,
    /// Items played since the rest order was made, by time.
    pub tail: Vec<(i64, u32)>,
    based: bool,
    undo: Vec<(u32, u32, i64)>,
}

/// In the undo list: an item's last play.
const ITEM: u32 = u32::MAX;
/// In the undo list: how often an item played.
const COUNT: u32 = u32::MAX - 1;
/// In the undo list: a place in the log of plays.
const PLAY: u32 = u32::MAX - 2;
/// In the undo list: a place in the tail.
const TAIL: u32 = u32::MAX - 3;

/// Nothing is planned.
const NOT_AHEAD: i64 = i64::MAX;

impl History {
    /// Nothing has played but what is tallied. `tracked` are the dimensions that items are kept
    /// apart by.
    pub fn new(
        catalogue: &Catalogue,
        tracked: Vec<usize>,
        tally: &BTreeMap<MediaId, Tally>,
    ) -> Self {
        let count = catalogue.entries.len();
        let mut last = vec![Vec::new(); catalogue.dims.len()];
        tracked.iter().for_each(|dim| last[*dim] = vec![NEVER; catalogue.dims[*dim].len()]);
        let mut out = Self {
            items: vec![NEVER; count],
            counts: vec![0; count],
            last,
            plays: Vec::new(),
            later: Vec::new(),
            next_item: Vec::new(),
            next: Vec::new(),
            tracked,
            tail: Vec::new(),
            based: false,
            undo: Vec::new(),
        };
        for (id, tally) in tally {
            if let Some(place) = catalogue.place(*id) {
                out.counts[place] = tally.plays;
                out.items[place] = tally.last_at.map_or(NEVER, |at| at.0);
            }
        }
        out
    }

    /// The play of what aired outside any plan.
    pub fn aired(catalogue: &Catalogue, play: &Play) -> Logged {
        let who = Self::who(catalogue, play.media_id, &play.artist, &play.title);
        Logged { at: play.at, who }
    }

    /// The plays of a planned hour.
    pub fn planned(catalogue: &Catalogue, plan: &HourPlan) -> Vec<Logged> {
        let play = |line: &grimnir_events::timeline::Line| Logged {
            at: line.planned_at,
            who: Self::who(catalogue, line.media_id, &line.artist, &line.title),
        };
        plan.lines.iter().map(play).collect()
    }

    fn who(catalogue: &Catalogue, id: MediaId, artist: &str, title: &str) -> Who {
        if let Some(place) = catalogue.place(id) {
            return Who::Item(place as u32);
        }
        let mut artists = Vec::new();
        each_artist(artist, |name| artists.extend(catalogue.dims[ARTIST].find(name)));
        Who::Gone { artists, title: catalogue.dims[TITLE].find(title).into_iter().collect() }
    }

    /// Notes a play; it may come in any order.
    pub fn note(&mut self, catalogue: &Catalogue, play: Logged) {
        let at = play.at.0;
        for dim in self.tracked.iter().copied() {
            for value in play.values(catalogue, dim) {
                let last = &mut self.last[dim][*value as usize];
                if *last < at {
                    self.undo.push((dim as u32, *value, *last));
                    *last = at;
                }
            }
        }
        if let Who::Item(place) = play.who {
            let count = &mut self.counts[place as usize];
            self.undo.push((COUNT, place, i64::from(*count)));
            *count = count.saturating_add(1);
            let last = &mut self.items[place as usize];
            if *last < at {
                self.undo.push((ITEM, place, *last));
                *last = at;
                if self.based {
                    let tie = |place: u32| catalogue.entries[place as usize].tie;
                    let key = (at, tie(place));
                    let to = self.tail.partition_point(|(at, place)| (*at, tie(*place)) < key);
                    self.tail.insert(to, (at, place));
                    self.undo.push((TAIL, to as u32, 0));
                }
            }
        }
        let to = self.plays.partition_point(|other| other.at <= play.at);
        self.plays.insert(to, play);
        self.undo.push((PLAY, to as u32, 0));
    }

    /// From here on plays can be taken back.
    pub fn mark(&mut self) {
        self.undo.clear();
    }

    /// Takes back every play noted since [`mark`](Self::mark).
    pub fn take_back(&mut self) {
        for (dim, value, last) in self.undo.drain(..).rev() {
            match dim {
                ITEM => self.items[value as usize] = last,
                COUNT => self.counts[value as usize] = last as u32,
                PLAY => drop(self.plays.remove(value as usize)),
                TAIL => drop(self.tail.remove(value as usize)),
                dim => self.last[dim as usize][value as usize] = last,
            }
        }
    }

    /// Sets what is planned after the hour in the making.
    pub fn set_later(&mut self, catalogue: &Catalogue, later: Vec<Logged>) {
        if later.is_empty() && self.later.is_empty() {
            return;
        }
        if self.next.is_empty() {
            self.next = self.last.iter().map(|last| vec![NOT_AHEAD; last.len()]).collect();
            self.next_item = vec![NOT_AHEAD; self.items.len()];
        }
        let before = std::mem::replace(&mut self.later, later);
        before.iter().for_each(|play| self.ahead(catalogue, play, NOT_AHEAD));
        let later = std::mem::take(&mut self.later);
        // The first of an item or value is written last.
        later.iter().rev().for_each(|play| self.ahead(catalogue, play, play.at.0));
        self.later = later;
    }

    fn ahead(&mut self, catalogue: &Catalogue, play: &Logged, at: i64) {
        for dim in &self.tracked {
            for value in play.values(catalogue, *dim) {
                self.next[*dim][*value as usize] = at;
            }
        }
        if let Who::Item(place) = play.who {
            self.next_item[place as usize] = at;
        }
    }

    /// Places by rest: never played first, then longest ago. From here on plays go to the tail.
    pub fn rest_order(&mut self, catalogue: &Catalogue) -> (Vec<u32>, Vec<i64>) {
        let mut order = Vec::with_capacity(self.items.len());
        let never = |place: &&u32| self.items[**place as usize] == NEVER;
        order.extend(catalogue.by_tie.iter().filter(never));
        let played = catalogue.entries.iter().zip(&self.items).zip(0_u32..);
        let mut played: Vec<(i64, u64, u32)> = played
            .filter(|((_, last), _)| **last != NEVER)
            .map(|((entry, last), place)| (*last, entry.tie, place))
            .collect();
        played.sort_unstable();
        order.extend(played.into_iter().map(|(_, _, place)| place));
        self.based = true;
        self.tail.clear();
        (order, self.items.clone())
    }

    /// Last play of an item.
    pub fn item(&self, place: usize) -> Option<UtcMicros> {
        let last = self.items[place];
        (last != NEVER).then_some(UtcMicros(last))
    }
    /// Last play of an item, as it is compared; the least there is for never.
    pub fn raw_item(&self, place: usize) -> i64 {
        self.items[place]
    }
    /// Plays of an item.
    pub fn count(&self, place: usize) -> u32 {
        self.counts[place]
    }

    /// An item started, or is to start, less than `us` from `at`.
    pub fn item_close(&self, place: usize, at: UtcMicros, us: i64) -> bool {
        let last = self.items[place];
        let next = self.next_item.get(place).copied().unwrap_or(NOT_AHEAD);
        near(last, at.0, us) || near(at.0, next, us)
    }

    /// A value started, or is to start, less than `us` from `at`.
    pub fn close(&self, dim: usize, value: u32, at: UtcMicros, us: i64) -> bool {
        let last = self.last[dim][value as usize];
        if near(last, at.0, us) {
            return true;
        }
        let Some(next) = self.next.get(dim) else { return false };
        near(at.0, next[value as usize], us)
    }

    /// Plays that start less than `us` from `at`, either way.
    pub fn window(&self, at: UtcMicros, us: i64) -> impl Iterator<Item = &Logged> {
        let past = self.plays.iter().rev().take_while(move |play| near(play.at.0, at.0, us));
        past.chain(self.later.iter().take_while(move |play| near(at.0, play.at.0, us)))
    }
}

/// `later` is less than `us` after `earlier`.
fn near(earlier: i64, later: i64, us: i64) -> bool {
    earlier != NEVER && later.saturating_sub(earlier) < us
}
