//! Decides what is asked of a station.

use super::command::StationCommand;
use super::{StationRejection as No, StationState, outputs};
use crate::text;
use grimnir_events::dsp::DspGraph;
use grimnir_events::station::{Mount, MountFormat, StationEvent, StationSettings};
use jiff::tz::TimeZoneDatabase;

/// Longest name shown to people, in characters.
pub const NAME_MAX: usize = 100;
/// Longest slug: one label of a host name (RFC 1035).
pub const SLUG_MAX: usize = 63;
/// Longest mount path.
pub const PATH_MAX: usize = 100;
/// Mounts of one station; each (codec, bit rate) costs an encoder.
pub const MOUNTS_MAX: usize = 16;
/// Bit rates that a format is offered with, in kbit/s.
pub const fn bitrates_kbps(format: MountFormat) -> &'static [u16] {
    match format {
        // ISO 11172-3.
        MountFormat::Mp3 => &[32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        MountFormat::AacLc => &[48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        MountFormat::Opus => &[24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        // Encoders take no more than 250 as a bit rate.
        MountFormat::Vorbis => &[64, 80, 96, 112, 128, 160, 192, 224],
        // As many bits as it takes.
        MountFormat::Flac => &[0],
    }
}

/// Most nodes of a chain, and parameters of a node.
pub const NODES_MAX: i64 = 32;
/// Longest type, name or value of a node, in characters.
pub const NODE_TEXT_MAX: usize = 500;

/// Decides one command.
pub fn decide(state: &StationState, command: &StationCommand) -> Result<Vec<StationEvent>, No> {
    if let StationCommand::Create { name, slug, time_zone, settings } = command {
        return create(state, name, slug, time_zone, settings);
    }
    if !state.exists {
        return Err(No::Missing);
    }
    Ok(match command {
        StationCommand::Create { .. } => vec![],
        StationCommand::Change { name, time_zone, settings } => {
            change(state, name.as_deref(), time_zone.as_deref(), settings.as_ref())?
        }
        StationCommand::AddMount { mount } => add_mount(state, mount)?,
        StationCommand::RemoveMount { mount_id } => {
            if !state.mounts.iter().any(|m| m.id == *mount_id) {
                return Err(No::UnknownMount { mount_id: *mount_id });
            }
            vec![StationEvent::MountRemoved { mount_id: *mount_id }]
        }
        StationCommand::Start {} if state.on_air => vec![],
        StationCommand::Start {} => vec![StationEvent::Started {}],
        StationCommand::Stop {} if !state.on_air => vec![],
        StationCommand::Stop {} => vec![StationEvent::Stopped {}],
        StationCommand::ChooseFallback { media_id } if *media_id == state.fallback => vec![],
        StationCommand::ChooseFallback { media_id } => {
            if media_id.is_some_and(|id| id.is_nil()) {
                return Err(No::NilId { field: "media_id" });
            }
            vec![StationEvent::FallbackChanged { media_id: *media_id }]
        }
        StationCommand::SetDspGraph { graph } if *graph == state.dsp => vec![],
        StationCommand::SetDspGraph { graph } => {
            check_graph(graph)?;
            vec![StationEvent::DspGraphSet { graph: Box::new(graph.clone()) }]
        }
        StationCommand::ChooseTransitions { mode } if *mode == state.transitions => vec![],
        StationCommand::ChooseTransitions { mode } => {
            vec![StationEvent::TransitionsChosen { mode: *mode }]
        }
        StationCommand::SetOutput { output } => outputs::set(state, output)?,
        StationCommand::RemoveOutput { output_id } => outputs::remove(state, *output_id)?,
    })
}

fn create(
    state: &StationState,
    name: &str,
    slug: &str,
    time_zone: &str,
    settings: &StationSettings,
) -> Result<Vec<StationEvent>, No> {
    check_name("name", name)?;
    check_slug(slug)?;
    check_time_zone(time_zone)?;
    check_settings(settings)?;
    if state.exists {
        return Err(No::AlreadyExists { slug: state.slug.clone() });
    }
    Ok(vec![StationEvent::Created {
        name: name.to_owned(),
        slug: slug.to_owned(),
        time_zone: time_zone.to_owned(),
        settings: settings.clone(),
    }])
}

fn change(
    state: &StationState,
    name: Option<&str>,
    time_zone: Option<&str>,
    settings: Option<&StationSettings>,
) -> Result<Vec<StationEvent>, No> {
    let mut events = vec![];
    if let Some(name) = name {
        check_name("name", name)?;
        if name != state.name {
            events.push(StationEvent::Renamed { name: name.to_owned() });
        }
    }
    if let Some(zone) = time_zone {
        check_time_zone(zone)?;
        if zone != state.time_zone {
            events.push(StationEvent::TimeZoneChanged { time_zone: zone.to_owned() });
        }
    }
    if let Some(settings) = settings {
        check_settings(settings)?;
        if *settings != state.settings {
            events.push(StationEvent::SettingsChanged { settings: settings.clone() });
        }
    }
    Ok(events)
}

fn add_mount(state: &StationState, mount: &Mount) -> Result<Vec<StationEvent>, No> {
    if mount.id.is_nil() {
        return Err(No::NilId { field: "mount_id" });
    }
    check_name("name", &mount.name)?;
    check_path(&mount.path)?;
    if !bitrates_kbps(mount.format).contains(&mount.bitrate_kbps) {
        return Err(No::Bitrate { format: mount.format, found: mount.bitrate_kbps });
    }
    if let Some(held) = state.mounts.iter().find(|m| m.id == mount.id) {
        let same = held == mount;
        return if same { Ok(vec![]) } else { Err(No::MountTaken { mount_id: mount.id }) };
    }
    if let Some(held) = state.mounts.iter().find(|m| m.path == mount.path) {
        return Err(No::PathTaken { path: mount.path.clone(), mount_id: held.id });
    }
    outputs::check_path_is_free(state.outputs.iter(), &mount.path)?;
    if state.mounts.len() >= MOUNTS_MAX {
        return Err(No::TooManyMounts { found: state.mounts.len(), limit: MOUNTS_MAX });
    }
    Ok(vec![StationEvent::MountAdded { mount: mount.clone() }])
}

pub(super) fn check_name(field: &'static str, name: &str) -> Result<(), No> {
    text::check(name, 1, NAME_MAX).map_err(|fault| No::Text { field, fault })
}

fn check_slug(slug: &str) -> Result<(), No> {
    text::check(slug, 1, SLUG_MAX).map_err(|fault| No::Text { field: "slug", fault })?;
    let stray = |c: &char| !matches!(c, 'a'..='z' | '0'..='9' | '-');
    let at_end = slug.starts_with('-') || slug.ends_with('-');
    match slug.chars().find(stray).or(at_end.then_some('-')) {
        Some(at) => Err(No::Slug { found: slug.to_owned(), at }),
        None => Ok(()),
    }
}

fn check_time_zone(name: &str) -> Result<(), No> {
    // The bundled data, never the machine's: every machine decides alike.
    match TimeZoneDatabase::bundled().get(name) {
        Ok(zone) if zone.iana_name() == Some(name) => Ok(()),
        Ok(_) | Err(_) => Err(No::TimeZone { found: text::clip(name, 80) }),
    }
}

pub(super) fn check_path(path: &str) -> Result<(), No> {
    let no = |why| Err(No::Path { found: text::clip(path, PATH_MAX), why });
    if !path.starts_with('/') || path.len() < 2 {
        return no("does not begin with a slash and a name, expected a path like /live.mp3");
    }
    if path.chars().count() > PATH_MAX {
        return no("is too long, limit 100 characters");
    }
    if !path.chars().all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c)) {
        return no("holds a character other than A-Z, a-z, 0-9, '.', '_', '/' and '-'");
    }
    // What clients and proxies would rewrite on the way here could never be asked for.
    if path[1..].split('/').any(|part| matches!(part, "" | "." | "..")) {
        return no("has an empty, '.' or '..' part");
    }
    Ok(())
}

/// Bounds what is stored; what the nodes mean is the mix's to say.
fn check_graph(graph: &DspGraph) -> Result<(), No> {
    let count = |field, found: usize, max: i64, unit| {
        let found = i64::try_from(found).unwrap_or(i64::MAX);
        if found <= max { Ok(()) } else { Err(No::Setting { field, found, min: 0, max, unit }) }
    };
    let text = |field, found: &str, min| {
        text::check(found, min, NODE_TEXT_MAX).map_err(|fault| No::Text { field, fault })
    };
    count("nodes", graph.nodes.len(), NODES_MAX, "nodes")?;
    text("preset", &graph.preset, 0)?;
    for node in &graph.nodes {
        text("nodes.type", &node.kind, 1)?;
        count("nodes.params", node.params.len(), NODES_MAX, "parameters")?;
        for (name, value) in &node.params {
            text("nodes.params", name, 1)?;
            text("nodes.params", value, 0)?;
        }
    }
    Ok(())
}

fn check_settings(s: &StationSettings) -> Result<(), No> {
    const DAY_S: i64 = 86_400;
    let within = |field, found: i64, min, max, unit| {
        let fits = (min..=max).contains(&found);
        if fits { Ok(()) } else { Err(No::Setting { field, found, min, max, unit }) }
    };
    within("crossfade_ms", s.crossfade_ms.into(), 0, 30_000, "ms")?;
    within("override_fade_ms", s.override_fade_ms.into(), 0, 30_000, "ms")?;
    within("sign_off_ms", s.sign_off_ms.into(), 0, 60_000, "ms")?;
    within("emergency_max_s", s.emergency_max_s.into(), 1, DAY_S, "s")?;
    within("override_max_s", s.override_max_s.into(), 1, DAY_S, "s")?;
    within("artist_separation_s", s.artist_separation_s.into(), 0, 7 * DAY_S, "s")?;
    within("title_separation_s", s.title_separation_s.into(), 0, 7 * DAY_S, "s")?;
    within("target_lufs_x100", s.target_lufs_x100.into(), -4_000, -500, "hundredths of LUFS")?;
    within("min_airtime_ms", s.min_airtime_ms.into(), 0, 600_000, "ms")
}
