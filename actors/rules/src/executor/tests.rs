//! Behaviour of an executor, given / when / then.

use super::command::ExecutorCommand;
use super::state::SKIPS_KEPT;
use super::{Executor, ExecutorRejection as No, ExecutorState, may_follow};
use crate::given::{Given, given};
use crate::{Aggregate, Context};
use PlayoutState::{Emergency, Fading, Idle, Live, Playing, Preloading};
use grimnir_events::air::{AirEvent, AirFact, EndReason, ItemStarted};
use grimnir_events::control::ControlMode;
use grimnir_events::crash::{CrashAnswer, EngineCrash, WholeAgain};
use grimnir_events::executor::{ExecutorEvent, PlayoutState};
use grimnir_events::ladder::{FAREWELL_CLAIM, Tier};
use grimnir_events::library::ItemKind;
use grimnir_events::{
    AirFrame, ClaimId, ContentHash, EngineRunId, LineId, MediaId, StartId, UtcMicros,
};

fn enter(state: PlayoutState) -> ExecutorCommand {
    ExecutorCommand::Enter { state, reason: "seen".into() }
}

fn skip(line: u8, claim: u8) -> ExecutorCommand {
    ExecutorCommand::Skip { line_id: LineId([line; 16]), claim_id: ClaimId([claim; 16]) }
}

fn skipped(line: u8, claim: u8) -> ExecutorEvent {
    ExecutorEvent::SkipRequested { line_id: LineId([line; 16]), claim_id: ClaimId([claim; 16]) }
}

fn changed(from: PlayoutState, to: PlayoutState) -> ExecutorEvent {
    ExecutorEvent::StateChanged { from, to, reason: "seen".into() }
}

fn playing() -> Given<Executor> {
    given(&[changed(Idle, Playing)])
}

#[test]
fn playout_goes_from_idle_to_playing_and_back() {
    given::<Executor>(&[])
        .when(enter(Preloading))
        .then(&[changed(Idle, Preloading)])
        .when(enter(Playing))
        .then(&[changed(Preloading, Playing)])
        .when(enter(Fading))
        .then(&[changed(Playing, Fading)])
        .when(enter(Live))
        .then(&[changed(Fading, Live)])
        .when(enter(Emergency))
        .then(&[changed(Live, Emergency)])
        .when(enter(Playing))
        .then(&[changed(Emergency, Playing)])
        .when(enter(Idle))
        .then(&[changed(Playing, Idle)]);
}

#[test]
fn the_state_it_is_in_is_not_entered_again() {
    playing().when(enter(Playing)).then_nothing();
    given::<Executor>(&[]).when(enter(Idle)).then_nothing();
}

#[test]
fn nothing_fades_where_nothing_plays() {
    given::<Executor>(&[]).when(enter(Fading)).rejected("no_such_step");
    given::<Executor>(&[changed(Idle, Preloading)]).when(enter(Fading)).rejected("no_such_step");
}

#[test]
fn every_state_can_be_left_for_idle_and_for_emergency() {
    for from in [Preloading, Playing, Fading, Live, Emergency] {
        assert!(may_follow(from, Idle), "{from:?}");
        assert!(from == Emergency || may_follow(from, Emergency), "{from:?}");
        assert!(!may_follow(from, from), "{from:?}");
    }
}

#[test]
fn asked_twice_for_the_same_it_skips_once() {
    playing()
        .when(skip(1, 9))
        .then(&[skipped(1, 9)])
        .when(skip(1, 9))
        .then_nothing()
        .when(skip(2, 9))
        .then(&[skipped(2, 9)]);
}

#[test]
fn there_is_nothing_to_skip_when_idle() {
    given::<Executor>(&[]).when(skip(1, 9)).rejected("nothing_on_air");
    playing().when(skip(1, 0)).rejected("nil_id");
}

#[test]
fn only_the_latest_skips_are_handed_over() {
    let many = u8::try_from(SKIPS_KEPT).expect("fits") + 5;
    let executor = (1..=many).fold(playing(), |e, n| e.when(skip(n, 9)).given);
    let skips = executor.state.skips();
    assert_eq!(skips.len(), SKIPS_KEPT);
    assert_eq!(skips.last(), Some(&(LineId([many; 16]), ClaimId([9; 16]))));
}

#[test]
fn a_reason_is_cut_and_cleaned_rather_than_refused() {
    let reason = "x\n".repeat(500);
    let answer = given::<Executor>(&[]).when(ExecutorCommand::Enter { state: Playing, reason });
    let events = answer.result.expect("accepted");
    let ExecutorEvent::StateChanged { reason, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!(reason.chars().count(), super::decide::REASON_MAX);
    assert!(!reason.contains('\n'));
}

#[test]
fn a_mode_is_changed_once_and_only_assist_lets_a_person_start() {
    let start = |n| ExecutorCommand::Start { start_id: StartId([n; 16]) };
    let set = |mode| ExecutorCommand::SetMode { mode };
    let mut state = ExecutorState { playout: Playing, ..ExecutorState::default() };
    let decide =
        |state: &ExecutorState, command| Executor::decide(state, &command, &Context::default());
    let refused = decide(&state, start(1));
    assert_eq!(refused, Err(No::NotInAssist { mode: ControlMode::Automatic }));
    let (from, to) = (ControlMode::Automatic, ControlMode::Assist);
    let events = decide(&state, set(to)).expect("is taken");
    assert_eq!(events, [ExecutorEvent::ModeChanged { from, to }]);
    events.iter().for_each(|event| Executor::evolve(&mut state, event));
    assert_eq!(decide(&state, set(to)), Ok(vec![]), "asked again it changes nothing");
    for n in 1..=20 {
        let events = decide(&state, start(n)).expect("is taken");
        events.iter().for_each(|event| Executor::evolve(&mut state, event));
    }
    assert_eq!(decide(&state, start(20)), Ok(vec![]), "asked twice it starts one line");
    let kept: Vec<u8> = state.starts.iter().map(|id| id.0[0]).collect();
    assert_eq!(kept, (5..=20).collect::<Vec<u8>>());
    let nothing = ControlMode::StopAfter { line_id: LineId::default() };
    assert_eq!(decide(&state, set(nothing)), Err(No::NoLineOnAir));
    state.playout = Emergency;
    assert_eq!(decide(&state, start(21)), Err(No::NothingStarts { playout: Emergency }));
}

#[test]
fn a_missed_legal_id_is_told_once_and_only_when_the_air_told_all_of_it() {
    let (hour, from, until) = (UtcMicros(1_000), UtcMicros(900), UtcMicros(1_100));
    let judge = ExecutorCommand::JudgeLegalId { hour, from, until };
    let heard = |facts: &[(i64, AirEvent)]| {
        let mut state = ExecutorState { playout: Playing, ..ExecutorState::default() };
        for (at, event) in facts {
            let (run, frame) = (EngineRunId([1; 16]), AirFrame(0));
            let (at, event) = (UtcMicros(*at), event.clone());
            Executor::witness(&mut state, &AirFact { run, journal_seq: 1, frame, at, event });
        }
        state
    };
    let decide = |state: &ExecutorState| {
        Executor::decide(state, &judge, &Context::default()).expect("is taken")
    };
    let missed = |state: &ExecutorState| decide(state).len();
    let song = || started(ItemKind::Music);
    let id = || started(ItemKind::LegalId);
    let mut state = heard(&[(100, song()), (950, song()), (1_101, song())]);
    let events = decide(&state);
    let reason = "no legal ID started".into();
    assert_eq!(events, [ExecutorEvent::LegalIdMissed { hour, from, until, reason }]);
    events.iter().for_each(|event| Executor::evolve(&mut state, event));
    assert_eq!(missed(&state), 0, "told once");
    assert_eq!(missed(&heard(&[(100, song()), (1_100, song())])), 0, "one may still come");
    for at in [900, 1_000, 1_100] {
        assert_eq!(missed(&heard(&[(100, song()), (at, id()), (1_200, song())])), 0, "{at}");
    }
    for at in [899, 1_101] {
        assert_eq!(missed(&heard(&[(100, song()), (at, id()), (1_200, song())])), 1, "{at}");
    }
    assert_eq!(missed(&heard(&[(901, song()), (1_200, song())])), 0, "not on air all the time");
    let stopped = (950, AirEvent::EngineStopped {});
    assert_eq!(missed(&heard(&[(100, song()), stopped, (960, song()), (1_200, song())])), 0);
    let mut live = heard(&[(100, song()), (1_200, song())]);
    live.playout = Live;
    let [ExecutorEvent::LegalIdMissed { reason, .. }] = &decide(&live)[..] else { panic!() };
    assert!(reason.contains("live"), "{reason}");
}

#[test]
fn a_sign_off_without_a_legal_id_is_told_once_and_one_with_it_is_not() {
    let off = || AirEvent::ItemEnded { play: 1, frames: 1, reason: EndReason::SignOff };
    let farewell = || of_claim(FAREWELL_CLAIM, ItemKind::LegalId);
    let heard = |facts: &[(i64, AirEvent)]| {
        let mut state = ExecutorState::default();
        for (at, event) in facts {
            let (run, frame) = (EngineRunId([1; 16]), AirFrame(0));
            let (at, event) = (UtcMicros(*at), event.clone());
            Executor::witness(&mut state, &AirFact { run, journal_seq: 1, frame, at, event });
        }
        state
    };
    let (hour, from, until) = (UtcMicros(500), UtcMicros(490), UtcMicros(600));
    let judge = ExecutorCommand::JudgeLegalId { hour, from, until };
    let decide = |state: &ExecutorState| {
        Executor::decide(state, &judge, &Context::default()).expect("is taken")
    };
    let song = || (100, started(ItemKind::Music));
    let mut silent = heard(&[song(), (500, off()), (501, off())]);
    assert_eq!(silent.heard.left_at, Some(hour), "the first that fades says when");
    let events = decide(&silent);
    let reason = "no legal ID was heard at sign-off".into();
    assert_eq!(events, [ExecutorEvent::LegalIdMissed { hour, from, until, reason }]);
    events.iter().for_each(|event| Executor::evolve(&mut silent, event));
    assert_eq!(decide(&silent), [], "told once");
    let told = heard(&[song(), (500, off()), (502, farewell()), (590, off())]);
    assert_eq!((told.heard.left_at, told.heard.on_air_from), (Some(hour), None));
    assert_eq!(decide(&told), []);
    for at in [489, 601] {
        let id = started(ItemKind::LegalId);
        let mut facts = vec![song(), (500, off())];
        facts.insert(if at < 500 { 1 } else { 2 }, (at, id));
        assert_eq!(decide(&heard(&facts)).len(), 1, "{at}");
    }
    let other = ExecutorCommand::JudgeLegalId { hour: UtcMicros(499), from, until };
    let state = heard(&[song(), (500, off()), (700, off())]);
    assert_eq!(Executor::decide(&state, &other, &Context::default()), Ok(vec![]));
}

fn started(kind: ItemKind) -> AirEvent {
    of_claim(ClaimId([1; 16]), kind)
}

fn of_claim(claim_id: ClaimId, kind: ItemKind) -> AirEvent {
    AirEvent::ItemStarted(Box::new(ItemStarted {
        play: 1,
        claim_id,
        tier: Tier::Automation,
        line_id: None,
        media_id: MediaId([1; 16]),
        play_hash: ContentHash([1; 32]),
        title: String::new(),
        artist: String::new(),
        kind,
        planned_at: None,
        from_frame: 0,
        expected_frames: 1,
        gain_db_x100: 0,
    }))
}

fn crash(pid: u32, at_s: i64) -> EngineCrash {
    EngineCrash {
        pid,
        at: UtcMicros(at_s * 1_000_000),
        ended: "signal 6".into(),
        lived_ms: Some(1_000),
        last_words: "panicked".into(),
        minimal: false,
    }
}

/// What follows from a crash, folded.
fn crashes(state: &mut ExecutorState, crash: EngineCrash) -> Vec<CrashAnswer> {
    let command = ExecutorCommand::ReportCrash { crash: Box::new(crash) };
    let context = Context::default();
    let events = Executor::decide(state, &command, &context).expect("is taken down");
    events.iter().for_each(|event| Executor::evolve(state, event));
    let answer = |event: &ExecutorEvent| match event {
        ExecutorEvent::EngineCrashed { answer, .. } => *answer,
        other => panic!("{other:?}"),
    };
    events.iter().map(answer).collect()
}

#[test]
fn the_fifth_crash_in_five_minutes_is_answered_by_the_smallest_engine() {
    use CrashAnswer::{Minimal, Restarted};
    let mut state = ExecutorState::default();
    for n in 0..4 {
        assert_eq!(crashes(&mut state, crash(n + 1, 1_000 + i64::from(n) * 75)), [Restarted]);
    }
    let mut late = state.clone();
    assert_eq!(crashes(&mut late, crash(9, 1_300)), [Restarted], "the first is 300 s ago");
    assert_eq!(crashes(&mut late, crash(10, 1_301)), [Minimal]);
    assert_eq!(crashes(&mut state, crash(9, 1_299)), [Minimal]);
    assert_eq!(state.crashes.minimal_since, Some(UtcMicros(1_299_000_000)));
    assert_eq!(crashes(&mut state, crash(9, 1_299)), [], "told once");
    assert_eq!(crashes(&mut state, crash(11, 9_000)), [Minimal], "it stays so however late");
    assert_eq!(state.crashes.minimal_since, Some(UtcMicros(1_299_000_000)));
    assert!(!state.crashes.is_over(UtcMicros(1_898_999_999)));
    assert!(state.crashes.is_over(UtcMicros(1_899_000_000)));
}

#[test]
fn a_whole_engine_is_restored_once_and_what_crashed_before_counts_no_more() {
    let restore = || ExecutorCommand::RestoreEngine { why: WholeAgain::Ordered };
    given::<Executor>(&[]).when(restore()).rejected("engine_is_whole");
    let mut state = ExecutorState::default();
    for n in 0..5 {
        crashes(&mut state, crash(n + 1, 1_000));
    }
    let context = Context::default();
    let events = Executor::decide(&state, &restore(), &context).expect("is restored");
    assert_eq!(events, [ExecutorEvent::EngineWhole { why: WholeAgain::Ordered }]);
    events.iter().for_each(|event| Executor::evolve(&mut state, event));
    assert_eq!(crashes(&mut state, crash(6, 1_001)), [CrashAnswer::Restarted]);
}
