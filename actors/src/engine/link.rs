//! The link to one engine: keeps its process alive and what it holds equal to the folds.
//!
//! Level-triggered: every turn compares the revisions the engine holds with the folds and hands
//! over what is newer. So whatever was lost between an append and its effect is made good by the
//! next turn, after a crash of either side too.

use crate::engine::handle::EngineHandle;
use crate::engine::program::{self, Place};
use crate::engine::{elsewhere, handover, journal};
use crate::meta::Meta;
use crate::site::Shared;
use grimnir_engine_proto::{Client, dial, v1};
use grimnir_events::dsp::DspGraph;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{StationId, StreamId, StreamKind, UtcMicros};
use grimnir_rules::Ladder;
use grimnir_rules::ladder::command::LadderCommand;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

/// How often the engine is looked at when nothing happens.
const TURN: Duration = Duration::from_millis(500);
const HOUR_US: i64 = 3_600_000_000;
/// How long a start waits for the first plan; without one the rotation plays.
const PLAN_PATIENCE_US: i64 = 3_000_000;
/// How long an engine may take to open its socket.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// What a link is started with.
pub struct LinkArgs {
    /// The site.
    pub shared: Arc<Shared>,
    /// The station.
    pub station: StationId,
}

/// What a link is told.
pub enum LinkMessage {
    /// Compare and hand over.
    Turn,
    /// The process with this number ended.
    Ended(u32),
}

/// The actor.
pub struct EngineLink;

/// What a running link holds.
pub struct LinkState {
    pub(super) shared: Arc<Shared>,
    pub(super) place: Place,
    /// When the child was started.
    pub(super) started: Option<Instant>,
    /// The engine that is connected, or was last, is the smallest one.
    pub(super) plays_minimal: bool,
    handle: Arc<EngineHandle>,
    child: Option<Child>,
    importer: Option<JoinHandle<()>>,
    helpers: Vec<JoinHandle<()>>,
    /// Ledger position the last complete turn was made at.
    settled_at: u64,
    /// What this connection loaded to shape the programme; who it said may come in, what is to be
    /// heard last, and which webstreams there are.
    loaded: Option<DspGraph>,
    beside: [Vec<u8>; 6],
    starts_in_a_row: u32,
    /// When time alone changes the ladder next.
    deadline: Option<UtcMicros>,
    /// Since when the first start waits for a plan.
    unplanned_since: Option<UtcMicros>,
}

impl Actor for EngineLink {
    type Msg = LinkMessage;
    type State = LinkState;
    type Arguments = LinkArgs;

    async fn pre_start(
        &self,
        me: ActorRef<LinkMessage>,
        args: LinkArgs,
    ) -> Result<LinkState, ActorProcessingErr> {
        let place = args.shared.place_of(args.station);
        let handle = args.shared.engine(args.station);
        let waker = me.clone();
        let mut moved = args.shared.stations_moved(args.station);
        let ticker = tokio::spawn(async move {
            loop {
                // A commit of the station wakes the link; the pause bounds what a lost wake costs.
                let _ = tokio::time::timeout(TURN, moved.changed()).await;
                if waker.cast(LinkMessage::Turn).is_err() {
                    return;
                }
                // One turn at a time: commits that come meanwhile are seen by the next.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        Ok(LinkState {
            shared: args.shared,
            place,
            started: None,
            plays_minimal: false,
            handle,
            child: None,
            importer: None,
            helpers: vec![ticker],
            settled_at: 0,
            loaded: None,
            beside: Default::default(),
            starts_in_a_row: 0,
            deadline: Some(crate::clock::now()),
            unplanned_since: None,
        })
    }

    async fn handle(
        &self,
        me: ActorRef<LinkMessage>,
        message: LinkMessage,
        state: &mut LinkState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            LinkMessage::Turn => state.turn(&me).await,
            LinkMessage::Ended(pid) => {
                warn!(station.id = %state.place.station, pid, "the engine's process ended");
                let child = state.child.as_mut().filter(|child| child.id() == pid);
                let status = child.and_then(|child| child.try_wait().ok().flatten());
                state.report_end(pid, status).await;
                state.disconnect();
                state.turn(&me).await;
            }
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _me: ActorRef<LinkMessage>,
        state: &mut LinkState,
    ) -> Result<(), ActorProcessingErr> {
        state.disconnect();
        for helper in state.helpers.drain(..) {
            helper.abort();
        }
        Ok(())
    }
}

impl LinkState {
    fn disconnect(&mut self) {
        self.handle.lost();
        self.settled_at = 0;
        self.loaded = None;
        if let Some(importer) = self.importer.take() {
            importer.abort();
        }
        if let Some(mut child) = self.child.take() {
            // One that lives on is adopted by whoever comes next; it is reaped when it has ended,
            // so that nobody takes its shadow for a process.
            if !matches!(child.try_wait(), Ok(Some(_))) {
                std::thread::spawn(move || child.wait());
            }
        }
    }

    async fn turn(&mut self, me: &ActorRef<LinkMessage>) {
        if self.shared.is_closing() {
            return;
        }
        self.expire().await;
        let client = match self.handle.client() {
            Some(client) => client,
            None => match self.connect(me).await {
                Some(client) => client,
                None => return,
            },
        };
        if let Err(status) = self.converge(client).await {
            warn!(station.id = %self.place.station, %status, "the engine did not answer");
            if self.place.description().is_none_or(|d| !alive(d.pid)) {
                self.disconnect();
            }
        }
        self.watch_import();
    }

    /// Claims whose time is over end even where no engine reports it; windows that begin open.
    async fn expire(&mut self) {
        let now = crate::clock::now();
        let stream = StreamId::of_station(StreamKind::Ladder, self.place.station);
        let Ok(ladder) = self.shared.directory.inspect::<Ladder>(stream).await else { return };
        let due = self.deadline.is_some_and(|at| at <= now);
        self.deadline = ladder.state.next_deadline(now);
        if !due {
            return;
        }
        let command = LadderCommand::Expire {};
        let told = self.shared.directory.decide::<Ladder>(stream, command, Meta::own()).await;
        if let Err(error) = told {
            warn!(station.id = %self.place.station, %error, "claims could not be looked through");
        }
    }

    /// Adopts the engine that runs, or starts one where the station is to be on air.
    async fn connect(&mut self, me: &ActorRef<LinkMessage>) -> Option<Client> {
        if let Some(client) = self.adopt(me).await {
            return Some(client);
        }
        let wanted = self.shared.views.station(self.place.station).is_some_and(|s| s.on_air);
        if !wanted {
            return None;
        }
        if !self.is_planned() {
            return None;
        }
        if self.starts_in_a_row > 0 {
            let pause = 50u64.saturating_mul(1 << self.starts_in_a_row.min(7));
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self.starts_in_a_row += 1;
        let mut more = self.heard_elsewhere().await;
        let minimal = self.is_to_be_minimal().await;
        if minimal {
            more.push("--minimal".into());
        }
        match self.place.start(&more) {
            Ok(child) => {
                let id = self.place.station;
                info!(station.id = %id, pid = child.id(), minimal, "engine started");
                (self.child, self.started) = (Some(child), Some(Instant::now()));
                self.plays_minimal = minimal;
            }
            Err(reason) => {
                let program = self.place.program.display();
                error!(%program, %reason, "the engine cannot be started");
                return None;
            }
        }
        let deadline = tokio::time::Instant::now() + START_PATIENCE;
        while tokio::time::Instant::now() < deadline {
            if let Some(client) = self.adopt(me).await {
                return Some(client);
            }
            if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                let id = self.place.station;
                error!(station.id = %id, %status, "the engine ended at once; see engine.log");
                let pid = self.child.take().map_or(0, |child| child.id());
                self.report_end(pid, Some(status)).await;
                return None;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    /// What a new engine is told of another host's.
    async fn heard_elsewhere(&self) -> Vec<String> {
        let (shared, station) = (&self.shared, self.place.station);
        if shared.ownership.is_alone() {
            return vec![];
        }
        let seen = shared.ownership.last_seen(station.0);
        elsewhere::arguments(shared.ledger.as_ref(), station, seen).await
    }

    /// The running hour has a plan, or has been waited for long enough.
    fn is_planned(&mut self) -> bool {
        let now = crate::clock::now();
        let since = *self.unplanned_since.get_or_insert(now);
        let running = |plan: &HourPlan| plan.hour <= now && now.since(plan.hour) < HOUR_US;
        let planned = self.shared.views.plans(self.place.station).iter().any(running);
        planned || now.since(since) > PLAN_PATIENCE_US
    }

    async fn adopt(&mut self, me: &ActorRef<LinkMessage>) -> Option<Client> {
        let description = self.place.description().filter(|d| alive(d.pid))?;
        if !self.place.socket().exists() {
            return None;
        }
        let mut client = dial(&self.place.socket()).await.ok()?;
        let status = client.get_status(v1::StatusRequest {}).await.ok()?.into_inner();
        if status.station_id != self.place.station.0 {
            let id = self.place.station;
            error!(station.id = %id, "the socket belongs to another station's engine");
            return None;
        }
        info!(station.id = %self.place.station, pid = description.pid, "engine connected");
        self.plays_minimal = status.minimal;
        if self.child.is_none() {
            self.started = None;
        }
        self.handle.seen(status);
        self.handle.connected(client.clone());
        self.settled_at = 0;
        self.loaded = None;
        let (me, pid) = (me.clone(), description.pid);
        self.helpers.retain(|helper| !helper.is_finished());
        self.helpers.push(tokio::spawn(async move {
            program::ended(pid).await;
            let _ = me.cast(LinkMessage::Ended(pid));
        }));
        Some(client)
    }

    /// Hands over whatever the engine holds in an older revision.
    async fn converge(&mut self, mut client: Client) -> Result<(), tonic::Status> {
        let status = client.get_status(v1::StatusRequest {}).await?.into_inner();
        self.handle.seen(status.clone());
        self.make_room(&status).await;
        self.starts_in_a_row = 0;
        let position = self.shared.station_position(self.place.station);
        if position == self.settled_at && position != 0 {
            return Ok(());
        }
        let folds = match handover::read(&self.shared, self.place.station).await {
            Ok(folds) => folds,
            Err(error) => {
                warn!(%error, "the folds cannot be read for the engine");
                return Ok(());
            }
        };
        let epoch = self.shared.epoch_of(self.place.station);
        if folds.timeline_revision > status.timeline_revision || self.settled_at == 0 {
            let request = v1::SetTimelineRequest {
                revision: folds.timeline_revision,
                hour_payload: folds.hours.clone(),
                epoch,
            };
            client.set_timeline(request).await?;
        }
        let beside = folds.beside();
        let others = beside != self.beside || self.settled_at == 0;
        if folds.claims_revision > status.claims_revision || others {
            client.set_claims(folds.claims_request(epoch)).await?;
            self.beside = beside;
        }
        if self.loaded.as_ref() != Some(&folds.graph) {
            let answer =
                client.load_graph(handover::graph_request(&folds.graph, epoch)).await?.into_inner();
            if !answer.accepted {
                let (id, reason) = (self.place.station, answer.reason);
                error!(station.id = %id, reason, "the engine refuses what is to shape the sound");
            }
            self.loaded = Some(folds.graph.clone());
        }
        // Last, because it may put the station on air: then it is to know what plays.
        if folds.config_revision > status.config_revision || self.settled_at == 0 {
            let request = v1::ConfigureRequest {
                config_payload: folds.config.clone(),
                outputs_payload: folds.outputs.clone(),
                epoch,
            };
            client.configure(request).await?;
        }
        self.settled_at = position;
        Ok(())
    }

    fn watch_import(&mut self) {
        if self.importer.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let Some(client) = self.handle.client() else { return };
        let (ledger, station) = (self.shared.ledger.clone(), self.place.station);
        let handle = self.handle.clone();
        self.importer = Some(tokio::spawn(async move {
            if let Err(error) = journal::import(client, ledger, station, handle).await {
                warn!(station.id = %station, %error, "the import stopped and is tried again");
            }
        }));
    }
}

fn alive(pid: u32) -> bool {
    i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

/// Kinds of stream whose commits an engine may have to hear of.
pub const HANDED_OVER: [StreamKind; 6] = [
    StreamKind::Station,
    StreamKind::Library,
    StreamKind::Timeline,
    StreamKind::Ladder,
    StreamKind::Executor,
    StreamKind::Webstream,
];
