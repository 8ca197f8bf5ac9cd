//! Levels on air: ten times a second for who watches, as figures for metrics; never in the ledger.

use super::Site;
use super::readiness::Gauge;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use grimnir_engine_proto::v1::{self, Telemetry};
use grimnir_events::{MountId, OutputId, StationId};
use serde_json::{Value, json};
use std::time::Duration;
use tonic::Streaming;

/// Between two readings: what the station's graph says, a tenth of a second where it says nothing.
const INTERVAL_MS: u32 = 0;
/// An engine that does not answer is asked again after this.
const AGAIN: Duration = Duration::from_secs(1);

impl Site {
    /// Readings of a station's engine, as they come, for as long as somebody listens; none come
    /// while there is no engine.
    pub fn levels(&self, station: StationId) -> BoxStream<'static, Value> {
        let handle = self.shared.engine(station);
        let open: Option<Streaming<Telemetry>> = None;
        let readings = stream::unfold((handle, open), |(handle, mut open)| async move {
            loop {
                let Some(streaming) = &mut open else {
                    let request = v1::TelemetryRequest { interval_ms: INTERVAL_MS };
                    if let Some(mut client) = handle.client() {
                        let answer = client.stream_telemetry(request).await;
                        open = answer.map(tonic::Response::into_inner).ok();
                    }
                    if open.is_none() {
                        tokio::time::sleep(AGAIN).await;
                    }
                    continue;
                };
                match streaming.message().await {
                    Ok(Some(reading)) => return Some((shown(&reading), (handle, open))),
                    Ok(None) | Err(_) => {
                        open = None;
                        tokio::time::sleep(AGAIN).await;
                    }
                }
            }
        });
        readings.boxed()
    }
}

/// A reading as it is sent to people.
fn shown(reading: &Telemetry) -> Value {
    let level = |level: f32| (f64::from(level) * 10.0).round() / 10.0;
    let output = |output: &v1::OutputStatus| {
        let id = <[u8; 16]>::try_from(&*output.mount_id).map(MountId).unwrap_or_default();
        json!({
            "mount_id": id,
            "path": output.path,
            "up": output.up,
            "listeners": output.listeners,
        })
    };
    let target = |target: &v1::TargetStatus| {
        json!({
            "output_id": output_id(target),
            "name": target.name,
            "kind": target.kind,
            "health": target.health,
            "reason": target.reason,
            "lost_bytes": target.lost_bytes,
            "reconnects": target.reconnects,
            "listeners": target.listeners,
        })
    };
    json!({
        "air_frame": reading.air_frame,
        "state": reading.state,
        "position_frames": reading.position_frames,
        "length_frames": reading.length_frames,
        "level_db": [level(reading.level_left_db), level(reading.level_right_db)],
        "peak_db": [level(reading.peak_left_db), level(reading.peak_right_db)],
        "true_peak_dbtp": level(reading.true_peak_dbtp),
        "momentary_lufs": level(reading.momentary_lufs),
        "short_term_lufs": level(reading.short_term_lufs),
        "integrated_lufs": level(reading.integrated_lufs),
        "item_true_peak_dbtp": level(reading.item_true_peak_dbtp),
        "buffered_frames": (reading.buffered_frames >= 0).then_some(reading.buffered_frames),
        "underruns": reading.underruns,
        "late_blocks": reading.late_blocks,
        "cpu_share": (f64::from(reading.cpu_share) * 1e4).round() / 1e4,
        "programme_silent": reading.programme_silent,
        "silent_sources": reading.silent_sources,
        "outputs": reading.outputs.iter().map(output).collect::<Vec<_>>(),
        "targets": reading.targets.iter().map(target).collect::<Vec<_>>(),
    })
}

fn output_id(target: &v1::TargetStatus) -> OutputId {
    <[u8; 16]>::try_from(&*target.output_id).map(OutputId).unwrap_or_default()
}

/// State of each output: mounts by their path, what is beside them by its id.
fn of_outputs(station: StationId, reading: &Telemetry) -> Vec<Gauge> {
    const UP: (&str, &str) = (
        "grimnir_output_up",
        "1 where an output is up, 0.5 where it is degraded, 0 where it is not",
    );
    let labels = |kind: &str, name: &str, value: String| {
        let (station, kind) = (station.to_string(), kind.to_owned());
        let id = if name == "path" { ("path", value) } else { ("output_id", value) };
        vec![("station_id", station), ("kind", kind), id]
    };
    const LISTENERS: (&str, &str) =
        ("grimnir_output_listeners", "Who listens to a mount or to segments of the engine's own");
    let mut all: Vec<Gauge> = Vec::new();
    for output in &reading.outputs {
        let up = if output.up { 1.0 } else { 0.0 };
        let labels = || labels("mount", "path", output.path.clone());
        all.push((UP.0, UP.1, labels(), up));
        all.push((LISTENERS.0, LISTENERS.1, labels(), f64::from(output.listeners)));
    }
    for target in &reading.targets {
        let labels = || labels(&target.kind, "output_id", output_id(target).to_string());
        let up = match target.health.as_str() {
            "up" => 1.0,
            "degraded" => 0.5,
            _ => 0.0,
        };
        let figures = [
            (UP.0, UP.1, up),
            (LISTENERS.0, LISTENERS.1, f64::from(target.listeners)),
            (
                "grimnir_output_sent_bytes_total",
                "Encoded bytes that an output gave",
                target.bytes_sent as f64,
            ),
            (
                "grimnir_output_lost_bytes_total",
                "Encoded bytes that the queue of an output dropped",
                target.lost_bytes as f64,
            ),
            (
                "grimnir_output_reconnects_total",
                "Connections of an output after its first",
                f64::from(target.reconnects),
            ),
        ];
        all.extend(figures.map(|(name, help, value)| (name, help, labels(), value)));
    }
    all
}

/// Levels of each side.
fn of_sides(station: StationId, reading: &Telemetry) -> Vec<Gauge> {
    let figures = [
        ("left", reading.level_left_db, reading.peak_left_db),
        ("right", reading.level_right_db, reading.peak_right_db),
    ];
    let gauges = figures.map(|(side, level, peak)| {
        let labels = || vec![("station_id", station.to_string()), ("side", side.to_owned())];
        [
            (
                "grimnir_level_rms_db",
                "RMS level since it was looked at last, in dBFS; -120 for silence",
                labels(),
                f64::from(level),
            ),
            (
                "grimnir_level_peak_db",
                "Peak level since it was looked at last, in dBFS; -120 for silence",
                labels(),
                f64::from(peak),
            ),
        ]
    });
    gauges.into_iter().flatten().collect()
}

/// The last reading as figures for metrics.
pub(super) fn gauges(station: StationId, reading: &Telemetry) -> Vec<Gauge> {
    let figures: [(&str, &str, f64); 10] = [
        ("grimnir_loudness_momentary_lufs", "Loudness of 400 ms", reading.momentary_lufs.into()),
        ("grimnir_loudness_short_term_lufs", "Loudness of 3 s", reading.short_term_lufs.into()),
        (
            "grimnir_loudness_integrated_lufs",
            "Integrated loudness of the item on air so far",
            reading.integrated_lufs.into(),
        ),
        (
            "grimnir_true_peak_dbtp",
            "True peak since it was looked at last",
            reading.true_peak_dbtp.into(),
        ),
        (
            "grimnir_position_seconds",
            "How far the item on air is",
            reading.position_frames as f64 / 48_000.0,
        ),
        (
            "grimnir_engine_buffered_seconds",
            "Least that a source on air holds ready; -1 where none is waited for",
            if reading.buffered_frames < 0 { -1.0 } else { reading.buffered_frames as f64 / 48e3 },
        ),
        (
            "grimnir_engine_underruns_total",
            "Blocks in which a source had no frames in time",
            reading.underruns as f64,
        ),
        ("grimnir_engine_cpu_cores", "Share of a core that it uses", reading.cpu_share.into()),
        (
            "grimnir_programme_silent",
            "The silence sense of the programme says so",
            if reading.programme_silent { 1.0 } else { 0.0 },
        ),
        (
            "grimnir_silent_sources",
            "Sources on air whose silence sense says so",
            f64::from(reading.silent_sources),
        ),
    ];
    let figure =
        |(name, help, value)| (name, help, vec![("station_id", station.to_string())], value);
    let mut all: Vec<Gauge> = figures.map(figure).into();
    all.extend(of_sides(station, reading));
    all.extend(of_outputs(station, reading));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_shown_to_people_and_to_metrics() {
        let (path, listeners) = ("/live".into(), 3);
        let output = v1::OutputStatus { path, up: true, listeners, ..Default::default() };
        let target = v1::TargetStatus {
            output_id: vec![5; 16],
            kind: "icecast".into(),
            health: "degraded".into(),
            lost_bytes: 384,
            listeners: 2,
            ..Default::default()
        };
        let reading = Telemetry {
            momentary_lufs: -16.26,
            buffered_frames: -1,
            silent_sources: 2,
            position_frames: 96_000,
            outputs: vec![output],
            targets: vec![target],
            level_right_db: -20.5,
            ..Telemetry::default()
        };
        let shown = shown(&reading);
        assert_eq!(
            (&shown["momentary_lufs"], &shown["buffered_frames"]),
            (&json!(-16.3), &Value::Null)
        );
        assert_eq!(
            (&shown["outputs"][0]["path"], &shown["outputs"][0]["up"]),
            (&json!("/live"), &json!(true))
        );
        let target = &shown["targets"][0];
        assert_eq!((&target["health"], &target["lost_bytes"]), (&json!("degraded"), &json!(384)));
        let station = StationId([7; 16]);
        let gauges = gauges(station, &reading);
        let of = |name: &str| gauges.iter().find(|gauge| gauge.0 == name).map(|gauge| gauge.3);
        assert_eq!(of("grimnir_position_seconds"), Some(2.0));
        assert_eq!(of("grimnir_engine_buffered_seconds"), Some(-1.0));
        assert_eq!(of("grimnir_silent_sources"), Some(2.0));
        let station_id = ("station_id", station.to_string());
        assert!(gauges.iter().all(|gauge| gauge.2[0] == station_id));
        let with = |name: &str, label: &str| {
            let has = |gauge: &&Gauge| gauge.2.iter().any(|(_, value)| value == label);
            gauges.iter().filter(|gauge| gauge.0 == name).find(has).map(|gauge| gauge.3)
        };
        assert_eq!(with("grimnir_level_rms_db", "right"), Some(-20.5));
        assert_eq!(with("grimnir_level_peak_db", "left"), Some(0.0));
        assert_eq!(with("grimnir_output_up", "/live"), Some(1.0));
        let output = OutputId([5; 16]).to_string();
        let listeners = ["/live", &output].map(|of| with("grimnir_output_listeners", of));
        assert_eq!((listeners, &target["listeners"]), ([Some(3.0), Some(2.0)], &json!(2)));
        assert_eq!(with("grimnir_output_up", &output), Some(0.5));
        assert_eq!(with("grimnir_output_lost_bytes_total", &output), Some(384.0));
        // What is counted ten times a second is in the metrics: each figure of one is in both.
        let told = shown.as_object().map_or(0, serde_json::Map::len);
        assert!(told >= 19, "{shown}");
    }
}
