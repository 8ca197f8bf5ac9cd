//! Why something about a show is refused.

use crate::RejectClass;
use crate::recurrence::RuleFault;
use grimnir_events::ShowId;
use grimnir_events::show::LocalTime;

/// A refused command about a show. Each text names the thing, what was found and the limit.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShowRejection {
    /// No such show.
    #[error("show {0} does not exist")]
    Unknown(ShowId),
    /// The show does not come then.
    #[error("show {show_id} has no instance that starts at {original} by its rule")]
    NoInstance {
        /// The show.
        show_id: ShowId,
        /// The start that was named.
        original: LocalTime,
    },
    /// There are enough shows.
    #[error("{limit} shows exist, which is the limit")]
    TooMany {
        /// Most.
        limit: usize,
    },
    /// There is enough that is different.
    #[error("show {show_id} has {limit} instances of its own to come, which is the limit")]
    TooManyExceptions {
        /// The show.
        show_id: ShowId,
        /// Most.
        limit: usize,
    },
    /// A part of the show is out of its bounds.
    #[error("the show's {field} is {found}, expected {expected}")]
    Field {
        /// Which part.
        field: &'static str,
        /// What was found.
        found: String,
        /// What can be there.
        expected: &'static str,
    },
    /// The rule cannot be taken.
    #[error("the show's rrule: {0}")]
    Rule(RuleFault),
    /// Two shows of one priority at once.
    #[error(
        "show \"{name}\" from {at} would be on together with show \"{other}\" ({other_id}) from \
         {other_at}: both have priority {priority}"
    )]
    Overlap {
        /// The show that was asked for.
        name: String,
        /// When it starts.
        at: LocalTime,
        /// The show that is there.
        other: String,
        /// Its id.
        other_id: ShowId,
        /// When that one starts.
        other_at: LocalTime,
        /// Of both.
        priority: u8,
    },
}

impl ShowRejection {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "show_not_found",
            Self::NoInstance { .. } => "show_instance_not_found",
            Self::TooMany { .. } => "too_many_shows",
            Self::TooManyExceptions { .. } => "too_many_show_exceptions",
            Self::Field { .. } => "show_field",
            Self::Rule(_) => "show_rrule",
            Self::Overlap { .. } => "show_overlap",
        }
    }

    /// The field at fault.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Unknown(_) => Some("show_id"),
            Self::NoInstance { .. } => Some("instance_id"),
            Self::TooMany { .. } | Self::TooManyExceptions { .. } => None,
            Self::Field { field, .. } => Some(field),
            Self::Rule(_) => Some("rrule"),
            Self::Overlap { .. } => Some("start"),
        }
    }

    /// How it is answered.
    pub fn class(&self) -> RejectClass {
        match self {
            Self::Unknown(_) | Self::NoInstance { .. } => RejectClass::NotFound,
            Self::TooMany { .. } | Self::TooManyExceptions { .. } | Self::Overlap { .. } => {
                RejectClass::Conflict
            }
            Self::Field { .. } | Self::Rule(_) => RejectClass::Invalid,
        }
    }
}
