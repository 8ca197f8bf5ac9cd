//! The items that may be planned, wherever they are kept: nothing is copied to plan from them.

use crate::common::Common;
use crate::library::{LibraryState, MediaEntry};
use grimnir_events::library::MediaItem;
use grimnir_events::{MediaId, UtcMicros};
use std::collections::BTreeMap;

/// Items by id; those of a library that cannot be played are passed over.
#[derive(Clone, Copy, Debug)]
pub enum Media<'a> {
    /// All of these.
    Items(&'a BTreeMap<MediaId, MediaItem>),
    /// Those of a library that are [playable](MediaEntry::is_playable).
    Entries(&'a BTreeMap<MediaId, Common<MediaEntry>>),
}

impl<'a> Media<'a> {
    /// The item with this id.
    pub fn get(&self, id: MediaId) -> Option<&'a MediaItem> {
        match self {
            Self::Items(items) => items.get(&id),
            Self::Entries(entries) => {
                entries.get(&id).filter(|entry| entry.is_playable()).map(|entry| &entry.item)
            }
        }
    }

    /// The items, by rising id.
    pub fn iter(&self) -> Box<dyn Iterator<Item = &'a MediaItem> + 'a> {
        match self {
            Self::Items(items) => Box::new(items.values()),
            Self::Entries(entries) => Box::new(
                entries.values().filter(|entry| entry.is_playable()).map(|entry| &entry.item),
            ),
        }
    }

    /// The items with when they came in, by rising id; `None` leaves that to their descriptions.
    pub fn dated(&self) -> Box<dyn Iterator<Item = (&'a MediaItem, Option<UtcMicros>)> + 'a> {
        match self {
            Self::Items(items) => Box::new(items.values().map(|item| (item, None))),
            Self::Entries(entries) => {
                let playable = entries.values().filter(|entry| entry.is_playable());
                Box::new(playable.map(|entry| (&entry.item, entry.added_at)))
            }
        }
    }

    /// When an item came in; `None` leaves that to its description.
    pub fn added_at(&self, id: MediaId) -> Option<UtcMicros> {
        match self {
            Self::Items(_) => None,
            Self::Entries(entries) => entries.get(&id)?.added_at,
        }
    }

    /// There are no more items than this.
    pub fn most(&self) -> usize {
        match self {
            Self::Items(items) => items.len(),
            Self::Entries(entries) => entries.len(),
        }
    }
}

impl<'a> From<&'a BTreeMap<MediaId, MediaItem>> for Media<'a> {
    fn from(items: &'a BTreeMap<MediaId, MediaItem>) -> Self {
        Self::Items(items)
    }
}

impl<'a> From<&'a LibraryState> for Media<'a> {
    fn from(library: &'a LibraryState) -> Self {
        Self::Entries(&library.media)
    }
}
