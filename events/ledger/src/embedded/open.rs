//! Opening a ledger's directory: lock, identity, history, epoch, store, threads; in that order.

use super::feeder::{self, Signal};
use super::history::{self, History};
use super::replica::REPLICA_MARK;
use super::rotation::Rotation;
use super::sealer;
use super::shared::Shared;
use super::store::Store;
use super::writer::Writer;
use super::{EmbeddedLedger, Owner, QUEUE};
use crate::clock::{Clock, SystemClock};
use crate::directory::{
    Clean, DIRECTORY_FORMAT, Identity, Lock, OpenError, load_epoch, store_epoch,
};
use crate::files;
use crate::segment;
use crate::segment::file::SegmentFile;
use crate::stage::{Seal, code_version};
use grimnir_events::{LogId, SiteId};
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Puts something between the writer and its file.
pub type Wrap = Arc<dyn Fn(File) -> Box<dyn SegmentFile> + Send + Sync>;

/// How a ledger is opened.
#[derive(Clone)]
pub struct Options {
    /// The site it must belong to; at the first opening `None` makes a new one.
    pub site_id: Option<SiteId>,
    /// The ledger it must be; at the first opening `None` mints one. A replica is told.
    pub log_id: Option<LogId>,
    /// Where it reads the time from.
    pub clock: Arc<dyn Clock>,
    /// Commits synced together at most.
    pub group_max: usize,
    /// How long the writer waits for as many appends as the group before had; a lone one never
    /// waits.
    pub group_wait: Duration,
    /// Bytes reserved in the segment at a time; 0: none.
    pub allocate_bytes: u64,
    /// A segment of this many bytes is closed and the next one begun; at most 1 GiB.
    pub rotate_bytes: u64,
    /// As is one that was begun so long ago, at the first commit after that.
    pub rotate_age: Duration,
    /// Puts something between the writer and its file: for tests of what a disk may do.
    pub wrap: Option<Wrap>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            site_id: None,
            log_id: None,
            clock: Arc::new(SystemClock),
            group_max: 256,
            group_wait: Duration::from_millis(2),
            allocate_bytes: 4 << 20,
            rotate_bytes: 64 << 20,
            rotate_age: Duration::from_secs(31 * 24 * 3600),
            wrap: None,
        }
    }
}

impl EmbeddedLedger {
    /// Opens the ledger in `dir`, and makes one there if there is none.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let dir = dir.as_ref().to_owned();
        files::make_dir(&dir).map_err(OpenError::io(&dir))?;
        let lock = Lock::take(&dir)?;
        let identity = identify(&dir, &options)?;
        let known_epoch = load_epoch(&dir)?;
        let clean = Clean::load(&dir)?;
        let History { catalog, segment, begun, epoch } =
            history::load(&dir, &identity, known_epoch.is_some(), clean, &options)?;
        let epoch = known_epoch.unwrap_or(0).max(epoch) + 1;
        store_epoch(&dir, epoch)?;
        let whole = clean.filter(|clean| clean.seq == catalog.head().seq);
        Clean::remove(&dir)?;
        let store = Store::open(&dir, catalog.active_first(), whole)?;
        let shared = Arc::new(Shared::new(catalog, store));
        let signal = Arc::new(Signal::default());
        let (queue, requests) = mpsc::channel();
        let (rotated, rotations) = mpsc::channel();
        let writer = Writer {
            shared: shared.clone(),
            seal: Seal { log_id: identity.log_id, epoch, code_version: code_version() },
            clock: options.clock,
            segment,
            rotation: Rotation {
                log_id: identity.log_id,
                dir: dir.clone(),
                bytes: options.rotate_bytes,
                age: options.rotate_age,
                allocate_bytes: options.allocate_bytes,
                wrap: options.wrap.clone(),
                begun,
                not_before: 0,
                rotated,
            },
            group_max: options.group_max.max(1),
            group_wait: options.group_wait,
            unsynced: false,
            published: {
                let signal = signal.clone();
                Box::new(move || signal.more())
            },
        };
        let owner = Owner {
            writer: spawn(&dir, "ledger-writer", move || writer.run(&requests))?,
            feeder: {
                let (shared, signal) = (shared.clone(), signal.clone());
                spawn(&dir, "ledger-store", move || feeder::run(&shared, &signal))?
            },
            sealer: {
                let (shared, wrap) = (shared.clone(), options.wrap);
                spawn(&dir, "ledger-sealer", move || {
                    sealer::run(&shared, &rotations, wrap.as_ref())
                })?
            },
            signal,
            dir,
            _lock: lock,
        };
        let room = Arc::new(Semaphore::new(QUEUE));
        Ok(Self { identity, epoch, shared, queue, room, owner: Mutex::new(Some(owner)) })
    }
}

fn spawn(
    dir: &Path,
    name: &str,
    job: impl FnOnce() -> bool + Send + 'static,
) -> Result<std::thread::JoinHandle<bool>, OpenError> {
    std::thread::Builder::new().name(name.into()).spawn(job).map_err(OpenError::io(dir))
}

/// Reads who the ledger is, or mints it at the first opening.
fn identify(dir: &Path, options: &Options) -> Result<Identity, OpenError> {
    if let Some(identity) = Identity::find(dir)? {
        if let Some(site) = options.site_id.filter(|site| *site != identity.site_id) {
            let reason = format!("ledger belongs to {}, opened for {site}", identity.site_id);
            return Err(OpenError::Foreign { path: dir.join("ledger.json"), reason });
        }
        if let Some(log) = options.log_id.filter(|log| *log != identity.log_id) {
            let reason = format!("it is {}, opened for {log}", identity.log_id);
            return Err(OpenError::Foreign { path: dir.join("ledger.json"), reason });
        }
        let marked = dir.join(REPLICA_MARK);
        if options.log_id.is_none() && marked.exists() {
            let reason = "it is a node's replica of a stream: serve it by the stream's address";
            return Err(OpenError::Foreign { path: marked, reason: reason.into() });
        }
        return Ok(identity);
    }
    let segments = segment::list(dir).map_err(OpenError::io(dir))?;
    if let Some(path) = segments.into_iter().next() {
        let reason = "a segment is there, but no ledger.json that says whose".into();
        return Err(OpenError::Foreign { path, reason });
    }
    let identity = Identity {
        format: DIRECTORY_FORMAT,
        log_id: match options.log_id {
            Some(log_id) => log_id,
            None => LogId(random_id(dir)?),
        },
        site_id: match options.site_id {
            Some(site) => site,
            None => SiteId(random_id(dir)?),
        },
        created_at: options.clock.now(),
    };
    identity.store(dir)?;
    Ok(identity)
}

fn random_id(dir: &Path) -> Result<[u8; 16], OpenError> {
    let mut id = [0u8; 16];
    let no_random = |e: getrandom::Error| OpenError::io(dir)(std::io::Error::other(e.to_string()));
    getrandom::fill(&mut id).map_err(no_random)?;
    Ok(id)
}
