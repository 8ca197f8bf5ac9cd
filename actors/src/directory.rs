//! Who runs which aggregate now, and how many commands wait for each.
//!
//! References are looked up per message, never kept: after a restart the old one is dead.
//! Mailboxes are unbounded, so admission is bounded here, in front of them.

use crate::error::CommandError;
use crate::meta::{Meta, Receipt};
use crate::shell::{ShellMessage, Snapshot};
use grimnir_events::StreamId;
use grimnir_rules::Aggregate;
use ractor::{ActorCell, ActorRef};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Commands that may wait for one aggregate.
pub const QUEUE_LIMIT: usize = 256;
/// How long a caller waits for a shell that is being started again.
const RESTART_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Entry {
    cell: Option<ActorCell>,
    waiting: usize,
}

/// The directory of running shells.
#[derive(Default)]
pub struct Directory {
    entries: Mutex<BTreeMap<StreamId, Entry>>,
    entered: tokio::sync::Notify,
}

impl Directory {
    /// Makes a shell known; takes the place of the one before it.
    pub fn enter(&self, stream: StreamId, cell: ActorCell) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        // What waited in the old mailbox is gone, and its callers were answered by the drop.
        entries.insert(stream, Entry { cell: Some(cell), waiting: 0 });
        drop(entries);
        self.entered.notify_waiters();
    }

    /// One command of the queue was answered.
    pub fn leave_queue(&self, stream: StreamId) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(&stream) {
            entry.waiting = entry.waiting.saturating_sub(1);
        }
    }

    /// Commands that wait, over all aggregates.
    pub fn waiting(&self) -> usize {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.values().map(|entry| entry.waiting).sum()
    }

    /// True when a shell runs for the stream.
    pub fn knows(&self, stream: StreamId) -> bool {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&stream)
    }

    /// Sends a command and waits for the answer.
    pub async fn decide<A: Aggregate>(
        &self,
        stream: StreamId,
        command: A::Command,
        meta: Meta,
    ) -> Result<Receipt<A::Event>, CommandError> {
        let shell = self.shell::<A>(stream).await?;
        self.join_queue(stream)?;
        let (reply, answer) = oneshot::channel();
        shell
            .cast(ShellMessage::Decide { command: Box::new(command), meta, reply })
            .map_err(|_| restarted())?;
        answer.await.map_err(|_| restarted())?
    }

    /// Shows an aggregate's state.
    pub async fn inspect<A: Aggregate>(
        &self,
        stream: StreamId,
    ) -> Result<Snapshot<A>, CommandError> {
        let shell = self.shell::<A>(stream).await?;
        let (reply, answer) = oneshot::channel();
        shell.cast(ShellMessage::Inspect { reply }).map_err(|_| restarted())?;
        answer.await.map_err(|_| restarted())?
    }

    fn join_queue(&self, stream: StreamId) -> Result<(), CommandError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(stream).or_default();
        if entry.waiting >= QUEUE_LIMIT {
            return Err(CommandError::Busy { waiting: entry.waiting, limit: QUEUE_LIMIT });
        }
        entry.waiting += 1;
        Ok(())
    }

    async fn shell<A: Aggregate>(
        &self,
        stream: StreamId,
    ) -> Result<ActorRef<ShellMessage<A>>, CommandError> {
        let deadline = tokio::time::Instant::now() + RESTART_PATIENCE;
        loop {
            let entered = self.entered.notified();
            tokio::pin!(entered);
            // Registered before the look, so that an entry made in between is not missed.
            entered.as_mut().enable();
            match self.living(stream) {
                None => {
                    return Err(CommandError::not_found(
                        "aggregate_not_found",
                        format!("there is no {stream}"),
                    ));
                }
                Some(Some(cell)) => return Ok(ActorRef::from(cell)),
                Some(None) => {}
            }
            if tokio::time::timeout_at(deadline, entered).await.is_err() {
                return Err(restarted());
            }
        }
    }

    /// `None`: not known; `Some(None)`: known, but being started again.
    fn living(&self, stream: StreamId) -> Option<Option<ActorCell>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(&stream)?;
        Some(entry.cell.clone().filter(|cell| {
            matches!(
                cell.get_status(),
                ractor::ActorStatus::Running
                    | ractor::ActorStatus::Starting
                    | ractor::ActorStatus::Upgrading
            )
        }))
    }
}

fn restarted() -> CommandError {
    CommandError::Uncertain {
        reason: "the aggregate was started again while the command waited".into(),
    }
}
