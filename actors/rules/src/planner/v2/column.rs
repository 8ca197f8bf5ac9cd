//! One field of every item, as numbers: what items are told apart by, and what rules look at.

use super::intern::Interner;
use super::set::Set;
use super::text::{each_artist, mix, number, push_normal};
use grimnir_events::details::MediaDetails;
use grimnir_events::library::{ItemKind, MediaItem};
use grimnir_events::smart_block::Field;

/// What a column holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// The texts of a field. The artists of a credit are told apart.
    Of(Field),
    /// The whole credit.
    Credit,
}

impl Key {
    /// Its word, as it is written in rules.
    pub fn word(&self) -> String {
        match self {
            Self::Of(field) => super::field_word(field),
            Self::Credit => super::field_word(&Field::Artist),
        }
    }
}

/// The values of one field. Two texts that differ in case or space only are one value.
#[derive(Clone, Debug)]
pub struct Column {
    /// What it holds.
    pub key: Key,
    /// Where the values of each item begin, and where the last ones end.
    starts: Vec<u32>,
    values: Vec<u32>,
    known: Interner,
    /// The known values as they count, one after the other.
    texts: String,
    ends: Vec<u32>,
}

impl Column {
    /// A column of no item.
    pub fn new(key: Key, items: usize) -> Self {
        let mut starts = Vec::with_capacity(items + 1);
        starts.push(0);
        let values = Vec::with_capacity(items);
        let (known, texts, ends) = (Interner::default(), String::new(), Vec::new());
        Self { key, starts, values, known, texts, ends }
    }

    /// Values of the item at `place`.
    pub fn of(&self, place: usize) -> &[u32] {
        &self.values[self.starts[place] as usize..self.starts[place + 1] as usize]
    }
    /// How many values there are.
    pub const fn len(&self) -> usize {
        self.known.len()
    }
    /// The number of a text, where an item has it.
    pub fn find(&self, text: &str) -> Option<u32> {
        self.known.find(number(text))
    }

    /// The values whose texts pass.
    pub fn passing(&self, passes: impl Fn(&str) -> bool) -> Set {
        let mut from = 0;
        Set::of(self.len(), |value| {
            let to = self.ends[value] as usize;
            let text = &self.texts[std::mem::replace(&mut from, to)..to];
            // The value of an item without a title has no text.
            !text.is_empty() && passes(text)
        })
    }

    /// Appends what the next item says.
    pub fn push(&mut self, item: &MediaItem, details: &MediaDetails, tie: u64) {
        let from = self.values.len();
        let Self { values, known, texts, ends, .. } = self;
        let mut enter = |hash: u64, text: &str| {
            let (value, new) = known.enter(hash);
            if new {
                push_normal(texts, text);
                ends.push(texts.len() as u32);
            }
            if !values[from..].contains(&value) {
                values.push(value);
            }
        };
        let mut any = false;
        let each = |text: &str| {
            let hash = number(text);
            if hash != 0 {
                any = true;
                enter(hash, text);
            }
        };
        match &self.key {
            Key::Of(field) => for_each_text(item, details, field, each),
            Key::Credit => {
                let mut each = each;
                each(&item.tags.artist);
            }
        }
        // An item without a title is separated from itself alone.
        if !any && self.key == Key::Of(Field::Title) {
            enter(mix(tie).max(1), "");
        }
        self.starts.push(self.values.len() as u32);
    }

    /// Appends what an item says in another state of the same column.
    pub fn push_as(&mut self, other: &Self, place: usize) {
        self.values.extend_from_slice(other.of(place));
        self.starts.push(self.values.len() as u32);
    }

    /// Gives back what it reserved.
    pub fn shrink(&mut self) {
        self.starts.shrink_to_fit();
        self.values.shrink_to_fit();
        self.texts.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// The same values, of no item yet.
    pub fn emptied(&self, items: usize) -> Self {
        let Self { key, known, texts, ends, .. } = self.clone_values();
        let fresh = Self::new(key, items);
        Self { known, texts, ends, ..fresh }
    }

    fn clone_values(&self) -> Self {
        Self {
            key: self.key.clone(),
            starts: Vec::new(),
            values: Vec::new(),
            known: self.known.clone(),
            texts: self.texts.clone(),
            ends: self.ends.clone(),
        }
    }
}

/// Calls `each` with every text of a field. The artists of a credit are told apart.
pub fn for_each_text<'a>(
    item: &'a MediaItem,
    details: &'a MediaDetails,
    field: &Field,
    mut each: impl FnMut(&'a str),
) {
    let mut all = |texts: &'a [String]| texts.iter().for_each(|text| each(text));
    match field {
        Field::Artist => each_artist(&item.tags.artist, each),
        Field::Title => each(&item.tags.title),
        Field::AlbumArtist => each(&details.album_artist),
        Field::Album => each(&item.tags.album),
        Field::Genre => {
            if !item.tags.genre.is_empty() {
                all(std::slice::from_ref(&item.tags.genre));
            }
            all(&details.genres);
        }
        Field::Mood => all(&details.moods),
        Field::Language => each(&details.language),
        Field::Label => each(&details.label),
        Field::Composer => each(&details.composer),
        Field::Publisher => each(&details.publisher),
        Field::Isrc => each(&item.tags.isrc),
        Field::Key => each(&details.key),
        Field::Compilation => each(&details.compilation),
        Field::Category => each(&item.category),
        Field::Kind => each(kind_word(item.kind)),
        Field::Tag => all(&details.tags),
        Field::FileName => each(&item.file_name),
        Field::Codec => each(&item.codec),
        Field::Custom(name) => {
            let own = details.custom.iter().filter(|custom| custom.name == *name);
            own.for_each(|custom| each(&custom.value));
        }
        Field::Explicit => each(if details.explicit { "true" } else { "false" }),
        Field::TextSearch
        | Field::Bpm
        | Field::Energy
        | Field::Year
        | Field::DurationSec
        | Field::SampleRate
        | Field::Loudness
        | Field::PlayCount
        | Field::Added
        | Field::LastPlayed
        | Field::Playlist => {}
    }
}

/// The word of a kind, as it is written everywhere.
pub const fn kind_word(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Music => "music",
        ItemKind::LegalId => "legal_id",
        ItemKind::Imaging => "imaging",
        ItemKind::Spot => "spot",
        ItemKind::Feature => "feature",
        ItemKind::Emergency => "emergency",
    }
}
