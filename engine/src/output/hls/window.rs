//! The segments that are to be had now, and the numbers they go by.

use super::audience::Span;
use super::cutter::Segment;
use bytes::Bytes;
use grimnir_events::AirFrame;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// All segments of one output take no more memory than this; the oldest go sooner.
const MEMORY: usize = 32 * 1024 * 1024;

/// What is known of a segment; kept over a restart.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its number.
    pub number: u64,
    /// First frame of the air in it.
    pub first: AirFrame,
    /// Frames of the air in it.
    pub frames: i64,
    /// It does not go on from the one before.
    pub cut: bool,
}

/// What outlives the process.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    /// Number of the next segment.
    pub next: u64,
    /// Cuts before the first of `entries`.
    pub cuts: u64,
    /// Segments of the playlist, and those behind it that clients may still ask for.
    pub entries: Vec<Entry>,
}

struct Held {
    entry: Entry,
    /// In the order of the bit rates.
    variants: Vec<Bytes>,
}

/// The segments.
pub struct Window {
    /// In the playlist at most.
    length: usize,
    held: VecDeque<Held>,
    next: u64,
    /// Cuts before the first that is held.
    cuts: u64,
    memory: usize,
    /// The next one does not go on from the one before.
    cut: bool,
}

impl Window {
    /// Goes on after what another run kept; `found` gives the bytes of a segment that are still
    /// there.
    pub fn after(
        length: usize,
        kept: Option<Kept>,
        found: impl Fn(&Entry) -> Option<Vec<Bytes>>,
    ) -> Self {
        let cut = kept.is_some();
        let kept = kept.unwrap_or_default();
        let mut window = Self {
            length,
            held: VecDeque::new(),
            next: kept.next,
            cuts: kept.cuts,
            memory: 0,
            cut,
        };
        for entry in kept.entries {
            match found(&entry) {
                Some(variants) => window.hold(entry, variants),
                // Numbers have no gap: what was before is gone with it.
                None => {
                    while !window.held.is_empty() {
                        window.let_go();
                    }
                    window.cuts += u64::from(entry.cut);
                }
            }
        }
        window
    }

    /// Number of the next segment.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The next segment does not go on from the last.
    pub fn cut(&mut self) {
        self.cut = self.next > 0;
    }

    /// Takes a segment in; answers those that nobody can ask for any more.
    pub fn push(&mut self, segment: Segment) -> (Entry, Vec<Bytes>, Vec<Entry>) {
        let cut = std::mem::take(&mut self.cut);
        let Segment { first, frames, variants } = segment;
        let entry = Entry { number: self.next, first, frames, cut };
        self.next += 1;
        let variants: Vec<Bytes> = variants.into_iter().map(Bytes::from).collect();
        self.hold(entry.clone(), variants.clone());
        let mut gone = Vec::new();
        // One that leaves the playlist is to be had for as long as that was, and its own length.
        while self.held.len() > 2 * self.length + 1 || (self.memory > MEMORY && self.held.len() > 1)
        {
            gone.extend(self.let_go());
        }
        (entry, variants, gone)
    }

    /// Bytes of a segment, and the frames of the air in it.
    pub fn segment(&self, number: u64, variant: usize) -> Option<(Bytes, Span)> {
        let first = self.held.front()?.entry.number;
        let at = usize::try_from(number.checked_sub(first)?).ok()?;
        let Held { entry, variants } = self.held.get(at)?;
        Some((variants.get(variant)?.clone(), (entry.first, entry.first.plus(entry.frames))))
    }

    /// What the playlist names, and how many cuts were before.
    pub fn listed(&self) -> (u64, Vec<&Entry>) {
        let before = self.held.len().saturating_sub(self.length);
        let cuts = self.held.iter().take(before).filter(|held| held.entry.cut).count() as u64;
        (self.cuts + cuts, self.held.iter().skip(before).map(|held| &held.entry).collect())
    }

    /// What is to outlive the process.
    pub fn kept(&self) -> Kept {
        let entries = self.held.iter().map(|held| held.entry.clone()).collect();
        Kept { next: self.next, cuts: self.cuts, entries }
    }

    fn hold(&mut self, entry: Entry, variants: Vec<Bytes>) {
        self.memory += variants.iter().map(Bytes::len).sum::<usize>();
        self.held.push_back(Held { entry, variants });
    }

    fn let_go(&mut self) -> Option<Entry> {
        let held = self.held.pop_front()?;
        self.memory -= held.variants.iter().map(Bytes::len).sum::<usize>();
        self.cuts += u64::from(held.entry.cut);
        Some(held.entry)
    }
}
