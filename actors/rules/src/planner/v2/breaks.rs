//! Slots that are one break, one piece of imaging or one recorded link.

use super::pick::Run;
use super::score::Fit;
use super::slots::{Filling, Slots};
use super::source::SourceKey;
use grimnir_events::clock::{ImagingRole, Stopset};
use grimnir_events::units::frames_of_ms;

impl Slots<'_, '_> {
    /// A break: picks that add up to its length, never beyond length and tolerance.
    pub(super) fn stopset(&mut self, stopset: &Stopset, filling: &mut Filling) {
        let key = SourceKey::Stopset(Box::new(stopset.clone()));
        let Some(source) = self.planner.source(&key) else {
            self.notes.push(format!("{}: {} does not exist", filling.label, self.shown(&key)));
            return;
        };
        let length = frames_of_ms(i64::from(stopset.length_ms));
        let tolerance = frames_of_ms(i64::from(stopset.tolerance_ms));
        self.identify(length, filling);
        // What is said is not overlapped: until the first item says otherwise, the break begins
        // where what plays is over.
        let mut next = self.chain.next_start_whole();
        let mut wanted = next.plus(length);
        let mut run = Run::default();
        let most = stopset.max_items.map_or(usize::MAX, |most| most as usize);
        while run.picked.len() < most && self.has_room() {
            // What is said is said whole: nothing is begun that the next slot would cut.
            let goal = filling.end.cut.map_or(wanted, |cut| cut.plus(-tolerance).min(wanted));
            let left = goal.since(next);
            // What begins after the hour is passed by the next one's first line.
            if left <= tolerance || next >= self.stretch.until.frame() {
                break;
            }
            run.longest = Some(left + tolerance);
            let fit = Some(Fit { left, tolerance });
            let Some(picked) = self.pick(&source, &run, fit, filling) else { break };
            self.push(picked.place, None);
            if run.picked.is_empty() {
                let first = self.chain.last().map(|line| line.planned_at.frame());
                wanted = first.unwrap_or(next).plus(length);
            }
            run.picked.push(picked.place as u32);
            next = self.chain.next_start();
        }
        let left = wanted.since(next);
        if left > tolerance {
            let (short, items) = (left / 48, run.picked.len());
            let length = stopset.length_ms;
            self.notes.push(format!(
                "{}: warning: the break is {short} ms short of its {length} ms ({items} items)",
                filling.label
            ));
        }
    }

    /// Imaging by rotation: the longest rested first.
    pub(super) fn imaging(&mut self, role: ImagingRole, category: &str, filling: &mut Filling) {
        let key = SourceKey::Imaging(role, category.to_lowercase());
        let Some(source) = self.planner.source(&key) else { return };
        let mut run = Run::default();
        for _ in 0..filling.items.unwrap_or(1) {
            if !self.has_room() {
                return;
            }
            let kept = self.kept(filling);
            let Some(mut picked) = self.pick(&source, &run, None, filling) else { return };
            let airtime = self.planner.catalogue.entries[picked.place].cues.airtime();
            if role != ImagingRole::LegalId && self.identify_instead(airtime, kept, filling) {
                let Some(other) = self.pick(&source, &run, None, filling) else { return };
                picked = other;
            }
            run.picked.push(picked.place as u32);
            self.push(picked.place, None);
        }
    }

    /// The recorded item that was assigned to the place, if one was.
    pub(super) fn voice_track(&mut self, track: &str, filling: &mut Filling) {
        let hour = self.stretch.from;
        let voice = &self.planner.inputs.orders.voice;
        match voice.get(&hour).and_then(|tracks| tracks.get(track)).copied() {
            Some(media_id) => self.hard_item(media_id, filling),
            None => self.notes.push(format!(
                "{}: warning: voice track \"{track}\" is not recorded and left out",
                filling.label
            )),
        }
    }
}
