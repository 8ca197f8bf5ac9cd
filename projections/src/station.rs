//! Stations: what they are called and whether they are to be on air.

use crate::change::Changes;
use crate::decoded::Place;
use crate::model::Model;
use crate::rows::StationRow;
use grimnir_events::dsp::DspGraph;
use grimnir_events::station::{StationEvent, TransitionMode};

/// Folds one event.
pub(crate) fn apply(model: &mut Model, place: &Place, event: &StationEvent) {
    let id = place.station();
    if let StationEvent::Created { name, slug, time_zone, settings } = event {
        model.stations.insert(
            id,
            StationRow {
                id,
                name: name.clone(),
                slug: slug.clone(),
                time_zone: time_zone.clone(),
                on_air: false,
                settings: settings.clone(),
                transitions: TransitionMode::default(),
                mounts: Vec::new(),
                fallback_media_id: None,
                default_clock_id: None,
                dsp: DspGraph::default(),
                outputs: Vec::new(),
            },
        );
        return;
    }
    let Some(row) = model.stations.get_mut(&id) else { return };
    match event {
        StationEvent::Created { .. } => {}
        StationEvent::Renamed { name } => row.name.clone_from(name),
        StationEvent::TimeZoneChanged { time_zone } => row.time_zone.clone_from(time_zone),
        StationEvent::SettingsChanged { settings } => row.settings.clone_from(settings),
        StationEvent::MountAdded { mount } => {
            row.mounts.retain(|m| m.id != mount.id);
            row.mounts.push(mount.clone());
        }
        StationEvent::MountRemoved { mount_id } => row.mounts.retain(|m| m.id != *mount_id),
        StationEvent::Started {} => row.on_air = true,
        StationEvent::Stopped {} => row.on_air = false,
        StationEvent::FallbackChanged { media_id } => row.fallback_media_id = *media_id,
        StationEvent::DspGraphSet { graph } => row.dsp.clone_from(graph),
        StationEvent::TransitionsChosen { mode } => row.transitions = *mode,
        StationEvent::OutputSet { output } => {
            match row.outputs.iter_mut().find(|held| held.id == output.id) {
                Some(held) => held.clone_from(output),
                None => row.outputs.push((**output).clone()),
            }
        }
        StationEvent::OutputRemoved { output_id } => row.outputs.retain(|o| o.id != *output_id),
    }
}

/// Tells what changed.
pub(crate) fn tell(out: &mut Changes, event: &StationEvent) {
    out.push("station.update", event);
}
