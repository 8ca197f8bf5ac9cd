//! One append: stage, publish under a condition, and find out what became of it whatever is said.
//!
//! The condition (the stream's last position, on its exact subject) makes an attempt that is sent
//! again harmless: of two, at most one can hold. So an attempt without a known outcome is sent
//! again as the same bytes under the same condition, until it is acknowledged or the stream has
//! moved on; and what the stream holds then is read, not guessed.

use super::Inner;
use super::wire::{Answer, Outgoing, Silence};
use crate::ledger::{AppendError, Appended, Expected, Ledger, NewCommit, ReadError, Seq};
use crate::stage::{Group, Verdict};
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
                if self.inner.replica.index().head().seq >= seq {
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
        let replica = &self.inner.replica;
        let commit_id = self.new.commit_id;
        let (group, verdict, after, stored) = {
            let index = replica.index();
            let mut group = Group::after(index.head(), self.inner.clock.now());
            let stored = index.seq_of(commit_id);
            let after = index.last_seq(self.new.stream);
            let verdict = (stored.is_none()).then(|| {
                let (new, expected) = (self.new.clone(), self.expected);
                group.stage(&self.inner.seal(), &index, new, expected, |seq| {
                    Err(ReadError::Unavailable { reason: format!("seq {seq} is not looked at") })
                })
            });
            (group, verdict, after, stored)
        };
        if let Some((open, _)) = &self.open
            && stored.is_none()
            && open.after == after
        {
            return Ok(open.clone());
        }
        let stream = self.new.stream;
        match verdict {
            None => Err(Next::Answer(self.found().await)),
            Some(Verdict::Staged { at, .. }) => {
                // Where the stream moved on without it, an earlier attempt cannot hold any more.
                self.open = None;
                let bytes = Bytes::from(group.staged[at].bytes.clone());
                Ok(Outgoing { stream, commit_id, after, bytes, recorded_at: None })
            }
            Some(Verdict::IfStored(conflict)) => Err(self.conflict(conflict, after).await),
            Some(Verdict::Final(answer)) => Err(Next::Answer(answer)),
        }
    }

    /// The commit is in the replica: by this append, by an earlier one, or with another body.
    async fn found(&self) -> Result<Appended, AppendError> {
        let commit_id = self.new.commit_id;
        let unreadable = |reason: String| AppendError::Uncertain { commit_id, reason };
        let found = self.inner.replica.find(commit_id).await;
        let recorded = found.map_err(|e| unreadable(e.to_string()))?;
        let recorded = recorded.ok_or_else(|| unreadable("it was there and is not".into()))?;
        if !crate::stage::same_body(&recorded.commit, &self.new) {
            return Err(AppendError::OtherBody { commit_id });
        }
        let repeated = !self.sent.iter().any(|bytes| **bytes == recorded.bytes);
        Ok(Appended { recorded, repeated })
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
        let reached = self.inner.waiters.reached(seq, || replica.index().head().seq);
        let mut incident = self.inner.incident.subscribe();
        tokio::select! {
            _ = tokio::time::timeout_at(self.until, reached) => {}
            _ = incident.wait_for(Option::is_some) => {}
        }
        Next::Again
    }

    async fn rest_unless_found(&mut self) -> Next {
        let found = self.inner.replica.index().seq_of(self.new.commit_id).is_some();
        if found { Next::Again } else { self.rest().await }
    }

    async fn rest(&mut self) -> Next {
        let pause = self.pause.min(self.until.saturating_duration_since(Instant::now()));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        tokio::time::sleep(pause).await;
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
