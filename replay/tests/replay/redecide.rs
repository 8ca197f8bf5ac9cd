//! Decisions taken again.

use crate::house::*;
use grimnir_events::air::AirEvent;
use grimnir_events::codec::{Encoded, encode};
use grimnir_events::ladder::{AUTOMATION_CLAIM, Claim, ClaimItem, ReleaseReason, Tier};
use grimnir_events::library::{CueMarks, ItemKind};
use grimnir_events::station::{StationEvent, StationSettings};
use grimnir_events::{ClaimId, ContentHash, MediaId, Payload, StreamId, UtcMicros};
use grimnir_replay::redecide;
use grimnir_rules::ladder::Ladder;
use grimnir_rules::ladder::command::LadderCommand;
use grimnir_rules::station::Station;
use grimnir_rules::station::command::StationCommand;
use grimnir_rules::{Aggregate, Context};

/// An aggregate that decides and records, as the running system does.
struct Shell<A: Aggregate> {
    state: A::State,
    air_version: u64,
}

impl<A: Aggregate> Shell<A> {
    fn new() -> Self {
        Self { state: A::State::default(), air_version: 0 }
    }

    async fn ask(&mut self, house: &mut House, now: UtcMicros, command: A::Command) -> usize {
        let context = Context {
            now,
            air_version: self.air_version,
            tzdb: "2026b".into(),
            ..Context::default()
        };
        let events = A::decide(&self.state, &command, &context).expect("is allowed");
        events.iter().for_each(|event| A::evolve(&mut self.state, event));
        let stored: Vec<Encoded> = events.iter().map(stored).collect();
        let with = Some((stored_of(&command), stored_of(&context)));
        let stream = StreamId::of_station(A::KIND, STATION);
        house.decided(stream, now, with, stored).await;
        events.len()
    }
}

fn stored<P: Payload>(event: &P) -> Encoded {
    encode(event).expect("encodes")
}
fn stored_of<P: Payload>(value: &P) -> Encoded {
    stored(value)
}

fn create() -> StationCommand {
    StationCommand::Create {
        name: "Grimnir One".into(),
        slug: "one".into(),
        time_zone: "Europe/Berlin".into(),
        settings: StationSettings::default(),
    }
}

fn alert(at: UtcMicros) -> Claim {
    let item = ClaimItem {
        media_id: MediaId([1; 16]),
        play_hash: ContentHash([1; 32]),
        title: "Alert".into(),
        artist: String::new(),
        kind: ItemKind::Emergency,
        cues: CueMarks { cue_in: 0, segue: 480_000, cue_out: 480_000 },
        gain_db_x100: 0,
    };
    Claim {
        id: ClaimId([5; 16]),
        tier: Tier::Emergency,
        items: vec![item],
        raised_at: at,
        window_start: None,
        window_end: None,
        max_length_us: 60 * SECOND,
        fade_ms: 10,
        label: "Alert".into(),
        repeat: false,
    }
}

#[tokio::test]
async fn recorded_decisions_come_out_the_same_with_the_facts_they_knew() {
    let mut house = House::empty();
    let now = utc("2026-11-21T13:00:00Z");
    let (mut station, mut ladder) = (Shell::<Station>::new(), Shell::<Ladder>::new());
    station.ask(&mut house, now, create()).await;
    station.ask(&mut house, now, StationCommand::Start {}).await;
    let claim = Box::new(alert(now));
    let raise = LadderCommand::RaiseSource { claim, take: false, on_air: true };
    ladder.ask(&mut house, now, raise).await;

    // The claim ends on air; the next decision does not know it yet, the one after does.
    let (claim_id, reason) = (ClaimId([5; 16]), ReleaseReason::Completed);
    let ended = AirEvent::ClaimEnded { claim_id, reason };
    let fact = house.fact(now.plus(10 * SECOND), ended).await;
    let (claim_id, reason) = (AUTOMATION_CLAIM, "nothing to play".to_owned());
    let failure = LadderCommand::ReportFailure { claim_id, reason };
    assert_eq!(ladder.ask(&mut house, now.plus(11 * SECOND), failure).await, 1);
    Ladder::witness(&mut ladder.state, &fact);
    ladder.air_version = 1;
    let followed = ladder.ask(&mut house, now.plus(12 * SECOND), LadderCommand::Expire {}).await;
    assert!(followed >= 2);

    let found = redecide(house.path()).expect("reads");
    assert_eq!(found.first, []);
    assert_eq!((found.same, found.different, found.undecidable, found.witnessed), (5, 0, 0, 1));
    assert_eq!(found.basis.position, 6);
}

#[tokio::test]
async fn a_decision_with_other_events_is_told() {
    let mut house = House::empty();
    let now = utc("2026-11-21T13:00:00Z");
    let mut station = Shell::<Station>::new();
    station.ask(&mut house, now, create()).await;
    let stream = StreamId::of_station(Station::KIND, STATION);
    let with = || {
        let context = Context { now, ..Context::default() };
        Some((stored_of(&StationCommand::Start {}), stored_of(&context)))
    };
    let stopped = stored(&StationEvent::Stopped {});
    house.decided(stream, now, with(), vec![stopped.clone()]).await;
    house.decided(stream, now, with(), vec![stored(&StationEvent::Started {}), stopped]).await;
    house.commit(stream, now, vec![stored(&StationEvent::Stopped {})]).await;

    let found = redecide(house.path()).expect("reads");
    assert_eq!((found.same, found.different, found.undecidable), (1, 2, 1));
    let said: Vec<_> = found.first.iter().map(|d| (d.seq, d.what.as_str())).collect();
    let expected = [
        (2, "event 0 has other bytes"),
        (3, "1 events follow, recorded were 2"),
        (4, "it holds no command and context"),
    ];
    assert_eq!(said, expected);
}
