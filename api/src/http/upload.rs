//! Uploads: a file streamed to disk, bounded on the way, then taken in.

use super::library::{MediaView, no_item, of_item};
use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, Managers};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Path as PathOf, Request, State};
use axum::http::StatusCode;
use grimnir_actors::site::Ingest;
use grimnir_events::MediaId;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use utoipa::ToSchema;

/// Longest text part; a title is far below it.
const TEXT_LIMIT_BYTES: usize = 4 * 1024;
/// Parts looked at; nine are known.
const PARTS_MAX: usize = 16;

/// A file and what is said about it.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct UploadForm {
    /// The audio file.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: String,
    /// The station, by id or slug.
    station_id: String,
    /// Title instead of the tag's.
    title: Option<String>,
    /// Artist instead of the tag's.
    artist: Option<String>,
    /// Album instead of the tag's.
    album: Option<String>,
    /// Category.
    category: Option<String>,
    /// What it is: `music`, `legal_id`, `imaging`, `spot`, `feature`, `emergency`.
    kind: Option<String>,
    /// It must air even when its time has passed: `true` or `false`.
    must_air: Option<bool>,
    /// It resumes where it was cut: `true` or `false`.
    long_form: Option<bool>,
}

/// Takes a file in: measured, checked, and ready to be planned when the answer comes.
#[utoipa::path(
    post, path = "/media/upload", tag = "library",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = MediaView),
        (status = 409, body = ProblemDocument, description = "The same bytes are in already"),
        (status = 413, body = ProblemDocument, description = "`file_too_large`"),
        (status = 422, body = ProblemDocument, description = "The file cannot be played"),
    )
)]
pub async fn upload(
    State(app): State<App>,
    intent: Intent<Djs>,
    request: Request,
) -> Result<Answer<MediaView>, Problem> {
    let form = received(&app, request).await?;
    if form.tags.is_some() {
        return Err(unknown_part("tags"));
    }
    let station = lookup::needed_station(&app, form.station_id.as_deref())?;
    let Some(file) = form.file else {
        return Err(Problem::missing("file_required", "file"));
    };
    let known = intent.known(&app).await;
    let ingest = Ingest { path: file.path.clone(), ..form.ingest };
    let item = app.site.ingest(station.id, ingest, intent.meta).await?;
    let done = intent.shown_now(&app, known).await;
    let location = format!("/api/v1/media/{}", item.id);
    let row = app.site.views().media_item(item.id);
    let view = row.map_or_else(|| of_item(item, station.id), super::library::of_row);
    Ok(Answer::created(done, location, view))
}

async fn received(app: &App, request: Request) -> Result<Form, Problem> {
    let parts = multipart(request).await?;
    let limits =
        Limits { file_bytes: app.site.config().upload_limit_bytes, pause: app.config.upload_pause };
    let name = format!("{}.part", hex::encode(app.site.fresh_id()));
    receive(parts, app.site.upload_dir().join(name), &limits).await
}

/// Other audio for an item.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct AudioForm {
    /// The audio file.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: String,
    /// `keep` what is said about the item, or `reread` it from the file; `keep` where not given.
    tags: Option<String>,
}

/// Gives an item other audio under the same id (manager). What is planned goes on with the bytes
/// it was planned with; the planner takes the new ones.
#[utoipa::path(
    put, path = "/media/{id}/audio", tag = "library", params(("id" = String, Path)),
    request_body(content = AudioForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, body = MediaView),
        (status = 404, body = ProblemDocument),
        (status = 409, body = ProblemDocument, description = "Another item has these bytes"),
        (status = 413, body = ProblemDocument, description = "`file_too_large`"),
        (status = 422, body = ProblemDocument, description = "The file cannot be played"),
    )
)]
pub async fn replace(
    State(app): State<App>,
    intent: Intent<Managers>,
    PathOf(id): PathOf<String>,
    request: Request,
) -> Result<Answer<MediaView>, Problem> {
    let id: MediaId = lookup::id("id", &id)?;
    let row = app.site.views().media_item(id).ok_or_else(|| no_item("id", &id))?;
    let form = received(&app, request).await?;
    let reread = match form.tags.as_deref() {
        None | Some("keep") => false,
        Some("reread") => true,
        Some(other) => {
            let found = crate::extract::cut(other);
            let detail = format!("found \"{found}\", expected keep or reread");
            return Err(Problem::invalid("tags", detail));
        }
    };
    let Some(file) = form.file else {
        return Err(Problem::missing("file_required", "file"));
    };
    let known = intent.known(&app).await;
    let ingest = Ingest { path: file.path.clone(), ..form.ingest };
    app.site.replace_audio(row.station_id, id, reread, ingest, intent.meta).await?;
    let done = intent.shown_now(&app, known).await;
    let row = app.site.views().media_item(id).ok_or_else(|| no_item("id", &id))?;
    Ok(Answer::ok(done, super::library::of_row(row)))
}

async fn multipart(request: Request) -> Result<Multipart, Problem> {
    Multipart::from_request(request, &()).await.map_err(|rejection| {
        let detail = format!("content type is not multipart/form-data: {rejection}");
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
            .field("Content-Type")
    })
}

struct Limits {
    file_bytes: u64,
    pause: Duration,
}

/// What was received.
#[derive(Default)]
struct Form {
    station_id: Option<String>,
    file: Option<Received>,
    ingest: Ingest,
    tags: Option<String>,
}

/// A file on its way in; removed again unless somebody has moved it away.
struct Received {
    path: PathBuf,
}

impl Drop for Received {
    fn drop(&mut self) {
        match std::fs::remove_file(&self.path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.path.display(), outcome = %e, "upload not removed");
            }
            _ => {}
        }
    }
}

async fn receive(mut parts: Multipart, path: PathBuf, limits: &Limits) -> Result<Form, Problem> {
    let mut form = Form::default();
    for _ in 0..PARTS_MAX {
        let next = paused(limits.pause, parts.next_field()).await?;
        let Some(part) = next.map_err(|error| broken(&error))? else { return Ok(form) };
        take_part(&mut form, part, &path, limits).await?;
    }
    let detail = format!("the form has more than {PARTS_MAX} parts");
    Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_multipart", detail))
}

async fn take_part(
    form: &mut Form,
    mut part: Field<'_>,
    path: &Path,
    limits: &Limits,
) -> Result<(), Problem> {
    let name = part.name().unwrap_or_default().to_owned();
    if name == "file" {
        if form.file.is_some() {
            return Err(Problem::invalid("file", "the form has more than one file"));
        }
        form.ingest.file_name = base_name(part.file_name().unwrap_or_default());
        form.file = Some(store(&mut part, path, limits).await?);
        return Ok(());
    }
    let text = text_of(&mut part, &name, limits.pause).await?;
    let ingest = &mut form.ingest;
    match name.as_str() {
        "station_id" => form.station_id = Some(text),
        "title" => ingest.title = said(text),
        "artist" => ingest.artist = said(text),
        "album" => ingest.album = said(text),
        "category" => ingest.category = said(text),
        "kind" => {
            let word = serde_json::Value::String(text);
            let kind = serde_json::from_value(word);
            ingest.kind = Some(kind.map_err(|e| Problem::invalid("kind", e.to_string()))?);
        }
        "must_air" => ingest.must_air = truth("must_air", &text)?,
        "long_form" => ingest.long_form = truth("long_form", &text)?,
        "tags" => form.tags = Some(text),
        _ => return Err(unknown_part(&name)),
    }
    Ok(())
}

fn unknown_part(name: &str) -> Problem {
    let name = crate::extract::cut(name);
    let detail = format!("the form has an unknown part \"{name}\"");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown_field", detail).field(name)
}

/// Streams a part to disk, up to the limit.
async fn store(part: &mut Field<'_>, path: &Path, limits: &Limits) -> Result<Received, Problem> {
    let mut file = File::create(path).await.map_err(|error| unwritable(&error))?;
    let received = Received { path: path.to_owned() };
    let mut size = 0u64;
    while let Some(chunk) =
        paused(limits.pause, part.chunk()).await?.map_err(|error| broken(&error))?
    {
        size += chunk.len() as u64;
        if size > limits.file_bytes {
            let detail = format!("the file is over {} bytes", limits.file_bytes);
            return Err(
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "file_too_large", detail).field("file")
            );
        }
        file.write_all(&chunk).await.map_err(|error| unwritable(&error))?;
    }
    // What tokio still holds is written before anybody reads the file.
    file.flush().await.map_err(|error| unwritable(&error))?;
    Ok(received)
}

async fn text_of(part: &mut Field<'_>, name: &str, pause: Duration) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = paused(pause, part.chunk()).await?.map_err(|error| broken(&error))? {
        if bytes.len() + chunk.len() > TEXT_LIMIT_BYTES {
            let name = crate::extract::cut(name);
            let detail = format!("{name} is over {TEXT_LIMIT_BYTES} bytes");
            return Err(Problem::invalid(name, detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Problem::invalid(name, format!("{name} is not UTF-8")))
}

async fn paused<T>(pause: Duration, next: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(pause, next).await.map_err(|_| {
        let detail = format!("nothing of the upload came for {} s", pause.as_secs());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail)
    })
}

fn broken(error: &MultipartError) -> Problem {
    let detail = format!("the form cannot be read: {}", error.body_text());
    Problem::new(StatusCode::BAD_REQUEST, "invalid_multipart", detail)
}

fn unwritable(error: &io::Error) -> Problem {
    let detail = format!("the upload cannot be stored: {error}");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Problem::new(StatusCode::INSUFFICIENT_STORAGE, "storage_full", detail)
        }
        _ => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "operation_failed", detail),
    }
}

/// The last part of a path, whichever system wrote it.
fn base_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    last.chars().filter(|c| !c.is_control()).take(255).collect()
}

fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.trim().is_empty())
}

fn truth(field: &str, text: &str) -> Result<bool, Problem> {
    match text {
        "true" | "1" | "on" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => {
            let found = crate::extract::cut(text);
            Err(Problem::invalid(field, format!("{field} is \"{found}\", expected true or false")))
        }
    }
}

#[cfg(test)]
mod tests;
