//! The library in the shape that picking needs: numbers side by side, and nothing borrowed, so that
//! it can be kept from plan to plan.

use super::column::{Column, Key};
use super::text::mix;
use crate::planner::media::Media;
use crate::planner::sound::usable_cues;
use grimnir_events::details::{ItemRules, MediaDetails};
use grimnir_events::library::{CueMarks, ItemKind, MediaItem};
use grimnir_events::smart_block::Field;
use grimnir_events::units::FRAMES_PER_SECOND;
use grimnir_events::{MediaId, StationId, UtcMicros};
use std::collections::{BTreeMap, BTreeSet};

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
    rules: NO_RULES,
};
static NO_RULES_REF: ItemRules = NO_RULES;
const NO_RULES: ItemRules = ItemRules {
    valid_from: None,
    valid_to: None,
    dayparts: Vec::new(),
    play_limit: None,
    rest_s: None,
};

/// One plannable item.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its id.
    pub id: MediaId,
    /// Its marks, in order.
    pub cues: CueMarks,
    /// Decides between items that rested equally long; another for every station.
    pub tie: u64,
    /// When it came in.
    pub added_at: Option<i64>,
    /// Integrated loudness in hundredths of LUFS.
    pub loudness: Option<i32>,
    bpm_x100: Option<u32>,
    /// Sample rate in hertz.
    pub rate: u32,
    /// One more than the place of its own rules; 0 for none.
    rules: u32,
    energy: Option<u16>,
    /// Year of release.
    pub year: Option<u16>,
    /// What it is.
    pub kind: ItemKind,
    /// Words not fit for every hour.
    pub explicit: bool,
}

impl Entry {
    /// Energy as judged, or the beats a minute; 100 where neither is known.
    pub fn energy(&self) -> i64 {
        self.energy.map(i64::from).unwrap_or_else(|| self.bpm().unwrap_or(100))
    }
    /// Beats a minute.
    pub fn bpm(&self) -> Option<i64> {
        self.bpm_x100.map(|bpm| i64::from(bpm / 100))
    }
    /// Whole seconds from cue in to segue.
    pub fn seconds(&self) -> i64 {
        self.cues.airtime() / FRAMES_PER_SECOND
    }
}

/// The plannable items, by id.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Whose it is.
    pub station: StationId,
    /// Items by rising id.
    pub entries: Vec<Entry>,
    /// How they are alike. Artist, title, album, label, compilation come first, always.
    pub dims: Vec<Column>,
    /// Places by what decides between equals.
    pub by_tie: Vec<u32>,
    rules: Vec<ItemRules>,
    /// Items that changed since it was read anew.
    pub patches: usize,
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

/// How many items ahead texts are fetched.
const AHEAD: usize = 6;

/// Descriptions of items beyond their tags.
pub type Details = BTreeMap<MediaId, MediaDetails>;

impl Catalogue {
    /// Reads the library; items whose marks leave nothing to air, and alerts, are left out.
    /// `keys` are what else items are told apart by.
    pub fn of(
        station: StationId,
        media: Media<'_>,
        details: &Details,
        keys: &BTreeSet<Key>,
    ) -> Self {
        let always = ALWAYS.map(Key::Of);
        let count = media.most();
        let dims = always.iter().chain(keys.iter().filter(|key| !always.contains(key)));
        let dims = dims.map(|key| Column::new(key.clone(), count)).collect();
        let (entries, rules) = (Vec::with_capacity(count), Vec::new());
        let by_tie = Vec::new();
        let mut out = Self { station, entries, dims, by_tie, rules, patches: 0 };
        let salt = salt(station);
        let mut all = Vec::with_capacity(count);
        walk(media, details, |item, details, added_at| all.push((item, details, added_at)));
        let mut met = 0;
        for (at, (item, details, added_at)) in all.iter().enumerate() {
            // Texts lie all over the memory: those of an item soon to come are fetched while this
            // one is read.
            if let Some((item, details, _)) = all.get(at + AHEAD) {
                met ^= meet(item, details);
            }
            out.take(salt, item, details, *added_at);
        }
        std::hint::black_box(met);
        out.order();
        out
    }

    /// Reads the columns that are missing from `keys`; the library is the one it was made of.
    pub fn complete(&mut self, media: Media<'_>, details: &Details, keys: &BTreeSet<Key>) {
        let missing = keys.iter().filter(|key| self.column(key).is_none());
        let mut columns: Vec<Column> =
            missing.map(|key| Column::new(key.clone(), self.entries.len())).collect();
        self.walk(media, details, |place, item, details| {
            let tie = self.entries[place].tie;
            columns.iter_mut().for_each(|column| column.push(item, details, tie));
        });
        self.dims.append(&mut columns);
    }

    /// The same after these items came, changed or left.
    pub fn changed(
        &self,
        media: Media<'_>,
        details: &Details,
        changed: &BTreeSet<MediaId>,
    ) -> Self {
        let count = self.entries.len() + changed.len();
        let dims = self.dims.iter().map(|dim| dim.emptied(count)).collect();
        let (entries, rules) = (Vec::with_capacity(count), self.rules.clone());
        let (station, by_tie) = (self.station, Vec::new());
        let patches = self.patches + changed.len();
        let mut out = Self { station, entries, dims, by_tie, rules, patches };
        let salt = salt(self.station);
        let take = |out: &mut Self, id: &MediaId| {
            if let Some(item) = media.get(*id) {
                let details = details.get(id).unwrap_or(&BARE);
                out.take(salt, item, details, media.added_at(*id));
            }
        };
        let mut changes = changed.iter().peekable();
        for (place, entry) in self.entries.iter().enumerate() {
            while let Some(id) = changes.next_if(|id| **id < entry.id) {
                take(&mut out, id);
            }
            if let Some(id) = changes.next_if(|id| **id == entry.id) {
                take(&mut out, id);
                continue;
            }
            out.entries.push(*entry);
            out.dims.iter_mut().zip(&self.dims).for_each(|(dim, old)| dim.push_as(old, place));
        }
        changes.for_each(|id| take(&mut out, id));
        out.order();
        out
    }

    fn take(
        &mut self,
        salt: u64,
        item: &MediaItem,
        details: &MediaDetails,
        added_at: Option<UtcMicros>,
    ) {
        let Some(cues) = usable_cues(item) else { return };
        if item.kind == ItemKind::Emergency {
            return;
        }
        let halves = item.id.0.split_at(8);
        let half = |bytes: &[u8]| bytes.iter().fold(0, |n, b| (n << 8) | u64::from(*b));
        let tie = mix(salt ^ mix(half(halves.0)) ^ half(halves.1));
        let mut rules = 0;
        if details.rules != NO_RULES_REF {
            self.rules.push(details.rules.clone());
            rules = self.rules.len() as u32;
        }
        self.entries.push(Entry {
            id: item.id,
            cues,
            tie,
            added_at: added_at.or(details.added_at).map(|at| at.0),
            loudness: item.loudness_lufs_x100,
            bpm_x100: details.bpm_x100,
            rate: item.source_rate_hz,
            rules,
            energy: details.energy,
            year: item.tags.year,
            kind: item.kind,
            explicit: details.explicit,
        });
        self.dims.iter_mut().for_each(|dim| dim.push(item, details, tie));
    }

    fn order(&mut self) {
        let ties = self.entries.iter().map(|entry| entry.tie).zip(0_u32..);
        let mut ties: Vec<(u64, u32)> = ties.collect();
        ties.sort_unstable();
        self.by_tie = ties.into_iter().map(|(_, place)| place).collect();
        // It is kept for long.
        self.dims.iter_mut().for_each(Column::shrink);
        self.entries.shrink_to_fit();
    }

    /// Calls `each` with the place of every entry and what is said of it.
    pub fn walk(
        &self,
        media: Media<'_>,
        details: &Details,
        mut each: impl FnMut(usize, &MediaItem, &MediaDetails),
    ) {
        let mut place = 0;
        walk(media, details, |item, details, _| {
            while self.entries.get(place).is_some_and(|entry| entry.id < item.id) {
                place += 1;
            }
            if self.entries.get(place).is_some_and(|entry| entry.id == item.id) {
                each(place, item, details);
            }
        });
    }

    /// Place of an item among the entries.
    pub fn place(&self, id: MediaId) -> Option<usize> {
        self.entries.binary_search_by(|entry| entry.id.cmp(&id)).ok()
    }
    /// Place of a field among the dimensions.
    pub fn dim(&self, field: &Field) -> Option<usize> {
        self.dims.iter().position(|dim| matches!(&dim.key, Key::Of(other) if other == field))
    }
    /// Place of a column.
    pub fn column(&self, key: &Key) -> Option<usize> {
        self.dims.iter().position(|dim| dim.key == *key)
    }
    /// What an item asks of the planner itself, where it asks something.
    pub fn rules(&self, place: usize) -> Option<&ItemRules> {
        let at = self.entries[place].rules.checked_sub(1)?;
        self.rules.get(at as usize)
    }
}

/// Looks at the first byte of the texts that are read of every item.
fn meet(item: &MediaItem, details: &MediaDetails) -> u8 {
    let tags = &item.tags;
    let texts = [&tags.artist, &tags.title, &tags.album, &tags.genre, &item.category];
    let more = [&details.label, &details.language];
    let first = |text: &&String| text.as_bytes().first().copied().unwrap_or_default();
    texts.iter().chain(&more).map(first).fold(0, |met, byte| met ^ byte)
}

fn salt(station: StationId) -> u64 {
    station.0.iter().fold(0, |salt, byte| mix(salt ^ u64::from(*byte)))
}

/// Calls `each` with every item, its description, and when it came in where that is beside it.
fn walk<'a>(
    media: Media<'a>,
    details: &'a Details,
    mut each: impl FnMut(&'a MediaItem, &'a MediaDetails, Option<UtcMicros>),
) {
    let mut described = details.iter().peekable();
    for (item, added_at) in media.dated() {
        while described.next_if(|(other, _)| **other < item.id).is_some() {}
        let details = described.next_if(|(other, _)| **other == item.id).map_or(&BARE, |(_, d)| d);
        each(item, details, added_at);
    }
}
