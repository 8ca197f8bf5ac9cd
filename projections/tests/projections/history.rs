//! Histories to fold: a few words for the events that happen to a station, and random ones.

use grimnir_events::access::{AccessEvent, Role};
use grimnir_events::air::{AirEvent, AirFact, EndReason, InterruptReason, ItemStarted};
use grimnir_events::clock::ClockV1;
use grimnir_events::codec::{Encoded, encode};
use grimnir_events::executor::{ExecutorEvent, PlayoutState};
use grimnir_events::ladder::{
    AUTOMATION_CLAIM, Claim, LadderEvent, OwnerReason, ReleaseReason, Tier,
};
use grimnir_events::library::{CueMarks, ItemKind, LibraryEvent, MediaItem, Tags};
use grimnir_events::sealed::Sealed;
use grimnir_events::station::{Mount, MountFormat, StationEvent, StationSettings};
use grimnir_events::timeline::{Anchor, DropReason, HourPlan, Line, TimelineEvent, Transition};
use grimnir_events::*;
use grimnir_ledger::{Expected, Ledger, MemoryLedger, NewCommit, Recorded};
use proptest::prelude::*;
use std::sync::Arc;

pub const STATION: StationId = StationId([7; 16]);
pub const SITE: SiteId = SiteId([9; 16]);
/// 2026-11-21T13:00:00Z.
pub const T0: UtcMicros = UtcMicros(1_795_266_000_000_000);
pub const SECOND: i64 = 1_000_000;

pub fn ledger() -> Arc<MemoryLedger> {
    Arc::new(MemoryLedger::new(LogId([1; 16])))
}

/// Appends one commit with these events.
pub async fn append<P: Payload>(
    ledger: &MemoryLedger,
    kind: StreamKind,
    at: UtcMicros,
    events: &[P],
) -> Arc<Recorded> {
    let events = events.iter().map(|e| encode(e).expect("encodes")).collect();
    append_encoded(ledger, kind, at, events).await
}

/// Appends one commit with these stored events.
pub async fn append_encoded(
    ledger: &MemoryLedger,
    kind: StreamKind,
    at: UtcMicros,
    events: Vec<Encoded>,
) -> Arc<Recorded> {
    let stream = match kind {
        StreamKind::Access => StreamId::access(SITE),
        StreamKind::Site => StreamId::site(SITE),
        kind => StreamId::of_station(kind, STATION),
    };
    let head = ledger.head().await.expect("reads");
    let commit = NewCommit {
        commit_id: CommitId(derive_id("test", &[&head.seq.to_be_bytes()])),
        stream,
        occurred_at: at,
        actor: Actor::System,
        correlation: CorrelationId::default(),
        causation: CommitId::default(),
        rules_version: 1,
        epoch: None,
        command: None,
        context: None,
        events,
    };
    ledger.append(commit, Expected::Any).await.expect("appends").recorded
}

pub fn created() -> StationEvent {
    StationEvent::Created {
        name: "Grimnir One".into(),
        slug: "one".into(),
        time_zone: "Europe/Berlin".into(),
        settings: StationSettings::default(),
    }
}

pub fn run(n: u8) -> EngineRunId {
    EngineRunId([n; 16])
}

pub fn fact(run: EngineRunId, journal_seq: u64, at: UtcMicros, event: AirEvent) -> AirFact {
    AirFact { run, journal_seq, frame: at.frame(), at, event }
}

pub fn item(play: u64, tier: Tier, title: &str, seconds: i64) -> ItemStarted {
    ItemStarted {
        play,
        claim_id: AUTOMATION_CLAIM,
        tier,
        line_id: Some(line_id(play)),
        media_id: MediaId([play as u8; 16]),
        play_hash: ContentHash([play as u8; 32]),
        title: title.into(),
        artist: "Somebody".into(),
        kind: ItemKind::Music,
        planned_at: None,
        from_frame: 0,
        expected_frames: seconds * 48_000,
        gain_db_x100: 0,
    }
}

pub fn started(play: u64, tier: Tier, title: &str, seconds: i64) -> AirEvent {
    AirEvent::ItemStarted(Box::new(item(play, tier, title, seconds)))
}

pub fn ended(play: u64, seconds: i64, reason: EndReason) -> AirEvent {
    AirEvent::ItemEnded { play, frames: seconds * 48_000, reason }
}

pub fn line_id(n: u64) -> LineId {
    LineId(derive_id("line", &[&n.to_be_bytes()]))
}

pub fn line(n: u64, planned_at: UtcMicros) -> Line {
    Line {
        id: line_id(n),
        media_id: MediaId([n as u8; 16]),
        play_hash: ContentHash([n as u8; 32]),
        title: format!("Title {n}"),
        artist: format!("Artist {n}"),
        kind: ItemKind::Music,
        planned_at,
        anchor: Anchor::AfterPrevious,
        cues: CueMarks { cue_in: 0, segue: 180 * 48_000, cue_out: 183 * 48_000 },
        gain_db_x100: -250,
        transition: Transition::Segue,
        min_airtime: 480_000,
        must_air: false,
        long_form: false,
    }
}

pub fn plan(hour: UtcMicros, lines: Vec<Line>) -> TimelineEvent {
    let plan = HourPlan {
        hour,
        lines,
        input_seq: 1,
        seed: [3; 32],
        planner_version: 1,
        tzdb: "2026b".into(),
        notes: vec![],
    };
    TimelineEvent::HourPlanned { plan }
}

pub fn claim(n: u8, tier: Tier) -> Claim {
    Claim {
        id: ClaimId([n; 16]),
        tier,
        items: vec![],
        raised_at: T0.plus(i64::from(n)),
        window_start: None,
        window_end: None,
        max_length_us: 600 * SECOND,
        fade_ms: 10,
        label: format!("Claim {n}"),
        repeat: false,
    }
}

pub fn media(n: u8) -> MediaItem {
    MediaItem {
        id: MediaId([n; 16]),
        hash: ContentHash([n; 32]),
        play_hash: ContentHash([n; 32]),
        file_name: format!("{n}.flac"),
        codec: "flac".into(),
        size_bytes: 1_000,
        duration_frames: 183 * 48_000,
        source_rate_hz: 44_100,
        channels: 2,
        loudness_lufs_x100: Some(-1_400),
        true_peak_dbtp_x100: None,
        cues: CueMarks { cue_in: 0, segue: 180 * 48_000, cue_out: 183 * 48_000 },
        tags: Tags { title: format!("Title {n}"), ..Tags::default() },
        category: "gold".into(),
        kind: ItemKind::Music,
        must_air: false,
        long_form: false,
    }
}

/// One random step of a history: what happens, to which of a few things, how much later.
pub type Op = (u8, u8, u16);

pub fn ops(length: usize) -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec((0u8..30, 0u8..4, 0u16..7_200), 1..length)
}

/// A ledger with this random history.
pub async fn ledger_of(ops: &[Op]) -> Arc<MemoryLedger> {
    let ledger = ledger();
    let mut at = T0;
    for (n, &(what, x, later)) in ops.iter().enumerate() {
        at = at.plus(i64::from(later) * SECOND);
        let (kind, events) = step(what, x, at, n as u64 + 1);
        append_encoded(&ledger, kind, at, events).await;
    }
    ledger
}

fn step(what: u8, x: u8, at: UtcMicros, n: u64) -> (StreamKind, Vec<Encoded>) {
    fn one<P: Payload>(event: P) -> Vec<Encoded> {
        vec![encode(&event).expect("encodes")]
    }
    match what {
        0..=4 => (StreamKind::Station, one(station_step(what, x))),
        5..=9 => (StreamKind::Ladder, one(ladder_step(what - 5, x))),
        10 => {
            let to = [PlayoutState::Idle, PlayoutState::Playing, PlayoutState::Live];
            let to = to[usize::from(x) % 3];
            let from = PlayoutState::Idle;
            let event = ExecutorEvent::StateChanged { from, to, reason: "seen".into() };
            (StreamKind::Executor, one(event))
        }
        11..=14 => (StreamKind::Timeline, one(timeline_step(what - 11, x, at))),
        15..=18 => (StreamKind::Library, one(library_step(what - 15, x))),
        19 => (StreamKind::Access, one(access_step(x))),
        20 => {
            let strange = Encoded { name: "station.event".into(), version: 99, bytes: vec![x] };
            (StreamKind::Station, vec![strange])
        }
        _ => {
            let events = [air_step(what - 21, x, at), air_step((what + x) % 9, x, at)];
            let facts = events.into_iter().enumerate().map(|(i, event)| {
                let fact = fact(run(x / 2), 2 * n + i as u64, at, event);
                encode(&fact).expect("encodes")
            });
            (StreamKind::Air, facts.collect())
        }
    }
}

fn station_step(what: u8, x: u8) -> StationEvent {
    match what {
        0 => created(),
        1 => StationEvent::Renamed { name: format!("Name {x}") },
        2 => StationEvent::Started {},
        3 => StationEvent::Stopped {},
        _ => StationEvent::MountAdded {
            mount: Mount {
                id: MountId([x; 16]),
                name: "Main".into(),
                path: "/main.mp3".into(),
                format: MountFormat::Mp3,
                bitrate_kbps: 192,
            },
        },
    }
}

fn ladder_step(what: u8, x: u8) -> LadderEvent {
    let claim_id = ClaimId([x; 16]);
    match what {
        0 => {
            let tier = Tier::from_number(x).expect("0 to 4");
            LadderEvent::SourceRaised { claim: Box::new(claim(x, tier)) }
        }
        1 => LadderEvent::OwnerChanged {
            from: AUTOMATION_CLAIM,
            to: claim_id,
            tier: Tier::LiveOverride,
            reason: OwnerReason::Preempted,
            entry: grimnir_events::ladder::Entry::NextJunction,
        },
        2 => LadderEvent::SourceReleased { claim_id, reason: ReleaseReason::Released },
        3 => LadderEvent::SourceFailed { claim_id, reason: "silent".into() },
        _ => LadderEvent::SourceRecovered { claim_id },
    }
}

fn timeline_step(what: u8, x: u8, at: UtcMicros) -> TimelineEvent {
    let hour = UtcMicros(at.0 - at.0.rem_euclid(3_600 * SECOND));
    match what {
        0 => {
            let lines = (0..4).map(|n| line(n, hour.plus(n as i64 * 180 * SECOND))).collect();
            plan(hour, lines)
        }
        1 => {
            let line = Box::new(line(u64::from(x), at));
            TimelineEvent::LineInserted { hour, index: u32::from(x), line }
        }
        2 => {
            let line_id = line_id(u64::from(x));
            TimelineEvent::LineDropped { hour, line_id, reason: "gone".into() }
        }
        _ => {
            let clock = ClockV1 { id: ClockId([x; 16]), name: "Day".into(), slots: vec![] };
            TimelineEvent::ClockSet { clock }
        }
    }
}

fn library_step(what: u8, x: u8) -> LibraryEvent {
    let media_id = MediaId([x; 16]);
    match what {
        0 => LibraryEvent::MediaAdded { item: Box::new(media(x)) },
        1 => LibraryEvent::MediaLost { media_id, reason: "missing".into() },
        2 => LibraryEvent::MediaFound { media_id },
        _ => {
            let playlist_id = PlaylistId([x; 16]);
            LibraryEvent::PlaylistSet { playlist_id, name: "List".into(), items: vec![media_id] }
        }
    }
}

fn access_step(x: u8) -> AccessEvent {
    let user_id = UserId([x; 16]);
    if x == 3 {
        return AccessEvent::UserErased { user_id: UserId([1; 16]) };
    }
    AccessEvent::UserRegistered {
        user_id,
        name: Sealed { person: user_id, nonce: [0; 24], ciphertext: vec![1] },
        credential_id: CredentialId([x; 16]),
        fingerprint: ContentHash([x; 32]),
        role: Role::Dj,
    }
}

fn air_step(what: u8, x: u8, at: UtcMicros) -> AirEvent {
    let play = u64::from(x);
    match what {
        0 | 1 => started(play, Tier::Automation, "Song", 180),
        2 | 3 => ended(play, 100, EndReason::Completed),
        4 => AirEvent::LineDropped {
            line_id: line_id(play),
            media_id: MediaId([x; 16]),
            title: "Song".into(),
            planned_at: at,
            reason: DropReason::TimePassed,
        },
        5 => AirEvent::SilenceEntered { reason: "no fallback".into() },
        6 => AirEvent::SilenceLeft {},
        7 => AirEvent::AirInterrupted {
            from: at.plus(-SECOND).frame(),
            to: at.frame(),
            bound_frames: 480,
            reason: InterruptReason::EngineLost,
        },
        _ => AirEvent::EngineStarted { version: "0.1.0".into(), realtime: false },
    }
}
