//! The timeline: format clocks and the planned hours; the resolver that turns a chain into frames.
//!
//! | command | events | rejections |
//! |---|---|---|
//! | `SetClock` | `ClockSet` | a name, slots or offsets out of bounds; as `Clock(Set)`, of old |
//! | `Clock(Set)` | `Clock(Set)` | a name, slots or offsets out of bounds |
//! | `Clock(SetLegalId)` | `Clock(LegalIdSet)` | a time or a category out of bounds |
//! | `Clock(AssignVoice)` | `Clock(VoiceTracked)` | no such track, an hour that is too old |
//! | `Clock(SignOn)` | `Clock(SignedOn)` | |
//! | `RemoveClock` | `GridSet`, `DefaultClockChosen`, `ClockRemoved` | unknown clock |
//! | `ChooseDefaultClock` | `DefaultClockChosen` | unknown clock |
//! | `CommitHour` | `HourPlanned` | planned already, too old, or a plan that contradicts itself |
//! | `SetGrid` | `GridSet` | hours, sets or days out of bounds, an unknown clock |
//! | `ClearHour` | `HourCleared` | unknown hour, a reason that is too long |
//! | `SetSmartBlock` | `SmartBlockSet` | rules that make no sense, fallbacks in a circle |
//! | `RemoveSmartBlock` | `SmartBlockRemoved` | unknown, or named by a clock or a block |
//! | `SetStationRules` | `StationRulesSet` | rules that make no sense |
//! | `Show` | `Show` | see [`shows`] |
//! | `DropLine` | `LineDropped` | unknown hour or line, a reason that is too long, a locked line |
//! | `Roll(SetHorizon)` | `HorizonSet` | out of bounds |
//! | `Roll(CommitPlan)` | `HourPlanned`, `HourRead` | as `CommitHour`; it touches a locked line |
//! | `Roll(ContinuePlan)` | `HourContinued` | unknown hour, lines that follow on nothing |
//! | `Roll(RepairLine)` | `LineRepaired` | unknown hour or line, a locked line |
//! | `Roll(RetimeLines)` | `LinesRetimed` | unknown hour |
//! | `Roll(PassLines)` | `LinesPassed` | unknown hour |
//! | `Edit` | lines in, out, held, joined and timed anew | unknown, locked, past, on air or next |
//!
//! What asks for what is already so is answered with no event.

pub mod aired;
mod blocks;
pub mod clocks;
pub mod command;
pub mod decide;
pub mod edits;
pub mod evolve;
mod farewell;
pub mod grid;
pub mod rejection;
pub mod resolve;
mod roll;
pub mod shows;
pub mod state;

#[cfg(test)]
mod block_tests;
#[cfg(test)]
mod edit_properties;
#[cfg(test)]
mod edit_tests;
#[cfg(test)]
mod clock_tests;
#[cfg(test)]
mod pin_tests;
#[cfg(test)]
mod roll_tests;
#[cfg(test)]
mod template_tests;
#[cfg(test)]
mod tests;

use crate::{Aggregate, Context};
use command::TimelineCommand;
pub use farewell::farewell;
use grimnir_events::StreamKind;
use grimnir_events::air::AirFact;
use grimnir_events::timeline::TimelineEvent;
pub use rejection::TimelineRejection;
pub use state::{Orders, TimelineState};

/// The timelines of stations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timeline;

impl Aggregate for Timeline {
    const KIND: StreamKind = StreamKind::Timeline;
    type Command = TimelineCommand;
    type Event = TimelineEvent;
    type State = TimelineState;
    type Rejection = TimelineRejection;

    fn decide(
        state: &TimelineState,
        command: &TimelineCommand,
        ctx: &Context,
    ) -> Result<Vec<TimelineEvent>, TimelineRejection> {
        decide::decide(state, command, ctx.now)
    }

    fn evolve(state: &mut TimelineState, event: &TimelineEvent) {
        evolve::evolve(state, event);
    }

    fn witness(state: &mut TimelineState, fact: &AirFact) {
        state.aired.witness(fact);
    }
}
