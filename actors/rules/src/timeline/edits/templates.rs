//! Templates: a day or a week of plan taken down, and laid over later hours.
//!
//! Hours that are planned already are filled by whoever applies a template; those that are not yet
//! are noted as to be filled, and are filled once they are planned.

use super::super::rejection::TimelineRejection as No;
use super::super::state::TimelineState;
use super::rejection::EditRejection;
use crate::timeline::decide::{MAX_NAME, MAX_REASON};
use grimnir_events::edit::EditEvent;
use grimnir_events::template::{TemplateHour, TemplateLine, TemplateSpan};
use grimnir_events::timeline::{Anchor, Line, SlotStart, TimelineEvent};
use grimnir_events::{ClockId, TemplateId, UtcMicros, codec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most templates of a station.
pub const MAX_TEMPLATES: usize = 100;
/// Most bytes of the hours that are taken down at once: they stand in one commit.
const MAX_HOURS_BYTES: usize = 48 * 1024;

/// A template as it is now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How much it holds.
    pub span: TemplateSpan,
    /// Its hours, by their numbers.
    pub hours: BTreeMap<u16, TemplateHour>,
}

/// Templates, and the hours that wait for one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Templates {
    /// Templates by id.
    pub all: BTreeMap<TemplateId, Template>,
    /// Hours to be filled once they are planned: from which template, and which hour of it.
    pub waiting: BTreeMap<UtcMicros, (TemplateId, u16)>,
}

/// An hour that is to be taken down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Taken {
    /// Start of the hour.
    pub hour: UtcMicros,
    /// Its number in the template.
    pub place: u16,
    /// The clock that rules it, where that is taken down.
    pub clock_id: Option<ClockId>,
}

impl Templates {
    /// Folds what concerns templates.
    pub fn evolve(&mut self, event: &EditEvent) {
        match event {
            EditEvent::TemplateSet { template_id, name, description, span } => {
                let new = || Template {
                    name: String::new(),
                    description: String::new(),
                    span: *span,
                    hours: BTreeMap::new(),
                };
                let template = self.all.entry(*template_id).or_insert_with(new);
                template.name.clone_from(name);
                template.description.clone_from(description);
                template.span = *span;
            }
            EditEvent::TemplateHoursSet { template_id, hours } => {
                if let Some(template) = self.all.get_mut(template_id) {
                    template.hours.extend(hours.iter().map(|hour| (hour.place, hour.clone())));
                }
            }
            EditEvent::TemplateRemoved { template_id } => {
                self.all.remove(template_id);
                self.waiting.retain(|_, (id, _)| id != template_id);
            }
            EditEvent::HoursAssigned { template_id, hours } => {
                let hours = hours.iter().map(|(hour, place)| (*hour, (*template_id, *place)));
                self.waiting.extend(hours);
            }
            EditEvent::HourFilled { hour } => {
                self.waiting.remove(hour);
            }
            EditEvent::LinePinned { .. }
            | EditEvent::HourArranged { .. }
            | EditEvent::LineJoined { .. } => {}
        }
    }
}

fn edited(event: EditEvent) -> Vec<TimelineEvent> {
    vec![TimelineEvent::Edited(Box::new(event))]
}

/// A template is made, or described otherwise.
pub fn set(
    state: &TimelineState,
    template_id: TemplateId,
    (name, description, span): (&str, &str, TemplateSpan),
) -> Result<Vec<TimelineEvent>, No> {
    let found = name.chars().count();
    if name.trim().is_empty() || found > MAX_NAME {
        let found = name.trim().chars().count();
        return Err(No::Edit(EditRejection::TemplateName { found, limit: MAX_NAME }));
    }
    let found = description.chars().count();
    if found > MAX_REASON {
        let limit = MAX_REASON;
        return Err(No::Edit(EditRejection::TemplateDescription { found, limit }));
    }
    let known = state.templates.all.get(&template_id);
    match known {
        Some(known)
            if (&*known.name, &*known.description, known.span) == (name, description, span) =>
        {
            return Ok(Vec::new());
        }
        None if state.templates.all.len() >= MAX_TEMPLATES => {
            return Err(No::Edit(EditRejection::TooManyTemplates { limit: MAX_TEMPLATES }));
        }
        Some(_) | None => {}
    }
    let (name, description) = (name.to_owned(), description.to_owned());
    Ok(edited(EditEvent::TemplateSet { template_id, name, description, span }))
}

/// Hours of the plan are taken down into a template.
pub fn take(
    state: &TimelineState,
    template_id: TemplateId,
    taken: &[Taken],
    lines: bool,
) -> Result<Vec<TimelineEvent>, No> {
    let template = known(state, template_id)?;
    let limit = template.span.hours();
    let hour = |taken: &Taken| {
        let planned = state.hours.get(&taken.hour).filter(|_| lines);
        let planned = planned.map_or(&[][..], |plan| &plan.lines);
        let lines = planned.iter().map(|line| taken_line(line, taken.hour)).collect();
        TemplateHour { place: taken.place, clock_id: taken.clock_id, lines }
    };
    if let Some(outside) = taken.iter().find(|taken| taken.place >= limit) {
        let found = outside.place;
        return Err(No::Edit(EditRejection::TemplatePlace { found, limit }));
    }
    let hours = taken.iter().map(hour).collect();
    let events = edited(EditEvent::TemplateHoursSet { template_id, hours });
    let size = |event: &TimelineEvent| codec::encode(event).map_or(usize::MAX, |e| e.bytes.len());
    let found: usize = events.iter().map(size).sum();
    if found > MAX_HOURS_BYTES {
        let limit = MAX_HOURS_BYTES;
        return Err(No::Edit(EditRejection::TemplateTooLarge { found, limit }));
    }
    Ok(events)
}

fn taken_line(line: &Line, hour: UtcMicros) -> TemplateLine {
    let start = match line.anchor {
        Anchor::AfterPrevious => SlotStart::Free,
        Anchor::Soft { grace_us, .. } => {
            SlotStart::Soft { grace_ms: u32::try_from(grace_us / 1_000).unwrap_or(u32::MAX) }
        }
        Anchor::Hard { .. } => SlotStart::Hard,
    };
    let at = match line.anchor {
        Anchor::AfterPrevious => line.planned_at,
        Anchor::Soft { at, .. } | Anchor::Hard { at } => at,
    };
    let offset_ms = u32::try_from(at.since(hour).max(0) / 1_000).unwrap_or(u32::MAX);
    TemplateLine { media_id: line.media_id, offset_ms, start }
}

/// What a line of a template hangs on in an hour.
pub fn anchor_in(line: &TemplateLine, hour: UtcMicros) -> Anchor {
    let at = hour.plus(i64::from(line.offset_ms) * 1_000);
    match line.start {
        SlotStart::Free => Anchor::AfterPrevious,
        SlotStart::Soft { grace_ms } => Anchor::Soft { at, grace_us: i64::from(grace_ms) * 1_000 },
        SlotStart::Hard => Anchor::Hard { at },
    }
}

/// A template is removed; hours that wait for it are planned as always.
pub fn remove(state: &TimelineState, template_id: TemplateId) -> Result<Vec<TimelineEvent>, No> {
    known(state, template_id)?;
    Ok(edited(EditEvent::TemplateRemoved { template_id }))
}

/// Hours that are not planned yet are to be filled from a template.
pub fn assign(
    state: &TimelineState,
    template_id: TemplateId,
    hours: &[(UtcMicros, u16)],
) -> Result<Vec<TimelineEvent>, No> {
    let template = known(state, template_id)?;
    if let Some((_, found)) = hours.iter().find(|(_, place)| !template.hours.contains_key(place)) {
        let (found, limit) = (*found, template.span.hours());
        return Err(No::Edit(EditRejection::TemplatePlace { found, limit }));
    }
    let waits = |(hour, place): &&(UtcMicros, u16)| {
        state.templates.waiting.get(hour) != Some(&(template_id, *place))
    };
    let hours: Vec<(UtcMicros, u16)> = hours.iter().filter(waits).copied().collect();
    if hours.is_empty() {
        return Ok(Vec::new());
    }
    Ok(edited(EditEvent::HoursAssigned { template_id, hours }))
}

fn known(state: &TimelineState, template_id: TemplateId) -> Result<&Template, No> {
    let template = state.templates.all.get(&template_id);
    template.ok_or(No::Edit(EditRejection::UnknownTemplate(template_id)))
}
