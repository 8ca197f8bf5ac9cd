//! The library: media items, their tags and marks.

use super::mount::Removed;
use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::Body;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::details::{CustomField, ItemRules};
use grimnir_events::library::{CueMarks, ItemKind, MediaItem, Tags};
use grimnir_events::units::micros_of_frames;
use grimnir_events::{ContentHash, MediaId, StationId, UtcMicros};
use grimnir_projections::rows::MediaRow;
use grimnir_rules::Library;
use grimnir_rules::library::command::LibraryCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod analysis;
mod details;
mod page;

use analysis::AnalysisView;
pub use analysis::{__path_analyze, analyze};
use details::DetailsView;
pub use page::{__path_list, list};

/// A media item.
#[derive(Debug, Serialize, ToSchema)]
pub struct MediaView {
    /// Its id.
    #[schema(value_type = String)]
    id: MediaId,
    /// Its station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// Title.
    title: String,
    /// Artist.
    artist: String,
    /// Album.
    album: String,
    /// Genre.
    genre: String,
    /// Year of release.
    year: Option<u16>,
    /// International Standard Recording Code.
    isrc: String,
    /// Items of a category are scheduled alike.
    category: String,
    /// What it is: `music`, `legal_id`, `imaging`, `spot`, `feature`, `emergency`.
    #[schema(value_type = String)]
    kind: ItemKind,
    /// It must air even when its time has passed.
    must_air: bool,
    /// It resumes where it was cut.
    long_form: bool,
    /// Length in milliseconds.
    duration_ms: i64,
    /// Length in seconds.
    duration_seconds: f64,
    /// Length in frames at 48 kHz.
    duration_frames: i64,
    /// First, handing-over and last frame at 48 kHz.
    #[schema(value_type = Cues)]
    cues: CueMarks,
    /// SHA-256 of the file as it came.
    #[schema(value_type = String)]
    content_hash: ContentHash,
    /// SHA-256 of the file that plays.
    #[schema(value_type = String)]
    play_hash: ContentHash,
    /// Name it came with.
    filename: String,
    /// Codec it came in.
    codec: String,
    /// Bytes as it came.
    size_bytes: u64,
    /// Sample rate it came in.
    source_rate_hz: u32,
    /// Channels it came in.
    channels: u16,
    /// Integrated loudness in LUFS; null for silence.
    loudness_lufs: Option<f64>,
    /// True peak in dBTP; null for silence.
    true_peak_dbtp: Option<f64>,
    /// How far its analysis is: `queued`, `analysing`, `done` or `failed`.
    analysis_state: &'static str,
    /// What was measured in its sound, and why the last analysis failed.
    analysis: AnalysisView,
    /// Why it is not planned; null when it is.
    lost: Option<String>,
    /// When it was taken in.
    #[schema(value_type = Option<String>, format = DateTime)]
    added_at: Option<UtcMicros>,
    /// What else is said about it.
    #[serde(flatten)]
    details: DetailsView,
}

/// First, handing-over and last frame at 48 kHz, from the file's first frame.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cues {
    /// First frame that airs.
    cue_in: i64,
    /// Frame at which the next item starts.
    segue: i64,
    /// Frame after the last that airs.
    cue_out: i64,
}

pub(super) fn of_row(row: MediaRow) -> MediaView {
    let mut view = of_item(row.item, row.station_id);
    view.lost = row.lost;
    view.added_at = Some(row.added_at);
    view.details = row.details.into();
    view.analysis_state = row.analysis.word();
    view.analysis = row.analysis.into();
    view
}

pub(super) fn of_item(item: MediaItem, station_id: StationId) -> MediaView {
    let duration_ms = micros_of_frames(item.duration_frames) / 1_000;
    let hundredths = |value: i32| f64::from(value) / 100.0;
    MediaView {
        id: item.id,
        station_id,
        title: item.tags.title,
        artist: item.tags.artist,
        album: item.tags.album,
        genre: item.tags.genre,
        year: item.tags.year,
        isrc: item.tags.isrc,
        category: item.category,
        kind: item.kind,
        must_air: item.must_air,
        long_form: item.long_form,
        duration_ms,
        duration_seconds: duration_ms as f64 / 1_000.0,
        duration_frames: item.duration_frames,
        cues: item.cues,
        content_hash: item.hash,
        play_hash: item.play_hash,
        filename: item.file_name,
        codec: item.codec,
        size_bytes: item.size_bytes,
        source_rate_hz: item.source_rate_hz,
        channels: item.channels,
        loudness_lufs: item.loudness_lufs_x100.map(hundredths),
        true_peak_dbtp: item.true_peak_dbtp_x100.map(hundredths),
        analysis_state: "done",
        analysis: AnalysisView::default(),
        lost: None,
        added_at: None,
        details: DetailsView::default(),
    }
}

/// The item with this id, if it is this station's.
pub(super) fn item_of(
    app: &App,
    field: &str,
    id: MediaId,
    station: StationId,
) -> Result<MediaRow, Problem> {
    let row = app.site.views().media_item(id).filter(|row| row.station_id == station);
    row.ok_or_else(|| no_item(field, &id))
}

pub(super) fn no_item(field: &str, id: &MediaId) -> Problem {
    Problem::not_found("media_not_found", field, format!("there is no media item {id}"))
}

/// Shows an item.
#[utoipa::path(
    get, path = "/media/{id}", tag = "library", params(("id" = String, Path)),
    responses((status = 200, body = MediaView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<MediaView>, Problem> {
    let id = lookup::id("id", &id)?;
    let row = app.site.views().media_item(id).ok_or_else(|| no_item("id", &id))?;
    Ok(Json(of_row(row)))
}

/// What is to change about an item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaPatch {
    /// Title.
    title: Option<String>,
    /// Artist.
    artist: Option<String>,
    /// Album.
    album: Option<String>,
    /// Genre.
    genre: Option<String>,
    /// Year of release.
    year: Option<u16>,
    /// International Standard Recording Code.
    isrc: Option<String>,
    /// Category.
    category: Option<String>,
    /// What it is: `music`, `legal_id`, `imaging`, `spot`, `feature`, `emergency`.
    #[schema(value_type = Option<String>)]
    kind: Option<ItemKind>,
    /// Cue marks, in frames at 48 kHz.
    cues: Option<Cues>,
    /// It must air even when its time has passed.
    must_air: Option<bool>,
    /// It resumes where it was cut.
    long_form: Option<bool>,
    /// Artist of the album.
    album_artist: Option<String>,
    /// Record label.
    label: Option<String>,
    /// Genres beside `genre`, all of them; at most 50.
    genres: Option<Vec<String>>,
    /// Moods, all of them; at most 50.
    moods: Option<Vec<String>>,
    /// Language of the words.
    language: Option<String>,
    /// Composer.
    composer: Option<String>,
    /// Publisher.
    publisher: Option<String>,
    /// Musical key.
    key: Option<String>,
    /// Set or compilation it comes from.
    compilation: Option<String>,
    /// Words not fit for every hour.
    explicit: Option<bool>,
    /// Beats a minute, 1 to 1,000, in hundredths; null where nobody knows.
    #[serde(default, deserialize_with = "details::given")]
    #[schema(value_type = Option<f64>)]
    bpm: Option<Option<f64>>,
    /// Energy, 0 to 1,000; null where nobody judged it.
    #[serde(default, deserialize_with = "details::given")]
    #[schema(value_type = Option<u16>)]
    energy: Option<Option<u16>>,
    /// Free words, all of them; at most 50.
    tags: Option<Vec<String>>,
    /// Fields of the station's own, all of them: at most 50 of `{name, value}`.
    #[schema(value_type = Option<Vec<Object>>)]
    custom: Option<Vec<CustomField>>,
    /// What it asks of the planner, whole: `valid_from`, `valid_to`, `dayparts`, `play_limit`,
    /// `rest_s`.
    #[schema(value_type = Option<Object>)]
    rules: Option<ItemRules>,
}

impl MediaPatch {
    /// The basic fields, of which one may be given.
    fn is_described(&self) -> bool {
        self.category.is_some()
            || self.kind.is_some()
            || self.cues.is_some()
            || self.must_air.is_some()
            || self.long_form.is_some()
    }

    /// The tags as they are to be; `None` when none was given.
    fn new_tags(&mut self, now: &Tags) -> Option<Tags> {
        let given = self.title.is_some()
            || self.artist.is_some()
            || self.album.is_some()
            || self.genre.is_some()
            || self.year.is_some()
            || self.isrc.is_some();
        given.then(|| Tags {
            title: self.title.take().unwrap_or_else(|| now.title.clone()),
            artist: self.artist.take().unwrap_or_else(|| now.artist.clone()),
            album: self.album.take().unwrap_or_else(|| now.album.clone()),
            genre: self.genre.take().unwrap_or_else(|| now.genre.clone()),
            year: self.year.or(now.year),
            isrc: self.isrc.take().unwrap_or_else(|| now.isrc.clone()),
        })
    }
}

/// Changes what is given.
#[utoipa::path(
    patch, path = "/media/{id}", tag = "library", params(("id" = String, Path)),
    request_body = MediaPatch, responses((status = 200, body = MediaView))
)]
pub async fn describe(
    State(app): State<App>,
    intent: Intent<Djs>,
    Path(id): Path<String>,
    Body(mut patch): Body<MediaPatch>,
) -> Result<Answer<MediaView>, Problem> {
    let id = lookup::id("id", &id)?;
    let row = app.site.views().media_item(id).ok_or_else(|| no_item("id", &id))?;
    let details = patch.details(&row.details);
    let tags = patch.new_tags(&row.item.tags);
    // What is said beyond the tags is a commit of its own; asked for alone, it is the only one.
    let alone = tags.is_none() && !patch.is_described();
    if let (Some(details), true) = (&details, alone) {
        let details = Box::new(details.clone());
        let command = LibraryCommand::DetailMedia { media_id: id, details };
        let receipt = app.site.command::<Library>(row.station_id, command, intent.meta).await?;
        let done = intent.shown(&app, &receipt).await;
        return shown(&app, id, done);
    }
    let command = LibraryCommand::DescribeMedia {
        media_id: id,
        tags,
        category: patch.category,
        kind: patch.kind,
        cues: patch.cues.map(|Cues { cue_in, segue, cue_out }| CueMarks { cue_in, segue, cue_out }),
        must_air: patch.must_air,
        long_form: patch.long_form,
    };
    let receipt = app.site.command::<Library>(row.station_id, command, intent.meta).await?;
    let mut done = intent.shown(&app, &receipt).await;
    if let Some(details) = details {
        let command = LibraryCommand::DetailMedia { media_id: id, details: Box::new(details) };
        let meta = intent.step("details");
        let receipt = app.site.command::<Library>(row.station_id, command, meta).await?;
        done = done.then(intent.shown(&app, &receipt).await);
    }
    shown(&app, id, done)
}

fn shown(app: &App, id: MediaId, done: Done) -> Result<Answer<MediaView>, Problem> {
    let row = app.site.views().media_item(id).ok_or_else(|| no_item("id", &id))?;
    Ok(Answer::ok(done, of_row(row)))
}

/// Takes an item out of planning; its history stays (manager).
#[utoipa::path(
    delete, path = "/media/{id}", tag = "library", params(("id" = String, Path)),
    responses((status = 200, body = Removed), (status = 404, body = ProblemDocument))
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
) -> Result<Answer<Removed>, Problem> {
    let id: MediaId = lookup::id("id", &id)?;
    let found = app.site.views().media_item(id).map(|row| row.station_id);
    let station = lookup::station_of(&app, &intent, None, found, || no_item("id", &id)).await?;
    let command = LibraryCommand::RemoveMedia { media_id: id };
    let receipt = app.site.command::<Library>(station, command, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    Ok(Answer::ok(done, Removed { id: id.to_string() }))
}

#[cfg(test)]
mod tests;
