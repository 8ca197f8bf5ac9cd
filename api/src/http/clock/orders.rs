//! What is ordered for hours beside their clocks: legal IDs around the hour, voice tracks.

use super::super::kept;
use super::super::playlist::OfStation;
use super::super::timeline::Replan;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::clock::LegalIdRule;
use grimnir_events::{MediaId, StationId, UtcMicros};
use grimnir_projections::rows::ClockRow;
use grimnir_rules::timeline::command::{ClockCommand, TimelineCommand};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const HOUR_US: i64 = 3_600_000_000;

/// How legal IDs are put around every full hour: at the natural break nearest to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LegalIdBody {
    /// They are put at all.
    #[serde(default = "yes")]
    enabled: bool,
    /// How long before the hour one may start, up to 30 minutes.
    #[serde(default = "five_minutes")]
    before_ms: u32,
    /// How long after the hour one may start, up to 30 minutes.
    #[serde(default = "five_minutes")]
    after_ms: u32,
    /// Items of this category; empty takes every item of kind `legal_id`.
    #[serde(default)]
    category: String,
}

const fn yes() -> bool {
    true
}

const fn five_minutes() -> u32 {
    300_000
}

/// How a station puts legal IDs.
#[derive(Debug, Serialize, ToSchema)]
pub struct LegalIdView {
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// The rule.
    #[serde(flatten)]
    rule: LegalIdBody,
}

fn shown(station_id: StationId, rule: Option<LegalIdRule>) -> LegalIdView {
    let rule = match rule {
        Some(LegalIdRule { before_ms, after_ms, category }) => {
            LegalIdBody { enabled: true, before_ms, after_ms, category }
        }
        None => LegalIdBody {
            enabled: false,
            before_ms: five_minutes(),
            after_ms: five_minutes(),
            category: String::new(),
        },
    };
    LegalIdView { station_id, rule }
}

/// Shows how a station puts legal IDs around the hour.
#[utoipa::path(
    get, path = "/stations/{id}/legal-id", tag = "timeline", params(("id" = String, Path)),
    responses((status = 200, body = LegalIdView), (status = 404, body = ProblemDocument))
)]
pub async fn legal_id(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<LegalIdView>, Problem> {
    let station_id = lookup::station(&app, "id", &id)?.id;
    Ok(Json(shown(station_id, app.site.views().legal_id(station_id))))
}

/// Sets how a station puts legal IDs around the hour; what is left out has its default (manager).
#[utoipa::path(
    put, path = "/stations/{id}/legal-id", tag = "timeline",
    params(("id" = String, Path), Replan), request_body = LegalIdBody,
    responses((status = 200, body = LegalIdView), (status = 422, body = ProblemDocument))
)]
pub async fn set_legal_id(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
    Body(asked): Body<LegalIdBody>,
) -> Result<Answer<LegalIdView>, Problem> {
    let station_id = lookup::station(&app, "id", &id)?.id;
    let LegalIdBody { enabled, before_ms, after_ms, category } = asked;
    let rule = enabled.then_some(LegalIdRule { before_ms, after_ms, category });
    let command = TimelineCommand::Clock(ClockCommand::SetLegalId { rule: rule.clone() });
    let done = kept::recorded::<ClockRow>(&app, &intent, station_id, command, &options).await?;
    Ok(Answer::ok(done, shown(station_id, rule)))
}

/// A recorded item in a voice track's place.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoiceTrackView {
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// First instant of the hour.
    #[schema(value_type = String, format = DateTime)]
    hour: UtcMicros,
    /// Name of the place in the hour's clock.
    track: String,
    /// What takes it; null leaves it open.
    #[schema(value_type = Option<String>)]
    media_id: Option<MediaId>,
}

/// Lists the voice tracks that are assigned from the running hour on.
#[utoipa::path(
    get, path = "/voice-tracks", tag = "timeline", params(OfStation),
    responses((status = 200, body = Vec<VoiceTrackView>))
)]
pub async fn voice_tracks(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<OfStation>,
) -> Result<Json<Vec<VoiceTrackView>>, Problem> {
    let station_id = lookup::needed_station(&app, query.station_id.as_deref())?.id;
    let rows = app.site.views().voice_tracks(station_id, super::super::now().plus(-HOUR_US));
    let view = |(hour, track, media_id)| {
        let media_id = Some(media_id);
        VoiceTrackView { station_id, hour, track, media_id }
    };
    Ok(Json(rows.into_iter().map(view).collect()))
}

/// A recorded item that is to take a voice track's place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoiceTrackRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// First instant of the hour, RFC 3339.
    #[schema(value_type = String, format = DateTime)]
    hour: UtcMicros,
    /// Name of the place; a clock has it.
    track: String,
    /// What takes it; null leaves it open again.
    #[serde(deserialize_with = "crate::extract::present")]
    #[schema(value_type = Option<String>)]
    media_id: Option<MediaId>,
}

/// Gives a recorded item to a voice track's place in one hour, or takes it away (manager).
///
/// An hour that is planned already has it once it is planned again.
#[utoipa::path(
    put, path = "/voice-tracks", tag = "timeline", params(Replan),
    request_body = VoiceTrackRequest,
    responses((status = 200, body = VoiceTrackView), (status = 404, body = ProblemDocument))
)]
pub async fn assign_voice_track(
    State(app): State<App>,
    intent: Intent<Managers>,
    Params(options): Params<Replan>,
    Body(request): Body<VoiceTrackRequest>,
) -> Result<Answer<VoiceTrackView>, Problem> {
    let station_id = request.station_id.as_deref().or(options.station_id.as_deref());
    let station_id = lookup::needed_station(&app, station_id)?.id;
    let VoiceTrackRequest { hour, track, media_id, .. } = request;
    if let Some(id) = media_id {
        let row = app.site.views().media_item(id).filter(|row| row.station_id == station_id);
        row.ok_or_else(|| {
            let detail = format!("there is no media item {id}");
            Problem::not_found("media_not_found", "media_id", detail)
        })?;
    }
    let asked = ClockCommand::AssignVoice { hour, track: track.clone(), media_id };
    let command = TimelineCommand::Clock(asked);
    let done = kept::recorded::<ClockRow>(&app, &intent, station_id, command, &options).await?;
    Ok(Answer::ok(done, VoiceTrackView { station_id, hour, track, media_id }))
}
