//! The change feed: follows the projector's position and tells what each commit changed.
//!
//! A reader pulls; nothing is queued for it. While it keeps up, changes come from those kept at
//! hand; when it falls behind they are derived from the ledger again, by the same pure function.

use crate::change::changes_of;
use crate::decoded::Decoded;
use crate::rows::Change;
use crate::views::{Shared, Told};
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, unfold};
use grimnir_ledger::Recorded;
use std::collections::VecDeque;
use std::sync::Arc;

/// Commits taken at once: bounds what a reader holds (64 commits of at most 60 KiB).
const BATCH: usize = 64;

struct Reader {
    shared: Arc<Shared>,
    /// Position of the next commit to read.
    next: u64,
    /// The last change seen.
    cursor: Option<(u64, u32)>,
    ready: VecDeque<Change>,
}

/// Everything after `cursor`, then what comes.
pub(crate) fn follow(
    shared: Arc<Shared>,
    cursor: Option<(u64, u32)>,
) -> BoxStream<'static, Change> {
    let position = shared.progress.borrow().position;
    // The cursor's own commit is read again: it may hold changes after the cursor's index.
    let next = cursor.map_or(position + 1, |(seq, _)| seq.max(1));
    let reader = Reader { shared, next, cursor, ready: VecDeque::new() };
    unfold(reader, |mut reader| async move {
        let change = reader.change().await?;
        Some((change, reader))
    })
    .boxed()
}

impl Reader {
    async fn change(&mut self) -> Option<Change> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return Some(change);
            }
            let position = self.reached().await?;
            let told = match self.shared.recall(self.next, BATCH) {
                Some(told) => told,
                None => self.read_again().await?,
            };
            for (seq, changes) in told {
                if seq > position {
                    break;
                }
                let fresh = |c: &&Change| self.cursor.is_none_or(|at| (c.seq, c.index) > at);
                self.ready.extend(changes.iter().filter(fresh).cloned());
                self.next = seq + 1;
            }
        }
    }

    /// Waits until the read models hold the next commit; `None` when none comes any more.
    async fn reached(&self) -> Option<u64> {
        let mut progress = self.shared.progress.subscribe();
        let next = self.next;
        let seen = progress.wait_for(|p| p.position >= next || p.closed).await.ok()?;
        (seen.position >= next).then_some(seen.position)
    }

    async fn read_again(&self) -> Option<Vec<Told>> {
        match self.shared.ledger.read_all(self.next, BATCH).await {
            Ok(batch) if batch.is_empty() => None,
            Ok(batch) => {
                let told = |r: &Arc<Recorded>| (r.seq, Arc::new(changes_of(&Decoded::of(r))));
                Some(batch.iter().map(told).collect())
            }
            Err(error) => {
                tracing::warn!(event.seq = self.next, outcome = %error, "change feed ends");
                None
            }
        }
    }
}
