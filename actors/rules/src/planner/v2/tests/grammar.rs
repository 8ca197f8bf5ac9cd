//! Every field and operator: what a rule takes is what a plain reading of it takes.

use super::*;
use std::collections::BTreeSet;

type Reading = fn(&MediaItem, &MediaDetails) -> bool;

/// Items that are left by one include rule.
fn taken(world: &World, found: Rule) -> BTreeSet<u16> {
    let name = format!("{found:?}");
    let moves = found.field.is_time();
    let mut rules = free();
    let kinds = rule(Field::Kind, Op::IsNot, text("nothing"));
    rules.include = vec![all(vec![found]), all(vec![kinds])];
    rules.loop_to_fill = true;
    rules.rest.share_percent = 1;
    let tested = test(&world.inputs(), &BTreeMap::new(), &block(rules.clone()), hour(0));
    let lines = yields(world, &rules, 60_000).lines;
    let taken: BTreeSet<u16> = lines.iter().map(|line| number(line.media_id)).collect();
    if !moves {
        assert_eq!(tested.matching, taken.len(), "{name}: every match comes up in time");
    }
    taken
}

fn check(world: &World, found: Rule, reading: Reading) {
    let name = format!("{found:?}");
    let wanted: BTreeSet<u16> = world
        .media
        .values()
        .filter(|item| reading(item, &world.details[&item.id]))
        .map(|item| number(item.id))
        .collect();
    assert!(!wanted.is_empty() && wanted.len() < world.media.len(), "{name}: tells items apart");
    assert_eq!(taken(world, found), wanted, "{name}");
}

#[test]
fn texts_are_compared_by_every_operator() {
    let world = world(60);
    use Op::*;
    let many = |words: &[&str]| Value::Texts(words.iter().map(|w| (*w).into()).collect());
    let cases: Vec<(Op, Value, Reading)> = vec![
        (Is, text(" ARTIST  1"), |i, _| i.tags.artist == "Artist 1"),
        (IsNot, text("artist 1"), |i, _| i.tags.artist != "Artist 1"),
        (Contains, text("T 1"), |i, _| i.tags.artist.contains("t 1")),
        (NotContains, text("t 1"), |i, _| !i.tags.artist.contains("t 1")),
        (StartsWith, text("artist 1"), |i, _| i.tags.artist.starts_with("Artist 1")),
        (EndsWith, text("1"), |i, _| i.tags.artist.ends_with('1')),
        (In, many(&["Artist 1", "artist 2"]), |i, _| {
            ["Artist 1", "Artist 2"].contains(&i.tags.artist.as_str())
        }),
        (NotIn, many(&["Artist 1"]), |i, _| i.tags.artist != "Artist 1"),
    ];
    for (op, value, reading) in cases {
        check(&world, rule(Field::Artist, op, value), reading);
    }
}

#[test]
fn every_field_of_text_is_read_from_its_place() {
    let mut world = world(60);
    world.media.get_mut(&media(5)).expect("is there").codec = "opus".into();
    let one = world.media.get_mut(&media(7)).expect("is there");
    (one.kind, one.tags.artist) = (ItemKind::Imaging, "Solo feat. Guest & Third".into());
    use Field as F;
    let cases: Vec<(F, &str, Reading)> = vec![
        (F::Title, "title 3", |i, _| i.tags.title == "Title 3"),
        (F::Artist, "guest", |i, _| i.tags.artist.contains("Guest")),
        (F::Artist, "solo FEAT. guest & third", |i, _| i.tags.artist.contains("Guest")),
        (F::AlbumArtist, "band 3", |_, d| d.album_artist == "Band 3"),
        (F::Album, "album 4", |i, _| i.tags.album == "Album 4"),
        (F::Genre, "jazz", |i, _| i.tags.genre == "Jazz"),
        (F::Genre, "style 2", |_, d| d.genres[0] == "Style 2"),
        (F::Mood, "calm", |_, d| d.moods[0] == "calm"),
        (F::Language, "is", |_, d| d.language == "is"),
        (F::Label, "label 8", |_, d| d.label == "Label 8"),
        (F::Composer, "composer 5", |_, d| d.composer == "Composer 5"),
        (F::Publisher, "publisher 7", |_, d| d.publisher == "Publisher 7"),
        (F::Isrc, "istst0000009", |i, _| i.tags.isrc == "ISTST0000009"),
        (F::Key, "am", |_, d| d.key == "Am"),
        (F::Compilation, "best of", |_, d| !d.compilation.is_empty()),
        (F::Compilation, "", |_, d| d.compilation.is_empty()),
        (F::Category, "deep", |i, _| i.category == "deep"),
        (F::Kind, "imaging", |i, _| i.kind == ItemKind::Imaging),
        (F::Tag, "snow", |_, d| !d.tags.is_empty()),
        (F::FileName, "8.flac", |i, _| i.file_name == "8.flac"),
        (F::Codec, "opus", |i, _| i.codec == "opus"),
        (F::Custom("region".into()), "r3", |_, d| d.custom[0].value == "R3"),
    ];
    for (field, word, reading) in cases {
        check(&world, rule(field, Op::Is, text(word)), reading);
    }
    let words = rule(Field::TextSearch, Op::Contains, text("rock WINT"));
    check(&world, words, |i, d| i.tags.genre == "Rock" && !d.tags.is_empty());
    let words = rule(Field::TextSearch, Op::NotContains, text("rock"));
    check(&world, words, |i, _| i.tags.genre != "Rock");
}

#[test]
fn numbers_are_compared_by_every_operator() {
    let world = world(60);
    use Op::*;
    let n = Value::Number;
    let cases: Vec<(Field, Op, Value, Reading)> = vec![
        (Field::Year, Is, n(1970), |i, _| i.tags.year == Some(1970)),
        (Field::Year, IsNot, n(1970), |i, _| i.tags.year != Some(1970)),
        (Field::Year, Lt, n(1970), |i, _| i.tags.year < Some(1970)),
        (Field::Year, Lte, n(1970), |i, _| i.tags.year <= Some(1970)),
        (Field::Year, Gt, n(1970), |i, _| i.tags.year > Some(1970)),
        (Field::Year, Gte, n(1970), |i, _| i.tags.year >= Some(1970)),
        (Field::Bpm, Between, Value::Range(80, 90), |_, d| {
            d.bpm_x100.is_some_and(|bpm| (80..=90).contains(&(bpm / 100)))
        }),
        (Field::Energy, Lt, n(70), |_, d| {
            let bpm = d.bpm_x100.map_or(100, |bpm| bpm / 100);
            d.energy.map_or(bpm, u32::from) < 70
        }),
        (Field::DurationSec, Gt, n(200), |i, _| i.duration_frames / S > 200),
        (Field::SampleRate, Is, n(44_100), |i, _| i.source_rate_hz == 44_100),
        (Field::Loudness, Gte, n(-1_800), |i, _| i.loudness_lufs_x100 >= Some(-1_800)),
    ];
    for (field, op, value, reading) in cases {
        check(&world, rule(field, op, value), reading);
    }
    let clean = rule(Field::Explicit, Op::Is, Value::Flag(false));
    check(&world, clean, |_, d| !d.explicit);
}

#[test]
fn relative_dates_are_read_at_the_air_time() {
    let world = world(60);
    let span = |amount, unit| Value::Span(Span { amount, unit });
    use SpanUnit::*;
    let week = rule(Field::Added, Op::Within, span(1, Weeks));
    // Item 7 is a week old to the microsecond when the block begins, and older for later picks.
    let taken = taken(&world, week);
    assert!(taken.is_superset(&(1..=6).collect()) && !taken.contains(&8), "{taken:?}");
    for (amount, unit, newest_out) in
        [(20_000 / 2, Minutes, 8_u16), (167, Hours, 7), (9, Days, 10), (1, Months, 32)]
    {
        let taken = self::taken(&world, rule(Field::Added, Op::LongerAgo, span(amount, unit)));
        let oldest_in = if amount == 10_000 { 7 } else { newest_out };
        assert!(taken.contains(&(newest_out + 1)), "{amount} {unit:?}: {taken:?}");
        assert!(!taken.contains(&(oldest_in - 2)), "{amount} {unit:?}: {taken:?}");
    }
}

#[test]
fn plays_planned_and_aired_count_at_the_air_time() {
    let mut world = world(6);
    let hours = |amount| Value::Span(Span { amount, unit: SpanUnit::Hours });
    for n in 1..=3 {
        let last_at = Some(hour(0).plus(-i64::from(n) * 3_600_000_000));
        world.tally.insert(media(n), Tally { plays: u32::from(n), last_at });
    }
    let mut rules = BlockRules { loop_to_fill: true, ..free() };
    rules.include = vec![all(vec![rule(Field::LastPlayed, Op::Within, hours(3))])];
    let found = yields(&world, &rules, 600).lines;
    assert!(found.iter().all(|line| number(line.media_id) <= 3), "the others never played");
    rules.include = vec![all(vec![rule(Field::LastPlayed, Op::LongerAgo, hours(2))])];
    let found = yields(&world, &rules, 3_600);
    let mut once = numbers(&found.lines);
    once.sort_unstable();
    assert_eq!(once, [2, 3, 4, 5, 6], "each is out for two hours once it is planned");
    assert!(found.notes.iter().any(|note| note.contains("by include")), "{:?}", found.notes);
    rules.include = vec![all(vec![rule(Field::PlayCount, Op::Lt, Value::Number(2))])];
    let mut twice = numbers(&yields(&world, &rules, 7_200).lines);
    twice.sort_unstable();
    assert_eq!(twice, [1, 4, 4, 5, 5, 6, 6]);
}

#[test]
fn groups_are_joined_by_all_within_any_and_without() {
    let mut world = world(60);
    let ids = vec![media(1), media(2), media(4)];
    world.playlists.insert(PlaylistId([3; 16]), ("Three".into(), ids));
    let listed = text(&PlaylistId([3; 16]).to_string());
    check(&world, rule(Field::Playlist, Op::Is, listed.clone()), |i, _| {
        [1, 2, 4].contains(&number(i.id))
    });
    let (rock, calm) =
        (rule(Field::Genre, Op::Is, text("rock")), rule(Field::Mood, Op::Is, text("calm")));
    let mut rules = free();
    let count = |rules: &BlockRules| {
        test(&world.inputs(), &BTreeMap::new(), &block(rules.clone()), hour(0))
    };
    rules.include = vec![RuleGroup { logic: Logic::All, rules: vec![rock.clone(), calm.clone()] }];
    assert_eq!(count(&rules).matching, 15, "all rock is calm");
    rules.include[0].logic = Logic::Any;
    assert_eq!(count(&rules).matching, 30, "everything calm");
    rules.include = vec![all(vec![rock]), all(vec![calm])];
    assert_eq!(count(&rules).matching, 15);
    rules.exclude = vec![all(vec![rule(Field::Playlist, Op::Is, listed)])];
    let tested = count(&rules);
    assert_eq!((tested.matching, tested.reserve), (14, 1), "4 is calm rock and excluded");
    assert_eq!(tested.counts.include, [45, 0]);
    assert_eq!(tested.counts.exclude, [1]);
}
