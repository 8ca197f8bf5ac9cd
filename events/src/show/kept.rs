//! What is kept of shows: each as it is now, and what is different about its instances. One fold
//! for the timeline's state and for the read model.

use super::{LocalTime, Show, ShowEvent, Substitute};
use crate::ids::ShowId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Instances of a show that something is different about; beyond it the oldest are forgotten.
pub const MAX_EXCEPTIONS: usize = 400;

/// The shows of a station.
pub type Shows = BTreeMap<ShowId, KeptShow>;

/// A show, and what is different about its instances.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeptShow {
    /// The show.
    pub show: Show,
    /// By original start. One of a start that the show does not have any more means nothing.
    pub exceptions: BTreeMap<LocalTime, Exception>,
}

/// What is different about an instance.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Exception {
    /// It does not air.
    pub cancelled: bool,
    /// Why it does not.
    pub note: String,
    /// It airs at another time.
    pub moved: Option<Moved>,
    /// Something else airs.
    pub with: Option<Substitute>,
}

/// Another time of an instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Moved {
    /// When it starts.
    pub to: LocalTime,
    /// How long it is, in seconds.
    pub duration_s: u32,
}

/// Folds one event; what names something unknown changes nothing.
pub fn fold(shows: &mut Shows, event: &ShowEvent) {
    match event {
        ShowEvent::ShowSet { show } => match shows.get_mut(&show.id) {
            Some(kept) => kept.show = (**show).clone(),
            None => {
                let kept = KeptShow { show: (**show).clone(), exceptions: BTreeMap::new() };
                shows.insert(show.id, kept);
            }
        },
        ShowEvent::ShowRemoved { show_id } => {
            shows.remove(show_id);
        }
        ShowEvent::InstanceCancelled { show_id, original, note } => {
            differ(shows, *show_id, *original, |exception| {
                (exception.cancelled, exception.note) = (true, note.clone());
            });
        }
        ShowEvent::InstanceMoved { show_id, original, to, duration_s } => {
            let moved = Some(Moved { to: *to, duration_s: *duration_s });
            differ(shows, *show_id, *original, |exception| {
                (exception.cancelled, exception.note) = (false, String::new());
                exception.moved = moved;
            });
        }
        ShowEvent::InstanceSubstituted { show_id, original, with } => {
            differ(shows, *show_id, *original, |exception| exception.with = Some(with.clone()));
        }
        ShowEvent::InstanceRestored { show_id, original } => {
            if let Some(kept) = shows.get_mut(show_id) {
                kept.exceptions.remove(original);
            }
        }
    }
}

fn differ(shows: &mut Shows, id: ShowId, original: LocalTime, how: impl FnOnce(&mut Exception)) {
    let Some(kept) = shows.get_mut(&id) else { return };
    how(kept.exceptions.entry(original).or_default());
    while kept.exceptions.len() > MAX_EXCEPTIONS {
        kept.exceptions.pop_first();
    }
}
