//! Search in a library of 100,000 items, beside looking through all of them.
#![allow(clippy::disallowed_methods, reason = "a bench reads clocks")]

#[path = "../../tests/src/figure.rs"]
mod figure;

use figure::Figure;
use grimnir_events::library::{CueMarks, ItemKind, MediaItem, Tags};
use grimnir_events::{ContentHash, MediaId, StationId, UtcMicros};
use grimnir_projections::rows::MediaRow;
use grimnir_projections::search::{Filter, Index, Order, Page};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

const ITEMS: u32 = 100_000;
const AIM_MS: f64 = 20.0;
/// Words of made-up titles and names.
const WORDS: [&str; 16] = [
    "night",
    "river",
    "Straße",
    "blue",
    "dance",
    "of",
    "the",
    "señorita",
    "rain",
    "city",
    "love",
    "echo",
    "north",
    "Björn",
    "train",
    "again",
];

fn text(seed: u32, count: u32) -> String {
    let word = |n: u32| WORDS[(seed.wrapping_mul(2_654_435_761).rotate_left(n * 5) % 16) as usize];
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}

fn row(n: u32) -> MediaRow {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
    let tags = Tags {
        title: format!("{} {n}", text(n, 3)),
        artist: format!("{} {}", text(n % 9_000, 2), n % 9_000),
        album: format!("{} {}", text(n % 20_000, 2), n % 20_000),
        genre: ["Pop", "Rock", "Jazz", "Folk"][(n % 4) as usize].into(),
        year: Some(1_950 + (n % 75) as u16),
        isrc: format!("DEABC{:07}", n),
    };
    let item = MediaItem {
        id: MediaId(id),
        hash: ContentHash::default(),
        play_hash: ContentHash::default(),
        file_name: format!("{n:06}.flac"),
        codec: "flac".into(),
        size_bytes: 30_000_000,
        duration_frames: i64::from(120 + n % 300) * 48_000,
        source_rate_hz: 44_100,
        channels: 2,
        loudness_lufs_x100: Some(-1_400),
        true_peak_dbtp_x100: Some(-100),
        cues: CueMarks::default(),
        tags,
        category: ["gold", "new", "recurrent"][(n % 3) as usize].into(),
        kind: ItemKind::Music,
        must_air: false,
        long_form: false,
    };
    let added_at = UtcMicros(i64::from(n));
    MediaRow {
        item,
        station_id: StationId::default(),
        lost: None,
        added_at,
        analysis: Default::default(),
        details: Default::default(),
        stage: Default::default(),
        deleted: None,
    }
}

/// What people ask: few words, beginnings of words, fields; in every order.
fn questions() -> Vec<(Filter, Page)> {
    let orders = [Order::Added, Order::Title, Order::Artist, Order::Album, Order::Year];
    let mut all = Vec::new();
    for (n, order) in orders.into_iter().cycle().take(200).enumerate() {
        let words = match n % 5 {
            0 => format!("{} {n}", WORDS[n % 16]),
            1 => WORDS[n % 16].chars().take(2).collect(),
            2 => format!("{} {}", WORDS[n % 16], WORDS[n * 7 % 16]),
            3 => String::new(),
            _ => "nobody has this".into(),
        };
        let category = (n % 3 == 0).then(|| "gold".to_owned());
        let artist = (n % 10 == 3).then(|| "Nobody".to_owned());
        let filter = Filter { words, category, artist, ..Filter::default() };
        all.push((filter, Page { order, descending: n % 2 == 0, after: None, limit: 100 }));
    }
    all
}

fn plain(rows: &BTreeMap<MediaId, Box<MediaRow>>, words: &str) -> usize {
    let words = words.to_lowercase();
    let has = |row: &&MediaRow| {
        let tags = &row.item.tags;
        let text = format!("{}\n{}\n{}", tags.title, tags.artist, tags.album).to_lowercase();
        words.split_whitespace().all(|word| text.contains(word))
    };
    rows.values().map(|row| &**row).filter(has).count()
}

fn main() {
    let rows: BTreeMap<MediaId, Box<MediaRow>> =
        (0..ITEMS).map(row).map(|r| (r.item.id, Box::new(r))).collect();
    let begun = Instant::now();
    let index = Index::of(&rows);
    let built = begun.elapsed().as_secs_f64() * 1_000.0;
    let (mut found, mut scanned) = (Vec::new(), Vec::new());
    for (filter, page) in questions() {
        let begun = Instant::now();
        black_box(index.page(&rows, &filter, &page));
        found.push(begun.elapsed().as_secs_f64() * 1_000.0);
        if found.len() % 10 == 0 {
            let begun = Instant::now();
            black_box(plain(&rows, &filter.words));
            scanned.push(begun.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    found.sort_by(f64::total_cmp);
    let p99 = found[found.len() * 99 / 100 - 1];
    let scan = figure::median(scanned);
    let scan = ("looking_through_all", scan);
    Figure::beside("search_p99_100k", p99, "ms", ("aim", AIM_MS)).report();
    Figure::beside("search_p50_100k", figure::median(found), "ms", scan).report();
    Figure::beside("search_index_100k", built, "ms", scan).report();
}
