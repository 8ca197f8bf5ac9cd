//! What can be asked about shows.

use grimnir_events::ShowId;
use grimnir_events::show::{LocalTime, Show, Substitute};
use serde::{Deserialize, Serialize};

/// A command about a show or one of its instances, which are named by their original starts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShowCommand {
    /// Make a show, or change it. What is different about its instances stays.
    SetShow {
        /// The show; it comes at least once, and not while another of its priority is on.
        show: Box<Show>,
    },
    /// Remove a show.
    RemoveShow {
        /// Which.
        show_id: ShowId,
    },
    /// An instance is not to air.
    CancelInstance {
        /// Of which show.
        show_id: ShowId,
        /// When it is to start.
        original: LocalTime,
        /// Why.
        note: String,
    },
    /// An instance is to air at another time.
    MoveInstance {
        /// Of which show.
        show_id: ShowId,
        /// When it is to start by the rule.
        original: LocalTime,
        /// When it is to start.
        to: LocalTime,
        /// How long it is to be, in seconds.
        duration_s: u32,
    },
    /// Something else is to air in the place of an instance. Content put into one instance of a
    /// linked show is put into all of them.
    SubstituteInstance {
        /// Of which show.
        show_id: ShowId,
        /// When it is to start by the rule.
        original: LocalTime,
        /// What is different.
        with: Substitute,
    },
    /// Nothing is to be different about an instance.
    RestoreInstance {
        /// Of which show.
        show_id: ShowId,
        /// When it is to start by the rule.
        original: LocalTime,
    },
}
