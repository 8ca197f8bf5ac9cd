//! The words of templates: a day or a week of plan, or of clocks, to be laid over later ones.

use crate::ids::{ClockId, MediaId};
use crate::timeline::SlotStart;
use serde::{Deserialize, Serialize};

/// How much a template holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateSpan {
    /// 24 hours from midnight on.
    Day,
    /// 168 hours from Monday's midnight on.
    Week,
}

impl TemplateSpan {
    /// Hours of it.
    pub const fn hours(self) -> u16 {
        match self {
            Self::Day => 24,
            Self::Week => 168,
        }
    }
}

/// One hour of a template.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TemplateHour {
    /// Its number from the first hour of the span, by the station's own time.
    pub place: u16,
    /// The clock that rules it; `None` leaves that as it is.
    pub clock_id: Option<ClockId>,
    /// What airs in it; empty leaves that to planning.
    pub lines: Vec<TemplateLine>,
}

/// One line of a template.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TemplateLine {
    /// The item.
    pub media_id: MediaId,
    /// Its start, in milliseconds from that of the hour.
    pub offset_ms: u32,
    /// How it starts.
    pub start: SlotStart,
}
