//! Decides what is asked of a station's outputs: what may be stored of each kind.

use super::decide::{bitrates_kbps, check_name, check_path};
use super::{StationRejection as No, StationState};
use crate::text;
use grimnir_events::OutputId;
use grimnir_events::output::{Encoding, HlsOutput, Output, OutputKind, RecordingOutput, SrtOutput};
use grimnir_events::station::{MountFormat, StationEvent};

/// Outputs of one station, beside its mounts.
pub const OUTPUTS_MAX: usize = 16;
/// Longest text that is told to a server, in characters.
pub const TOLD_MAX: usize = 100;
/// Longest host name (RFC 1035).
pub const HOST_MAX: usize = 253;
/// Least bit rate of a recording in MP3: below, LAME takes a lower sample rate, and a file's frames
/// do not tell the programme's any more.
pub const RECORDED_MP3_KBPS: u16 = 128;
/// Bit rates of one stream of HTTP live streaming.
pub const VARIANTS_MAX: i64 = 5;

/// An output is to be as this says.
pub fn set(state: &StationState, output: &Output) -> Result<Vec<StationEvent>, No> {
    if output.id.is_nil() {
        return Err(No::NilId { field: "output_id" });
    }
    check_name("name", &output.name)?;
    check_kind(&output.kind)?;
    let held = state.outputs.iter().find(|held| held.id == output.id);
    if held == Some(output) {
        return Ok(vec![]);
    }
    if held.is_some_and(|held| held.kind.word() != output.kind.word()) {
        return Err(No::OutputTaken { output_id: output.id });
    }
    if held.is_none() && state.outputs.len() >= OUTPUTS_MAX {
        return Err(No::TooManyOutputs { found: state.outputs.len(), limit: OUTPUTS_MAX });
    }
    check_places(state, output)?;
    Ok(vec![StationEvent::OutputSet { output: Box::new(output.clone()) }])
}

/// An output is to go.
pub fn remove(state: &StationState, output_id: OutputId) -> Result<Vec<StationEvent>, No> {
    if !state.outputs.iter().any(|output| output.id == output_id) {
        return Err(No::UnknownOutput { output_id });
    }
    Ok(vec![StationEvent::OutputRemoved { output_id }])
}

fn check_kind(kind: &OutputKind) -> Result<(), No> {
    use MountFormat::{AacLc, Flac, Mp3, Opus, Vorbis};
    let word = kind.word();
    match kind {
        OutputKind::Icecast(to) => {
            check_host(&to.host)?;
            check_port(to.port, u16::MAX)?;
            check_path(&to.mount)?;
            told("user", &to.user, 1)?;
            told("description", &to.description, 0)?;
            told("genre", &to.genre, 0)?;
            told("url", &to.url, 0)?;
            check_encoding(word, to.encoding, &[Mp3, AacLc, Opus, Vorbis, Flac])
        }
        OutputKind::Shoutcast(to) => {
            check_host(&to.host)?;
            // The sound goes to the port above it.
            check_port(to.port, u16::MAX - 1)?;
            told("genre", &to.genre, 0)?;
            told("url", &to.url, 0)?;
            check_encoding(word, to.encoding, &[Mp3, AacLc])
        }
        OutputKind::Hls(hls) => check_hls(hls),
        OutputKind::Srt(to) => check_srt(to),
        OutputKind::Recording(recording) => check_recording(recording),
        OutputKind::Rtp(to) => super::rtp::check(to),
        OutputKind::Monitor(monitor) => {
            check_path(&monitor.path)?;
            check_encoding(word, monitor.encoding, &[Mp3, AacLc, Opus, Vorbis, Flac])
        }
    }
}

fn check_hls(hls: &HlsOutput) -> Result<(), No> {
    check_path(&hls.path)?;
    let count = i64::try_from(hls.bitrates_kbps.len()).unwrap_or(i64::MAX);
    within("bitrates_kbps", count, 1, VARIANTS_MAX, "bit rates")?;
    for kbps in &hls.bitrates_kbps {
        let encoding = Encoding { format: MountFormat::AacLc, bitrate_kbps: *kbps };
        check_encoding("hls", encoding, &[MountFormat::AacLc])?;
    }
    within("segment_ms", hls.segment_ms.into(), 1_000, 10_000, "ms")?;
    within("window", hls.window.into(), 3, 120, "segments")?;
    hls.folder.as_deref().map_or(Ok(()), |folder| check_folder("folder", folder))
}

fn check_srt(to: &SrtOutput) -> Result<(), No> {
    check_host(&to.host)?;
    check_port(to.port, u16::MAX)?;
    within("latency_ms", to.latency_ms.into(), 20, 10_000, "ms")?;
    told("stream_id", &to.stream_id, 0)?;
    let formats = [MountFormat::Mp3, MountFormat::AacLc, MountFormat::Opus];
    check_encoding("srt", to.encoding, &formats)
}

fn check_recording(recording: &RecordingOutput) -> Result<(), No> {
    check_folder("folder", &recording.folder)?;
    let formats = [MountFormat::Flac, MountFormat::Mp3, MountFormat::Opus];
    check_encoding("recording", recording.encoding, &formats)?;
    let Encoding { format, bitrate_kbps } = recording.encoding;
    if format == MountFormat::Mp3 && bitrate_kbps < RECORDED_MP3_KBPS {
        return Err(No::RecordingBitrate { found: bitrate_kbps, least: RECORDED_MP3_KBPS });
    }
    Ok(())
}

/// No two may stand in each other's place: HTTP paths here, folders there.
fn check_places(state: &StationState, output: &Output) -> Result<(), No> {
    let others = || state.outputs.iter().filter(|other| other.id != output.id);
    if let Some(path) = path_of(&output.kind) {
        if let Some(mount) = state.mounts.iter().find(|mount| meet(&mount.path, path)) {
            return Err(No::PathTaken { path: mount.path.clone(), mount_id: mount.id });
        }
        check_path_is_free(others(), path)?;
    }
    let folder = folder_of(&output.kind);
    let held = others().find(|other| folder.is_some() && folder_of(&other.kind) == folder);
    match (held, folder) {
        (Some(held), Some(place)) => {
            Err(No::PlaceTaken { place: place.to_owned(), output_id: held.id })
        }
        _ => Ok(()),
    }
}

/// Nothing that is served there already is met by `path`.
pub(super) fn check_path_is_free<'a>(
    mut held: impl Iterator<Item = &'a Output>,
    path: &str,
) -> Result<(), No> {
    match held.find(|held| path_of(&held.kind).is_some_and(|other| meet(other, path))) {
        Some(held) => Err(No::PlaceTaken { place: path.to_owned(), output_id: held.id }),
        None => Ok(()),
    }
}

/// One stands below the other, or where it does.
fn meet(a: &str, b: &str) -> bool {
    let nested = |a: &str, b: &str| a == b || a.starts_with(&format!("{b}/"));
    nested(a, b) || nested(b, a)
}

/// Where the engine serves it.
fn path_of(kind: &OutputKind) -> Option<&str> {
    match kind {
        OutputKind::Hls(hls) => Some(&hls.path),
        OutputKind::Monitor(monitor) => Some(&monitor.path),
        OutputKind::Icecast(_)
        | OutputKind::Shoutcast(_)
        | OutputKind::Srt(_)
        | OutputKind::Recording(_)
        | OutputKind::Rtp(_) => None,
    }
}

fn folder_of(kind: &OutputKind) -> Option<&str> {
    match kind {
        OutputKind::Hls(hls) => hls.folder.as_deref(),
        OutputKind::Recording(recording) => Some(&recording.folder),
        OutputKind::Icecast(_)
        | OutputKind::Shoutcast(_)
        | OutputKind::Srt(_)
        | OutputKind::Monitor(_)
        | OutputKind::Rtp(_) => None,
    }
}

fn check_encoding(kind: &'static str, encoding: Encoding, able: &[MountFormat]) -> Result<(), No> {
    let Encoding { format, bitrate_kbps } = encoding;
    if !able.contains(&format) {
        return Err(No::OutputFormat { kind, found: format, able: able.to_vec() });
    }
    if !bitrates_kbps(format).contains(&bitrate_kbps) {
        return Err(No::Bitrate { format, found: bitrate_kbps });
    }
    Ok(())
}

pub(super) fn check_host(host: &str) -> Result<(), No> {
    text::check(host, 1, HOST_MAX).map_err(|fault| No::Text { field: "host", fault })?;
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
    match host.chars().find(|c| !fits(*c)) {
        Some(at) => Err(No::Host { found: text::clip(host, 80), at }),
        None => Ok(()),
    }
}

fn check_port(port: u16, max: u16) -> Result<(), No> {
    within("port", port.into(), 1, max.into(), "")
}

/// One name, so that nothing outside the engine's folder can be meant.
fn check_folder(field: &'static str, folder: &str) -> Result<(), No> {
    text::check(folder, 1, 63).map_err(|fault| No::Text { field, fault })?;
    let stray = |c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c));
    match folder.chars().find(|c| stray(*c)) {
        Some(at) => Err(No::Folder { found: text::clip(folder, 80), at }),
        None => Ok(()),
    }
}

/// Stands in a line of a protocol.
fn told(field: &'static str, found: &str, min: usize) -> Result<(), No> {
    text::check(found, min, TOLD_MAX).map_err(|fault| No::Text { field, fault })
}

pub(super) fn within(
    field: &'static str,
    found: i64,
    min: i64,
    max: i64,
    unit: &'static str,
) -> Result<(), No> {
    let fits = (min..=max).contains(&found);
    if fits { Ok(()) } else { Err(No::Setting { field, found, min, max, unit }) }
}

#[cfg(test)]
mod tests;
