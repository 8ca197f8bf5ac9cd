//! The ladder: taking the air, giving it back, and who holds it.

use super::playlist::OfStation;
use super::timeline::Recorded;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Admins, Djs, SignedIn};
use crate::extract::{AcceptedAt, Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_actors::site::{AirSource, RaiseRequest, Raised};
use grimnir_events::access::Role;
use grimnir_events::ladder::Tier;
use grimnir_events::{ClaimId, MediaId, PlaylistId, StationId, UtcMicros};
use grimnir_projections::rows::ClaimRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An emergency that is to take the air.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmergencyRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// What plays: an item …
    #[schema(value_type = Option<String>)]
    media_id: Option<MediaId>,
    /// … or a playlist.
    #[schema(value_type = Option<String>)]
    playlist_id: Option<PlaylistId>,
    /// Longest time it may hold the air; the station's own limit where not given.
    max_length_s: Option<u32>,
    /// Start over until released.
    #[serde(default)]
    repeat: bool,
}

impl EmergencyRequest {
    fn source(&self) -> Result<AirSource, Problem> {
        match (self.media_id, self.playlist_id) {
            (Some(id), None) => Ok(AirSource::Media(id)),
            (None, Some(id)) => Ok(AirSource::Playlist(id)),
            (None, None) => Err(Problem::missing("media_id_required", "media_id")),
            (Some(_), Some(_)) => {
                let detail = "give media_id or playlist_id, not both";
                Err(Problem::invalid("playlist_id", detail))
            }
        }
    }
}

/// What a request for the air led to.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
pub struct RaisedView {
    /// The claim; release it by this id.
    claim_id: String,
    /// The engine plays it.
    on_air: bool,
    /// Why not, where it does not.
    reason: String,
    /// From socket accept to the first changed frame rendered, in microseconds.
    accept_to_mix_us: Option<i64>,
    /// Air frame of the first changed sample.
    first_frame: Option<i64>,
    /// It is in the ledger; an emergency acts even where it is not.
    recorded: bool,
    /// Ledger position; 0 where it is not recorded yet.
    seq: u64,
}

/// Cuts an emergency in at once, whether or not the ledger can be written (admin).
#[utoipa::path(
    post, path = "/priority/emergency", tag = "ladder", request_body = EmergencyRequest,
    responses((status = 201, body = RaisedView), (status = 422, body = ProblemDocument))
)]
pub async fn emergency(
    State(app): State<App>,
    AcceptedAt(accepted_at): AcceptedAt,
    intent: Intent<Admins>,
    Body(request): Body<EmergencyRequest>,
) -> Result<Answer<Raised>, Problem> {
    let source = request.source()?;
    let station = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let raise = RaiseRequest {
        source,
        max_length_s: request.max_length_s,
        fade_ms: None,
        repeat: request.repeat,
        take: false,
        accepted_at,
    };
    let raised = app.site.emergency(station, raise, intent.meta).await?;
    answer(&app, &intent, raised).await
}

async fn answer<G>(
    app: &App,
    intent: &Intent<G>,
    raised: Raised,
) -> Result<Answer<Raised>, Problem> {
    let done = intent.shown_at(app, raised.seq).await;
    let location = format!("/api/v1/priority/{}", raised.claim_id);
    Ok(Answer::created(done, location, raised))
}

/// A source that is to take the air from automation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// What plays.
    source_type: SourceType,
    /// The item or the playlist.
    source_id: String,
    /// Fade of what plays; the station's own where not given.
    fade_ms: Option<u32>,
    /// Longest time it may hold the air; the station's own limit where not given.
    max_length_s: Option<u32>,
    /// Take the air from an incumbent of the same tier.
    #[serde(default)]
    take: bool,
    /// Start over until released.
    #[serde(default)]
    repeat: bool,
}

/// What plays.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceType {
    /// An item of the library.
    Media,
    /// A playlist, in its order.
    Playlist,
}

/// Fades an item or a playlist in over automation (dj).
#[utoipa::path(
    post, path = "/priority/override", tag = "ladder", request_body = OverrideRequest,
    responses((status = 201, body = RaisedView), (status = 422, body = ProblemDocument))
)]
pub async fn override_air(
    State(app): State<App>,
    AcceptedAt(accepted_at): AcceptedAt,
    intent: Intent<Djs>,
    Body(request): Body<OverrideRequest>,
) -> Result<Answer<Raised>, Problem> {
    let source = match request.source_type {
        SourceType::Media => AirSource::Media(lookup::id("source_id", &request.source_id)?),
        SourceType::Playlist => AirSource::Playlist(lookup::id("source_id", &request.source_id)?),
    };
    let station = lookup::needed_station(&app, request.station_id.as_deref())?.id;
    let raise = RaiseRequest {
        source,
        max_length_s: request.max_length_s,
        fade_ms: request.fade_ms,
        repeat: request.repeat,
        take: request.take,
        accepted_at,
    };
    let raised = app.site.override_air(station, raise, intent.meta).await?;
    answer(&app, &intent, raised).await
}

/// Releases a claim (dj; an emergency: manager).
#[utoipa::path(
    delete, path = "/priority/{id}", tag = "ladder", params(("id" = String, Path), OfStation),
    responses((status = 200, body = Recorded), (status = 404, body = ProblemDocument))
)]
pub async fn release(
    State(app): State<App>,
    intent: Intent<Djs>,
    Path(id): Path<String>,
    Params(query): Params<OfStation>,
) -> Result<Answer<Recorded>, Problem> {
    let claim: ClaimId = lookup::id("id", &id)?;
    let given = lookup::given_station(&app, query.station_id.as_deref())?;
    let found = find(&app, claim);
    // A claim that is not in the read models yet may be an emergency.
    if found.as_ref().is_none_or(|(_, tier)| *tier == Tier::Emergency) {
        intent.caller.need(Role::Manager)?;
    }
    let found = found.map(|(station, _)| station);
    let missing =
        || Problem::not_found("claim_not_found", "id", format!("no station has a claim {claim}"));
    let station_id = lookup::station_of(&app, &intent, given, found, missing).await?;
    let seq = app.site.release(station_id, claim, intent.meta).await?;
    let done = intent.shown_at(&app, seq).await;
    Ok(Answer::ok(done, Recorded { station_id, seq }))
}

fn find(app: &App, claim: ClaimId) -> Option<(StationId, Tier)> {
    let views = app.site.views();
    views.stations().into_iter().find_map(|station| {
        let rows = views.claims(station.id);
        let row = rows.into_iter().find(|row| row.claim.id == claim)?;
        Some((station.id, row.claim.tier))
    })
}

/// A claim on the air.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimView {
    /// Its id.
    #[schema(value_type = String)]
    id: ClaimId,
    /// Its station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// Its tier.
    #[schema(value_type = String)]
    tier: Tier,
    /// Its tier as a number, 0 to 4; the lower wins.
    priority: u8,
    /// What people see.
    label: String,
    /// Its items, in order.
    items: Vec<ClaimItemView>,
    /// When it was raised.
    #[schema(value_type = String, format = DateTime)]
    raised_at: UtcMicros,
    /// Longest time it may hold the air.
    max_length_s: i64,
    /// It starts over until it is released.
    repeat: bool,
    /// It owns the air.
    owner: bool,
    /// It has nothing to give now.
    failed: bool,
}

/// One item of a claim.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClaimItemView {
    /// What plays.
    #[schema(value_type = String)]
    media_id: MediaId,
    /// Title.
    title: String,
    /// Artist.
    artist: String,
}

fn view(station_id: StationId, row: ClaimRow) -> ClaimView {
    let claim = row.claim;
    let items = claim.items.into_iter();
    let items = items.map(|item| ClaimItemView {
        media_id: item.media_id,
        title: item.title,
        artist: item.artist,
    });
    ClaimView {
        id: claim.id,
        station_id,
        tier: claim.tier,
        priority: claim.tier.number(),
        label: claim.label,
        items: items.collect(),
        raised_at: claim.raised_at,
        max_length_s: claim.max_length_us / 1_000_000,
        repeat: claim.repeat,
        owner: row.owner,
        failed: row.failed,
    }
}

/// Lists the raised claims, highest tier first; of every station where none is given.
#[utoipa::path(
    get, path = "/priority/active", tag = "ladder", params(OfStation),
    responses((status = 200, body = Vec<ClaimView>))
)]
pub async fn active(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<OfStation>,
) -> Result<Json<Vec<ClaimView>>, Problem> {
    let views = app.site.views();
    let stations = match lookup::given_station(&app, query.station_id.as_deref())? {
        Some(station) => vec![station],
        None => views.stations().into_iter().map(|row| row.id).collect(),
    };
    let claims = stations
        .into_iter()
        .flat_map(|station| views.claims(station).into_iter().map(move |row| view(station, row)));
    Ok(Json(claims.collect()))
}

/// Who owns the air.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrentOwner {
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// The owner's claim; null where nothing is known of the station's air yet.
    #[schema(value_type = Option<String>)]
    claim_id: Option<ClaimId>,
    /// The owner's tier.
    #[schema(value_type = Option<String>)]
    tier: Option<Tier>,
    /// The tier as a number, 0 to 4.
    priority: Option<u8>,
    /// The claim, where somebody raised it; null for automation and fallback.
    claim: Option<ClaimView>,
}

/// Says who owns a station's air.
#[utoipa::path(
    get, path = "/priority/current", tag = "ladder", params(OfStation),
    responses((status = 200, body = CurrentOwner))
)]
pub async fn current(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<OfStation>,
) -> Result<Json<CurrentOwner>, Problem> {
    let station_id = lookup::needed_station(&app, query.station_id.as_deref())?.id;
    let views = app.site.views();
    let claim = views.claims(station_id).into_iter().find(|row| row.owner);
    let claim = claim.map(|row| view(station_id, row));
    let executor = views.executor(station_id);
    let tier = claim.as_ref().map(|c| c.tier).or(executor.as_ref().map(|row| row.tier));
    Ok(Json(CurrentOwner {
        station_id,
        claim_id: claim.as_ref().map(|c| c.id).or(executor.map(|row| row.owner)),
        tier,
        priority: tier.map(Tier::number),
        claim,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::parse_json;

    fn source(text: &str) -> Result<AirSource, Problem> {
        parse_json::<EmergencyRequest>(text.as_bytes())?.source()
    }

    #[test]
    fn an_emergency_plays_an_item_or_a_playlist_and_not_both() {
        let media = "\"media_id\":\"med_01010101010101010101010101010101\"";
        let list = "\"playlist_id\":\"pls_01010101010101010101010101010101\"";
        assert!(matches!(source(&format!("{{{media}}}")), Ok(AirSource::Media(_))));
        assert!(matches!(source(&format!("{{{list}}}")), Ok(AirSource::Playlist(_))));
        let none = source("{}").expect_err("is refused");
        assert_eq!(none.code(), "media_id_required");
        let both = source(&format!("{{{media},{list}}}")).expect_err("is refused");
        assert_eq!(both.code(), "invalid_field");
    }

    #[test]
    fn what_is_shown_of_a_raise_has_the_fields_that_are_documented() {
        let raised = Raised {
            claim_id: ClaimId::default(),
            on_air: true,
            reason: String::new(),
            accept_to_mix_us: None,
            first_frame: None,
            recorded: true,
            seq: 1,
        };
        let view = RaisedView {
            claim_id: String::new(),
            on_air: true,
            reason: String::new(),
            accept_to_mix_us: None,
            first_frame: None,
            recorded: true,
            seq: 1,
        };
        let keys = |value: serde_json::Value| {
            let fields = value.as_object().expect("is an object").clone();
            fields.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        let (sent, documented) = (serde_json::to_value(raised), serde_json::to_value(view));
        assert_eq!(keys(sent.expect("encodes")), keys(documented.expect("encodes")));
    }
}
