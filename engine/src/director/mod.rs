//! The director: one thread that decides what is heard next, and tells the mixer frames ahead.
//!
//! It never touches a disk or waits: files are opened by feeders, clips decoded by a loader, and
//! their word comes back as messages. Upstream: hand-overs and orders of the control server,
//! reports of the mix thread. Downstream: mixer, journal, outputs.
//!
//! Reading order: this file, [`owner`], [`automation`], [`claims`], [`live`], [`streams`],
//! [`fallback`], [`report`].

mod automation;
mod claims;
mod fallback;
mod handover;
mod lines;
mod listened;
mod live;
mod modes;
mod orders;
mod owner;
mod plays;
mod report;
mod signing;
mod silence;
mod steps;
mod streams;
pub mod status;

use crate::air::clips::{self, ClipKey};
use crate::air::feeder::DeckReport;
use crate::air::{AirCommand, AirHandle, AirReport};
use crate::held::{Cache, Held};
use crate::input::InputWord;
use crate::input::gate::Gate;
use crate::journal::{Journal, Recovered};
use crate::output::desk::Desk;
use automation::Automation;
use claims::Claims;
use fallback::Fallback;
use grimnir_events::air::{AirEvent, InterruptReason};
use grimnir_events::control::EngineControl;
use grimnir_events::handover::{EngineClaims, EngineConfig, EngineFarewell};
use grimnir_events::ladder::Claim;
use grimnir_events::line::{EngineLineSecrets, EngineLines};
use grimnir_events::live::EngineInputs;
use grimnir_events::live_recording::EngineLiveRecordings;
use grimnir_events::output::EngineOutputs;
use grimnir_events::station::StationSettings;
use grimnir_events::timeline::{HourPlan, Line};
use grimnir_events::webstream::EngineWebstreams;
use grimnir_events::{AirFrame, ClaimId, ContentHash, EngineRunId, LineId};
use grimnir_rules::timeline::resolve::Interrupted;
use owner::Announcement;
use plays::Plays;
use status::Board;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;
use tokio::sync::oneshot;

/// What is known to start is handed to the mixer this long before it: 500 ms.
const COMMIT_AHEAD: i64 = 24_000;
/// Least distance of a planned start from the next block, so that the mixer is in time: 10 ms.
const LEAD: i64 = 480;
/// A turn is taken at least this often while something can change by time alone.
const TURN: Duration = Duration::from_millis(20);
/// A turn while nothing but the timeline runs; starts are handed over 500 ms ahead.
const QUIET_TURN: Duration = Duration::from_millis(100);

const OFF_AIR: InterruptReason = InterruptReason::OffAir;

/// A configuration, and the outputs where they are said.
pub type Configured = (EngineConfig, Option<EngineOutputs>);
/// Answer to a hand-over: accepted, and the revision that is held now.
pub type Taken = Result<u64, u64>;
/// Answer to an order.
pub type Done = Result<(), String>;
/// Answer to a claim: first frame and CLOCK_MONOTONIC when it was mixed.
pub type Aired = Result<(AirFrame, i64), String>;

/// What the director is told.
pub enum Msg {
    /// By the mix thread.
    Air(AirReport),
    /// By a feeder.
    Deck(DeckReport),
    /// By the clip loader.
    Clip {
        /// Which.
        key: ClipKey,
        /// The clip.
        result: Result<clips::Held, String>,
    },
    /// A configuration, and outputs where they are said, with their bytes for the cache.
    Configure(Box<Configured>, [Vec<u8>; 2], u64, oneshot::Sender<Taken>),
    /// A timeline: revision, hours, their bytes.
    Timeline(u64, Vec<HourPlan>, Vec<Vec<u8>>, u64, oneshot::Sender<Taken>),
    /// Claims, and how lines are started where that is said.
    Claims(Box<EngineClaims>, Option<EngineControl>, [Vec<u8>; 2], u64, oneshot::Sender<Taken>),
    /// Who may send sound in, with its bytes for the cache.
    Inputs(Box<EngineInputs>, Vec<u8>, u64, oneshot::Sender<Taken>),
    /// Lines that sound comes over, with their bytes for the cache.
    Lines(Box<EngineLines>, Vec<u8>, u64, oneshot::Sender<Taken>),
    /// What lines are encrypted with, with its bytes for the cache.
    LineSecrets(Box<EngineLineSecrets>, Vec<u8>, u64, oneshot::Sender<Taken>),
    /// Sessions that are recorded, with their bytes for the cache.
    Recordings(Box<EngineLiveRecordings>, Vec<u8>, u64, oneshot::Sender<Taken>),
    /// Webstreams, with their bytes for the cache.
    Webstreams(Box<EngineWebstreams>, Vec<u8>, u64, oneshot::Sender<Taken>),
    /// What is heard last at sign-off, with its bytes for the cache.
    Farewell(Box<EngineFarewell>, Vec<u8>, u64, oneshot::Sender<Taken>),
    /// By an input.
    Input(InputWord),
    /// Sign on.
    Play(u64, oneshot::Sender<Done>),
    /// Sign off; at once if true.
    Stop(u64, bool, oneshot::Sender<Done>),
    /// Leave a line or a claim's item.
    Fade(u64, LineId, ClaimId, u32, oneshot::Sender<Done>),
    /// A claim straight from outside; an emergency has no epoch.
    Insert(Box<Claim>, Option<u64>, oneshot::Sender<Aired>),
    /// A graph of another epoch is refused.
    CheckEpoch(u64, oneshot::Sender<Done>),
    /// End in an orderly way.
    Quit(oneshot::Sender<()>),
}

/// What a director is made of.
pub struct Parts {
    /// This run.
    pub run: EngineRunId,
    /// Media store.
    pub media: PathBuf,
    /// The mix thread.
    pub air: AirHandle,
    /// The journal.
    pub journal: Journal,
    /// Kept hand-overs.
    pub cache: Cache,
    /// What they said at start.
    pub held: Held,
    /// Outputs.
    pub outputs: Desk,
    /// Who may come in.
    pub gate: Arc<Gate>,
    /// Where webstreams are fetched.
    pub runtime: tokio::runtime::Handle,
    /// Where its state is shown.
    pub board: Board,
    /// Its own address.
    pub tx: Sender<Msg>,
    /// What it is told.
    pub rx: Receiver<Msg>,
}

/// What an earlier run left to do.
#[derive(Default)]
pub struct Legacy {
    /// The air was interrupted from this frame on.
    pub interruption: Option<(AirFrame, InterruptReason, i64)>,
    /// The line to go on with.
    pub line: Option<Interrupted>,
    /// The claim's item to go on with.
    pub claim: Option<(ClaimId, ContentHash, i64)>,
}

/// The director.
pub struct Director {
    // what it is
    run: EngineRunId,
    media: PathBuf,
    cache: Cache,
    // what it is told
    held: Held,
    lines: Vec<Line>,
    rx: Receiver<Msg>,
    // what it knows
    plays: Plays,
    auto: Automation,
    auto_entry: Option<AirFrame>,
    auto_waiting: Option<(LineId, AirFrame)>,
    claims: Claims,
    lives: live::Lives,
    streams: streams::Streams,
    gate: Arc<Gate>,
    modes: modes::Modes,
    fallback: Fallback,
    clips: BTreeMap<ClipKey, clips::Held>,
    owner: Option<ClaimId>,
    announced: Option<ClaimId>,
    announcement: Option<Announcement>,
    heard: Option<u64>,
    dry_since: Option<AirFrame>,
    signed_on: bool,
    signing_off: bool,
    /// The legal ID at sign-off, from when it is handed to the mixer until the outputs close.
    farewell: Option<u64>,
    was_off_air: bool,
    signed_on_at: AirFrame,
    steps: steps::Steps,
    non_finite: BTreeMap<u64, u64>,
    over: VecDeque<listened::Over>,
    /// Those of which listeners by segments are still to be counted.
    over_behind: VecDeque<listened::Over>,
    underrun_told: AirFrame,
    interruption: Option<(AirFrame, InterruptReason, i64)>,
    resume_claim: Option<(ClaimId, ContentHash, i64)>,
    took_before: BTreeMap<ClaimId, AirFrame>,
    held_until: AirFrame,
    waiting: Vec<(ClaimId, oneshot::Sender<Aired>)>,
    // where it speaks
    air: AirHandle,
    journal: Journal,
    outputs: Desk,
    board: Board,
    tx: Sender<Msg>,
}

impl Director {
    /// A director that goes on from what an earlier run left.
    pub fn new(parts: Parts, recovered: &mut Recovered, legacy: Legacy) -> Self {
        let plays = Plays::new(
            recovered.last_play,
            parts.media.clone(),
            parts.air.clone(),
            parts.tx.clone(),
        );
        let auto = Automation {
            done: std::mem::take(&mut recovered.done),
            interrupted: legacy.line,
            resume_any: legacy.line.is_some(),
            ..Automation::default()
        };
        let mut claims = Claims::default();
        claims.ended = std::mem::take(&mut recovered.ended);
        let fallback = Fallback { silent: recovered.silent, ..Fallback::default() };
        let mut director = Self {
            run: parts.run,
            media: parts.media,
            cache: parts.cache,
            lines: parts.held.lines(),
            held: parts.held,
            rx: parts.rx,
            plays,
            auto,
            auto_entry: None,
            auto_waiting: None,
            claims,
            lives: live::Lives::default(),
            streams: streams::Streams::new(parts.runtime),
            gate: parts.gate,
            modes: modes::Modes::default(),
            fallback,
            clips: BTreeMap::new(),
            owner: None,
            announced: recovered.owner,
            announcement: None,
            heard: None,
            dry_since: None,
            signed_on: false,
            signing_off: false,
            farewell: None,
            // Before the first sign-on, as after a sign-off.
            was_off_air: legacy.interruption.is_none_or(|(_, why, _)| why == OFF_AIR),
            signed_on_at: AirFrame(0),
            steps: steps::Steps::default(),
            non_finite: BTreeMap::new(),
            over: VecDeque::new(),
            over_behind: VecDeque::new(),
            underrun_told: AirFrame(0),
            interruption: legacy.interruption,
            resume_claim: legacy.claim,
            took_before: std::mem::take(&mut recovered.took),
            held_until: AirFrame(0),
            waiting: Vec::new(),
            air: parts.air,
            journal: parts.journal,
            outputs: parts.outputs,
            board: parts.board,
            tx: parts.tx,
        };
        director.end_old_silences(recovered);
        director.begin(std::mem::take(&mut recovered.emergencies));
        director
    }

    /// Takes up what is held on disk.
    fn begin(&mut self, emergencies: Vec<Claim>) {
        self.skip_marks_of_old();
        self.keep_mode_of_old();
        if let Some(config) = self.held.config.clone() {
            self.outputs.apply(&config, config.on_air);
            self.outputs.apply_targets(&self.held.outputs);
            self.load_clips();
            self.gate.set_target(config.settings.target_lufs_x100);
            if config.on_air {
                self.sign_on();
            }
        }
        for claim in emergencies {
            self.raise(claim, false);
        }
        if let Some(claims) = self.held.claims.clone() {
            self.take_claims(&claims);
        }
        self.take_inputs(self.held.inputs.clone());
        self.gate.set_line_secrets(self.held.line_secrets.secrets.clone());
        self.take_lines(self.held.lines.clone());
        self.take_recordings(self.held.recordings.clone());
        self.take_webstreams(self.held.webstreams.clone());
        self.note_held_until();
    }

    /// Skips in a kept hand-over were carried out by the run that took it.
    fn skip_marks_of_old(&mut self) {
        if let Some(claims) = &self.held.claims {
            self.claims.skipped.extend(claims.skips.iter().copied());
        }
    }

    /// Runs until told to quit.
    pub fn run(mut self) {
        loop {
            self.turn();
            let quiet = self.claims.raised.is_empty() && !self.lives.busy();
            let wait = if quiet && self.owner.is_some() { QUIET_TURN } else { TURN };
            match self.rx.recv_timeout(wait) {
                Ok(message) => {
                    if let Some(done) = self.take(message) {
                        return self.quit(done);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while let Ok(message) = self.rx.try_recv() {
                if let Some(done) = self.take(message) {
                    return self.quit(done);
                }
            }
        }
    }

    fn turn(&mut self) {
        self.step_lives();
        self.look_at_clocks();
        if self.signed_on {
            self.step_owner();
            match self.owner {
                Some(grimnir_events::ladder::AUTOMATION_CLAIM) => self.step_automation(),
                Some(grimnir_events::ladder::FALLBACK_CLAIM) | None => {}
                Some(claim) => self.step_claim(claim),
            }
            self.answer_waiting();
        } else {
            self.finish_claims();
            self.finish_sign_off();
        }
        self.count_listeners(false);
        self.publish();
    }

    fn now(&self) -> AirFrame {
        self.air.position()
    }

    fn settings(&self) -> StationSettings {
        self.held.config.as_ref().map(|config| config.settings.clone()).unwrap_or_default()
    }

    fn fact(&self, event: AirEvent) {
        self.fact_at(self.now(), event);
    }

    fn fact_at(&self, at: AirFrame, event: AirEvent) {
        self.journal.record(at, event);
    }

    /// The station goes on air.
    fn sign_on(&mut self) {
        if self.signed_on {
            return;
        }
        tracing::info!("sign-on");
        self.signed_on = true;
        self.signed_on_at = self.now();
        self.signing_off = false;
        self.cut_farewell();
        self.dry_since = None;
        self.outputs.set_on_air(true);
        self.air.send(AirCommand::Listen(true));
    }
}
