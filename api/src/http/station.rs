//! Stations: what they are called, how they play, whether they are on air.

use super::mount::{self, MountView};
use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::Body;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use futures_util::future::join_all;
use grimnir_events::station::{FadeCurve, Mount, MountFormat, StationSettings, TransitionMode};
use grimnir_events::{ClockId, MediaId, MountId, StationId};
use grimnir_projections::rows::StationRow;
use grimnir_rules::Station;
use grimnir_rules::station::command::StationCommand;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// An engine that does not say where it listens is not waited for.
const LISTEN_URLS_WAIT: Duration = Duration::from_millis(500);

/// A station.
#[derive(Debug, Serialize, ToSchema)]
pub struct StationView {
    /// Its id.
    #[schema(value_type = String)]
    id: StationId,
    /// Its name.
    name: String,
    /// Its name in paths.
    slug: String,
    /// IANA time zone.
    time_zone: String,
    /// The same.
    timezone: String,
    /// It is to be on air.
    on_air: bool,
    /// How it plays.
    #[schema(value_type = SettingsPatch)]
    settings: StationSettings,
    /// How the planner joins items: `segue`, `fixed` or `smart`.
    #[schema(value_type = String)]
    transitions: TransitionMode,
    /// What it offers to listeners.
    mounts: Vec<MountView>,
    /// Where it is listened to.
    listen_urls: Vec<String>,
    /// The last rung of its ladder; null for digital silence.
    #[schema(value_type = Option<String>)]
    fallback_media_id: Option<MediaId>,
    /// Format clock of every hour; null plans from the whole library.
    #[schema(value_type = Option<String>)]
    default_clock_id: Option<ClockId>,
}

/// How a station plays; what is left out stays as it is.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsPatch {
    /// Overlap of two automation items where neither gives a segue mark.
    crossfade_ms: Option<u32>,
    /// Gain shape of the overlap: `linear`, `equal_power`, `logarithmic`, `exponential` or
    /// `s_curve`.
    #[schema(value_type = Option<String>)]
    fade_curve: Option<FadeCurve>,
    /// Fade of what plays when tier 1 or 2 takes the air.
    override_fade_ms: Option<u32>,
    /// Fade of the programme at sign-off.
    sign_off_ms: Option<u32>,
    /// Longest time one emergency may hold the air.
    emergency_max_s: Option<u32>,
    /// Longest time one live or override source may hold the air.
    override_max_s: Option<u32>,
    /// Least time between two plays of one artist.
    artist_separation_s: Option<u32>,
    /// Least time between two plays of one title.
    title_separation_s: Option<u32>,
    /// Loudness that items are levelled to, in hundredths of LUFS.
    target_lufs_x100: Option<i32>,
    /// Below this airtime an item is not started.
    min_airtime_ms: Option<u32>,
}

impl SettingsPatch {
    fn over(self, now: &StationSettings) -> StationSettings {
        StationSettings {
            crossfade_ms: self.crossfade_ms.unwrap_or(now.crossfade_ms),
            fade_curve: self.fade_curve.unwrap_or(now.fade_curve),
            override_fade_ms: self.override_fade_ms.unwrap_or(now.override_fade_ms),
            sign_off_ms: self.sign_off_ms.unwrap_or(now.sign_off_ms),
            emergency_max_s: self.emergency_max_s.unwrap_or(now.emergency_max_s),
            override_max_s: self.override_max_s.unwrap_or(now.override_max_s),
            artist_separation_s: self.artist_separation_s.unwrap_or(now.artist_separation_s),
            title_separation_s: self.title_separation_s.unwrap_or(now.title_separation_s),
            target_lufs_x100: self.target_lufs_x100.unwrap_or(now.target_lufs_x100),
            min_airtime_ms: self.min_airtime_ms.unwrap_or(now.min_airtime_ms),
        }
    }
}

async fn view(app: &App, row: StationRow) -> StationView {
    let urls = app.site.listen_urls(row.id);
    let listen_urls = tokio::time::timeout(LISTEN_URLS_WAIT, urls).await.unwrap_or_default();
    StationView {
        id: row.id,
        name: row.name,
        slug: row.slug,
        timezone: row.time_zone.clone(),
        time_zone: row.time_zone,
        on_air: row.on_air,
        settings: row.settings,
        transitions: row.transitions,
        mounts: row.mounts.into_iter().map(mount::view).collect(),
        listen_urls,
        fallback_media_id: row.fallback_media_id,
        default_clock_id: row.default_clock_id,
    }
}

/// Sends one command, waits until it shows, and answers the station as it is then.
async fn answer(
    app: &App,
    station: StationId,
    command: StationCommand,
    intent: &Intent<Managers>,
) -> Result<Answer<StationView>, Problem> {
    let receipt = app.site.command::<Station>(station, command, intent.meta).await?;
    let done = intent.shown(app, &receipt).await;
    Ok(Answer::ok(done, shown(app, station).await?))
}

async fn shown(app: &App, station: StationId) -> Result<StationView, Problem> {
    let row = lookup::station(app, "id", &station.to_string())?;
    Ok(view(app, row).await)
}

/// Lists the stations.
#[utoipa::path(
    get, path = "/stations", tag = "stations", responses((status = 200, body = Vec<StationView>))
)]
pub async fn list(State(app): State<App>, _: SignedIn<Djs>) -> Json<Vec<StationView>> {
    let rows = app.site.views().stations();
    Json(join_all(rows.into_iter().map(|row| view(&app, row))).await)
}

/// A station that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StationRequest {
    /// Its name, 1 to 100 characters.
    name: String,
    /// Its name in paths, 1 to 63 of `a-z0-9-`; made from the name where not given.
    slug: Option<String>,
    /// IANA time zone, e.g. `Europe/Berlin`; also taken as `timezone`.
    #[serde(alias = "timezone")]
    time_zone: String,
    /// How it plays.
    #[serde(default)]
    settings: SettingsPatch,
}

/// Makes a station with one mount, `/<slug>.mp3` at 128 kbit/s (manager).
#[utoipa::path(
    post, path = "/stations", tag = "stations", request_body = StationRequest,
    responses(
        (status = 201, body = StationView),
        (status = 409, body = ProblemDocument, description = "`slug_taken`"),
    )
)]
pub async fn create(
    State(app): State<App>,
    intent: Intent<Managers>,
    Body(request): Body<StationRequest>,
) -> Result<Answer<StationView>, Problem> {
    let slug = request.slug.unwrap_or_else(|| slug_of(&request.name));
    let id = StationId(intent.mint("station"));
    let done = {
        let _naming = app.naming.lock().await;
        if app.site.views().station_by_slug(&slug).is_some_and(|row| row.id != id) {
            let detail = format!("there is a station \"{slug}\" already");
            return Err(Problem::new(StatusCode::CONFLICT, "slug_taken", detail).field("slug"));
        }
        let command = StationCommand::Create {
            name: request.name,
            slug: slug.clone(),
            time_zone: request.time_zone,
            settings: request.settings.over(&StationSettings::default()),
        };
        let receipt = app.site.command::<Station>(id, command, intent.meta).await?;
        intent.shown(&app, &receipt).await
    };
    let mounted = add_first_mount(&app, &intent, id, &slug).await?;
    let station = shown(&app, id).await?;
    Ok(Answer::created(done.then(mounted), format!("/api/v1/stations/{id}"), station))
}

async fn add_first_mount(
    app: &App,
    intent: &Intent<Managers>,
    station: StationId,
    slug: &str,
) -> Result<Done, Problem> {
    let mount = Mount {
        id: MountId(intent.mint("mount")),
        name: slug.to_owned(),
        path: format!("/{slug}.mp3"),
        format: MountFormat::Mp3,
        bitrate_kbps: 128,
    };
    let command = StationCommand::AddMount { mount };
    let receipt = app.site.command::<Station>(station, command, intent.step("mount")).await?;
    Ok(intent.shown(app, &receipt).await)
}

/// A name made fit for paths: `Radio Nordlicht!` becomes `radio-nordlicht`.
pub(super) fn slug_of(name: &str) -> String {
    let dashed: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let words: Vec<&str> = dashed.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-").chars().take(63).collect::<String>().trim_end_matches('-').to_owned()
}

/// Shows a station.
#[utoipa::path(
    get, path = "/stations/{id}", tag = "stations", params(("id" = String, Path)),
    responses((status = 200, body = StationView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<StationView>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    Ok(Json(view(&app, row).await))
}

/// What is to change on a station.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StationPatch {
    /// Its new name.
    name: Option<String>,
    /// Its new IANA time zone; also taken as `timezone`.
    #[serde(alias = "timezone")]
    time_zone: Option<String>,
    /// Its new settings.
    settings: Option<SettingsPatch>,
    /// How items are joined in hours planned from now on: `segue` (by segue marks), `fixed` (by
    /// `crossfade_ms`) or `smart` (computed for each pair from what was measured).
    #[schema(value_type = Option<String>)]
    transitions: Option<TransitionMode>,
}

/// Changes what is given (manager).
#[utoipa::path(
    patch, path = "/stations/{id}", tag = "stations", params(("id" = String, Path)),
    request_body = StationPatch, responses((status = 200, body = StationView))
)]
pub async fn change(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Body(patch): Body<StationPatch>,
) -> Result<Answer<StationView>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    let settings = patch.settings.map(|settings| settings.over(&row.settings));
    let StationPatch { name, time_zone, transitions, .. } = patch;
    let plain = name.is_some() || time_zone.is_some() || settings.is_some();
    let command = StationCommand::Change { name, time_zone, settings };
    let Some(mode) = transitions else { return answer(&app, row.id, command, &intent).await };
    let choice = StationCommand::ChooseTransitions { mode };
    if !plain {
        return answer(&app, row.id, choice, &intent).await;
    }
    let receipt = app.site.command::<Station>(row.id, command, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    let meta = intent.step("transitions");
    let receipt = app.site.command::<Station>(row.id, choice, meta).await?;
    let done = done.then(intent.shown(&app, &receipt).await);
    Ok(Answer::ok(done, shown(&app, row.id).await?))
}

/// Signs on: the station goes on air (manager).
#[utoipa::path(
    post, path = "/stations/{id}/start", tag = "stations", params(("id" = String, Path)),
    responses((status = 200, body = StationView))
)]
pub async fn start(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
) -> Result<Answer<StationView>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    answer(&app, row.id, StationCommand::Start {}, &intent).await
}

/// Signs off: the station leaves the air (manager).
#[utoipa::path(
    post, path = "/stations/{id}/stop", tag = "stations", params(("id" = String, Path)),
    responses((status = 200, body = StationView))
)]
pub async fn stop(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
) -> Result<Answer<StationView>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    answer(&app, row.id, StationCommand::Stop {}, &intent).await
}

/// The last rung that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FallbackRequest {
    /// The item that the engine holds in memory; null for digital silence.
    #[serde(deserialize_with = "crate::extract::present")]
    #[schema(value_type = Option<String>)]
    media_id: Option<MediaId>,
}

/// Chooses the last rung of the ladder (manager).
#[utoipa::path(
    put, path = "/stations/{id}/fallback", tag = "stations", params(("id" = String, Path)),
    request_body = FallbackRequest, responses((status = 200, body = StationView))
)]
pub async fn choose_fallback(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Body(request): Body<FallbackRequest>,
) -> Result<Answer<StationView>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    if let Some(media_id) = request.media_id {
        super::library::item_of(&app, "media_id", media_id, row.id)?;
    }
    let command = StationCommand::ChooseFallback { media_id: request.media_id };
    answer(&app, row.id, command, &intent).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_made_of_what_a_path_may_hold() {
        assert_eq!(slug_of("Radio Nordlicht!"), "radio-nordlicht");
        assert_eq!(slug_of("  --  "), "");
        assert_eq!(slug_of("ÄÖÜ 98.5"), "98-5");
        assert_eq!(slug_of(&"a".repeat(200)).len(), 63);
    }

    #[test]
    fn settings_that_are_left_out_stay_as_they_are() {
        let now = StationSettings { crossfade_ms: 7, ..StationSettings::default() };
        let patch = SettingsPatch { sign_off_ms: Some(9), ..SettingsPatch::default() };
        assert_eq!(patch.over(&now), StationSettings { sign_off_ms: 9, ..now });
    }
}
