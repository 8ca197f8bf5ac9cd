//! The supervision tree: root → site → station → its actors.
//!
//! ractor stops a supervisor whose child fails unless it says otherwise, so a supervisor here
//! handles every event itself. A failed child is started again, at once the first time and
//! with doubling pauses up to 5 s when it keeps failing.

use crate::engine::link::{EngineLink, LinkArgs};
use crate::planner::{PlannerActor, PlannerArgs};
use crate::process::{ProcessRunner, RunnerArgs};
use crate::shell::{Shell, ShellArgs};
use crate::site::Shared;
use crate::snapshots::{SNAPSHOT_EVERY, Snapshots};
use grimnir_events::{StationId, StreamId, StreamKind};
use grimnir_rules::{Access, Aggregate, Executor, Ladder, Library, Station, Timeline};
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
}

struct Member {
    child: Child,
    cell: ActorCell,
    since: Instant,
}

impl Family {
    fn new(shared: Arc<Shared>, station: StationId) -> Self {
        Self { shared, station, children: BTreeMap::new(), pauses: BTreeMap::new() }
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
            Child::Processes => {
                let args = RunnerArgs { shared: self.shared.clone() };
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
                if self.children.values().any(|member| member.child == child) {
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

    fn stop_all(&self) {
        for member in self.children.values() {
            member.cell.stop(Some("closing".into()));
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
        family.stop_all();
        info!(station.id = %family.station, "supervisor stopped");
        Ok(())
    }
}

/// In the order they start: sign-in first, effects last.
fn of_the_site(shared: &Shared) -> Vec<Child> {
    let stations = shared.views.stations().into_iter().map(|station| Child::Station(station.id));
    [Child::Access].into_iter().chain(stations).chain([Child::Processes]).collect()
}

/// In the order they start: whoever uses a shell comes after it.
fn of_a_station() -> Vec<Child> {
    let shells = [
        StreamKind::Station,
        StreamKind::Ladder,
        StreamKind::Executor,
        StreamKind::Timeline,
        StreamKind::Library,
    ];
    shells.map(Child::Shell).into_iter().chain([Child::Engine, Child::Planner]).collect()
}
