//! Opening a node's ledger on JetStream: reach the server, hold stream and replica against each
//! other, follow to the stream's end.

use super::check::{Marks, class, deviations};
use super::connect::{Connection, NatsAddress, connect};
use super::follower::{self, examine};
use super::identity::{Known, Trouble, created, describe};
use super::lease::NatsLeases;
use super::monitor::sync_policy;
use super::names::Names;
use super::waiters::{Turns, Waiters};
use super::wire::{NatsWire, Wire};
use super::{Inner, JetStreamLedger, Status};
use crate::clock::{Clock, SystemClock};
use crate::directory::{Identity, OpenError, load_epoch, store_epoch};
use crate::embedded::{EmbeddedLedger, Options};
use crate::files;
use crate::ledger::{Ledger, ReadError, Seq};
use async_nats::jetstream::{self, stream::Info};
use grimnir_events::{LogId, SiteId};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// Puts something between appends and the server.
pub type WrapWire = Arc<dyn Fn(Arc<dyn Wire>) -> Arc<dyn Wire> + Send + Sync>;

/// The stream's end must come nearer at least once in this time while the ledger is opened.
const STALLED_AFTER: Duration = Duration::from_secs(30);
/// How long the first connection may take.
const CONNECT_WAIT: Duration = Duration::from_secs(4);

/// How a ledger on JetStream is opened.
#[derive(Clone)]
pub struct JetStreamOptions {
    /// The server.
    pub address: NatsAddress,
    /// The site; may be left out where there is a replica already.
    pub site_id: Option<SiteId>,
    /// Go on with a stream that is weaker than a ledger has to be.
    pub accept_weaker: bool,
    /// How long the server may take to acknowledge a commit before it is asked what became of it.
    pub ack_wait: Duration,
    /// How long an append may take before it is answered without an outcome.
    pub patience: Duration,
    /// Where the stamps' time is read from; the time of record is the server's.
    pub clock: Arc<dyn Clock>,
    /// A segment of the replica of this many bytes is closed and the next one begun.
    pub rotate_bytes: u64,
    /// Puts something between appends and the server: for tests of what a network may do.
    pub wrap: Option<WrapWire>,
}

impl std::fmt::Debug for JetStreamOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JetStreamOptions")
            .field("address", &self.address)
            .field("site_id", &self.site_id)
            .field("accept_weaker", &self.accept_weaker)
            .finish_non_exhaustive()
    }
}

impl JetStreamOptions {
    /// The usual ones for this server.
    pub fn at(address: NatsAddress) -> Self {
        Self {
            address,
            site_id: None,
            accept_weaker: false,
            ack_wait: Duration::from_secs(1),
            patience: Duration::from_secs(3),
            clock: Arc::new(SystemClock),
            rotate_bytes: Options::default().rotate_bytes,
            wrap: None,
        }
    }
}

impl JetStreamLedger {
    /// Opens the site's ledger with its replica in `dir`. Without a server it opens only where
    /// there is a replica: then it reads, and takes nothing until the server is back.
    pub async fn open(dir: impl AsRef<Path>, options: JetStreamOptions) -> Result<Self, OpenError> {
        let dir = dir.as_ref().to_owned();
        let known = known_replica(&dir)?;
        let site = site_of(&dir, &options)?;
        let names = Names::of(site);
        let connection = reach(&options.address, known.is_some()).await?;
        let stream = jetstream::new(connection.client.clone())
            .get_stream_no_info(&names.stream)
            .await
            .map_err(|e| OpenError::Away { reason: e.to_string() })?;
        let seen = match describe(&stream, &connection.lost).await {
            Ok(info) => Some(info),
            Err(Trouble::Away(reason)) if known.is_none() => {
                return Err(OpenError::Away { reason: format!("{}: {reason}", names.stream) });
            }
            Err(_) => None,
        };
        let log_id = identify(&dir, known, seen.as_ref())?;
        let replica = open_replica(&dir, site, log_id, options.rotate_bytes).await?;
        let wire: Arc<dyn Wire> = Arc::new(NatsWire {
            client: connection.client.clone(),
            stream: stream.clone(),
            names: names.clone(),
            lost: connection.lost.clone(),
            ack_wait: options.ack_wait,
        });
        let wire = options.wrap.as_ref().map_or_else(|| wire.clone(), |wrap| wrap(wire.clone()));
        let inner = Arc::new(Inner {
            dir,
            names,
            connection,
            wire,
            stream,
            log_id,
            epoch: AtomicU64::new(replica.epoch()),
            replica,
            clock: options.clock.clone(),
            waiters: Waiters::default(),
            turns: Turns::default(),
            status: Mutex::new(Status::unseen("not looked at yet".into())),
            incident: watch::Sender::new(None),
            patience: options.patience,
            look: tokio::sync::Notify::new(),
            options,
        });
        start(inner, seen.is_some()).await
    }
}

/// Checks what can be, follows to the end, and leaves the follower running.
async fn start(inner: Arc<Inner>, reachable: bool) -> Result<JetStreamLedger, OpenError> {
    let target = match examine(&inner).await {
        Ok(info) => Some(info.state.last_sequence),
        Err(Trouble::Contradiction(error)) => return Err(error.into()),
        Err(Trouble::Away(reason)) if reachable => return Err(OpenError::Away { reason }),
        Err(Trouble::Away(reason)) => {
            tracing::warn!(reason, "JetStream is away: the ledger reads and takes nothing");
            inner.set_status(Status::unseen(reason));
            None
        }
    };
    let status = inner.status();
    if target.is_some() && !status.deviations.is_empty() && !inner.options.accept_weaker {
        let stream = inner.names.stream.clone();
        return Err(OpenError::Weaker { stream, deviations: status.deviations });
    }
    let tasks = vec![
        tokio::spawn(follower::run(inner.clone())).abort_handle(),
        tokio::spawn(follower::watch(inner.clone())).abort_handle(),
    ];
    let leases = NatsLeases::open(&inner.connection.client, &inner.names)
        .await
        .map_err(|reason| OpenError::Away { reason })?;
    let ledger = JetStreamLedger { inner, tasks, leases: Arc::new(leases) };
    if let Some(target) = target {
        catch_up(&ledger.inner, target).await?;
    }
    let inner = &ledger.inner;
    let noted = load_epoch(&inner.dir)?.unwrap_or(0);
    let epoch = inner.replica.epoch().max(inner.replica.followed_epoch() + 1).max(noted);
    store_epoch(&inner.dir, epoch)?;
    inner.epoch.store(epoch, Ordering::Release);
    Ok(ledger)
}

async fn catch_up(inner: &Inner, target: Seq) -> Result<(), OpenError> {
    loop {
        let before = inner.replica.head_seq();
        if before >= target {
            return Ok(());
        }
        let step = target.min(before + 10_000);
        let mut incident = inner.incident.subscribe();
        let reached = inner.waiters.reached(step, || inner.replica.head_seq());
        tokio::select! {
            () = reached => {}
            _ = incident.wait_for(Option::is_some) => {
                let error = inner.incident();
                return Err(error.map_or_else(|| unfollowed(before, target), Into::into));
            }
            () = tokio::time::sleep(STALLED_AFTER) => {
                if inner.replica.head_seq() == before {
                    return Err(unfollowed(before, target));
                }
            }
        }
    }
}

fn unfollowed(at: Seq, target: Seq) -> OpenError {
    let waited = STALLED_AFTER.as_secs();
    OpenError::Away { reason: format!("the log stands at seq {at} of {target} for {waited} s") }
}

/// What a stream is worth now.
pub(super) async fn assess(inner: &Inner, info: &Info) -> Status {
    let holder = info.cluster.as_ref().and_then(|cluster| cluster.leader.as_deref());
    let sync = sync_policy(&inner.options.address, holder).await;
    let found = deviations(info, inner.replica.identity().site_id, inner.log_id, &sync);
    let status =
        Status { class: class(info.config.num_replicas, &sync, &found), deviations: found };
    let before = inner.status();
    if before.deviations != status.deviations {
        for deviation in &status.deviations {
            tracing::warn!(stream = info.config.name, %deviation, "the stream deviates");
        }
    }
    status
}

/// Looks at the stream; what cannot be seen counts as weaker, what contradicts is an incident.
pub(super) async fn look_again(inner: &Inner) {
    match examine(inner).await {
        Ok(_) => {}
        Err(Trouble::Away(reason)) => inner.set_status(Status::unseen(reason)),
        Err(Trouble::Contradiction(error)) => inner.report(error),
    }
}

/// The stream the replica in `dir` is of, where there is one.
fn known_replica(dir: &Path) -> Result<Option<Known>, OpenError> {
    files::make_dir(dir).map_err(OpenError::io(dir))?;
    let known = Known::load(dir)?;
    if known.is_none() && Identity::find(dir)?.is_some() {
        let reason = "it is a ledger of its own, not the replica of a stream".into();
        return Err(OpenError::Foreign { path: dir.join("ledger.json"), reason });
    }
    Ok(known)
}

fn site_of(dir: &Path, options: &JetStreamOptions) -> Result<SiteId, OpenError> {
    if let Some(site) = options.site_id {
        return Ok(site);
    }
    match Identity::find(dir)? {
        Some(identity) => Ok(identity.site_id),
        None => {
            let reason = "no replica is here yet, so the site has to be named".into();
            Err(OpenError::Foreign { path: dir.to_owned(), reason })
        }
    }
}

async fn reach(address: &NatsAddress, may_wait: bool) -> Result<Connection, OpenError> {
    let away = |reason: String| OpenError::Away { reason };
    match tokio::time::timeout(CONNECT_WAIT, connect(address, true)).await {
        Ok(Ok(connection)) => return Ok(connection),
        Ok(Err(refused)) if !may_wait || !refused.passes => return Err(away(refused.reason)),
        Err(_) if !may_wait => {
            let waited = CONNECT_WAIT.as_secs();
            return Err(away(format!("{}: no connection within {waited} s", address.url)));
        }
        Ok(Err(_)) | Err(_) => {}
    }
    connect(address, false).await.map_err(|refused| away(refused.reason))
}

/// Which log it is; at the first opening the stream says so, and the replica remembers.
fn identify(dir: &Path, known: Option<Known>, seen: Option<&Info>) -> Result<LogId, OpenError> {
    if let Some(known) = known {
        return Ok(known.log_id);
    }
    let info = seen.ok_or_else(|| OpenError::Away { reason: "no stream, no replica".into() })?;
    let stream = info.config.name.clone();
    let marks = Marks::of(&info.config)
        .map_err(|reason| OpenError::Away { reason: format!("stream {stream}: {reason}") })?;
    let Marks { log_id, incarnation } = marks;
    Known { stream, log_id, incarnation, created: created(info) }.store(dir)?;
    Ok(log_id)
}

/// Opens the replica. One that contradicts itself is set aside: the log of record is elsewhere.
async fn open_replica(
    dir: &Path,
    site: SiteId,
    log_id: LogId,
    rotate_bytes: u64,
) -> Result<EmbeddedLedger, OpenError> {
    let options = move || Options {
        site_id: Some(site),
        log_id: Some(log_id),
        rotate_bytes,
        ..Options::default()
    };
    let open = move |dir: PathBuf| {
        let opened = EmbeddedLedger::open(&dir, options());
        let Err(OpenError::Damaged(ReadError::Corrupt { seq, reason })) = opened else {
            return opened;
        };
        let aside = set_aside(&dir)?;
        let aside = aside.display().to_string();
        tracing::error!(event.seq = seq, reason, aside, "the replica is damaged: followed anew");
        let replica = EmbeddedLedger::open(&dir, options())?;
        // Engines know the epochs that were used here, whatever became of the segments.
        if let Some(used) = load_epoch(Path::new(&aside))? {
            store_epoch(&dir, used + 1)?;
        }
        Ok(replica)
    };
    let dir = dir.to_owned();
    tokio::task::spawn_blocking(move || open(dir))
        .await
        .map_err(|e| OpenError::Away { reason: e.to_string() })?
}

/// Moves segments, epoch's witness and the mark of an orderly close out of the way; nothing is
/// deleted.
fn set_aside(dir: &Path) -> Result<PathBuf, OpenError> {
    let mut count = 0;
    let aside = loop {
        let path = dir.join(format!("damaged-{count}"));
        if !path.exists() {
            break path;
        }
        count += 1;
    };
    files::make_dir(&aside).map_err(OpenError::io(&aside))?;
    for name in ["segments", "clean", "epoch"] {
        let path = dir.join(name);
        match std::fs::rename(&path, aside.join(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(OpenError::io(&path)(error)),
        }
    }
    files::sync_parent(&aside).map_err(OpenError::io(dir))?;
    Ok(aside)
}
