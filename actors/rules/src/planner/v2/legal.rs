//! Legal IDs at natural breaks: the one nearest to the full hour, and the first after sign-on.
//!
//! Nothing is cut for one and no time is fixed: it goes between two lines. Where the next hour
//! begins with a fixed time, its length is kept free before that. Where no break lies within the
//! rule's time, the hour says so.

use super::explain::PickTrace;
use super::pick::Run;
use super::slots::{Filling, Slots};
use super::source::SourceKey;
use crate::planner::sound::crossfade_frames;
use crate::planner::v1::slots::End;
use grimnir_events::clock::ImagingRole;
use grimnir_events::library::ItemKind;
use grimnir_events::timeline::{ClockSlot, HourPlan, SlotSource, SlotStart};
use grimnir_events::units::frames_of_ms;
use grimnir_events::{AirFrame, UtcMicros};

/// A legal ID that is to find its break.
pub(super) struct Due {
    of: Of,
    place: usize,
    airtime: i64,
    trace: Option<PickTrace>,
    /// It may start from here.
    from: AirFrame,
    /// It may start until here.
    until: AirFrame,
}

/// What a legal ID is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// The hour's beginning.
    Opening,
    /// The hour's end: the next hour's beginning, as far as its break lies in this one.
    Closing {
        /// The next hour begins with a fixed time.
        fixed: bool,
    },
    /// The station's sign-on.
    SignOn,
}

impl Slots<'_, '_> {
    /// Finds out which legal IDs the hour owes, and which items they are.
    pub(super) fn owe_legal_ids(&mut self) {
        let Some(rule) = &self.planner.inputs.orders.legal_id else { return };
        let stretch = self.stretch;
        let (from, until) = (stretch.from, stretch.until);
        let before = frames_of_ms(i64::from(rule.before_ms));
        let after = frames_of_ms(i64::from(rule.after_ms));
        let category = rule.category.to_lowercase();
        let mut owed = Vec::new();
        let signed_on = self.planner.inputs.orders.signed_on;
        if let Some(at) = signed_on.filter(|at| (from..until).contains(at)) {
            owed.push((Of::SignOn, at.frame(), until.frame()));
        } else if stretch.whole.0 {
            let top = from.frame();
            let times = (top.plus(-before), top.plus(after));
            let first = stretch.slots.first();
            if self.identifies(first) {
                self.own_id = (!aired(self.earlier, times)).then_some(times);
            } else if !aired(self.earlier, times) {
                owed.push((Of::Opening, times.0, times.1));
            }
        }
        let next = stretch.next.first();
        if stretch.whole.1 && !self.identifies(next) {
            let fixed =
                next.is_some_and(|slot| slot.opens_the_hour() && slot.start != SlotStart::Free);
            let top = until.frame();
            owed.push((Of::Closing { fixed }, top.plus(-before), top));
        }
        let key = SourceKey::Imaging(ImagingRole::LegalId, category);
        let Some(source) = self.planner.source(&key) else { return };
        let end = End { at: until.frame(), cut: None, hard: false, hold: false };
        let mut filling = self.begin("legal id".into(), usize::MAX - 1, from, end, b"legal id");
        let mut run = Run::default();
        for (of, from, until) in owed {
            // Two in one hour are two where there are two.
            run.picked.truncate(source.main.len().saturating_sub(1));
            let Some(picked) = self.pick(&source, &run, None, &mut filling) else { return };
            let trace = self.planner.traces.as_mut().and_then(Vec::pop).map(|(_, trace)| trace);
            run.picked.push(picked.place as u32);
            let place = picked.place;
            let airtime = self.planner.catalogue.entries[place].cues.airtime();
            self.legal.push(Due { of, place, airtime, trace, from, until });
        }
    }

    /// The slot opens its hour with a legal ID by itself.
    fn identifies(&self, slot: Option<&ClockSlot>) -> bool {
        let catalogue = &self.planner.catalogue;
        let is_id = |media_id| {
            let place = catalogue.place(media_id);
            place.is_some_and(|place| catalogue.entries[place].kind == ItemKind::LegalId)
        };
        slot.is_some_and(|slot| match &slot.source {
            SlotSource::Imaging { role, .. } => *role == ImagingRole::LegalId,
            SlotSource::HardItem { media_id } => is_id(*media_id),
            SlotSource::Playlist { .. }
            | SlotSource::PlaylistBy { .. }
            | SlotSource::Category { .. }
            | SlotSource::SmartBlock { .. }
            | SlotSource::Stopset { .. }
            | SlotSource::VoiceTrack { .. }
            | SlotSource::LiveWindow { .. }
            | SlotSource::Webstream { .. } => false,
        })
    }

    /// The end of the hour's last slot, with room for a legal ID before a fixed time.
    pub(super) fn with_room_for_id(&self, end: End) -> End {
        let fixed = Of::Closing { fixed: true };
        let Some(due) = self.legal.iter().find(|due| due.of == fixed) else { return end };
        let room = self.room(due);
        let cut = end.cut.map(|cut| cut.plus(-room));
        End { at: end.at.plus(-room), cut, ..end }
    }

    /// What a legal ID takes: what comes before it is not overlapped.
    fn room(&self, due: &Due) -> i64 {
        due.airtime + crossfade_frames(self.planner.inputs.settings)
    }

    /// Puts a legal ID before what is to come for `airtime` frames, where this break is its place.
    pub(super) fn identify(&mut self, airtime: i64, filling: &mut Filling) -> bool {
        let place = |due: &Due| self.is_place(due, airtime, filling.end);
        let Some(at) = self.legal.iter().position(place) else { return false };
        if !self.has_room() {
            return false;
        }
        let due = self.legal.remove(at);
        if due.of == (Of::Closing { fixed: true }) && filling.keeps_room {
            let room = self.room(&due);
            filling.end.at = filling.end.at.plus(room);
            filling.end.cut = filling.end.cut.map(|cut| cut.plus(room));
            filling.keeps_room = false;
        }
        self.push_legal_id(due);
        true
    }

    fn is_place(&self, due: &Due, airtime: i64, end: End) -> bool {
        let start = self.chain.next_start_whole();
        if self.anchored || start < due.from || start > due.until {
            // At sign-on the line that would be on air then began before.
            return due.of == Of::SignOn
                && !self.anchored
                && start < due.from
                && start.plus(airtime) > due.from;
        }
        let whole = |cut: AirFrame| cut.since(start) >= due.airtime;
        let junction = end.cut.map_or(start.plus(airtime), |cut| cut.min(start.plus(airtime)));
        match due.of {
            Of::Opening | Of::SignOn => end.cut.is_none_or(whole),
            Of::Closing { fixed: true } => {
                whole(due.until) && start.plus(airtime + due.airtime) > due.until
            }
            Of::Closing { fixed: false } => {
                let rule = self.planner.inputs.orders.legal_id.as_ref();
                let after = rule.map_or(0, |rule| frames_of_ms(i64::from(rule.after_ms)));
                let (early, late) = (due.until.since(start), junction.since(due.until));
                early > 0 && late >= 0 && (early <= late || late > after)
            }
        }
    }

    fn push_legal_id(&mut self, due: Due) {
        let catalogue = self.planner.catalogue.clone();
        if let (Some(traces), Some(trace)) = (&mut self.planner.traces, due.trace) {
            traces.push((None, trace));
        }
        let Some(item) = self.library_item(due.place) else { return };
        let at = self.chain.push_legal_id(item, catalogue.entries[due.place].cues);
        self.pushed(due.place, at);
    }

    /// The chain ends with the hour, but for an overlap that the next hour's legal ID has not.
    pub(super) fn awaits_legal_id(&self) -> bool {
        let closing = |due: &Due| due.of == (Of::Closing { fixed: false });
        self.chain.next_start_whole() >= self.stretch.until.frame()
            && self.legal.iter().any(closing)
    }

    /// Tells what is left before a fixed time; where room is kept for a legal ID, after that came.
    pub(super) fn tell_rest(&mut self, filling: &Filling, label: &str) {
        if filling.keeps_room {
            self.rest_of = Some(label.into());
        } else {
            self.note_rest(filling.end, label);
        }
    }

    /// A legal ID that the clock itself puts serves as well.
    pub(super) fn identified(&mut self, at: UtcMicros) {
        let at = at.frame();
        self.legal.retain(|due| at < due.from || at > due.until);
    }

    /// After the last slot: what is left before a fixed time takes the legal ID; what the hour's
    /// beginning lacked is said.
    pub(super) fn end_legal_ids(&mut self) {
        let start = self.chain.next_start_whole();
        if let Some((from, until)) = self.own_id.take()
            && !self.chain.identifies(from, until)
        {
            let (from, until) = (from.utc(), until.utc());
            self.notes
                .push(format!("warning: no legal ID: none of the clock's from {from} to {until}"));
        }
        let rest_of = self.rest_of.take();
        for due in std::mem::take(&mut self.legal) {
            let fixed = due.of == (Of::Closing { fixed: true });
            let fits = start >= due.from && start.plus(due.airtime) <= due.until;
            match due.of {
                Of::Closing { fixed: true } if fits && self.has_room() => self.push_legal_id(due),
                // The next hour's first line is one.
                Of::Closing { fixed: false } => self.chain.close_without_crossfade(),
                Of::Closing { fixed: true } => {}
                Of::Opening => self.notes.push(format!(
                    "warning: no legal ID: no natural break from {} to {}",
                    due.from.utc(),
                    due.until.utc()
                )),
                Of::SignOn => {
                    self.notes.push("warning: no legal ID: no natural break after sign-on".into());
                }
            }
            if let (true, Some(label)) = (fixed, &rest_of) {
                let at = self.stretch.until.frame();
                self.note_rest(End { at, cut: None, hard: true, hold: true }, label);
            }
        }
    }
}

/// A legal ID is planned already within these times.
fn aired(earlier: &[&HourPlan], times: (AirFrame, AirFrame)) -> bool {
    let within = |at: UtcMicros| (times.0..=times.1).contains(&at.frame());
    let lines = earlier.iter().rev().take(2).flat_map(|plan| &plan.lines);
    lines.into_iter().any(|line| line.kind == ItemKind::LegalId && within(line.planned_at))
}
