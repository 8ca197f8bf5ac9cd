//! What stands at a place of its own: imaging in its turn, a recorded link where one was recorded,
//! slots by position with their share, and the list of a show from its first item on.

use super::clocks::list_of;
use super::composed::{On, Place, once, places};
use super::criteria::is_imaging;
use super::play::{Asked, Complaint, Take};
use super::world::World;
use super::{items, law};
use grimnir_events::clock::ImagingRole;
use grimnir_events::show::ShowContent;
use grimnir_events::timeline::{HourPlan, SlotSource};
use grimnir_events::{InstanceId, MediaId, UtcMicros};
use std::collections::BTreeSet;

/// What is wrong with the places of one hour.
pub fn placed(world: &World, takes: &[Take], plan: &HourPlan, hour: usize) -> Vec<Complaint> {
    let places = places(world, plan.hour);
    let of_hour = Hour { world, takes, plan, places: &places, hour };
    let mut found = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let wrong = of_hour.share(at).into_iter().chain(match &place.slot.source {
            SlotSource::Imaging { role, category } => of_hour.imaging(at, *role, category),
            SlotSource::VoiceTrack { track } => of_hour.voice(at, track),
            _ => Vec::new(),
        });
        found.extend(wrong);
    }
    let mut seen: BTreeSet<InstanceId> = BTreeSet::new();
    for on in places.iter().filter_map(|place| place.on.as_ref()) {
        let lists =
            matches!(on.content, ShowContent::Playlist { .. } | ShowContent::Rebroadcast { .. });
        if lists && seen.insert(on.id) {
            found.extend(of_hour.list(on));
        }
    }
    found
}

struct Hour<'a> {
    world: &'a World,
    takes: &'a [Take],
    plan: &'a HourPlan,
    places: &'a [Place],
    hour: usize,
}

impl Hour<'_> {
    /// The plays of a slot, by their places.
    fn of(&self, at: usize) -> impl Iterator<Item = usize> {
        let here = move |take: &Take| (take.hour, take.slot) == (self.hour, Some(at));
        (0..self.takes.len()).filter(move |take| here(&self.takes[*take]))
    }

    fn told(&self, at: usize, words: &str) -> bool {
        let label = format!("slot {at}: ");
        self.plan.notes.iter().any(|note| note.starts_with(&label) && note.contains(words))
    }

    fn wrong(&self, rule: &str, at: usize, what: String) -> Complaint {
        Complaint::of_hour(rule, self.hour, format!("slot {at}: {what}"))
    }

    /// A slot takes as many items as it says, and one before a slot that follows by position.
    fn share(&self, at: usize) -> Vec<Complaint> {
        let place = &self.places[at];
        let ends_itself = match &place.slot.source {
            SlotSource::SmartBlock { block_id } => {
                let block = self.world.blocks.get(block_id);
                block.is_some_and(|block| {
                    let own = &block.rules.duration;
                    own.target_ms.is_some() || own.max_items.is_some()
                })
            }
            source => once(source),
        };
        let next = self.places.get(at + 1);
        let shares = next.is_some_and(|next| next.slot.offset_ms.is_none()) && !ends_itself;
        let most = match (place.slot.items, &place.slot.source) {
            (_, SlotSource::Stopset { .. }) => return Vec::new(),
            (Some(items), _) => usize::from(items),
            (None, SlotSource::Imaging { .. }) => 1,
            (None, _) if shares => 1,
            (None, _) => return Vec::new(),
        };
        let between = |asked: &Asked| matches!(asked, Asked::Bumper(_) | Asked::Interstitial(..));
        let own = self.of(at).filter(|take| !between(&self.takes[*take].asked)).count();
        let filled = self.told(at, "filled from the library");
        let wrong = own > most && !filled;
        let found = wrong.then(|| self.wrong("share", at, format!("{own} items of {most}")));
        found.into_iter().collect()
    }

    /// The longest rested that may air comes first, and one comes at all.
    fn imaging(&self, at: usize, role: ImagingRole, category: &str) -> Vec<Complaint> {
        let mut found = Vec::new();
        let asked = |take: &usize| matches!(self.takes[*take].asked, Asked::Imaging(..));
        let run: Vec<usize> = self.of(at).filter(asked).collect();
        let lost = self.plan.notes.iter().any(|note| note.contains("has no room before"));
        if run.is_empty() && !lost && !self.told(at, "") {
            found.push(self.wrong("imaging", at, "nothing, and nothing is said".into()));
        }
        for take in &run {
            let own = self.last(*take, self.takes[*take].media_id);
            let ids = self.world.media.keys();
            for id in ids.filter(|id| is_imaging(self.world, role, category, **id)) {
                let other = self.last(*take, *id);
                let taken = run.iter().any(|at| self.takes[*at].media_id == *id);
                if !taken && other < own && self.may_air(*take, *id) {
                    let title = &self.world.media[id].tags.title;
                    let (take, what) = (&self.takes[*take], format!("{title} rested longer"));
                    found.push(Complaint::new("imaging", take, what));
                    break;
                }
            }
        }
        found
    }

    fn last(&self, before: usize, id: MediaId) -> Option<UtcMicros> {
        let earlier = self.takes[..before].iter().rev();
        earlier.filter(|take| take.media_id == id).map(|take| take.at).next()
    }

    fn may_air(&self, at: usize, id: MediaId) -> bool {
        let mut takes = self.takes[..=at].to_vec();
        takes[at].media_id = id;
        items::item(self.world, &takes, at).is_empty()
            && law::complement(self.world, &takes, at).is_empty()
    }

    /// What was recorded is there, and what was not is said.
    fn voice(&self, at: usize, track: &str) -> Vec<Complaint> {
        let recorded = self.world.orders.voice.get(&self.plan.hour).and_then(|of| of.get(track));
        let asked = |take: &usize| matches!(self.takes[*take].asked, Asked::Voice(_));
        let own = self.of(at).filter(asked);
        let aired: Vec<MediaId> = own.map(|take| self.takes[take].media_id).collect();
        let lost = self.plan.notes.iter().any(|note| note.contains("has no room before"));
        let right = match recorded {
            Some(id) => {
                aired == [*id]
                    || (aired.is_empty()
                        && (lost
                            || self.told(at, "must not air now")
                            || self.told(at, "cannot be planned")))
            }
            None => aired.is_empty() && self.told(at, "is not recorded and left out"),
        };
        let what = || format!("{track}: {aired:?} where {recorded:?} is recorded");
        (!right).then(|| self.wrong("voice track", at, what())).into_iter().collect()
    }

    /// A show plays its list in its order, once, and something else only when it is over.
    fn list(&self, on: &On) -> Vec<Complaint> {
        let mut found = Vec::new();
        let of_it = |take: &&Take| take.asked == Asked::Show(on.id);
        let all: Vec<&Take> = self.takes.iter().filter(of_it).collect();
        let now: Vec<&&Take> = all.iter().filter(|take| take.hour == self.hour).collect();
        let before = all.iter().filter(|take| take.hour < self.hour).count();
        let first = all.first().map_or(self.hour, |take| take.hour);
        let list = list_of(self.world, on, first.min(self.hour), self.takes);
        let mut at = 0;
        for (nth, take) in all.iter().filter(|take| take.hour <= self.hour).enumerate() {
            let ahead = list[at..].iter().position(|id| *id == take.media_id);
            match ahead {
                Some(ahead) => at += ahead + 1,
                None if nth >= before => {
                    found.push(Complaint::new("show list", take, "is not next in its list"));
                }
                None => {}
            }
        }
        for take in &now {
            if take.at >= on.until || take.at.plus(600_000_000) < on.from {
                found.push(Complaint::new("show list", take, "airs when its show is not on"));
            }
        }
        // Nothing else of this stretch airs while the list has items that may.
        let slot = self.places.iter().position(|place| place.on.as_ref() == Some(on));
        let others = slot.map_or(0, |slot| {
            let own = self.of(slot).map(|take| &self.takes[take].asked);
            own.filter(|asked| **asked != Asked::Show(on.id)).count()
        });
        let label = format!("show \"{}\": ", on.name);
        let passed = self.plan.notes.iter().filter(|note| {
            (note.starts_with(&label)
                && (note.contains("must not air now") || note.contains("cannot be planned")))
                || note.contains("has no room before")
        });
        if others > 0 && at + passed.count() < list.len() {
            let what = format!("{at} of {} items, then {others} of something else", list.len());
            found.push(Complaint::of_hour("show list", self.hour, what));
        }
        found
    }
}
