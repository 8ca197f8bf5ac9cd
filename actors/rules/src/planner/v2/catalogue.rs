//! The library in the shape that picking needs: what must be kept apart, as numbers.

use super::text::{each_artist, mix, number};
use crate::planner::sound::usable_cues;
use grimnir_events::details::MediaDetails;
use grimnir_events::library::{CueMarks, ItemKind, MediaItem};
use grimnir_events::smart_block::Field;
use grimnir_events::units::FRAMES_PER_SECOND;
use grimnir_events::{MediaId, StationId};
use std::collections::BTreeMap;

/// What an item without a description says.
static BARE: MediaDetails = MediaDetails {
    album_artist: String::new(),
    label: String::new(),
    genres: Vec::new(),
    moods: Vec::new(),
    language: String::new(),
    composer: String::new(),
    publisher: String::new(),
    key: String::new(),
    compilation: String::new(),
    explicit: false,
    bpm_x100: None,
    energy: None,
    tags: Vec::new(),
    custom: Vec::new(),
    added_at: None,
    rules: grimnir_events::details::ItemRules {
        valid_from: None,
        valid_to: None,
        dayparts: Vec::new(),
        play_limit: None,
        rest_s: None,
    },
};

/// One plannable item.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The item.
    pub item: &'a MediaItem,
    /// What else is known of it.
    pub details: &'a MediaDetails,
    /// Its marks, in order.
    pub cues: CueMarks,
    /// Decides between items that rested equally long; another for every station.
    pub tie: u64,
}

impl Entry<'_> {
    /// Energy as judged, or the beats a minute; 100 where neither is known.
    pub fn energy(&self) -> i64 {
        self.details.energy.map(i64::from).unwrap_or_else(|| self.bpm().unwrap_or(100))
    }
    /// Beats a minute.
    pub fn bpm(&self) -> Option<i64> {
        self.details.bpm_x100.map(|bpm| i64::from(bpm / 100))
    }
    /// Whole seconds from cue in to segue.
    pub fn seconds(&self) -> i64 {
        self.cues.airtime() / FRAMES_PER_SECOND
    }
}

/// Numbers of an item's values of one field: how alike items are told.
#[derive(Debug)]
pub struct Dimension {
    /// The field.
    pub field: Field,
    starts: Vec<u32>,
    values: Vec<u32>,
    /// The known values, by the numbers of their texts.
    keys: Vec<u64>,
}

impl Dimension {
    /// Values of the item at `place`.
    pub fn of(&self, place: usize) -> &[u32] {
        &self.values[self.starts[place] as usize..self.starts[place + 1] as usize]
    }
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }
    /// The number of a text, where an item has it.
    pub fn find(&self, text: &str) -> Option<u32> {
        self.keys.binary_search(&number(text)).ok().map(|at| at as u32)
    }

    fn read(entries: &[Entry<'_>], field: Field) -> Self {
        let (mut starts, mut hashes) = (Vec::with_capacity(entries.len() + 1), Vec::new());
        for entry in entries {
            let from = hashes.len();
            starts.push(from as u32);
            for_each_text(entry, &field, |text| {
                let hash = number(text);
                if hash != 0 && !hashes[from..].contains(&hash) {
                    hashes.push(hash);
                }
            });
            // An item without a title is separated from itself alone.
            if field == Field::Title && hashes.len() == from {
                hashes.push(mix(entry.tie).max(1));
            }
        }
        starts.push(hashes.len() as u32);
        let mut keys = hashes.clone();
        keys.sort_unstable();
        keys.dedup();
        let at = |hash: &u64| keys.partition_point(|key| key < hash) as u32;
        let values = hashes.iter().map(at).collect();
        Self { field, starts, values, keys }
    }
}

/// Calls `each` with every text of a field. The artists of a credit are told apart.
pub fn for_each_text<'a>(entry: &Entry<'a>, field: &Field, mut each: impl FnMut(&'a str)) {
    let (item, details) = (entry.item, entry.details);
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

/// The plannable items, by id.
#[derive(Debug)]
pub struct Catalogue<'a> {
    /// Items by rising id.
    pub entries: Vec<Entry<'a>>,
    /// How they are alike. Artist, title, album, label, compilation come first, always.
    pub dims: Vec<Dimension>,
}

/// Place of the artists among the dimensions.
pub const ARTIST: usize = 0;
/// Place of the titles.
pub const TITLE: usize = 1;
/// Place of the albums.
pub const ALBUM: usize = 2;
/// Place of the labels.
pub const LABEL: usize = 3;
/// Place of the sets and compilations.
pub const COMPILATION: usize = 4;
const ALWAYS: [Field; 5] =
    [Field::Artist, Field::Title, Field::Album, Field::Label, Field::Compilation];

impl<'a> Catalogue<'a> {
    /// Reads the library; items whose marks leave nothing to air, and alerts, are left out.
    /// `fields` are what else items are kept apart or counted by.
    pub fn of(
        station: StationId,
        media: &'a BTreeMap<MediaId, MediaItem>,
        details: &'a BTreeMap<MediaId, MediaDetails>,
        fields: &[Field],
    ) -> Self {
        let mut entries = Vec::with_capacity(media.len());
        let mut described = details.iter().peekable();
        let salt = station.0.iter().fold(0, |salt, byte| mix(salt ^ u64::from(*byte)));
        for (id, item) in media {
            while described.next_if(|(other, _)| *other < id).is_some() {}
            let details = described.next_if(|(other, _)| *other == id).map_or(&BARE, |(_, d)| d);
            let Some(cues) = usable_cues(item) else { continue };
            if item.kind == ItemKind::Emergency {
                continue;
            }
            let halves = id.0.split_at(8);
            let half = |bytes: &[u8]| bytes.iter().fold(0, |n, b| (n << 8) | u64::from(*b));
            let tie = mix(salt ^ mix(half(halves.0)) ^ half(halves.1));
            entries.push(Entry { item, details, cues, tie });
        }
        let mut wanted: Vec<Field> = ALWAYS.to_vec();
        for field in fields {
            if !wanted.contains(field) {
                wanted.push(field.clone());
            }
        }
        let dims = wanted.into_iter().map(|field| Dimension::read(&entries, field)).collect();
        Self { entries, dims }
    }

    /// Place of an item among the entries.
    pub fn place(&self, id: MediaId) -> Option<usize> {
        self.entries.binary_search_by(|entry| entry.item.id.cmp(&id)).ok()
    }
    /// Place of a field among the dimensions.
    pub fn dim(&self, field: &Field) -> Option<usize> {
        self.dims.iter().position(|dim| dim.field == *field)
    }
}
