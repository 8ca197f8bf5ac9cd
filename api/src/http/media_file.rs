//! An item's sound, waveform and picture, to hear and to see.

use super::library::no_item;
use crate::app::App;
use crate::auth::{Djs, SignedIn};
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use grimnir_actors::media::Beside;
use grimnir_events::MediaId;
use grimnir_projections::rows::MediaRow;
use serde::Serialize;
use tower_http::services::ServeFile;
use utoipa::ToSchema;

/// What lies beside an item's sound is made anew only with the item.
const FOR_AN_HOUR: &str = "private, max-age=3600";

fn found(app: &App, id: &str) -> Result<MediaRow, Problem> {
    let id: MediaId = lookup::id("id", id)?;
    app.site.views().media_item(id).ok_or_else(|| no_item("id", &id))
}

fn not_there(code: &'static str, what: &str) -> Problem {
    Problem::not_found(code, "id", format!("the item has no {what}"))
}

/// Downloads an item's file as it came; parts of it by `Range`.
#[utoipa::path(
    get, path = "/media/{id}/audio", tag = "library", params(("id" = String, Path)),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The part that `Range` names"),
        (status = 404, body = ProblemDocument),
    )
)]
pub async fn audio(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let row = found(&app, &id)?;
    let path = app.site.media_path(row.item.hash);
    let kind = kind_of_sound(&row.item.codec);
    let served = ServeFile::new_with_mime(&path, &kind).try_call(request).await;
    let served = served.map_err(|error| {
        let detail = format!("{}: {error}", row.item.file_name);
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_fault", detail)
    })?;
    if served.status() == StatusCode::NOT_FOUND {
        return Err(not_there("audio_not_found", "file in the media store"));
    }
    let mut response = served.map(Body::new);
    let name = row.item.file_name.replace(|c: char| !c.is_ascii() || c == '"' || c == '\\', "_");
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

fn kind_of_sound(codec: &str) -> mime::Mime {
    let text = match codec {
        "mp3" => "audio/mpeg",
        "flac" => "audio/flac",
        "vorbis" | "opus" => "audio/ogg",
        "aac" | "alac" => "audio/mp4",
        "pcm" => "audio/wav",
        _ => "application/octet-stream",
    };
    text.parse().unwrap_or(mime::APPLICATION_OCTET_STREAM)
}

/// The shape of an item's sound.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaveformView {
    /// The item.
    #[schema(value_type = String)]
    media_id: MediaId,
    /// Peaks in a second.
    peaks_per_second: u32,
    /// The lowest sample of each peak over both sides, -127 for full scale.
    low: Vec<i8>,
    /// The highest sample of each peak over both sides, 127 for full scale.
    high: Vec<i8>,
}

/// Shows the shape of an item's sound.
#[utoipa::path(
    get, path = "/media/{id}/waveform", tag = "library", params(("id" = String, Path)),
    responses((status = 200, body = WaveformView), (status = 404, body = ProblemDocument))
)]
pub async fn waveform(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let row = found(&app, &id)?;
    let bytes = app.site.beside(&row.item, Beside::Waveform).await?;
    let shape = bytes.as_deref().and_then(|bytes| read_waveform(row.item.id, bytes));
    let shape = shape.ok_or_else(|| not_there("waveform_not_found", "waveform"))?;
    Ok(([(header::CACHE_CONTROL, FOR_AN_HOUR)], Json(shape)).into_response())
}

fn read_waveform(media_id: MediaId, bytes: &[u8]) -> Option<WaveformView> {
    let rest = bytes.strip_prefix(b"GRW1")?;
    let (rate, peaks) = rest.split_first_chunk::<4>()?;
    let side = |at: usize| peaks.chunks_exact(2).map(|peak| peak[at].cast_signed()).collect();
    let peaks_per_second = u32::from_le_bytes(*rate);
    Some(WaveformView { media_id, peaks_per_second, low: side(0), high: side(1) })
}

/// Shows the picture in an item's tags.
#[utoipa::path(
    get, path = "/media/{id}/artwork", tag = "library", params(("id" = String, Path)),
    responses(
        (status = 200, body = Vec<u8>, content_type = "image/*"),
        (status = 404, body = ProblemDocument),
    )
)]
pub async fn artwork(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let row = found(&app, &id)?;
    let bytes = app.site.beside(&row.item, Beside::Artwork).await?;
    let picture = bytes.and_then(|bytes| Some((kind_of_picture(&bytes)?, bytes)));
    let (kind, bytes) = picture.ok_or_else(|| not_there("artwork_not_found", "picture"))?;
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, FOR_AN_HOUR),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, bytes).into_response())
}

/// By its first bytes: what tags say of a picture is not believed.
fn kind_of_picture(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waveform_reads_as_it_was_written_and_nothing_else_does() {
        let view =
            read_waveform(MediaId::default(), b"GRW1\x14\0\0\0\x81\x7f\0\x01").expect("reads");
        assert_eq!((view.peaks_per_second, view.low, view.high), (20, vec![-127, 0], vec![127, 1]));
        for bytes in [&b""[..], b"GRW1\x14\0\0", b"GRW2\x14\0\0\0"] {
            assert!(read_waveform(MediaId::default(), bytes).is_none());
        }
    }

    #[test]
    fn only_pictures_that_browsers_show_as_pictures_are_shown() {
        assert_eq!(kind_of_picture(b"\x89PNG\r\n"), Some("image/png"));
        assert_eq!(kind_of_picture(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(kind_of_picture(b"<svg onload='x()'>"), None);
        assert_eq!(kind_of_picture(b""), None);
    }
}
