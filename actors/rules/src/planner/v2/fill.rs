//! How a slot is filled from a plain source: one item, a rotation, a playlist in its order.

use super::pick::Run;
use super::slots::{Filling, Slots};
use super::source::SourceKey;
use crate::planner::chain::cut;
use crate::planner::v1::playlist::next_place;
use grimnir_events::library::ItemKind;
use grimnir_events::stock::EntryTimes;
use grimnir_events::{MediaId, PlaylistId};

impl Slots<'_, '_> {
    /// One item, once, whatever it follows.
    pub(super) fn hard_item(&mut self, media_id: MediaId, filling: &mut Filling) {
        let label = &filling.label;
        let Some(place) = self.planner.catalogue.place(media_id) else {
            self.notes.push(format!("{label}: {media_id} cannot be planned"));
            return;
        };
        if let Some(why) = self.ruled_out(place) {
            self.notes.push(format!("{label}: {media_id} must not air now: {why}"));
        } else if self.has_room() {
            let entry = &self.planner.catalogue.entries[place];
            let (kind, airtime) = (entry.kind, entry.cues.airtime());
            if kind != ItemKind::LegalId {
                self.identify(airtime, filling);
            }
            self.push(place, None);
        }
    }

    /// Items of a plain source until the slot is full.
    pub(super) fn rotate(&mut self, key: &SourceKey, filling: &mut Filling) {
        let Some(source) = self.planner.source(key) else {
            let label = &filling.label;
            self.notes.push(format!("{label}: {} does not exist", self.shown(key)));
            return;
        };
        let mut run = Run::default();
        while filling.wants(run.picked.len()) && self.wants_more(filling.end) && self.has_room() {
            let fit = self.fit(filling.end);
            let kept = self.kept(filling);
            let Some(picked) = self.pick(&source, &run, fit, filling) else { break };
            let airtime = self.planner.catalogue.entries[picked.place].cues.airtime();
            if self.identify_instead(airtime, kept, filling) {
                continue;
            }
            run.picked.push(picked.place as u32);
            let mut times = None;
            if let SourceKey::Playlist(id, _) = key {
                times = self.times_of(*id, picked.place);
            }
            self.push_timed(picked.place, None, times);
        }
    }

    /// A playlist in its order, going on where it was left; what must not air now is passed over.
    pub(super) fn in_order(&mut self, playlist_id: PlaylistId, filling: &mut Filling) {
        let label = filling.label.clone();
        let Some((name, items)) = self.planner.inputs.playlists.get(&playlist_id) else {
            self.notes.push(format!("{label}: {playlist_id} does not exist"));
            return;
        };
        let catalogue = self.planner.catalogue.clone();
        // What cannot be planned leaves the others their places in the playlist.
        let (items, entries): (Vec<usize>, Vec<usize>) = items
            .iter()
            .enumerate()
            .filter_map(|(entry, id)| Some((catalogue.place(*id)?, entry)))
            .unzip();
        let shown = cut(name);
        if items.is_empty() {
            self.notes.push(format!("{label}: nothing to plan in playlist \"{shown}\""));
            return;
        }
        let (station, earlier) = (self.planner.inputs.station, self.earlier);
        let place_of = |id| catalogue.place(id);
        let next = || next_place(station, &place_of, earlier, playlist_id, &items);
        let mut place = *self.places.entry(playlist_id).or_insert_with(next);
        let (mut passed, mut taken) = (0, 0);
        while filling.wants(taken) && self.wants_more(filling.end) && self.has_room() {
            let (item, entry) = (items[place], entries[place]);
            if passed == 0 && self.identify(catalogue.entries[item].cues.airtime(), filling) {
                continue;
            }
            place = (place + 1) % items.len();
            if let Some(why) = self.ruled_out(item) {
                passed += 1;
                if passed == items.len() {
                    self.notes.push(format!("{label}: playlist \"{shown}\" has a hole: {why}"));
                    self.planner.hole = true;
                    break;
                }
                continue;
            }
            (passed, taken) = (0, taken + 1);
            let times = self.times(playlist_id, entry);
            self.push_timed(item, Some(playlist_id), times);
        }
        self.places.insert(playlist_id, place);
    }

    /// Marks that an entry of a playlist has for itself.
    fn times(&self, playlist: PlaylistId, entry: usize) -> Option<EntryTimes> {
        let times = self.planner.inputs.playlist_times.get(&playlist)?;
        times.get(&u16::try_from(entry).ok()?).copied()
    }

    /// The same for the first entry that has this item.
    fn times_of(&self, playlist: PlaylistId, place: usize) -> Option<EntryTimes> {
        self.planner.inputs.playlist_times.get(&playlist)?;
        let (_, items) = self.planner.inputs.playlists.get(&playlist)?;
        let id = self.planner.catalogue.entries[place].id;
        self.times(playlist, items.iter().position(|item| *item == id)?)
    }
}
