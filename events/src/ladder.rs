//! The words of a ladder: who claims the air and who owns it.

use crate::codec::Payload;
use crate::ids::{ClaimId, ContentHash, MediaId};
use crate::library::{CueMarks, ItemKind};
use crate::live::LiveEvent;
use crate::units::UtcMicros;
use serde::{Deserialize, Serialize};

/// What happened on a ladder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LadderEvent {
    /// A source claims the air.
    SourceRaised {
        /// The claim.
        claim: Box<Claim>,
    },
    /// A source was refused.
    SourceRefused {
        /// The claim it would have been.
        claim_id: ClaimId,
        /// Its tier.
        tier: Tier,
        /// Why.
        reason: RefusalReason,
    },
    /// Another claim owns the air.
    OwnerChanged {
        /// Who owned it.
        from: ClaimId,
        /// Who owns it.
        to: ClaimId,
        /// Tier of the new owner.
        tier: Tier,
        /// Why.
        reason: OwnerReason,
        /// How the new owner enters.
        entry: Entry,
    },
    /// A claim ended.
    SourceReleased {
        /// Which.
        claim_id: ClaimId,
        /// Why.
        reason: ReleaseReason,
    },
    /// A source has nothing to give.
    SourceFailed {
        /// Which.
        claim_id: ClaimId,
        /// What was seen.
        reason: String,
    },
    /// A failed source gives again.
    SourceRecovered {
        /// Which.
        claim_id: ClaimId,
    },
    /// Something about who may send sound in.
    Live(Box<LiveEvent>),
}

impl Payload for LadderEvent {
    const NAME: &'static str = "ladder.event";
    const VERSION: u16 = 1;
}

/// Tier of a source; the lower number wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Tier {
    /// Alerts: cut in at once.
    Emergency = 0,
    /// A person takes the air.
    LiveOverride = 1,
    /// A planned live window.
    LiveScheduled = 2,
    /// The timeline.
    Automation = 3,
    /// The last rung.
    Fallback = 4,
}

impl Tier {
    /// Every tier, highest first.
    pub const ALL: [Self; 5] = [
        Self::Emergency,
        Self::LiveOverride,
        Self::LiveScheduled,
        Self::Automation,
        Self::Fallback,
    ];
    /// The number on the ladder, 0 to 4.
    pub const fn number(self) -> u8 {
        self as u8
    }
    /// The tier with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.number() == number)
    }
}

/// The claim that automation always holds.
pub const AUTOMATION_CLAIM: ClaimId = ClaimId(*b"grimnir-automate");
/// The claim that the fallback always holds.
pub const FALLBACK_CLAIM: ClaimId = ClaimId(*b"grimnir-fallback");
/// The name under which the legal ID at sign-off airs: nobody claims the air any more.
pub const FAREWELL_CLAIM: ClaimId = ClaimId(*b"grimnir-farewell");

/// What a source claims the air with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// Its id.
    pub id: ClaimId,
    /// Its tier.
    pub tier: Tier,
    /// What it plays, in order.
    pub items: Vec<ClaimItem>,
    /// When it was raised.
    pub raised_at: UtcMicros,
    /// Start of its window; `None`: at once.
    pub window_start: Option<UtcMicros>,
    /// End of its window; `None`: none.
    pub window_end: Option<UtcMicros>,
    /// Longest time it may hold the air.
    pub max_length_us: i64,
    /// Fade of what plays when it takes over.
    pub fade_ms: u32,
    /// What people see, e.g. the title.
    pub label: String,
    /// It starts over until it is released.
    pub repeat: bool,
}

/// One item of a claim.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClaimItem {
    /// What plays.
    pub media_id: MediaId,
    /// The bytes that play.
    pub play_hash: ContentHash,
    /// Title.
    pub title: String,
    /// Artist.
    pub artist: String,
    /// What it is.
    pub kind: ItemKind,
    /// Where it starts, hands over and ends.
    pub cues: CueMarks,
    /// Gain on air in hundredths of dB.
    pub gain_db_x100: i32,
}

/// How the new owner enters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// At once; what plays is faded over `fade_ms`, at most 10 for an emergency.
    Cut {
        /// Fade of what plays.
        fade_ms: u32,
    },
    /// At the end of the running item.
    NextJunction,
}

/// Why a source was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// It has nothing to play.
    NothingToPlay,
    /// Its window is over.
    WindowOver,
    /// Too many sources wait already.
    TooMany,
    /// The tier cannot be raised by anybody.
    TierNotRaisable,
    /// The station is off air.
    OffAir,
}

/// Why the air changed hands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerReason {
    /// A higher tier came.
    Preempted,
    /// The owner let go.
    Released,
    /// The owner's longest time or window was over.
    Expired,
    /// The owner had nothing more to give.
    Failed,
    /// The owner had played all it had.
    Completed,
    /// A better source gives again.
    Recovered,
    /// A person took the air at an equal tier.
    Taken,
    /// The station went on air.
    SignOn,
    /// Nobody started the next line: see [`crate::control::ControlMode`].
    Held,
}

/// Why a claim ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseReason {
    /// A person released it.
    Released,
    /// It had played all it had.
    Completed,
    /// Its longest time or its window was over.
    Expired,
    /// Nothing of it could be played.
    Failed,
    /// The station went off air.
    SignOff,
}
