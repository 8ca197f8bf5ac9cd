//! Following a ledger: everything there is, then what comes, with no hole and no repeat.

use crate::ledger::{Head, ReadError, Recorded, Seq};
use futures_util::stream::{self, BoxStream, StreamExt};
use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;

/// Commits read at once; a follower never holds more, however far it is behind.
const BATCH: usize = 256;

/// Follows from `seq` on. `read` answers commits from a position, at most so many; `head` moves
/// after they can be read. Nothing is handed over in memory, so a slow follower loses nothing.
pub(crate) fn follow<F, R>(
    seq: Seq,
    head: watch::Receiver<Head>,
    read: R,
) -> BoxStream<'static, Result<Arc<Recorded>, ReadError>>
where
    F: Future<Output = Result<Vec<Arc<Recorded>>, ReadError>> + Send,
    R: Fn(Seq, usize) -> F + Send + Sync + 'static,
{
    let start = Follower { next: seq.max(1), ready: VecDeque::new(), head, read, over: false };
    stream::unfold(start, |mut follower| async move {
        let item = follower.step().await?;
        Some((item, follower))
    })
    .boxed()
}

struct Follower<R> {
    next: Seq,
    ready: VecDeque<Arc<Recorded>>,
    head: watch::Receiver<Head>,
    read: R,
    over: bool,
}

impl<F, R> Follower<R>
where
    F: Future<Output = Result<Vec<Arc<Recorded>>, ReadError>> + Send,
    R: Fn(Seq, usize) -> F + Send + Sync + 'static,
{
    /// The next commit; `None` once the ledger is closed and everything was handed out. An error
    /// is the last thing it says: what follows a hole is not a history.
    async fn step(&mut self) -> Option<Result<Arc<Recorded>, ReadError>> {
        loop {
            if self.over {
                return None;
            }
            if let Some(recorded) = self.ready.pop_front() {
                return Some(self.check(recorded));
            }
            // Seen before reading: a head that moves during the read wakes `changed` below.
            let known = self.head.borrow_and_update().seq;
            if known >= self.next {
                match (self.read)(self.next, BATCH).await {
                    Ok(batch) => self.ready = batch.into(),
                    Err(error) => {
                        self.over = true;
                        return Some(Err(error));
                    }
                }
                if !self.ready.is_empty() {
                    continue;
                }
            }
            if self.head.changed().await.is_err() {
                // The ledger is gone; what it published last may still be unread.
                self.over = self.head.borrow().seq == known;
            }
        }
    }

    fn check(&mut self, recorded: Arc<Recorded>) -> Result<Arc<Recorded>, ReadError> {
        if recorded.seq != self.next {
            self.over = true;
            let reason = format!("read seq {} where {} was next", recorded.seq, self.next);
            return Err(ReadError::Corrupt { seq: self.next, reason });
        }
        self.next += 1;
        Ok(recorded)
    }
}
