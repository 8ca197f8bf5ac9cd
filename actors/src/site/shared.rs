//! What the actors of a site share.

use crate::directory::Directory;
use crate::engine::EngineHandle;
use crate::engine::program::Place;
use crate::error::CommandError;
use crate::gather::Larder;
use crate::import::Imports;
use crate::meta::Meta;
use crate::ownership::keeper::Keeper;
use crate::ownership::{Ownership, Unit};
use crate::planner::PlannerMessage;
use crate::site::SiteConfig;
use crate::site::proof::SiteProof;
use crate::supervisor::SupervisorMessage;
use grimnir_events::{SiteId, StationId};
use grimnir_ledger::archive::Archiver;
use grimnir_ledger::{Ledger, Secrets};
use grimnir_projections::Views;
use ractor::ActorRef;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, oneshot, watch};

/// Files measured at once: each decodes on a core of its own.
const ANALYSES_AT_ONCE: usize = 2;
/// Stations planned at once: each takes a core while it is.
const PLANS_AT_ONCE: usize = 2;
/// How long a task may take to end by itself.
const CLOSE_PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// What the actors of a site share.
pub struct Shared {
    /// How the site was opened.
    pub config: SiteConfig,
    /// Its id.
    pub site_id: SiteId,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Secrets kept beside it.
    pub secrets: Arc<Secrets>,
    /// The read models.
    pub views: Arc<Views>,
    /// What is signed of the ledger.
    pub(crate) proof: SiteProof,
    /// Copies sealed segments elsewhere.
    pub(crate) archiver: Option<Archiver>,
    /// Who runs which aggregate.
    pub directory: Arc<Directory>,
    /// Who decides for which station.
    pub ownership: Arc<Ownership>,
    /// The engine's program.
    pub engine_program: PathBuf,
    /// Who takes folders in.
    pub imports: Imports,
    keeper: OnceLock<Arc<tokio::sync::Mutex<Keeper>>>,
    engines: Mutex<BTreeMap<StationId, Arc<EngineHandle>>>,
    planners: Mutex<BTreeMap<StationId, ActorRef<PlannerMessage>>>,
    larders: Mutex<BTreeMap<StationId, Arc<Mutex<Larder>>>>,
    planning: Semaphore,
    moved: Mutex<BTreeMap<StationId, watch::Sender<u64>>>,
    opened_at: u64,
    root: Mutex<Option<ActorRef<SupervisorMessage>>>,
    analyses: Semaphore,
    /// Something is to be measured again.
    pub(crate) analysis_asked: Notify,
    closing: AtomicBool,
    restarts: AtomicU64,
    tasks: Mutex<Vec<tokio::task::JoinHandle<()>>>,
    endless: Mutex<Vec<tokio::task::AbortHandle>>,
    store: Mutex<Option<Arc<dyn Ledger>>>,
}

/// What was opened before the site's actors start.
pub struct Parts {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Secrets kept beside it.
    pub secrets: Arc<Secrets>,
    /// The read models.
    pub views: Arc<Views>,
    /// Who decides for which station.
    pub ownership: Ownership,
    /// What is signed of the ledger.
    pub proof: SiteProof,
    /// Copies sealed segments elsewhere.
    pub archiver: Option<Archiver>,
    /// Ledger position at which the site opened.
    pub opened_at: u64,
}

impl Shared {
    /// Everything a site is opened with.
    pub fn new(config: SiteConfig, site_id: SiteId, parts: Parts) -> Self {
        let Parts { ledger, secrets, views, ownership, proof, archiver, opened_at } = parts;
        let engine_program = crate::engine::program::find_program(config.engine_program.as_deref());
        Self {
            config,
            site_id,
            ledger,
            secrets,
            views,
            proof,
            archiver,
            directory: Arc::default(),
            ownership: Arc::new(ownership),
            keeper: OnceLock::new(),
            engine_program,
            imports: Imports::default(),
            engines: Mutex::default(),
            planners: Mutex::default(),
            larders: Mutex::default(),
            planning: Semaphore::new(PLANS_AT_ONCE),
            moved: Mutex::default(),
            opened_at,
            root: Mutex::default(),
            analyses: Semaphore::new(ANALYSES_AT_ONCE),
            analysis_asked: Notify::new(),
            closing: AtomicBool::new(false),
            restarts: AtomicU64::new(0),
            tasks: Mutex::default(),
            endless: Mutex::default(),
            store: Mutex::default(),
        }
    }

    /// The engine of a station, as last seen.
    pub fn engine(&self, station: StationId) -> Arc<EngineHandle> {
        lock(&self.engines).entry(station).or_default().clone()
    }
    /// Every engine.
    pub fn engines(&self) -> Vec<(StationId, Arc<EngineHandle>)> {
        lock(&self.engines).iter().map(|(id, handle)| (*id, handle.clone())).collect()
    }
    /// Where the engine of a station lives.
    pub fn place_of(&self, station: StationId) -> Place {
        let index = self.views.stations().iter().position(|s| s.id == station).unwrap_or(0);
        let port = match self.config.mount_port {
            0 => 0,
            first => first.saturating_add(u16::try_from(index).unwrap_or(0)),
        };
        Place {
            station,
            dir: self.common_dir().join("stations").join(station.to_string()),
            media: self.media_dir(),
            program: self.engine_program.clone(),
            ip: self.config.listen_ip,
            port,
            epoch: self.epoch_of(station),
        }
    }
    /// Epoch under which this node decides for a station; 0 where it does not.
    pub fn epoch_of(&self, station: StationId) -> u64 {
        self.ownership.epoch(station.0).unwrap_or(0)
    }
    /// Everything that has an owner: the site's own stream and every station.
    pub fn units(&self) -> Vec<Unit> {
        let stations = self.views.stations().into_iter().map(|station| station.id.0);
        std::iter::once(self.site_id.0).chain(stations).collect()
    }
    pub(crate) fn enter_keeper(&self, keeper: Arc<tokio::sync::Mutex<Keeper>>) {
        // Entered once, when the site is opened.
        let _ = self.keeper.set(keeper);
    }
    pub(crate) fn keeper(&self) -> Option<&tokio::sync::Mutex<Keeper>> {
        self.keeper.get().map(Arc::as_ref)
    }
    /// Claims a station that begins on this node.
    pub(crate) async fn begin_station(&self, station: StationId) -> Result<(), CommandError> {
        let Some(keeper) = self.keeper() else { return Ok(()) };
        self.ledger.writable().map_err(|reason| CommandError::Unavailable { reason })?;
        keeper.lock().await.begin(station.0).await.map_err(|error| CommandError::Unavailable {
            reason: format!("the station cannot be claimed: {error}"),
        })
    }
    /// Everything that nodes of one host share: media, secrets, and their engines' folders.
    pub fn common_dir(&self) -> &std::path::Path {
        self.config.common_dir()
    }
    /// The media store.
    pub fn media_dir(&self) -> PathBuf {
        self.common_dir().join("media")
    }
    /// Where uploads are written before they are taken in.
    pub fn upload_dir(&self) -> PathBuf {
        self.config.data_dir.join("uploads")
    }

    /// Wakes when a commit of the station came.
    pub fn stations_moved(&self, station: StationId) -> watch::Receiver<u64> {
        let opened_at = self.opened_at;
        lock(&self.moved)
            .entry(station)
            .or_insert_with(|| watch::Sender::new(opened_at))
            .subscribe()
    }
    /// Ledger position of the last commit an engine may have to hear of.
    pub fn station_position(&self, station: StationId) -> u64 {
        lock(&self.moved).get(&station).map_or(self.opened_at, |sender| *sender.borrow())
    }
    pub(crate) fn move_station(&self, station: StationId, seq: u64) {
        let opened_at = self.opened_at;
        lock(&self.moved)
            .entry(station)
            .or_insert_with(|| watch::Sender::new(opened_at))
            .send_replace(seq);
    }

    /// Where a station's library is kept prepared for planning.
    pub(crate) fn larder(&self, station: StationId) -> Arc<Mutex<Larder>> {
        lock(&self.larders).entry(station).or_default().clone()
    }
    /// Waits for a turn to plan.
    pub(crate) async fn planning_permit(&self) -> Result<SemaphorePermit<'_>, CommandError> {
        self.planning.acquire().await.map_err(|_| CommandError::Closing)
    }
    pub(crate) fn enter_planner(&self, station: StationId, planner: ActorRef<PlannerMessage>) {
        lock(&self.planners).insert(station, planner);
    }
    pub(crate) async fn replan(&self, station: StationId, meta: Meta) -> Result<u64, CommandError> {
        let planner = lock(&self.planners).get(&station).cloned().ok_or_else(|| {
            CommandError::not_found("station_not_found", format!("there is no station {station}"))
        })?;
        let restarted = |_| CommandError::Uncertain { reason: "the planner was restarted".into() };
        let (reply, answer) = oneshot::channel();
        planner
            .cast(PlannerMessage::Replan { meta, reply })
            .map_err(|_| CommandError::Uncertain { reason: "the planner is restarting".into() })?;
        answer.await.map_err(restarted)?
    }

    pub(crate) fn enter_root(&self, root: ActorRef<SupervisorMessage>) {
        *lock(&self.root) = Some(root);
    }
    pub(crate) fn root(&self) -> Option<ActorRef<SupervisorMessage>> {
        lock(&self.root).clone()
    }
    /// Starts the actors of a station that is new.
    pub(crate) async fn add_station(&self, station: StationId) -> Result<(), CommandError> {
        let root = self.root().ok_or(CommandError::Closing)?;
        let (reply, answer) = oneshot::channel();
        root.cast(SupervisorMessage::AddStation(station, reply))
            .map_err(|_| CommandError::Closing)?;
        answer
            .await
            .map_err(|_| CommandError::Closing)?
            .map_err(|reason| CommandError::Failed { what: "starting the station", reason })
    }

    /// Waits for a turn to measure a file.
    pub(crate) async fn analysis_permit(&self) -> Result<SemaphorePermit<'_>, CommandError> {
        self.analyses.acquire().await.map_err(|_| CommandError::Closing)
    }

    /// Keeps a task that is waited for when the read models were closed.
    pub(crate) fn keep(&self, task: tokio::task::JoinHandle<()>) {
        lock(&self.tasks).push(task);
    }
    /// Keeps a task that is ended with the site.
    pub(crate) fn keep_until_end(&self, task: &tokio::task::JoinHandle<()>) {
        lock(&self.endless).push(task.abort_handle());
    }
    pub(crate) fn keep_store(&self, store: Arc<dyn Ledger>) {
        *lock(&self.store) = Some(store);
    }
    /// Ends the notary with a checkpoint, the read models with a snapshot, then the tasks, then
    /// the ledger.
    pub(crate) async fn end(&self) {
        for task in lock(&self.endless).drain(..) {
            task.abort();
        }
        self.proof.stop().await;
        self.views.close();
        let tasks: Vec<_> = lock(&self.tasks).drain(..).collect();
        for mut task in tasks {
            if tokio::time::timeout(CLOSE_PATIENCE, &mut task).await.is_err() {
                task.abort();
            }
        }
        let store = lock(&self.store).take();
        if let Some(store) = store {
            let _ = tokio::task::spawn_blocking(move || store.close()).await;
        }
    }

    /// The site is closing: nothing is started any more.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
    pub(crate) fn begin_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }
    pub(crate) fn count_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }
    /// Actors that were started again since the site was opened.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
