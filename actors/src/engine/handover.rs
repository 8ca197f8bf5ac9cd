//! What an engine is to hold, read from the folds.

use crate::error::CommandError;
use crate::site::Shared;
use grimnir_engine_proto::v1;
use grimnir_events::control::EngineControl;
use grimnir_events::dsp::{DspGraph, DspNode};
use grimnir_events::handover::{EngineClaims, EngineConfig, EngineFarewell};
use grimnir_events::ladder::ClaimItem;
use grimnir_events::library::ItemKind;
use grimnir_events::line::{EngineLineSecrets, EngineLines, LiveLine};
use grimnir_events::live::EngineInputs;
use grimnir_events::live_recording::EngineLiveRecordings;
use grimnir_events::output::{EngineOutput, EngineOutputs, Output};
use grimnir_events::timeline::{HourPlan, Line};
use grimnir_events::webstream::EngineWebstreams;
use grimnir_events::{LiveSessionId, Payload, StationId, StreamId, StreamKind, codec};
use grimnir_rules::library::LibraryState;
use grimnir_rules::{Executor, Ladder, Library, Station, Timeline, Webstream};
use std::collections::BTreeMap;

/// Items kept for when the timeline ends.
const ROTATION_ITEMS: usize = 50;
/// Emergency items kept decoded.
const PRELOAD_ITEMS: usize = 8;
/// Milliseconds before now whose hour is still handed over.
const HOURS_BACK_US: i64 = 2 * 3_600 * 1_000_000;
/// Most hours that are handed over, or parts of long ones: as many as an engine takes, less a few.
const HOURS: usize = 76;
/// Most lines of a part: with texts at their longest (560 bytes each) and 4 KiB of notes, a
/// payload of 60 KiB holds 102.
const PART_LINES: usize = 90;

/// Encoded hand-overs with their revisions.
pub struct Folds {
    /// Ledger position of the configuration.
    pub config_revision: u64,
    /// `handover.config`.
    pub config: Vec<u8>,
    /// `handover.outputs`, at the same position.
    pub outputs: Vec<u8>,
    /// Ledger position of the timeline.
    pub timeline_revision: u64,
    /// `handover.hour`, in order.
    pub hours: Vec<Vec<u8>>,
    /// Ledger position of the claims.
    pub claims_revision: u64,
    /// `handover.claims`.
    pub claims: Vec<u8>,
    /// `handover.control`, at the same position.
    pub control: Vec<u8>,
    /// What shapes the programme.
    pub graph: DspGraph,
    /// `handover.inputs`.
    pub inputs: Vec<u8>,
    /// `handover.lines`.
    pub lines: Vec<u8>,
    /// `handover.line_secrets`.
    pub line_secrets: Vec<u8>,
    /// `handover.live_recordings`.
    pub recordings: Vec<u8>,
    /// `handover.farewell`.
    pub farewell: Vec<u8>,
    /// `handover.webstreams`.
    pub webstreams: Vec<u8>,
}

impl Folds {
    /// What goes beside the claims and has no position of its own to go by.
    pub fn beside(&self) -> [Vec<u8>; 6] {
        let (lines, secrets) = (&self.lines, &self.line_secrets);
        [&self.inputs, lines, secrets, &self.recordings, &self.webstreams, &self.farewell]
            .map(Vec::clone)
    }

    /// The claims, and what goes beside them.
    pub fn claims_request(&self, epoch: u64) -> v1::SetClaimsRequest {
        v1::SetClaimsRequest {
            claims_payload: self.claims.clone(),
            control_payload: self.control.clone(),
            inputs_payload: self.inputs.clone(),
            lines_payload: self.lines.clone(),
            line_secrets_payload: self.line_secrets.clone(),
            recordings_payload: self.recordings.clone(),
            webstreams_payload: self.webstreams.clone(),
            farewell_payload: self.farewell.clone(),
            epoch,
        }
    }
}

/// Reads the folds of a station.
pub async fn read(shared: &Shared, station: StationId) -> Result<Folds, CommandError> {
    let directory = &shared.directory;
    let stream = |kind| StreamId::of_station(kind, station);
    let state = directory.inspect::<Station>(stream(StreamKind::Station)).await?;
    let library = directory.inspect::<Library>(stream(StreamKind::Library)).await?;
    let timeline = directory.inspect::<Timeline>(stream(StreamKind::Timeline)).await?;
    let ladder = directory.inspect::<Ladder>(stream(StreamKind::Ladder)).await?;
    let executor = directory.inspect::<Executor>(stream(StreamKind::Executor)).await?;
    let config_revision = state.seq.max(library.seq);
    let settings = &state.state.settings;
    let item = |id| {
        let entry = library.state.media.get(&id).filter(|entry| entry.is_playable())?;
        Some(crate::site::claim_item(&entry.item, settings))
    };
    let config = EngineConfig {
        revision: config_revision,
        station_id: station,
        name: state.state.name.clone(),
        on_air: state.state.on_air,
        settings: settings.clone(),
        mounts: state.state.mounts.clone(),
        fallback: state.state.fallback.and_then(item),
        rotation: of_kind(&library.state, settings, ItemKind::Music, ROTATION_ITEMS),
        preload: of_kind(&library.state, settings, ItemKind::Emergency, PRELOAD_ITEMS),
    };
    let output = |output: &Output| EngineOutput {
        secret: output.kind.secret().and_then(|secret| shared.secrets.kept(secret.id)),
        output: output.clone(),
    };
    let outputs = EngineOutputs { outputs: state.state.outputs.iter().map(output).collect() };
    let from = crate::clock::now().plus(-HOURS_BACK_US);
    let hours = timeline.state.hours.range(from..).map(|(_, plan)| plan);
    let claims_revision = ladder.seq.max(executor.seq);
    let claims = EngineClaims {
        revision: claims_revision,
        claims: ladder.state.active_claims().into_iter().cloned().collect(),
        ended: ladder.state.ended_claims(),
        owner: ladder.state.owner,
        skips: executor.state.skips(),
    };
    let control = EngineControl {
        mode: executor.state.mode,
        starts: executor.state.starts.iter().copied().collect(),
    };
    let inputs = EngineInputs {
        revision: ladder.seq.max(timeline.seq).max(state.seq),
        station_id: station,
        grants: crate::live::grants(&ladder.state, &timeline.state, &state.state.time_zone),
    };
    let (lines, line_secrets) = lines_of(shared, station, ladder.seq, &ladder.state.live.lines);
    let of_ladder = &ladder.state.live.recordings;
    let recordings = EngineLiveRecordings {
        revision: ladder.seq,
        station_id: station,
        recordings: of_ladder.iter().map(|(id, recording)| (*id, *recording)).collect(),
    };
    let streams = directory.inspect::<Webstream>(stream(StreamKind::Webstream)).await?;
    let webstreams = EngineWebstreams {
        revision: streams.seq.max(timeline.seq).max(state.seq),
        station_id: station,
        grants: crate::webstream::granted(&streams.state, &timeline.state, &state.state.time_zone),
    };
    let legal_id = grimnir_rules::timeline::farewell(&timeline.state, &library.state);
    let legal_id = legal_id.map(|item| crate::site::claim_item(item, settings));
    Ok(Folds {
        config_revision,
        config: encode(&config)?,
        outputs: encode(&outputs)?,
        timeline_revision: timeline.seq,
        hours: hours
            .flat_map(parts)
            .take(HOURS)
            .map(|part| encode(&part))
            .collect::<Result<_, _>>()?,
        claims_revision,
        claims: encode(&claims)?,
        control: encode(&control)?,
        graph: state.state.dsp.clone(),
        inputs: encode(&inputs)?,
        lines: encode(&lines)?,
        line_secrets: encode(&line_secrets)?,
        recordings: encode(&recordings)?,
        farewell: encode(&EngineFarewell { legal_id })?,
        webstreams: encode(&webstreams)?,
    })
}

/// The lines of a station, and what those are encrypted with that are.
fn lines_of(
    shared: &Shared,
    station_id: StationId,
    revision: u64,
    held: &BTreeMap<LiveSessionId, LiveLine>,
) -> (EngineLines, EngineLineSecrets) {
    let lines = held.iter().map(|(id, line)| (*id, line.clone())).collect();
    let secret = |line: &LiveLine| {
        let id = line.passphrase()?.id;
        Some((id, shared.secrets.kept(id)?))
    };
    let secrets = held.values().filter_map(secret).collect();
    let lines = EngineLines { revision, station_id, lines };
    (lines, EngineLineSecrets { revision, station_id, secrets })
}

/// An hour in parts that fit into a payload; an engine puts the lines of all of them together.
fn parts(plan: &HourPlan) -> Vec<HourPlan> {
    if plan.lines.len() <= PART_LINES {
        return vec![plan.clone()];
    }
    let part = |lines: &[Line]| HourPlan { lines: lines.to_vec(), ..plan.clone() };
    plan.lines.chunks(PART_LINES).map(part).collect()
}

fn of_kind(
    library: &LibraryState,
    settings: &grimnir_events::station::StationSettings,
    kind: ItemKind,
    limit: usize,
) -> Vec<ClaimItem> {
    library
        .media
        .values()
        .filter(|entry| entry.is_playable() && entry.item.kind == kind)
        .take(limit)
        .map(|entry| crate::site::claim_item(&entry.item, settings))
        .collect()
}

fn encode<P: Payload>(value: &P) -> Result<Vec<u8>, CommandError> {
    Ok(codec::encode(value)
        .map_err(|e| CommandError::Failed { what: "encoding a hand-over", reason: e.to_string() })?
        .bytes)
}

/// The nodes in a line from input to output.
pub fn graph_request(graph: &DspGraph, epoch: u64) -> v1::LoadGraphRequest {
    let end = |id: &str| v1::GraphNode { id: id.into(), r#type: id.into(), ..Default::default() };
    let node = |(n, node): (usize, &DspNode)| v1::GraphNode {
        id: format!("{n}"),
        r#type: node.kind.clone(),
        params: node.params.clone().into_iter().collect(),
    };
    let own = graph.nodes.iter().enumerate().map(node);
    let nodes: Vec<_> = [end("INPUT")].into_iter().chain(own).chain([end("OUTPUT")]).collect();
    let edge =
        |pair: &[v1::GraphNode]| v1::GraphEdge { from: pair[0].id.clone(), to: pair[1].id.clone() };
    let edges = nodes.windows(2).map(edge).collect();
    v1::LoadGraphRequest { nodes, edges, epoch }
}
