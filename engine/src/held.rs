//! Hand-overs of the control plane, kept on disk so that an engine started alone plays on.
//!
//! Upstream: the control server. Downstream: the director. A lower revision never replaces a
//! higher one, a lower epoch is refused.

use grimnir_events::UtcMicros;
use grimnir_events::codec::{self, Payload};
use grimnir_events::control::EngineControl;
use grimnir_events::dsp::DspGraph;
use grimnir_events::handover::{EngineClaims, EngineConfig, EngineFarewell};
use grimnir_events::ladder::Tier;
use grimnir_events::line::{EngineLineSecrets, EngineLines};
use grimnir_events::live::EngineInputs;
use grimnir_events::live_recording::EngineLiveRecordings;
use grimnir_events::output::{EngineOutputs, OutputKind};
use grimnir_events::station::MountFormat;
use grimnir_events::timeline::{HourPlan, Line};
use grimnir_events::webstream::EngineWebstreams;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Most hours that are held at once: three days and some.
pub const HOURS_LIMIT: usize = 80;

/// What is held.
#[derive(Clone, Default)]
pub struct Held {
    /// How to play; none until the first hand-over.
    pub config: Option<EngineConfig>,
    /// The coming hours, in order.
    pub hours: Vec<HourPlan>,
    /// Ledger position of the timeline.
    pub timeline_revision: u64,
    /// Who claims the air.
    pub claims: Option<EngineClaims>,
    /// Who starts lines.
    pub control: EngineControl,
    /// What shapes the programme.
    pub graph: DspGraph,
    /// Where it goes beside the mounts.
    pub outputs: EngineOutputs,
    /// Who may send sound in.
    pub inputs: EngineInputs,
    /// Lines that sound comes over.
    pub lines: EngineLines,
    /// What lines are encrypted with.
    pub line_secrets: EngineLineSecrets,
    /// Sessions that are recorded.
    pub recordings: EngineLiveRecordings,
    /// Streams from elsewhere.
    pub webstreams: EngineWebstreams,
    /// What is heard last at sign-off.
    pub farewell: EngineFarewell,
    /// Epoch of the control plane that is obeyed.
    pub epoch: u64,
    /// Only the last rung and emergencies are held; what is handed over beyond is kept on disk for
    /// the next engine.
    pub lean: bool,
}

impl Held {
    /// Lets go of all that is not the last rung or an emergency, from now on.
    pub fn make_lean(&mut self) {
        self.lean = true;
        self.config = self.config.take().map(|config| self.of_config(config));
        self.hours = self.of_hours(vec![]);
        self.claims = self.claims.take().map(|claims| self.of_claims(claims));
        self.control = EngineControl::default();
        self.graph = DspGraph::default();
        self.farewell = EngineFarewell::default();
        let outputs = std::mem::take(&mut self.outputs);
        self.outputs = self.of_outputs(outputs);
    }
    /// What is held of outputs.
    pub fn of_outputs(&self, mut outputs: EngineOutputs) -> EngineOutputs {
        if self.lean {
            // Servers that are fed in the codec of the mounts: their listeners are listeners, too.
            outputs.outputs.retain(|handed| match &handed.output.kind {
                OutputKind::Icecast(to) => to.encoding.format == MountFormat::Mp3,
                OutputKind::Shoutcast(to) => to.encoding.format == MountFormat::Mp3,
                OutputKind::Hls(_)
                | OutputKind::Srt(_)
                | OutputKind::Recording(_)
                | OutputKind::Monitor(_)
                | OutputKind::Rtp(_) => false,
            });
        }
        outputs
    }
    /// What is held of a configuration.
    pub fn of_config(&self, mut config: EngineConfig) -> EngineConfig {
        if self.lean {
            config.rotation.clear();
            // One codec, the one that every listener has.
            config.mounts.retain(|mount| mount.format == MountFormat::Mp3);
        }
        config
    }
    /// What is held of hours.
    pub fn of_hours(&self, hours: Vec<HourPlan>) -> Vec<HourPlan> {
        if self.lean { vec![] } else { hours }
    }
    /// What is held of claims.
    pub fn of_claims(&self, mut claims: EngineClaims) -> EngineClaims {
        if self.lean {
            claims.claims.retain(|claim| claim.tier == Tier::Emergency);
        }
        claims
    }

    /// Every held line, in order.
    pub fn lines(&self) -> Vec<Line> {
        self.hours.iter().flat_map(|hour| hour.lines.iter().cloned()).collect()
    }
    /// Ledger position of the configuration.
    pub fn config_revision(&self) -> u64 {
        self.config.as_ref().map_or(0, |config| config.revision)
    }
    /// Ledger position of the claims.
    pub fn claims_revision(&self) -> u64 {
        self.claims.as_ref().map_or(0, |claims| claims.revision)
    }
}

/// What is kept in a file of its own, as one payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// How to play.
    Config,
    /// What shapes the programme.
    Graph,
    /// Where it goes beside the mounts, with passwords.
    Outputs,
    /// Who may send sound in.
    Inputs,
    /// Lines that sound comes over.
    Lines,
    /// What lines are encrypted with.
    LineSecrets,
    /// Sessions that are recorded.
    Recordings,
    /// Streams from elsewhere.
    Webstreams,
    /// What is heard last at sign-off.
    Farewell,
}

impl Part {
    const fn file(self) -> &'static str {
        match self {
            Self::Config => "config.held",
            Self::Graph => "graph.held",
            Self::Outputs => "outputs.held",
            Self::Inputs => "inputs.held",
            Self::Lines => "lines.held",
            Self::LineSecrets => "line_secrets.held",
            Self::Recordings => "recordings.held",
            Self::Webstreams => "webstreams.held",
            Self::Farewell => "farewell.held",
        }
    }
}

/// The files behind [`Held`].
#[derive(Clone)]
pub struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// The cache in the engine's folder.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf() }
    }

    /// Reads what earlier runs were handed; what cannot be read is left out, with a trace.
    pub fn load(&self) -> Held {
        let mut held = Held::default();
        let epoch = &mut held.epoch;
        held.config = self.one(Part::Config, epoch);
        held.graph = self.one(Part::Graph, epoch).unwrap_or_default();
        held.outputs = self.one(Part::Outputs, epoch).unwrap_or_default();
        held.inputs = self.one(Part::Inputs, epoch).unwrap_or_default();
        held.lines = self.one(Part::Lines, epoch).unwrap_or_default();
        held.line_secrets = self.one(Part::LineSecrets, epoch).unwrap_or_default();
        held.recordings = self.one(Part::Recordings, epoch).unwrap_or_default();
        held.webstreams = self.one(Part::Webstreams, epoch).unwrap_or_default();
        held.farewell = self.one(Part::Farewell, epoch).unwrap_or_default();
        if let Some((epoch, parts)) = self.read("timeline.held") {
            held.epoch = held.epoch.max(epoch);
            if let Some((revision, hours)) = parts.split_first() {
                held.timeline_revision =
                    revision.as_slice().try_into().map(u64::from_be_bytes).unwrap_or_default();
                held.hours = hours.iter().filter_map(|bytes| decoded(bytes)).collect();
            }
        }
        if let Some((epoch, parts)) = self.read("claims.held") {
            held.epoch = held.epoch.max(epoch);
            held.claims = parts.first().and_then(|bytes| decoded(bytes));
            let control = parts.get(1).filter(|bytes| !bytes.is_empty());
            held.control = control.and_then(|bytes| decoded(bytes)).unwrap_or_default();
        }
        held
    }

    /// What a file of one payload holds; its epoch counts along.
    fn one<P: Payload>(&self, part: Part, held: &mut u64) -> Option<P> {
        let (epoch, parts) = self.read(part.file())?;
        *held = epoch.max(*held);
        parts.first().and_then(|bytes| decoded(bytes))
    }

    /// Keeps a part. Nobody else may read its file: some hold passwords.
    pub fn keep(&self, part: Part, epoch: u64, payload: &[u8]) {
        self.write(part.file(), epoch, &[payload]);
    }
    /// Keeps a timeline.
    pub fn keep_timeline(&self, epoch: u64, revision: u64, hours: &[Vec<u8>]) {
        let revision = revision.to_be_bytes();
        let mut parts: Vec<&[u8]> = vec![&revision];
        parts.extend(hours.iter().map(Vec::as_slice));
        self.write("timeline.held", epoch, &parts);
    }
    /// Keeps claims, and how lines are started.
    pub fn keep_claims(&self, epoch: u64, payloads: &[Vec<u8>; 2]) {
        let [claims, control] = payloads;
        self.write("claims.held", epoch, &[claims, control]);
    }

    /// A file of records in the shared framing: the epoch first, then each part.
    fn write(&self, name: &str, epoch: u64, parts: &[&[u8]]) {
        let mut bytes = Vec::new();
        grimnir_events::frame::write(&mut bytes, 0, UtcMicros(0), &epoch.to_be_bytes());
        for (index, part) in parts.iter().enumerate() {
            grimnir_events::frame::write(&mut bytes, index as u64 + 1, UtcMicros(0), part);
        }
        if let Err(error) = replace(&self.dir.join(name), &bytes) {
            tracing::error!(name, %error, "hand-over cannot be kept on disk; it is held in memory");
        }
    }

    fn read(&self, name: &str) -> Option<(u64, Vec<Vec<u8>>)> {
        let bytes = std::fs::read(self.dir.join(name)).ok()?;
        let mut parts = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            match grimnir_events::frame::read(&bytes[at..]) {
                Ok((record, used)) => {
                    parts.push(record.body.to_vec());
                    at += used;
                }
                Err(error) => {
                    tracing::error!(name, %error, "kept hand-over is damaged and is not used");
                    return None;
                }
            }
        }
        if parts.is_empty() {
            return None;
        }
        let epoch = parts.remove(0).as_slice().try_into().map(u64::from_be_bytes).ok()?;
        Some((epoch, parts))
    }
}

fn decoded<P: Payload>(bytes: &[u8]) -> Option<P> {
    codec::decode_bytes(bytes)
        .map_err(|error| tracing::error!(%error, "kept hand-over cannot be decoded"))
        .ok()
}

/// Replaces a file as a whole: readers see the old bytes or the new ones. It is for this user
/// only, whatever the mask is.
pub fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let next = path.with_extension("next");
    let mut options = std::fs::File::options();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&next)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(&next, path)
}
