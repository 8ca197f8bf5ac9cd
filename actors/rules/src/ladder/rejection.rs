//! Why a ladder says no. A source that is refused by the rules of the air is an event instead.

use crate::live::LiveRejection;
use crate::text::TextFault;
use crate::{Reject, RejectClass};
use grimnir_events::ladder::Tier;
use grimnir_events::{ClaimId, UtcMicros};

/// Why a ladder says no.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LadderRejection {
    /// The id names nothing, or automation or fallback.
    #[error("claim id {found} is nil or reserved, expected a fresh one")]
    BadId {
        /// As given.
        found: ClaimId,
    },
    /// The label is too long or holds a control character.
    #[error("label {fault}")]
    Label {
        /// What is wrong.
        fault: TextFault,
    },
    /// The longest time makes no sense.
    #[error("longest time is {found_us} µs, expected 1 to {limit_us}")]
    Length {
        /// As given.
        found_us: i64,
        /// Most.
        limit_us: i64,
    },
    /// The fade is too long.
    #[error("fade is {found} ms, limit {limit} ms")]
    Fade {
        /// As given.
        found: u32,
        /// Most.
        limit: u32,
    },
    /// The window ends before it begins.
    #[error("the window ends at {end}, expected after its start at {start}")]
    Window {
        /// Start.
        start: UtcMicros,
        /// End.
        end: UtcMicros,
    },
    /// Too many items.
    #[error("the source has {found} items, limit {limit}")]
    ItemCount {
        /// As given.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// An item names nothing, or its cue marks are out of order.
    #[error(
        "item {index} of the source has a nil id or cue marks out of order, \
         expected 0 <= in < segue <= out"
    )]
    Item {
        /// Its place, from 0.
        index: usize,
    },
    /// Too large for a commit.
    #[error("the source takes {found} bytes, limit {limit}")]
    TooLarge {
        /// Encoded size, or its lower bound.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// Only an emergency can be entered after the fact.
    #[error("claim {claim_id} is of tier {found:?}, expected Emergency")]
    NotAnEmergency {
        /// Which.
        claim_id: ClaimId,
        /// Its tier.
        found: Tier,
    },
    /// Only a live input's claim is entered as one.
    #[error("claim {claim_id} of tier {found:?} is not a live input's")]
    NotLive {
        /// Which.
        claim_id: ClaimId,
        /// Its tier.
        found: Tier,
    },
    /// About live sessions.
    #[error(transparent)]
    Live(LiveRejection),
    /// Automation and fallback always hold their claim.
    #[error("claim {claim_id} belongs to automation or fallback and cannot be released")]
    NotReleasable {
        /// Which.
        claim_id: ClaimId,
    },
    /// No such claim.
    #[error("there is no claim {claim_id}")]
    UnknownClaim {
        /// Which.
        claim_id: ClaimId,
    },
}

impl Reject for LadderRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::BadId { .. } => "bad_claim_id",
            Self::Label { .. } => "bad_text",
            Self::Length { .. } => "bad_max_length",
            Self::Fade { .. } => "fade_too_long",
            Self::Window { .. } => "bad_window",
            Self::ItemCount { .. } => "too_many_items",
            Self::Item { .. } => "bad_claim_item",
            Self::TooLarge { .. } => "claim_too_large",
            Self::NotAnEmergency { .. } => "not_an_emergency",
            Self::NotLive { .. } => "not_live",
            Self::Live(rejection) => rejection.code(),
            Self::NotReleasable { .. } => "not_releasable",
            Self::UnknownClaim { .. } => "claim_not_found",
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadId { .. } => Some("claim_id"),
            Self::Label { .. } => Some("label"),
            Self::Length { .. } => Some("max_length_s"),
            Self::Fade { .. } => Some("fade_ms"),
            Self::Window { .. } => Some("window_end"),
            Self::ItemCount { .. } | Self::Item { .. } | Self::TooLarge { .. } => Some("source_id"),
            Self::NotAnEmergency { .. } | Self::NotLive { .. } => Some("tier"),
            Self::Live(rejection) => rejection.field(),
            Self::NotReleasable { .. } | Self::UnknownClaim { .. } => None,
        }
    }
    fn class(&self) -> RejectClass {
        match self {
            Self::UnknownClaim { .. } => RejectClass::NotFound,
            Self::NotReleasable { .. } => RejectClass::Conflict,
            Self::Live(rejection) => rejection.class(),
            Self::BadId { .. }
            | Self::Label { .. }
            | Self::Length { .. }
            | Self::Fade { .. }
            | Self::Window { .. }
            | Self::ItemCount { .. }
            | Self::Item { .. }
            | Self::TooLarge { .. }
            | Self::NotLive { .. }
            | Self::NotAnEmergency { .. } => RejectClass::Invalid,
        }
    }
}
