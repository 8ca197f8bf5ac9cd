//! The supervision tree: root → site → station → its actors.
//!
//! Shells run on every node and answer who reads; what acts (engine, planner, process managers)
//! runs only where the station is owned, and comes and goes with the ownership.
//!
//! ractor stops a supervisor whose child fails unless it says otherwise, so a supervisor here
//! handles every event itself. A failed child is started again, at once the first time and
//! with doubling pauses up to 5 s when it keeps failing.

use crate::alarms::{AlarmArgs, AlarmMessenger};
use crate::engine::link::{EngineLink, LinkArgs};
use crate::import::{Importer, ImporterArgs};
use crate::legal_id::{LegalIdArgs, LegalIdWatch};
use crate::ownership::Standing;
use crate::planner::{PlannerActor, PlannerArgs};
use crate::preflight::{Preflight, PreflightArgs};
use crate::process::{ProcessRunner, RunnerArgs};
use crate::shell::{Shell, ShellArgs};
use crate::site::Shared;
use crate::snapshots::{SNAPSHOT_EVERY, Snapshots};
use grimnir_events::{StationId, StreamId, StreamKind};
use grimnir_rules::{Access, Aggregate, Executor, Ladder, Library, Station, Timeline, Webstream};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{error, info};

const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A child that lived this long starts over with a short pause.
const SETTLED: Duration = Duration::from_secs(10);

/// Which child.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Child {
    /// A shell of a station.
    Shell(StreamKind),
    /// The link to its engine.
    Engine,
    /// Its planner.
    Planner,
    /// Its importer of folders.
    Importer,
    /// Its look ahead.
    Preflight,
    /// The judge of its legal IDs.
    LegalIds,
    /// Who tells people of its alarms.
    Alarms,
    /// The site's access shell.
    Access,
    /// The site's process manager runner.
    Processes,
    /// A station's supervisor.
    Station(StationId),
}

/// What a supervisor is told.
pub enum SupervisorMessage {
    /// Start a child again.
    Revive(Child),
    /// Start a station's supervisor; answers when its actors run.
    AddStation(StationId, tokio::sync::oneshot::Sender<Result<(), String>>),
    /// The station is owned here from now on, or not any more.
    Owned(bool),
}

/// Supervises the site's own actors and the stations, or the actors of one station.
pub struct Supervisor;

/// Whose actors a supervisor starts.
pub struct SupervisorArgs {
    /// The site.
    pub shared: Arc<Shared>,
    /// The station; `None` for the site itself.
    pub station: Option<StationId>,
}

/// What a supervisor holds.
pub struct Family {
    shared: Arc<Shared>,
    station: StationId,
    children: BTreeMap<ractor::ActorId, Member>,
    pauses: BTreeMap<Child, Duration>,
    /// What acts runs here.
    acting: bool,
    watcher: Option<tokio::task::JoinHandle<()>>,
}

struct Member {
    child: Child,
    cell: ActorCell,
    since: Instant,
}

impl Family {
    fn new(shared: Arc<Shared>, station: StationId) -> Self {
        let (children, pauses) = Default::default();
        Self { shared, station, children, pauses, acting: true, watcher: None }
    }

    async fn start(&mut self, child: Child, me: ActorCell) -> Result<(), ActorProcessingErr> {
        let cell = self.spawn(child, me).await?;
        self.children.insert(cell.get_id(), Member { child, cell, since: Instant::now() });
        Ok(())
    }

    async fn spawn(&self, child: Child, me: ActorCell) -> Result<ActorCell, ActorProcessingErr> {
        let station = self.station;
        Ok(match child {
            Child::Shell(StreamKind::Station) => self.shell::<Station>(me).await?,
            Child::Shell(StreamKind::Ladder) => self.shell::<Ladder>(me).await?,
            Child::Shell(StreamKind::Executor) => self.shell::<Executor>(me).await?,
            Child::Shell(StreamKind::Timeline) => self.shell::<Timeline>(me).await?,
            Child::Shell(StreamKind::Library) => self.shell::<Library>(me).await?,
            Child::Shell(StreamKind::Webstream) => self.shell::<Webstream>(me).await?,
            Child::Shell(kind) => return Err(format!("no shell runs {}", kind.word()).into()),
            Child::Access => self.shell::<Access>(me).await?,
            Child::Engine => {
                let args = LinkArgs { shared: self.shared.clone(), station };
                EngineLink::spawn_linked(None, EngineLink, args, me).await?.0.get_cell()
            }
            Child::Planner => {
                let args = PlannerArgs { shared: self.shared.clone(), station };
                PlannerActor::spawn_linked(None, PlannerActor, args, me).await?.0.get_cell()
            }
            Child::Importer => {
                let args = ImporterArgs { shared: self.shared.clone(), station };
                Importer::spawn_linked(None, Importer, args, me).await?.0.get_cell()
            }
            Child::Preflight => {
                let args = PreflightArgs { shared: self.shared.clone(), station };
                Preflight::spawn_linked(None, Preflight, args, me).await?.0.get_cell()
            }
            Child::LegalIds => {
                let args = LegalIdArgs { shared: self.shared.clone(), station };
                LegalIdWatch::spawn_linked(None, LegalIdWatch, args, me).await?.0.get_cell()
            }
            Child::Alarms => {
                let args = AlarmArgs { shared: self.shared.clone(), station };
                AlarmMessenger::spawn_linked(None, AlarmMessenger, args, me).await?.0.get_cell()
            }
            Child::Processes => {
                let scope = (station != StationId::default()).then_some(station);
                let args = RunnerArgs { shared: self.shared.clone(), scope };
                ProcessRunner::spawn_linked(None, ProcessRunner, args, me).await?.0.get_cell()
            }
            Child::Station(id) => {
                let args = SupervisorArgs { shared: self.shared.clone(), station: Some(id) };
                Supervisor::spawn_linked(None, Supervisor, args, me).await?.0.get_cell()
            }
        })
    }

    async fn shell<A: Aggregate>(&self, me: ActorCell) -> Result<ActorCell, ActorProcessingErr> {
        let stream = if A::KIND == StreamKind::Access {
            StreamId::access(self.shared.site_id)
        } else {
            StreamId::of_station(A::KIND, self.station)
        };
        let args = ShellArgs {
            stream,
            ledger: self.shared.ledger.clone(),
            directory: self.shared.directory.clone(),
            ownership: self.shared.ownership.clone(),
            snapshots: Some(Snapshots::new(
                self.shared.config.data_dir.join("snapshots"),
                SNAPSHOT_EVERY,
            )),
        };
        Ok(Shell::<A>::spawn_linked(None, Shell::default(), args, me).await?.0.get_cell())
    }

    fn lost(&mut self, cell: &ActorCell, why: &str, me: &ActorRef<SupervisorMessage>) {
        let Some(member) = self.children.remove(&cell.get_id()) else { return };
        let child = member.child;
        if self.shared.is_closing() {
            return;
        }
        self.shared.count_restart();
        let pause = if member.since.elapsed() > SETTLED {
            Duration::ZERO
        } else {
            self.pauses.get(&child).copied().unwrap_or_default()
        };
        let next = if pause.is_zero() { Duration::from_millis(20) } else { pause * 2 };
        self.pauses.insert(child, next.min(LONGEST_PAUSE));
        let id = self.station;
        error!(?child, station.id = %id, reason = why, "an actor failed; it is started again");
        self.revive(child, pause, me);
    }

    fn revive(&self, child: Child, pause: Duration, me: &ActorRef<SupervisorMessage>) {
        let me = me.clone();
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let _ = me.cast(SupervisorMessage::Revive(child));
        });
    }

    async fn handle(
        &mut self,
        me: ActorRef<SupervisorMessage>,
        message: SupervisorMessage,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMessage::Revive(child) => {
                let there = self.children.values().any(|member| member.child == child);
                if there || (!self.acting && acting(&self.shared).contains(&child)) {
                    return Ok(());
                }
                if let Err(reason) = self.start(child, me.get_cell()).await {
                    error!(child = ?child, reason = %reason, "an actor could not be started");
                    self.revive(child, LONGEST_PAUSE, &me);
                }
            }
            SupervisorMessage::AddStation(id, reply) => {
                let child = Child::Station(id);
                let known = self.children.values().any(|member| member.child == child);
                let answer = if known {
                    Ok(())
                } else {
                    self.start(child, me.get_cell()).await.map_err(|e| e.to_string())
                };
                let _ = reply.send(answer);
            }
            SupervisorMessage::Owned(owned) => self.own(owned, &me).await,
        }
        Ok(())
    }

    fn event(&mut self, me: &ActorRef<SupervisorMessage>, event: SupervisionEvent) {
        match event {
            SupervisionEvent::ActorFailed(cell, reason) => {
                self.lost(&cell, &reason.to_string(), me);
            }
            SupervisionEvent::ActorTerminated(cell, _, reason) => {
                self.lost(&cell, reason.as_deref().unwrap_or("stopped"), me);
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
    }

    /// What acts for the station runs while it is ours.
    async fn follow_owner(&mut self, station: StationId, me: &ActorRef<SupervisorMessage>) {
        if self.shared.ownership.is_alone() {
            self.own(true, me).await;
        } else {
            let standing = self.shared.ownership.watch(station.0);
            self.acting = false;
            self.watcher = Some(tokio::spawn(watch(standing, me.clone())));
        }
    }

    /// Starts or stops what acts for the station.
    async fn own(&mut self, owned: bool, me: &ActorRef<SupervisorMessage>) {
        self.acting = owned;
        for child in acting(&self.shared) {
            let member = self.children.values().find(|member| member.child == child);
            match (member.map(|member| member.cell.clone()), owned) {
                (None, true) => {
                    if let Err(reason) = self.start(child, me.get_cell()).await {
                        error!(child = ?child, reason = %reason, "an actor could not be started");
                        self.revive(child, LONGEST_PAUSE, me);
                    }
                }
                (Some(cell), false) => {
                    // Not in the family any more, so that nobody starts it again.
                    self.children.remove(&cell.get_id());
                    cell.stop(Some("the station is another node's".into()));
                }
                (None, false) | (Some(_), true) => {}
            }
        }
    }

    fn stop_all(&self) {
        for member in self.children.values() {
            member.cell.stop(Some("closing".into()));
        }
    }
}

/// What runs only where the station is owned.
fn acting(shared: &Shared) -> Vec<Child> {
    let mut all =
        vec![Child::Engine, Child::Planner, Child::Preflight, Child::LegalIds, Child::Importer];
    if !shared.ownership.is_alone() {
        all.push(Child::Processes);
    }
    if shared.config.alarm_url.is_some() {
        all.push(Child::Alarms);
    }
    all
}

/// Tells a station's supervisor whenever the station becomes ours or stops to be.
async fn watch(
    mut standing: tokio::sync::watch::Receiver<Standing>,
    me: ActorRef<SupervisorMessage>,
) {
    let mut told = false;
    loop {
        let owned = matches!(*standing.borrow_and_update(), Standing::Own { .. });
        if owned != told && me.cast(SupervisorMessage::Owned(owned)).is_err() {
            return;
        }
        told = owned;
        if standing.changed().await.is_err() {
            return;
        }
    }
}

impl Actor for Supervisor {
    type Msg = SupervisorMessage;
    type State = Family;
    type Arguments = SupervisorArgs;

    async fn pre_start(
        &self,
        me: ActorRef<Self::Msg>,
        args: SupervisorArgs,
    ) -> Result<Family, ActorProcessingErr> {
        let children = match args.station {
            Some(_) => of_a_station(),
            None => of_the_site(&args.shared),
        };
        let mut family = Family::new(args.shared, args.station.unwrap_or_default());
        for child in children {
            family.start(child, me.get_cell()).await?;
        }
        if let Some(station) = args.station {
            family.follow_owner(station, &me).await;
        }
        Ok(family)
    }

    async fn handle(
        &self,
        me: ActorRef<Self::Msg>,
        message: SupervisorMessage,
        family: &mut Family,
    ) -> Result<(), ActorProcessingErr> {
        family.handle(me, message).await
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<Self::Msg>,
        event: SupervisionEvent,
        family: &mut Family,
    ) -> Result<(), ActorProcessingErr> {
        family.event(&me, event);
        Ok(())
    }

    async fn post_stop(
        &self,
        _me: ActorRef<Self::Msg>,
        family: &mut Family,
    ) -> Result<(), ActorProcessingErr> {
        if let Some(watcher) = family.watcher.take() {
            watcher.abort();
        }
        family.stop_all();
        info!(station.id = %family.station, "supervisor stopped");
        Ok(())
    }
}

/// In the order they start: sign-in first, effects last.
fn of_the_site(shared: &Shared) -> Vec<Child> {
    let stations = shared.views.stations().into_iter().map(|station| Child::Station(station.id));
    // Alone, one runner follows up for all stations; otherwise each station has its own.
    let runner = shared.ownership.is_alone().then_some(Child::Processes);
    [Child::Access].into_iter().chain(stations).chain(runner).collect()
}

/// What runs on every node; what acts follows the ownership.
fn of_a_station() -> Vec<Child> {
    let shells = [
        StreamKind::Station,
        StreamKind::Ladder,
        StreamKind::Executor,
        StreamKind::Timeline,
        StreamKind::Library,
        StreamKind::Webstream,
    ];
    shells.map(Child::Shell).to_vec()
}
