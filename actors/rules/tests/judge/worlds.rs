//! Stations thrown by dice: libraries, blocks with every key, clocks with every start and source.

use super::dice::Dice;
use super::world::*;
use grimnir_events::details::{CustomField, Daypart, ItemRules, MediaDetails};
use grimnir_events::grid::{DatedSet, Days, Grid, LocalDate};
use grimnir_events::library::ItemKind;
use grimnir_events::smart_block::*;
use grimnir_events::timeline::{ClockSlot, PlaylistMode, SlotSource, SlotStart};
use grimnir_events::{ClockId, PlaylistId, SmartBlockId};

const GENRES: [&str; 4] = ["Rock", "Jazz", "Pop", "Folk"];
const MOODS: [&str; 3] = ["calm", "wild", "warm"];
const TONGUES: [&str; 4] = ["en", "de", "is", ""];

/// A station of this seed, with songs enough for its rules or too few of them.
pub fn random(seed: u64) -> World {
    let mut dice = Dice::new(seed);
    let songs = dice.of(&[12, 40, 90, 150]);
    let mut world = World::default();
    world.station.0[..8].copy_from_slice(&seed.to_be_bytes());
    world.settings.crossfade_ms = dice.of(&[0, 2_000, 3_000]);
    world.settings.artist_separation_s = dice.of(&[0, 900, 1_800]);
    world.settings.title_separation_s = dice.of(&[0, 3_600, 7_200]);
    world.rules.performance_complement = dice.one_in(2);
    if dice.one_in(3) {
        world.rules.separation.label_sec = Some(600);
        world.rules.separation.fields =
            vec![FieldSeparation { field: Field::Language, sec: dice.below(600) }];
    }
    for n in 0..songs {
        let (item, details) = track(&mut dice, n, songs);
        world.add(item, details);
    }
    for n in 0..24 {
        let (kind, category) = dice.of(&[
            (ItemKind::Imaging, "imaging"),
            (ItemKind::Spot, "spots"),
            (ItemKind::LegalId, "ids"),
        ]);
        let mut item = song(1_000 + n, 3 + i64::from(n));
        (item.kind, item.category) = (kind, category.into());
        item.tags.artist = String::new();
        item.must_air = kind == ItemKind::Spot && dice.one_in(4);
        world.add(item, MediaDetails::default());
    }
    for n in 1..=2 {
        let count = 6 + dice.below(20);
        let list = (0..count).map(|_| media_id(dice.below(songs))).collect();
        world.add_list(n, list);
    }
    world.add_list(3, (1_000..1_012).map(media_id).collect());
    for n in 1..=4 {
        let rules = block(&mut dice, n);
        world.add_block(n, rules);
    }
    grid(&mut dice, &mut world);
    world
}

fn track(
    dice: &mut Dice,
    n: u32,
    songs: u32,
) -> (grimnir_events::library::MediaItem, MediaDetails) {
    let mut item = song(n, dice.range(90, 380));
    let artist = dice.below(songs / 3 + 1);
    item.tags.artist = match dice.below(9) {
        0 => format!("Artist {artist} feat. Artist {}", dice.below(9)),
        1 => format!("Artist {artist} & Artist {} vs. Guest", dice.below(9)),
        2 => format!(" ARTIST  {artist}"),
        _ => format!("Artist {artist}"),
    };
    item.tags.title = format!("Title {}", dice.below(songs));
    item.tags.album = match dice.below(songs / 4 + 2) {
        0 => String::new(),
        album => format!("Album {album}"),
    };
    item.tags.genre = dice.of(&GENRES).into();
    item.tags.year = Some(1960 + dice.below(60) as u16).filter(|_| !dice.one_in(9));
    item.category = dice.of(&["gold", "new", "deep"]).into();
    if dice.one_in(5) {
        // It says itself where the next may start.
        item.cues.cue_in = S / 2;
        item.cues.segue = item.cues.cue_out - dice.range(0, 6 * S);
    }
    if dice.one_in(12) {
        item.kind = ItemKind::Feature;
        item.long_form = dice.one_in(2);
    }
    let mut details = MediaDetails {
        label: format!("Label {}", dice.below(12)),
        moods: vec![dice.of(&MOODS).into()],
        language: dice.of(&TONGUES).into(),
        compilation: if dice.one_in(15) { "Summer Hits".into() } else { String::new() },
        explicit: dice.one_in(10),
        bpm_x100: Some(6_000 + dice.below(120) * 100),
        energy: Some(dice.below(1_001) as u16),
        tags: if dice.one_in(4) { vec!["winter".into()] } else { vec![] },
        custom: vec![CustomField { name: "region".into(), value: format!("R{}", dice.below(5)) }],
        added_at: Some(hour(-24 * i64::from(dice.below(400)))),
        ..MediaDetails::default()
    };
    details.rules = item_rules(dice);
    (item, details)
}

fn item_rules(dice: &mut Dice) -> ItemRules {
    let mut rules = ItemRules::default();
    match dice.below(16) {
        0 => rules.valid_from = Some(hour(dice.range(0, 5))),
        1 => rules.valid_to = Some(hour(dice.range(0, 5))),
        2 => rules.play_limit = Some(dice.below(3)),
        3 => rules.rest_s = Some(dice.below(20_000)),
        4 => {
            let from_minute = dice.below(1_440) as u16;
            let to_minute = dice.below(1_440) as u16;
            rules.dayparts = vec![Daypart { days: dice.below(128) as u8, from_minute, to_minute }];
        }
        _ => {}
    }
    rules
}

/// Any statement that makes sense.
fn statement(dice: &mut Dice) -> Rule {
    let span = |amount, unit| Value::Span(Span { amount, unit });
    match dice.below(14) {
        0 => rule(Field::Genre, dice.of(&[Op::Is, Op::IsNot]), text(dice.of(&GENRES))),
        1 => rule(Field::Mood, dice.of(&[Op::Is, Op::IsNot]), text(dice.of(&MOODS))),
        2 => rule(Field::Artist, Op::Contains, text(&dice.below(9).to_string())),
        3 => rule(Field::Title, Op::EndsWith, text(&dice.below(9).to_string())),
        4 => rule(Field::Album, Op::StartsWith, text("album 1")),
        5 => rule(Field::Year, Op::Between, Value::Range(1_970, 2_010)),
        6 => rule(Field::Bpm, dice.of(&[Op::Gte, Op::Lt]), Value::Number(100)),
        7 => rule(Field::DurationSec, Op::Lte, Value::Number(300)),
        8 => rule(Field::Added, Op::Within, span(200, SpanUnit::Days)),
        9 => rule(Field::LastPlayed, Op::LongerAgo, span(90, SpanUnit::Minutes)),
        10 => rule(Field::PlayCount, Op::Lt, Value::Number(3)),
        11 => rule(Field::Tag, Op::IsNot, text("winter")),
        12 => rule(
            Field::Custom("region".into()),
            Op::In,
            Value::Texts(vec!["r1".into(), "R2".into(), "r3".into()]),
        ),
        _ => rule(Field::Language, Op::NotIn, Value::Texts(vec!["de".into(), "fr".into()])),
    }
}

fn block(dice: &mut Dice, n: u8) -> BlockRules {
    let mut rules = BlockRules { loop_to_fill: dice.one_in(2), ..BlockRules::default() };
    for _ in 0..dice.below(3) {
        let (a, b) = (statement(dice), statement(dice));
        rules.include.push(any(vec![a, b]));
    }
    if dice.one_in(2) {
        rules.exclude.push(all(vec![rule(Field::Explicit, Op::Is, Value::Flag(true))]));
    }
    if dice.one_in(3) {
        rules.exclude.push(all(vec![statement(dice), statement(dice)]));
    }
    rules.weights.push(Weight { rule: statement(dice), weight_x100: dice.range(1, 300) as i32 });
    if dice.one_in(2) {
        let (min, max) = dice.of(&[(None, Some(4)), (Some(1), Some(6)), (Some(2), None)]);
        let window_sec = dice.of(&[0, 1_800, 7_200]);
        let values = vec![dice.of(&GENRES).to_lowercase(), "unknown".into()];
        rules.quotas.push(Quota { field: Field::Genre, values, min, max, window_sec });
    }
    if dice.one_in(2) {
        let mut seconds = || Some(dice.of(&[0, 600, 1_800, 5_400]));
        rules.separation.artist_sec = seconds();
        rules.separation.title_sec = seconds();
        rules.separation.album_sec = seconds();
        rules.separation.label_sec = seconds();
    }
    if dice.one_in(4) {
        let field = Field::Custom("region".into());
        rules.separation.fields = vec![FieldSeparation { field, sec: dice.below(500) }];
    }
    if dice.one_in(3) {
        rules.sequence.curve = vec![200, 500, 800];
        rules.sequence.mode = dice.of(&[CurveMode::Cycle, CurveMode::Hold, CurveMode::Stretch]);
        rules.sequence.tolerance = Some(250);
        rules.sequence.max_step = dice.of(&[0, 400]);
        rules.sequence.low_below = dice.of(&[0, 300]);
    }
    rules.duration.strategy =
        dice.of(&[Strategy::Over, Strategy::Under, Strategy::Closest, Strategy::ExactFit]);
    rules.duration.target_ms = Some(900_000).filter(|_| dice.one_in(3));
    rules.duration.max_items = Some(5).filter(|_| dice.one_in(8));
    rules.order = dice.of(&[Order::LeastRecent, Order::LeastRecent, Order::Random, Order::Newest]);
    let imaging = || ItemSource::Match(rule(Field::Kind, Op::Is, text("imaging")));
    if dice.one_in(3) {
        rules.bumpers = Bumpers {
            enabled: true,
            source: Some(imaging()),
            max_per_gap: 3,
            max_duration_sec: 15,
        };
    }
    if dice.one_in(3) {
        rules.interstitials = Interstitials {
            enabled: true,
            every: 1 + dice.below(4),
            per_break: 1 + dice.below(2),
            logic: dice.of(&[Logic::Any, Logic::All]),
            max_duration_sec: 20,
            sources: vec![imaging(), ItemSource::Playlist(PlaylistId([3; 16]))],
        };
    }
    if n < 4 && dice.one_in(3) {
        rules.fallbacks =
            vec![Fallback { smart_block_id: SmartBlockId([n + 1; 16]), limit: dice.below(3) }];
    }
    rules
}

fn source(dice: &mut Dice) -> SlotSource {
    let modes = [PlaylistMode::Sequential, PlaylistMode::Shuffled, PlaylistMode::Rotation];
    match dice.below(10) {
        0 => of_category(""),
        1 => of_category(dice.of(&["gold", "new", "Deep"])),
        2 | 3 => of_list(1 + dice.below(2) as u8, dice.of(&modes)),
        4 => SlotSource::HardItem { media_id: media_id(1_000 + dice.below(24)) },
        n => of_block(n as u8 % 4 + 1),
    }
}

fn slots(dice: &mut Dice) -> Vec<ClockSlot> {
    let mut offset = if dice.one_in(6) { 300 } else { 0 };
    let mut slots = Vec::new();
    while offset < 3_500 {
        let start = match dice.below(4) {
            0 | 1 => SlotStart::Free,
            2 => soft(dice.below(180)),
            _ => SlotStart::Hard,
        };
        slots.push(slot(offset, start, source(dice)));
        offset += 200 + dice.below(1_800);
    }
    slots
}

fn grid(dice: &mut Dice, world: &mut World) {
    for n in 1..=3 {
        let clock = clock(n, &format!("Clock {n}"), slots(dice));
        world.clocks.insert(clock.id, clock);
    }
    world.clock = world.clocks.get(&ClockId([1; 16])).cloned();
    let some = |dice: &mut Dice| Some(ClockId([1 + dice.below(4) as u8; 16]));
    let week = (0..168).map(|_| some(dice)).collect();
    let monday = LocalDate { year: 2026, month: 11, day: 16 };
    let sets = vec![DatedSet {
        name: "Monday".into(),
        days: Days::Dates { dates: vec![monday] },
        hours: (0..24).map(|_| some(dice).filter(|_| dice.one_in(3))).collect(),
    }];
    world.grid = Grid { week, sets };
}
