//! Folds a timeline's events.

use super::state::TimelineState;
use grimnir_events::LineId;
use grimnir_events::clock::ClockEvent;
use grimnir_events::edit::{self, EditEvent};
use grimnir_events::timeline::{HourPlan, TimelineEvent};
use std::collections::BTreeSet;

/// Folds one event; what names something unknown changes nothing.
pub fn evolve(state: &mut TimelineState, event: &TimelineEvent) {
    match event {
        TimelineEvent::ClockSet { clock } => {
            state.clocks.insert(clock.id, clock.clone().into());
        }
        TimelineEvent::ClockRemoved { clock_id } => {
            state.clocks.remove(clock_id);
        }
        TimelineEvent::DefaultClockChosen { clock_id } => state.default_clock = *clock_id,
        TimelineEvent::HourPlanned { plan } => {
            let before = state.hours.insert(plan.hour, plan.clone());
            let stays: BTreeSet<_> = plan.lines.iter().map(|line| line.id).collect();
            unpin(state, before.iter(), &stays);
            state.roll.hours.remove(&plan.hour);
            state.forget();
            state.orders.sign_on_planned |= state.orders.awaits_sign_on(plan.hour);
        }
        TimelineEvent::LineInserted { hour, index, line } => {
            if let Some(plan) = state.hours.get_mut(hour) {
                let index = (*index as usize).min(plan.lines.len());
                plan.lines.insert(index, (**line).clone());
            }
        }
        TimelineEvent::LineDropped { hour, line_id, reason: _ } => {
            if let Some(plan) = state.hours.get_mut(hour) {
                plan.lines.retain(|line| line.id != *line_id);
                state.pins.remove(line_id);
            }
        }
        TimelineEvent::Show(event) => grimnir_events::show::fold(&mut state.shows, event),
        TimelineEvent::GridSet { grid } => state.grid = grid.clone(),
        TimelineEvent::HourCleared { hour, reason: _ } => {
            let before = state.hours.remove(hour);
            unpin(state, before.iter(), &BTreeSet::new());
            state.roll.hours.remove(hour);
        }
        TimelineEvent::SmartBlockSet { block } => {
            state.blocks.insert(block.id, (**block).clone());
        }
        TimelineEvent::SmartBlockRemoved { block_id } => {
            state.blocks.remove(block_id);
        }
        TimelineEvent::StationRulesSet { rules } => state.rules.clone_from(rules),
        TimelineEvent::Rolled(event) => super::roll::evolve(state, event),
        TimelineEvent::Edited(event) => edited(state, event),
        TimelineEvent::Clock(event) => clock(state, event),
    }
}

/// Pins go with their lines, but for those of lines that stay.
fn unpin<'a>(
    state: &mut TimelineState,
    gone: impl Iterator<Item = &'a HourPlan>,
    stays: &BTreeSet<LineId>,
) {
    if state.pins.is_empty() {
        return;
    }
    for line in gone.flat_map(|plan| &plan.lines).filter(|line| !stays.contains(&line.id)) {
        state.pins.remove(&line.id);
    }
}

fn edited(state: &mut TimelineState, event: &EditEvent) {
    match event {
        EditEvent::LinePinned { hour, line_id, pin } => {
            let plan = state.hours.get(hour);
            let known = plan.is_some_and(|plan| plan.lines.iter().any(|l| l.id == *line_id));
            match pin {
                Some(pin) if known => state.pins.insert(*line_id, *pin),
                Some(_) => None,
                None => state.pins.remove(line_id),
            };
        }
        EditEvent::HourArranged { .. } | EditEvent::LineJoined { .. } => {
            if let Some(plan) = event.hour().and_then(|hour| state.hours.get_mut(&hour)) {
                edit::apply(event, &mut plan.lines);
            }
        }
        EditEvent::TemplateSet { .. }
        | EditEvent::TemplateHoursSet { .. }
        | EditEvent::TemplateRemoved { .. }
        | EditEvent::HoursAssigned { .. }
        | EditEvent::HourFilled { .. } => state.templates.evolve(event),
    }
}

fn clock(state: &mut TimelineState, event: &ClockEvent) {
    match event {
        ClockEvent::Set { clock } => {
            state.clocks.insert(clock.id, (**clock).clone());
        }
        ClockEvent::LegalIdSet { rule } => state.orders.legal_id.clone_from(rule),
        ClockEvent::VoiceTracked { hour, track, media_id: Some(media_id) } => {
            state.orders.voice.entry(*hour).or_default().insert(track.clone(), *media_id);
        }
        ClockEvent::VoiceTracked { hour, track, media_id: None } => {
            if let Some(tracks) = state.orders.voice.get_mut(hour) {
                tracks.remove(track);
                if tracks.is_empty() {
                    state.orders.voice.remove(hour);
                }
            }
        }
        ClockEvent::SignedOn { at } => {
            (state.orders.signed_on, state.orders.sign_on_planned) = (Some(*at), false);
        }
    }
}
