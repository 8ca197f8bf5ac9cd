//! Listeners: who listens to a station's mounts and segments now. Their addresses are nowhere kept.

use crate::app::App;
use crate::auth::{Djs, SignedIn};
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_actors::site::ListenerState;
use grimnir_events::units::micros_of_frames;
use grimnir_events::{MountId, OutputId, UtcMicros};
use serde::Serialize;
use utoipa::ToSchema;

/// A listener.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListenerView {
    /// The mount; null where it is an output's.
    #[schema(value_type = Option<String>)]
    mount_id: Option<MountId>,
    /// The output in segments (HLS); null where it is a mount's.
    #[schema(value_type = Option<String>)]
    output_id: Option<OutputId>,
    /// Its path.
    path: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: UtcMicros,
    /// `ipv4` or `ipv6`.
    address_family: &'static str,
    /// The connection is encrypted.
    tls: bool,
    /// What the player calls itself; may be empty.
    user_agent: String,
    /// Bytes that it was handed.
    bytes_sent: u64,
    /// Milliseconds of the programme that it was handed.
    heard_ms: i64,
}

fn view(listener: ListenerState) -> ListenerView {
    ListenerView {
        mount_id: listener.mount_id,
        output_id: listener.output_id,
        path: listener.path,
        since: listener.since,
        address_family: if listener.ipv6 { "ipv6" } else { "ipv4" },
        tls: listener.tls,
        user_agent: listener.user_agent,
        bytes_sent: listener.bytes_sent,
        heard_ms: micros_of_frames(listener.heard_frames) / 1_000,
    }
}

/// Lists who listens to a station's mounts and HLS now; nobody while its engine does not run.
#[utoipa::path(
    get, path = "/stations/{id}/listeners", tag = "stations", params(("id" = String, Path)),
    responses((status = 200, body = Vec<ListenerView>), (status = 404, body = ProblemDocument))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<Vec<ListenerView>>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    Ok(Json(app.site.listeners(row.id).await?.into_iter().map(view).collect()))
}
