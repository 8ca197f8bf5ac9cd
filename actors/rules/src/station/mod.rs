//! A station: its name, its time, its mounts, and whether it is to be on air.
//!
//! | command | events | rejections |
//! |---|---|---|
//! | `Create` | `Created` | `AlreadyExists`, `Text`, `Slug`, `TimeZone`, `Setting` |
//! | `Change` | `Renamed`, `TimeZoneChanged`, `SettingsChanged` | `Text`, `TimeZone`, `Setting` |
//! | `AddMount` | `MountAdded` | `MountTaken`, `PathTaken`, `Path`, `Bitrate`, `TooManyMounts` |
//! | `RemoveMount` | `MountRemoved` | `UnknownMount` |
//! | `Start`, `Stop` | `Started`, `Stopped` | |
//! | `ChooseFallback` | `FallbackChanged` | `NilId` |
//! | `SetDspGraph` | `DspGraphSet` | `Setting`, `Text` |
//! | `ChooseTransitions` | `TransitionsChosen` | |
//! | `SetOutput` | `OutputSet` | `OutputTaken`, `PlaceTaken`, `Host`, `Folder`, `OutputFormat`, … |
//! | `RemoveOutput` | `OutputRemoved` | `UnknownOutput` |
//!
//! Everything but `Create` is refused with `Missing` before it. What is so already changes nothing.

pub mod command;
mod decide;
mod outputs;
mod rtp;
mod evolve;
mod rejection;
mod state;
#[cfg(test)]
mod tests;

pub use decide::bitrates_kbps;
pub use rejection::StationRejection;
pub use rtp::sdp;
pub use state::StationState;

use crate::{Aggregate, Context};
use command::StationCommand;
use grimnir_events::StreamKind;
use grimnir_events::station::StationEvent;

/// The station aggregate.
pub struct Station;

impl Aggregate for Station {
    const KIND: StreamKind = StreamKind::Station;
    type Command = StationCommand;
    type Event = StationEvent;
    type State = StationState;
    type Rejection = StationRejection;

    fn decide(
        state: &StationState,
        command: &StationCommand,
        _ctx: &Context,
    ) -> Result<Vec<StationEvent>, StationRejection> {
        decide::decide(state, command)
    }
    fn evolve(state: &mut StationState, event: &StationEvent) {
        evolve::evolve(state, event);
    }
}
