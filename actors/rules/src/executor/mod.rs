//! The executor: what playout does now and what people asked of it.
//!
//! | command | events | rejections |
//! |---|---|---|
//! | `Enter` | `StateChanged`; none for the state it is in | `NoSuchStep` |
//! | `Skip` | `SkipRequested`; none when the same was asked for last | `NothingOnAir`, `NilId` |
//! | `SetMode` | `ModeChanged`; none for the mode it has | `NoLineOnAir` |
//! | `Start` | `StartRequested`; none for one that was asked for | `NotInAssist`, `NothingStarts` |
//! | `JudgeLegalId` | `LegalIdMissed`; none while the air has not told, and once it was told | |
//! | `ReportCrash` | `EngineCrashed`; none for one that was told | |
//! | `RestoreEngine` | `EngineWhole` | `EngineIsWhole` |
//!
//! ```text
//! from \ to   idle  preloading  playing  fading  live  emergency
//! idle         ·        x          x               x       x
//! preloading   x        ·          x               x       x
//! playing      x        x          ·       x       x       x
//! fading       x        x          x       ·       x       x
//! live         x        x          x       x       ·       x
//! emergency    x        x          x       x       x       ·
//! ```
//!
//! Two items can overlap only where one already plays; every other step may be seen, because an
//! engine that was adopted or started again tells only where it is, not how it came there.

pub mod command;
pub mod crashes;
mod decide;
mod evolve;
mod rejection;
mod state;
#[cfg(test)]
mod tests;

pub use decide::may_follow;
pub use rejection::ExecutorRejection;
pub use state::ExecutorState;

use crate::{Aggregate, Context};
use command::ExecutorCommand;
use grimnir_events::StreamKind;
use grimnir_events::air::AirFact;
use grimnir_events::executor::ExecutorEvent;

/// The executor aggregate.
pub struct Executor;

impl Aggregate for Executor {
    const KIND: StreamKind = StreamKind::Executor;
    type Command = ExecutorCommand;
    type Event = ExecutorEvent;
    type State = ExecutorState;
    type Rejection = ExecutorRejection;

    fn decide(
        state: &ExecutorState,
        command: &ExecutorCommand,
        _ctx: &Context,
    ) -> Result<Vec<ExecutorEvent>, ExecutorRejection> {
        decide::decide(state, command)
    }
    fn evolve(state: &mut ExecutorState, event: &ExecutorEvent) {
        evolve::evolve(state, event);
    }
    fn witness(state: &mut ExecutorState, fact: &AirFact) {
        evolve::witness(state, fact);
    }
}
