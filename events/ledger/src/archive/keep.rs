//! A ledger that is archived as it grows: at the start and whenever a segment was sealed.
//!
//! It runs beside everything else and nothing waits for it. What fails is said and tried again,
//! after ever longer pauses.

use super::{Archive, ArchiveError, Outcome};
use crate::ledger::Seq;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Where an archive is, and how to get in.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// Its URL.
    pub url: String,
    /// The store's own options, such as keys and regions.
    pub options: Vec<(String, String)>,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Keys stay out of traces, wherever they stand.
        let scheme = self.url.split(':').next().unwrap_or_default();
        f.debug_struct("Place").field("scheme", &scheme).finish_non_exhaustive()
    }
}

/// How often it is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Pause after the first failure; each further one is twice as long,
    pub first: Duration,
    /// up to this.
    pub most: Duration,
    /// Where nothing is sealed, so long until the archive is looked at again.
    pub look: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let (first, most) = (Duration::from_secs(5), Duration::from_secs(600));
        Self { first, most, look: Duration::from_secs(3_600) }
    }
}

/// How far it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ArchiveStatus {
    /// Every commit up to this position is archived.
    pub archived: Seq,
    /// Segments that are archived.
    pub segments: u64,
    /// Sealed segments that are not, as last looked.
    pub behind: u64,
    /// Rounds that failed since the start.
    pub failures: u64,
    /// Why the last round failed; `None` where it did not.
    pub fault: Option<String>,
    /// Rounds since the start.
    pub rounds: u64,
}

/// The task that archives a ledger.
#[derive(Debug)]
pub struct Archiver {
    status: watch::Receiver<ArchiveStatus>,
    task: tokio::task::AbortHandle,
}

impl Archiver {
    /// Begins with the ledger in `dir`; `sealed` moves whenever a segment was sealed. An error
    /// only where the URL can never be an archive: anything else passes, and is tried again.
    pub fn spawn(
        dir: &Path,
        place: Place,
        pace: Pace,
        sealed: Option<watch::Receiver<Seq>>,
    ) -> Result<Self, ArchiveError> {
        if let Err(error @ ArchiveError::Url { .. }) = Archive::open(&place.url, &place.options) {
            return Err(error);
        }
        let (told, status) = watch::channel(ArchiveStatus::default());
        let runner = Runner { dir: dir.to_owned(), place, pace, told: Arc::new(told) };
        let task = tokio::spawn(runner.run(sealed)).abort_handle();
        Ok(Self { status, task })
    }

    /// How far it is; wakes after every round.
    pub fn status(&self) -> watch::Receiver<ArchiveStatus> {
        self.status.clone()
    }
    /// Ends it. What was not archived yet is at the next start.
    pub fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Archiver {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Runner {
    dir: PathBuf,
    place: Place,
    pace: Pace,
    told: Arc<watch::Sender<ArchiveStatus>>,
}

impl Runner {
    async fn run(self, mut sealed: Option<watch::Receiver<Seq>>) {
        let mut pause = self.pace.first;
        loop {
            if let Some(sealed) = &mut sealed {
                sealed.mark_unchanged();
            }
            let outcome = self.round().await;
            let failed = !outcome.as_ref().is_ok_and(Outcome::is_complete);
            self.tell(outcome);
            if failed {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(self.pace.most);
                continue;
            }
            pause = self.pace.first;
            let _ = tokio::time::timeout(self.pace.look, moved(&mut sealed)).await;
        }
    }

    async fn round(&self) -> Result<Outcome, ArchiveError> {
        // Opened each time: a folder may be mounted, and a key renewed, meanwhile.
        let Place { url, options } = self.place.clone();
        let opened = tokio::task::spawn_blocking(move || Archive::open(&url, &options)).await;
        let gone = |e| super::io(&self.dir, &std::io::Error::other(e));
        opened.map_err(gone)??.copy_from(&self.dir).await
    }

    fn tell(&self, outcome: Result<Outcome, ArchiveError>) {
        let fault = match &outcome {
            Err(error) => Some(error.to_string()),
            Ok(outcome) => outcome.refused.first().map(|refused| {
                let more = outcome.refused.len() + outcome.untried.len() - 1;
                let and = if more > 0 { format!("; and {more} more") } else { String::new() };
                format!("{}{and}", refused.error)
            }),
        };
        let known = self.told.borrow().fault.clone();
        match &fault {
            Some(reason) if known != fault => {
                tracing::warn!(reason, "segments are not archived; it is tried again");
            }
            None if known.is_some() => tracing::info!("segments are archived again"),
            _ => {}
        }
        for archived in outcome.iter().flat_map(|outcome| &outcome.copied) {
            let (first, last) = (archived.first_seq, archived.last_seq);
            tracing::info!(event.seq = first, until = last, "a segment is archived");
        }
        self.told.send_modify(|status| {
            status.rounds += 1;
            status.failures += u64::from(fault.is_some());
            status.fault = fault;
            let Ok(outcome) = &outcome else { return };
            let mut there: Vec<_> = outcome.kept.iter().chain(&outcome.copied).collect();
            there.sort_by_key(|archived| archived.first_seq);
            status.segments = there.len() as u64;
            status.behind = (outcome.refused.len() + outcome.untried.len()) as u64;
            status.archived = there.into_iter().fold(0, |reached, archived| {
                if archived.first_seq == reached + 1 { archived.last_seq } else { reached }
            });
        });
    }
}

async fn moved(sealed: &mut Option<watch::Receiver<Seq>>) {
    // An error means that the ledger is closed; then nothing moves any more.
    let moved = match sealed {
        Some(sealed) => sealed.changed().await.is_ok(),
        None => false,
    };
    if !moved {
        std::future::pending().await
    }
}
