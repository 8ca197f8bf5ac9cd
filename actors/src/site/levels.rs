//! Levels on air: ten times a second for who watches, as figures for metrics; never in the ledger.

use super::Site;
use super::readiness::Gauge;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use grimnir_engine_proto::v1::{self, Telemetry};
use grimnir_events::{MountId, StationId};
use serde_json::{Value, json};
use std::time::Duration;
use tonic::Streaming;

/// Between two readings.
const INTERVAL_MS: u32 = 100;
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
    })
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
    figures.map(figure).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_shown_to_people_and_to_metrics() {
        let output = v1::OutputStatus { path: "/live".into(), up: true, ..Default::default() };
        let reading = Telemetry {
            momentary_lufs: -16.26,
            buffered_frames: -1,
            silent_sources: 2,
            position_frames: 96_000,
            outputs: vec![output],
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
        let station = StationId([7; 16]);
        let gauges = gauges(station, &reading);
        let of = |name: &str| gauges.iter().find(|gauge| gauge.0 == name).map(|gauge| gauge.3);
        assert_eq!(of("grimnir_position_seconds"), Some(2.0));
        assert_eq!(of("grimnir_engine_buffered_seconds"), Some(-1.0));
        assert_eq!(of("grimnir_silent_sources"), Some(2.0));
        assert!(gauges.iter().all(|gauge| gauge.2 == [("station_id", station.to_string())]));
    }
}
