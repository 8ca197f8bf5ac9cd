//! Goes through the slots of the clock and fills each from its source.

use super::catalogue::Catalogue;
use super::history::History;
use super::pick::{Query, Relaxed, best};
use super::playlist::next_place;
use crate::planner::PlanInputs;
use crate::planner::chain::{Chain, MAX_LINES, cut};
use crate::planner::sound::takes_crossfade;
use crate::timeline::decide::HOUR_US;
use grimnir_events::timeline::{Anchor, ClockSlot, HourPlan, Line, SlotSource, SlotStart};
use grimnir_events::units::FRAMES_PER_SECOND;
use grimnir_events::{AirFrame, PlaylistId, UtcMicros};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Where a slot ends.
#[derive(Clone, Copy)]
pub(in crate::planner) struct End {
    /// When.
    pub at: AirFrame,
    /// Here the next line cuts what plays.
    pub cut: Option<AirFrame>,
    /// The next line starts there and not before.
    pub hard: bool,
    /// The chain would run ahead of its time if it got there early.
    pub hold: bool,
}

impl End {
    /// Where nothing ends yet.
    pub const NONE: Self = Self { at: AirFrame(i64::MAX), cut: None, hard: false, hold: false };

    /// At a slot's start.
    pub fn before(start: SlotStart, time: UtcMicros) -> Self {
        let (at, cut) = (time.frame(), cut_at(start, time));
        Self { at, cut, hard: start == SlotStart::Hard, hold: start != SlotStart::Free }
    }

    /// Where the next hour's slots begin.
    pub fn of_hour(slots: &[ClockSlot], at: UtcMicros) -> Self {
        let begins = |slot: &ClockSlot| slot.opens_the_hour() && slot.start == SlotStart::Hard;
        let hard = slots.first().is_some_and(begins);
        Self { at: at.frame(), cut: first_cut(slots, at), hard, hold: true }
    }
}

/// Where a slot of this time cuts what plays.
fn cut_at(start: SlotStart, time: UtcMicros) -> Option<AirFrame> {
    match start {
        SlotStart::Free => None,
        SlotStart::Soft { grace_ms } => Some(time.plus(i64::from(grace_ms) * 1_000).frame()),
        SlotStart::Hard => Some(time.frame()),
    }
}

/// Where the slots of an hour first cut what plays on from before it.
pub(in crate::planner) fn first_cut(slots: &[ClockSlot], hour: UtcMicros) -> Option<AirFrame> {
    slots.iter().filter_map(|slot| cut_at(slot.start, starts(hour, slot)?)).min()
}

/// When a slot starts; `None` where it follows the one before.
pub(in crate::planner) fn starts(hour: UtcMicros, slot: &ClockSlot) -> Option<UtcMicros> {
    slot.offset_ms.map(|offset_ms| hour.plus(i64::from(offset_ms) * 1_000))
}

/// The hour in the making.
pub(super) struct Slots<'a> {
    inputs: PlanInputs<'a>,
    catalogue: &'a Catalogue<'a>,
    earlier: &'a [&'a HourPlan],
    chain: Chain<'a>,
    history: History,
    seed: [u8; 32],
    places: BTreeMap<PlaylistId, usize>,
    /// What could not be done as asked.
    pub notes: Vec<String>,
    full: bool,
}

impl<'a> Slots<'a> {
    pub fn new(
        inputs: &PlanInputs<'a>,
        catalogue: &'a Catalogue<'a>,
        earlier: &'a [&'a HourPlan],
        chain: Chain<'a>,
        history: History,
        seed: [u8; 32],
    ) -> Self {
        Self {
            inputs: *inputs,
            catalogue,
            earlier,
            chain,
            history,
            seed,
            places: BTreeMap::new(),
            notes: Vec::new(),
            full: false,
        }
    }

    /// Fills the hour.
    pub fn fill(&mut self, hour: UtcMicros) {
        let slots = self.inputs.clock.map_or(&[][..], |clock| &clock.slots);
        // Every slot that version 1 knew had an offset.
        let starts = |slot: &ClockSlot| starts(hour, slot).unwrap_or(hour);
        let first = slots.first();
        let end_of = |next: Option<&ClockSlot>| match next {
            Some(slot) => End::before(slot.start, starts(slot)),
            // The next hour's slots are these again.
            None => End::of_hour(slots, hour.plus(HOUR_US)),
        };
        // What comes before a first slot with a time of its own has no source.
        let lead = first.is_none_or(|slot| !slot.opens_the_hour() && slot.start != SlotStart::Free);
        if lead {
            let mut rng = self.rng(usize::MAX);
            self.rotate("", end_of(first), "hour", &mut rng);
        }
        for (index, slot) in slots.iter().enumerate() {
            match slot.start {
                SlotStart::Free => {}
                SlotStart::Soft { grace_ms } => {
                    let grace_us = i64::from(grace_ms) * 1_000;
                    self.hang(Anchor::Soft { at: starts(slot), grace_us });
                }
                SlotStart::Hard => self.hang(Anchor::Hard { at: starts(slot) }),
            }
            self.slot(index, slot, end_of(slots.get(index + 1)));
        }
        self.close();
    }

    /// Sets what the next line hangs on; a first line that waits for the hour goes on waiting.
    fn hang(&mut self, anchor: Anchor) {
        let waits = self.chain.is_empty() && matches!(self.chain.pending, Anchor::Hard { .. });
        if let (true, Anchor::Soft { at, .. }) = (waits, anchor) {
            self.chain.pending = Anchor::Hard { at };
        } else {
            self.chain.pending = anchor;
        }
    }

    fn slot(&mut self, index: usize, slot: &ClockSlot, end: End) {
        let label = format!("slot {index}");
        let mut rng = self.rng(index);
        let once = matches!(slot.source, SlotSource::HardItem { .. });
        if !once && !self.wants_more(end) {
            self.notes.push(format!("{label}: no time is left for it"));
        }
        match &slot.source {
            SlotSource::Category { category } => {
                self.rotate(&category.to_lowercase(), end, &label, &mut rng);
            }
            SlotSource::Playlist { playlist_id } => self.in_order(*playlist_id, end, &label),
            SlotSource::HardItem { media_id } => match self.catalogue.place(*media_id) {
                Some(place) if self.has_room() => self.push(place, None),
                Some(_) => {}
                None => self.notes.push(format!("{label}: {media_id} cannot be planned")),
            },
            // Version 2 has them: no hour of version 1 was planned with one.
            SlotSource::SmartBlock { .. }
            | SlotSource::PlaylistBy { .. }
            | SlotSource::Stopset { .. }
            | SlotSource::Imaging { .. }
            | SlotSource::VoiceTrack { .. }
            | SlotSource::LiveWindow { .. }
            | SlotSource::Webstream { .. } => {
                self.notes.push(format!("{label}: this version of the planner does not know it"));
            }
        }
        // Without this the chain would run ahead of a line that waits for nothing.
        if end.hold && self.wants_more(end) && self.has_room() {
            let before = self.chain.next_start();
            self.rotate("", end, &label, &mut rng);
            if self.chain.next_start() > before {
                self.notes.push(format!("{label}: its source ends early, filled from the library"));
            }
        }
        if end.hard {
            self.note_rest(end, &label);
        }
    }

    /// A category, by rotation and separation.
    fn rotate(&mut self, category: &str, end: End, label: &str, rng: &mut ChaCha8Rng) {
        let (mut titles, mut artists) = (0_u32, 0_u32);
        while self.wants_more(end) && self.has_room() {
            let start = self.chain.next_start();
            let room = end.hard.then(|| (end.at.since(start), self.chain.useful()));
            let query = Query { category, at: start.utc(), room };
            let picked = best(self.catalogue, &self.history, self.inputs.settings, query, rng);
            let Some((place, relaxed)) = picked else {
                self.notes.push(match cut(category).as_str() {
                    "" => format!("{label}: nothing to plan in the library"),
                    shown => format!("{label}: nothing to plan in category \"{shown}\""),
                });
                break;
            };
            titles += u32::from(relaxed.title());
            artists += u32::from(relaxed.artist());
            debug_assert!(relaxed != Relaxed::Rest || room.is_some(), "a rest needs a fixed time");
            self.push(place, None);
        }
        let settings = self.inputs.settings;
        for (what, seconds, lines) in [
            ("title", settings.title_separation_s, titles),
            ("artist", settings.artist_separation_s, artists),
        ] {
            if lines > 0 {
                let note =
                    format!("{label}: {what} separation of {seconds} s relaxed {lines} times");
                self.notes.push(note);
            }
        }
    }

    /// A playlist, going on where it was left.
    fn in_order(&mut self, playlist_id: PlaylistId, end: End, label: &str) {
        let Some((name, items)) = self.inputs.playlists.get(&playlist_id) else {
            self.notes.push(format!("{label}: {playlist_id} does not exist"));
            return;
        };
        let items: Vec<usize> =
            items.iter().filter_map(|media_id| self.catalogue.place(*media_id)).collect();
        if items.is_empty() {
            let name = cut(name);
            self.notes.push(format!("{label}: nothing to plan in playlist \"{name}\""));
            return;
        }
        let (station, catalogue, earlier) = (self.inputs.station, self.catalogue, self.earlier);
        let mut place = *self.places.entry(playlist_id).or_insert_with(|| {
            let place_of = |id| catalogue.place(id);
            next_place(station, &place_of, earlier, playlist_id, &items)
        });
        while self.wants_more(end) && self.has_room() {
            self.push(items[place], Some(playlist_id));
            place = (place + 1) % items.len();
        }
        self.places.insert(playlist_id, place);
    }

    fn push(&mut self, place: usize, playlist: Option<PlaylistId>) {
        let entry = &self.catalogue.entries[place];
        let start = self.chain.push(entry.item, entry.cues, playlist);
        self.history.note_entry(self.catalogue, place, start);
    }

    /// Time is left before the end, and before a cut enough to be worth a start.
    fn wants_more(&self, end: End) -> bool {
        let start = self.chain.next_start();
        start < end.at && end.cut.is_none_or(|cut| cut.since(start) >= self.chain.useful())
    }

    fn has_room(&mut self) -> bool {
        let room = self.chain.has_room();
        if !room && !std::mem::replace(&mut self.full, true) {
            let note =
                format!("the hour has as many lines as one commit holds, {MAX_LINES} at most");
            self.notes.push(note);
        }
        room
    }

    fn note_rest(&mut self, end: End, label: &str) {
        let left = end.at.since(self.chain.next_start());
        if left > 0 && !self.full {
            let ms = left * 1_000 / FRAMES_PER_SECOND;
            self.notes.push(format!("{label}: {ms} ms before the next fixed time are not filled"));
        }
    }

    /// The last line meets the next hour's first; where that is known not to be overlapped, it is
    /// not.
    fn close(&mut self) {
        let first = self.inputs.clock.and_then(|clock| clock.slots.first());
        if let Some(SlotSource::HardItem { media_id }) = first.map(|slot| &slot.source)
            && let Some(place) = self.catalogue.place(*media_id)
            && !takes_crossfade(self.catalogue.entries[place].item, self.inputs.settings)
        {
            self.chain.close_without_crossfade();
        }
    }

    /// Seed of a slot: (station, hour, version), then its place.
    fn rng(&self, slot: usize) -> ChaCha8Rng {
        let mut hasher = Sha256::new();
        hasher.update(self.seed);
        hasher.update((slot as u64).to_be_bytes());
        ChaCha8Rng::from_seed(hasher.finalize().into())
    }

    /// Lines and notes.
    pub fn finish(self) -> (Vec<Line>, Vec<String>) {
        (self.chain.into_lines(), self.notes)
    }
}
