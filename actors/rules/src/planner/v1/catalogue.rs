//! The library in the shape that picking needs: artists and titles as numbers.

use crate::planner::media::Media;
use crate::planner::sound::usable_cues;
use grimnir_events::MediaId;
use grimnir_events::library::{CueMarks, ItemKind, MediaItem};
use std::collections::BTreeMap;

/// One plannable item.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The item.
    pub item: &'a MediaItem,
    /// Its marks, in order.
    pub cues: CueMarks,
    /// Number of its artist; `None` where it names none.
    pub artist: Option<usize>,
    /// Number of its title.
    pub title: usize,
}

/// The plannable items, by id.
#[derive(Debug)]
pub struct Catalogue<'a> {
    /// Items by rising id.
    pub entries: Vec<Entry<'a>>,
    places: BTreeMap<MediaId, usize>,
    artists: BTreeMap<String, usize>,
    titles: BTreeMap<String, usize>,
}

/// Two spellings that differ in case or in space only are the same artist or title.
pub fn key(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

impl<'a> Catalogue<'a> {
    /// Reads the library; items whose marks leave nothing to air, and alerts, are left out.
    pub fn of(media: Media<'a>) -> Self {
        let mut out = Self {
            entries: Vec::with_capacity(media.most()),
            places: BTreeMap::new(),
            artists: BTreeMap::new(),
            titles: BTreeMap::new(),
        };
        for item in media.iter() {
            let id = &item.id;
            let Some(cues) = usable_cues(item) else { continue };
            if item.kind == ItemKind::Emergency {
                continue;
            }
            let artist = key(&item.tags.artist);
            let next = out.artists.len();
            let artist = (!artist.is_empty()).then(|| *out.artists.entry(artist).or_insert(next));
            let title = match key(&item.tags.title) {
                // Items without a title are separated each from itself.
                title if title.is_empty() => id.to_string(),
                title => title,
            };
            let next = out.titles.len();
            let title = *out.titles.entry(title).or_insert(next);
            out.places.insert(*id, out.entries.len());
            out.entries.push(Entry { item, cues, artist, title });
        }
        out
    }

    /// Place of an item among the entries.
    pub fn place(&self, id: MediaId) -> Option<usize> {
        self.places.get(&id).copied()
    }
    /// Number of an artist's name, if any item has it.
    pub fn artist(&self, name: &str) -> Option<usize> {
        self.artists.get(&key(name)).copied()
    }
    /// Number of a title, if any item has it.
    pub fn title(&self, title: &str) -> Option<usize> {
        self.titles.get(&key(title)).copied()
    }
    /// Artists there are.
    pub fn artist_count(&self) -> usize {
        self.artists.len()
    }
    /// Titles there are.
    pub fn title_count(&self) -> usize {
        self.titles.len()
    }
}
