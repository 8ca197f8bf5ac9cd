//! 48 hours planned by ten clocks with full rules, from libraries of 1,000 to 100,000 items; the
//! reference is the same program at 1,000 items.
//!
//! Prints `name value unit | reference name value | ratio`, and appends the same as JSON lines to
//! the file that `GRIMNIR_BENCH_OUT` names.
#![allow(clippy::disallowed_methods, reason = "a bench reads clocks, arguments and files")]

use grimnir_events::details::MediaDetails;
use grimnir_events::grid::Grid;
use grimnir_events::library::{CueMarks, ItemKind, MediaItem, Tags};
use grimnir_events::smart_block::*;
use grimnir_events::station::StationSettings;
use grimnir_events::timeline::{ClockSlot, FormatClock, HourPlan, SlotSource, SlotStart};
use grimnir_events::{
    ClockId, ContentHash, MediaId, SmartBlockId, StationId, UtcMicros, derive_id,
};
use grimnir_rules::planner::PlanInputs;
use grimnir_rules::planner::v2::Planner;
use std::collections::BTreeMap;
use std::time::Instant;

#[path = "../../../tests/src/figure.rs"]
mod figure;
use figure::{Figure, median};

const HOUR_US: i64 = 3_600_000_000;
const HOURS: i64 = 48;
const ROUNDS: usize = 5;
const FRAMES: i64 = 48_000;

/// A library, its rules and its clocks.
struct Station {
    media: BTreeMap<MediaId, MediaItem>,
    details: BTreeMap<MediaId, MediaDetails>,
    blocks: BTreeMap<SmartBlockId, SmartBlock>,
    clocks: Vec<FormatClock>,
}

fn main() {
    // `cargo test --benches` runs this too: then it only has to start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let small = measure(1_000);
    for items in [1_000, 10_000, 100_000] {
        let found = if items == 1_000 { small } else { measure(items) };
        report(&format!("planner_48h_{items}"), "ms", found.0, small.0);
        report(&format!("planner_pick_{items}"), "us", found.1, small.1);
    }
}

/// Milliseconds of a whole plan, and microseconds of a pick once library and rules are read.
fn measure(items: u32) -> (f64, f64) {
    let station = station(items);
    let (playlists, tally) = (BTreeMap::new(), BTreeMap::new());
    let rules = StationRules { performance_complement: true, ..StationRules::default() };
    let settings = StationSettings::default();
    let inputs = PlanInputs {
        joins: Default::default(),
        station: StationId([1; 16]),
        settings: &settings,
        media: &station.media,
        playlists: &playlists,
        details: &station.details,
        blocks: &station.blocks,
        rules: &rules,
        time_zone: "Europe/Berlin",
        tally: &tally,
        clock: None,
        grid: &Grid::default(),
        clocks: &BTreeMap::new(),
        played: &[],
        input_seq: 1,
    };
    let (mut whole, mut picks) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        let first = UtcMicros(497_000 * HOUR_US);
        let mut planner = Planner::new(&inputs, &BTreeMap::new(), first);
        let clock = |n: i64| station.clocks.get(n as usize % station.clocks.len());
        let hour = |n: i64| first.plus(n * HOUR_US);
        // The first ten hours read every source once.
        let mut plans: Vec<HourPlan> = (0..10).map(|n| planner.hour(hour(n), clock(n))).collect();
        let warm = Instant::now();
        plans.extend((10..HOURS).map(|n| planner.hour(hour(n), clock(n))));
        let (ended, count) =
            (Instant::now(), plans[10..].iter().map(|p| p.lines.len()).sum::<usize>());
        assert!(count > 400, "{count} lines");
        if round > 0 {
            whole.push((ended - begun).as_secs_f64() * 1e3);
            picks.push((ended - warm).as_secs_f64() * 1e6 / count as f64);
        }
    }
    (median(whole), median(picks))
}

fn report(name: &str, unit: &'static str, value: f64, reference: f64) {
    Figure::beside(name, value, unit, ("at_1000_items", reference)).report();
}

fn station(items: u32) -> Station {
    let (mut media, mut details) = (BTreeMap::new(), BTreeMap::new());
    for n in 0..items {
        let id = MediaId(derive_id("bench item", &[&n.to_be_bytes()]));
        let random = |of: u32, salt: u32| {
            u32::from_be_bytes(
                derive_id("bench", &[&n.to_be_bytes(), &salt.to_be_bytes()])[..4]
                    .try_into()
                    .expect("four bytes"),
            ) % of
        };
        let length = i64::from(120 + random(200, 1)) * FRAMES;
        let artist = format!("The Artist of Number {}", random(items / 8 + 1, 2));
        let tags = Tags {
            title: format!("A Song Called {n}"),
            artist: if n.is_multiple_of(9) {
                format!("{artist} feat. Guest {}", n % 100)
            } else {
                artist
            },
            album: format!("Album {}", random(items / 10 + 1, 3)),
            genre: ["Rock", "Jazz", "Pop", "Folk", "Soul"][random(5, 4) as usize].into(),
            year: Some(1960 + random(66, 5) as u16),
            isrc: format!("ISBEN{n:07}"),
        };
        media.insert(id, item(id, length, tags, ["gold", "new"][random(2, 6) as usize]));
        details.insert(
            id,
            MediaDetails {
                label: format!("Label {}", random(300, 7)),
                language: ["en", "de", "is"][random(3, 8) as usize].into(),
                moods: vec![["calm", "wild", "warm"][random(3, 9) as usize].into()],
                bpm_x100: Some(6_000 + random(12_000, 10)),
                explicit: random(20, 11) == 0,
                ..MediaDetails::default()
            },
        );
    }
    let blocks: BTreeMap<_, _> = (0..10).map(block).map(|block| (block.id, block)).collect();
    Station { media, details, blocks, clocks: (0..10).map(clock).collect() }
}

fn item(id: MediaId, length: i64, tags: Tags, category: &str) -> MediaItem {
    MediaItem {
        id,
        hash: ContentHash([1; 32]),
        play_hash: ContentHash([1; 32]),
        file_name: "item.flac".into(),
        codec: "flac".into(),
        size_bytes: 1,
        duration_frames: length,
        source_rate_hz: 48_000,
        channels: 2,
        loudness_lufs_x100: Some(-1_600),
        true_peak_dbtp_x100: Some(-100),
        cues: CueMarks { cue_in: 0, segue: length, cue_out: length },
        tags,
        category: category.into(),
        kind: ItemKind::Music,
        must_air: false,
        long_form: false,
    }
}

fn rule(field: Field, op: Op, value: &str) -> Rule {
    Rule { field, op, value: Value::Text(value.into()) }
}

/// Every part of the grammar that works at a pick.
fn block(n: u8) -> SmartBlock {
    let genre = ["rock", "jazz", "pop", "folk", "soul"][n as usize % 5];
    let explicit = Rule { field: Field::Explicit, op: Op::Is, value: Value::Flag(true) };
    let group = |rule| RuleGroup { logic: Logic::All, rules: vec![rule] };
    let mut rules = BlockRules {
        include: vec![group(rule(Field::Genre, Op::IsNot, genre))],
        exclude: vec![group(explicit)],
        weights: vec![
            Weight { rule: rule(Field::Mood, Op::Is, "calm"), weight_x100: 50 },
            Weight { rule: rule(Field::Artist, Op::Contains, "number 7"), weight_x100: 30 },
        ],
        quotas: vec![Quota {
            field: Field::Language,
            values: vec!["is".into()],
            min: Some(2),
            max: Some(10),
            window_sec: 3_600,
        }],
        ..BlockRules::default()
    };
    rules.separation = BlockSeparation {
        artist_sec: Some(3_600),
        title_sec: Some(7_200),
        album_sec: Some(3_600),
        label_sec: Some(300),
        fields: vec![],
    };
    rules.sequence.curve = vec![90, 110, 130];
    rules.sequence.weight_x100 = 100;
    rules.duration.strategy = Strategy::ExactFit;
    let (id, name) = (SmartBlockId([n + 1; 16]), format!("Block {n}"));
    SmartBlock { id, name, description: String::new(), rules }
}

fn clock(n: u8) -> FormatClock {
    let of = |n: u8| SlotSource::SmartBlock { block_id: SmartBlockId([n % 10 + 1; 16]) };
    let slot =
        |seconds: u32, start, source| ClockSlot { offset_ms: seconds * 1_000, start, source };
    let slots = vec![
        slot(0, SlotStart::Hard, of(n)),
        slot(1_200, SlotStart::Soft { grace_ms: 60_000 }, of(n + 3)),
        slot(2_400, SlotStart::Free, SlotSource::Category { category: "gold".into() }),
        slot(3_000, SlotStart::Hard, of(n + 6)),
    ];
    FormatClock { id: ClockId([n + 1; 16]), name: format!("Clock {n}"), slots }
}
