//! The golden station: its library is the table beside, its rules, clocks and grid stand here. A
//! new clock is a line in [`clocks`] and a name in [`grid`].

use super::world::*;
use grimnir_events::details::{Daypart, ItemRules, MediaDetails};
use grimnir_events::grid::{DatedSet, Days, Grid, LocalDate};
use grimnir_events::library::ItemKind;
use grimnir_events::smart_block::*;
use grimnir_events::timeline::{ClockSlot, FormatClock, PlaylistMode, SlotSource, SlotStart};
use grimnir_events::{ClockId, MediaId, SmartBlockId, UtcMicros};

/// 5,000 items, one a line.
const LIBRARY: &str = include_str!("golden/library.tsv");
/// The 30 days begin here, at midnight in Berlin; the clocks change on the 25th.
pub const FIRST_DAY: LocalDate = LocalDate { year: 2026, month: 10, day: 10 };

/// The station, whole.
pub fn golden() -> World {
    let mut world = World::default();
    world.rules.performance_complement = true;
    world.rules.separation.label_sec = Some(240);
    for (n, row) in (0..).zip(LIBRARY.lines().skip(1)) {
        read(&mut world, n, row);
    }
    lists(&mut world);
    for (n, rules) in (1..).zip(blocks()) {
        world.add_block(n, rules);
    }
    world.clocks = clocks(&world).into_iter().map(|clock| (clock.id, clock)).collect();
    world.clock = world.clocks.get(&ClockId([1; 16])).cloned();
    world.grid = grid();
    world
}

fn read(world: &mut World, n: u32, row: &str) {
    let cells: Vec<&str> = row.split('\t').collect();
    let &[kind, category, title, artist, album, genre, year, label, mood, tongue, ..] = &cells[..]
    else {
        panic!("line {n} has {} cells", cells.len());
    };
    let &[bpm, energy, seconds, explicit, compilation, rule] = &cells[10..] else {
        panic!("line {n} has {} cells", cells.len());
    };
    let mut item = song(n, seconds.parse().expect("seconds"));
    item.kind = match kind {
        "music" => ItemKind::Music,
        "legal_id" => ItemKind::LegalId,
        "imaging" => ItemKind::Imaging,
        "spot" => ItemKind::Spot,
        "feature" => ItemKind::Feature,
        other => panic!("line {n}: kind {other}"),
    };
    item.must_air = item.kind == ItemKind::Spot;
    item.category = category.into();
    (item.tags.title, item.tags.artist) = (title.into(), artist.into());
    (item.tags.album, item.tags.genre) = (album.into(), genre.into());
    item.tags.year = year.parse().ok();
    item.loudness_lufs_x100 = Some(-2_000 + (n % 12) as i32 * 100);
    if n.is_multiple_of(7) && item.kind == ItemKind::Music {
        // Analysis found where it begins, and where its end fades.
        (item.cues.cue_in, item.cues.segue) = (S / 5, item.cues.cue_out - i64::from(n % 6) * S);
    }
    let some = |text: &str| if text.is_empty() { vec![] } else { vec![text.to_owned()] };
    let details = MediaDetails {
        label: label.into(),
        moods: some(mood),
        language: tongue.into(),
        bpm_x100: bpm.parse::<u32>().ok().map(|bpm| bpm * 100),
        energy: energy.parse().ok(),
        explicit: explicit == "x",
        compilation: compilation.into(),
        added_at: item.tags.year.map(|year| {
            at(LocalDate { year: year.min(2026) as i16, month: 1, day: 1 + (n % 28) as u8 }, 9)
        }),
        rules: item_rules(rule),
        ..MediaDetails::default()
    };
    world.add(item, details);
}

fn item_rules(rule: &str) -> ItemRules {
    let (key, value) = rule.split_once('=').unwrap_or((rule, ""));
    let date = || {
        let date: jiff::civil::Date = value.parse().expect("a date");
        Some(at(LocalDate::from(date), 0))
    };
    let number = || Some(value.parse().expect("a number"));
    let mut rules = ItemRules::default();
    match key {
        "" => {}
        "night" => {
            let (from_minute, to_minute) = (22 * 60, 5 * 60);
            rules.dayparts = vec![Daypart { days: 127, from_minute, to_minute }];
        }
        "from" => rules.valid_from = date(),
        "until" => rules.valid_to = date(),
        "rest" => rules.rest_s = number(),
        "limit" => rules.play_limit = number(),
        other => panic!("item rule {other}"),
    }
    rules
}

/// This hour of a day in Berlin.
pub fn at(day: LocalDate, hour: i8) -> UtcMicros {
    let zone = jiff::tz::TimeZoneDatabase::bundled().get("Europe/Berlin").expect("a zone");
    let local = day.civil().expect("a day").at(hour, 0, 0, 0);
    UtcMicros(local.to_zoned(zone).expect("a time").timestamp().as_microsecond())
}

fn of_kind(world: &World, kind: ItemKind, category: &str) -> Vec<MediaId> {
    let is =
        |item: &&grimnir_events::library::MediaItem| item.kind == kind && item.category == category;
    world.media.values().filter(is).map(|item| item.id).collect()
}

fn lists(world: &mut World) {
    let music = |category| of_kind(world, ItemKind::Music, category);
    let (gold, new) = (music("gold"), music("new"));
    let features = of_kind(world, ItemKind::Feature, "features");
    let spots = of_kind(world, ItemKind::Spot, "spots");
    world.add_list(1, gold.into_iter().step_by(9).collect());
    world.add_list(2, new.into_iter().take(60).collect());
    world.add_list(3, features);
    world.add_list(4, spots);
}

fn is(field: Field, word: &str) -> RuleGroup {
    all(vec![rule(field, Op::Is, text(word))])
}

fn clean() -> RuleGroup {
    all(vec![rule(Field::Explicit, Op::Is, Value::Flag(true))])
}

fn prefers(field: Field, word: &str, weight_x100: i32) -> Weight {
    Weight { rule: rule(field, Op::Is, text(word)), weight_x100 }
}

fn quota(field: Field, word: &str, min: Option<u32>, max: Option<u32>, sec: u32) -> Quota {
    Quota { field, values: vec![word.into()], min, max, window_sec: sec }
}

fn imaging(category: &str) -> ItemSource {
    ItemSource::Match(rule(Field::Category, Op::Is, text(category)))
}

/// Eight blocks, every part of the grammar in one of them.
fn blocks() -> Vec<BlockRules> {
    let base = |include: Vec<RuleGroup>| BlockRules {
        include,
        exclude: vec![clean()],
        separation: BlockSeparation {
            artist_sec: Some(5_400),
            title_sec: Some(10_800),
            album_sec: Some(3_600),
            label_sec: None,
            fields: vec![],
        },
        loop_to_fill: true,
        ..BlockRules::default()
    };
    let mut hits = base(vec![any(vec![
        rule(Field::Category, Op::Is, text("new")),
        rule(Field::Category, Op::Is, text("current")),
    ])]);
    hits.quotas = vec![quota(Field::Language, "de", Some(2), Some(6), 3_600)];
    hits.weights = vec![prefers(Field::Mood, "bright", 60), prefers(Field::Mood, "dark", -80)];
    hits.interstitials = Interstitials {
        enabled: true,
        every: 4,
        per_break: 1,
        logic: Logic::Any,
        max_duration_sec: 10,
        sources: vec![imaging("sweepers")],
    };
    let mut gold = base(vec![is(Field::Category, "gold")]);
    gold.duration.strategy = Strategy::ExactFit;
    gold.sequence.curve = vec![300, 450, 600, 450];
    (gold.sequence.tolerance, gold.sequence.weight_x100) = (Some(250), 100);
    let mut night = base(vec![all(vec![
        rule(Field::Bpm, Op::Lte, Value::Number(115)),
        rule(Field::DurationSec, Op::Gte, Value::Number(150)),
    ])]);
    night.exclude.clear();
    night.order = Order::Random;
    night.separation.fields = vec![FieldSeparation { field: Field::Language, sec: 180 }];
    let mut jazz = base(vec![is(Field::Genre, "jazz")]);
    jazz.fallbacks = vec![Fallback { smart_block_id: SmartBlockId([3; 16]), limit: 2 }];
    jazz.quotas = vec![quota(Field::Mood, "calm", None, Some(3), 3_600)];
    let mut drive = base(vec![all(vec![rule(Field::Energy, Op::Gte, Value::Number(350))])]);
    drive.sequence =
        Sequence { measure: Measure::Bpm, curve: vec![100, 140], max_step: 45, ..drive.sequence };
    (drive.sequence.mode, drive.sequence.weight_x100) = (CurveMode::Stretch, 80);
    drive.duration.strategy = Strategy::Closest;
    let mut tight = base(vec![is(Field::Genre, "pop")]);
    tight.duration =
        Duration { target_ms: Some(1_500_000), strategy: Strategy::Under, ..Duration::default() };
    tight.bumpers = Bumpers {
        enabled: true,
        source: Some(imaging("bumpers")),
        max_per_gap: 4,
        max_duration_sec: 18,
    };
    let span = Span { amount: 400, unit: SpanUnit::Days };
    let mut fresh = base(vec![all(vec![rule(Field::Added, Op::Within, Value::Span(span))])]);
    fresh.order = Order::Newest;
    fresh.separation.title_sec = Some(20_000);
    let mut rare = base(vec![all(vec![
        rule(Field::PlayCount, Op::Lt, Value::Number(2)),
        rule(Field::Year, Op::Between, Value::Range(1_960, 1_989)),
    ])]);
    rare.fallbacks = vec![Fallback { smart_block_id: SmartBlockId([2; 16]), limit: 0 }];
    rare.rest.share_percent = 60;
    vec![hits, gold, night, jazz, drive, tight, fresh, rare]
}

fn spots(seconds: u32) -> ClockSlot {
    slot(seconds, soft(120), of_list(4, PlaylistMode::Rotation))
}

/// Ten clocks: every source, every mode, every start.
fn clocks(world: &World) -> Vec<FormatClock> {
    let (hard, free) = (SlotStart::Hard, SlotStart::Free);
    let item = |kind, category, nth: usize| SlotSource::HardItem {
        media_id: of_kind(world, kind, category)[nth],
    };
    let news = |nth| slot(0, hard, item(ItemKind::Feature, "news", nth));
    let id = |nth| slot(0, soft(180), item(ItemKind::LegalId, "ids", nth));
    let modes = [PlaylistMode::Sequential, PlaylistMode::Shuffled, PlaylistMode::Rotation];
    let [in_order, shuffled, rotation] = modes;
    vec![
        clock(1, "Day", vec![id(0), slot(1, free, of_block(1)), slot(1_800, hard, of_block(2))]),
        clock(
            2,
            "News",
            vec![news(0), slot(240, free, of_block(1)), slot(2_700, hard, of_block(6))],
        ),
        clock(
            3,
            "Morning",
            vec![
                news(1),
                slot(200, free, of_block(1)),
                slot(1_200, hard, of_block(5)),
                spots(2_400),
                slot(2_460, hard, of_block(1)),
            ],
        ),
        clock(4, "Night", vec![slot(0, free, of_block(3))]),
        clock(
            5,
            "Jazz",
            vec![id(1), slot(10, free, of_block(4)), slot(2_400, soft(90), of_category("gold"))],
        ),
        clock(6, "Drive", vec![slot(0, hard, of_block(5)), slot(1_740, hard, of_block(6))]),
        clock(
            7,
            "New",
            vec![slot(0, soft(60), of_block(7)), slot(1_500, free, of_list(2, rotation))],
        ),
        clock(8, "Rarities", vec![slot(0, hard, of_block(8)), slot(3_000, hard, of_category(""))]),
        clock(
            9,
            "Lists",
            vec![slot(0, hard, of_list(1, in_order)), slot(1_800, free, of_list(1, shuffled))],
        ),
        clock(
            10,
            "Talk",
            vec![
                id(2),
                slot(20, free, of_list(3, in_order)),
                slot(1_800, hard, of_category("oldies")),
                spots(3_000),
                slot(3_060, free, of_category("current")),
            ],
        ),
    ]
}

/// The hours of a working day, of the weekend, and days unlike others.
fn grid() -> Grid {
    let clocks = |hours: [u8; 24]| hours.map(|n| (n > 0).then_some(ClockId([n; 16])));
    let work = clocks([4, 4, 4, 4, 4, 3, 3, 3, 3, 2, 0, 2, 0, 2, 7, 6, 6, 6, 2, 9, 8, 10, 5, 4]);
    let weekend = clocks([4, 4, 4, 4, 4, 4, 9, 0, 3, 3, 1, 7, 2, 1, 8, 8, 1, 6, 2, 9, 10, 5, 5, 4]);
    let week = (0..7).flat_map(|day| if day < 5 { work } else { weekend }).collect();
    let date = |month, day| LocalDate { year: 2026, month, day };
    let set = |name: &str, days, n: u8, hours: std::ops::Range<usize>| DatedSet {
        name: name.into(),
        days,
        hours: (0..24).map(|at| hours.contains(&at).then_some(ClockId([n; 16]))).collect(),
    };
    let sets = vec![
        set("The clocks change", Days::Dates { dates: vec![date(10, 25)] }, 2, 1..5),
        set("Halloween", Days::Yearly { month: 10, day: 31 }, 8, 18..24),
        set("Harvest", Days::Span { from: date(10, 17), until: date(10, 18) }, 5, 12..16),
        set("First Sunday", Days::Weekday { month: 11, weekday: 7, nth: 1 }, 10, 8..11),
        set("After Easter", Days::Easter { offset_days: 210 }, 7, 0..24),
    ];
    Grid { week, sets }
}
