//! One append: stage, publish under a condition, and find out what became of it whatever is said.
//!
//! The condition (the stream's last position, on its exact subject) makes an attempt that is sent
//! again harmless: of two, at most one can hold. So an attempt without a known outcome is sent
//! again as the same bytes under the same condition, until it is acknowledged or the stream has
//! moved on; and what the stream holds then is read, not guessed.

use super::Inner;
use super::wire::{Answer, Outgoing, Silence};
use crate::ledger::{AppendError, Appended, Expected, NewCommit, Seq};
use crate::stage::{Group, History, Verdict};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Between two attempts that met something that passes by itself.
const PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// An append and what is known of it.
struct Attempt<'a> {
    inner: &'a Inner,
    new: NewCommit,
    expected: Expected,
    until: Instant,
    pause: Duration,
    /// Bytes of attempts that were sent.
    sent: Vec<Bytes>,
    /// The last attempt, while its outcome is not known.
    open: Option<(Outgoing, String)>,
}

/// What to do next.
enum Next {
    Again,
    Answer(Result<Appended, AppendError>),
}

/// Appends one commit.
pub(super) async fn append(
    inner: &Arc<Inner>,
    new: NewCommit,
    expected: Expected,
) -> Result<Appended, AppendError> {
    let until = Instant::now() + inner.patience;
    let stream = new.stream;
    let turn = tokio::time::timeout_at(until, inner.turns.take(stream)).await;
    let Ok(_turn) = turn else {
        let reason = format!("{stream} took no commit for {} ms", inner.patience.as_millis());
        return Err(AppendError::Unavailable { reason });
    };
    let mut attempt =
        Attempt { inner, new, expected, until, pause: PAUSE, sent: Vec::new(), open: None };
    loop {
        match attempt.step().await {
            Next::Again => {}
            Next::Answer(answer) => return answer,
        }
    }
}

impl Attempt<'_> {
    async fn step(&mut self) -> Next {
        if let Some(error) = self.inner.incident() {
            return self.give_up(error.to_string());
        }
        if Instant::now() >= self.until {
            return self
                .give_up(format!("no outcome within {} ms", self.inner.patience.as_millis()));
        }
        let outgoing = match self.stage().await {
            Ok(outgoing) => outgoing,
            Err(next) => return next,
        };
        if self.sent.last() != Some(&outgoing.bytes) {
            self.sent.push(outgoing.bytes.clone());
        }
        let after = outgoing.after;
        match self.inner.wire.publish(outgoing.clone()).await {
            Ok(Answer::Stored(seq) | Answer::Repeated(seq)) => {
                // The replica says what is there; should it not come, the commit is stored still.
                self.open = Some((outgoing, format!("answered as seq {seq}, not followed yet")));
                if self.inner.replica.head_seq() >= seq {
                    // Here and not the commit: whoever answered is mistaken for now.
                    return self.rest_unless_found().await;
                }
                self.reach(seq).await
            }
            Ok(Answer::Moved) => self.moved(after).await,
            Ok(Answer::Refused(reason)) => {
                let reason = format!("JetStream refused it: {reason}");
                self.give_up(reason)
            }
            Err(Silence::Away(reason)) if self.open.is_none() => {
                Next::Answer(Err(AppendError::Unavailable { reason }))
            }
            Err(Silence::Away(reason) | Silence::Lost(reason)) => {
                self.open = Some((outgoing, reason));
                self.rest().await
            }
        }
    }

    /// The commit to publish; or what is known already.
    async fn stage(&mut self) -> Result<Outgoing, Next> {
        let (stream, commit_id) = (self.new.stream, self.new.commit_id);
        let (group, verdict, after) = self.inner.replica.judge(|known| {
            let mut group = Group::after(known.catalog.head(), self.inner.clock.now());
            let new = self.new.clone();
            let verdict = group.stage(&self.inner.seal(), known, new, self.expected);
            (group, verdict, known.last_seq(stream))
        });
        let at = match verdict {
            Verdict::Staged { at, .. } => at,
            Verdict::Final(Ok(found)) => {
                // By this append, or by an earlier one.
                let own = self.sent.iter().any(|bytes| **bytes == found.recorded.bytes);
                return Err(Next::Answer(Ok(Appended { repeated: !own, ..found })));
            }
            Verdict::Final(Err(AppendError::Unavailable { reason })) => {
                return Err(self.give_up(reason));
            }
            Verdict::Final(Err(error)) => return Err(Next::Answer(Err(error))),
            Verdict::IfStored(conflict) => {
                let after = after.map_err(|error| self.give_up(error.to_string()))?;
                return Err(self.conflict(conflict, after).await);
            }
        };
        let after = after.map_err(|error| self.give_up(error.to_string()))?;
        if let Some((open, _)) = &self.open
            && open.after == after
        {
            return Ok(open.clone());
        }
        // Where the stream moved on without it, an earlier attempt cannot hold any more.
        self.open = None;
        let bytes = Bytes::from(group.staged[at].bytes.clone());
        Ok(Outgoing { stream, commit_id, after, bytes, recorded_at: None })
    }

    /// The replica does not bear out the expectation: true only if it is not behind.
    async fn conflict(&mut self, conflict: AppendError, after: Seq) -> Next {
        let AppendError::Conflict { found, expected, .. } = conflict else {
            return Next::Answer(Err(conflict));
        };
        // Versions only grow, so one that was passed is passed.
        if found > expected {
            return Next::Answer(Err(conflict));
        }
        match self.inner.wire.tail(self.new.stream).await {
            Ok(tail) if tail > after => self.reach(tail).await,
            Ok(_) => Next::Answer(Err(conflict)),
            // Whatever the server holds, the replica is at `found`: nothing was sent.
            Err(reason) => Next::Answer(Err(AppendError::Unavailable { reason })),
        }
    }

    /// The server says the stream is not where the attempt expected it.
    async fn moved(&mut self, after: Seq) -> Next {
        match self.inner.wire.tail(self.new.stream).await {
            Ok(tail) if tail > after => self.reach(tail).await,
            // Another commit of the stream is on its way, or the answer came from a server that
            // is behind: both pass.
            Ok(_) | Err(_) => self.rest().await,
        }
    }

    /// Waits for the replica to reach `seq`.
    async fn reach(&mut self, seq: Seq) -> Next {
        let replica = &self.inner.replica;
        let reached = self.inner.waiters.reached(seq, || replica.head_seq());
        let mut incident = self.inner.incident.subscribe();
        tokio::select! {
            _ = tokio::time::timeout_at(self.until, reached) => {}
            _ = incident.wait_for(Option::is_some) => {}
        }
        Next::Again
    }

    async fn rest_unless_found(&mut self) -> Next {
        let id = self.new.commit_id;
        let found = self.inner.replica.judge(|known| known.find(id));
        if matches!(found, Ok(Some(_))) { Next::Again } else { self.rest().await }
    }

    async fn rest(&mut self) -> Next {
        let pause = self.pause.min(self.until.saturating_duration_since(Instant::now()));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        // A new connection ends the pause.
        let mut made = self.inner.connection.made.clone();
        made.mark_unchanged();
        let _ = tokio::time::timeout(pause, made.changed()).await;
        Next::Again
    }

    fn give_up(&self, reason: String) -> Next {
        let commit_id = self.new.commit_id;
        Next::Answer(Err(match &self.open {
            Some((_, open)) => {
                AppendError::Uncertain { commit_id, reason: format!("{reason}; {open}") }
            }
            None => AppendError::Unavailable { reason },
        }))
    }
}
