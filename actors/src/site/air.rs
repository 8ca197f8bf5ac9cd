//! Requests for the air: emergency, override, release, skip.

use crate::clock;
use crate::error::CommandError;
use crate::meta::Meta;
use crate::site::{AirSource, RaiseRequest, Raised, Site};
use grimnir_engine_proto::v1;
use grimnir_events::ladder::{Claim, ClaimItem, LadderEvent, ReleaseReason, Tier};
use grimnir_events::library::MediaItem;
use grimnir_events::station::StationSettings;
use grimnir_events::{ClaimId, LineId, StationId, codec, derive_id};
use grimnir_rules::executor::command::ExecutorCommand;
use grimnir_rules::ladder::command::LadderCommand;
use grimnir_rules::library::LibraryState;
use grimnir_rules::{Aggregate, Executor, Ladder, Library, Station};
use std::time::Duration;

/// How long an engine may take to answer.
pub(super) const ENGINE_PATIENCE: Duration = Duration::from_secs(5);
/// How often a new owner looks whether its engine is adopted.
const ADOPTION_LOOK: Duration = Duration::from_millis(20);

impl Site {
    /// Raises tier 0: engine and ledger in parallel, so that neither waits for the other.
    pub async fn emergency(
        &self,
        station: StationId,
        request: RaiseRequest,
        meta: Meta,
    ) -> Result<Raised, CommandError> {
        self.ours(station)?;
        let (claim, on_air) = self.claim(station, &request, Tier::Emergency, meta).await?;
        let claim_id = claim.id;
        let payload = encode_claim(&claim)?;
        let engine = async {
            if !on_air {
                return Err("the station is off air".to_owned());
            }
            let mut client = self.shared.engine(station).client().ok_or(NO_ENGINE)?;
            let asked =
                client.insert_emergency(v1::InsertEmergencyRequest { claim_payload: payload });
            answered(tokio::time::timeout(ENGINE_PATIENCE, asked).await).and_then(if_on_air)
        };
        let command =
            LadderCommand::RaiseSource { claim: Box::new(claim), take: request.take, on_air };
        let ledger = self.command::<Ladder>(station, command, meta);
        let (aired, recorded) = tokio::join!(engine, ledger);
        // Not recorded is no reason to be silent: the engine's journal brings it in later.
        let recorded = match (recorded, &aired) {
            (Ok(receipt), _) => Some(receipt),
            (Err(CommandError::Unavailable { .. } | CommandError::Uncertain { .. }), Ok(_)) => None,
            (Err(error), _) => return Err(error),
        };
        if let Some(receipt) = &recorded {
            refused(&receipt.events)?;
        }
        Ok(raised(claim_id, aired, recorded.map(|r| r.seq), &request))
    }

    /// Raises tier 1: recorded first, then handed to the engine.
    pub async fn override_air(
        &self,
        station: StationId,
        request: RaiseRequest,
        meta: Meta,
    ) -> Result<Raised, CommandError> {
        self.ours(station)?;
        let (claim, on_air) = self.claim(station, &request, Tier::LiveOverride, meta).await?;
        let claim_id = claim.id;
        let payload = encode_claim(&claim)?;
        let command =
            LadderCommand::RaiseSource { claim: Box::new(claim), take: request.take, on_air };
        let receipt = self.command::<Ladder>(station, command, meta).await?;
        refused(&receipt.events)?;
        let ladder = self.inspect::<Ladder>(station).await?;
        let aired = if ladder.state.owner == claim_id {
            match self.shared.engine(station).client() {
                Some(mut client) => {
                    let epoch = self.shared.epoch_of(station);
                    let request = v1::RouteLiveRequest { claim_payload: payload, epoch };
                    let asked = client.route_live(request);
                    answered(tokio::time::timeout(ENGINE_PATIENCE, asked).await).and_then(if_on_air)
                }
                None => Err(NO_ENGINE.to_owned()),
            }
        } else {
            Err("another source holds the air".to_owned())
        };
        Ok(raised(claim_id, aired, Some(receipt.seq), &request))
    }

    /// Releases a claim.
    pub async fn release(
        &self,
        station: StationId,
        claim: ClaimId,
        meta: Meta,
    ) -> Result<u64, CommandError> {
        let command =
            LadderCommand::ReleaseSource { claim_id: claim, reason: ReleaseReason::Released };
        Ok(self.command::<Ladder>(station, command, meta).await?.seq)
    }

    /// Goes on to the next item; names what is on air, so that asked twice it skips once.
    pub async fn skip(&self, station: StationId, meta: Meta) -> Result<u64, CommandError> {
        self.ours(station)?;
        let (line_id, claim_id) = match self.asked_before::<Executor>(meta).await {
            Some(ExecutorCommand::Skip { line_id, claim_id }) => (line_id, claim_id),
            _ => {
                self.engine_known(station).await?;
                self.on_air_now(station).await?
            }
        };
        let command = ExecutorCommand::Skip { line_id, claim_id };
        let receipt = self.command::<Executor>(station, command, meta).await?;
        if let Some(mut client) = self.shared.engine(station).client() {
            // At once; the same skip is also handed over, should this call be lost.
            let _ = client
                .fade(v1::FadeRequest {
                    epoch: self.shared.epoch_of(station),
                    line_id: line_id.0.to_vec(),
                    claim_id: claim_id.0.to_vec(),
                    fade_ms: 0,
                })
                .await;
        }
        Ok(receipt.seq)
    }

    /// Waits until an engine that plays is adopted by a node that has just become the owner, or
    /// the node has learned that it is none: before that it cannot say that nothing is on air.
    pub(super) async fn engine_known(&self, station: StationId) -> Result<(), CommandError> {
        let handle = self.shared.engine(station);
        let unknown = || handle.client().is_none() && handle.status().is_none();
        let plays = || self.shared.views.station(station).is_some_and(|s| s.on_air);
        let until = tokio::time::Instant::now() + ENGINE_PATIENCE;
        while !self.shared.ownership.is_alone() && unknown() && plays() {
            self.ours(station)?;
            if tokio::time::Instant::now() > until {
                return Err(CommandError::Unavailable { reason: NO_ENGINE.into() });
            }
            tokio::time::sleep(ADOPTION_LOOK).await;
        }
        self.ours(station)
    }

    /// What the engine says this moment, else what it said last.
    pub(super) async fn fresh_status(&self, station: StationId) -> Option<v1::StatusResponse> {
        let handle = self.shared.engine(station);
        let fresh = match handle.client() {
            Some(mut client) => client.get_status(v1::StatusRequest {}).await.ok(),
            None => None,
        };
        fresh.map(tonic::Response::into_inner).or_else(|| handle.status())
    }

    /// Item and owner of what is heard, as the engine says this moment.
    pub(super) async fn on_air_now(
        &self,
        station: StationId,
    ) -> Result<(LineId, ClaimId), CommandError> {
        let status = self.fresh_status(station).await;
        let status = status.filter(|s| s.on_air).ok_or_else(|| CommandError::Rejected {
            code: "nothing_on_air",
            message: "nothing is on air that could be skipped".into(),
            field: None,
            class: grimnir_rules::RejectClass::Conflict,
        })?;
        // An engine of an older build, adopted, names lines only.
        let item = if status.item_id.is_empty() { &status.line_id } else { &status.item_id };
        let line_id = LineId(id16(item).unwrap_or_default());
        Ok((line_id, ClaimId(id16(&status.owner_claim).unwrap_or_default())))
    }

    /// The command that was recorded under this commit id: asked again it must be the same.
    pub(crate) async fn asked_before<A: Aggregate>(&self, meta: Meta) -> Option<A::Command> {
        let stored = self.shared.ledger.find(meta.commit_id).await.ok()??;
        codec::decode(stored.commit.command.as_ref()?).ok()
    }

    async fn claim(
        &self,
        station: StationId,
        request: &RaiseRequest,
        tier: Tier,
        meta: Meta,
    ) -> Result<(Claim, bool), CommandError> {
        let state = self.inspect::<Station>(station).await?.state;
        let library = self.inspect::<Library>(station).await?.state;
        let items = claim_items(
            &library,
            &request.source,
            field_of(tier, &request.source),
            &state.settings,
        )?;
        let settings = &state.settings;
        let (longest_s, fade_ms) = match tier {
            Tier::Emergency => (settings.emergency_max_s, request.fade_ms.unwrap_or(10).min(10)),
            _ => (settings.override_max_s, request.fade_ms.unwrap_or(settings.override_fade_ms)),
        };
        let raised_at = match self.asked_before::<Ladder>(meta).await {
            Some(LadderCommand::RaiseSource { claim, .. }) => claim.raised_at,
            _ => clock::now(),
        };
        let wanted_s = request.max_length_s.unwrap_or(longest_s).min(longest_s);
        let label = items.first().map(|item| item.title.clone()).unwrap_or_default();
        let claim = Claim {
            id: ClaimId(derive_id("claim", &[&meta.commit_id.0])),
            tier,
            items,
            raised_at,
            window_start: None,
            window_end: None,
            max_length_us: i64::from(wanted_s) * 1_000_000,
            fade_ms,
            label,
            repeat: request.repeat,
        };
        Ok((claim, state.on_air))
    }
}

const NO_ENGINE: &str = "the engine is not connected";

/// An answer that came in time.
pub(super) fn answered<T>(
    answer: Result<Result<tonic::Response<T>, tonic::Status>, tokio::time::error::Elapsed>,
) -> Result<T, String> {
    match answer {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(status.message().to_owned()),
        Err(_) => Err(format!("the engine did not answer within {} s", ENGINE_PATIENCE.as_secs())),
    }
}

fn if_on_air(aired: v1::AiredResponse) -> Result<v1::AiredResponse, String> {
    if aired.on_air { Ok(aired) } else { Err(aired.reason) }
}

fn raised(
    claim_id: ClaimId,
    aired: Result<v1::AiredResponse, String>,
    seq: Option<u64>,
    request: &RaiseRequest,
) -> Raised {
    // Accepted and mixed are on the host's one monotonic clock.
    let waited = i64::try_from(request.accepted_at.elapsed().as_nanos()).unwrap_or(i64::MAX);
    let accepted_ns = clock::monotonic_ns().saturating_sub(waited);
    let (on_air, reason, accept_to_mix_us, first_frame) = match aired {
        Ok(a) => (
            true,
            String::new(),
            Some((a.mixed_monotonic_ns - accepted_ns) / 1_000),
            Some(a.first_frame),
        ),
        Err(reason) => (false, reason, None, None),
    };
    Raised {
        claim_id,
        on_air,
        reason,
        accept_to_mix_us,
        first_frame,
        recorded: seq.is_some(),
        seq: seq.unwrap_or(0),
    }
}

/// A recorded refusal is an answer of no to the person who asked.
fn refused(events: &[LadderEvent]) -> Result<(), CommandError> {
    for event in events {
        if let LadderEvent::SourceRefused { reason, .. } = event {
            return Err(CommandError::Rejected {
                code: "source_refused",
                message: format!("the ladder refused the source: {reason:?}"),
                field: None,
                class: grimnir_rules::RejectClass::Conflict,
            });
        }
    }
    Ok(())
}

fn encode_claim(claim: &Claim) -> Result<Vec<u8>, CommandError> {
    Ok(codec::encode(claim)
        .map_err(|e| CommandError::invalid("claim_too_large", "source_id", e.to_string()))?
        .bytes)
}

/// The field of the request that names the source.
fn field_of(tier: Tier, source: &AirSource) -> &'static str {
    match (tier, source) {
        (Tier::Emergency, AirSource::Media(_)) => "media_id",
        (Tier::Emergency, AirSource::Playlist(_)) => "playlist_id",
        _ => "source_id",
    }
}

fn claim_items(
    library: &LibraryState,
    source: &AirSource,
    field: &'static str,
    settings: &StationSettings,
) -> Result<Vec<ClaimItem>, CommandError> {
    let missing = |what: String| CommandError::invalid("source_not_found", field, what);
    let ids = match source {
        AirSource::Media(id) => vec![*id],
        AirSource::Playlist(id) => library
            .playlists
            .get(id)
            .map(|playlist| playlist.items.clone())
            .ok_or_else(|| missing(format!("there is no playlist {id}")))?,
    };
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        let entry =
            library.media.get(&id).ok_or_else(|| missing(format!("there is no item {id}")))?;
        if let Some(reason) = entry.fault() {
            // A playlist goes on without it; a single item cannot.
            if matches!(source, AirSource::Media(_)) {
                return Err(missing(format!("{id} cannot be played: {reason}")));
            }
            continue;
        }
        items.push(claim_item(&entry.item, settings));
    }
    if items.is_empty() {
        return Err(missing("the source has nothing to play".into()));
    }
    Ok(items)
}

/// An item as a claim plays it.
pub(crate) fn claim_item(item: &MediaItem, settings: &StationSettings) -> ClaimItem {
    ClaimItem {
        media_id: item.id,
        play_hash: item.play_hash,
        title: item.tags.title.clone(),
        artist: item.tags.artist.clone(),
        kind: item.kind,
        cues: item.cues,
        gain_db_x100: grimnir_rules::planner::gain_db_x100(item, settings),
    }
}

fn id16(bytes: &[u8]) -> Option<[u8; 16]> {
    bytes.try_into().ok()
}
