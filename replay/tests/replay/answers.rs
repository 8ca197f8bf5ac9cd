//! What aired in an hour, and what was on air at an instant.

use crate::house::*;
use grimnir_events::StationId;
use grimnir_events::air::{AirEvent, EndReason, InterruptReason};
use grimnir_events::codec::encode;
use grimnir_events::ladder::{
    AUTOMATION_CLAIM, Claim, LadderEvent, OwnerReason, ReleaseReason, Tier,
};
use grimnir_events::{ClaimId, StreamId, StreamKind};
use grimnir_ledger::Ledger;
use grimnir_replay::{Format, ReplayError, as_run, as_run_answer, at, at_answer};

fn titles(house: &House, hour: &str) -> Vec<Vec<String>> {
    let answer = as_run_answer(house.path(), "one", hour, None).expect("answers");
    let of = |h: &grimnir_replay::HourAnswer| h.entries.iter().map(|e| e.title.clone()).collect();
    answer.hours.iter().map(of).collect()
}

/// Twenty items of six minutes from 13:57 local on.
async fn afternoon() -> House {
    let mut house = House::new().await;
    let begin = utc("2026-11-21T12:57:00Z");
    for n in 0..20 {
        house.play(begin.plus(n * 360 * SECOND), 360, &format!("Song {n}")).await;
    }
    house
}

#[tokio::test]
async fn an_hour_holds_what_touches_it_by_the_stations_own_time() {
    let house = afternoon().await;
    let expected: Vec<String> = (0..=10).map(|n| format!("Song {n}")).collect();
    for name in ["one", "Grimnir One", "grimnir one", &STATION.to_string()] {
        let answer = as_run_answer(house.path(), name, "2026-11-21T14", None).expect("answers");
        let found: Vec<_> = answer.hours[0].entries.iter().map(|e| e.title.clone()).collect();
        assert_eq!(found, expected, "{name}");
        assert_eq!(answer.basis.position, 41);
        let totals = &answer.hours[0].totals;
        assert_eq!((totals.items, totals.on_air_us), (11, 3_600 * SECOND));
        assert_eq!((totals.unaccounted_us, answer.hours[0].complete), (0, true));
        assert_eq!(answer.hours[0].entries[0].deviation_us, Some(250_000));
    }
    let next = as_run_answer(house.path(), "one", "2026-11-21T15", None).expect("answers");
    assert!(!next.hours[0].complete);
    assert_eq!(next.hours[0].known_until, Some(utc("2026-11-21T13:57:00Z").plus(3_600 * SECOND)));
}

#[tokio::test]
async fn asked_twice_the_bytes_are_the_same_in_every_format() {
    let house = afternoon().await;
    for format in [Format::Table, Format::Json, Format::Csv] {
        let first = as_run(house.path(), "one", "2026-11-21T14", format).expect("answers");
        assert_eq!(as_run(house.path(), "one", "2026-11-21T14", format), Ok(first.clone()));
        assert!(first.contains("Song 10"), "{first}");
        assert!(first.contains(&house.ledger.log_id().to_string()), "{first}");
        let first = at(house.path(), "one", "2026-11-21T14:05:00", format).expect("answers");
        assert_eq!(at(house.path(), "one", "2026-11-21T14:05:00", format), Ok(first));
    }
}

#[tokio::test]
async fn the_table_reads_like_a_log_sheet() {
    let mut house = House::new().await;
    house.play(utc("2026-11-21T12:59:00Z"), 183, "Before\nand after").await;
    house.start(utc("2026-11-21T13:02:03.5Z"), 60, "Now", Tier::Emergency).await;
    let found = as_run(house.path(), "one", "2026-11-21T14", Format::Table).expect("answers");
    let log_id = house.ledger.log_id();
    let station = STATION;
    let expected = format!(
        "as-run of Grimnir One (one, {station})\n\
         ledger {log_id} at position 4\n\
         \n\
         hour 2026-11-21T14:00:00.000000+01:00 of Europe/Berlin\n\
         known until 2026-11-21T13:02:03.500000Z\n\
         \n\
         start           length  entry  tier        title             artist    deviation  reason\n\
         13:59:00.000  3:03.000  item   automation  Before and after  Somebody   +0.250 s  \
         completed\n\
         14:02:03.500    on air  item   emergency   Now               Somebody   +0.250 s\n\
         \n\
         total: 2 items on air for 2:03.000; 0 dropped, 0 moved\n  \
           emergency: 1 items, 0:00.000\n  \
           automation: 1 items, 2:03.000\n  \
           unaccounted for: 0:00.500\n"
    );
    assert_eq!(found, expected);
}

#[tokio::test]
async fn csv_has_a_line_per_entry_and_a_total() {
    let mut house = House::new().await;
    house.play(utc("2026-11-21T13:10:00Z"), 10, "Song, with \"quotes\"").await;
    let found = as_run(house.path(), "one", "2026-11-21T14", Format::Csv).expect("answers");
    let lines: Vec<_> = found.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("hour,started_at,started_local,ended_at,"));
    assert!(lines[1].contains("\"Song, with \"\"quotes\"\"\""), "{}", lines[1]);
    assert!(lines[2].contains(",total,"), "{}", lines[2]);
    let commas = |line: &str| line.matches(',').count();
    assert_eq!(commas(lines[2]) - 2, commas(lines[0]));
}

#[tokio::test]
async fn a_doubled_hour_is_printed_twice_unless_an_offset_picks_one() {
    let mut house = House::new().await;
    house.play(utc("2026-10-25T00:30:00Z"), 60, "Summer").await;
    house.play(utc("2026-10-25T01:30:00Z"), 60, "Winter").await;
    house.play(utc("2026-10-25T02:30:00Z"), 60, "Later").await;
    assert_eq!(titles(&house, "2026-10-25T02"), [["Summer"], ["Winter"]]);
    assert_eq!(titles(&house, "2026-10-25T02+02:00"), [["Summer"]]);
    assert_eq!(titles(&house, "2026-10-25T02+01:00"), [["Winter"]]);
    assert_eq!(titles(&house, "2026-10-25T01Z"), [["Winter"]]);
    assert_eq!(titles(&house, "2026-10-25T03"), [["Later"]]);
    let text = as_run(house.path(), "one", "2026-10-25T02", Format::Table).expect("answers");
    for head in ["hour 2026-10-25T02:00:00.000000+02:00", "hour 2026-10-25T02:00:00.000000+01:00"] {
        assert!(text.contains(head), "{text}");
    }
    let answer = at_answer(house.path(), "one", "2026-10-25T02:30:10", None).expect("answers");
    let found: Vec<_> = answer.instants.iter().map(|i| i.on_air[0].title.as_str()).collect();
    assert_eq!(found, ["Summer", "Winter"]);
}

#[tokio::test]
async fn a_missing_hour_is_an_error_that_says_so() {
    let mut house = House::new().await;
    house.play(utc("2026-03-29T00:59:30Z"), 60, "Across").await;
    let error = as_run(house.path(), "one", "2026-03-29T02", Format::Table).expect_err("missing");
    assert!(error.to_string().contains("was skipped in Europe/Berlin"), "{error}");
    assert_eq!(titles(&house, "2026-03-29T01"), [["Across"]]);
    assert_eq!(titles(&house, "2026-03-29T03"), [["Across"]]);
}

#[tokio::test]
async fn an_hour_is_complete_whatever_follows_it_for_years() {
    let mut house = afternoon().await;
    let before = as_run_answer(house.path(), "one", "2026-11-21T14", None).expect("answers");
    let later = utc("2028-01-01T00:00:00Z");
    for n in 0..50 {
        house.play(later.plus(n * 360 * SECOND), 360, "Much later").await;
    }
    let after = as_run_answer(house.path(), "one", "2026-11-21T14", None).expect("answers");
    assert_eq!(after.hours, before.hours);
    assert!(after.basis.position > before.basis.position);
    let position = Some(before.basis.position);
    let then = as_run_answer(house.path(), "one", "2026-11-21T14", position).expect("answers");
    assert_eq!(then, before);
}

#[tokio::test]
async fn answers_come_while_a_server_writes() {
    let mut house = House::new().await;
    let begin = utc("2026-11-21T13:00:00Z");
    let mut seen = 0;
    for n in 0..60 {
        house.play(begin.plus(n * 60 * SECOND), 60, "Song").await;
        let answer = as_run_answer(house.path(), "one", "2026-11-21T14", None).expect("answers");
        assert!(answer.basis.position >= seen);
        seen = answer.basis.position;
        assert_eq!(answer.hours[0].totals.items, n as u64 + 1);
        assert_eq!(answer.hours[0].totals.unaccounted_us, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_and_the_writer_do_not_disturb_each_other() {
    let mut house = House::new().await;
    let dir = house.path().to_owned();
    let writer = tokio::spawn(async move {
        let begin = utc("2026-11-21T13:00:00Z");
        for n in 0..600 {
            house.play(begin.plus(n * 6 * SECOND), 6, "Song").await;
        }
        house
    });
    let mut seen = 0;
    while !writer.is_finished() {
        let dir = dir.clone();
        let read = move || as_run_answer(&dir, "one", "2026-11-21T14", None);
        let answer = tokio::task::spawn_blocking(read).await.expect("runs").expect("answers");
        assert!(answer.basis.position >= seen);
        seen = answer.basis.position;
        assert_eq!(answer.hours[0].totals.unaccounted_us, 0);
    }
    let house = writer.await.expect("writes");
    let answer = as_run_answer(&dir, "one", "2026-11-21T14", None).expect("answers");
    assert_eq!((answer.basis.position, answer.hours[0].totals.items), (1_201, 600));
    assert!(house.ledger.close());
    assert_eq!(as_run_answer(&dir, "one", "2026-11-21T14", None), Ok(answer));
}

#[tokio::test]
async fn what_is_unknown_is_refused_with_what_is_known() {
    let mut house = House::new().await;
    house.station(StationId([8; 16]), "Grimnir One", "two").await;
    let hour = "2026-11-21T14";
    let error = as_run(house.path(), "three", hour, Format::Table).expect_err("unknown");
    assert!(error.to_string().contains("one (Grimnir One, sta_"), "{error}");
    assert!(error.to_string().contains("two (Grimnir One, sta_"), "{error}");
    let error = as_run(house.path(), "grimnir one", hour, Format::Table).expect_err("two of them");
    assert!(matches!(error, ReplayError::Ambiguous { .. }), "{error}");
    let nowhere = house.path().join("nowhere");
    let error = as_run(&nowhere, "one", hour, Format::Table).expect_err("no ledger");
    assert!(error.to_string().contains("nowhere"), "{error}");
    let error = as_run_answer(house.path(), "one", hour, Some(99)).expect_err("too far");
    assert_eq!(error, ReplayError::Position { found: 99, last: 2 });
    let empty = House::empty();
    let error = as_run(empty.path(), "one", hour, Format::Table).expect_err("no station");
    assert!(error.to_string().contains("it has no station"), "{error}");
}

#[tokio::test]
async fn a_crossfade_has_two_items_on_air_and_an_instant_its_owner_and_claims() {
    let mut house = House::new().await;
    let begin = utc("2026-11-21T13:00:00Z");
    let ladder = StreamId::of_station(StreamKind::Ladder, STATION);
    let claim_id = ClaimId([5; 16]);
    let claim = Claim {
        id: claim_id,
        tier: Tier::Emergency,
        items: vec![],
        raised_at: begin.plus(185 * SECOND),
        window_start: None,
        window_end: None,
        max_length_us: 60 * SECOND,
        fade_ms: 10,
        label: "Alert".into(),
        repeat: false,
    };
    let first = house.start(begin, 183, "One", Tier::Automation).await;
    let second = house.start(begin.plus(180 * SECOND), 183, "Two", Tier::Automation).await;
    house.end(begin.plus(183 * SECOND), first, 183, EndReason::Completed).await;
    let raised = encode(&LadderEvent::SourceRaised { claim: Box::new(claim) }).expect("encodes");
    house.commit(ladder, begin.plus(185 * SECOND), vec![raised]).await;
    let changed = AirEvent::OwnerChanged {
        from: AUTOMATION_CLAIM,
        to: claim_id,
        tier: Tier::Emergency,
        reason: OwnerReason::Preempted,
    };
    house.fact(begin.plus(185 * SECOND), changed).await;
    house.end(begin.plus(185 * SECOND), second, 5, EndReason::Preempted).await;
    let alert = house.start(begin.plus(185 * SECOND), 30, "Alert", Tier::Emergency).await;
    house.end(begin.plus(215 * SECOND), alert, 30, EndReason::Completed).await;
    let reason = ReleaseReason::Completed;
    let released = encode(&LadderEvent::SourceReleased { claim_id, reason }).expect("encodes");
    house.commit(ladder, begin.plus(215 * SECOND), vec![released]).await;

    let answer = |time: &str| {
        let answer = at_answer(house.path(), "one", time, None).expect("answers");
        answer.instants.into_iter().next().expect("is one")
    };
    let on_air = |time: &str| -> Vec<String> {
        answer(time).on_air.into_iter().map(|item| item.title).collect()
    };
    assert_eq!(on_air("2026-11-21T13:03:01Z"), ["One", "Two"]);
    assert_eq!(on_air("2026-11-21T14:03:00"), ["One", "Two"]);
    assert_eq!(on_air("2026-11-21T14:02:59.999"), ["One"]);
    assert_eq!(on_air("2026-11-21T14:03:03"), ["Two"]);
    let alert = answer("2026-11-21T14:03:10");
    assert_eq!(alert.on_air[0].position_us, 5 * SECOND);
    let owner = alert.owner.expect("is one");
    assert_eq!((owner.claim_id, owner.reason.as_str()), (claim_id, "preempted"));
    assert_eq!(alert.claims.len(), 1);
    assert!(answer("2026-11-21T14:03:02").claims.is_empty());
    assert!(answer("2026-11-21T14:03:35").claims.is_empty());
    for format in [Format::Table, Format::Json, Format::Csv] {
        let text = at(house.path(), "one", "2026-11-21T14:03:10", format).expect("answers");
        assert!(text.contains("Alert") && text.contains("emergency"), "{text}");
    }
}

#[tokio::test]
async fn where_nothing_is_known_the_answer_says_so() {
    let mut house = House::new().await;
    let note = |house: &House, time: &str| {
        let answer = at_answer(house.path(), "one", time, None).expect("answers");
        let instant = &answer.instants[0];
        (instant.known, instant.note.clone(), instant.on_air.iter().map(|i| i.inferred).collect())
    };
    let time = "2026-11-21T13:00:30Z";
    let none: Vec<bool> = vec![];
    let never = "nothing known: no engine ever reported for this station".to_owned();
    assert_eq!(note(&house, time), (false, never, none.clone()));

    house.start(utc("2026-11-21T13:00:00Z"), 60, "Song", Tier::Automation).await;
    let (known, said, inferred) = note(&house, time);
    assert!(known && said.starts_with("expected by what started before"), "{said}");
    assert_eq!(inferred, [true]);
    let (known, said, _) = note(&house, "2026-11-21T13:02:00Z");
    assert!(!known && said.starts_with("nothing known: the station's last fact"), "{said}");
    let (known, said, _) = note(&house, "2026-11-21T12:00:00Z");
    assert!(!known && said.starts_with("nothing known: the station's first fact"), "{said}");

    house.end(utc("2026-11-21T13:01:00Z"), 1, 60, EndReason::SignOff).await;
    house.fact(utc("2026-11-21T13:05:00Z"), AirEvent::EngineStopped {}).await;
    let expected = (true, "nothing was on air".to_owned(), none);
    assert_eq!(note(&house, "2026-11-21T13:02:00Z"), expected);
}

#[tokio::test]
async fn an_inferred_interruption_is_flagged() {
    let mut house = House::new().await;
    let begin = utc("2026-11-21T13:00:00Z");
    let play = house.start(begin, 183, "One", Tier::Automation).await;
    house.end(begin.plus(101 * SECOND), play, 100, EndReason::EngineLost).await;
    let interrupted = AirEvent::AirInterrupted {
        from: begin.plus(100 * SECOND).frame(),
        to: begin.plus(101 * SECOND).frame(),
        bound_frames: 480,
        reason: InterruptReason::EngineLost,
    };
    house.fact(begin.plus(101 * SECOND), interrupted).await;
    house.play(begin.plus(101 * SECOND), 82, "One").await;
    let answer = at_answer(house.path(), "one", "2026-11-21T13:01:40.5Z", None).expect("answers");
    let instant = &answer.instants[0];
    assert!(instant.on_air.is_empty());
    assert_eq!((instant.spans[0].entry.as_str(), instant.spans[0].inferred), ("interrupted", true));
    let answer = at_answer(house.path(), "one", "2026-11-21T13:01:00Z", None).expect("answers");
    assert!(answer.instants[0].on_air[0].inferred);
    let hour = as_run_answer(house.path(), "one", "2026-11-21T14", None).expect("answers");
    let totals = &hour.hours[0].totals;
    assert_eq!((totals.interrupted_us, totals.unaccounted_us), (SECOND, 0));
}
