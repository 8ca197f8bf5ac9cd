//! One value for every command, each field set to something that no other field has.

mod live;
mod stock;
mod webstream;

pub use webstream::webstream;

use crate::samples::{
    self, Labelled, at, cues, details, hash, hour_plan, labelled, mount, plain, raw, settings,
    smart_blocks, station_rules, tags, words,
};
use grimnir_events::access::{AccessEvent, Role};
use grimnir_events::analysis::AnalysisEvent;
use grimnir_events::control::ControlMode;
use grimnir_events::crash::{EngineCrash, WholeAgain};
use grimnir_events::edit::Pin;
use grimnir_events::executor::PlayoutState;
use grimnir_events::ladder::{OwnerReason, ReleaseReason, Tier};
use grimnir_events::library::{ItemKind, LibraryEvent};
use grimnir_events::roll::RepairReason;
use grimnir_events::show::ShowEvent;
use grimnir_events::station::{MountFormat, TransitionMode};
use grimnir_events::template::TemplateSpan;
use grimnir_events::timeline::{Anchor, DropReason, TimelineEvent};
use grimnir_events::{
    ClaimId, ClockId, CredentialId, LineId, MediaId, MountId, OutputId, PlaylistId, SmartBlockId,
    StartId, TemplateId, UserId,
};
use grimnir_rules::Context;
use grimnir_rules::access::command::AccessCommand;
use grimnir_rules::executor::command::ExecutorCommand;
use grimnir_rules::ladder::command::LadderCommand;
use grimnir_rules::library::analysis::AnalysisCommand;
use grimnir_rules::library::command::LibraryCommand;
use grimnir_rules::station::command::StationCommand;
use grimnir_rules::timeline::command::{ClockCommand, RollCommand, TimelineCommand};
use grimnir_rules::timeline::edits::command::{EditCommand, Place};
use grimnir_rules::timeline::edits::templates::Taken;
use grimnir_rules::timeline::shows::command::ShowCommand;

pub fn context() -> Labelled<Context> {
    let whole = Context {
        now: at(100),
        ids: vec![raw(101), raw(102)],
        air_version: 70_103,
        tzdb: "2026b".into(),
    };
    vec![("whole".into(), whole), ("bare".into(), Context::default())]
}

pub fn station() -> Labelled<StationCommand> {
    use StationCommand::*;
    let change = |some: bool| Change {
        name: some.then(|| "Grimnir Drei".into()),
        time_zone: some.then(|| "Atlantic/Reykjavik".into()),
        settings: some.then(settings),
    };
    let mut samples = vec![
        plain(Create {
            name: "Grimnir One".into(),
            slug: "grimnir-one".into(),
            time_zone: "Europe/Berlin".into(),
            settings: settings(),
        }),
        ("all".into(), change(true)),
        ("nothing".into(), change(false)),
        plain(AddMount { mount: mount(MountFormat::Mp3) }),
        plain(RemoveMount { mount_id: MountId(raw(104)) }),
        plain(Start {}),
        plain(Stop {}),
        ("Some".into(), ChooseFallback { media_id: Some(MediaId(raw(105))) }),
        ("None".into(), ChooseFallback { media_id: None }),
        plain(SetDspGraph { graph: samples::dsp_graph() }),
    ];
    for (word, mode) in words!(TransitionMode: Segue, Fixed, Smart) {
        samples.push((word.into(), ChooseTransitions { mode }));
    }
    let set = |output| SetOutput { output: Box::new(output) };
    samples.extend(samples::outputs().into_iter().map(|(label, output)| (label, set(output))));
    samples.push(plain(RemoveOutput { output_id: OutputId(raw(207)) }));
    labelled!(StationCommand: [
        Create, Change, AddMount, RemoveMount, Start, Stop, ChooseFallback, SetDspGraph,
        ChooseTransitions, SetOutput, RemoveOutput,
    ], samples)
}

pub fn ladder() -> Labelled<LadderCommand> {
    use LadderCommand::*;
    let claim_id = ClaimId(raw(106));
    let claim = |tier| Box::new(samples::claim(tier));
    let raise = |take, on_air| RaiseSource { claim: claim(Tier::LiveOverride), take, on_air };
    let mut samples = vec![
        ("take".into(), raise(true, false)),
        ("on_air".into(), raise(false, true)),
        plain(ReportFailure { claim_id, reason: "no bytes for 2 s".into() }),
        plain(ReportRecovery { claim_id }),
        plain(Expire {}),
        plain(AcceptEmergency { claim: claim(Tier::Emergency) }),
        plain(ForgetFailures {}),
        plain(AcceptLive { claim: claim(Tier::LiveScheduled) }),
    ];
    samples.extend(live::live().into_iter().map(|(word, command)| (word, Live(Box::new(command)))));
    for (word, reason) in words!(ReleaseReason: Released, Completed, Expired, Failed, SignOff) {
        samples.push((word.into(), ReleaseSource { claim_id, reason }));
    }
    let owners = words!(
        OwnerReason: Preempted, Released, Expired, Failed, Completed, Recovered, Taken, SignOn,
        Held,
    );
    for (word, reason) in owners {
        samples.push((word.into(), SignOff { reason }));
    }
    labelled!(LadderCommand: [
        RaiseSource, ReleaseSource, ReportFailure, ReportRecovery, Expire, AcceptEmergency,
        SignOff, ForgetFailures, AcceptLive, Live,
    ], samples)
}

pub fn executor() -> Labelled<ExecutorCommand> {
    use ExecutorCommand::*;
    let (line_id, claim_id) = (LineId(raw(107)), ClaimId(raw(108)));
    let start_id = StartId(raw(109));
    let mut samples = vec![plain(Skip { line_id, claim_id }), plain(Start { start_id })];
    let modes = [ControlMode::Automatic, ControlMode::Assist, ControlMode::Hold];
    for mode in modes.into_iter().chain([ControlMode::StopAfter { line_id }]) {
        samples.push((mode.word().into(), SetMode { mode }));
    }
    for (word, state) in words!(PlayoutState: Idle, Preloading, Playing, Fading, Live, Emergency) {
        samples.push((word.into(), Enter { state, reason: "a source came".into() }));
    }
    samples.push(plain(JudgeLegalId { hour: at(121), from: at(122), until: at(123) }));
    let crash = EngineCrash {
        pid: 4_711,
        at: at(124),
        ended: "signal 6".into(),
        lived_ms: Some(61_000),
        last_words: "thread 'director' panicked".into(),
        minimal: false,
    };
    samples.push(plain(ReportCrash { crash: Box::new(crash) }));
    for (word, why) in words!(WholeAgain: Ordered, TimeHasPassed) {
        samples.push((word.into(), RestoreEngine { why }));
    }
    labelled!(ExecutorCommand: [
        Skip, Enter, SetMode, Start, JudgeLegalId, ReportCrash, RestoreEngine,
    ], samples)
}

pub fn timeline() -> Labelled<TimelineCommand> {
    use TimelineCommand::*;
    let clock_id = ClockId(raw(109));
    let clock = samples::timeline().into_iter().find_map(|(_, event)| match event {
        TimelineEvent::ClockSet { clock } => Some(clock),
        _ => None,
    });
    let commit = |replace| CommitHour { plan: Box::new(hour_plan()), replace };
    let mut samples = vec![
        plain(SetClock { clock: clock.expect("a sample") }),
        plain(RemoveClock { clock_id }),
        ("Some".into(), ChooseDefaultClock { clock_id: Some(clock_id) }),
        ("None".into(), ChooseDefaultClock { clock_id: None }),
        ("replace".into(), commit(true)),
        ("first".into(), commit(false)),
        plain(DropLine { hour: at(0), line_id: LineId(raw(110)), reason: "skipped".into() }),
        plain(SetGrid { grid: samples::grid(clock_id) }),
        plain(ClearHour { hour: at(0), reason: "another time zone".into() }),
        plain(RemoveSmartBlock { block_id: SmartBlockId(raw(120)) }),
        plain(SetStationRules { rules: Box::new(station_rules()) }),
    ];
    for (label, command) in roll() {
        samples.push((label.into(), Roll(command)));
    }
    for (label, block) in smart_blocks() {
        samples.push((label, SetSmartBlock { block }));
    }
    let voice =
        |media_id| ClockCommand::AssignVoice { hour: at(124), track: "link one".into(), media_id };
    let clock = Box::new(samples::format_clock());
    let asked = [
        ("Set", ClockCommand::Set { clock }),
        ("SetLegalId.Some", ClockCommand::SetLegalId { rule: Some(samples::legal_id_rule()) }),
        ("SetLegalId.None", ClockCommand::SetLegalId { rule: None }),
        ("AssignVoice.Some", voice(Some(MediaId(raw(125))))),
        ("AssignVoice.None", voice(None)),
        ("SignOn", ClockCommand::SignOn {}),
    ];
    samples.extend(asked.map(|(label, command)| (label.into(), Clock(command))));
    samples.extend(shows().into_iter().map(|(label, command)| (label, Show(command))));
    samples.extend(edits());
    labelled!(TimelineCommand: [
        SetClock, RemoveClock, ChooseDefaultClock, CommitHour, DropLine, SetGrid,
        ClearHour, SetSmartBlock, RemoveSmartBlock, SetStationRules, Clock, Show, Roll, Edit,
    ], samples)
}

fn shows() -> Labelled<ShowCommand> {
    use ShowCommand::*;
    let command = |event| match event {
        ShowEvent::ShowSet { show } => SetShow { show },
        ShowEvent::ShowRemoved { show_id } => RemoveShow { show_id },
        ShowEvent::InstanceCancelled { show_id, original, note } => {
            CancelInstance { show_id, original, note }
        }
        ShowEvent::InstanceMoved { show_id, original, to, duration_s } => {
            MoveInstance { show_id, original, to, duration_s }
        }
        ShowEvent::InstanceSubstituted { show_id, original, with } => {
            SubstituteInstance { show_id, original, with }
        }
        ShowEvent::InstanceRestored { show_id, original } => RestoreInstance { show_id, original },
    };
    // Labels of events end in what tells one from another.
    let detail = |label: String| label.split_once('.').map_or("", |(_, end)| end).to_owned();
    let samples = samples::shows().into_iter().map(|(l, event)| (detail(l), command(event)));
    labelled!(ShowCommand: [
        SetShow, RemoveShow, CancelInstance, MoveInstance, SubstituteInstance, RestoreInstance,
    ], samples.collect())
}

fn roll() -> Vec<(&'static str, RollCommand)> {
    let (hour, line_id) = (at(0), LineId(raw(142)));
    let lines = || hour_plan().lines;
    let with = |some: bool| some.then(|| Box::new(lines().remove(0)));
    let repair = |some| RollCommand::RepairLine {
        hour,
        line_id,
        reason: RepairReason::Removed,
        with: with(some),
        input_seq: 143,
        seed: [144; 32],
    };
    let (plan, record) = (Box::new(hour_plan()), Box::new(samples::record()));
    let (origins, times) = (samples::origins(), samples::line_times());
    let passed = vec![LineId(raw(145))];
    vec![
        ("SetHorizon", RollCommand::SetHorizon { horizon: samples::horizon() }),
        ("CommitPlan", RollCommand::CommitPlan { plan, record, replace: true }),
        ("ContinuePlan", RollCommand::ContinuePlan { hour, first: 3, lines: lines(), origins }),
        ("RepairLine.other", repair(true)),
        ("RepairLine.none", repair(false)),
        ("RetimeLines", RollCommand::RetimeLines { hour, times }),
        ("PassLines", RollCommand::PassLines { hour, lines: passed, reason: DropReason::OffAir }),
    ]
}

pub fn library() -> Labelled<LibraryCommand> {
    use LibraryCommand::*;
    let (media_id, playlist_id) = (MediaId(raw(111)), PlaylistId(raw(112)));
    let refused = |hash| {
        let (file_name, reason) = ("broken.mp3".into(), "no frame in 4,096 bytes".into());
        RefuseMedia { file_name, hash, reason }
    };
    let describe = |some: bool| DescribeMedia {
        media_id,
        tags: some.then(tags),
        category: some.then(|| "recurrent".into()),
        kind: some.then_some(ItemKind::Feature),
        cues: some.then(cues),
        must_air: some.then_some(false),
        long_form: some.then_some(true),
    };
    let mut samples = vec![
        ("read".into(), refused(Some(hash(113)))),
        ("unread".into(), refused(None)),
        ("all".into(), describe(true)),
        ("nothing".into(), describe(false)),
        plain(LoseMedia { media_id, reason: "file is gone".into() }),
        plain(FindMedia { media_id }),
        plain(RemoveMedia { media_id }),
        plain(SetPlaylist {
            playlist_id,
            name: "Morning".into(),
            items: vec![MediaId(raw(114)), MediaId(raw(115))],
        }),
        plain(RemovePlaylist { playlist_id }),
        plain(DetailMedia { media_id, details: Box::new(details()) }),
    ];
    for (label, event) in samples::library() {
        if let LibraryEvent::MediaAdded { item } = event {
            let detail = label.trim_start_matches("MediaAdded.").to_owned();
            if detail == "Spot" {
                samples.extend(stock::stock((*item).clone()));
            }
            samples.push((detail, AddMedia { item }));
        }
    }
    let hash = hash(116);
    for (label, event) in samples::analysis(media_id) {
        let command = match event {
            AnalysisEvent::Queued { media_id } => AnalysisCommand::Queue { media_id },
            AnalysisEvent::Begun { media_id } => AnalysisCommand::Begin { media_id },
            AnalysisEvent::Measured { media_id, analysis } => {
                AnalysisCommand::Measure { media_id, hash, analysis }
            }
            AnalysisEvent::Failed { media_id, failure } => {
                AnalysisCommand::Fail { media_id, hash, failure }
            }
            AnalysisEvent::MarksReturned { media_id } => AnalysisCommand::ReturnMarks { media_id },
        };
        samples.push((label, Analysis(command)));
    }
    labelled!(LibraryCommand: [
        AddMedia, RefuseMedia, DescribeMedia, LoseMedia, FindMedia, RemoveMedia, SetPlaylist,
        RemovePlaylist, DetailMedia, Stock, Analysis,
    ], samples)
}

pub fn access() -> Labelled<AccessCommand> {
    use AccessCommand::*;
    let (user_id, credential_id) = (UserId(raw(116)), CredentialId(raw(117)));
    let name = samples::access().into_iter().find_map(|(_, event)| match event {
        AccessEvent::UserRegistered { name, .. } => Some(name),
        _ => None,
    });
    let mut samples = vec![
        plain(RegisterUser {
            user_id,
            name: name.expect("a sample"),
            credential_id,
            fingerprint: hash(118),
            role: Role::Dj,
        }),
        plain(ChangeCredential { user_id, credential_id, fingerprint: hash(119) }),
        plain(EraseUser { user_id }),
    ];
    for (word, role) in words!(Role: Admin, Manager, Dj) {
        samples.push((word.into(), GrantRole { user_id, role }));
    }
    labelled!(AccessCommand: [RegisterUser, GrantRole, ChangeCredential, EraseUser], samples)
}

/// Every way to work on a plan.
fn edits() -> Vec<(String, TimelineCommand)> {
    let hour_plan = hour_plan();
    let line = Box::new(hour_plan.lines[0].clone());
    let (hour, line_id, new_id) = (at(0), LineId(raw(130)), LineId(raw(131)));
    let after = Place::After(LineId(raw(132)));
    let anchor = Anchor::Hard { at: at(2) };
    let pins = vec![(line_id, Pin::Locked)];
    let plan = Box::new(hour_plan);
    let template_id = TemplateId(raw(135));
    let set = |span| {
        let (name, description) = ("Summer".into(), "From June on".into());
        EditCommand::SetTemplate { template_id, name, description, span }
    };
    let taken = vec![
        Taken { hour: at(3), place: 167, clock_id: Some(ClockId(raw(136))) },
        Taken { hour: at(4), place: 0, clock_id: None },
    ];
    let samples = labelled!(EditCommand: [
        Insert, Move, Replace, Drop, Hold, Shuffle, QueueNext, RestoreHour, FillHour,
        SetTemplate, TakeHours, RemoveTemplate, AssignHours, GiveUpHour,
    ], vec![
        plain(EditCommand::Insert { hour, place: Place::Index(300), line: line.clone() }),
        plain(EditCommand::Move { hour, line_id, to_hour: at(1), place: after, anchor, new_id }),
        plain(EditCommand::Replace { hour, line_id, line: line.clone() }),
        plain(EditCommand::Drop { hour, line_id, reason: "withdrawn".into() }),
        plain(EditCommand::Hold { hour, line_id, locked: true }),
        ("Some".into(), EditCommand::Shuffle { hour: Some(hour), seed: raw(133) }),
        ("None".into(), EditCommand::Shuffle { hour: None, seed: raw(134) }),
        plain(EditCommand::QueueNext { line }),
        plain(EditCommand::RestoreHour { plan: plan.clone(), pins, to_seq: 4_243 }),
        plain(EditCommand::FillHour { plan, template_id }),
        ("Day".into(), set(TemplateSpan::Day)),
        ("Week".into(), set(TemplateSpan::Week)),
        plain(EditCommand::TakeHours { template_id, hours: taken, lines: true }),
        plain(EditCommand::RemoveTemplate { template_id }),
        plain(EditCommand::AssignHours { template_id, hours: vec![(at(3), 167)] }),
        plain(EditCommand::GiveUpHour { hour: at(3) }),
    ]);
    samples.into_iter().map(|(l, edit)| (l, TimelineCommand::Edit(Box::new(edit)))).collect()
}
