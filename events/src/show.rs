//! The words of shows: programmes that come again, and what is different about one of their
//! instances.
//!
//! Times are of the station's own calendar: a show at 14:00 stays at 14:00 when the clocks change.
//! Downstream: the planner, which lets an instance rule its stretch of time. Not here: when a show
//! comes.

mod kept;
mod local;

pub use kept::{Exception, KeptShow, MAX_EXCEPTIONS, Moved, Shows, fold};
pub use local::LocalTime;

use crate::ids::{ClockId, InstanceId, PlaylistId, ShowId, UserId, derive_id};
use crate::timeline::SlotStart;
use serde::{Deserialize, Serialize};

/// What happened to a show.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShowEvent {
    /// A show exists, or is another one now.
    ShowSet {
        /// The show.
        show: Box<Show>,
    },
    /// A show is gone, with all that was different about its instances.
    ShowRemoved {
        /// Which.
        show_id: ShowId,
    },
    /// An instance does not air.
    InstanceCancelled {
        /// Of which show.
        show_id: ShowId,
        /// When it was to start.
        original: LocalTime,
        /// Why.
        note: String,
    },
    /// An instance airs at another time.
    InstanceMoved {
        /// Of which show.
        show_id: ShowId,
        /// When it was to start.
        original: LocalTime,
        /// When it starts.
        to: LocalTime,
        /// How long it is, in seconds.
        duration_s: u32,
    },
    /// Something else airs in the place of an instance.
    InstanceSubstituted {
        /// Of which show.
        show_id: ShowId,
        /// When it was to start.
        original: LocalTime,
        /// What is different.
        with: Substitute,
    },
    /// Nothing is different about an instance any more.
    InstanceRestored {
        /// Of which show.
        show_id: ShowId,
        /// When it was to start, and starts again.
        original: LocalTime,
    },
}

/// A programme that comes again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Show {
    /// Its id.
    pub id: ShowId,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Who presents it.
    pub host: String,
    /// As `#rrggbb`.
    pub colour: String,
    /// When it starts for the first time; a recurrence counts from here.
    pub start: LocalTime,
    /// How long it is, in seconds.
    pub duration_s: u32,
    /// When it comes again, as RFC 5545 writes it, without `RRULE:`; empty for once only.
    pub rrule: String,
    /// How its first line starts.
    pub begins: SlotStart,
    /// What is planned while it is on.
    pub content: ShowContent,
    /// Who may go live while it is on; `None` for a show without live sources.
    pub live: Option<LiveAccess>,
    /// All its instances have the same content: what is put into one is put into all.
    pub linked: bool,
    /// Where two shows are on at once, the one of the higher priority airs.
    pub priority: u8,
}

/// What is planned while a show is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShowContent {
    /// What would be planned without the show.
    #[default]
    Automation,
    /// By a format clock of its own; offsets count from the full hour.
    Clock {
        /// Which.
        clock_id: ClockId,
    },
    /// A playlist from its first item to its last, then what would be planned without the show.
    Playlist {
        /// Which.
        playlist_id: PlaylistId,
    },
    /// What the last instance of a show aired that was over before this one starts.
    Rebroadcast {
        /// Which show; it may be the same.
        show_id: ShowId,
    },
}

/// Who may go live; nobody named means every DJ.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LiveAccess {
    /// Users.
    pub users: Vec<UserId>,
    /// Names that a live encoder signs in by.
    pub names: Vec<String>,
}

/// What is different about an instance; `None` leaves it as the show has it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Substitute {
    /// Its name.
    pub name: Option<String>,
    /// Who presents it.
    pub host: Option<String>,
    /// What is planned while it is on.
    pub content: Option<ShowContent>,
}

/// Bytes of an instance's id that hold its original start.
const START_BYTES: usize = 6;

/// The id of an instance: of its show and its original start, which can be read from it.
pub fn instance_id(show: ShowId, original: LocalTime) -> InstanceId {
    let seconds = original.seconds().to_be_bytes();
    let start = &seconds[seconds.len() - START_BYTES..];
    let mut id = derive_id("show instance", &[&show.0, start]);
    id[16 - START_BYTES..].copy_from_slice(start);
    InstanceId(id)
}

/// The original start that an instance's id holds; `None` for one that is not of this show.
pub fn original_start(show: ShowId, id: InstanceId) -> Option<LocalTime> {
    let mut seconds = [0; 8];
    seconds[8 - START_BYTES..].copy_from_slice(&id.0[16 - START_BYTES..]);
    let original = LocalTime::of_seconds(u64::from_be_bytes(seconds))?;
    (instance_id(show, original) == id).then_some(original)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instances_id_tells_its_start_to_its_own_show_only() {
        let show = ShowId([7; 16]);
        for text in ["1970-01-01T00:00:00", "2026-10-25T02:30:00", "2199-12-31T23:59:59"] {
            let original: LocalTime = text.parse().expect("a time");
            let id = instance_id(show, original);
            assert_eq!(original_start(show, id), Some(original));
            assert_eq!(original_start(ShowId([8; 16]), id), None);
            let other = instance_id(show, "2026-10-25T02:30:01".parse().expect("a time"));
            assert_ne!(id, other);
        }
        assert_eq!(original_start(show, InstanceId([255; 16])), None);
    }
}
