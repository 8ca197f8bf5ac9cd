//! The air: what is on now, and what aired.

use super::playlist::OfStation;
use crate::app::App;
use crate::auth::{Djs, SignedIn};
use crate::extract::Params;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::State;
use grimnir_events::ladder::Tier;
use grimnir_events::library::ItemKind;
use grimnir_events::listening::{MountListened, OutputListened};
use grimnir_events::units::micros_of_frames;
use grimnir_events::{
    ClaimId, ContentHash, EngineRunId, LineId, MediaId, MountId, OutputId, StationId, UtcMicros,
};
use grimnir_projections::rows::{AsRunRow, NowPlayingRow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const DAY_US: i64 = 86_400_000_000;
/// The read model holds a week; longer stretches are asked of `grimnir replay`.
const AS_RUN_MAX_US: i64 = 7 * DAY_US;

/// What is on air. Everything but `status` and `station_id` is null when nothing is.
#[derive(Debug, Serialize, ToSchema)]
pub struct NowPlaying {
    /// `playing` or `idle`.
    status: String,
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// The item; null for the built-in fallback.
    #[schema(value_type = Option<String>)]
    media_id: Option<MediaId>,
    /// Artist.
    artist: Option<String>,
    /// Title.
    title: Option<String>,
    /// First frame on air.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<UtcMicros>,
    /// Null: it has not ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<UtcMicros>,
    /// Its end, if nothing cuts it.
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<UtcMicros>,
    /// `media`, `emergency` or `fallback`.
    r#type: Option<&'static str>,
    /// The same.
    source_type: Option<&'static str>,
    /// A person is live on air. False so far: tiers 1 and 2 play items of the library, too.
    is_live_dj: bool,
    /// Tier of the owner of the air.
    #[schema(value_type = Option<String>)]
    tier: Option<Tier>,
    /// What the item is: `music`, `legal_id`, `imaging`, `spot`, `feature`, `emergency`.
    #[schema(value_type = Option<String>)]
    kind: Option<ItemKind>,
    /// Its line of the timeline.
    #[schema(value_type = Option<String>)]
    line_id: Option<LineId>,
    /// The claim that owns the air.
    #[schema(value_type = Option<String>)]
    claim_id: Option<ClaimId>,
}

fn playing(row: NowPlayingRow) -> NowPlaying {
    let source_type = match row.tier {
        Tier::Emergency => "emergency",
        Tier::Fallback => "fallback",
        Tier::LiveOverride | Tier::LiveScheduled | Tier::Automation => "media",
    };
    NowPlaying {
        status: row.status,
        station_id: row.station_id,
        media_id: Some(row.media_id).filter(|id| !id.is_nil()),
        artist: Some(row.artist),
        title: Some(row.title),
        started_at: Some(row.started_at),
        ended_at: None,
        ends_at: Some(row.ends_at),
        r#type: Some(source_type),
        source_type: Some(source_type),
        // No source is a live input yet: a claim holds items, and nothing else.
        is_live_dj: false,
        tier: Some(row.tier),
        kind: Some(row.kind),
        line_id: row.line_id,
        claim_id: Some(row.claim_id),
    }
}

fn idle(station_id: StationId) -> NowPlaying {
    NowPlaying {
        status: "idle".into(),
        station_id,
        media_id: None,
        artist: None,
        title: None,
        started_at: None,
        ended_at: None,
        ends_at: None,
        r#type: None,
        source_type: None,
        is_live_dj: false,
        tier: None,
        kind: None,
        line_id: None,
        claim_id: None,
    }
}

fn view(row: Option<NowPlayingRow>, station: StationId) -> NowPlaying {
    match row {
        Some(row) if row.status != "idle" => playing(row),
        _ => idle(station),
    }
}

/// Says what is on air.
#[utoipa::path(
    get, path = "/analytics/now-playing", tag = "air", params(OfStation),
    responses((status = 200, body = NowPlaying), (status = 404, body = ProblemDocument))
)]
pub async fn now_playing(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<OfStation>,
) -> Result<Json<NowPlaying>, Problem> {
    let station = lookup::needed_station(&app, query.station_id.as_deref())?.id;
    Ok(Json(view(app.site.views().now_playing(station), station)))
}

/// Says what is on air, to everybody.
#[utoipa::path(
    get, path = "/public/now-playing", tag = "air", security(()), params(OfStation),
    responses((status = 200, body = NowPlaying), (status = 404, body = ProblemDocument))
)]
pub async fn public_now_playing(
    State(app): State<App>,
    Params(query): Params<OfStation>,
) -> Result<Json<NowPlaying>, Problem> {
    let station = lookup::needed_station(&app, query.station_id.as_deref())?.id;
    Ok(Json(view(app.site.views().now_playing(station), station)))
}

/// Which stretch of the as-run log.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AsRunQuery {
    /// The station, by id or slug.
    station_id: Option<String>,
    /// First instant, RFC 3339; a day before `to` where not given.
    #[param(value_type = Option<String>)]
    from: Option<UtcMicros>,
    /// End, RFC 3339; now where not given.
    #[param(value_type = Option<String>)]
    to: Option<UtcMicros>,
}

/// One entry of the as-run log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AsRunEntry {
    /// Ledger position of the fact that began it.
    seq: u64,
    /// Engine run.
    #[schema(value_type = String)]
    run: EngineRunId,
    /// Number of the play in its run; 0 for an entry that is not a play.
    play: u64,
    /// First frame on air, or the instant of the entry.
    #[schema(value_type = String, format = DateTime)]
    started_at: UtcMicros,
    /// Frame after the last; null while it plays.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<UtcMicros>,
    /// First air frame.
    start_frame: i64,
    /// Frames that aired.
    frames: Option<i64>,
    /// The same in milliseconds.
    duration_ms: Option<i64>,
    /// `item`, `dropped`, `moved`, `interrupted`, `silence`, `stalled`, `alarm`, `owner`, `source`,
    /// `engine`, `output`.
    entry: String,
    /// Who owned the air.
    #[schema(value_type = Option<String>)]
    tier: Option<Tier>,
    /// The claim.
    #[schema(value_type = Option<String>)]
    claim_id: Option<ClaimId>,
    /// The timeline's line.
    #[schema(value_type = Option<String>)]
    line_id: Option<LineId>,
    /// The item.
    #[schema(value_type = Option<String>)]
    media_id: Option<MediaId>,
    /// The bytes that played.
    #[schema(value_type = Option<String>)]
    play_hash: Option<ContentHash>,
    /// Title.
    title: String,
    /// Artist.
    artist: String,
    /// What it is.
    #[schema(value_type = Option<String>)]
    kind: Option<ItemKind>,
    /// Start by the plan.
    #[schema(value_type = Option<String>, format = DateTime)]
    planned_at: Option<UtcMicros>,
    /// Why it ended, was dropped, was heard no more.
    reason: String,
    /// The length was inferred, not seen.
    inferred: bool,
    /// Sessions of the engine's own mounts and HLS that were handed any of it: its performances
    /// there. Null while it plays, and where nobody counted; those of HLS come some segments later.
    listeners: Option<u32>,
    /// How long they listened to it, all together.
    listened_ms: Option<i64>,
    /// The same of each mount.
    listened: Option<Vec<ListenedView>>,
    /// The same of each output in segments; null until it is counted, and where there is none.
    streamed: Option<Vec<StreamedView>>,
}

/// How an item was listened to on a mount.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListenedView {
    /// The mount.
    #[schema(value_type = String)]
    mount_id: MountId,
    /// Sessions that were handed any of it.
    listeners: u32,
    /// Most of them at once.
    most: u32,
    /// How long they listened to it, all together.
    listened_ms: i64,
}

/// How an item was listened to on an output in segments.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamedView {
    /// The output.
    #[schema(value_type = String)]
    output_id: OutputId,
    /// Sessions that were handed any of it.
    listeners: u32,
    /// Most of them at once.
    most: u32,
    /// How long they listened to it, all together.
    listened_ms: i64,
}

fn streamed(output: &OutputListened) -> StreamedView {
    StreamedView {
        output_id: output.output_id,
        listeners: output.sessions,
        most: output.most,
        listened_ms: micros_of_frames(output.frames) / 1_000,
    }
}

fn listened(mount: &MountListened) -> ListenedView {
    ListenedView {
        mount_id: mount.mount_id,
        listeners: mount.sessions,
        most: mount.most,
        listened_ms: micros_of_frames(mount.frames) / 1_000,
    }
}

fn entry(row: AsRunRow) -> AsRunEntry {
    let (mounts, outputs) = (row.listened.as_deref(), row.streamed.as_deref());
    let of_mounts = mounts.unwrap_or_default().iter().map(|mount| (mount.sessions, mount.frames));
    let of_outputs = outputs.unwrap_or_default().iter().map(|out| (out.sessions, out.frames));
    let all = of_mounts.chain(of_outputs).reduce(|a, b| (a.0 + b.0, a.1 + b.1)).unwrap_or_default();
    let counted = mounts.is_some() || outputs.is_some();
    AsRunEntry {
        listeners: counted.then_some(all.0),
        listened_ms: counted.then_some(micros_of_frames(all.1) / 1_000),
        listened: mounts.map(|mounts| mounts.iter().map(listened).collect()),
        streamed: outputs.map(|outputs| outputs.iter().map(streamed).collect()),
        seq: row.seq,
        run: row.run,
        play: row.play,
        started_at: row.started_at,
        ended_at: row.ended_at,
        start_frame: row.start_frame,
        frames: row.frames,
        duration_ms: row.frames.map(|frames| micros_of_frames(frames) / 1_000),
        entry: row.entry,
        tier: row.tier,
        claim_id: row.claim_id,
        line_id: row.line_id,
        media_id: row.media_id,
        play_hash: row.play_hash,
        title: row.title,
        artist: row.artist,
        kind: row.kind,
        planned_at: row.planned_at,
        reason: row.reason,
        inferred: row.inferred,
    }
}

/// Lists what aired, by air time; at most a week, of the last seven days.
#[utoipa::path(
    get, path = "/analytics/as-run", tag = "air", params(AsRunQuery),
    responses((status = 200, body = Vec<AsRunEntry>))
)]
pub async fn as_run(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Params(query): Params<AsRunQuery>,
) -> Result<Json<Vec<AsRunEntry>>, Problem> {
    let station = lookup::needed_station(&app, query.station_id.as_deref())?.id;
    let (from, to) = stretch(query.from, query.to, super::now())?;
    let rows = app.site.views().as_run(station, from, to);
    Ok(Json(rows.into_iter().map(entry).collect()))
}

fn stretch(
    from: Option<UtcMicros>,
    to: Option<UtcMicros>,
    now: UtcMicros,
) -> Result<(UtcMicros, UtcMicros), Problem> {
    let to = to.unwrap_or(now);
    let from = from.unwrap_or(to.plus(-DAY_US));
    if from >= to {
        return Err(Problem::invalid("from", format!("from is {from}, not before to, {to}")));
    }
    if to.since(from) > AS_RUN_MAX_US {
        let days = AS_RUN_MAX_US / DAY_US;
        let detail = format!("from {from} to {to} is more than {days} days");
        return Err(Problem::invalid("from", detail));
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMicros = UtcMicros(1_790_000_000_000_000);

    #[test]
    fn a_stretch_is_the_last_day_where_nothing_is_said() {
        assert_eq!(stretch(None, None, NOW), Ok((NOW.plus(-DAY_US), NOW)));
    }

    #[test]
    fn a_stretch_that_is_empty_or_too_long_is_refused() {
        for from in [NOW, NOW.plus(1), NOW.plus(-AS_RUN_MAX_US - 1), UtcMicros(i64::MIN)] {
            let problem = stretch(Some(from), None, NOW).expect_err("is refused");
            assert_eq!(problem.code(), "invalid_field", "{from}");
        }
        assert!(stretch(None, Some(UtcMicros(i64::MIN)), NOW).is_err());
    }

    #[test]
    fn an_idle_station_shows_no_item() {
        let shown = serde_json::to_value(idle(StationId::default())).expect("encodes");
        assert_eq!(shown["status"], "idle");
        assert!(shown["title"].is_null() && shown["tier"].is_null());
    }
}
