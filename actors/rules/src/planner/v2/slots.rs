//! Goes through the slots of the clock and fills each from its source, every pick by the selector.

use super::pick::Run;
use super::source::SourceKey;
use super::{Planner, Stretch};
use crate::planner::chain::{Chain, MAX_LINES, cut};
use crate::planner::sound::takes_crossfade;
use crate::planner::v1::playlist::next_place;
use crate::planner::v1::slots::End;
use grimnir_events::smart_block::SmartBlock;
use grimnir_events::timeline::{
    Anchor, ClockSlot, HourPlan, Line, PlaylistMode, SlotSource, SlotStart,
};
use grimnir_events::units::FRAMES_PER_SECOND;
use grimnir_events::{MediaId, PlaylistId, SmartBlockId, UtcMicros};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The hour in the making.
pub(super) struct Slots<'p, 'a> {
    pub planner: &'p mut Planner<'a>,
    earlier: &'p [&'p HourPlan],
    pub chain: Chain<'a>,
    seed: [u8; 32],
    stretch: &'p Stretch,
    places: BTreeMap<PlaylistId, usize>,
    /// What could not be done as asked.
    pub notes: Vec<String>,
    full: bool,
}

/// The slot in the making.
pub(super) struct Filling {
    pub label: String,
    pub end: End,
    pub rng: ChaCha8Rng,
    pub seed: [u8; 32],
    /// How often each rule was relaxed.
    pub relaxed: BTreeMap<String, u32>,
}

impl<'p, 'a> Slots<'p, 'a> {
    pub fn new(
        planner: &'p mut Planner<'a>,
        earlier: &'p [&'p HourPlan],
        chain: Chain<'a>,
        seed: [u8; 32],
        stretch: &'p Stretch,
    ) -> Self {
        let (places, notes) = (BTreeMap::new(), Vec::new());
        Self { planner, earlier, chain, seed, stretch, places, notes, full: false }
    }

    /// Fills the hour.
    pub fn fill(&mut self) {
        let Stretch { from: hour, until, ref slots, next: ref following } = *self.stretch;
        let starts = |slot: &ClockSlot| hour.plus(i64::from(slot.offset_ms) * 1_000);
        let first = slots.first();
        let end_of = |next: Option<&ClockSlot>| match next {
            Some(slot) => End::before(slot.start, starts(slot)),
            None => End::of_hour(following, until),
        };
        // What comes before a first slot with a time of its own has no source.
        let lead = first.is_none_or(|slot| slot.offset_ms > 0 && slot.start != SlotStart::Free);
        if lead {
            let mut filling = self.begin("hour".into(), usize::MAX, hour, end_of(first), b"");
            self.rotate(&SourceKey::Library, &mut filling);
            self.conclude(filling);
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
            self.slot(index, slot, starts(slot), end_of(slots.get(index + 1)));
        }
        self.close();
    }

    /// Sets what the next line hangs on; a first line that waits for the hour goes on waiting.
    fn hang(&mut self, anchor: Anchor) {
        let waits = self.chain.is_empty() && matches!(self.chain.pending, Anchor::Hard { .. });
        self.chain.pending = match anchor {
            Anchor::Soft { at, .. } if waits => Anchor::Hard { at },
            free @ (Anchor::AfterPrevious | Anchor::Soft { .. } | Anchor::Hard { .. }) => free,
        };
    }

    fn begin(
        &self,
        label: String,
        index: usize,
        start: UtcMicros,
        end: End,
        source: &[u8],
    ) -> Filling {
        // Seed of a slot: (station, hour, version), then source, place and start.
        let mut hasher = Sha256::new();
        hasher.update(self.seed);
        hasher.update((source.len() as u64).to_be_bytes());
        hasher.update(source);
        hasher.update((index as u64).to_be_bytes());
        hasher.update(start.0.to_be_bytes());
        let seed: [u8; 32] = hasher.finalize().into();
        let rng = ChaCha8Rng::from_seed(seed);
        Filling { label, end, rng, seed, relaxed: BTreeMap::new() }
    }

    /// One run of a block and nothing else.
    pub fn only(&mut self, block: SmartBlockId, at: UtcMicros, end: End) {
        let mut filling = self.begin("block".into(), 0, at, end, &block.0);
        self.block(block, &mut filling);
        self.conclude(filling);
    }

    fn slot(&mut self, index: usize, slot: &ClockSlot, start: UtcMicros, end: End) {
        let source = match &slot.source {
            SlotSource::Playlist { playlist_id } | SlotSource::PlaylistBy { playlist_id, .. } => {
                playlist_id.0.to_vec()
            }
            SlotSource::Category { category } => category.clone().into_bytes(),
            SlotSource::HardItem { media_id } => media_id.0.to_vec(),
            SlotSource::SmartBlock { block_id } => block_id.0.to_vec(),
        };
        let mut filling = self.begin(format!("slot {index}"), index, start, end, &source);
        let label = filling.label.clone();
        let once = matches!(slot.source, SlotSource::HardItem { .. });
        if !once && !self.wants_more(end) {
            self.notes.push(format!("{label}: no time is left for it"));
        }
        match &slot.source {
            SlotSource::Category { category } if category.is_empty() => {
                self.rotate(&SourceKey::Library, &mut filling);
            }
            SlotSource::Category { category } => {
                self.rotate(&SourceKey::Category(category.to_lowercase()), &mut filling);
            }
            SlotSource::Playlist { playlist_id }
            | SlotSource::PlaylistBy { playlist_id, mode: PlaylistMode::Sequential } => {
                self.in_order(*playlist_id, &filling);
            }
            SlotSource::PlaylistBy { playlist_id, mode } => {
                self.rotate(&SourceKey::Playlist(*playlist_id, *mode), &mut filling);
            }
            SlotSource::SmartBlock { block_id } => self.block(*block_id, &mut filling),
            SlotSource::HardItem { media_id } => self.hard_item(*media_id, &label),
        }
        // Without this the chain would run ahead of a line that waits for nothing.
        if end.hold && self.wants_more(end) && self.has_room() {
            let before = self.chain.next_start();
            self.rotate(&SourceKey::Library, &mut filling);
            if self.chain.next_start() > before {
                self.notes.push(format!("{label}: its source ends early, filled from the library"));
            }
        }
        if end.hard {
            self.note_rest(end, &label);
        }
        self.conclude(filling);
    }

    fn hard_item(&mut self, media_id: MediaId, label: &str) {
        let Some(place) = self.planner.catalogue.place(media_id) else {
            self.notes.push(format!("{label}: {media_id} cannot be planned"));
            return;
        };
        if let Some(why) = self.ruled_out(place) {
            self.notes.push(format!("{label}: {media_id} must not air now: {why}"));
        } else if self.has_room() {
            self.push(place, None);
        }
    }

    /// Items of a plain source until the slot is full.
    fn rotate(&mut self, key: &SourceKey, filling: &mut Filling) {
        let Some(source) = self.planner.source(key) else {
            let label = &filling.label;
            self.notes.push(format!("{label}: {} does not exist", self.shown(key)));
            return;
        };
        let mut run = Run::default();
        while self.wants_more(filling.end) && self.has_room() {
            let fit = self.fit(filling.end);
            let Some(picked) = self.pick(&source, &run, fit, filling) else { break };
            run.picked.push(picked.place as u32);
            self.push(picked.place, None);
        }
    }

    /// A playlist in its order, going on where it was left; what must not air now is passed over.
    fn in_order(&mut self, playlist_id: PlaylistId, filling: &Filling) {
        let label = &filling.label;
        let Some((name, items)) = self.planner.inputs.playlists.get(&playlist_id) else {
            self.notes.push(format!("{label}: {playlist_id} does not exist"));
            return;
        };
        let catalogue = self.planner.catalogue.clone();
        let items: Vec<usize> = items.iter().filter_map(|id| catalogue.place(*id)).collect();
        let shown = cut(name);
        if items.is_empty() {
            self.notes.push(format!("{label}: nothing to plan in playlist \"{shown}\""));
            return;
        }
        let (station, earlier) = (self.planner.inputs.station, self.earlier);
        let place_of = |id| catalogue.place(id);
        let next = || next_place(station, &place_of, earlier, playlist_id, &items);
        let mut place = *self.places.entry(playlist_id).or_insert_with(next);
        let mut passed = 0;
        while self.wants_more(filling.end) && self.has_room() {
            let item = items[place];
            place = (place + 1) % items.len();
            if let Some(why) = self.ruled_out(item) {
                passed += 1;
                if passed == items.len() {
                    self.notes.push(format!("{label}: playlist \"{shown}\" has a hole: {why}"));
                    break;
                }
                continue;
            }
            passed = 0;
            self.push(item, Some(playlist_id));
        }
        self.places.insert(playlist_id, place);
    }

    pub fn push(&mut self, place: usize, playlist: Option<PlaylistId>) {
        let catalogue = self.planner.catalogue.clone();
        let entry = &catalogue.entries[place];
        let at = self.chain.push(entry.item, entry.cues, playlist);
        let who = super::history::Who::Item(place as u32);
        self.planner.history.note(&catalogue, super::history::Logged { at, who });
        let line = self.chain.last();
        let traced = self.planner.traces.as_mut().and_then(|traces| traces.last_mut());
        if let (Some((id @ None, trace)), Some(line)) = (traced, line)
            && trace.picked == Some(line.media_id)
        {
            *id = Some(line.id);
        }
    }

    /// Time is left before the end, and before a cut enough to be worth a start.
    pub fn wants_more(&self, end: End) -> bool {
        let start = self.chain.next_start();
        start < end.at && end.cut.is_none_or(|cut| cut.since(start) >= self.chain.useful())
    }

    pub fn has_room(&mut self) -> bool {
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

    /// Says what a slot relaxed.
    fn conclude(&mut self, filling: Filling) {
        for (rule, times) in filling.relaxed {
            self.notes.push(format!("{}: {rule} relaxed {times} times", filling.label));
        }
    }

    /// A source as people know it.
    pub fn shown(&self, key: &SourceKey) -> String {
        let block = |id| -> String {
            let named = |block: &SmartBlock| format!("smart block \"{}\"", cut(&block.name));
            self.planner.inputs.blocks.get(id).map_or_else(|| id.to_string(), named)
        };
        match key {
            SourceKey::Library => "the library".into(),
            SourceKey::Category(name) => format!("category \"{}\"", cut(name)),
            SourceKey::Block(id) => block(id),
            SourceKey::Playlist(id, _) => match self.planner.inputs.playlists.get(id) {
                Some((name, _)) => format!("playlist \"{}\"", cut(name)),
                None => id.to_string(),
            },
            SourceKey::Bumpers(id) => format!("the bumpers of {}", block(id)),
            SourceKey::Interstitial(id, at) => format!("interstitials {at} of {}", block(id)),
        }
    }

    /// The last line meets the next hour's first; where that is known not to be overlapped, it is
    /// not.
    fn close(&mut self) {
        let first = self.stretch.next.first();
        if let Some(SlotSource::HardItem { media_id }) = first.map(|slot| &slot.source)
            && let Some(place) = self.planner.catalogue.place(*media_id)
            && !takes_crossfade(
                self.planner.catalogue.entries[place].item,
                self.planner.inputs.settings,
            )
        {
            self.chain.close_without_crossfade();
        }
        self.chain.close();
    }

    /// Lines and notes.
    pub fn finish(self) -> (Vec<Line>, Vec<String>) {
        (self.chain.into_lines(), self.notes)
    }
}
