//! Why a plan is not changed by hand.

use crate::RejectClass;
use grimnir_events::{LineId, UtcMicros};

/// A refused edit. Each text names the line or hour and what stands against it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EditRejection {
    /// The line is on air.
    #[error("line {line_id} (\"{title}\") is on air")]
    OnAir {
        /// The line.
        line_id: LineId,
        /// Its title.
        title: String,
    },
    /// The line comes next and is prepared already.
    #[error("line {line_id} (\"{title}\") comes next and is prepared already")]
    ComesNext {
        /// The line.
        line_id: LineId,
        /// Its title.
        title: String,
    },
    /// The time of the line is over.
    #[error("line {line_id} (\"{title}\") of {planned_at} is in the past")]
    LinePast {
        /// The line.
        line_id: LineId,
        /// Its title.
        title: String,
        /// When it was planned.
        planned_at: UtcMicros,
    },
    /// Nothing can be put there any more.
    #[error("place {index} of hour {hour} lies before place {from}, the first that is still free")]
    PlacePast {
        /// The hour.
        hour: UtcMicros,
        /// The place.
        index: usize,
        /// The first that is free.
        from: usize,
    },
    /// The hour is over.
    #[error("hour {0} is over")]
    HourPast(UtcMicros),
    /// A person holds the line.
    #[error("line {line_id} (\"{title}\") is locked; unlock it first")]
    Locked {
        /// The line.
        line_id: LineId,
        /// Its title.
        title: String,
    },
    /// The hour is as full as an hour may be.
    #[error("hour {hour} would have {found} lines, limit {limit}")]
    TooManyLines {
        /// The hour.
        hour: UtcMicros,
        /// Lines.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// The id is taken.
    #[error("line {0} is in the plan already")]
    IdTaken(LineId),
}

impl EditRejection {
    /// Stable code for clients.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OnAir { .. } => "line_on_air",
            Self::ComesNext { .. } => "line_comes_next",
            Self::LinePast { .. } => "line_past",
            Self::PlacePast { .. } => "place_past",
            Self::HourPast(_) => "hour_past",
            Self::Locked { .. } => "line_locked",
            Self::TooManyLines { .. } => "too_many_lines",
            Self::IdTaken(_) => "line_id_taken",
        }
    }

    /// The field at fault.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::OnAir { .. }
            | Self::ComesNext { .. }
            | Self::LinePast { .. }
            | Self::Locked { .. }
            | Self::IdTaken(_) => Some("line_id"),
            Self::PlacePast { .. } => Some("index"),
            Self::HourPast(_) | Self::TooManyLines { .. } => Some("hour"),
        }
    }

    /// How it is answered.
    pub const fn class(&self) -> RejectClass {
        match self {
            Self::OnAir { .. }
            | Self::ComesNext { .. }
            | Self::LinePast { .. }
            | Self::PlacePast { .. }
            | Self::HourPast(_)
            | Self::Locked { .. }
            | Self::TooManyLines { .. }
            | Self::IdTaken(_) => RejectClass::Conflict,
        }
    }
}
