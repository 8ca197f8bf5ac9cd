//! The rows of every read model, as the API answers them.

use crate::said::Said;
use grimnir_events::access::Role;
use grimnir_events::analysis::AnalysisEntry;
use grimnir_events::control::ControlMode;
use grimnir_events::crash::EngineCrash;
use grimnir_events::dsp::DspGraph;
use grimnir_events::executor::PlayoutState;
use grimnir_events::ladder::{Claim, Tier};
use grimnir_events::library::{ItemKind, MediaItem};
use grimnir_events::listening::{MountListened, OutputListened};
use grimnir_events::live_recording::Aired;
use grimnir_events::output::{Encoding, Output};
use grimnir_events::recording::{Recorded, RemovalReason};
use grimnir_events::smart_block::SmartBlock;
use grimnir_events::station::{Mount, StationSettings, TransitionMode};
use grimnir_events::stock::{DeletedFor, EntryTimes};
use grimnir_events::timeline::FormatClock;
use grimnir_events::{
    AirFrame, ClaimId, ContentHash, CredentialId, EngineRunId, LineId, LiveSessionId, MediaId,
    OutputId, PlaylistId, StationId, UserId, UtcMicros,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A station.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StationRow {
    /// Its id.
    pub id: StationId,
    /// Its name.
    pub name: String,
    /// Its name in paths.
    pub slug: String,
    /// IANA time zone.
    pub time_zone: String,
    /// It is to be on air.
    pub on_air: bool,
    /// How it plays.
    pub settings: StationSettings,
    /// How the planner joins items.
    #[serde(default)]
    pub transitions: TransitionMode,
    /// What it offers to listeners.
    pub mounts: Vec<Mount>,
    /// The last rung.
    pub fallback_media_id: Option<MediaId>,
    /// Format clock of every hour.
    pub default_clock_id: Option<grimnir_events::ClockId>,
    /// What shapes the programme.
    pub dsp: DspGraph,
    /// Where the programme goes beside the mounts.
    #[serde(default)]
    pub outputs: Vec<Output>,
}

/// A file of a recording.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RecordingRow {
    /// Ledger position of the last that was reported of it.
    pub seq: u64,
    /// Whose file it is.
    pub output_id: OutputId,
    /// Its name below the output's folder.
    pub file: String,
    /// How the sound is encoded.
    pub encoding: Encoding,
    /// First frame of the programme in it.
    pub first: AirFrame,
    /// What closed it; `None` while it is written.
    pub closed: Option<Recorded>,
    /// Why it was removed; `None` while it is there.
    pub removed: Option<RemovalReason>,
}

/// A file of what a live session sent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LiveRecordingRow {
    /// Ledger position of the last that was reported of it.
    pub seq: u64,
    /// Whose sound it is.
    pub session_id: LiveSessionId,
    /// Its name below the station's folder of live recordings.
    pub file: String,
    /// How the sound is encoded.
    pub encoding: Encoding,
    /// Frame of the air when the first of it came in.
    pub first: AirFrame,
    /// What closed it; `None` while it is written.
    pub closed: Option<Recorded>,
    /// What of it was on air.
    pub aired: Vec<Aired>,
    /// Why it was removed; `None` while it is there.
    pub removed: Option<RemovalReason>,
}

impl LiveRecordingRow {
    /// One that is being written.
    pub fn begun(
        seq: u64,
        session_id: LiveSessionId,
        file: String,
        encoding: Encoding,
        first: AirFrame,
    ) -> Self {
        let (closed, aired, removed) = (None, Vec::new(), None);
        Self { seq, session_id, file, encoding, first, closed, aired, removed }
    }
}

/// What is on air now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NowPlayingRow {
    /// The station.
    pub station_id: StationId,
    /// `playing`, or `idle` when nothing is on air.
    pub status: String,
    /// The item; nil for the built-in fallback.
    pub media_id: MediaId,
    /// Its line of the timeline.
    pub line_id: Option<LineId>,
    /// Who owns the air.
    pub claim_id: ClaimId,
    /// The owner's tier.
    pub tier: Tier,
    /// Title.
    pub title: String,
    /// Artist.
    pub artist: String,
    /// What it is.
    pub kind: ItemKind,
    /// First frame on air.
    pub started_at: UtcMicros,
    /// End, if nothing cuts it.
    pub ends_at: UtcMicros,
}

/// A line that is to air.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct UpcomingRow {
    /// Its id.
    pub line_id: LineId,
    /// Start of its hour.
    pub hour: UtcMicros,
    /// When it starts by the plan.
    pub planned_at: UtcMicros,
    /// Cue in to segue, in milliseconds.
    pub airtime_ms: i64,
    /// The item.
    pub media_id: MediaId,
    /// Title.
    pub title: String,
    /// Artist.
    pub artist: String,
    /// What it is.
    pub kind: ItemKind,
    /// What its start hangs on.
    pub anchor: grimnir_events::timeline::Anchor,
    /// Why planning leaves it as it is, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<grimnir_events::edit::Pin>,
}

/// One entry of the as-run log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AsRunRow {
    /// Ledger position of the fact that began it.
    pub seq: u64,
    /// Engine run.
    pub run: EngineRunId,
    /// Number of the play in its run; 0 for an entry that is not a play.
    pub play: u64,
    /// First frame on air (or: instant of the entry).
    pub started_at: UtcMicros,
    /// Frame after the last; `None` while it plays.
    pub ended_at: Option<UtcMicros>,
    /// First air frame.
    pub start_frame: i64,
    /// Frames that aired.
    pub frames: Option<i64>,
    /// Frames that were to air if nothing had cut it; `None` for an entry that is not a play.
    #[serde(default)]
    pub expected_frames: Option<i64>,
    /// How many heard it, by mount; `None` while it plays, and where nobody counted.
    #[serde(default)]
    pub listened: Option<Vec<MountListened>>,
    /// How many heard it by segments, by output; `None` where there is no such output, and until
    /// players have had time to fetch them.
    #[serde(default)]
    pub streamed: Option<Vec<OutputListened>>,
    /// `item`, `dropped`, `moved`, `interrupted`, `silence`, `stalled`, `alarm`, `owner`, `source`,
    /// `engine`, `output`, `recording`.
    pub entry: String,
    /// Who owned the air.
    pub tier: Option<Tier>,
    /// The claim.
    pub claim_id: Option<ClaimId>,
    /// The timeline's line.
    pub line_id: Option<LineId>,
    /// The item.
    pub media_id: Option<MediaId>,
    /// The bytes that played.
    pub play_hash: Option<ContentHash>,
    /// Title.
    pub title: String,
    /// Artist.
    pub artist: String,
    /// What it is.
    pub kind: Option<ItemKind>,
    /// Start by the plan.
    pub planned_at: Option<UtcMicros>,
    /// Why it ended, was dropped, was heard no more: the reason in words of the events.
    pub reason: String,
    /// The length was inferred, not seen.
    pub inferred: bool,
}

/// A media item in the library.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MediaRow {
    /// The item.
    #[serde(flatten)]
    pub item: MediaItem,
    /// Its station.
    pub station_id: StationId,
    /// Why it is not planned; `None` when it is.
    pub lost: Option<String>,
    /// When it was taken in.
    pub added_at: UtcMicros,
    /// What else is said about it.
    #[serde(default)]
    pub details: Said,
    /// How far it is.
    #[serde(default)]
    pub stage: MediaStage,
    /// Why it was deleted; `None` when it was not.
    #[serde(default)]
    pub deleted: Option<Box<DeletedFor>>,
    /// What is known of its analysis.
    #[serde(default)]
    pub analysis: AnalysisEntry,
}

/// How far an item is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaStage {
    /// Measured: it can be planned.
    #[default]
    Measured,
    /// Known by its tags.
    Pending,
    /// It could not be measured, for this reason.
    Failed(Box<str>),
}

/// A playlist.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PlaylistRow {
    /// Its id.
    pub id: PlaylistId,
    /// Its station.
    pub station_id: StationId,
    /// Its name.
    pub name: String,
    /// Its items, in order.
    pub items: Vec<MediaId>,
    /// Marks that entries have for themselves, by their places.
    #[serde(default)]
    pub times: BTreeMap<u16, EntryTimes>,
}

/// A format clock.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ClockRow {
    /// Its station.
    pub station_id: StationId,
    /// The clock.
    #[serde(flatten)]
    pub clock: FormatClock,
}

/// A smart block.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BlockRow {
    /// Its station.
    pub station_id: StationId,
    /// The block.
    #[serde(flatten)]
    pub block: SmartBlock,
}

/// A claim on the ladder.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ClaimRow {
    /// The claim.
    #[serde(flatten)]
    pub claim: Claim,
    /// It owns the air.
    pub owner: bool,
    /// It has nothing to give now.
    pub failed: bool,
}

/// What playout does.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ExecutorRow {
    /// The station.
    pub station_id: StationId,
    /// What it does.
    pub state: PlayoutState,
    /// Since when.
    pub since: UtcMicros,
    /// Who owns the air.
    pub owner: ClaimId,
    /// The owner's tier.
    pub tier: Tier,
    /// The engine's run, while one is known.
    pub run: Option<EngineRunId>,
    /// Who starts lines.
    pub mode: ControlMode,
    /// Engines that ended without an order.
    pub crashes: u64,
    /// The last of them.
    pub last_crash: Option<Box<EngineCrash>>,
    /// Since when only the smallest engine is started; `None` when whole ones are.
    pub minimal_since: Option<UtcMicros>,
}

/// A user, without its name (which is sealed).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// What it may do.
    pub role: Role,
    /// Which stored secret signs it in.
    pub credential_id: CredentialId,
    /// SHA-256 of the stored password hash.
    pub fingerprint: ContentHash,
}

/// One change, as it is pushed to clients.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// Ledger position; the cursor to go on from.
    pub seq: u64,
    /// Place among the changes of one commit.
    pub index: u32,
    /// `now_playing`, `schedule_update`, `priority.emergency`, `priority.override`,
    /// `priority.released`, `priority.change`, `executor.state`, `station.update`,
    /// `library.update`, `as_run`, `access.update`.
    pub kind: String,
    /// The station; `None` for a site's change.
    pub station_id: Option<StationId>,
    /// When it happened.
    pub at: UtcMicros,
    /// The row or fact, as JSON text: many changes are kept at hand, and a tree takes ten times
    /// the room of its text.
    pub payload: Arc<str>,
}

impl Change {
    /// As whoever follows is told: `{"type","cursor","seq","station_id","at","payload"}`.
    pub fn document(&self) -> String {
        #[derive(Serialize)]
        struct Head<'a> {
            r#type: &'a str,
            cursor: String,
            seq: u64,
            station_id: Option<StationId>,
            at: UtcMicros,
        }
        let head = Head {
            r#type: &self.kind,
            cursor: format!("{}.{}", self.seq, self.index),
            seq: self.seq,
            station_id: self.station_id,
            at: self.at,
        };
        let head = serde_json::to_string(&head).unwrap_or_default();
        // The payload is JSON text already.
        format!("{},\"payload\":{}}}", head.strip_suffix('}').unwrap_or_default(), self.payload)
    }
}
