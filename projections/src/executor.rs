//! Executors: what playout does, who owns the air, which engine run gives the sound.

use crate::change::Changes;
use crate::decoded::Place;
use crate::model::Model;
use crate::rows::ExecutorRow;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::control::ControlMode;
use grimnir_events::crash::CrashAnswer;
use grimnir_events::executor::{ExecutorEvent, PlayoutState};
use grimnir_events::ladder::{AUTOMATION_CLAIM, LadderEvent, Tier};
use grimnir_events::station::StationEvent;

/// A station has an executor from its creation on.
pub(crate) fn created(model: &mut Model, place: &Place, event: &StationEvent) {
    if matches!(event, StationEvent::Created { .. }) {
        row(model, place);
    }
}

/// Folds one event.
pub(crate) fn apply(model: &mut Model, place: &Place, event: &ExecutorEvent) {
    match event {
        ExecutorEvent::StateChanged { to, .. } => {
            let row = row(model, place);
            (row.state, row.since) = (*to, place.at);
        }
        ExecutorEvent::ModeChanged { to, .. } => row(model, place).mode = *to,
        ExecutorEvent::SkipRequested { .. }
        | ExecutorEvent::StartRequested { .. }
        | ExecutorEvent::LegalIdMissed { .. } => {}
        ExecutorEvent::EngineCrashed { crash, answer } => {
            let row = row(model, place);
            row.crashes += 1;
            row.last_crash = Some(crash.clone());
            if *answer == CrashAnswer::Minimal {
                row.minimal_since.get_or_insert(crash.at);
            }
        }
        ExecutorEvent::EngineWhole { .. } => row(model, place).minimal_since = None,
    }
}

/// The ladder names the owner.
pub(crate) fn decided(model: &mut Model, place: &Place, event: &LadderEvent) {
    if let LadderEvent::OwnerChanged { to, tier, .. } = event {
        let row = row(model, place);
        (row.owner, row.tier) = (*to, *tier);
    }
}

/// The engine says who is heard: it may know before the ladder does.
pub(crate) fn witnessed(model: &mut Model, place: &Place, fact: &AirFact) {
    let row = row(model, place);
    match &fact.event {
        AirEvent::EngineStopped {} if row.run == Some(fact.run) => row.run = None,
        AirEvent::OwnerChanged { to, tier, .. } => {
            (row.owner, row.tier, row.run) = (*to, *tier, Some(fact.run));
        }
        AirEvent::EngineStarted { .. } | AirEvent::ItemStarted(_) => row.run = Some(fact.run),
        _ => {}
    }
}

fn row<'a>(model: &'a mut Model, place: &Place) -> &'a mut ExecutorRow {
    let station_id = place.station();
    model.executors.entry(station_id).or_insert(ExecutorRow {
        station_id,
        state: PlayoutState::Idle,
        since: place.at,
        owner: AUTOMATION_CLAIM,
        tier: Tier::Automation,
        run: None,
        mode: ControlMode::Automatic,
        crashes: 0,
        last_crash: None,
        minimal_since: None,
    })
}

/// Tells what changed.
pub(crate) fn tell(out: &mut Changes, event: &ExecutorEvent) {
    match event {
        ExecutorEvent::LegalIdMissed { .. } => out.push("executor.legal_id_missed", event),
        ExecutorEvent::EngineCrashed { .. } => out.push("executor.engine_crashed", event),
        ExecutorEvent::EngineWhole { .. } => out.push("executor.engine_whole", event),
        ExecutorEvent::StateChanged { .. }
        | ExecutorEvent::SkipRequested { .. }
        | ExecutorEvent::ModeChanged { .. }
        | ExecutorEvent::StartRequested { .. } => out.push("executor.state", event),
    }
}
