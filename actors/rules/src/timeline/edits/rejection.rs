//! Why a plan is not changed by hand.

use crate::RejectClass;
use grimnir_events::{LineId, TemplateId, UtcMicros};

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
    /// No such template.
    #[error("template {0} does not exist")]
    UnknownTemplate(TemplateId),
    /// The template's name is empty or too long.
    #[error("the template's name has {found} characters, expected 1 to {limit}")]
    TemplateName {
        /// Characters.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// The template's description is too long.
    #[error("the template's description has {found} characters, limit {limit}")]
    TemplateDescription {
        /// Characters.
        found: usize,
        /// Most.
        limit: usize,
    },
    /// There are enough templates.
    #[error("{limit} templates exist, which is the limit")]
    TooManyTemplates {
        /// Most.
        limit: usize,
    },
    /// The template has no such hour.
    #[error("the template has no hour {found}, of {limit}")]
    TemplatePlace {
        /// The hour's number.
        found: u16,
        /// Hours of its span.
        limit: u16,
    },
    /// Too large for a commit.
    #[error("the hours of the template take {found} bytes, limit {limit}")]
    TemplateTooLarge {
        /// Encoded size.
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
            Self::UnknownTemplate(_) => "template_not_found",
            Self::TemplateName { .. } => "template_name_length",
            Self::TemplateDescription { .. } => "template_description_length",
            Self::TooManyTemplates { .. } => "too_many_templates",
            Self::TemplatePlace { .. } => "template_hour",
            Self::TemplateTooLarge { .. } => "template_too_large",
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
            Self::UnknownTemplate(_) => Some("template_id"),
            Self::TemplateName { .. } => Some("name"),
            Self::TemplateDescription { .. } => Some("description"),
            Self::TooManyTemplates { .. } => None,
            Self::TemplatePlace { .. } | Self::TemplateTooLarge { .. } => Some("hours"),
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
            | Self::IdTaken(_)
            | Self::TooManyTemplates { .. } => RejectClass::Conflict,
            Self::UnknownTemplate(_) => RejectClass::NotFound,
            Self::TemplateName { .. }
            | Self::TemplateDescription { .. }
            | Self::TemplatePlace { .. }
            | Self::TemplateTooLarge { .. } => RejectClass::Invalid,
        }
    }
}
