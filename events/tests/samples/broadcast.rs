//! Samples of ladder, executor, air and what is handed to an engine.

use super::{
    Labelled, at, cues, hash, hour_plan, labelled, live, live_air, mount, plain, raw, settings,
    words,
};
use grimnir_events::air::*;
use grimnir_events::control::{ControlMode, EngineControl};
use grimnir_events::crash::{CrashAnswer, EngineCrash, WholeAgain};
use grimnir_events::dsp::{DspGraph, DspNode};
use grimnir_events::executor::{ExecutorEvent, PlayoutState};
use grimnir_events::handover::{EngineClaims, EngineConfig, EngineFarewell};
use grimnir_events::ladder::*;
use grimnir_events::library::ItemKind;
use grimnir_events::listening::{MountListened, OutputListened};
use grimnir_events::sound::SoundEvent;
use grimnir_events::station::MountFormat;
use grimnir_events::timeline::{DropReason, HourPlan};
use grimnir_events::{
    AirFrame, ClaimId, EngineRunId, LineId, MediaId, MountId, OutputId, StartId, StationId,
};

fn claim_item() -> ClaimItem {
    ClaimItem {
        media_id: MediaId(raw(30)),
        play_hash: hash(31),
        title: "Alert".into(),
        artist: "Station".into(),
        kind: ItemKind::Emergency,
        cues: cues(),
        gain_db_x100: 150,
    }
}

pub fn claim(tier: Tier) -> Claim {
    Claim {
        id: ClaimId(raw(32)),
        tier,
        items: vec![claim_item()],
        raised_at: at(4),
        window_start: Some(at(5)),
        window_end: None,
        max_length_us: 600_000_000,
        fade_ms: 8,
        label: "Storm warning".into(),
        repeat: true,
    }
}

pub fn ladder() -> Labelled<LadderEvent> {
    use LadderEvent::*;
    let (claim_id, from, to) = (ClaimId(raw(33)), ClaimId(raw(34)), ClaimId(raw(35)));
    let changed = |reason, entry| OwnerChanged { from, to, tier: Tier::Automation, reason, entry };
    let mut samples = vec![
        plain(SourceFailed { claim_id, reason: "no bytes for 2 s".into() }),
        plain(SourceRecovered { claim_id }),
        ("at_junction".into(), changed(OwnerReason::Expired, Entry::NextJunction)),
    ];
    let tiers = words!(Tier: Emergency, LiveOverride, LiveScheduled, Automation, Fallback);
    for (word, tier) in tiers {
        samples.push((word.into(), SourceRaised { claim: Box::new(claim(tier)) }));
    }
    let refusals =
        words!(RefusalReason: NothingToPlay, WindowOver, TooMany, TierNotRaisable, OffAir);
    for (word, reason) in refusals {
        let tier = Tier::LiveOverride;
        samples.push((word.into(), SourceRefused { claim_id, tier, reason }));
    }
    let owners = words!(
        OwnerReason: Preempted, Released, Expired, Failed, Completed, Recovered, Taken, SignOn,
        Held,
    );
    for (word, reason) in owners {
        samples.push((word.into(), changed(reason, Entry::Cut { fade_ms: 10 })));
    }
    for (word, reason) in words!(ReleaseReason: Released, Completed, Expired, Failed, SignOff) {
        samples.push((word.into(), SourceReleased { claim_id, reason }));
    }
    // Both kinds of entry are above.
    let _ = |entry: Entry| match entry {
        Entry::Cut { .. } | Entry::NextJunction => (),
    };
    samples.extend(live().into_iter().map(|(word, event)| (word, Live(Box::new(event)))));
    labelled!(LadderEvent: [
        SourceRaised, SourceRefused, OwnerChanged, SourceReleased, SourceFailed, SourceRecovered,
        Live,
    ], samples)
}

pub fn executor() -> Labelled<ExecutorEvent> {
    use ExecutorEvent::*;
    let (line_id, claim_id) = (LineId(raw(36)), ClaimId(raw(37)));
    let mut samples = vec![
        plain(SkipRequested { line_id, claim_id }),
        plain(StartRequested { start_id: StartId(raw(56)) }),
    ];
    let (from, last) = (ControlMode::Automatic, ControlMode::StopAfter { line_id });
    for to in [ControlMode::Automatic, ControlMode::Assist, last, ControlMode::Hold] {
        samples.push((to.word().into(), ModeChanged { from, to }));
    }
    let states = words!(PlayoutState: Idle, Preloading, Playing, Fading, Live, Emergency);
    for (word, to) in states {
        let (from, reason) = (PlayoutState::Playing, "a source came".into());
        samples.push((word.into(), StateChanged { from, to, reason }));
    }
    samples.push(plain(LegalIdMissed {
        hour: at(1),
        from: at(2),
        until: at(3),
        reason: "no legal ID started".into(),
    }));
    for (word, answer) in words!(CrashAnswer: Restarted, Minimal) {
        let crash = EngineCrash {
            pid: 4_711,
            at: at(4),
            ended: "signal 6".into(),
            lived_ms: Some(61_000),
            last_words: "thread 'director' panicked".into(),
            minimal: false,
        };
        samples.push((word.into(), EngineCrashed { crash: Box::new(crash), answer }));
    }
    for (word, why) in words!(WholeAgain: Ordered, TimeHasPassed) {
        samples.push((word.into(), EngineWhole { why }));
    }
    labelled!(ExecutorEvent: [
        StateChanged, SkipRequested, ModeChanged, StartRequested, LegalIdMissed, EngineCrashed,
        EngineWhole,
    ], samples)
}

fn item_started(kind: ItemKind) -> ItemStarted {
    ItemStarted {
        play: 17,
        claim_id: ClaimId(raw(38)),
        tier: Tier::LiveScheduled,
        line_id: Some(LineId(raw(39))),
        media_id: MediaId(raw(40)),
        play_hash: hash(41),
        title: "Fjörður".into(),
        artist: "The Samplers".into(),
        kind,
        planned_at: Some(at(6)),
        from_frame: 480,
        expected_frames: 9_599_520,
        gain_db_x100: -201,
    }
}

type Started = grimnir_events::air::ItemStarted;

fn measured(loudness_lufs_x100: Option<i32>, true_peak_dbtp_x100: Option<i32>) -> SoundEvent {
    SoundEvent::ItemMeasured { play: 20, loudness_lufs_x100, true_peak_dbtp_x100 }
}

fn stepped(by_us: i64, ahead_us: i64) -> SoundEvent {
    let event = SoundEvent::ClockStepped { by_us, ahead_us };
    // Every word has a sample below.
    match &event {
        SoundEvent::ItemMeasured { .. }
        | SoundEvent::SourceSilent { .. }
        | SoundEvent::SourceHeard { .. }
        | SoundEvent::ClockStepped { .. }
        | SoundEvent::ItemListened { .. }
        | SoundEvent::ItemStreamed { .. } => event,
    }
}

fn air_events() -> Labelled<AirEvent> {
    use AirEvent::*;
    let (claim_id, line_id) = (ClaimId(raw(42)), LineId(raw(43)));
    let (from, to, mount_id) =
        (AirFrame(86_172_940_800_001), AirFrame(86_172_940_896_002), MountId(raw(44)));
    let unplanned = Started { line_id: None, planned_at: None, ..item_started(ItemKind::Imaging) };
    let ended = |reason| ItemEnded { play: 18, frames: 9_600_003, reason };
    let owner = |reason| OwnerChanged {
        from: ClaimId(raw(45)),
        to: ClaimId(raw(46)),
        tier: Tier::Fallback,
        reason,
    };
    let listened = MountListened { mount_id, sessions: 300, most: 251, frames: 1_000_000_003 };
    let streamed = OutputListened {
        output_id: OutputId(raw(48)),
        sessions: 301,
        most: 252,
        frames: 1_000_000_004,
    };
    let mut samples = vec![
        ("realtime".into(), EngineStarted { version: "0.1.0".into(), realtime: true }),
        ("ordinary".into(), EngineStarted { version: "0.1.0".into(), realtime: false }),
        plain(EngineStopped {}),
        plain(ItemStarted(Box::new(item_started(ItemKind::LegalId)))),
        ("unplanned".into(), ItemStarted(Box::new(unplanned))),
        ("FailedRead".into(), ended(EndReason::Failed { reason: "end of file".into() })),
        plain(LineMoved { line_id, reason: DropReason::TimePassed }),
        plain(ProgrammeSilent { since: AirFrame(86_172_941_000_003) }),
        plain(ProgrammeHeard {}),
        ("ItemMeasured".into(), Sound(measured(Some(-1_612), Some(-120)))),
        ("silent".into(), Sound(measured(None, None))),
        ("SourceSilent".into(), Sound(SoundEvent::SourceSilent { play: 20, since: from })),
        ("SourceHeard".into(), Sound(SoundEvent::SourceHeard { play: 20 })),
        ("ClockStepped".into(), Sound(stepped(-2_000_000, -1_960_000))),
        ("ItemListened".into(), Sound(SoundEvent::ItemListened { play: 20, mounts: vec![] })),
        ("listened".into(), Sound(SoundEvent::ItemListened { play: 21, mounts: vec![listened] })),
        ("ItemStreamed".into(), Sound(SoundEvent::ItemStreamed { play: 20, outputs: vec![] })),
        ("streamed".into(), Sound(SoundEvent::ItemStreamed { play: 21, outputs: vec![streamed] })),
        plain(EmergencyInserted { claim: Box::new(claim(Tier::Emergency)) }),
        plain(SourceFailed { claim_id, reason: "no bytes for 2 s".into() }),
        plain(SourceRecovered { claim_id }),
        plain(SilenceEntered { reason: "no fallback".into() }),
        plain(SilenceLeft {}),
        plain(AirStalled { from, to }),
        plain(NonFiniteSamples { play: 19, count: 1_000_000 }),
        plain(OutputUp { mount_id }),
        plain(OutputDown { mount_id, reason: "connection refused".into() }),
    ];
    for (word, reason) in words!(InterruptReason: EngineLost, OffAir) {
        let bound_frames = 480;
        samples.push((word.into(), AirInterrupted { from, to, bound_frames, reason }));
    }
    use EndReason as E;
    let ends = [
        ("Completed", E::Completed),
        ("Skipped", E::Skipped),
        ("Preempted", E::Preempted),
        ("CutByAnchor", E::CutByAnchor),
        ("Released", E::Released),
        ("Expired", E::Expired),
        ("Replaced", E::Replaced),
        ("SignOff", E::SignOff),
        ("EngineLost", E::EngineLost),
    ];
    let _ = |end: E| match end {
        E::Completed | E::Skipped | E::Preempted | E::CutByAnchor | E::Released | E::Expired => (),
        E::Replaced | E::Failed { .. } | E::SignOff | E::EngineLost => (),
    };
    samples.extend(ends.map(|(word, reason)| (word.into(), ended(reason))));
    let drops = words!(
        DropReason: TimePassed, PassedByAnchor, NoUsefulAirtime, Interrupted, MissingFile,
        Undecodable, Skipped, OffAir, Held,
    );
    for (word, reason) in drops {
        let (media_id, title, planned_at) = (MediaId(raw(47)), "Late".into(), at(7));
        samples.push((word.into(), LineDropped { line_id, media_id, title, planned_at, reason }));
    }
    let owners = words!(
        OwnerReason: Preempted, Released, Expired, Failed, Completed, Recovered, Taken, SignOn,
        Held,
    );
    for (word, reason) in owners {
        samples.push((word.into(), owner(reason)));
    }
    for (word, reason) in words!(ReleaseReason: Released, Completed, Expired, Failed, SignOff) {
        samples.push((word.into(), ClaimEnded { claim_id, reason }));
    }
    samples.extend(super::output_reports());
    samples.extend(live_air().into_iter().map(|(word, event)| (word, Live(Box::new(event)))));
    let streams = super::webstream_air().into_iter();
    samples.extend(streams.map(|(word, event)| (word, Webstream(Box::new(event)))));
    labelled!(AirEvent: [
        EngineStarted, EngineStopped, AirInterrupted, ItemStarted, ItemEnded, LineDropped,
        LineMoved, EmergencyInserted, OwnerChanged, ClaimEnded, SourceFailed, SourceRecovered,
        SilenceEntered, SilenceLeft, AirStalled, NonFiniteSamples, OutputUp, OutputDown,
        ProgrammeSilent, ProgrammeHeard, Sound, OutputReported, Live, Webstream,
    ], samples)
}

pub fn air() -> Labelled<AirFact> {
    let fact = |event| AirFact {
        run: EngineRunId(raw(48)),
        journal_seq: 70_001,
        frame: AirFrame(86_172_940_848_007),
        at: at(8),
        event,
    };
    air_events().into_iter().map(|(label, event)| (label, fact(event))).collect()
}

pub fn engine_config() -> Labelled<EngineConfig> {
    let bare = EngineConfig {
        revision: 51,
        station_id: StationId(raw(49)),
        name: "Grimnir One".into(),
        on_air: false,
        settings: settings(),
        mounts: vec![],
        fallback: None,
        rotation: vec![],
        preload: vec![],
    };
    let whole = EngineConfig {
        revision: 52,
        on_air: true,
        mounts: vec![mount(MountFormat::Mp3)],
        fallback: Some(claim_item()),
        rotation: vec![claim_item()],
        preload: vec![claim_item(), claim_item()],
        ..bare.clone()
    };
    vec![("bare".into(), bare), ("whole".into(), whole)]
}

pub fn engine_claims() -> Labelled<EngineClaims> {
    let whole = EngineClaims {
        revision: 53,
        claims: vec![claim(Tier::LiveOverride)],
        ended: vec![ClaimId(raw(50))],
        owner: ClaimId(raw(54)),
        skips: vec![(LineId(raw(51)), ClaimId(raw(52)))],
    };
    vec![("whole".into(), whole)]
}

pub fn engine_farewell() -> Labelled<EngineFarewell> {
    let legal_id = claim(Tier::LiveOverride).items.pop();
    let whole = EngineFarewell { legal_id };
    vec![("whole".into(), whole), ("none".into(), EngineFarewell::default())]
}

pub fn engine_control() -> Labelled<EngineControl> {
    let mode = ControlMode::StopAfter { line_id: LineId(raw(57)) };
    vec![("whole".into(), EngineControl { mode, starts: vec![StartId(raw(58))] })]
}

pub fn handed_graph() -> Labelled<DspGraph> {
    vec![("whole".into(), dsp_graph())]
}

pub fn handed_hour() -> Labelled<HourPlan> {
    vec![("whole".into(), hour_plan())]
}

pub fn handed_claim() -> Labelled<Claim> {
    vec![("whole".into(), claim(Tier::Emergency))]
}

pub fn dsp_graph() -> DspGraph {
    let params = [("ratio".to_owned(), "3".to_owned()), ("knee_db".to_owned(), "6".to_owned())];
    let node = DspNode { kind: "COMPRESSOR".into(), params: params.into() };
    DspGraph { preset: "broadcast".into(), nodes: vec![node, DspNode::default()] }
}
