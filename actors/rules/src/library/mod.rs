//! The library: media items and playlists of a station.
//!
//! | command | events | rejections |
//! |---|---|---|
//! | `AddMedia` | `MediaAdded`; `MediaFound` for a lost item's bytes | `Duplicate`, `Cues`, … |
//! | `RefuseMedia` | `MediaRefused` | `Text` |
//! | `DescribeMedia` | `MediaDescribed` | `UnknownMedia`, `Cues`, `Text`, `Category` |
//! | `DetailMedia` | `MediaDetailed` | `UnknownMedia`, `Text`, `Measure`, `TooMany` |
//! | `Analysis` | `Analysis` | `UnknownMedia`, `Measure`, `Cues`, `Text` |
//! | `LoseMedia`, `FindMedia` | `MediaLost`, `MediaFound` | `UnknownMedia` |
//! | `RemoveMedia` | `MediaRemoved` | `UnknownMedia`, `InPlaylist` |
//! | `SetPlaylist` | `PlaylistSet` | `UnknownMedia`, `PlaylistLength`, `Text`, … |
//! | `RemovePlaylist` | `PlaylistRemoved` | `UnknownPlaylist` |
//! | `Stock` | see [`stock`] | |
//!
//! The same bytes are in once; taken in again they bring a lost item back. What is so already
//! changes nothing.

pub mod command;
pub mod analysis;
mod decide;
mod detail;
mod evolve;
mod rejection;
pub mod stock;
mod state;
#[cfg(test)]
mod analysis_tests;
#[cfg(test)]
mod tests;

pub use decide::{MEDIA_MAX, PLAYLIST_ITEMS_MAX, PLAYLISTS_MAX, TAG_MAX};
pub use rejection::LibraryRejection;
pub use state::{LibraryState, MediaEntry, Playlist};

use crate::{Aggregate, Context};
use command::LibraryCommand;
use grimnir_events::StreamKind;
use grimnir_events::library::LibraryEvent;

/// The library aggregate.
pub struct Library;

impl Aggregate for Library {
    const KIND: StreamKind = StreamKind::Library;
    type Command = LibraryCommand;
    type Event = LibraryEvent;
    type State = LibraryState;
    type Rejection = LibraryRejection;

    fn decide(
        state: &LibraryState,
        command: &LibraryCommand,
        _ctx: &Context,
    ) -> Result<Vec<LibraryEvent>, LibraryRejection> {
        decide::decide(state, command)
    }
    fn evolve(state: &mut LibraryState, event: &LibraryEvent) {
        evolve::evolve(state, event);
    }
}
