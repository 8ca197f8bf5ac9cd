//! The one ractor shell that runs every aggregate.
//!
//! Load (snapshot, then fold the rest of the stream) → decide → append with the expected version
//! → evolve, only after the acknowledgement → answer. One append is in flight per aggregate; one
//! without a known outcome stops deciding until the stream's tail was read. A panic loses nothing:
//! the supervisor starts the shell again from the ledger, and whoever waited is answered.
//! Upstream: `grimnir-rules`, `grimnir-ledger`. Consequences (engine, other aggregates) are drawn
//! by followers of the ledger, so that none is lost between append and effect.

mod owner;

use crate::clock;
use crate::directory::Directory;
use crate::error::CommandError;
use crate::meta::{Meta, Receipt};
use crate::ownership::Ownership;
use crate::snapshots::{Keeper, Snapshots, Tails};
use grimnir_events::air::AirFact;
use grimnir_events::owner::folded;
use grimnir_events::{CommitId, StreamId, StreamKind, codec};
use grimnir_ledger::{AppendError, Appended, Expected, Ledger, NewCommit, Recorded};
use grimnir_rules::{Aggregate, Context, RULES_VERSION};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::marker::PhantomData;
use std::sync::Arc;
use tokio::sync::oneshot;
use tracing::{error, warn};

/// How often a decision is taken again when somebody else extended the stream.
const MAX_CONFLICTS: u32 = 3;
/// Fresh ids a decision may use.
const IDS_PER_DECISION: usize = 4;
const READ_BATCH: usize = 2_048;

/// What a shell is asked.
pub enum ShellMessage<A: Aggregate> {
    /// Carry out a command.
    Decide {
        /// The command.
        command: Box<A::Command>,
        /// Who, why, under which id.
        meta: Meta,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Receipt<A::Event>, CommandError>>,
    },
    /// Show the state.
    Inspect {
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Snapshot<A>, CommandError>>,
    },
}

/// A state and where it stands.
pub struct Snapshot<A: Aggregate> {
    /// The fold.
    pub state: Arc<A::State>,
    /// Commits of its own stream in it.
    pub version: u64,
    /// Ledger position of the last of them.
    pub seq: u64,
    /// Commits of the witnessed stream in it.
    pub air_version: u64,
}

impl<A: Aggregate> Clone for Snapshot<A> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), ..*self }
    }
}

/// What a shell is started with.
pub struct ShellArgs {
    /// Its stream.
    pub stream: StreamId,
    /// Where it reads and appends.
    pub ledger: Arc<dyn Ledger>,
    /// Where it makes itself known.
    pub directory: Arc<Directory>,
    /// Who decides.
    pub ownership: Arc<Ownership>,
    /// Its snapshots; without them every start folds the whole stream.
    pub snapshots: Option<Snapshots>,
}

/// The actor.
pub struct Shell<A>(PhantomData<A>);

impl<A> Default for Shell<A> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// What a running shell holds.
pub struct ShellState<A: Aggregate> {
    stream: StreamId,
    ledger: Arc<dyn Ledger>,
    directory: Arc<Directory>,
    fold: Snapshot<A>,
    ownership: Arc<Ownership>,
    /// Epoch under which it decides; 0: it does not, and only follows.
    epoch: u64,
    /// Epoch under which its stream was taken last; 0: never.
    taken: u64,
    tails: Tails,
    keeper: Keeper,
    /// An append whose outcome is not known.
    uncertain: bool,
}

impl<A: Aggregate> Actor for Shell<A> {
    type Msg = ShellMessage<A>;
    type State = ShellState<A>;
    type Arguments = ShellArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<Self::Msg>,
        args: ShellArgs,
    ) -> Result<Self::State, ActorProcessingErr> {
        let mut state = ShellState {
            stream: args.stream,
            ledger: args.ledger,
            directory: args.directory,
            ownership: args.ownership,
            epoch: 0,
            taken: 0,
            fold: Snapshot { state: Arc::default(), version: 0, seq: 0, air_version: 0 },
            tails: Tails::default(),
            keeper: Keeper::new(args.snapshots),
            // What follows a snapshot is read before anything is decided.
            uncertain: true,
        };
        if let Some(found) = state.keeper.load(state.stream, &*state.ledger).await {
            (state.fold, state.tails) = found;
            state.taken = state.last_epoch().await?;
        }
        state.catch_up().await?;
        state.take_snapshot();
        state.directory.enter(state.stream, myself.get_cell());
        Ok(state)
    }

    async fn handle(
        &self,
        _myself: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ShellMessage::Decide { command, meta, reply } => {
                // The caller may have gone; the command is carried out all the same.
                let _ = reply.send(state.decide(&command, meta).await);
                state.directory.leave_queue(state.stream);
            }
            ShellMessage::Inspect { reply } => {
                let answer = state.catch_up().await.map(|()| state.fold.clone());
                let _ = reply.send(answer);
            }
        }
        state.take_snapshot();
        Ok(())
    }
}

impl<A: Aggregate> ShellState<A> {
    fn take_snapshot(&mut self) {
        self.keeper.take(self.ledger.log_id(), self.stream, &self.fold, self.tails);
    }

    /// Folds whatever the ledger holds beyond the fold: own stream, then the witnessed one.
    async fn catch_up(&mut self) -> Result<(), CommandError> {
        let epoch = self.ownership.epoch(self.stream.id).unwrap_or(0);
        // Whoever does not own the stream follows it; whoever begins to has to know all of it.
        if self.fold.version == 0 || self.uncertain || epoch == 0 || epoch != self.epoch {
            self.catch_up_own().await?;
            self.uncertain = false;
            self.epoch = epoch;
        }
        self.catch_up_air().await
    }

    async fn catch_up_own(&mut self) -> Result<(), CommandError> {
        loop {
            let batch = self
                .ledger
                .read(self.stream, self.fold.version + 1, READ_BATCH)
                .await
                .map_err(unreadable)?;
            for recorded in &batch {
                self.evolve(recorded)?;
            }
            if batch.len() < READ_BATCH {
                return Ok(());
            }
        }
    }

    async fn catch_up_air(&mut self) -> Result<(), CommandError> {
        let Some(station) = self.stream.station() else { return Ok(()) };
        if !A::KIND.folds_air() {
            return Ok(());
        }
        let air = StreamId::of_station(StreamKind::Air, station);
        loop {
            let batch = self
                .ledger
                .read(air, self.fold.air_version + 1, READ_BATCH)
                .await
                .map_err(unreadable)?;
            for recorded in &batch {
                let state = Arc::make_mut(&mut self.fold.state);
                for event in &recorded.commit.events {
                    let fact = codec::decode::<AirFact>(event).map_err(corrupt)?;
                    A::witness(state, &fact);
                }
                self.fold.air_version = recorded.commit.header.version;
                self.tails.air = recorded.hash;
            }
            if batch.len() < READ_BATCH {
                return Ok(());
            }
        }
    }

    fn evolve(&mut self, recorded: &Recorded) -> Result<Vec<A::Event>, CommandError> {
        let events = decode_events::<A>(recorded)?;
        self.heed_owner(recorded)?;
        let state = Arc::make_mut(&mut self.fold.state);
        for event in &events {
            A::evolve(state, event);
        }
        self.fold.version = recorded.commit.header.version;
        self.fold.seq = recorded.seq;
        self.tails.own = recorded.hash;
        Ok(events)
    }

    async fn decide(
        &mut self,
        command: &A::Command,
        meta: Meta,
    ) -> Result<Receipt<A::Event>, CommandError> {
        self.catch_up().await?;
        let encoded = codec::encode(command).map_err(|e| CommandError::Failed {
            what: "encoding the command",
            reason: e.to_string(),
        })?;
        if let Some(receipt) = self.answered_before(meta, &encoded).await? {
            return Ok(receipt);
        }
        for _ in 0..=MAX_CONFLICTS {
            let epoch = self.may_decide()?;
            let context = Context {
                now: clock::now(),
                ids: (0..IDS_PER_DECISION).map(|_| clock::fresh_id()).collect(),
                air_version: self.fold.air_version,
                tzdb: grimnir_rules::planner::TZDB_VERSION.into(),
            };
            let decided = A::decide(&self.fold.state, command, &context);
            let nothing = decided.as_ref().map_or(true, Vec::is_empty);
            if nothing && self.was_behind().await? {
                continue;
            }
            let events = decided.map_err(|rejection| CommandError::rejected(&rejection))?;
            if events.is_empty() {
                return Ok(self.unchanged());
            }
            let commit = self.commit(meta, epoch, &encoded, (&context, &events))?;
            match self.ledger.append(commit, Expected::Version(self.fold.version)).await {
                Ok(appended) => return self.acknowledged(&appended),
                Err(error @ AppendError::Conflict { .. }) => {
                    self.catch_up_own().await?;
                    warn!(%error, epoch, taken = self.taken, "somebody else extended the stream");
                    if let Some(receipt) = self.answered_before(meta, &encoded).await? {
                        return Ok(receipt);
                    }
                }
                Err(other) => return Err(self.refused(other)),
            }
        }
        Err(CommandError::Unavailable {
            reason: format!("{} was extended by others {MAX_CONFLICTS} times", self.stream),
        })
    }

    fn unchanged(&self) -> Receipt<A::Event> {
        Receipt {
            commit_id: CommitId::default(),
            seq: self.fold.seq,
            version: self.fold.version,
            repeated: false,
            events: Vec::new(),
        }
    }

    fn commit(
        &self,
        meta: Meta,
        epoch: u64,
        command: &codec::Encoded,
        (context, events): (&Context, &[A::Event]),
    ) -> Result<NewCommit, CommandError> {
        let unencodable = |e: codec::CodecError| CommandError::Failed {
            what: "encoding the commit",
            reason: e.to_string(),
        };
        Ok(NewCommit {
            commit_id: meta.commit_id,
            stream: self.stream,
            occurred_at: context.now,
            actor: meta.actor,
            correlation: meta.correlation,
            causation: meta.causation,
            rules_version: RULES_VERSION,
            epoch: Some(epoch),
            command: Some(command.clone()),
            context: Some(codec::encode(context).map_err(unencodable)?),
            events: events
                .iter()
                .map(codec::encode)
                .collect::<Result<_, _>>()
                .map_err(unencodable)?,
        })
    }

    fn acknowledged(&mut self, appended: &Appended) -> Result<Receipt<A::Event>, CommandError> {
        let recorded = &appended.recorded;
        if !appended.repeated {
            crate::fault::point(&format!("append.{}", A::KIND.word()));
        }
        let events = if recorded.commit.header.version > self.fold.version {
            self.evolve(recorded)?
        } else {
            decode_events::<A>(recorded)?
        };
        Ok(receipt(recorded, appended.repeated, events))
    }

    fn refused(&mut self, error: AppendError) -> CommandError {
        match error {
            AppendError::OtherBody { commit_id } => CommandError::KeyReused { commit_id },
            AppendError::Uncertain { reason, .. } => {
                self.uncertain = true;
                warn!(stream = %self.stream, reason, "append has no known outcome");
                CommandError::Uncertain { reason }
            }
            AppendError::NotStorable { reason, .. } => {
                CommandError::Failed { what: "storing the commit", reason }
            }
            AppendError::Unavailable { reason } => CommandError::Unavailable { reason },
            AppendError::Conflict { .. } => CommandError::Unavailable { reason: error.to_string() },
        }
    }

    async fn answered_before(
        &self,
        meta: Meta,
        command: &codec::Encoded,
    ) -> Result<Option<Receipt<A::Event>>, CommandError> {
        let Some(stored) = self.ledger.find(meta.commit_id).await.map_err(unreadable)? else {
            return Ok(None);
        };
        let same = stored.commit.header.stream == self.stream
            && stored.commit.header.actor == meta.actor
            && stored.commit.command.as_ref() == Some(command);
        if !same {
            return Err(CommandError::KeyReused { commit_id: meta.commit_id });
        }
        let events = decode_events::<A>(&stored)?;
        Ok(Some(receipt(&stored, true, events)))
    }
}

fn receipt<E>(recorded: &Recorded, repeated: bool, events: Vec<E>) -> Receipt<E> {
    Receipt {
        commit_id: recorded.commit.header.commit_id,
        seq: recorded.seq,
        version: recorded.commit.header.version,
        repeated,
        events,
    }
}

fn decode_events<A: Aggregate>(recorded: &Recorded) -> Result<Vec<A::Event>, CommandError> {
    folded(&recorded.commit)
        .map(codec::decode::<A::Event>)
        .collect::<Result<_, _>>()
        .map_err(corrupt)
}

fn unreadable(error: grimnir_ledger::ReadError) -> CommandError {
    CommandError::Unavailable { reason: error.to_string() }
}

fn corrupt(error: codec::CodecError) -> CommandError {
    error!(%error, "the ledger holds a payload that cannot be read");
    CommandError::Failed { what: "reading the ledger", reason: error.to_string() }
}
