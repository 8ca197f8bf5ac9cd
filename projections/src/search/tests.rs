//! What words find, and what pages hold.

use super::*;
use grimnir_events::details::MediaDetails;
use grimnir_events::library::{CueMarks, MediaItem, Tags};
use grimnir_events::{ContentHash, StationId, UtcMicros};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn row(n: u16, artist: &str, title: &str) -> MediaRow {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&n.to_be_bytes());
    let item = MediaItem {
        id: MediaId(id),
        hash: ContentHash::default(),
        play_hash: ContentHash::default(),
        file_name: format!("{n}.flac"),
        codec: "flac".into(),
        size_bytes: 1,
        duration_frames: i64::from(n % 7) * 48_000,
        source_rate_hz: 48_000,
        channels: 2,
        loudness_lufs_x100: None,
        true_peak_dbtp_x100: None,
        cues: CueMarks::default(),
        tags: Tags { artist: artist.into(), title: title.into(), ..Tags::default() },
        category: if n.is_multiple_of(2) { "gold" } else { "new" }.into(),
        kind: ItemKind::Music,
        must_air: false,
        long_form: false,
    };
    let added_at = UtcMicros(i64::from(n % 5));
    MediaRow {
        analysis: Default::default(),
        item,
        station_id: StationId::default(),
        lost: None,
        added_at,
        details: Default::default(),
        stage: Default::default(),
        deleted: None,
    }
}

fn number(id: MediaId) -> u16 {
    u16::from_be_bytes([id.0[0], id.0[1]])
}

#[derive(Default)]
struct Shelf {
    rows: BTreeMap<MediaId, Box<MediaRow>>,
    index: Index,
}

impl Shelf {
    fn of(rows: Vec<MediaRow>) -> Self {
        let mut shelf = Self::default();
        rows.into_iter().for_each(|row| shelf.put(row));
        shelf
    }
    fn put(&mut self, row: MediaRow) {
        self.take(row.item.id);
        self.index.insert(&row, &self.rows);
        self.rows.insert(row.item.id, Box::new(row));
    }
    fn take(&mut self, id: MediaId) {
        if let Some(row) = self.rows.remove(&id) {
            self.index.remove(&row, &self.rows);
        }
    }
    fn page(&self, filter: &Filter, page: &Page) -> (Vec<u16>, Option<Place>) {
        let (rows, next) = self.index.page(&self.rows, filter, page);
        (rows.into_iter().map(|row| number(row.item.id)).collect(), next)
    }
    fn finds(&self, words: &str) -> Vec<u16> {
        let filter = Filter { words: words.into(), ..Filter::default() };
        self.page(&filter, &Page { limit: 100, ..Page::default() }).0
    }
}

#[test]
fn what_is_said_beyond_the_tags_is_found_by_words_and_fields() {
    let mut row = row(1, "Björk", "Jóga");
    row.details = MediaDetails {
        label: "One Little Indian".into(),
        moods: vec!["Calm".into(), "Night".into()],
        genres: vec!["Trip Hop".into()],
        tags: vec!["autumn".into()],
        language: "English".into(),
        composer: "Sjón".into(),
        ..MediaDetails::default()
    }
    .into();
    let shelf = Shelf::of(vec![row, self::row(2, "Mø", "Final Song")]);
    for words in ["indian", "night", "trip", "autumn", "english", "sjon"] {
        assert_eq!(shelf.finds(words), [1], "{words}");
    }
    let text = |text: &str| Some(text.to_owned());
    let filters = [
        Filter { label: text("one little indian"), ..Filter::default() },
        Filter { mood: text("NIGHT"), ..Filter::default() },
        Filter { genre: text("trip hop"), ..Filter::default() },
        Filter { tag: text("Autumn"), ..Filter::default() },
        Filter { language: text("english"), ..Filter::default() },
        Filter { composer: text("sjon"), ..Filter::default() },
    ];
    for filter in filters {
        let page = Page { limit: 100, ..Page::default() };
        assert_eq!(shelf.page(&filter, &page).0, [1], "{filter:?}");
    }
    let other = Filter { mood: text("loud"), ..Filter::default() };
    assert_eq!(shelf.page(&other, &Page { limit: 9, ..Page::default() }).0, [0; 0]);
}

#[test]
fn words_are_found_by_their_beginnings_whatever_their_case_and_accents() {
    let shelf = Shelf::of(vec![
        row(1, "Björk", "Jóga"),
        row(2, "Sigur Rós", "Svefn-g-englar"),
        row(3, "Mø", "Don't Wanna Dance"),
        row(4, "Кино", "Группа крови"),
        row(5, "AC/DC", "T.N.T."),
    ]);
    for (words, found) in [
        ("bjork", vec![1]),
        ("BJÖ", vec![1]),
        ("ork", vec![]),
        ("ros eng", vec![2]),
        ("eng ros", vec![2]),
        ("ros joga", vec![]),
        ("mo dont", vec![3]),
        ("mø don’t", vec![3]),
        ("кров", vec![4]),
        ("dc ac", vec![5]),
        ("gold", vec![2, 4]),
        ("3.flac", vec![3]),
        (" ?! ", vec![5, 1, 2, 3, 4]),
    ] {
        assert_eq!(shelf.finds(words), found, "{words}");
    }
}

#[test]
fn what_is_described_anew_is_found_by_its_new_words_only() {
    let mut shelf = Shelf::of(vec![row(1, "Anna", "One"), row(2, "Bert", "Two")]);
    shelf.put(row(1, "Carla", "One"));
    assert_eq!((shelf.finds("anna"), shelf.finds("carla")), (vec![], vec![1]));
    shelf.take(row(2, "", "").item.id);
    assert_eq!((shelf.finds("bert"), shelf.finds("")), (vec![], vec![1]));
    shelf.put(row(3, "Bert", "Three"));
    assert_eq!(shelf.finds("bert"), [3], "a number that is free is used again");
}

#[test]
fn fields_narrow_what_is_found() {
    let mut lost = row(3, "Anna", "Three");
    lost.lost = Some("its file is gone".into());
    lost.item.tags.year = Some(1_984);
    let shelf = Shelf::of(vec![row(1, "Anna", "One"), row(2, "Bert", "Two"), lost]);
    let found = |filter: Filter| shelf.page(&filter, &Page { limit: 9, ..Page::default() }).0;
    let all = Filter::default;
    assert_eq!(found(Filter { category: Some("gold".into()), ..all() }), [2]);
    assert_eq!(found(Filter { artist: Some("ANNA".into()), ..all() }), [1, 3]);
    assert_eq!(found(Filter { artist: Some("ann".into()), ..all() }), [0; 0]);
    assert_eq!(found(Filter { lost: Some(true), ..all() }), [3]);
    assert_eq!(found(Filter { lost: Some(false), ..all() }), [1, 2]);
    assert_eq!(found(Filter { year: (Some(1_980), Some(1_984)), ..all() }), [3]);
    assert_eq!(found(Filter { year: (None, Some(1_983)), ..all() }), [0; 0]);
    assert_eq!(found(Filter { duration: (Some(96_000), None), ..all() }), [2, 3]);
    assert_eq!(found(Filter { kind: Some(ItemKind::Spot), ..all() }), [0; 0]);
}

/// Pages from the first to the last; between them the shelf is changed.
fn walk(
    shelf: &mut Shelf,
    filter: &Filter,
    mut page: Page,
    change: fn(&mut Shelf, u16),
) -> Vec<u16> {
    let mut all = Vec::new();
    for n in 0.. {
        let (found, next) = shelf.page(filter, &page);
        assert!(found.len() <= page.limit && (next.is_none() || found.len() == page.limit));
        all.extend(found);
        page.after = next;
        if page.after.is_none() {
            break;
        }
        change(shelf, n);
    }
    all
}

proptest! {
    #[test]
    fn pages_hold_what_a_plain_search_finds_in_order_and_once(
        count in 0_u16..60,
        limit in 1_usize..20,
        order in prop::sample::select(ORDERS.to_vec()),
        descending: bool,
        words in prop::sample::select(vec!["", "a", "an", "song", "song a", "zzz"]),
    ) {
        let artist = |n: u16| ["Anna", "Bert", "Antal", ""][usize::from(n % 4)];
        let song = |n: u16| row(n, artist(n), &format!("Song {}", n % 9));
        let mut shelf = Shelf::of((0..count).map(song).collect());
        let filter = Filter { words: words.into(), ..Filter::default() };
        let page = Page { order, descending, after: None, limit };
        let begins = |row: &MediaRow, word: &str| {
            let MediaItem { tags, category, file_name, .. } = &row.item;
            let text = format!("{} {} {category} {file_name}", tags.title, tags.artist);
            text.to_lowercase().split([' ', '.']).any(|own| own.starts_with(word))
        };
        let has_all = |row: &&MediaRow| words.split(' ').all(|word| begins(row, word));
        let rows = shelf.rows.values().map(|row| &**row);
        let mut plain: Vec<&MediaRow> = rows.filter(has_all).collect();
        plain.sort_by_key(|row| Place::of(row, order));
        if descending {
            plain.reverse();
        }
        let plain: Vec<u16> = plain.into_iter().map(|row| number(row.item.id)).collect();
        prop_assert_eq!(walk(&mut shelf, &filter, page.clone(), |_, _| ()), &plain[..]);
        // Whatever comes and goes between pages, what stays is there once.
        let change = |shelf: &mut Shelf, n: u16| {
            if n < 9 {
                shelf.take(row(n * 3, "", "").item.id);
                shelf.put(row(1_000 + n, "Anna", "Song new"));
            }
        };
        let seen = walk(&mut shelf, &filter, page, change);
        let stays = |n: &u16| shelf.rows.contains_key(&row(*n, "", "").item.id);
        let stayed: Vec<u16> = plain.iter().copied().filter(stays).collect();
        let kept: Vec<u16> = seen.iter().copied().filter(|n| stayed.contains(n)).collect();
        prop_assert_eq!(kept, stayed);
        prop_assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
    }
}

#[test]
fn many_found_are_walked_in_order_and_few_are_sorted_with_the_same_answer() {
    let rows =
        (0..2_500_u16).map(|n| row(n, if n < 10 { "Few" } else { "Many" }, &format!("{}", n % 37)));
    let shelf = Shelf::of(rows.collect());
    for order in ORDERS {
        for descending in [false, true] {
            let page = Page { order, descending, after: None, limit: 3_000 };
            let artist = |name: &str| Filter { artist: Some(name.into()), ..Filter::default() };
            let words = |name: &str| Filter { words: name.into(), ..Filter::default() };
            for name in ["few", "many"] {
                assert_eq!(shelf.page(&artist(name), &page), shelf.page(&words(name), &page));
            }
        }
    }
}
