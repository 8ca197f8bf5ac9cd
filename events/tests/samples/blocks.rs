//! Samples of smart blocks, of the station's rules and of what items say beyond their tags.

use super::{at, raw, words};
use grimnir_events::details::{CustomField, Daypart, ItemRules, MediaDetails};
use grimnir_events::smart_block::*;
use grimnir_events::{PlaylistId, SmartBlockId};

pub fn details() -> MediaDetails {
    MediaDetails {
        album_artist: "Various".into(),
        label: "Bad Taste".into(),
        genres: vec!["Ambient".into(), "Post-Rock".into()],
        moods: vec!["calm".into()],
        language: "is".into(),
        composer: "J. Samples".into(),
        publisher: "Samples House".into(),
        key: "F#m".into(),
        compilation: "Best of Tests".into(),
        explicit: true,
        bpm_x100: Some(12_850),
        energy: Some(640),
        tags: vec!["winter".into()],
        custom: vec![CustomField { name: "region".into(), value: "north".into() }],
        added_at: Some(at(60)),
        rules: ItemRules {
            valid_from: Some(at(61)),
            valid_to: Some(at(62)),
            dayparts: vec![Daypart { days: 0b001_1111, from_minute: 360, to_minute: 600 }],
            play_limit: Some(63),
            rest_s: Some(64_000),
        },
    }
}

fn rule(field: Field, op: Op, value: Value) -> Rule {
    Rule { field, op, value }
}

/// Every field, every way to compare and every kind of value at least once.
fn groups() -> Vec<RuleGroup> {
    use Field as F;
    use Op as O;
    let (text, number) = (|word: &str| Value::Text(word.into()), Value::Number);
    let span = |amount, unit| Value::Span(Span { amount, unit });
    let texts = vec![
        rule(F::Title, O::Is, text("a")),
        rule(F::Artist, O::IsNot, text("b")),
        rule(F::AlbumArtist, O::Contains, text("c")),
        rule(F::Album, O::NotContains, text("d")),
        rule(F::Genre, O::In, Value::Texts(vec!["e".into(), "f".into()])),
        rule(F::Mood, O::NotIn, Value::Texts(vec!["g".into()])),
        rule(F::Language, O::StartsWith, text("h")),
        rule(F::Label, O::EndsWith, text("i")),
        rule(F::Composer, O::Is, text("j")),
        rule(F::Publisher, O::Is, text("k")),
        rule(F::Isrc, O::Is, text("l")),
        rule(F::Key, O::Is, text("m")),
        rule(F::Compilation, O::Is, text("n")),
        rule(F::Category, O::Is, text("o")),
        rule(F::Kind, O::Is, text("music")),
        rule(F::Tag, O::Is, text("p")),
        rule(F::FileName, O::Is, text("q")),
        rule(F::Codec, O::Is, text("r")),
        rule(F::TextSearch, O::Contains, text("s t")),
        rule(F::Playlist, O::Is, text(&PlaylistId(raw(65)).to_string())),
        rule(F::Custom("region".into()), O::Is, text("u")),
    ];
    let mut numbers = vec![
        rule(F::Bpm, O::Between, Value::Range(90, 120)),
        rule(F::Energy, O::Lt, number(700)),
        rule(F::Year, O::Lte, number(1999)),
        rule(F::DurationSec, O::Gt, number(120)),
        rule(F::SampleRate, O::Gte, number(44_100)),
        rule(F::Loudness, O::Is, number(-1_600)),
        rule(F::Explicit, O::Is, Value::Flag(false)),
        rule(F::PlayCount, O::IsNot, number(0)),
        rule(F::Added, O::Within, span(2, SpanUnit::Weeks)),
        rule(F::LastPlayed, O::LongerAgo, span(66, SpanUnit::Minutes)),
    ];
    for (at, (_, unit)) in words!(SpanUnit: Minutes, Hours, Days, Weeks, Months).enumerate() {
        numbers.push(rule(F::Added, O::Within, span(70 + at as u32, unit)));
    }
    let all = words!(Op: Is, IsNot, Contains, NotContains, StartsWith, EndsWith, In, NotIn, Lt,
        Lte, Gt, Gte, Between, Within, LongerAgo);
    for (word, op) in all {
        let used = texts.iter().chain(&numbers).any(|rule| rule.op == op);
        assert!(used, "{word} is above");
    }
    vec![
        RuleGroup { logic: Logic::All, rules: texts },
        RuleGroup { logic: Logic::Any, rules: numbers },
    ]
}

pub fn separation() -> BlockSeparation {
    BlockSeparation {
        artist_sec: Some(80),
        title_sec: Some(81),
        album_sec: None,
        label_sec: Some(82),
        fields: vec![FieldSeparation { field: Field::Language, sec: 83 }],
    }
}

pub fn smart_block(mode: CurveMode, strategy: Strategy, order: Order) -> SmartBlock {
    let measure = if mode == CurveMode::Cycle { Measure::Energy } else { Measure::Bpm };
    SmartBlock {
        id: SmartBlockId(raw(84)),
        name: "Drive".into(),
        description: "What drives".into(),
        rules: BlockRules {
            include: groups(),
            exclude: vec![RuleGroup {
                logic: Logic::Any,
                rules: vec![rule(Field::Explicit, Op::Is, Value::Flag(true))],
            }],
            weights: vec![Weight {
                rule: rule(Field::Tag, Op::Is, Value::Text("winter".into())),
                weight_x100: -85,
            }],
            quotas: vec![Quota {
                field: Field::Genre,
                values: vec!["ambient".into()],
                min: Some(1),
                max: Some(86),
                window_sec: 87,
            }],
            separation: separation(),
            sequence: Sequence {
                measure,
                curve: vec![88, 89],
                mode,
                tolerance: Some(90),
                weight_x100: 91,
                allow_adjacent_low: true,
                low_below: 92,
                max_step: 93,
            },
            duration: Duration {
                target_ms: Some(94_000),
                tolerance_ms: 95,
                strategy,
                max_items: Some(96),
            },
            order,
            rest: Rest { share_percent: 97, weight_x100: 98 },
            bumpers: Bumpers {
                enabled: true,
                source: Some(ItemSource::Playlist(PlaylistId(raw(99)))),
                max_per_gap: 8,
                max_duration_sec: 100,
            },
            interstitials: Interstitials {
                enabled: true,
                every: 4,
                per_break: 1,
                logic: Logic::Any,
                max_duration_sec: 101,
                sources: vec![ItemSource::Match(rule(
                    Field::Kind,
                    Op::Is,
                    Value::Text("imaging".into()),
                ))],
            },
            loop_to_fill: true,
            fallbacks: vec![Fallback { smart_block_id: SmartBlockId(raw(102)), limit: 103 }],
        },
    }
}

/// Blocks that between them hold every word of the grammar, each with a label.
pub fn smart_blocks() -> Vec<(String, Box<SmartBlock>)> {
    let mut found = Vec::new();
    let block = |word: &str, mode, strategy, order| {
        (word.to_owned(), Box::new(smart_block(mode, strategy, order)))
    };
    for (word, mode) in words!(CurveMode: Cycle, Hold, Stretch) {
        found.push(block(word, mode, Strategy::Over, Order::LeastRecent));
    }
    for (word, strategy) in words!(Strategy: Closest, Under, Over, ExactFit) {
        found.push(block(word, CurveMode::Cycle, strategy, Order::Random));
    }
    for (word, order) in words!(Order: LeastRecent, Random, Newest, Oldest, MostRecent) {
        found.push(block(word, CurveMode::Hold, Strategy::Closest, order));
    }
    let rules = BlockRules::default();
    let bare = SmartBlock { description: String::new(), rules, ..*found[0].1.clone() };
    found.push(("bare".into(), Box::new(bare)));
    found
}

pub fn station_rules() -> StationRules {
    StationRules { performance_complement: true, separation: separation() }
}
