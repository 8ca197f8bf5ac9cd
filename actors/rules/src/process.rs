//! Process managers: what one commit asks of other aggregates, as pure functions.
//!
//! Upstream: decoded commits, in the ledger's order. Downstream: the runner in `actors` and the
//! simulator, which send each command under an id derived from its cause, so that it takes effect
//! once however often it is sent. Not here: cursors, sending, retries.

use crate::executor::command::ExecutorCommand;
use crate::ladder::command::LadderCommand;
use crate::library::command::LibraryCommand;
use crate::station::command::StationCommand;
use crate::timeline::command::{ClockCommand, TimelineCommand};
use grimnir_events::access::AccessEvent;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::codec::{self, CodecError, Payload};
use grimnir_events::executor::{ExecutorEvent, PlayoutState};
use grimnir_events::ladder::{FAREWELL_CLAIM, LadderEvent, OwnerReason, Tier};
use grimnir_events::library::LibraryEvent;
use grimnir_events::live::LiveAirEvent;
use grimnir_events::owner;
use grimnir_events::site::SiteEvent;
use grimnir_events::station::StationEvent;
use grimnir_events::timeline::{DropReason, TimelineEvent};
use grimnir_events::{Commit, CommitId, LogId, StationId, StreamId, StreamKind, derive_id};

/// A commit as process managers see it.
#[derive(Clone, PartialEq, Debug)]
pub struct Committed {
    /// The stream it extended.
    pub stream: StreamId,
    /// Its identity: the cause of whatever follows.
    pub commit_id: CommitId,
    /// What happened.
    pub events: DecodedEvents,
}

/// The events of one commit, by kind of stream.
#[derive(Clone, PartialEq, Debug)]
pub enum DecodedEvents {
    /// Of a station.
    Station(Vec<StationEvent>),
    /// Of a ladder.
    Ladder(Vec<LadderEvent>),
    /// Of an executor.
    Executor(Vec<ExecutorEvent>),
    /// Of a timeline.
    Timeline(Vec<TimelineEvent>),
    /// Of a library.
    Library(Vec<LibraryEvent>),
    /// Of access.
    Access(Vec<AccessEvent>),
    /// Of a site.
    Site(Vec<SiteEvent>),
    /// Of the air.
    Air(Vec<AirFact>),
}

/// A command to the aggregate that its kind names.
#[derive(Clone, PartialEq, Debug)]
pub enum AnyCommand {
    /// To a station.
    Station(StationCommand),
    /// To a ladder.
    Ladder(LadderCommand),
    /// To an executor.
    Executor(ExecutorCommand),
    /// To a timeline.
    Timeline(TimelineCommand),
    /// To a library.
    Library(LibraryCommand),
}

/// One thing that follows from a commit.
#[derive(Clone, PartialEq, Debug)]
pub struct Follow {
    /// Whose aggregate is asked.
    pub station: StationId,
    /// What is asked.
    pub command: AnyCommand,
    /// Its place among what follows from the commit, from 0.
    pub index: u32,
}

impl Committed {
    /// Reads a commit; `None` when a payload cannot be read, which whoever folds that stream
    /// reports as what it is: corruption, or a newer program's words.
    pub fn decode(commit: &Commit) -> Option<Self> {
        Some(Self {
            stream: commit.header.stream,
            commit_id: commit.header.commit_id,
            events: decode_events(commit).ok()?,
        })
    }
}

fn decode_events(commit: &Commit) -> Result<DecodedEvents, CodecError> {
    fn all<P: Payload>(commit: &Commit) -> Result<Vec<P>, CodecError> {
        owner::folded(commit).map(codec::decode).collect()
    }
    Ok(match commit.header.stream.kind {
        StreamKind::Station => DecodedEvents::Station(all(commit)?),
        StreamKind::Ladder => DecodedEvents::Ladder(all(commit)?),
        StreamKind::Executor => DecodedEvents::Executor(all(commit)?),
        StreamKind::Timeline => DecodedEvents::Timeline(all(commit)?),
        StreamKind::Library => DecodedEvents::Library(all(commit)?),
        StreamKind::Access => DecodedEvents::Access(all(commit)?),
        StreamKind::Air => DecodedEvents::Air(all(commit)?),
        StreamKind::Site => DecodedEvents::Site(all(commit)?),
    })
}

/// The commit id of what follows at `index` from `cause`.
pub fn follow_commit_id(log: LogId, cause: CommitId, index: u32) -> CommitId {
    CommitId(derive_id("follow", &[&log.0, &cause.0, &index.to_be_bytes()]))
}

/// What follows from a commit, in the order in which it is to be sent.
pub fn react(committed: &Committed) -> Vec<Follow> {
    let Some(station) = committed.stream.station() else { return vec![] };
    let mut commands = vec![];
    match &committed.events {
        DecodedEvents::Station(events) => {
            for event in events {
                after_station(event, &mut commands);
            }
        }
        DecodedEvents::Air(facts) => {
            for fact in facts {
                after_air(&fact.event, &mut commands);
            }
        }
        DecodedEvents::Ladder(_)
        | DecodedEvents::Executor(_)
        | DecodedEvents::Timeline(_)
        | DecodedEvents::Library(_)
        | DecodedEvents::Access(_)
        | DecodedEvents::Site(_) => {}
    }
    let number = |(index, command)| Follow { station, command, index };
    (0..).zip(commands).map(number).collect()
}

fn after_station(event: &StationEvent, commands: &mut Vec<AnyCommand>) {
    match event {
        StationEvent::Started {} => {
            enter(commands, PlayoutState::Preloading, "sign-on");
            commands.push(AnyCommand::Timeline(TimelineCommand::Clock(ClockCommand::SignOn {})));
        }
        StationEvent::Stopped {} => {
            let reason = OwnerReason::Released;
            commands.push(AnyCommand::Ladder(LadderCommand::SignOff { reason }));
            enter(commands, PlayoutState::Idle, "sign-off");
        }
        StationEvent::Created { .. }
        | StationEvent::Renamed { .. }
        | StationEvent::TimeZoneChanged { .. }
        | StationEvent::SettingsChanged { .. }
        | StationEvent::MountAdded { .. }
        | StationEvent::MountRemoved { .. }
        | StationEvent::FallbackChanged { .. }
        | StationEvent::DspGraphSet { .. }
        | StationEvent::TransitionsChosen { .. }
        | StationEvent::OutputSet { .. }
        | StationEvent::OutputRemoved { .. } => {}
    }
}

fn after_air(event: &AirEvent, commands: &mut Vec<AnyCommand>) {
    match event {
        AirEvent::EngineStarted { .. } => {
            // A new run knows of no failure; it will report again what it meets.
            commands.push(AnyCommand::Ladder(LadderCommand::ForgetFailures {}));
            enter(commands, PlayoutState::Preloading, "the engine started");
        }
        AirEvent::EngineStopped {} => enter(commands, PlayoutState::Idle, "the engine stopped"),
        // The station has signed off already.
        AirEvent::ItemStarted(item) if item.claim_id == FAREWELL_CLAIM => {}
        AirEvent::ItemStarted(item) => enter_tier(commands, item.tier),
        AirEvent::OwnerChanged { tier, .. } => enter_tier(commands, *tier),
        AirEvent::EmergencyInserted { claim } => {
            let claim = claim.clone();
            commands.push(AnyCommand::Ladder(LadderCommand::AcceptEmergency { claim }));
        }
        AirEvent::Live(event) => {
            if let LiveAirEvent::Claimed { claim, .. } = &**event {
                let claim = claim.clone();
                commands.push(AnyCommand::Ladder(LadderCommand::AcceptLive { claim }));
            }
        }
        AirEvent::ClaimEnded { claim_id, reason } => {
            let (claim_id, reason) = (*claim_id, *reason);
            commands.push(AnyCommand::Ladder(LadderCommand::ReleaseSource { claim_id, reason }));
        }
        AirEvent::SourceFailed { claim_id, reason } => {
            let (claim_id, reason) = (*claim_id, reason.clone());
            commands.push(AnyCommand::Ladder(LadderCommand::ReportFailure { claim_id, reason }));
        }
        AirEvent::SourceRecovered { claim_id } => {
            let claim_id = *claim_id;
            commands.push(AnyCommand::Ladder(LadderCommand::ReportRecovery { claim_id }));
        }
        AirEvent::LineDropped { media_id, reason, .. } => {
            if let Some(seen) = unreadable(*reason) {
                let (media_id, reason) = (*media_id, seen.to_owned());
                commands.push(AnyCommand::Library(LibraryCommand::LoseMedia { media_id, reason }));
            }
        }
        // An item that breaks off names no media; its line or claim is reported on its own.
        AirEvent::ItemEnded { .. }
        | AirEvent::AirInterrupted { .. }
        | AirEvent::LineMoved { .. }
        | AirEvent::SilenceEntered { .. }
        | AirEvent::SilenceLeft {}
        | AirEvent::AirStalled { .. }
        | AirEvent::ProgrammeSilent { .. }
        | AirEvent::ProgrammeHeard {}
        | AirEvent::Sound(_)
        | AirEvent::NonFiniteSamples { .. }
        | AirEvent::OutputUp { .. }
        | AirEvent::OutputDown { .. }
        | AirEvent::OutputReported { .. } => {}
    }
}

/// What is said of an item whose file is not there.
pub const FILE_MISSING: &str = "its file is missing";

fn unreadable(reason: DropReason) -> Option<&'static str> {
    match reason {
        DropReason::MissingFile => Some(FILE_MISSING),
        DropReason::Undecodable => Some("its file cannot be decoded"),
        DropReason::TimePassed
        | DropReason::PassedByAnchor
        | DropReason::NoUsefulAirtime
        | DropReason::Interrupted
        | DropReason::Skipped
        | DropReason::OffAir
        | DropReason::Held => None,
    }
}

fn enter_tier(commands: &mut Vec<AnyCommand>, tier: Tier) {
    match tier {
        Tier::Emergency => enter(commands, PlayoutState::Emergency, "an emergency is on air"),
        Tier::LiveOverride | Tier::LiveScheduled => {
            enter(commands, PlayoutState::Live, "a live or override source is on air");
        }
        Tier::Automation => enter(commands, PlayoutState::Playing, "automation is on air"),
        Tier::Fallback => enter(commands, PlayoutState::Playing, "the fallback is on air"),
    }
}

/// Asks for a state, unless it was the last that this commit asked for.
fn enter(commands: &mut Vec<AnyCommand>, state: PlayoutState, reason: &str) {
    let last = commands.iter().rev().find_map(|command| match command {
        AnyCommand::Executor(ExecutorCommand::Enter { state, .. }) => Some(*state),
        AnyCommand::Executor(
            ExecutorCommand::Skip { .. }
            | ExecutorCommand::SetMode { .. }
            | ExecutorCommand::Start { .. }
            | ExecutorCommand::JudgeLegalId { .. }
            | ExecutorCommand::ReportCrash { .. }
            | ExecutorCommand::RestoreEngine { .. },
        )
        | AnyCommand::Station(_)
        | AnyCommand::Ladder(_)
        | AnyCommand::Timeline(_)
        | AnyCommand::Library(_) => None,
    });
    if last != Some(state) {
        let reason = reason.to_owned();
        commands.push(AnyCommand::Executor(ExecutorCommand::Enter { state, reason }));
    }
}

#[cfg(test)]
mod tests;
