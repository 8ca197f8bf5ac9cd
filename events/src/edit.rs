//! The words of manual work on a plan: lines that are held, and hours put into another order.

use crate::ids::{LineId, TemplateId};
use crate::template::{TemplateHour, TemplateSpan};
use crate::timeline::{Anchor, Line, Transition};
use crate::units::UtcMicros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why planning leaves a line as it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pin {
    /// A person put it there.
    Hand,
    /// A voice track was made for its place.
    Voice,
    /// A person holds it: neither planning nor shuffling touches it.
    Locked,
}

/// What a person did to a plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditEvent {
    /// A line is held from now on, or no longer.
    LinePinned {
        /// Start of its hour.
        hour: UtcMicros,
        /// Which.
        line_id: LineId,
        /// Why; `None`: no longer.
        pin: Option<Pin>,
    },
    /// The lines of an hour stand in this order and start at these times. Lines that are not named
    /// keep their times, behind those that are.
    HourArranged {
        /// Start of the hour.
        hour: UtcMicros,
        /// Its lines, in order.
        lines: Vec<Arranged>,
    },
    /// A line meets its neighbours in another way, for they are others now.
    LineJoined {
        /// Start of its hour.
        hour: UtcMicros,
        /// Which.
        line_id: LineId,
        /// What its start hangs on.
        anchor: Anchor,
        /// Frame of its file at which the next one starts.
        segue: i64,
        /// How it hands over.
        transition: Transition,
    },
    /// A template exists, or is described otherwise.
    TemplateSet {
        /// Which.
        template_id: TemplateId,
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
        /// How much it holds.
        span: TemplateSpan,
    },
    /// Hours of a template hold this now; others stay.
    TemplateHoursSet {
        /// Which.
        template_id: TemplateId,
        /// The hours.
        hours: Vec<TemplateHour>,
    },
    /// A template is gone.
    TemplateRemoved {
        /// Which.
        template_id: TemplateId,
    },
    /// Hours that are not planned yet are to be filled from a template.
    HoursAssigned {
        /// Which.
        template_id: TemplateId,
        /// Starts of the hours, and their numbers in the template.
        hours: Vec<(UtcMicros, u16)>,
    },
    /// An hour that was to be filled from a template has been dealt with.
    HourFilled {
        /// Start of the hour.
        hour: UtcMicros,
    },
}

/// Place and time of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Arranged {
    /// Which.
    pub line_id: LineId,
    /// When it is to start by the plan.
    pub planned_at: UtcMicros,
}

/// Folds what concerns the lines of an hour.
pub fn apply(event: &EditEvent, lines: &mut [Line]) {
    match event {
        EditEvent::LinePinned { .. }
        | EditEvent::TemplateSet { .. }
        | EditEvent::TemplateHoursSet { .. }
        | EditEvent::TemplateRemoved { .. }
        | EditEvent::HoursAssigned { .. }
        | EditEvent::HourFilled { .. } => {}
        EditEvent::HourArranged { lines: order, .. } => arrange(lines, order),
        EditEvent::LineJoined { hour: _, line_id, anchor, segue, transition } => {
            if let Some(line) = lines.iter_mut().find(|line| line.id == *line_id) {
                (line.anchor, line.cues.segue, line.transition) = (*anchor, *segue, *transition);
            }
        }
    }
}

impl EditEvent {
    /// Start of the hour whose lines it is about, where it is about one.
    pub const fn hour(&self) -> Option<UtcMicros> {
        match self {
            Self::LinePinned { hour, .. }
            | Self::HourArranged { hour, .. }
            | Self::LineJoined { hour, .. } => Some(*hour),
            Self::TemplateSet { .. }
            | Self::TemplateHoursSet { .. }
            | Self::TemplateRemoved { .. }
            | Self::HoursAssigned { .. }
            | Self::HourFilled { .. } => None,
        }
    }
}

/// Puts lines into the order and at the times that are given; the others follow as they were.
fn arrange(lines: &mut [Line], order: &[Arranged]) {
    let places = order.iter().enumerate().map(|(at, a)| (a.line_id, (at, a.planned_at)));
    let places: BTreeMap<_, _> = places.collect();
    for line in lines.iter_mut() {
        if let Some((_, planned_at)) = places.get(&line.id) {
            line.planned_at = *planned_at;
        }
    }
    // Stable: what is not named keeps its order.
    lines.sort_by_key(|line| places.get(&line.id).map_or(usize::MAX, |(at, _)| *at));
}
