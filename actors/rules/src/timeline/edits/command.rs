//! What a person can ask of a plan.

use super::templates::Taken;
use grimnir_events::edit::Pin;
use grimnir_events::template::TemplateSpan;
use grimnir_events::timeline::{Anchor, HourPlan, Line};
use grimnir_events::{LineId, TemplateId, UtcMicros};
use serde::{Deserialize, Serialize};

/// Work on a plan by hand.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditCommand {
    /// Put a line into an hour.
    Insert {
        /// Start of the hour.
        hour: UtcMicros,
        /// Where in it.
        place: Place,
        /// The line; it is timed anew.
        line: Box<Line>,
    },
    /// Put a line somewhere else, under a new id.
    Move {
        /// Start of its hour.
        hour: UtcMicros,
        /// Which.
        line_id: LineId,
        /// Start of the hour it goes to.
        to_hour: UtcMicros,
        /// Where in that, counted without the line itself.
        place: Place,
        /// What its start is to hang on.
        anchor: Anchor,
        /// Its id from then on.
        new_id: LineId,
    },
    /// Let another line air in a line's place.
    Replace {
        /// Start of its hour.
        hour: UtcMicros,
        /// Which.
        line_id: LineId,
        /// What airs instead; it is timed anew.
        line: Box<Line>,
    },
    /// Take a line out.
    Drop {
        /// Start of its hour.
        hour: UtcMicros,
        /// Which.
        line_id: LineId,
        /// Why.
        reason: String,
    },
    /// Hold a line where it is, or let it go.
    Hold {
        /// Start of its hour.
        hour: UtcMicros,
        /// Which.
        line_id: LineId,
        /// Hold it, or let it go.
        locked: bool,
    },
    /// Put the songs of an hour that are still to air into another order. Held and anchored lines
    /// keep their places, and so does what is no song.
    Shuffle {
        /// Start of the hour; `None` is the running one.
        hour: Option<UtcMicros>,
        /// The same seed, the same order.
        seed: [u8; 16],
    },
    /// Put a line right behind what is on air and what comes next.
    QueueNext {
        /// The line; it is timed anew.
        line: Box<Line>,
    },
    /// Bring an hour back to what it was. What has aired, is on air or comes next stays.
    RestoreHour {
        /// The hour as it was.
        plan: Box<HourPlan>,
        /// What was held of it.
        pins: Vec<(LineId, Pin)>,
        /// Ledger position at which it was so.
        to_seq: u64,
    },
    /// Fill an hour from a template. What has aired, is on air or comes next stays.
    FillHour {
        /// The hour as it is to be.
        plan: Box<HourPlan>,
        /// From which template.
        template_id: TemplateId,
    },
    /// Make a template, or describe it otherwise.
    SetTemplate {
        /// Which.
        template_id: TemplateId,
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
        /// How much it holds.
        span: TemplateSpan,
    },
    /// Take hours of the plan down into a template.
    TakeHours {
        /// Which.
        template_id: TemplateId,
        /// The hours.
        hours: Vec<Taken>,
        /// With their lines.
        lines: bool,
    },
    /// Remove a template.
    RemoveTemplate {
        /// Which.
        template_id: TemplateId,
    },
    /// Fill hours from a template once they are planned.
    AssignHours {
        /// Which.
        template_id: TemplateId,
        /// Starts of the hours, and their numbers in the template.
        hours: Vec<(UtcMicros, u16)>,
    },
    /// An hour that waited for a template waits no more.
    GiveUpHour {
        /// Start of the hour.
        hour: UtcMicros,
    },
}

/// A place in an hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// From 0; beyond the last it is the end.
    Index(u32),
    /// Behind a line of the hour.
    After(LineId),
}
