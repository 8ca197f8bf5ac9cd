//! Health: alive, ready, and counts for Prometheus.

use crate::app::App;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use grimnir_actors::site::Readiness;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// A site that does not know within this time whether it is ready is not.
const READY_WAIT: Duration = Duration::from_secs(2);

/// The program runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Says that the program runs.
#[utoipa::path(
    get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = Health))
)]
pub async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// How ready the site is.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
pub struct ReadinessView {
    /// Commands are taken and programme is on air where it should be.
    ready: bool,
    /// What an acknowledgement is worth: `fsync_local`, `quorum`, `sync_always`, `unverified`,
    /// `weaker` or `volatile`.
    durability: String,
    /// In what the ledger's store is less than it has to be.
    deviations: Vec<DeviationView>,
    /// The ledger takes commits.
    ledger_writable: bool,
    /// Why not.
    ledger_reason: Option<String>,
    /// Ledger position.
    head_seq: u64,
    /// Position of the read models.
    projected_seq: u64,
    /// What is signed of the ledger.
    checkpoint: CheckpointView,
    /// How far the archive is; `null` where none was named. It makes the site no less ready.
    archive: Option<ArchiveView>,
    /// The engines.
    engines: Vec<EngineView>,
    /// Name of this node; empty where it shares its ledger with no other.
    node: String,
    /// Who owns each station.
    owners: Vec<OwnerView>,
}

/// Who owns a station: commands for it are taken by that node only.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
pub struct OwnerView {
    /// The station.
    station_id: String,
    /// Name of the node; empty where nobody is known.
    node: String,
    /// Its epoch, where it is this node.
    epoch: Option<u64>,
}

/// One thing in which the ledger's store is less than it has to be.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
pub struct DeviationView {
    /// What: a setting of the stream, or a figure of its state.
    name: String,
    /// As it is.
    found: String,
    /// As it has to be.
    wanted: String,
}

/// What is signed of the ledger.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
pub struct CheckpointView {
    /// Commits that the last checkpoint covers; 0: there is none yet.
    size: u64,
    /// How long ago it was signed, in seconds.
    age_s: Option<i64>,
    /// Witnesses that have cosigned it.
    cosignatures: usize,
    /// The tree that was signed before this start has come out again.
    confirmed: bool,
    /// Why nothing is signed any more, or which witness disputes what was signed.
    fault: Option<String>,
}

/// How far the archive of sealed segments is.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
pub struct ArchiveView {
    /// Every commit up to this position is archived.
    seq: u64,
    /// Segments that are archived.
    segments: u64,
    /// Sealed segments that are not.
    behind: u64,
    /// Tries that failed since the start.
    failures: u64,
    /// Why the last try failed; it is tried again.
    fault: Option<String>,
}

/// How ready an engine is.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code)]
pub struct EngineView {
    /// Its station.
    station_id: String,
    /// The control plane is connected to it.
    connected: bool,
    /// Its mix thread runs under SCHED_RR.
    realtime: bool,
    /// Programme is on air.
    on_air: bool,
    /// Where it is listened to.
    listen_urls: Vec<String>,
    /// Journal records not yet in the ledger.
    journal_backlog: u64,
}

/// Says whether commands are taken and programme is on air.
#[utoipa::path(
    get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = ReadinessView), (status = 503, body = ReadinessView))
)]
pub async fn readyz(State(app): State<App>) -> Result<(StatusCode, Json<Readiness>), Problem> {
    let readiness = tokio::time::timeout(READY_WAIT, app.site.readiness()).await;
    let readiness = readiness.map_err(|_| {
        let detail = format!("the site did not answer within {} s", READY_WAIT.as_secs());
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail)
    })?;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Json(readiness)))
}

/// Counts in the text format of Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "health", security(()),
    responses((status = 200, body = String, content_type = "text/plain"))
)]
pub async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let text = app.metrics.text(app.site.gauges()).map_err(|e| {
        let detail = format!("metrics cannot be encoded: {e}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "operation_failed", detail)
    })?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_actors::site::{ArchiveReadiness, CheckpointReadiness, EngineReadiness, Owner};
    use grimnir_events::StationId;
    use grimnir_ledger::{Deviation, Durability};
    use serde_json::Value;

    fn keys(value: &Value) -> Vec<String> {
        value.as_object().expect("is an object").keys().cloned().collect()
    }

    #[test]
    fn readiness_has_the_fields_that_are_documented() {
        let engine = EngineReadiness {
            station_id: StationId::default(),
            connected: true,
            realtime: true,
            on_air: true,
            listen_urls: Vec::new(),
            journal_backlog: 0,
        };
        let sent = Readiness {
            ready: true,
            durability: Durability::FsyncLocal,
            deviations: vec![Deviation { name: "sync", found: "a".into(), wanted: "b".into() }],
            ledger_writable: true,
            ledger_reason: None,
            head_seq: 1,
            projected_seq: 1,
            checkpoint: CheckpointReadiness {
                size: 1,
                age_s: Some(1),
                cosignatures: 0,
                confirmed: true,
                fault: None,
            },
            archive: Some(ArchiveReadiness {
                seq: 1,
                segments: 1,
                behind: 0,
                failures: 0,
                fault: None,
            }),
            engines: vec![engine],
            node: String::new(),
            owners: vec![Owner {
                station_id: StationId::default(),
                node: String::new(),
                epoch: None,
            }],
        };
        let engine = EngineView {
            station_id: String::new(),
            connected: true,
            realtime: true,
            on_air: true,
            listen_urls: Vec::new(),
            journal_backlog: 0,
        };
        let documented = ReadinessView {
            ready: true,
            durability: "fsync_local".into(),
            deviations: vec![DeviationView {
                name: String::new(),
                found: String::new(),
                wanted: String::new(),
            }],
            checkpoint: CheckpointView {
                size: 1,
                age_s: Some(1),
                cosignatures: 0,
                confirmed: true,
                fault: None,
            },
            archive: Some(ArchiveView { seq: 1, segments: 1, behind: 0, failures: 0, fault: None }),
            ledger_writable: true,
            ledger_reason: None,
            head_seq: 1,
            projected_seq: 1,
            engines: vec![engine],
            node: String::new(),
            owners: vec![OwnerView { station_id: String::new(), node: String::new(), epoch: None }],
        };
        let sent = serde_json::to_value(sent).expect("encodes");
        let documented = serde_json::to_value(documented).expect("encodes");
        assert_eq!(keys(&sent), keys(&documented));
        assert_eq!(keys(&sent["deviations"][0]), keys(&documented["deviations"][0]));
        assert_eq!(keys(&sent["checkpoint"]), keys(&documented["checkpoint"]));
        assert_eq!(keys(&sent["archive"]), keys(&documented["archive"]));
        assert_eq!(keys(&sent["engines"][0]), keys(&documented["engines"][0]));
        assert_eq!(keys(&sent["owners"][0]), keys(&documented["owners"][0]));
        assert_eq!(sent["durability"], documented["durability"]);
    }
}
