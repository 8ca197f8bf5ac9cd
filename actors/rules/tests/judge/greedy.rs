//! Fills hours by plain greed: whatever a slot may play, longest rested first, until its time is
//! over. It keeps what is never relaxed and nothing else, so nothing fills more.

use super::composed::underneath;
use super::criteria::Asking;
use super::play::{Asked, Take};
use super::world::World;
use super::{items, law};
use grimnir_events::library::{CueMarks, ItemKind, MediaItem};
use grimnir_events::timeline::{ClockSlot, SlotSource, SlotStart};
use grimnir_events::{AirFrame, MediaId, SmartBlockId, UtcMicros};
use std::collections::BTreeSet;

/// Longest chain of fallbacks.
const DEPTH: usize = 3;

/// A day that fills itself.
pub struct Greedy<'a> {
    world: &'a World,
    takes: Vec<Take>,
    /// Where the next item starts.
    at: AirFrame,
    /// Frames that are heard.
    pub heard: i64,
}

impl<'a> Greedy<'a> {
    pub fn new(world: &'a World, from: UtcMicros) -> Self {
        Self { world, takes: Vec::new(), at: from.frame(), heard: 0 }
    }

    /// Fills one hour.
    pub fn hour(&mut self, hour: UtcMicros) {
        let world = self.world;
        let until = hour.plus(3_600_000_000);
        let slots = underneath(world, hour);
        let ms = |slot: &ClockSlot| i64::from(slot.offset_ms.unwrap_or_default());
        let starts = |slot: &ClockSlot| hour.plus(ms(slot) * 1_000).frame();
        let end = |at: usize| slots.get(at).map_or(until.frame(), starts);
        if slots.first().is_none_or(|slot| ms(slot) > 0 && slot.start != SlotStart::Free) {
            self.library(end(0));
        }
        for (at, slot) in slots.iter().enumerate() {
            if slot.start != SlotStart::Free {
                self.library(starts(slot));
                // What still plays is cut.
                if self.at > starts(slot) {
                    self.heard -= self.at.since(starts(slot));
                }
                self.at = starts(slot);
            }
            self.slot(slot, end(at + 1));
        }
    }

    fn slot(&mut self, slot: &ClockSlot, end: AirFrame) {
        let world = self.world;
        match &slot.source {
            SlotSource::HardItem { media_id } => {
                let _ = self.play(*media_id, Asked::Item(*media_id));
            }
            SlotSource::SmartBlock { block_id } => self.block(*block_id, end),
            SlotSource::Category { category } if category.is_empty() => self.library(end),
            SlotSource::Category { category } => {
                let name = category.to_lowercase();
                let ids = self.which(|item| item.category == name);
                self.fill(&ids, end, true);
            }
            SlotSource::Playlist { playlist_id } | SlotSource::PlaylistBy { playlist_id, .. } => {
                let ids = world.playlists.get(playlist_id).map(|(_, items)| items.clone());
                self.fill(&ids.unwrap_or_default(), end, true);
            }
            // No station that greed fills has them.
            other => panic!("{other:?}"),
        }
    }

    fn which(&self, takes: impl Fn(&MediaItem) -> bool) -> Vec<MediaId> {
        self.world.media.values().filter(|item| takes(item)).map(|item| item.id).collect()
    }

    fn library(&mut self, end: AirFrame) {
        let ids = self.which(|item| matches!(item.kind, ItemKind::Music | ItemKind::Feature));
        self.fill(&ids, end, true);
    }

    /// Items of the block, then of those that lend to it.
    fn block(&mut self, id: SmartBlockId, end: AirFrame) {
        let Some(block) = self.world.blocks.get(&id) else { return };
        let duration = &block.rules.duration;
        let target = duration.target_ms.map(|ms| self.at.plus(i64::from(ms) * 48));
        let end = target.map_or(end, |target| target.min(end));
        let mut blocks = vec![id];
        for _ in 0..DEPTH {
            let known: BTreeSet<SmartBlockId> = blocks.iter().copied().collect();
            let lenders = known.iter().filter_map(|id| self.world.blocks.get(id));
            let lenders = lenders.flat_map(|block| &block.rules.fallbacks);
            let new: Vec<_> = lenders.map(|lender| lender.smart_block_id).collect();
            blocks.extend(new.into_iter().filter(|id| !known.contains(id)));
        }
        let most = duration.max_items.unwrap_or(u32::MAX);
        for block in blocks.iter().filter_map(|id| self.world.blocks.get(id)) {
            let asking = Asking { world: self.world, before: &self.takes, at: self.at.utc() };
            let taken = |id: &MediaId| asking.takes(&block.rules, *id, true);
            let ids: Vec<_> = self.world.media.keys().copied().filter(taken).collect();
            let before = self.takes.len();
            while self.at < end && self.takes.len() - before < most as usize {
                let now = self.takes.len();
                self.one(&ids, block.rules.loop_to_fill, before);
                if self.takes.len() == now {
                    break;
                }
            }
        }
    }

    fn fill(&mut self, ids: &[MediaId], end: AirFrame, again: bool) {
        let before = self.takes.len();
        while self.at < end {
            let now = self.takes.len();
            self.one(ids, again, before);
            if self.takes.len() == now {
                return;
            }
        }
    }

    /// The first of these that may air, longest rested first.
    fn one(&mut self, ids: &[MediaId], again: bool, run: usize) {
        let last = |id: &MediaId| self.takes.iter().rposition(|take| take.media_id == *id);
        let mut order: Vec<(Option<usize>, MediaId)> =
            ids.iter().map(|id| (last(id), *id)).collect();
        order.sort();
        for (last, id) in order {
            let came = last.is_some_and(|last| last >= run);
            if (again || !came) && self.play(id, Asked::Library) {
                return;
            }
        }
    }

    /// Plays the item where nothing forbids it for ever.
    fn play(&mut self, id: MediaId, asked: Asked) -> bool {
        let Some(item) = self.world.media.get(&id) else { return false };
        let (title, artist) = (item.tags.title.clone(), item.tags.artist.clone());
        let at = self.at.utc();
        self.takes.push(Take {
            at,
            media_id: id,
            title,
            artist,
            hour: 0,
            slot: None,
            inner: None,
            asked,
        });
        let place = self.takes.len() - 1;
        let wrong = items::item(self.world, &self.takes, place).len()
            + law::complement(self.world, &self.takes, place).len();
        if wrong > 0 {
            self.takes.pop();
            return false;
        }
        let airtime = airtime(item, self.world);
        self.at = self.at.plus(airtime);
        self.heard += airtime;
        true
    }
}

/// Frames until the next may start: marks of its own, else the station's overlap is taken off.
fn airtime(item: &MediaItem, world: &World) -> i64 {
    let CueMarks { cue_in, segue, cue_out } = item.cues;
    let overlap = i64::from(world.settings.crossfade_ms) * 48;
    let fades = matches!(item.kind, ItemKind::Music | ItemKind::Feature);
    let whole = cue_out - cue_in;
    if segue == cue_out && fades && whole >= 3 * overlap { whole - overlap } else { segue - cue_in }
}
