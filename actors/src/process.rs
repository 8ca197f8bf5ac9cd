//! Turns the crank of the process managers: what they answer to a commit is sent on.
//!
//! The managers themselves are pure and live in `grimnir_rules::process`. The cursor is durable
//! and moves only after every command was answered; a command sent again after a crash has the
//! same commit id, so it takes effect once.

use crate::error::CommandError;
use crate::meta::Meta;
use crate::site::Shared;
use futures_util::StreamExt;
use grimnir_events::{Actor as Principal, CommitId, StationId, StreamId};
use grimnir_ledger::{Ledger, Recorded};
use grimnir_rules::process::{self, AnyCommand, Committed, Follow};
use grimnir_rules::{Executor, Ladder, Library, Station, Timeline};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, warn};

/// Commits without consequence between two writes of the cursor.
const CURSOR_EVERY: u64 = 256;
/// A former owner's follow-ups are at most so far behind what they follow.
const LAG_AT_MOST_US: i64 = 10 * 60 * 1_000_000;
/// Our own cursor is gone on from where it is at most so many commits behind.
const COMMITS_BEHIND_AT_MOST: u64 = 100_000;
const READ_BATCH: usize = 1_024;
const RETRY: Duration = Duration::from_millis(200);

/// What the runner is started with.
pub struct RunnerArgs {
    /// The site.
    pub shared: Arc<Shared>,
    /// The one station whose commits are followed up; all of them where not given.
    pub scope: Option<StationId>,
}

/// The actor.
pub struct ProcessRunner;

/// What a running runner holds.
pub struct RunnerState {
    shared: Arc<Shared>,
    scope: Option<StationId>,
    cursor_file: PathBuf,
    cursor: u64,
    written: u64,
    follower: tokio::task::JoinHandle<()>,
}

/// One commit of the ledger, in order.
pub struct Next {
    recorded: Arc<Recorded>,
    done: tokio::sync::oneshot::Sender<()>,
}

impl Actor for ProcessRunner {
    type Msg = Next;
    type State = RunnerState;
    type Arguments = RunnerArgs;

    async fn pre_start(
        &self,
        me: ActorRef<Next>,
        args: RunnerArgs,
    ) -> Result<RunnerState, ActorProcessingErr> {
        let name = match args.scope {
            Some(station) => format!("process-{station}.cursor"),
            None => "process.cursor".into(),
        };
        let cursor_file = args.shared.config.data_dir.join(name);
        let head = args.shared.ledger.head().await?.seq;
        let written = read_cursor(&cursor_file).filter(|seq| *seq <= head).unwrap_or(0);
        let cursor = match args.scope {
            Some(station) => resume(args.shared.ledger.as_ref(), station, written).await?,
            None => written,
        };
        let mut commits = args.shared.ledger.follow(cursor + 1);
        let follower = tokio::spawn(async move {
            while let Some(next) = commits.next().await {
                let recorded = match next {
                    Ok(recorded) => recorded,
                    Err(error) => {
                        warn!(%error, "process managers cannot read on");
                        break;
                    }
                };
                let (done, finished) = tokio::sync::oneshot::channel();
                // One at a time, so that a slow aggregate does not fill the mailbox.
                if me.cast(Next { recorded, done }).is_err() || finished.await.is_err() {
                    return;
                }
            }
            me.stop(Some("the ledger cannot be followed".into()));
        });
        let RunnerArgs { shared, scope } = args;
        Ok(RunnerState { shared, scope, cursor_file, cursor, written: cursor, follower })
    }

    async fn handle(
        &self,
        _me: ActorRef<Next>,
        next: Next,
        state: &mut RunnerState,
    ) -> Result<(), ActorProcessingErr> {
        let acted = state.follow_up(&next.recorded).await;
        state.cursor = next.recorded.seq;
        if acted || state.cursor >= state.written + CURSOR_EVERY {
            state.write_cursor();
        }
        let _ = next.done.send(());
        Ok(())
    }

    async fn post_stop(
        &self,
        _me: ActorRef<Next>,
        state: &mut RunnerState,
    ) -> Result<(), ActorProcessingErr> {
        state.follower.abort();
        state.write_cursor();
        Ok(())
    }
}

impl RunnerState {
    async fn follow_up(&self, recorded: &Recorded) -> bool {
        let stream = recorded.commit.header.stream;
        if self.scope.is_some() && stream.station() != self.scope {
            return false;
        }
        let Some(committed) = Committed::decode(&recorded.commit) else { return false };
        let follows = process::react(&committed);
        let acted = !follows.is_empty();
        for follow in follows {
            self.carry_out(recorded, follow).await;
        }
        acted
    }

    /// Sends one command until it is answered with more than "not now".
    async fn carry_out(&self, recorded: &Recorded, follow: Follow) {
        let cause = recorded.commit.header.commit_id;
        let meta = Meta {
            actor: Principal::Process,
            correlation: recorded.commit.header.correlation,
            causation: cause,
            commit_id: commit_id(self.shared.ledger.log_id(), cause, follow.index),
        };
        loop {
            match send(&self.shared, follow.station, follow.command.clone(), meta).await {
                Ok(()) => return,
                Err(
                    CommandError::Unavailable { .. }
                    | CommandError::Uncertain { .. }
                    | CommandError::Busy { .. }
                    | CommandError::NoOwner
                    | CommandError::NotOwner { .. },
                ) => {
                    if self.shared.is_closing() || !self.owns(follow.station) {
                        return;
                    }
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => {
                    // The aggregate says no: a fact of its own, nothing to try again.
                    debug!(%error, cause = %cause, "a process manager's command was refused");
                    return;
                }
            }
        }
    }

    /// What is not ours any more is followed up by its new owner.
    fn owns(&self, station: StationId) -> bool {
        self.shared.ownership.epoch(station.0).is_some()
    }

    fn write_cursor(&mut self) {
        let partial = self.cursor_file.with_extension("tmp");
        let written = std::fs::write(&partial, self.cursor.to_string())
            .and_then(|()| std::fs::rename(&partial, &self.cursor_file));
        match written {
            Ok(()) => self.written = self.cursor,
            // Without it the same commands are sent again, and take effect once all the same.
            Err(error) => warn!(%error, "the process cursor cannot be written"),
        }
    }
}

/// Where a new owner goes on: before the last commit whose follow-up is in the ledger.
///
/// The former owner sent one follow-up after the other, so everything before that one was answered;
/// its own cursor is on another node. It is looked for no further back than a node may lag.
async fn resume(
    ledger: &dyn Ledger,
    station: StationId,
    written: u64,
) -> Result<u64, grimnir_ledger::ReadError> {
    let head = ledger.head().await?;
    let mut from = ledger.position_of(head.recorded_at.plus(-LAG_AT_MOST_US)).await?;
    if head.seq - written <= COMMITS_BEHIND_AT_MOST {
        from = from.min(written + 1);
    }
    let mut cursor = from.saturating_sub(1);
    while from <= head.seq {
        let batch = ledger.read_all(from, READ_BATCH).await?;
        let Some(last) = batch.last() else { break };
        from = last.seq + 1;
        for recorded in &batch {
            let header = &recorded.commit.header;
            if header.stream.station() != Some(station) {
                continue;
            }
            let Some(committed) = Committed::decode(&recorded.commit) else { continue };
            for follow in process::react(&committed) {
                let id = commit_id(ledger.log_id(), header.commit_id, follow.index);
                if ledger.find(id).await?.is_some() {
                    cursor = recorded.seq - 1;
                }
            }
        }
    }
    Ok(cursor)
}

fn commit_id(log: grimnir_events::LogId, cause: CommitId, index: u32) -> CommitId {
    process::follow_commit_id(log, cause, index)
}

async fn send(
    shared: &Shared,
    station: StationId,
    command: AnyCommand,
    meta: Meta,
) -> Result<(), CommandError> {
    let directory = &shared.directory;
    let stream = |kind| StreamId::of_station(kind, station);
    use grimnir_events::StreamKind as Kind;
    match command {
        AnyCommand::Station(c) => {
            directory.decide::<Station>(stream(Kind::Station), c, meta).await.map(drop)
        }
        AnyCommand::Ladder(c) => {
            directory.decide::<Ladder>(stream(Kind::Ladder), c, meta).await.map(drop)
        }
        AnyCommand::Executor(c) => {
            directory.decide::<Executor>(stream(Kind::Executor), c, meta).await.map(drop)
        }
        AnyCommand::Timeline(c) => {
            directory.decide::<Timeline>(stream(Kind::Timeline), c, meta).await.map(drop)
        }
        AnyCommand::Library(c) => {
            directory.decide::<Library>(stream(Kind::Library), c, meta).await.map(drop)
        }
    }
}

fn read_cursor(path: &std::path::Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
