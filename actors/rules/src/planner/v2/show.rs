//! A show that plays a list: its playlist, or what another of its kind aired; each item once and
//! in order over all the hours of an instance, then what would be planned without the show.

use super::slots::Slots;
use crate::planner::chain::cut;
use crate::planner::v1::playlist::taken;
use crate::planner::v1::slots::{End, starts};
use crate::show::Instance;
use crate::timeline::decide::HOUR_US;
use grimnir_events::show::ShowContent;
use grimnir_events::{MediaId, PlaylistId, UtcMicros};

/// Whether a list is planned while an instance is on.
pub(super) fn is_list(instance: &Instance) -> bool {
    match instance.content {
        ShowContent::Playlist { .. } | ShowContent::Rebroadcast { .. } => true,
        ShowContent::Automation | ShowContent::Clock { .. } => false,
    }
}

impl Slots<'_, '_> {
    /// Fills a stretch from an instance's list, then as without the show.
    pub(super) fn show(
        &mut self,
        index: usize,
        instance: &Instance,
        start: UtcMicros,
        end: (End, bool),
    ) {
        let label = format!("show \"{}\"", cut(&instance.name));
        let mut filling = self.begin(label.clone(), index, start, End::NONE, &instance.id.0);
        self.ends(end, &mut filling);
        let items = self.list(instance, &label);
        // The lines of an instance are known by it, as those of a playlist are by that.
        let tag = PlaylistId(instance.id.0);
        let told = || self.told(instance, tag, &items);
        let mut place = self.places.get(&tag).copied().unwrap_or_else(told);
        while place < items.len() && self.wants_more(filling.end) && self.has_room() {
            let item = items[place];
            let airtime = self.planner.catalogue.entries[item].cues.airtime();
            if self.identify(airtime, &mut filling) {
                continue;
            }
            place += 1;
            match self.ruled_out(item) {
                Some(why) => {
                    let title = self.planner.item(item).map(|item| cut(&item.tags.title));
                    let title = title.unwrap_or_default();
                    self.notes.push(format!("{label}: \"{title}\" must not air now: {why}"));
                }
                None => self.push(item, Some(tag)),
            }
        }
        self.places.insert(tag, place);
        if self.wants_more(filling.end) && self.has_room() {
            if place == items.len() && !items.is_empty() {
                self.notes.push(format!("{label}: its list ends early, planned as without it"));
            }
            self.without(index, end);
        }
        if end.0.hard {
            self.tell_rest(&filling, &label);
        }
        self.conclude(filling);
    }

    /// The items of an instance's list that can be planned, by their places in the catalogue.
    fn list(&mut self, instance: &Instance, label: &str) -> Vec<usize> {
        let playlists = self.planner.inputs.playlists;
        let items: Option<Vec<MediaId>> = match instance.content {
            ShowContent::Playlist { playlist_id } => {
                let found = playlists.get(&playlist_id).map(|(_, items)| items.clone());
                if found.is_none() {
                    self.notes.push(format!("{label}: {playlist_id} does not exist"));
                }
                found
            }
            ShowContent::Rebroadcast { show_id } => {
                let source = self.planner.programme.last_before(show_id, instance.from);
                let found = source.as_ref().and_then(|source| self.aired(source));
                if found.is_none() {
                    let what = source.map(|source| format!("from {}", source.starts));
                    let what = what.unwrap_or_else(|| "at all".into());
                    self.notes.push(format!("{label}: nothing is known of {show_id} {what}"));
                }
                found
            }
            ShowContent::Automation | ShowContent::Clock { .. } => None,
        };
        let mut places = Vec::new();
        for id in items.unwrap_or_default() {
            match self.planner.catalogue.place(id) {
                Some(place) => places.push(place),
                None => self.notes.push(format!("{label}: {id} cannot be planned")),
            }
        }
        places
    }

    /// What an instance aired, or is to air by the hours planned.
    fn aired(&self, source: &Instance) -> Option<Vec<MediaId>> {
        if let Some(aired) = self.planner.inputs.aired.get(&source.id) {
            return Some(aired.clone());
        }
        let lines = self.earlier.iter().flat_map(|plan| &plan.lines);
        let within = lines.filter(|line| (source.from..source.until).contains(&line.planned_at));
        let items: Vec<MediaId> = within.map(|line| line.media_id).collect();
        (!items.is_empty()).then_some(items)
    }

    /// How far earlier hours of the instance came in its list.
    fn told(&self, instance: &Instance, tag: PlaylistId, items: &[usize]) -> usize {
        let (station, first) = (self.planner.inputs.station, instance.from.plus(-HOUR_US));
        let mut place = 0;
        for plan in self.earlier.iter().filter(|plan| plan.hour > first) {
            for (index, line) in plan.lines.iter().enumerate() {
                let Some(item) = self.planner.catalogue.place(line.media_id) else { continue };
                let ahead = items[place..].iter().position(|next| *next == item);
                if let Some(ahead) = ahead.filter(|_| taken(station, plan, index, tag)) {
                    place += ahead + 1;
                }
            }
        }
        place
    }

    /// The next time that is named is a show's: what is before it leaves it none of its own.
    pub(super) fn leads_to_show(&self, index: usize) -> bool {
        let mut later = (0..).zip(&self.stretch.slots).skip(index.saturating_add(1));
        let next = later.find(|(_, slot)| slot.offset_ms.is_some());
        let show = |at: usize| {
            let show = self.stretch.shows.get(&at);
            show.filter(|show| show.content != ShowContent::Automation).map(|show| show.id)
        };
        let next = next.and_then(|(next, _)| show(next));
        next.is_some() && next != show(index)
    }

    /// Fills the rest of a stretch as without the show.
    fn without(&mut self, index: usize, end: (End, bool)) {
        let hour = self.stretch.hour;
        let from = self.chain.next_start().utc();
        // Offsets of slots are whole milliseconds.
        let from = from.plus(-from.0.rem_euclid(1_000)).max(hour.from);
        let slots = self.planner.programme.automation(&hour, from, end.0.at.utc());
        let mut begun = from;
        for (place, slot) in slots.iter().enumerate() {
            begun = starts(hour.from, slot).unwrap_or(begun);
            if place > 0 {
                self.hang_on(slot.start, begun);
            }
            let after = &slots[place + 1..];
            let next = after.iter().find_map(|next| Some((next.start, starts(hour.from, next)?)));
            let end = next.map_or(end, |(start, at)| (End::before(start, at), false));
            self.slot(index, slot, begun, end, after.first());
        }
    }
}
