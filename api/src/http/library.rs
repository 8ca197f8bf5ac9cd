//! The library: media items, their tags and marks.

use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::{Djs, SignedIn};
use crate::extract::Body;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::details::{CustomField, ItemRules, MediaDetails};
use grimnir_events::library::{CueMarks, ItemKind, MediaItem, Tags};
use grimnir_events::stock::DeletedFor;
use grimnir_events::units::micros_of_frames;
use grimnir_events::{ContentHash, MediaId, StationId, UtcMicros};
use grimnir_projections::rows::{MediaRow, MediaStage};
use grimnir_rules::Library;
use grimnir_rules::library::command::LibraryCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod analysis;
mod details;
mod page;
mod removal;

use analysis::AnalysisView;
pub use analysis::{__path_analyze, analyze};
use details::DetailsView;
pub use page::{__path_list, MediaQuery, list};
pub use removal::{__path_remove, __path_restore, remove, restore};

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
    /// `complete`; `pending` while it waits to be measured at first, `queued` and `analysing` when
    /// it is measured again; or `failed`.
    analysis_state: &'static str,
    /// Why it could not be measured; null when it could.
    analysis_error: Option<String>,
    /// What was measured in its sound.
    analysis: AnalysisView,
    /// Why its audio cannot be read; null when it can.
    lost: Option<String>,
    /// Why it was deleted, `asked` or that its file is gone; null when it was not.
    deleted: Option<String>,
    /// When it was taken in.
    #[schema(value_type = Option<String>, format = DateTime)]
    added_at: Option<UtcMicros>,
    /// What else is said about it.
    #[serde(flatten)]
    details: DetailsView,
}

/// First, handing-over and last frame at 48 kHz, from the file's first frame.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
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
    view.details = MediaDetails::from(row.details).into();
    (view.analysis_state, view.analysis_error) = match row.stage {
        MediaStage::Measured => {
            let reason = row.analysis.failure.as_ref().map(|failure| failure.reason.clone());
            (row.analysis.word(), reason)
        }
        MediaStage::Pending => ("pending", None),
        MediaStage::Failed(reason) if row.analysis.word() == "complete" => {
            ("failed", Some(reason.into()))
        }
        // What failed may be on its way to be measured again.
        MediaStage::Failed(reason) => (row.analysis.word(), Some(reason.into())),
    };
    view.deleted = row.deleted.map(|why| match *why {
        DeletedFor::Asked => "asked".into(),
        DeletedFor::FileGone { path } => format!("the file {path} is gone"),
    });
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
        analysis_state: "complete",
        analysis_error: None,
        analysis: AnalysisView::default(),
        lost: None,
        deleted: None,
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
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
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
    /// Another category and nothing else.
    pub(super) fn category(name: String) -> Self {
        Self { category: Some(name), ..Self::default() }
    }

    /// What carries it out on an item.
    pub(super) fn commands(&mut self, row: &MediaRow) -> Vec<LibraryCommand> {
        let media_id = row.item.id;
        let details = self.details(&row.details);
        let tags = self.new_tags(&row.item.tags);
        let mut commands = Vec::new();
        if tags.is_some() || self.is_described() || details.is_none() {
            let marks = |Cues { cue_in, segue, cue_out }| CueMarks { cue_in, segue, cue_out };
            commands.push(LibraryCommand::DescribeMedia {
                media_id,
                tags,
                category: self.category.take(),
                kind: self.kind,
                cues: self.cues.map(marks),
                must_air: self.must_air,
                long_form: self.long_form,
            });
        }
        if let Some(details) = details {
            let details = Box::new(details);
            commands.push(LibraryCommand::DetailMedia { media_id, details });
        }
        commands
    }

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
    // What is said beyond the tags is a commit of its own; asked for alone, it is the only one.
    let mut done: Option<Done> = None;
    for command in patch.commands(&row) {
        let meta = if done.is_none() { intent.meta } else { intent.step("details") };
        let receipt = app.site.command::<Library>(row.station_id, command, meta).await?;
        let next = intent.shown(&app, &receipt).await;
        done = Some(done.map_or(next, |done| done.then(next)));
    }
    shown(&app, id, done.unwrap_or_default())
}

fn shown(app: &App, id: MediaId, done: Done) -> Result<Answer<MediaView>, Problem> {
    let row = app.site.views().media_item(id).ok_or_else(|| no_item("id", &id))?;
    Ok(Answer::ok(done, of_row(row)))
}

#[cfg(test)]
mod tests;
