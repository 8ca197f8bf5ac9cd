//! Worlds by chance: every field, operator, order and kind of slot, odd texts and missing ones.

use super::*;
use crate::planner::Play;
use crate::planner::world::{category, clock};
use grimnir_events::details::Daypart;
use grimnir_events::library::CueMarks;
use grimnir_events::timeline::FormatClock;

/// Numbers by chance, the same for the same seed.
pub(in super::super) struct Dice(pub u64);

impl Dice {
    pub fn of(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        text::mix(self.0) % sides
    }
    pub fn one_in(&mut self, sides: u64) -> bool {
        self.of(sides) == 0
    }
    pub fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.of(all.len() as u64) as usize].clone()
    }
}

const WORDS: [&str; 12] = [
    "",
    " ",
    "calm",
    "Calm ",
    "WILD",
    "Straße",
    "ÉTÉ  chaud",
    "été chaud",
    "is",
    "De",
    "x\ty",
    "İz",
];
const ARTISTS: [&str; 10] = [
    "Ada",
    "ada",
    "Ada feat. Bo",
    "Bo & Cy (ft. Dé)",
    "Cy / Ada",
    "",
    "The Dé; Bo",
    "Eve vs. Ada",
    "Fay, Gus",
    "ÉTÉ  Featuring Hal",
];

/// An item of a library by chance.
pub(in super::super) fn any_item(n: u16, dice: &mut Dice) -> (MediaItem, MediaDetails) {
    let (mut item, mut details) = described(n);
    let artists = dice.of(40);
    item.tags.artist = match dice.of(3) {
        0 => dice.pick(&ARTISTS).into(),
        1 => format!("Artist {artists}"),
        _ => format!("Artist {artists} feat. Guest {}", dice.of(5)),
    };
    if dice.one_in(6) {
        item.tags.title = dice.pick(&WORDS).into();
    }
    item.tags.album = dice.pick(&["", "Best Of", "best of ", "One", "Two", "Three", "Four"]).into();
    item.tags.genre = dice.pick(&["Rock", "rock ", "Jazz", "", "Pop"]).into();
    item.tags.year = (!dice.one_in(5)).then(|| 1950 + dice.of(70) as u16);
    item.category = dice.pick(&["gold", "new", "", "deep", "jingle"]).into();
    if dice.one_in(8) {
        item.kind = dice.pick(&[
            ItemKind::LegalId,
            ItemKind::Imaging,
            ItemKind::Spot,
            ItemKind::Feature,
            ItemKind::Emergency,
        ]);
        item.cues.segue = (5 + dice.of(50) as i64) * S;
        item.cues.cue_out = item.cues.segue;
    }
    if dice.one_in(20) {
        item.cues = CueMarks::default();
    }
    item.must_air = dice.one_in(30) && item.cues.airtime() < 60 * S;
    item.loudness_lufs_x100 = (!dice.one_in(6)).then(|| -2_300 + dice.of(1_000) as i32);
    details.label = dice.pick(&["", "Label", "label ", "Other", "Third", "İz"]).into();
    details.language = dice.pick(&WORDS).into();
    details.genres = (0..dice.of(3)).map(|_| dice.pick(&WORDS).into()).collect();
    details.moods = (0..dice.of(3)).map(|_| dice.pick(&WORDS).into()).collect();
    details.tags = (0..dice.of(3)).map(|_| dice.pick(&WORDS).into()).collect();
    details.compilation = dice.pick(&["", "", "", "Set 1", "Set 2"]).into();
    details.custom = (0..dice.of(3))
        .map(|_| CustomField { name: "region".into(), value: dice.pick(&WORDS).into() })
        .collect();
    details.bpm_x100 = (!dice.one_in(4)).then(|| 5_000 + dice.of(15_000) as u32);
    details.explicit = dice.one_in(12);
    details.added_at = (!dice.one_in(6)).then(|| hour(-(dice.of(4_000) as i64)));
    let rules = &mut details.rules;
    rules.valid_from = dice.one_in(20).then(|| hour(dice.of(12) as i64 - 4));
    rules.valid_to = dice.one_in(20).then(|| hour(dice.of(12) as i64));
    if dice.one_in(15) {
        let from_minute = dice.of(1_440) as u16;
        let to_minute = dice.of(1_440) as u16;
        rules.dayparts.push(Daypart { days: dice.of(128) as u8, from_minute, to_minute });
    }
    rules.play_limit = dice.one_in(15).then(|| dice.of(4) as u32);
    rules.rest_s = dice.one_in(10).then(|| dice.of(20_000) as u32);
    (item, details)
}

fn texts() -> [Field; 20] {
    [
        Field::Title,
        Field::Artist,
        Field::AlbumArtist,
        Field::Album,
        Field::Genre,
        Field::Mood,
        Field::Language,
        Field::Label,
        Field::Composer,
        Field::Publisher,
        Field::Isrc,
        Field::Key,
        Field::Compilation,
        Field::Category,
        Field::Kind,
        Field::Tag,
        Field::FileName,
        Field::Codec,
        Field::Custom("region".into()),
        Field::Custom("none".into()),
    ]
}

fn any_text(dice: &mut Dice) -> String {
    match dice.of(5) {
        0 => dice.pick(&ARTISTS).into(),
        1 => dice.pick(&["rock", "jazz", "best of", "label", "music", "gold", "flac"]).into(),
        2 => dice.pick(&["a", "t", "1", "ar", "é", "artist 7", "title 1"]).into(),
        _ => dice.pick(&WORDS).into(),
    }
}

/// A rule; `moves` lets it ask what changes from pick to pick.
fn any_rule(dice: &mut Dice, moves: bool) -> Rule {
    let span = |dice: &mut Dice| {
        let units =
            [SpanUnit::Minutes, SpanUnit::Hours, SpanUnit::Days, SpanUnit::Weeks, SpanUnit::Months];
        Value::Span(Span { amount: 1 + dice.of(9) as u32, unit: dice.pick(&units) })
    };
    match dice.of(if moves { 11 } else { 9 }) {
        0 => rule(Field::TextSearch, Op::Contains, text(&any_text(dice))),
        1 => rule(Field::Explicit, Op::Is, Value::Flag(dice.one_in(2))),
        2 | 3 => {
            let fields = [
                (Field::Bpm, 50, 200),
                (Field::Energy, 0, 1_000),
                (Field::Year, 1950, 2020),
                (Field::DurationSec, 100, 280),
                (Field::SampleRate, 44_100, 48_000),
                (Field::Loudness, -2_300, -1_300),
            ];
            let (field, low, high) = dice.pick(&fields);
            let number = |dice: &mut Dice| low + dice.of((high - low + 1) as u64) as i64;
            let op = dice.pick(&[Op::Is, Op::IsNot, Op::Lt, Op::Lte, Op::Gt, Op::Gte, Op::Between]);
            let (a, b) = (number(dice), number(dice));
            let value = match op {
                Op::Between => Value::Range(a.min(b), a.max(b)),
                _ => Value::Number(a),
            };
            rule(field, op, value)
        }
        4 => {
            let op = dice.pick(&[Op::In, Op::NotIn]);
            rule(Field::Playlist, op, Value::Texts(vec![PlaylistId([3; 16]).to_string()]))
        }
        5 => {
            let many = Value::Texts((0..1 + dice.of(3)).map(|_| any_text(dice)).collect());
            rule(dice.pick(&texts()), dice.pick(&[Op::In, Op::NotIn]), many)
        }
        6..=8 => {
            let ops =
                [Op::Is, Op::IsNot, Op::Contains, Op::NotContains, Op::StartsWith, Op::EndsWith];
            rule(dice.pick(&texts()), dice.pick(&ops), text(&any_text(dice)))
        }
        9 => {
            let number = Value::Number(dice.of(4) as i64);
            rule(Field::PlayCount, dice.pick(&[Op::Lt, Op::Gte, Op::Is]), number)
        }
        _ => {
            let op = dice.pick(&[Op::Within, Op::LongerAgo]);
            rule(dice.pick(&[Field::Added, Field::LastPlayed]), op, span(dice))
        }
    }
}

fn group(dice: &mut Dice, most: u64) -> RuleGroup {
    let rules = (0..1 + dice.of(most)).map(|_| any_rule(dice, true)).collect();
    RuleGroup { logic: dice.pick(&[Logic::All, Logic::Any, Logic::Any]), rules }
}

fn any_separation(dice: &mut Dice) -> BlockSeparation {
    let mut sec = |most| dice.one_in(2).then(|| dice.of(most) as u32);
    let (artist_sec, title_sec, album_sec) = (sec(5_000), sec(9_000), sec(3_000));
    let label_sec = sec(600);
    let fields = [Field::Language, Field::Composer, Field::Mood, Field::Custom("region".into())];
    let fields = (0..dice.of(3))
        .map(|_| FieldSeparation { field: dice.pick(&fields), sec: dice.of(900) as u32 })
        .collect();
    BlockSeparation { artist_sec, title_sec, album_sec, label_sec, fields }
}

fn any_source(dice: &mut Dice) -> ItemSource {
    match dice.of(3) {
        0 => ItemSource::Playlist(PlaylistId([3; 16])),
        1 => ItemSource::Match(rule(Field::Kind, Op::Is, text("imaging"))),
        _ => ItemSource::Match(any_rule(dice, true)),
    }
}

fn any_block(id: u8, dice: &mut Dice) -> SmartBlock {
    let mut rules = BlockRules { separation: any_separation(dice), ..BlockRules::default() };
    rules.include = (0..dice.of(3)).map(|_| group(dice, 3)).collect();
    rules.exclude = (0..dice.of(3)).map(|_| group(dice, 2)).collect();
    rules.weights = (0..dice.of(4))
        .map(|_| Weight { rule: any_rule(dice, true), weight_x100: dice.of(200) as i32 - 80 })
        .collect();
    rules.quotas = (0..dice.of(3))
        .map(|_| {
            let (field, values) = dice.pick(&[
                (Field::Language, vec!["is".into(), "de".into()]),
                (Field::Genre, vec!["Rock".into()]),
                (Field::Explicit, vec!["true".into()]),
                (Field::Artist, vec!["ada".into(), "nobody".into()]),
            ]);
            let (min, max) = (dice.one_in(2).then_some(1), Some(1 + dice.of(6) as u32));
            Quota { field, values, min, max, window_sec: dice.pick(&[0, 1_800, 7_200]) }
        })
        .collect();
    rules.order = dice.pick(&[
        Order::LeastRecent,
        Order::LeastRecent,
        Order::LeastRecent,
        Order::Random,
        Order::Newest,
        Order::Oldest,
        Order::MostRecent,
    ]);
    rules.rest.share_percent = dice.pick(&[1, 10, 25, 50, 100]);
    rules.rest.weight_x100 = dice.pick(&[0, 100, 300]);
    any_course(&mut rules, dice);
    let id = SmartBlockId([id; 16]);
    SmartBlock { id, ..block(rules) }
}

/// Sequence, length, and what comes in between.
fn any_course(rules: &mut BlockRules, dice: &mut Dice) {
    let sequence = &mut rules.sequence;
    if dice.one_in(2) {
        sequence.measure = dice.pick(&[Measure::Energy, Measure::Bpm]);
        sequence.mode = dice.pick(&[CurveMode::Cycle, CurveMode::Hold, CurveMode::Stretch]);
        sequence.curve = (0..1 + dice.of(4)).map(|_| dice.of(300) as i32).collect();
        sequence.tolerance = dice.one_in(2).then(|| 20 + dice.of(200) as u32);
        sequence.weight_x100 = dice.of(200) as u32;
        sequence.low_below = dice.pick(&[0, 90, 120]);
        sequence.allow_adjacent_low = sequence.low_below > 0 && dice.one_in(2);
        sequence.max_step = dice.pick(&[0, 0, 40, 400]);
    }
    rules.duration = Duration {
        target_ms: dice.one_in(3).then(|| 300_000 + dice.of(1_500_000) as u32),
        tolerance_ms: dice.of(20_000) as u32,
        strategy: dice.pick(&[
            Strategy::Closest,
            Strategy::Under,
            Strategy::Over,
            Strategy::ExactFit,
        ]),
        max_items: dice.one_in(5).then(|| 1 + dice.of(6) as u32),
    };
    if dice.one_in(3) {
        let source = Some(any_source(dice));
        rules.bumpers = Bumpers { enabled: true, source, max_per_gap: 3, max_duration_sec: 60 };
    }
    if dice.one_in(3) {
        rules.interstitials = Interstitials {
            enabled: true,
            every: 1 + dice.of(4) as u32,
            per_break: 1 + dice.of(2) as u32,
            logic: dice.pick(&[Logic::All, Logic::Any]),
            max_duration_sec: 120,
            sources: (0..1 + dice.of(2)).map(|_| any_source(dice)).collect(),
        };
    }
    rules.loop_to_fill = dice.one_in(2);
    rules.fallbacks = (0..dice.of(3))
        .map(|_| {
            let smart_block_id = SmartBlockId([1 + dice.of(5) as u8; 16]);
            Fallback { smart_block_id, limit: dice.of(3) as u32 }
        })
        .collect();
}

fn any_clock(dice: &mut Dice, items: u16) -> FormatClock {
    let count = 1 + dice.of(5) as u32;
    let slots = (0..count).map(|n| {
        let grace_ms = dice.of(120_000) as u32;
        let start = dice.pick(&[SlotStart::Free, SlotStart::Hard, SlotStart::Soft { grace_ms }]);
        let by = |mode| SlotSource::PlaylistBy { playlist_id: PlaylistId([3; 16]), mode };
        let source = match dice.of(8) {
            0 => category(dice.pick(&["", "gold", "deep", "none"])),
            1 => by(dice.pick(&[PlaylistMode::Sequential, PlaylistMode::Shuffled])),
            2 => by(PlaylistMode::Rotation),
            3 => SlotSource::HardItem { media_id: media(1 + dice.of(u64::from(items)) as u16) },
            _ => SlotSource::SmartBlock { block_id: SmartBlockId([1 + dice.of(5) as u8; 16]) },
        };
        let first = if dice.one_in(4) { 200 } else { 0 };
        slot(if n == 0 { first } else { n * 3_600 / count }, start, source)
    });
    clock(slots.collect())
}

/// A station by chance.
pub(in super::super) fn any_world(seed: u64) -> World {
    let mut dice = Dice(text::mix(seed));
    let items = dice.pick(&[4, 30, 150, 400, 900]);
    let mut world = World { station: dice.of(250) as u8, ..World::default() };
    for n in 1..=items {
        let (item, details) = any_item(n, &mut dice);
        if !dice.one_in(15) {
            world.details.insert(item.id, details);
        }
        world.media.insert(item.id, item);
        if dice.one_in(6) {
            let last_at = dice.one_in(2).then(|| hour(-(dice.of(900) as i64)));
            world.tally.insert(media(n), Tally { plays: dice.of(4) as u32, last_at });
        }
    }
    let list = (0..1 + dice.of(60)).map(|_| media(1 + dice.of(u64::from(items) + 4) as u16));
    world.playlists.insert(PlaylistId([3; 16]), ("List".into(), list.collect()));
    world.blocks = (1..=5).map(|id| any_block(id, &mut dice)).map(|b| (b.id, b)).collect();
    world.rules.performance_complement = dice.one_in(2);
    world.rules.separation = any_separation(&mut dice);
    world.settings.artist_separation_s = dice.of(4_000) as u32;
    world.settings.title_separation_s = dice.of(8_000) as u32;
    world.clock = (!dice.one_in(12)).then(|| any_clock(&mut dice, items));
    for _ in 0..dice.of(40) {
        let (media_id, artist) = (media(dice.of(u64::from(items) * 2) as u16), dice.pick(&ARTISTS));
        let at = hour(0).plus(-(dice.of(60_000_000) as i64) * 1_000);
        let title = format!("Title {}", dice.of(u64::from(items)));
        world.played.push(Play { at, media_id, artist: artist.into(), title });
    }
    world
}
