//! How a refusal of a timeline is answered: its code, its field, its class.

use super::TimelineRejection;
use crate::{Reject, RejectClass};

impl Reject for TimelineRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::ClockName { .. } => "clock_name_length",
            Self::SlotCount { .. } => "clock_slot_count",
            Self::SlotOffset { .. } => "clock_slot_offset",
            Self::SlotGrace { .. } => "clock_slot_grace",
            Self::SlotCategory { .. } => "clock_slot_category",
            Self::Slot(_) => "clock_slot_value",
            Self::ClockTooLarge { .. } => "clock_too_large",
            Self::UnknownTrack(_) => "voice_track_not_found",
            Self::TooManyVoiceTracks { .. } => "too_many_voice_tracks",
            Self::TooManyClocks { .. } => "too_many_clocks",
            Self::GridWeek { .. } => "grid_week",
            Self::GridTooLarge { .. } => "grid_too_large",
            Self::DatedSetCount { .. } => "dated_set_count",
            Self::DatedSetName { .. } => "dated_set_name_length",
            Self::DatedSetHours { .. } => "dated_set_hours",
            Self::DatedSetDays { .. } => "dated_set_days",
            Self::UnknownClock(_) => "clock_not_found",
            Self::NotAnHour(_) => "plan_not_an_hour",
            Self::AlreadyPlanned(_) => "hour_already_planned",
            Self::TooOld { .. } => "hour_too_old",
            Self::EmptyWithoutNote(_) => "plan_empty_without_note",
            Self::RepeatedLine { .. } => "plan_line_repeated",
            Self::CueOrder { .. } => "line_cue_order",
            Self::AnchorOutside { .. } => "line_anchor_outside_hour",
            Self::PlannedBackwards { .. } => "line_planned_backwards",
            Self::TooLarge { .. } => "plan_too_large",
            Self::UnknownHour(_) => "unknown_hour",
            Self::UnknownLine { .. } => "unknown_line",
            Self::ReasonLength { .. } => "reason_length",
            Self::Rules(_) => "smart_block_rules",
            Self::Edit(no) => no.code(),
            Self::Roll(no) => no.code(),
            Self::TooManyBlocks { .. } => "too_many_smart_blocks",
            Self::BlockTooLarge { .. } => "smart_block_too_large",
            Self::UnknownBlock(_) => "smart_block_not_found",
            Self::FallbackDepth { .. } => "smart_block_fallback_depth",
            Self::BlockInUse { .. } => "smart_block_in_use",
            Self::Show(no) => no.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::ClockName { .. } => Some("name"),
            Self::SlotCount { .. }
            | Self::SlotOffset { .. }
            | Self::SlotGrace { .. }
            | Self::SlotCategory { .. }
            | Self::Slot(_)
            | Self::ClockTooLarge { .. } => Some("slots"),
            Self::UnknownTrack(_) => Some("track"),
            Self::Show(no) => no.field(),
            Self::UnknownClock(_) => Some("clock_id"),
            Self::GridWeek { .. } => Some("week"),
            Self::DatedSetCount { .. }
            | Self::DatedSetName { .. }
            | Self::DatedSetHours { .. }
            | Self::DatedSetDays { .. }
            | Self::GridTooLarge { .. } => Some("sets"),
            Self::Rules(_) | Self::BlockTooLarge { .. } => Some("rules"),
            Self::UnknownBlock(_) | Self::BlockInUse { .. } => Some("smart_block_id"),
            Self::FallbackDepth { .. } => Some("fallbacks"),
            Self::TooManyClocks { .. }
            | Self::TooManyVoiceTracks { .. }
            | Self::TooManyBlocks { .. } => None,
            Self::NotAnHour(_)
            | Self::AlreadyPlanned(_)
            | Self::TooOld { .. }
            | Self::UnknownHour(_) => Some("hour"),
            Self::EmptyWithoutNote(_)
            | Self::RepeatedLine { .. }
            | Self::CueOrder { .. }
            | Self::AnchorOutside { .. }
            | Self::PlannedBackwards { .. }
            | Self::TooLarge { .. } => Some("lines"),
            Self::UnknownLine { .. } => Some("line_id"),
            Self::ReasonLength { .. } => Some("reason"),
            Self::Edit(no) => no.field(),
            Self::Roll(no) => no.field(),
        }
    }

    fn class(&self) -> RejectClass {
        match self {
            Self::Edit(no) => no.class(),
            Self::Roll(no) => no.class(),
            Self::UnknownClock(_)
            | Self::UnknownHour(_)
            | Self::UnknownLine { .. }
            | Self::UnknownTrack(_)
            | Self::UnknownBlock(_) => RejectClass::NotFound,
            Self::AlreadyPlanned(_)
            | Self::TooOld { .. }
            | Self::TooManyClocks { .. }
            | Self::TooManyVoiceTracks { .. }
            | Self::TooManyBlocks { .. }
            | Self::BlockInUse { .. } => RejectClass::Conflict,
            Self::ClockName { .. }
            | Self::SlotCount { .. }
            | Self::SlotOffset { .. }
            | Self::SlotGrace { .. }
            | Self::SlotCategory { .. }
            | Self::Slot(_)
            | Self::ClockTooLarge { .. }
            | Self::GridWeek { .. }
            | Self::DatedSetCount { .. }
            | Self::DatedSetName { .. }
            | Self::DatedSetHours { .. }
            | Self::DatedSetDays { .. }
            | Self::GridTooLarge { .. }
            | Self::NotAnHour(_)
            | Self::EmptyWithoutNote(_)
            | Self::RepeatedLine { .. }
            | Self::CueOrder { .. }
            | Self::AnchorOutside { .. }
            | Self::PlannedBackwards { .. }
            | Self::TooLarge { .. }
            | Self::Rules(_)
            | Self::BlockTooLarge { .. }
            | Self::FallbackDepth { .. }
            | Self::ReasonLength { .. } => RejectClass::Invalid,
            Self::Show(no) => no.class(),
        }
    }
}
