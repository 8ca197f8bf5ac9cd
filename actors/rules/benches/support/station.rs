//! A station by numbers: a library of any size, ten blocks with full rules, ten clocks, their week.

use grimnir_events::details::MediaDetails;
use grimnir_events::grid::{Grid, WEEK_HOURS};
use grimnir_events::library::{CueMarks, ItemKind, LibraryEvent, MediaItem, Tags};
use grimnir_events::smart_block::*;
use grimnir_events::station::StationSettings;
use grimnir_events::timeline::{ClockSlot, FormatClock, SlotSource, SlotStart};
use grimnir_events::{ClockId, ContentHash, MediaId, SmartBlockId, StationId, derive_id};
use grimnir_rules::library::LibraryState;
use grimnir_rules::planner::{Media, PlanInputs, PlaylistTimes, Playlists, Prepared, Tally};
use grimnir_rules::timeline::Orders;
use grimnir_rules::{Aggregate, Library};
use std::collections::BTreeMap;

const FRAMES: i64 = 48_000;

/// A library, its rules and its clocks.
pub struct Station {
    id: StationId,
    pub library: LibraryState,
    pub blocks: BTreeMap<SmartBlockId, SmartBlock>,
    pub clocks: BTreeMap<ClockId, FormatClock>,
    rules: StationRules,
    settings: StationSettings,
    grid: Grid,
    playlists: Playlists,
    playlist_times: PlaylistTimes,
    tally: BTreeMap<MediaId, Tally>,
}

impl Station {
    /// A station with so many items; another `number` has others.
    pub fn new(number: u8, items: u32) -> Self {
        let mut library = LibraryState::default();
        for n in 0..items {
            let (item, details) = described(number, n, items);
            let (media_id, item) = (item.id, Box::new(item));
            Library::evolve(&mut library, &LibraryEvent::MediaAdded { item });
            let details = Box::new(details);
            Library::evolve(&mut library, &LibraryEvent::MediaDetailed { media_id, details });
        }
        let clocks: BTreeMap<_, _> = (0..10).map(clock).map(|clock| (clock.id, clock)).collect();
        let ids: Vec<ClockId> = clocks.keys().copied().collect();
        let week = (0..WEEK_HOURS).map(|hour| ids.get(hour % ids.len()).copied()).collect();
        Self {
            id: StationId([number; 16]),
            library,
            blocks: (0..10).map(block).map(|block| (block.id, block)).collect(),
            clocks,
            rules: StationRules { performance_complement: true, ..StationRules::default() },
            settings: StationSettings::default(),
            grid: Grid { week, sets: Vec::new() },
            playlists: Playlists::new(),
            playlist_times: PlaylistTimes::new(),
            tally: BTreeMap::new(),
        }
    }

    /// What its hours are planned from.
    pub fn inputs<'a>(&'a self, prepared: Option<&'a Prepared>) -> PlanInputs<'a> {
        PlanInputs {
            station: self.id,
            settings: &self.settings,
            media: Media::from(&self.library),
            prepared,
            playlists: &self.playlists,
            playlist_times: &self.playlist_times,
            details: &self.library.details,
            blocks: &self.blocks,
            rules: &self.rules,
            time_zone: "Europe/Berlin",
            tally: &self.tally,
            clock: None,
            grid: &self.grid,
            clocks: &self.clocks,
            shows: grimnir_rules::planner::NO_SHOWS,
            aired: grimnir_rules::planner::NOTHING_AIRED,
            joins: Default::default(),
            played: &[],
            orders: &NO_ORDERS,
            input_seq: 1,
        }
    }
}

/// Nothing is ordered beside the clocks.
static NO_ORDERS: Orders = Orders::NONE;

fn described(station: u8, n: u32, items: u32) -> (MediaItem, MediaDetails) {
    let id = MediaId(derive_id("bench item", &[&[station], &n.to_be_bytes()]));
    let random = |of: u32, salt: u32| {
        u32::from_be_bytes(
            derive_id("bench", &[&[station], &n.to_be_bytes(), &salt.to_be_bytes()])[..4]
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
    let item = item(id, length, tags, ["gold", "new"][random(2, 6) as usize]);
    (
        item,
        MediaDetails {
            label: format!("Label {}", random(300, 7)),
            language: ["en", "de", "is"][random(3, 8) as usize].into(),
            moods: vec![["calm", "wild", "warm"][random(3, 9) as usize].into()],
            bpm_x100: Some(6_000 + random(12_000, 10)),
            explicit: random(20, 11) == 0,
            ..MediaDetails::default()
        },
    )
}

fn item(id: MediaId, length: i64, tags: Tags, category: &str) -> MediaItem {
    let hash = |copy: u8| {
        let mut hash = [copy; 32];
        hash[..16].copy_from_slice(&id.0);
        ContentHash(hash)
    };
    MediaItem {
        id,
        hash: hash(1),
        play_hash: hash(2),
        file_name: format!("{} - {}.flac", tags.artist, tags.title),
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
    let slot = |seconds: u32, start, source| ClockSlot::at(seconds * 1_000, start, source);
    let slots = vec![
        slot(0, SlotStart::Hard, of(n)),
        slot(1_200, SlotStart::Soft { grace_ms: 60_000 }, of(n + 3)),
        slot(2_400, SlotStart::Free, SlotSource::Category { category: "gold".into() }),
        slot(3_000, SlotStart::Hard, of(n + 6)),
    ];
    FormatClock {
        id: ClockId([n + 1; 16]),
        name: format!("Clock {n}"),
        slots,
        min_airtime_ms: None,
    }
}
