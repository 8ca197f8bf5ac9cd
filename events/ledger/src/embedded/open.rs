//! Opening a ledger's directory: lock, identity, segment, epoch, store, threads; in that order.

use super::feeder::{self, Signal};
use super::replica::REPLICA_MARK;
use super::shared::Shared;
use super::store::Store;
use super::writer::Writer;
use super::{EmbeddedLedger, Owner, QUEUE};
use crate::clock::{Clock, SystemClock};
use crate::directory::{
    Clean, DIRECTORY_FORMAT, Identity, Lock, OpenError, load_epoch, store_epoch,
};
use crate::files;
use crate::ledger::ReadError;
use crate::segment::file::SegmentFile;
use crate::segment::recover::{Recovered, recover, save_torn};
use crate::segment::writer::{SegmentWriter, create, open_file};
use crate::segment::{self, SegmentHeader};
use crate::stage::{Seal, code_version};
use grimnir_events::{ContentHash, LogId, SiteId};
use std::fs::File;
use std::path::{Path, PathBuf};
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
        let path = find_segment(&dir, &identity, known_epoch.is_some())?;
        let clean = Clean::load(&dir)?;
        let recovered = recover(&path, identity.log_id, clean.map(|clean| clean.seq))?;
        check_clean(&path, clean, &recovered)?;
        let segment = open_segment(&path, &recovered, &options)?;
        let epoch = known_epoch.unwrap_or(0).max(recovered.epoch) + 1;
        store_epoch(&dir, epoch)?;
        let whole = clean.filter(|clean| clean.seq == recovered.index.head().seq);
        Clean::remove(&dir)?;
        let store = Store::open(&dir, whole)?;
        let reader = File::open(&path).map_err(OpenError::io(&path))?;
        let shared = Arc::new(Shared::new(recovered.index, reader, store));
        let signal = Arc::new(Signal::default());
        let (queue, requests) = mpsc::channel();
        let writer = Writer {
            shared: shared.clone(),
            seal: Seal { log_id: identity.log_id, epoch, code_version: code_version() },
            clock: options.clock,
            segment,
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
    if let Some(path) = segments(dir)?.into_iter().next() {
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

fn segments(dir: &Path) -> Result<Vec<PathBuf>, OpenError> {
    segment::list(dir).map_err(OpenError::io(dir))
}

/// The segment to go on with; made where the ledger was never opened to the end.
fn find_segment(dir: &Path, identity: &Identity, opened: bool) -> Result<PathBuf, OpenError> {
    let mut found = segments(dir)?;
    match (found.pop(), found.is_empty()) {
        (Some(path), true) => Ok(path),
        // Rotation is not built yet, so nothing of this program makes a second one.
        (Some(path), false) => {
            let reason = "more than one segment: this program goes on with a single one".into();
            Err(OpenError::Foreign { path, reason })
        }
        (None, _) if opened => {
            let reason = format!("{}: the segment is missing", segment::path_of(dir, 1).display());
            Err(ReadError::Corrupt { seq: 1, reason }.into())
        }
        (None, _) => {
            let path = segment::path_of(dir, 1);
            let folder = dir.join(segment::FOLDER);
            files::make_dir(&folder).map_err(OpenError::io(&folder))?;
            let header = SegmentHeader {
                log_id: identity.log_id,
                first_seq: 1,
                created_at: identity.created_at,
                previous: ContentHash::default(),
            };
            create(&path, &header).map_err(OpenError::io(&path))?;
            Ok(path)
        }
    }
}

/// Holds the segment against what an orderly close left: it may be longer, never shorter or other.
fn check_clean(path: &Path, clean: Option<Clean>, found: &Recovered) -> Result<(), OpenError> {
    let Some(clean) = clean.filter(|clean| clean.seq > 0) else { return Ok(()) };
    if found.asked == Some(clean.hash) {
        return Ok(());
    }
    let what = match found.asked {
        Some(hash) => format!("its hash is {hash}, at the last close it was {}", clean.hash),
        None => format!(
            "commits end at seq {}, at the last close they reached it",
            found.index.head().seq
        ),
    };
    let reason = format!("{}: {what}", path.display());
    Err(ReadError::Corrupt { seq: clean.seq, reason }.into())
}

/// Puts a torn tail aside, cuts it off, and opens the segment for writing.
fn open_segment(
    path: &Path,
    found: &Recovered,
    options: &Options,
) -> Result<SegmentWriter, OpenError> {
    let io = || OpenError::io(path);
    if found.torn {
        let saved = save_torn(path, found.length).map_err(io())?;
        let (seq, saved) = (found.index.head().seq, saved.display().to_string());
        tracing::warn!(event.seq = seq, saved, "a torn tail was put aside");
    }
    let file = open_file(path).map_err(io())?;
    let length = file.metadata().map_err(io())?.len();
    if length != found.length {
        file.set_len(found.length).map_err(io())?;
    }
    // Records that a crash left written but unsynced count from here on: sync before they do.
    file.sync_all().map_err(io())?;
    let file: Box<dyn SegmentFile> = match &options.wrap {
        Some(wrap) => wrap(file),
        None => Box::new(file),
    };
    Ok(SegmentWriter::new(file, found.length, options.allocate_bytes))
}
