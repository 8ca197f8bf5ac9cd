//! Folds a timeline's events.

use super::decide::HOUR_US;
use super::state::TimelineState;
use grimnir_events::UtcMicros;
use grimnir_events::clock::ClockEvent;
use grimnir_events::timeline::TimelineEvent;

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
            state.hours.insert(plan.hour, plan.clone());
            if let Some(oldest) = state.oldest_kept() {
                state.hours = state.hours.split_off(&oldest);
                state.orders.voice = state.orders.voice.split_off(&oldest);
            }
            let holds = |at: UtcMicros| plan.hour <= at && at.since(plan.hour) < HOUR_US;
            state.orders.sign_on_planned |= state.orders.signed_on.is_some_and(holds);
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
            }
        }
        TimelineEvent::GridSet { grid } => state.grid = grid.clone(),
        TimelineEvent::HourCleared { hour, reason: _ } => {
            state.hours.remove(hour);
        }
        TimelineEvent::SmartBlockSet { block } => {
            state.blocks.insert(block.id, (**block).clone());
        }
        TimelineEvent::SmartBlockRemoved { block_id } => {
            state.blocks.remove(block_id);
        }
        TimelineEvent::StationRulesSet { rules } => state.rules.clone_from(rules),
        TimelineEvent::Clock(event) => clock(state, event),
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
