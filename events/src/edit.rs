//! The words of manual work on a plan: lines that are held, and hours put into another order.

use crate::ids::LineId;
use crate::timeline::Line;
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
}

/// Place and time of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Arranged {
    /// Which.
    pub line_id: LineId,
    /// When it is to start by the plan.
    pub planned_at: UtcMicros,
}

/// Puts lines into the order and at the times that are given; the others follow as they were.
pub fn arrange(lines: &mut [Line], order: &[Arranged]) {
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
