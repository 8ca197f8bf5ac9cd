//! Recordings of live sessions: which are made, which there are, and their bytes.

use super::live::ask;
use super::recording::{WEEK_US, ended};
use super::timeline::Recorded;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use grimnir_events::live_recording::{Aired, LiveRecording};
use grimnir_events::output::Encoding;
use grimnir_events::recording::RemovalReason;
use grimnir_events::station::MountFormat;
use grimnir_events::units::micros_of_frames;
use grimnir_events::{ContentHash, LiveSessionId, UtcMicros};
use grimnir_projections::rows::LiveRecordingRow;
use grimnir_rules::live::LiveCommand;
use serde::{Deserialize, Serialize};
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};

/// How a session is recorded.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordingBody {
    /// `flac`, `mp3` or `opus`; `flac` where nothing is said.
    #[schema(value_type = String)]
    #[serde(default = "flac")]
    format: MountFormat,
    /// Bit rate; 0 for `flac`.
    #[serde(default)]
    bitrate_kbps: u16,
    /// Files older than this are removed; 0 keeps them.
    #[serde(default)]
    keep_days: u16,
    /// The oldest are removed while all are larger; 0 keeps them.
    #[serde(default)]
    keep_bytes: u64,
}

fn flac() -> MountFormat {
    MountFormat::Flac
}

impl From<RecordingBody> for LiveRecording {
    fn from(body: RecordingBody) -> Self {
        let RecordingBody { format, bitrate_kbps, keep_days, keep_bytes } = body;
        Self { encoding: Encoding { format, bitrate_kbps }, keep_days, keep_bytes }
    }
}

impl From<LiveRecording> for RecordingBody {
    fn from(recording: LiveRecording) -> Self {
        let LiveRecording { encoding: Encoding { format, bitrate_kbps }, .. } = recording;
        let LiveRecording { keep_days, keep_bytes, .. } = recording;
        Self { format, bitrate_kbps, keep_days, keep_bytes }
    }
}

/// Has what comes in with a session recorded, from now on (manager).
#[utoipa::path(
    put, path = "/stations/{id}/live-sessions/{session}/recording", tag = "live",
    operation_id = "record_live_session",
    params(("id" = String, Path), ("session" = String, Path)), request_body = RecordingBody,
    responses((status = 200, body = Recorded), (status = 422, body = ProblemDocument))
)]
pub async fn set(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, session)): Path<(String, String)>,
    Body(request): Body<RecordingBody>,
) -> Result<Answer<Recorded>, Problem> {
    let recording = Some(request.into());
    let command = |session_id| LiveCommand::SetRecording { session_id, recording };
    ask(&app, &intent, (&id, &session), command).await
}

/// Records a session no more; a file that is being written is closed (manager).
#[utoipa::path(
    delete, path = "/stations/{id}/live-sessions/{session}/recording", tag = "live",
    operation_id = "stop_recording_live_session",
    params(("id" = String, Path), ("session" = String, Path)),
    responses((status = 200, body = Recorded), (status = 404, body = ProblemDocument))
)]
pub async fn stop(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, session)): Path<(String, String)>,
) -> Result<Answer<Recorded>, Problem> {
    let command = |session_id| LiveCommand::SetRecording { session_id, recording: None };
    ask(&app, &intent, (&id, &session), command).await
}

/// Which files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LiveRecordingQuery {
    /// Those that hold something after this; a week before `to` where not given.
    #[param(value_type = Option<String>)]
    from: Option<UtcMicros>,
    /// Those that hold something before this; now where not given.
    #[param(value_type = Option<String>)]
    to: Option<UtcMicros>,
    /// Those of one session.
    session: Option<String>,
}

/// A file. What is known only of one that is complete is null before.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveRecordingFile {
    /// Ledger position of the last that was reported of it.
    seq: u64,
    /// The session whose sound it is.
    #[schema(value_type = String)]
    session_id: LiveSessionId,
    /// Its name below the station's folder of live recordings.
    file: String,
    /// `flac`, `mp3` or `opus`.
    #[schema(value_type = String)]
    format: MountFormat,
    /// Bit rate; 0 where the format has none.
    bitrate_kbps: u16,
    /// The instant at which its first sound came in.
    #[schema(value_type = String, format = DateTime)]
    started_at: UtcMicros,
    /// Frames in it, without a gap.
    frames: Option<i64>,
    /// Length of the sound.
    duration_ms: Option<i64>,
    /// Its length.
    bytes: Option<u64>,
    /// SHA-256 of its bytes, by which it is downloaded.
    #[schema(value_type = Option<String>)]
    sha256: Option<ContentHash>,
    /// `stopped`, `engine_lost`, `gap` or `fault`.
    end: Option<&'static str>,
    /// What was seen where it ended by a fault.
    fault: Option<String>,
    /// What of it was on air.
    aired: Vec<AiredView>,
    /// `age` or `size`, where it was removed.
    removed: Option<&'static str>,
}

/// A stretch of a file that was on air.
#[derive(Debug, Serialize, ToSchema)]
pub struct AiredView {
    /// First frame of the programme that it was heard in: frames of 48 kHz since 1970.
    first_frame: i64,
    /// The instant of that frame.
    #[schema(value_type = String, format = DateTime)]
    from: UtcMicros,
    /// Frames of the programme.
    frames: i64,
    /// Frame of the file that was heard first.
    file_frame: i64,
}

impl From<Aired> for AiredView {
    fn from(Aired { first, frames, offset }: Aired) -> Self {
        Self { first_frame: first.0, from: first.utc(), frames, file_frame: offset }
    }
}

fn shown(row: LiveRecordingRow) -> LiveRecordingFile {
    let closed = row.closed.as_ref();
    let frames = closed.map(|closed| closed.frames);
    let (end, fault) = closed.map(|closed| ended(&closed.end)).unzip();
    LiveRecordingFile {
        seq: row.seq,
        session_id: row.session_id,
        format: row.encoding.format,
        bitrate_kbps: row.encoding.bitrate_kbps,
        started_at: row.first.utc(),
        frames,
        duration_ms: frames.map(|frames| micros_of_frames(frames) / 1_000),
        bytes: closed.map(|closed| closed.bytes),
        sha256: closed.map(|closed| closed.hash),
        end,
        fault: fault.flatten(),
        aired: row.aired.iter().copied().map(AiredView::from).collect(),
        removed: row.removed.map(|reason| match reason {
            RemovalReason::Age => "age",
            RemovalReason::Size => "size",
        }),
        file: row.file,
    }
}

/// Lists files of what live sessions sent, by their beginning (dj).
#[utoipa::path(
    get, path = "/stations/{id}/live-recordings", tag = "live",
    operation_id = "list_live_recordings",
    params(("id" = String, Path), LiveRecordingQuery),
    responses(
        (status = 200, body = Vec<LiveRecordingFile>), (status = 404, body = ProblemDocument)
    )
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    Params(query): Params<LiveRecordingQuery>,
) -> Result<Json<Vec<LiveRecordingFile>>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let of = query.session.as_deref().map(|session| lookup::id("session", session));
    let of: Option<LiveSessionId> = of.transpose()?;
    let to = query.to.unwrap_or_else(super::now);
    let from = query.from.unwrap_or(to.plus(-WEEK_US));
    if from >= to {
        return Err(Problem::invalid("from", format!("from is {from}, not before to, {to}")));
    }
    let mut rows = app.site.views().live_recordings(station, from, to);
    rows.retain(|row| of.is_none_or(|session| row.session_id == session));
    Ok(Json(rows.into_iter().map(shown).collect()))
}

/// Answers the bytes of a file that is complete, by their SHA-256 (dj).
#[utoipa::path(
    get, path = "/stations/{id}/live-recordings/{sha256}", tag = "live",
    operation_id = "download_live_recording",
    params(("id" = String, Path), ("sha256" = String, Path)),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream",
            description = "The file; its kind is that of its format"),
        (status = 404, body = ProblemDocument)
    )
)]
pub async fn download(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path((id, sha256)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let missing = |why: &str| {
        let detail = format!("live recording {}: {why}", crate::extract::cut(&sha256));
        Problem::not_found("live_recording_not_found", "sha256", detail)
    };
    let hash = hex::decode(&sha256).ok().and_then(|bytes| bytes.try_into().ok()).map(ContentHash);
    let row = hash.and_then(|hash| app.site.views().live_recording(station, hash));
    let row = row.ok_or_else(|| missing("no complete file that is kept has this hash"))?;
    let path = app.site.live_recording_path(station, &row.file);
    let opened = tokio::fs::File::open(&path).await;
    let file = opened.map_err(|error| missing(&format!("{}: {error}", row.file)))?;
    let kind = match row.encoding.format {
        MountFormat::Flac => "audio/flac",
        MountFormat::Mp3 => "audio/mpeg",
        MountFormat::Opus | MountFormat::Vorbis => "audio/ogg",
        MountFormat::AacLc => "audio/aac",
    };
    let name = row.file.rsplit('/').next().unwrap_or_default();
    let bytes = row.closed.map_or(0, |closed| closed.bytes);
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::ETAG, format!("\"{sha256}\"")),
    ];
    let body = axum::body::Body::from_stream(ReaderStream::new(file));
    Ok((headers, body).into_response())
}
