//! The words of live inputs: who may send sound in, who does, and what the engine saw of it.
//!
//! A session is a permission with a secret of its own; the secret is handed out once and never
//! stored, only its digest. Going live raises a claim, which the engine makes and tells
//! ([`LiveAirEvent::Claimed`]) and the ladder accepts. Not here: sockets, sound.

use crate::codec::Payload;
use crate::ids::{ClaimId, ContentHash, LiveSessionId, MediaId, ShowId, StationId};
use crate::ladder::{Claim, ClaimItem, Tier};
use crate::library::{CueMarks, ItemKind};
use crate::line::LiveLine;
use crate::live_recording::{LiveRecording, LiveRecordingReport};
use crate::units::UtcMicros;
use serde::{Deserialize, Serialize};

/// How long a claim is kept after its sound ended: an encoder that comes back goes on in it.
pub const KEPT_US: i64 = 30_000_000;
/// The mount that is meant where none is named.
pub const DEFAULT_MOUNT: &str = "/live";

/// When and how a live source that is ready takes the air.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakePolicy {
    /// At once, with 10 ms against a click.
    Immediate,
    /// At once; what plays fades over so many milliseconds.
    Faded {
        /// The fade.
        fade_ms: u32,
    },
    /// At the end of the running item.
    #[default]
    NextItem,
    /// When a person says so.
    OnCue,
}

/// What becomes of the programme under a live source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveMode {
    /// It is not heard.
    #[default]
    Replace,
    /// It goes on under the live source, 12 dB lower.
    Over,
}

/// When a session may be used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveValidity {
    /// Between two instants: a session for one occasion.
    Window {
        /// From.
        from: UtcMicros,
        /// Until.
        until: UtcMicros,
    },
    /// While a show is on that names its user in its live access, or any show where `show_id` is
    /// none: the account of a DJ.
    Shows {
        /// One show only.
        show_id: Option<ShowId>,
    },
}

impl LiveValidity {
    /// How long its window is, in microseconds; `None` where shows say.
    pub fn lasts(&self) -> Option<i64> {
        match self {
            Self::Window { from, until } => Some(until.since(*from)),
            Self::Shows { .. } => None,
        }
    }
}

/// A permission to go live.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LiveSession {
    /// Its id.
    pub id: LiveSessionId,
    /// What people see, e.g. the name of the DJ.
    pub name: String,
    /// User name that the encoder signs in by; empty for any, as `source`.
    pub username: String,
    /// Digest of the secret: [`secret_digest`].
    pub digest: ContentHash,
    /// Mount that the encoder sends to, with its slash.
    pub mount: String,
    /// When it may be used.
    pub validity: LiveValidity,
    /// Tier it claims the air at: live override or live scheduled.
    pub tier: Tier,
    /// How it takes the air.
    pub take: TakePolicy,
    /// What becomes of the programme.
    pub mode: LiveMode,
}

/// Digest of a session's secret. Secrets are made here, of 128 bits and more, so one round over a
/// salt (the session's id) is enough: there is no list to try them from.
pub fn secret_digest(session: LiveSessionId, secret: &str) -> ContentHash {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    hasher.update(b"grimnir live secret");
    hasher.update(session.0);
    hasher.update(secret.as_bytes());
    ContentHash(hasher.finalize().into())
}

/// What happened to the live sessions of a station, by decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveEvent {
    /// A session exists.
    SessionCreated {
        /// The session.
        session: Box<LiveSession>,
    },
    /// A session is over: nobody signs in with it any more, and who is in is disconnected.
    SessionRevoked {
        /// Which.
        session_id: LiveSessionId,
        /// Why.
        note: String,
    },
    /// A person put a connected session on air.
    HandoverRequested {
        /// Which.
        session_id: LiveSessionId,
        /// This request, among the station's.
        number: u64,
        /// How.
        take: TakePolicy,
    },
    /// A person had a connected session disconnected; it may come back.
    DisconnectRequested {
        /// Which.
        session_id: LiveSessionId,
        /// This request, among the station's.
        number: u64,
    },
    /// Its sound comes over a line from now on, or over none.
    LineSet {
        /// Whose.
        session_id: LiveSessionId,
        /// The line; none where encoders are to come to the harbor only.
        line: Option<Box<LiveLine>>,
    },
    /// What comes in with it is recorded from now on, or not any more.
    RecordingSet {
        /// Whose.
        session_id: LiveSessionId,
        /// How; none where it is not to be recorded.
        recording: Option<LiveRecording>,
    },
}

/// A session as an engine needs it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LiveGrant {
    /// The session.
    pub session: LiveSession,
    /// When it may be used, from and until, in order.
    pub windows: Vec<(UtcMicros, UtcMicros)>,
    /// A person asked for it to be on air: the number of the request and how; 0 for none.
    pub take: (u64, TakePolicy),
    /// A person asked for its end: the number of the request, 0 for none.
    pub disconnect: u64,
}

/// Who may send sound in; handed over to an engine whole.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EngineInputs {
    /// Ledger position it was read at: a lower one never replaces a higher one.
    pub revision: u64,
    /// The station.
    pub station_id: StationId,
    /// Sessions that may be used now or later.
    pub grants: Vec<LiveGrant>,
}

impl Payload for EngineInputs {
    const NAME: &'static str = "handover.inputs";
    const VERSION: u16 = 1;
}

/// What the engine saw of a live input. Witnessed, never rejected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveAirEvent {
    /// An encoder signed in.
    Connected {
        /// As whom.
        session_id: LiveSessionId,
        /// Its address.
        address: String,
        /// What it calls itself.
        client: String,
        /// How it speaks: `put`, `source` or `icy`.
        protocol: String,
    },
    /// It can go on air: enough is held, and something was heard.
    Ready {
        /// Who.
        session_id: LiveSessionId,
        /// Codec and container.
        format: String,
    },
    /// It claims the air; the ladder accepts it as a fact.
    Claimed {
        /// Who.
        session_id: LiveSessionId,
        /// What with. Its one item stands for what comes as it comes.
        claim: Box<Claim>,
    },
    /// It is heard over the programme from this frame on.
    OverBegan {
        /// Who.
        session_id: LiveSessionId,
    },
    /// It is not heard over the programme any more.
    OverEnded {
        /// Who.
        session_id: LiveSessionId,
    },
    /// It told what it plays.
    Titled {
        /// Who.
        session_id: LiveSessionId,
        /// What.
        title: String,
    },
    /// Its sound ran out on air; its claim is kept for a while.
    RanDry {
        /// Who.
        session_id: LiveSessionId,
        /// Its claim.
        claim_id: ClaimId,
    },
    /// The connection is over.
    Disconnected {
        /// Who.
        session_id: LiveSessionId,
        /// Why.
        reason: String,
        /// Bytes that came.
        bytes: u64,
    },
    /// Somebody was turned away; of many in a row the first, and how many others since.
    Refused {
        /// Who asked.
        address: String,
        /// The mount.
        mount: String,
        /// Why.
        reason: String,
        /// Others since the last that was told.
        others: u64,
    },
    /// Something of its recording.
    Recording {
        /// Whose.
        session_id: LiveSessionId,
        /// What.
        report: Box<LiveRecordingReport>,
    },
}

/// What stands for the sound of a live claim among its items: it has no file and no end. A week,
/// in frames.
pub const LIVE_FRAMES: i64 = 7 * 86_400 * 48_000;
/// Longest time that a live claim may hold the air: a day.
const LIVE_LONGEST_US: i64 = 86_400_000_000;

/// The claim that a session takes the air with.
pub fn live_claim(
    id: ClaimId,
    session: &LiveSession,
    raised_at: UtcMicros,
    until: UtcMicros,
    fade_ms: u32,
) -> Claim {
    let cues = CueMarks { cue_in: 0, segue: LIVE_FRAMES, cue_out: LIVE_FRAMES };
    let item = ClaimItem {
        media_id: MediaId::default(),
        play_hash: ContentHash::default(),
        title: session.name.clone(),
        artist: String::new(),
        kind: ItemKind::Feature,
        cues,
        gain_db_x100: 0,
    };
    Claim {
        id,
        tier: session.tier,
        items: vec![item],
        raised_at,
        window_start: None,
        window_end: Some(until),
        max_length_us: LIVE_LONGEST_US,
        fade_ms,
        label: session.name.clone(),
        repeat: false,
    }
}

/// True of a claim whose sound comes from a live input.
pub fn is_live(claim: &Claim) -> bool {
    let live =
        |item: &ClaimItem| item.media_id.is_nil() && item.play_hash == ContentHash::default();
    claim.tier != Tier::Emergency && claim.items.len() == 1 && claim.items.iter().all(live)
}
