//! Why something about webstreams is not done.

use crate::text::TextFault;
use crate::{Reject, RejectClass};
use grimnir_events::WebstreamId;

/// Why the answer is no.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WebstreamRejection {
    /// The name is empty, too long or holds a control character.
    #[error("name {fault}")]
    Text {
        /// What is wrong.
        fault: TextFault,
    },
    /// An address that cannot be one.
    #[error("the address {found:?} is not one: expected {expected}")]
    Url {
        /// As given, cut.
        found: String,
        /// What is expected.
        expected: &'static str,
    },
    /// None, too many, or one twice.
    #[error("{found} addresses, expected 1 to {limit}, each once")]
    Urls {
        /// How many are given.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// A number is out of its range.
    #[error("{field} is {found}, expected {least} to {most}")]
    Setting {
        /// Which.
        field: &'static str,
        /// As given.
        found: i64,
        /// Least.
        least: i64,
        /// Most.
        most: i64,
    },
    /// As many as can be handed over.
    #[error("there are {found} webstreams, limit {limit}")]
    TooMany {
        /// How many there are.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// The id names nothing.
    #[error("webstream_id is all zeros, which names nothing")]
    NilId,
    /// No such webstream.
    #[error("there is no webstream {webstream_id}")]
    Unknown {
        /// Which.
        webstream_id: WebstreamId,
    },
    /// It is switched off.
    #[error("webstream {webstream_id} is switched off")]
    Disabled {
        /// Which.
        webstream_id: WebstreamId,
    },
}

impl Reject for WebstreamRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Text { .. } => "bad_text",
            Self::Url { .. } | Self::Urls { .. } => "bad_webstream_url",
            Self::Setting { .. } => "setting_out_of_range",
            Self::TooMany { .. } => "too_many_webstreams",
            Self::NilId => "nil_id",
            Self::Unknown { .. } => "webstream_not_found",
            Self::Disabled { .. } => "webstream_disabled",
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Text { .. } => Some("name"),
            Self::Url { .. } | Self::Urls { .. } => Some("urls"),
            Self::Setting { field, .. } => Some(field),
            Self::NilId => Some("webstream_id"),
            Self::TooMany { .. } | Self::Unknown { .. } | Self::Disabled { .. } => None,
        }
    }
    fn class(&self) -> RejectClass {
        match self {
            Self::Unknown { .. } => RejectClass::NotFound,
            Self::TooMany { .. } | Self::Disabled { .. } => RejectClass::Conflict,
            Self::Text { .. }
            | Self::Url { .. }
            | Self::Urls { .. }
            | Self::Setting { .. }
            | Self::NilId => RejectClass::Invalid,
        }
    }
}
