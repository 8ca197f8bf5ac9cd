//! Folds a station's events.

use super::StationState;
use grimnir_events::station::StationEvent;

/// Folds one event.
pub fn evolve(state: &mut StationState, event: &StationEvent) {
    match event {
        StationEvent::Created { name, slug, time_zone, settings } => {
            state.exists = true;
            state.name.clone_from(name);
            state.slug.clone_from(slug);
            state.time_zone.clone_from(time_zone);
            state.settings.clone_from(settings);
        }
        StationEvent::Renamed { name } => state.name.clone_from(name),
        StationEvent::TimeZoneChanged { time_zone } => state.time_zone.clone_from(time_zone),
        StationEvent::SettingsChanged { settings } => state.settings.clone_from(settings),
        StationEvent::MountAdded { mount } => state.mounts.push(mount.clone()),
        StationEvent::MountRemoved { mount_id } => state.mounts.retain(|m| m.id != *mount_id),
        StationEvent::Started {} => state.on_air = true,
        StationEvent::Stopped {} => state.on_air = false,
        StationEvent::FallbackChanged { media_id } => state.fallback = *media_id,
        StationEvent::DspGraphSet { graph } => state.dsp.clone_from(graph),
        StationEvent::TransitionsChosen { mode } => state.transitions = *mode,
        StationEvent::OutputSet { output } => {
            match state.outputs.iter_mut().find(|held| held.id == output.id) {
                Some(held) => held.clone_from(output),
                None => state.outputs.push((**output).clone()),
            }
        }
        StationEvent::OutputRemoved { output_id } => {
            state.outputs.retain(|output| output.id != *output_id);
        }
    }
}
