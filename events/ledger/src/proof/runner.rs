//! When the notary signs: every so many commits, every so many seconds, and at the end.

use super::folder::ProofFolder;
use super::notary::{Notary, NotaryError};
use super::tree::TreeHash;
use crate::clock::Clock;
use crate::ledger::{Ledger, ReadError, Recorded};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use grimnir_events::UtcMicros;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::time::Instant;

/// Commits that are taken at once.
const BATCH: usize = 256;
/// Commits of sealed segments that are read again at once: ten million in three hours.
const REREAD: usize = 1_024;

/// How often a checkpoint is signed where there is something new.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// After so many commits,
    pub commits: u64,
    /// or after so long.
    pub longest: Duration,
    /// Never sooner after the one before: a burst of commits does not become one of signatures.
    pub shortest: Duration,
    /// So long between two readings of what the start left out.
    pub reread: Duration,
    /// So long after all of it was read, it is read once more.
    pub again: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            commits: 1_000,
            longest: Duration::from_secs(60),
            shortest: Duration::from_secs(1),
            reread: Duration::from_secs(1),
            again: Duration::from_secs(24 * 3_600),
        }
    }
}

impl Pace {
    /// How long after the last checkpoint one is due; `None` while nothing is new.
    pub fn wait(&self, new: u64) -> Option<Duration> {
        match new {
            0 => None,
            new if new >= self.commits => Some(self.shortest),
            _ => Some(self.longest),
        }
    }
}

/// How far the notary is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NotaryStatus {
    /// Commits that the last checkpoint covers; 0: there is none.
    pub size: u64,
    /// Its root.
    pub root: TreeHash,
    /// When it was signed.
    pub signed_at: Option<UtcMicros>,
    /// Cosignatures of witnesses on it.
    pub cosignatures: usize,
    /// Commits in the tree.
    pub read: u64,
    /// Of these, the ones before which the reading began: they are in sealed segments whose trees
    /// are proven.
    pub begun_behind: u64,
    /// Commits of sealed segments that were read again since the start.
    pub reread: u64,
    /// The tree that was signed before this start has come out again.
    pub confirmed: bool,
    /// Why it signs nothing any more: the ledger is not what was signed, or cannot be read.
    pub fault: Option<String>,
    /// A witness refuses because it has seen what this ledger does not have.
    pub disputed: Option<String>,
}

/// A notary at work.
#[derive(Debug)]
pub struct NotaryTask {
    status: Arc<watch::Sender<NotaryStatus>>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
    folder: ProofFolder,
}

impl NotaryTask {
    /// Lets a notary follow the ledger.
    pub fn spawn(
        ledger: Arc<dyn Ledger>,
        notary: Notary,
        pace: Pace,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let status = Arc::new(watch::Sender::new(status_at_start(&notary)));
        let (stop, stopped) = watch::channel(false);
        let folder = notary.folder().clone();
        let runner = Runner {
            last_at: Instant::now(),
            reread_at: Some(Instant::now() + pace.reread),
            notary: Some(notary),
            pace,
            clock,
            status: status.clone(),
        };
        let task = tokio::spawn(runner.run(ledger, stopped));
        Self { status, stop, task, folder }
    }

    /// How far it is; wakes at every checkpoint.
    pub fn status(&self) -> watch::Receiver<NotaryStatus> {
        self.status.subscribe()
    }
    /// Where others say what became of a checkpoint.
    pub fn status_sender(&self) -> Arc<watch::Sender<NotaryStatus>> {
        self.status.clone()
    }
    /// Where its files are.
    pub fn folder(&self) -> &ProofFolder {
        &self.folder
    }
    /// Reads to the ledger's end, signs once more and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.task.await;
    }
}

fn status_at_start(notary: &Notary) -> NotaryStatus {
    let Some(held) = notary.held() else {
        return NotaryStatus { confirmed: notary.is_confirmed(), ..NotaryStatus::default() };
    };
    // A checkpoint does not say when it was signed; its file does.
    let kept = std::fs::metadata(notary.folder().dir().join("checkpoint"));
    let kept = kept.and_then(|file| file.modified()).ok();
    let kept = kept.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    NotaryStatus {
        size: held.checkpoint.size,
        root: held.checkpoint.root,
        signed_at: kept.map(|at| UtcMicros(i64::try_from(at.as_micros()).unwrap_or(i64::MAX))),
        cosignatures: held.note.signatures.len().saturating_sub(1),
        ..NotaryStatus::default()
    }
}

struct Runner {
    notary: Option<Notary>,
    pace: Pace,
    clock: Arc<dyn Clock>,
    status: Arc<watch::Sender<NotaryStatus>>,
    last_at: Instant,
    /// When sealed segments are read again next.
    reread_at: Option<Instant>,
}

type Commits = BoxStream<'static, Result<Arc<Recorded>, ReadError>>;

impl Runner {
    async fn run(mut self, ledger: Arc<dyn Ledger>, stop: watch::Receiver<bool>) {
        if let Err(error) = self.follow(ledger, stop).await {
            tracing::error!(%error, "the notary signs nothing any more");
            self.status.send_modify(|status| status.fault = Some(error.to_string()));
        }
    }

    async fn follow(
        &mut self,
        ledger: Arc<dyn Ledger>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), NotaryError> {
        let mut commits = self.begin(&*ledger).await?.ready_chunks(BATCH);
        loop {
            let due = self.pace.wait(self.unsigned()).map(|wait| self.last_at + wait);
            let reread = self.reread_at.filter(|_| self.is_confirmed());
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                () = wait_until(due) => self.sign().await?,
                () = wait_until(reread) => self.reread(&*ledger).await?,
                batch = commits.next() => match batch {
                    Some(batch) => self.admit(batch).await?,
                    None => break,
                },
            }
        }
        let head = ledger.head().await?.seq;
        while self.notary.as_ref().is_some_and(|notary| notary.size() < head) {
            let Some(batch) = commits.next().await else { break };
            self.admit(batch).await?;
        }
        self.sign().await
    }

    /// Everything that is to be read, from where the reading has to begin.
    async fn begin(&mut self, ledger: &dyn Ledger) -> Result<Commits, NotaryError> {
        let trees = ledger.sealed_trees();
        let (size, confirmed) = self
            .with_notary(move |notary| {
                notary.begin_behind(&trees);
                Ok((notary.size(), notary.is_confirmed()))
            })
            .await?;
        self.status.send_modify(|status| {
            (status.read, status.begun_behind, status.confirmed) = (size, size, confirmed);
        });
        Ok(ledger.follow(size + 1))
    }

    /// Reads some of what the start left out.
    async fn reread(&mut self, ledger: &dyn Ledger) -> Result<(), NotaryError> {
        let from = self.with_notary(|notary| Ok(notary.reread_from())).await?;
        let Some(from) = from else {
            let anew = |notary: &mut Notary| {
                notary.reread_anew();
                Ok(())
            };
            self.with_notary(anew).await?;
            self.reread_at = Some(Instant::now() + self.pace.again);
            return Ok(());
        };
        let commits = ledger.read_all(from, REREAD).await?;
        let taken = self.with_notary(move |notary| notary.reread(&commits)).await?;
        self.status.send_if_modified(|status| {
            status.reread += taken;
            false
        });
        self.reread_at = Some(Instant::now() + self.pace.reread);
        Ok(())
    }

    fn is_confirmed(&self) -> bool {
        self.notary.as_ref().is_some_and(Notary::is_confirmed)
    }

    /// What a checkpoint now would have that the last has not; nothing while that is in doubt.
    fn unsigned(&self) -> u64 {
        let sure = self.notary.as_ref().filter(|notary| notary.is_confirmed());
        sure.map_or(0, Notary::unsigned)
    }

    async fn admit(
        &mut self,
        batch: Vec<Result<Arc<Recorded>, ReadError>>,
    ) -> Result<(), NotaryError> {
        self.with_notary(move |notary| {
            batch.into_iter().try_for_each(|recorded| notary.admit(&*recorded?))
        })
        .await?;
        let Some(notary) = &self.notary else { return Ok(()) };
        let (read, confirmed) = (notary.size(), notary.is_confirmed());
        // Silently: only checkpoints wake those who wait.
        self.status.send_if_modified(|status| {
            (status.read, status.confirmed) = (read, confirmed);
            false
        });
        Ok(())
    }

    async fn sign(&mut self) -> Result<(), NotaryError> {
        let signed = self.with_notary(Notary::sign).await?;
        self.last_at = Instant::now();
        let Some(signed) = signed else { return Ok(()) };
        let now = self.clock.now();
        tracing::debug!(event.seq = signed.checkpoint.size, "checkpoint signed");
        self.status.send_modify(|status| {
            (status.size, status.root) = (signed.checkpoint.size, signed.checkpoint.root);
            (status.signed_at, status.cosignatures) = (Some(now), 0);
        });
        Ok(())
    }

    /// Files are written where no task waits for them.
    async fn with_notary<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut Notary) -> Result<T, NotaryError> + Send + 'static,
    ) -> Result<T, NotaryError> {
        let gone = |reason: String| NotaryError::Read(ReadError::Unavailable { reason });
        let mut notary = self.notary.take().ok_or_else(|| gone("the notary is gone".into()))?;
        let done = tokio::task::spawn_blocking(move || {
            let answer = job(&mut notary);
            (notary, answer)
        });
        let (notary, answer) = done.await.map_err(|e| gone(e.to_string()))?;
        self.notary = Some(notary);
        answer
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the handle is gone: that is a stop too.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn wait_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
