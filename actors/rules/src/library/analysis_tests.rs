//! Behaviour of analyses: what is measured rules until a person says otherwise.

use super::analysis::{AnalysisCommand as Ask, Progress};
use super::command::LibraryCommand;
use super::tests::{describe, item, library, media};
use super::{Library, LibraryState};
use crate::given::Given;
use grimnir_events::ContentHash;
use grimnir_events::analysis::{Analysis, AnalysisEvent, AnalysisFailure, FailureKind, Head};
use grimnir_events::library::{CueMarks, LibraryEvent};

const MEASURED: CueMarks = CueMarks { cue_in: 480, segue: 300_000, cue_out: 470_000 };
const BY_HAND: CueMarks = CueMarks { cue_in: 9_600, segue: 200_000, cue_out: 460_000 };

fn analysis() -> Analysis {
    Analysis {
        analyser_version: 1,
        duration_frames: 480_000,
        loudness_lufs_x100: Some(-900),
        true_peak_dbtp_x100: Some(-20),
        cues: MEASURED,
        ..Analysis::default()
    }
}

fn ask(command: Ask) -> LibraryCommand {
    LibraryCommand::Analysis(command)
}

fn measure(n: u8, analysis: Analysis) -> LibraryCommand {
    let analysis = Box::new(analysis);
    ask(Ask::Measure { media_id: media(n), hash: ContentHash([n; 32]), analysis })
}

fn fail(n: u8, kind: FailureKind) -> LibraryCommand {
    let failure = AnalysisFailure { analyser_version: 1, kind, reason: "no frame".into() };
    ask(Ask::Fail { media_id: media(n), hash: ContentHash([n; 32]), failure })
}

fn marks(cues: CueMarks) -> LibraryCommand {
    let LibraryCommand::DescribeMedia {
        media_id, tags, category, kind, must_air, long_form, ..
    } = describe(media(1))
    else {
        panic!("describes")
    };
    let cues = Some(cues);
    LibraryCommand::DescribeMedia { media_id, tags, category, kind, cues, must_air, long_form }
}

fn after(commands: impl IntoIterator<Item = LibraryCommand>) -> Given<Library> {
    commands.into_iter().fold(library(), |given, command| {
        let answer = given.when(command);
        assert!(answer.result.is_ok(), "{:?}", answer.result);
        answer.given
    })
}

fn cues(state: &LibraryState) -> CueMarks {
    state.media[&media(1)].item.cues
}

#[test]
fn what_was_measured_takes_its_place_in_the_item() {
    let given = after([measure(1, analysis())]);
    let item = &given.state.media[&media(1)].item;
    assert_eq!((item.cues, item.loudness_lufs_x100), (MEASURED, Some(-900)));
    assert_eq!(item.true_peak_dbtp_x100, Some(-20));
    assert_eq!(given.when(measure(1, analysis())).result, Ok(vec![]), "said already");
}

#[test]
fn marks_of_a_person_stand_above_measured_ones_whichever_came_first() {
    let first = after([marks(BY_HAND), measure(1, analysis())]);
    let last = after([measure(1, analysis()), marks(BY_HAND)]);
    assert_eq!((cues(&first.state), cues(&last.state)), (BY_HAND, BY_HAND));
    let again = Analysis { analyser_version: 2, ..analysis() };
    let again = after([marks(BY_HAND), measure(1, analysis()), measure(1, again)]);
    assert_eq!(cues(&again.state), BY_HAND);
    let back = again.when(ask(Ask::ReturnMarks { media_id: media(1) }));
    assert_eq!(cues(&back.given.state), MEASURED);
    let twice = back.given.when(ask(Ask::ReturnMarks { media_id: media(1) }));
    assert_eq!(twice.result, Ok(vec![]));
}

#[test]
fn marks_of_a_person_that_the_sound_does_not_reach_are_given_up() {
    let cues = CueMarks { cue_in: 0, segue: 100_000, cue_out: 200_000 };
    let short = Analysis { duration_frames: 240_000, cues, ..analysis() };
    let given = after([marks(BY_HAND), measure(1, short)]);
    assert_eq!(given.state.media[&media(1)].item.cues, cues);
}

#[test]
fn describing_other_things_is_not_setting_marks() {
    let described = after([marks(item(1).cues), measure(1, analysis())]);
    assert_eq!(cues(&described.state), MEASURED);
}

#[test]
fn a_failed_item_is_not_planned_until_it_is_measured_or_removed() {
    let planned =
        |given: &Given<Library>| -> Vec<_> { given.state.playable().map(|item| item.id).collect() };
    let failed = after([measure(1, analysis()), fail(1, FailureKind::Crashed)]);
    assert_eq!(planned(&failed), [media(2)]);
    assert_eq!(failed.state.failure(media(1)).map(|f| f.kind), Some(FailureKind::Crashed));
    let same = after([fail(1, FailureKind::Crashed)]).when(fail(1, FailureKind::Crashed));
    assert_eq!(same.result, Ok(vec![]));
    let queued = failed.when(ask(Ask::Queue { media_id: media(1) })).given;
    assert_eq!(planned(&queued), [media(2)], "asked for is not resolved");
    let mended = queued.when(measure(1, analysis())).given;
    assert_eq!(planned(&mended), [media(1), media(2)]);
    let removed =
        after([fail(1, FailureKind::Missing), LibraryCommand::RemoveMedia { media_id: media(1) }]);
    assert!(removed.state.analyses.is_empty());
}

#[test]
fn an_item_that_is_measured_again_is_planned_on() {
    let given = after([
        measure(1, analysis()),
        ask(Ask::Queue { media_id: media(1) }),
        ask(Ask::Begin { media_id: media(1) }),
    ]);
    assert_eq!(given.state.playable().count(), 2);
    assert_eq!(given.state.analyses[&media(1)].progress, Progress::Begun);
    let answer = given.when(ask(Ask::Queue { media_id: media(1) }));
    assert_eq!(answer.result, Ok(vec![]), "it is under way");
    let done = answer.given.when(measure(1, analysis()));
    let event = AnalysisEvent::Measured { media_id: media(1), analysis: Box::new(analysis()) };
    assert_eq!(done.result, Ok(vec![LibraryEvent::Analysis(event)]), "as before, yet done");
    assert_eq!(done.given.state.analyses[&media(1)].progress, Progress::Idle);
}

#[test]
fn what_was_measured_of_other_bytes_says_nothing() {
    let other = ask(Ask::Measure {
        media_id: media(1),
        hash: ContentHash([9; 32]),
        analysis: Box::new(analysis()),
    });
    assert_eq!(library().when(other).result, Ok(vec![]));
    assert_eq!(library().when(ask(Ask::Begin { media_id: media(1) })).result, Ok(vec![]));
}

#[test]
fn nonsense_is_refused() {
    let head = Head { full_from: 480_001, level_lu_x100: 0 };
    let cues = CueMarks { cue_in: 0, segue: 10, cue_out: 480_001 };
    for bad in [
        Analysis { duration_frames: 0, ..analysis() },
        Analysis { trailing_silence: -1, ..analysis() },
        Analysis { intro_end: Some(480_001), ..analysis() },
        Analysis { key: "x".repeat(301), ..analysis() },
        Analysis { head, ..analysis() },
        Analysis { cues, ..analysis() },
    ] {
        assert!(library().when(measure(1, bad.clone())).result.is_err(), "{bad:?}");
    }
    assert!(library().when(ask(Ask::Queue { media_id: media(7) })).result.is_err());
    assert!(library().when(measure(7, analysis())).result.is_err());
}
