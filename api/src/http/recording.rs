//! Files of a station's recordings: which holds which frames of the programme.

use crate::app::App;
use crate::auth::{Djs, SignedIn};
use crate::extract::Params;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::recording::{RecordingEnd, RemovalReason};
use grimnir_events::station::MountFormat;
use grimnir_events::units::micros_of_frames;
use grimnir_events::{ContentHash, OutputId, UtcMicros};
use grimnir_projections::rows::RecordingRow;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Files of a week are shown where nothing is said.
pub(super) const WEEK_US: i64 = 7 * 86_400_000_000;

/// Which files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecordingQuery {
    /// Those that hold something after this; a week before `to` where not given.
    #[param(value_type = Option<String>)]
    from: Option<UtcMicros>,
    /// Those that hold something before this; now where not given.
    #[param(value_type = Option<String>)]
    to: Option<UtcMicros>,
}

/// A file. What is known only of one that is complete is null before.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingFile {
    /// Ledger position of the last that was reported of it.
    seq: u64,
    /// The output that makes it.
    #[schema(value_type = String)]
    output_id: OutputId,
    /// Its name below the output's folder.
    file: String,
    /// `flac`, `mp3` or `opus`.
    #[schema(value_type = String)]
    format: MountFormat,
    /// Bit rate; 0 where the format has none.
    bitrate_kbps: u16,
    /// First frame of the programme in it: frames of 48 kHz since 1970.
    first_frame: i64,
    /// The instant of that frame.
    #[schema(value_type = String, format = DateTime)]
    started_at: UtcMicros,
    /// Frames in it, without a gap.
    frames: Option<i64>,
    /// The instant behind its last frame.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<UtcMicros>,
    /// Length of the sound.
    duration_ms: Option<i64>,
    /// Frames that come before the first one where a decoder passes over the encoder's delay.
    lead_frames: Option<u32>,
    /// Its length.
    bytes: Option<u64>,
    /// SHA-256 of its bytes.
    #[schema(value_type = Option<String>)]
    sha256: Option<ContentHash>,
    /// `hour_turn`, `stopped`, `engine_lost`, `gap` or `fault`.
    end: Option<&'static str>,
    /// What was seen where it ended by a fault.
    fault: Option<String>,
    /// `age` or `size`, where it was removed.
    removed: Option<&'static str>,
}

fn shown(row: RecordingRow) -> RecordingFile {
    let closed = row.closed.as_ref();
    let frames = closed.map(|closed| closed.frames);
    let (end, fault) = closed.map(|closed| ended(&closed.end)).unzip();
    RecordingFile {
        seq: row.seq,
        output_id: row.output_id,
        format: row.encoding.format,
        bitrate_kbps: row.encoding.bitrate_kbps,
        first_frame: row.first.0,
        started_at: row.first.utc(),
        frames,
        ended_at: frames.map(|frames| row.first.plus(frames).utc()),
        duration_ms: frames.map(|frames| micros_of_frames(frames) / 1_000),
        lead_frames: closed.map(|closed| closed.lead),
        bytes: closed.map(|closed| closed.bytes),
        sha256: closed.map(|closed| closed.hash),
        end,
        fault: fault.flatten(),
        removed: row.removed.map(|reason| match reason {
            RemovalReason::Age => "age",
            RemovalReason::Size => "size",
        }),
        file: row.file,
    }
}

pub(super) fn ended(end: &RecordingEnd) -> (&'static str, Option<String>) {
    match end {
        RecordingEnd::HourTurn => ("hour_turn", None),
        RecordingEnd::Stopped => ("stopped", None),
        RecordingEnd::EngineLost => ("engine_lost", None),
        RecordingEnd::Gap => ("gap", None),
        RecordingEnd::Fault { reason } => ("fault", Some(reason.clone())),
    }
}

/// Lists files of a station's recordings, by their first frame.
#[utoipa::path(
    get, path = "/stations/{id}/recordings", tag = "air",
    params(("id" = String, Path), RecordingQuery),
    responses(
        (status = 200, body = Vec<RecordingFile>), (status = 404, body = ProblemDocument)
    )
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    Params(query): Params<RecordingQuery>,
) -> Result<Json<Vec<RecordingFile>>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let to = query.to.unwrap_or_else(super::now);
    let from = query.from.unwrap_or(to.plus(-WEEK_US));
    if from >= to {
        return Err(Problem::invalid("from", format!("from is {from}, not before to, {to}")));
    }
    let rows = app.site.views().recordings(station, from, to);
    Ok(Json(rows.into_iter().map(shown).collect()))
}
