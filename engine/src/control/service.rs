//! The gRPC service: one method each, thin.

use super::{Control, graph, reports};
use crate::director::{Aired, Done, Msg, Taken};
use crate::held::HOURS_LIMIT;
use futures_util::stream::BoxStream;
use grimnir_engine_proto::v1::{self as proto, engine_server::Engine};
use grimnir_events::codec::{self, Payload};
use grimnir_events::handover::EngineFarewell;
use grimnir_events::ladder::{Claim, Tier};
use grimnir_events::line::{EngineLineSecrets, EngineLines};
use grimnir_events::live::EngineInputs;
use grimnir_events::live_recording::EngineLiveRecordings;
use grimnir_events::webstream::EngineWebstreams;
use grimnir_events::{ClaimId, LineId};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tonic::{Request, Response, Status};

/// An answer that needs sound is waited for this long.
const AIRED_WAIT: Duration = Duration::from_secs(10);

pub(super) struct Service(pub(super) Arc<Control>);

type Answer<T> = Result<Response<T>, Status>;

impl Service {
    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Msg) -> Result<T, Status> {
        let (tx, rx) = oneshot::channel();
        self.0
            .director
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send(message(tx))
            .map_err(|_| Status::unavailable("the engine is ending"))?;
        rx.await.map_err(|_| Status::unavailable("the engine is ending"))
    }

    async fn aired(&self, claim: Claim, epoch: Option<u64>) -> Answer<proto::AiredResponse> {
        let asked = self.ask(|tx| Msg::Insert(Box::new(claim), epoch, tx));
        let aired: Aired = match tokio::time::timeout(AIRED_WAIT, asked).await {
            Ok(answer) => answer?,
            Err(_) => Err("not heard within 10 s; the claim still waits".into()),
        };
        Ok(Response::new(match aired {
            Ok((at, mixed)) => proto::AiredResponse {
                on_air: true,
                reason: String::new(),
                first_frame: at.0,
                mixed_monotonic_ns: mixed,
            },
            Err(reason) => proto::AiredResponse { reason, ..Default::default() },
        }))
    }
}

fn decode<P: Payload>(field: &str, bytes: &[u8]) -> Result<P, Status> {
    codec::decode_bytes(bytes).map_err(|e| Status::invalid_argument(format!("{field}: {e}")))
}

fn id(field: &str, bytes: &[u8]) -> Result<[u8; 16], Status> {
    if bytes.is_empty() {
        return Ok([0; 16]);
    }
    bytes.try_into().map_err(|_| {
        Status::invalid_argument(format!("{field}: {} bytes, an id has 16", bytes.len()))
    })
}

fn handover(taken: Taken) -> Response<proto::HandoverResponse> {
    let (accepted, held_revision) = match taken {
        Ok(held) => (true, held),
        Err(held) => (false, held),
    };
    Response::new(proto::HandoverResponse { accepted, held_revision })
}

fn action(done: Done) -> Response<proto::ActionResponse> {
    let (done, reason) = match done {
        Ok(()) => (true, String::new()),
        Err(reason) => (false, reason),
    };
    Response::new(proto::ActionResponse { done, reason })
}

/// A claim that the engine can play; says which field is wrong.
fn checked(claim: Claim, tiers: &[Tier]) -> Result<Claim, Status> {
    if !tiers.contains(&claim.tier) {
        let allowed: Vec<String> = tiers.iter().map(|t| t.number().to_string()).collect();
        return Err(Status::invalid_argument(format!(
            "claim.tier: {}, allowed {}",
            claim.tier.number(),
            allowed.join(" and ")
        )));
    }
    if claim.items.is_empty() {
        return Err(Status::invalid_argument("claim.items: empty, at least 1 is needed"));
    }
    if claim.max_length_us <= 0 {
        return Err(Status::invalid_argument(format!(
            "claim.max_length_us: {}, must be above 0",
            claim.max_length_us
        )));
    }
    Ok(claim)
}

#[tonic::async_trait]
impl Engine for Service {
    async fn configure(
        &self,
        request: Request<proto::ConfigureRequest>,
    ) -> Answer<proto::HandoverResponse> {
        let request = request.into_inner();
        let config: grimnir_events::handover::EngineConfig =
            decode("config_payload", &request.config_payload)?;
        if config.station_id != self.0.station {
            return Err(Status::invalid_argument(format!(
                "config.station_id: {}, this engine plays {}",
                config.station_id, self.0.station
            )));
        }
        let outputs = match request.outputs_payload.is_empty() {
            false => Some(decode("outputs_payload", &request.outputs_payload)?),
            true => None,
        };
        let bytes = [request.config_payload, request.outputs_payload];
        self.ask(|tx| Msg::Configure(Box::new((config, outputs)), bytes, request.epoch, tx))
            .await
            .map(handover)
    }

    async fn set_timeline(
        &self,
        request: Request<proto::SetTimelineRequest>,
    ) -> Answer<proto::HandoverResponse> {
        let request = request.into_inner();
        let count = request.hour_payload.len();
        if count > HOURS_LIMIT {
            return Err(Status::invalid_argument(format!(
                "hour_payload: {count} hours, limit {HOURS_LIMIT}"
            )));
        }
        let hours = request
            .hour_payload
            .iter()
            .map(|bytes| decode("hour_payload", bytes))
            .collect::<Result<Vec<_>, Status>>()?;
        let (revision, bytes, epoch) = (request.revision, request.hour_payload, request.epoch);
        self.ask(|tx| Msg::Timeline(revision, hours, bytes, epoch, tx)).await.map(handover)
    }

    async fn set_claims(
        &self,
        request: Request<proto::SetClaimsRequest>,
    ) -> Answer<proto::HandoverResponse> {
        let request = request.into_inner();
        let claims = decode("claims_payload", &request.claims_payload)?;
        let said = !request.control_payload.is_empty();
        let control = match said {
            true => Some(decode("control_payload", &request.control_payload)?),
            false => None,
        };
        let epoch = request.epoch;
        if !request.inputs_payload.is_empty() {
            let inputs: EngineInputs = decode("inputs_payload", &request.inputs_payload)?;
            let bytes = request.inputs_payload;
            let _held = self.ask(|tx| Msg::Inputs(Box::new(inputs), bytes, epoch, tx)).await?;
        }
        if !request.line_secrets_payload.is_empty() {
            let secrets: EngineLineSecrets =
                decode("line_secrets_payload", &request.line_secrets_payload)?;
            let bytes = request.line_secrets_payload;
            let told = |tx| Msg::LineSecrets(Box::new(secrets), bytes, epoch, tx);
            let _held = self.ask(told).await?;
        }
        if !request.lines_payload.is_empty() {
            let lines: EngineLines = decode("lines_payload", &request.lines_payload)?;
            let bytes = request.lines_payload;
            let _held = self.ask(|tx| Msg::Lines(Box::new(lines), bytes, epoch, tx)).await?;
        }
        if !request.recordings_payload.is_empty() {
            let recordings: EngineLiveRecordings =
                decode("recordings_payload", &request.recordings_payload)?;
            let bytes = request.recordings_payload;
            let told = |tx| Msg::Recordings(Box::new(recordings), bytes, epoch, tx);
            let _held = self.ask(told).await?;
        }
        if !request.webstreams_payload.is_empty() {
            let webstreams: EngineWebstreams =
                decode("webstreams_payload", &request.webstreams_payload)?;
            let bytes = request.webstreams_payload;
            let told = |tx| Msg::Webstreams(Box::new(webstreams), bytes, epoch, tx);
            let _held = self.ask(told).await?;
        }
        if !request.farewell_payload.is_empty() {
            let farewell: EngineFarewell = decode("farewell_payload", &request.farewell_payload)?;
            let bytes = request.farewell_payload;
            let _held = self.ask(|tx| Msg::Farewell(Box::new(farewell), bytes, epoch, tx)).await?;
        }
        let bytes = [request.claims_payload, request.control_payload];
        self.ask(|tx| Msg::Claims(Box::new(claims), control, bytes, epoch, tx)).await.map(handover)
    }

    async fn play(&self, request: Request<proto::PlayRequest>) -> Answer<proto::ActionResponse> {
        let epoch = request.into_inner().epoch;
        self.ask(|tx| Msg::Play(epoch, tx)).await.map(action)
    }

    async fn stop(&self, request: Request<proto::StopRequest>) -> Answer<proto::ActionResponse> {
        let request = request.into_inner();
        self.ask(|tx| Msg::Stop(request.epoch, request.immediate, tx)).await.map(action)
    }

    async fn fade(&self, request: Request<proto::FadeRequest>) -> Answer<proto::ActionResponse> {
        let request = request.into_inner();
        if request.fade_ms > 60_000 {
            return Err(Status::invalid_argument(format!(
                "fade_ms: {}, limit 60000",
                request.fade_ms
            )));
        }
        let line = LineId(id("line_id", &request.line_id)?);
        let claim = ClaimId(id("claim_id", &request.claim_id)?);
        self.ask(|tx| Msg::Fade(request.epoch, line, claim, request.fade_ms, tx)).await.map(action)
    }

    async fn insert_emergency(
        &self,
        request: Request<proto::InsertEmergencyRequest>,
    ) -> Answer<proto::AiredResponse> {
        let claim = decode("claim_payload", &request.into_inner().claim_payload)?;
        let claim = checked(claim, &[Tier::Emergency])?;
        self.aired(claim, None).await
    }

    async fn route_live(
        &self,
        request: Request<proto::RouteLiveRequest>,
    ) -> Answer<proto::AiredResponse> {
        let request = request.into_inner();
        let claim = decode("claim_payload", &request.claim_payload)?;
        let claim = checked(claim, &[Tier::LiveOverride, Tier::LiveScheduled])?;
        self.aired(claim, Some(request.epoch)).await
    }

    async fn load_graph(
        &self,
        request: Request<proto::LoadGraphRequest>,
    ) -> Answer<proto::LoadGraphResponse> {
        let request = request.into_inner();
        let allowed: Done = self.ask(|tx| Msg::CheckEpoch(request.epoch, tx)).await?;
        let loaded = allowed.and_then(|()| match self.0.minimal {
            true => Ok("minimal".into()),
            false => graph::load(&self.0, &request),
        });
        Ok(Response::new(match loaded {
            Ok(graph_handle) => {
                proto::LoadGraphResponse { accepted: true, reason: String::new(), graph_handle }
            }
            Err(reason) => proto::LoadGraphResponse { reason, ..Default::default() },
        }))
    }

    async fn get_status(
        &self,
        _request: Request<proto::StatusRequest>,
    ) -> Answer<proto::StatusResponse> {
        Ok(Response::new(reports::status(&self.0)))
    }

    type StreamTelemetryStream = BoxStream<'static, Result<proto::Telemetry, Status>>;

    async fn stream_telemetry(
        &self,
        request: Request<proto::TelemetryRequest>,
    ) -> Answer<Self::StreamTelemetryStream> {
        let interval = request.into_inner().interval_ms;
        reports::telemetry(self.0.clone(), interval).map(Response::new)
    }

    async fn list_listeners(
        &self,
        _request: Request<proto::ListenersRequest>,
    ) -> Answer<proto::ListenersResponse> {
        Ok(Response::new(reports::listeners(&self.0.offer)))
    }

    type PullJournalStream = BoxStream<'static, Result<proto::JournalRecord, Status>>;

    async fn pull_journal(
        &self,
        request: Request<proto::PullJournalRequest>,
    ) -> Answer<Self::PullJournalStream> {
        let from = request.into_inner().from_seq;
        Ok(Response::new(reports::journal(self.0.journal.clone(), from)))
    }

    async fn ack_journal(
        &self,
        request: Request<proto::AckJournalRequest>,
    ) -> Answer<proto::ActionResponse> {
        let seq = request.into_inner().seq;
        let head = self.0.journal.head();
        if seq > head {
            return Ok(action(Err(format!("record {seq} was never written, the last is {head}"))));
        }
        let journal = self.0.journal.clone();
        let acked = tokio::task::spawn_blocking(move || journal.ack(seq)).await;
        Ok(action(acked.map(|_| ()).map_err(|e| e.to_string())))
    }

    async fn analyze_media(
        &self,
        request: Request<proto::AnalyzeMediaRequest>,
    ) -> Answer<proto::AnalyzeMediaResponse> {
        let request = request.into_inner();
        let answer = crate::media::child::analyze(&request.path, &request.play_copy_path).await;
        Ok(Response::new(match answer {
            Ok(report_json) => {
                proto::AnalyzeMediaResponse { ok: true, error: String::new(), report_json }
            }
            Err(error) => proto::AnalyzeMediaResponse { error, ..Default::default() },
        }))
    }
}
