//! What follows from what.

use super::*;
use grimnir_events::air::{EndReason, ItemStarted};
use grimnir_events::envelope::Header;
use grimnir_events::ladder::{AUTOMATION_CLAIM, Claim, FAREWELL_CLAIM, ReleaseReason};
use grimnir_events::library::ItemKind;
use grimnir_events::{
    Actor, AirFrame, ClaimId, ContentHash, CorrelationId, EngineRunId, LineId, MediaId, SiteId,
    UtcMicros,
};

const STATION: StationId = StationId([5; 16]);

fn committed(kind: StreamKind, events: DecodedEvents) -> Committed {
    let stream = StreamId::of_station(kind, STATION);
    Committed { stream, commit_id: CommitId([6; 16]), events }
}

fn fact(event: AirEvent) -> AirFact {
    let (run, frame) = (EngineRunId([1; 16]), AirFrame(0));
    AirFact { run, journal_seq: 1, frame, at: UtcMicros(0), event }
}

fn after(events: Vec<AirEvent>) -> Vec<AnyCommand> {
    let facts = events.into_iter().map(fact).collect();
    let follows = react(&committed(StreamKind::Air, DecodedEvents::Air(facts)));
    for (index, follow) in (0..).zip(&follows) {
        assert_eq!((follow.index, follow.station), (index, STATION));
    }
    follows.into_iter().map(|follow| follow.command).collect()
}

fn owner(tier: Tier) -> AirEvent {
    let reason = OwnerReason::Preempted;
    AirEvent::OwnerChanged { from: AUTOMATION_CLAIM, to: ClaimId([1; 16]), tier, reason }
}

fn states(commands: &[AnyCommand]) -> Vec<PlayoutState> {
    commands
        .iter()
        .filter_map(|command| match command {
            AnyCommand::Executor(ExecutorCommand::Enter { state, .. }) => Some(*state),
            _ => None,
        })
        .collect()
}

#[test]
fn what_ended_on_air_is_released() {
    let (claim_id, reason) = (ClaimId([1; 16]), ReleaseReason::Completed);
    let expected = AnyCommand::Ladder(LadderCommand::ReleaseSource { claim_id, reason });
    assert_eq!(after(vec![AirEvent::ClaimEnded { claim_id, reason }]), [expected]);
}

#[test]
fn an_emergency_of_the_engine_is_accepted() {
    let claim = Box::new(Claim {
        id: ClaimId([1; 16]),
        tier: Tier::Emergency,
        items: vec![],
        raised_at: UtcMicros(0),
        window_start: None,
        window_end: None,
        max_length_us: 1,
        fade_ms: 0,
        label: String::new(),
        repeat: false,
    });
    let expected = AnyCommand::Ladder(LadderCommand::AcceptEmergency { claim: claim.clone() });
    assert_eq!(after(vec![AirEvent::EmergencyInserted { claim }]), [expected]);
}

#[test]
fn failures_and_recoveries_are_reported() {
    let claim_id = ClaimId([1; 16]);
    let failed = AirEvent::SourceFailed { claim_id, reason: "gone".into() };
    let expected = [
        AnyCommand::Ladder(LadderCommand::ReportFailure { claim_id, reason: "gone".into() }),
        AnyCommand::Ladder(LadderCommand::ReportRecovery { claim_id }),
    ];
    assert_eq!(after(vec![failed, AirEvent::SourceRecovered { claim_id }]), expected);
}

#[test]
fn only_unreadable_audio_is_lost() {
    let dropped = |reason| AirEvent::LineDropped {
        line_id: LineId([1; 16]),
        media_id: MediaId([2; 16]),
        title: "Tone".into(),
        planned_at: UtcMicros(0),
        reason,
    };
    for reason in [DropReason::MissingFile, DropReason::Undecodable] {
        let commands = after(vec![dropped(reason)]);
        let [AnyCommand::Library(LibraryCommand::LoseMedia { media_id, .. })] = &commands[..]
        else {
            panic!("{commands:?}")
        };
        assert_eq!(*media_id, MediaId([2; 16]));
    }
    for reason in [DropReason::TimePassed, DropReason::Skipped, DropReason::OffAir] {
        assert_eq!(after(vec![dropped(reason)]), []);
    }
    let (play, frames) = (1, 1);
    assert_eq!(after(vec![AirEvent::ItemEnded { play, frames, reason: EndReason::Completed }]), []);
}

#[test]
fn the_executor_follows_the_air() {
    use PlayoutState::{Emergency, Idle, Live, Playing, Preloading};
    let started = AirEvent::EngineStarted { version: "1".into(), realtime: true };
    let item = AirEvent::ItemStarted(Box::new(ItemStarted {
        play: 1,
        claim_id: AUTOMATION_CLAIM,
        tier: Tier::Automation,
        line_id: None,
        media_id: MediaId([1; 16]),
        play_hash: ContentHash([1; 32]),
        title: String::new(),
        artist: String::new(),
        kind: ItemKind::Music,
        planned_at: None,
        from_frame: 0,
        expected_frames: 1,
        gain_db_x100: 0,
    }));
    let AirEvent::ItemStarted(farewell) = &item else { panic!() };
    let farewell = ItemStarted { claim_id: FAREWELL_CLAIM, ..(**farewell).clone() };
    let farewell = AirEvent::ItemStarted(Box::new(farewell));
    assert_eq!(after(vec![farewell]), [], "after sign-off the executor stays idle");
    let commands = after(vec![
        started,
        item.clone(),
        item,
        owner(Tier::LiveScheduled),
        owner(Tier::LiveOverride),
        owner(Tier::Emergency),
        owner(Tier::Fallback),
        AirEvent::EngineStopped {},
    ]);
    assert_eq!(states(&commands), [Preloading, Playing, Live, Emergency, Playing, Idle]);
}

#[test]
fn a_new_engine_run_starts_with_no_failures() {
    let started = AirEvent::EngineStarted { version: "1".into(), realtime: false };
    let forget = AnyCommand::Ladder(LadderCommand::ForgetFailures {});
    assert!(after(vec![started]).contains(&forget));
}

#[test]
fn sign_on_preloads_and_sign_off_clears_the_ladder() {
    let station = |event| {
        react(&committed(StreamKind::Station, DecodedEvents::Station(vec![event])))
            .into_iter()
            .map(|follow| follow.command)
            .collect::<Vec<_>>()
    };
    assert_eq!(states(&station(StationEvent::Started {})), [PlayoutState::Preloading]);
    let off = station(StationEvent::Stopped {});
    let reason = OwnerReason::Released;
    assert_eq!(off[0], AnyCommand::Ladder(LadderCommand::SignOff { reason }));
    assert_eq!(states(&off), [PlayoutState::Idle]);
    assert_eq!(station(StationEvent::Renamed { name: "Ask".into() }), []);
}

#[test]
fn a_site_s_stream_and_decided_streams_lead_to_nothing() {
    let access = Committed {
        stream: StreamId::access(SiteId([1; 16])),
        commit_id: CommitId([6; 16]),
        events: DecodedEvents::Access(vec![]),
    };
    assert_eq!(react(&access), []);
    assert_eq!(react(&committed(StreamKind::Ladder, DecodedEvents::Ladder(vec![]))), []);
}

#[test]
fn the_same_cause_gives_the_same_commit_id_and_another_gives_another() {
    let id = |cause, index| follow_commit_id(LogId([1; 16]), CommitId([cause; 16]), index);
    assert_eq!(id(1, 0), id(1, 0));
    assert_ne!(id(1, 0), id(1, 1));
    assert_ne!(id(1, 0), id(2, 0));
    assert_ne!(id(1, 0), follow_commit_id(LogId([2; 16]), CommitId([1; 16]), 0));
}

#[test]
fn a_commit_is_read_by_its_stream_and_left_alone_when_it_cannot_be() {
    let event = StationEvent::Started {};
    let mut commit = Commit {
        header: Header {
            log_id: LogId([1; 16]),
            commit_id: CommitId([2; 16]),
            stream: StreamId::of_station(StreamKind::Station, STATION),
            version: 1,
            occurred_at: UtcMicros(0),
            stamped_at: UtcMicros(0),
            actor: Actor::System,
            correlation: CorrelationId([3; 16]),
            causation: CommitId::default(),
            owner_epoch: 1,
            code_version: 1,
            rules_version: 1,
            previous: ContentHash::default(),
        },
        command: None,
        context: None,
        events: vec![codec::encode(&event).expect("fits")],
    };
    let read = Committed::decode(&commit).expect("reads");
    assert_eq!(read.events, DecodedEvents::Station(vec![event]));
    commit.events[0].bytes = vec![250; 3];
    assert_eq!(Committed::decode(&commit), None);
}
