//! What planning counts as played.

use super::*;
use grimnir_events::EngineRunId;
use grimnir_events::air::{AirEvent, AirFact, ItemStarted};
use grimnir_events::ladder::{AUTOMATION_CLAIM, Tier};
use grimnir_events::library::{CueMarks, ItemKind};
use grimnir_events::timeline::{Anchor, DropReason, HourPlan, Line, TimelineEvent, Transition};
use grimnir_rules::Aggregate;

const HOUR: UtcMicros = UtcMicros(497_000 * 3_600_000_000);

fn line(n: u8) -> Line {
    Line {
        id: LineId([n; 16]),
        media_id: MediaId([n; 16]),
        play_hash: ContentHash([n; 32]),
        title: format!("Title {n}"),
        artist: "Artist".into(),
        kind: ItemKind::Music,
        planned_at: HOUR.plus(i64::from(n) * 60_000_000),
        anchor: Anchor::AfterPrevious,
        cues: CueMarks { cue_in: 0, segue: 48_000, cue_out: 48_000 },
        gain_db_x100: 0,
        transition: Transition::Segue,
        min_airtime: 1,
        must_air: false,
        long_form: false,
    }
}

fn started(seq: u64, line_id: Option<u8>, media: u8) -> AirFact {
    let item = ItemStarted {
        play: seq,
        claim_id: AUTOMATION_CLAIM,
        tier: Tier::Automation,
        line_id: line_id.map(|n| LineId([n; 16])),
        media_id: MediaId([media; 16]),
        play_hash: ContentHash([media; 32]),
        title: String::new(),
        artist: String::new(),
        kind: ItemKind::Music,
        planned_at: None,
        from_frame: 0,
        expected_frames: 1,
        gain_db_x100: 0,
    };
    fact(seq, AirEvent::ItemStarted(Box::new(item)))
}

fn fact(seq: u64, event: AirEvent) -> AirFact {
    let at = HOUR.plus(seq as i64);
    AirFact { run: EngineRunId([1; 16]), journal_seq: seq, frame: at.frame(), at, event }
}

fn snapshot<A: Aggregate>(state: A::State) -> Snapshot<A> {
    Snapshot { state: Arc::new(state), version: 1, seq: 5, air_version: 9 }
}

#[test]
fn what_aired_counts_once_and_what_was_dropped_not_at_all() {
    let plan = HourPlan {
        hour: HOUR,
        lines: (1..=4).map(line).collect(),
        input_seq: 1,
        seed: [0; 32],
        planner_version: 2,
        tzdb: "2026b".into(),
        notes: vec![],
    };
    let mut state = grimnir_rules::timeline::TimelineState::default();
    Timeline::evolve(&mut state, &TimelineEvent::HourPlanned { plan });
    let dropped = AirEvent::LineDropped {
        line_id: LineId([2; 16]),
        media_id: MediaId([2; 16]),
        title: String::new(),
        planned_at: HOUR,
        reason: DropReason::Skipped,
    };
    // Line 1 aired, 2 was dropped, item 1 filled a gap, and a line of long ago played item 4.
    let facts =
        [started(1, Some(9), 4), started(2, Some(1), 1), fact(3, dropped), started(4, None, 1)];
    facts.iter().for_each(|fact| Timeline::witness(&mut state, fact));
    state.aired.plays.pop_front();
    let folds = Gathered {
        aired: Default::default(),
        id: StationId([7; 16]),
        station: snapshot::<Station>(Default::default()),
        library: snapshot::<Library>(Default::default()),
        timeline: snapshot::<Timeline>(state),
        seq: 5,
    };
    let past = folds.past(None);
    let lines: Vec<u8> = past.hours[&HOUR].lines.iter().map(|line| line.id.0[0]).collect();
    assert_eq!(lines, [1, 3, 4]);
    let played: Vec<_> = past.played.iter().map(|play| (play.media_id.0[0], play.at)).collect();
    assert_eq!(played, [(1, HOUR.plus(4))]);
    let plays = |n: u8| past.tally.get(&MediaId([n; 16])).map(|tally| tally.plays);
    assert_eq!((plays(1), plays(2), plays(4)), (Some(0), None, Some(1)));
    // As it was before the gap was filled and the line dropped.
    let then = folds.past(Some(HOUR.plus(2)));
    assert_eq!((then.played.len(), then.hours[&HOUR].lines.len()), (0, 4));
}
