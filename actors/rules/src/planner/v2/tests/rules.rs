//! Every key of a block and of an item changes what is planned, in the way it says.

use super::*;
use grimnir_events::details::Daypart;
use jiff::tz::TimeZoneDatabase;

fn genres(world: &World, lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| world.media[&line.media_id].tags.genre.clone()).collect()
}

/// Seconds of airtime.
fn seconds(lines: &[Line]) -> i64 {
    lines.iter().map(|line| line.cues.airtime()).sum::<i64>() / S
}

/// A world without crossfades, so that lengths add up plainly.
fn plain(count: u16) -> World {
    let mut world = world(count);
    world.settings.crossfade_ms = 0;
    world
}

#[test]
fn weights_prefer_and_shun() {
    let world = world(120);
    let jazz = |weight_x100| {
        let rule = rule(Field::Genre, Op::Is, text("jazz"));
        let rules = BlockRules { weights: vec![Weight { rule, weight_x100 }], ..free() };
        let lines = yields(&world, &rules, 3_600).lines;
        genres(&world, &lines).iter().filter(|genre| *genre == "Jazz").count()
    };
    let (shunned, preferred) = (jazz(-500), jazz(500));
    assert_eq!(shunned, 0);
    assert!(preferred >= 5, "{preferred}: what rested longest of it comes first");
}

#[test]
fn quotas_bound_a_window_from_both_sides() {
    let world = world(120);
    let quota = |min, max, window_sec| Quota {
        field: Field::Genre,
        values: vec!["rock".into(), "jazz".into()],
        min,
        max,
        window_sec,
    };
    let counted = |quota| {
        let lines = yields(&world, &BlockRules { quotas: vec![quota], ..free() }, 7_200).lines;
        let genres = genres(&world, &lines);
        genres.iter().filter(|genre| ["Rock", "Jazz"].contains(&genre.as_str())).count()
    };
    assert_eq!(counted(quota(None, Some(2), 0)), 2, "in the run");
    assert_eq!(counted(quota(None, Some(2), 7_200)), 2);
    let more = counted(quota(None, Some(2), 2_400));
    assert!((5..=8).contains(&more), "{more}: about two every 40 minutes");
    assert!(counted(quota(Some(30), None, 14_400)) >= 29, "all of them are owed");
}

#[test]
fn every_separation_keeps_its_distance() {
    let world = world(400);
    type Said = fn(&MediaItem, &MediaDetails) -> String;
    let own = |field| {
        let mut separation = apart(0);
        separation.fields = vec![FieldSeparation { field, sec: 1_500 }];
        separation
    };
    let cases: Vec<(BlockSeparation, Said)> = vec![
        (BlockSeparation { artist_sec: Some(1_500), ..apart(0) }, |i, _| i.tags.artist.clone()),
        (BlockSeparation { title_sec: Some(1_500), ..apart(0) }, |i, _| i.tags.title.clone()),
        (BlockSeparation { album_sec: Some(1_500), ..apart(0) }, |i, _| i.tags.album.clone()),
        (BlockSeparation { label_sec: Some(1_500), ..apart(0) }, |_, d| d.label.clone()),
        (own(Field::Composer), |_, d| d.composer.clone()),
        (own(Field::Custom("region".into())), |_, d| d.custom[0].value.clone()),
    ];
    for (separation, said) in cases {
        let mut world = world.clone();
        // Few titles, so that a title comes again at all; four regions need short windows.
        let mut separation = separation;
        for (n, item) in (0_u16..).zip(world.media.values_mut()) {
            item.tags.title = format!("Title {}", n % 30);
        }
        if separation.fields.iter().any(|apart| matches!(apart.field, Field::Custom(_))) {
            separation.fields[0].sec = 400;
        } else if let Some(first) = separation.fields.first_mut() {
            first.sec = 600;
        }
        let within = separation.fields.first().map_or(1_500, |apart| apart.sec);
        let close = |separation: BlockSeparation| {
            let rules = BlockRules { separation, ..free() };
            let made = yields(&world, &rules, 4 * 3_600);
            let lines = &made.lines;
            let value =
                |line: &Line| said(&world.media[&line.media_id], &world.details[&line.media_id]);
            let near = |a: &Line, b: &Line| {
                b.planned_at.since(a.planned_at) < i64::from(within) * 1_000_000
            };
            let soon = |(at, line): &(usize, &Line)| {
                lines[..*at].iter().any(|a| value(a) == value(line) && near(a, line))
            };
            (lines.iter().enumerate().filter(soon).count(), made.notes)
        };
        let (free, _) = close(apart(0));
        let (kept, notes) = close(separation.clone());
        assert!(
            free > 0 && kept == 0 && notes.is_empty(),
            "{separation:?}: {free} {kept} {notes:?}"
        );
    }
}

#[test]
fn the_stations_separation_holds_where_a_block_names_none() {
    let mut world = world(400);
    let rules = BlockRules::default();
    let close = |world: &World| {
        let lines = yields(world, &rules, 3_600).lines;
        let label = |line: &Line| world.details[&line.media_id].label.clone();
        lines.windows(2).filter(|pair| label(&pair[0]) == label(&pair[1])).count()
    };
    world.rules.separation.label_sec = Some(1_200);
    assert_eq!(close(&world), 0);
    let played = |world: &World| numbers(&yields(world, &rules, 3_600).lines);
    let with = played(&world);
    world.rules.separation = BlockSeparation::default();
    assert_ne!(with, played(&world));
}

#[test]
fn curves_steps_and_low_neighbours_shape_the_sequence() {
    let mut world = world(300);
    for (n, details) in (0_u16..).zip(world.details.values_mut()) {
        details.energy = Some(n % 10 * 100);
    }
    let energy = |rules: &BlockRules, seconds| -> Vec<i32> {
        let lines = yields(&world, rules, seconds).lines;
        lines
            .iter()
            .map(|l| i32::from(world.details[&l.media_id].energy.expect("judged")))
            .collect()
    };
    let mut rules = free();
    rules.sequence.curve = vec![200, 800];
    rules.sequence.tolerance = Some(100);
    let wave = energy(&rules, 3_600);
    assert!(wave.iter().zip([200, 800].iter().cycle()).all(|(e, w)| (e - w).abs() <= 100));
    rules.sequence.mode = CurveMode::Hold;
    assert!(energy(&rules, 3_600)[1..].iter().all(|e| (e - 800).abs() <= 100));
    rules.sequence.mode = CurveMode::Stretch;
    let halves = energy(&rules, 3_600);
    assert!(halves[..7].iter().all(|e| (e - 200).abs() <= 100), "{halves:?}");
    assert!(halves[halves.len() - 6..].iter().all(|e| (e - 800).abs() <= 100), "{halves:?}");
    let mut rules = free();
    rules.sequence.curve = vec![900];
    rules.sequence.weight_x100 = 2_000;
    assert!(energy(&rules, 720).iter().all(|e| *e == 900), "the score alone");
    let mut rules = free();
    rules.sequence.max_step = 100;
    assert!(energy(&rules, 3_600).windows(2).all(|pair| (pair[0] - pair[1]).abs() <= 100));
    let mut rules = free();
    rules.sequence.low_below = 500;
    let low = |e: &[i32]| e[0] < 500 && e[1] < 500;
    assert!(!energy(&rules, 7_200).windows(2).any(low));
    rules.sequence.allow_adjacent_low = true;
    assert!(energy(&rules, 7_200).windows(2).any(low));
    let mut rules = free();
    (rules.sequence.measure, rules.sequence.curve) = (Measure::Bpm, vec![90]);
    rules.sequence.tolerance = Some(2);
    let lines = yields(&world, &rules, 1_800).lines;
    let bpm = |line: &Line| world.details[&line.media_id].bpm_x100.expect("given") / 100;
    assert!(lines.iter().all(|line| (88..=92).contains(&bpm(line))));
}

#[test]
fn a_target_is_met_by_its_strategy() {
    let world = plain(300);
    let length = |strategy, target_s: u32| {
        let mut rules = free();
        rules.duration =
            Duration { target_ms: Some(target_s * 1_000), strategy, ..Duration::default() };
        seconds(&yields(&world, &rules, 7_200).lines)
    };
    let (mut closest, mut exact) = (0, 0);
    for target in [1_000_u32, 1_234, 1_501, 1_777, 2_048, 2_600] {
        let wanted = i64::from(target);
        assert!(length(Strategy::Over, target) >= wanted);
        assert!(length(Strategy::Under, target) <= wanted + 2);
        assert!((length(Strategy::Closest, target) - wanted).abs() <= 134, "half of the longest");
        closest += (length(Strategy::Closest, target) - wanted).abs();
        let off = (length(Strategy::ExactFit, target) - wanted).abs();
        assert!(off <= 2, "{target}: off by {off} s");
        exact += off;
    }
    assert!(exact < closest);
    let mut rules = free();
    rules.duration.max_items = Some(3);
    assert_eq!(yields(&world, &rules, 7_200).lines.len(), 3);
    let mut rules = free();
    rules.duration.target_ms = Some(1_000_000);
    rules.duration.strategy = Strategy::Under;
    let wide = Duration { tolerance_ms: 300_000, ..rules.duration.clone() };
    let narrow = seconds(&yields(&world, &rules, 7_200).lines);
    rules.duration = wide;
    assert_ne!(seconds(&yields(&world, &rules, 7_200).lines), narrow, "the tolerance counts");
}

#[test]
fn orders_and_rest_say_who_is_next() {
    let mut world = world(60);
    let first = |world: &World, order| {
        let lines = yields(world, &BlockRules { order, ..free() }, 1_800).lines;
        numbers(&lines)[..5].to_vec()
    };
    // The higher its number, the longer an item is in the library, and the later it played.
    for n in 1..=60 {
        let last_at = Some(hour(-1).plus(-i64::from(100 - n) * 60_000_000));
        world.tally.insert(media(n), Tally { plays: 1, last_at });
    }
    assert_eq!(first(&world, Order::Newest), [1, 2, 3, 4, 5]);
    assert_eq!(first(&world, Order::Oldest), [60, 59, 58, 57, 56]);
    assert_eq!(first(&world, Order::MostRecent), [60, 59, 58, 57, 56]);
    assert!(first(&world, Order::LeastRecent).iter().all(|n| *n <= 19), "a quarter, going up");
    let random = first(&world, Order::Random);
    assert!(random.iter().any(|n| *n > 20), "{random:?}");
    let strict = BlockRules { rest: Rest { share_percent: 1, weight_x100: 100 }, ..free() };
    assert_eq!(numbers(&yields(&world, &strict, 900).lines)[..4], [1, 2, 3, 4]);
    let loose = BlockRules { rest: Rest { share_percent: 100, weight_x100: 0 }, ..free() };
    assert!(numbers(&yields(&world, &loose, 3_600).lines).iter().any(|n| *n > 30));
}

#[test]
fn a_run_repeats_nothing_unless_it_loops_and_asks_its_fallbacks() {
    let mut world = world(20);
    let few = |word: &str| vec![all(vec![rule(Field::Label, Op::Is, text(word))])];
    let mut rules = BlockRules { include: few("label 1"), ..free() };
    let made = yields(&world, &rules, 3_600);
    assert_eq!(numbers(&made.lines).len(), 3, "1, 10, 19");
    assert!(made.notes.iter().any(|note| note.contains("played in this run")), "{:?}", made.notes);
    rules.loop_to_fill = true;
    assert!(yields(&world, &rules, 3_600).lines.len() > 10);
    rules.loop_to_fill = false;
    let lender = |n: u8, word: &str, next: Option<u8>| {
        let fallbacks = next.map(|n| Fallback { smart_block_id: SmartBlockId([n; 16]), limit: 0 });
        let fallbacks = fallbacks.into_iter().collect();
        let rules = BlockRules { include: few(word), fallbacks, ..free() };
        SmartBlock { id: SmartBlockId([n; 16]), name: format!("Lender {n}"), ..block(rules) }
    };
    let chain = [
        lender(21, "label 2", Some(22)),
        lender(22, "label 3", Some(23)),
        lender(23, "label 4", Some(24)),
        lender(24, "label 5", None),
    ];
    world.blocks = chain.into_iter().map(|block| (block.id, block)).collect();
    rules.fallbacks = vec![Fallback { smart_block_id: SmartBlockId([21; 16]), limit: 0 }];
    let made = yields(&world, &rules, 7_200);
    let labels: BTreeSet<u16> = numbers(&made.lines).iter().map(|n| n % 9).collect();
    assert_eq!(labels, [1, 2, 3, 4].into(), "three deep and no further");
    assert!(made.notes.iter().any(|note| note.contains("from fallback smart block \"Lender 21\"")));
    rules.fallbacks[0].limit = 1;
    assert_eq!(yields(&world, &rules, 7_200).lines.len(), 4);
}

#[test]
fn bumpers_fill_the_gap_and_interstitials_come_every_so_many() {
    let mut world = plain(120);
    for n in 101..=120 {
        let item = world.media.get_mut(&media(n)).expect("is there");
        let length = i64::from(n - 100) * 2 * S;
        (item.kind, item.duration_frames) = (ItemKind::Imaging, length);
        (item.cues.segue, item.cues.cue_out) = (length, length);
    }
    let imaging = || ItemSource::Match(rule(Field::Kind, Op::Is, text("imaging")));
    let mut rules = free();
    rules.duration =
        Duration { target_ms: Some(1_000_000), strategy: Strategy::Under, ..Duration::default() };
    let bare = seconds(&yields(&world, &rules, 7_200).lines);
    rules.bumpers =
        Bumpers { enabled: true, source: Some(imaging()), max_per_gap: 20, max_duration_sec: 30 };
    let filled = yields(&world, &rules, 7_200);
    assert!(bare < 998 && (seconds(&filled.lines) - 1_000).abs() <= 2, "{bare}");
    let bumpers: Vec<u16> = numbers(&filled.lines).into_iter().filter(|n| *n > 100).collect();
    assert!(!bumpers.is_empty() && bumpers.iter().all(|n| (n - 100) * 2 <= 30), "{bumpers:?}");
    rules.bumpers.max_per_gap = 1;
    let one = yields(&world, &rules, 7_200).lines;
    assert_eq!(numbers(&one).into_iter().filter(|n| *n > 100).count(), 1);
    rules.bumpers.enabled = false;
    assert_eq!(seconds(&yields(&world, &rules, 7_200).lines), bare);

    let ids: Vec<MediaId> = vec![media(102)];
    world.playlists.insert(PlaylistId([3; 16]), ("Liners".into(), ids));
    let mut rules = free();
    rules.interstitials = Interstitials {
        enabled: true,
        every: 3,
        per_break: 2,
        logic: Logic::Any,
        max_duration_sec: 10,
        sources: vec![imaging(), ItemSource::Playlist(PlaylistId([3; 16]))],
    };
    let lines = |rules: &BlockRules| numbers(&yields(&world, rules, 3_600).lines);
    let is_extra = |n: &u16| *n > 100;
    let found = lines(&rules);
    let shape: Vec<bool> = found.iter().map(is_extra).collect();
    assert_eq!(shape[..8], [false, false, false, true, true, false, false, false]);
    assert!(found.iter().filter(|n| is_extra(n)).all(|n| *n <= 105), "ten seconds at most");
    rules.interstitials.per_break = 1;
    assert_eq!(
        lines(&rules).iter().map(is_extra).collect::<Vec<_>>()[..5].to_vec(),
        [false, false, false, true, false]
    );
    rules.interstitials.logic = Logic::All;
    let both = lines(&rules);
    assert!(is_extra(&both[3]) && both[4] == 102, "one from each: {both:?}");
    rules.interstitials.enabled = false;
    assert!(!lines(&rules).iter().any(is_extra));
}

#[test]
fn what_an_item_asks_for_is_never_relaxed() {
    let mut world = world(4);
    let mut set =
        |n, f: &dyn Fn(&mut MediaDetails)| f(world.details.get_mut(&media(n)).expect("is"));
    set(1, &|details| details.rules.valid_to = Some(hour(0)));
    set(2, &|details| details.rules.valid_from = Some(hour(2)));
    set(3, &|details| details.rules.play_limit = Some(2));
    set(4, &|details| details.rules.rest_s = Some(3_600));
    let rules = BlockRules { loop_to_fill: true, ..free() };
    let lines = yields(&world, &rules, 6 * 3_600).lines;
    let of = |n| lines.iter().filter(|line| number(line.media_id) == n).collect::<Vec<_>>();
    assert_eq!((of(1).len(), of(3).len()), (0, 2));
    assert!(of(2).iter().all(|line| line.planned_at >= hour(2)));
    let apart = |pair: &[&Line]| pair[1].planned_at.since(pair[0].planned_at);
    assert!(of(4).windows(2).all(|pair| apart(pair) >= 3_600_000_000));

    // Berlin is an hour or two ahead of UTC: 01:00 UTC is in the small hours there.
    let mut world = self::world(40);
    for (n, details) in (0_u16..).zip(world.details.values_mut()) {
        if n.is_multiple_of(2) {
            let part = Daypart { days: 127, from_minute: 22 * 60, to_minute: 4 * 60 };
            details.rules.dayparts = vec![part];
        }
    }
    let source = SlotSource::SmartBlock { block_id: BLOCK };
    world.clock = Some(crate::planner::world::clock(vec![slot(0, SlotStart::Free, source)]));
    world.blocks.insert(BLOCK, block(rules));
    let plans = plan(&world, 24);
    let mut nights = 0;
    for line in plans.iter().flat_map(|plan| &plan.lines) {
        if number(line.media_id) % 2 == 1 {
            let at = jiff::Timestamp::from_microsecond(line.planned_at.0).expect("a time");
            let zone = TimeZoneDatabase::bundled().get("Europe/Berlin").expect("is known");
            let hour = at.to_zoned(zone).hour();
            assert!(!(4..22).contains(&hour), "{hour}");
            nights += 1;
        }
    }
    assert!(nights > 5);
    assert!(Daypart { days: 1, from_minute: 1_380, to_minute: 60 }.holds(1, 30), "on into Tuesday");
    assert!(!Daypart { days: 1, from_minute: 1_380, to_minute: 60 }.holds(0, 30));
}

#[test]
fn the_complement_holds_even_where_the_hour_has_a_hole() {
    let mut world = world(12);
    for item in world.media.values_mut() {
        (item.tags.album, item.tags.artist) = ("One".into(), format!("A{}", item.tags.title));
    }
    let rules = BlockRules { loop_to_fill: true, ..free() };
    assert!(yields(&world, &rules, 3_600).lines.len() > 10);
    world.rules.performance_complement = true;
    let made = yields(&world, &rules, 3_600);
    assert_eq!(made.lines.len(), 2, "the third would be three in a row");
    assert!(made.notes.iter().any(|note| note.contains("performance complement: album")));
    assert!(made.picks.last().is_some_and(|(_, trace)| trace.hole.is_some()));
}

#[test]
fn what_is_relaxed_goes_up_the_ladder() {
    let mut world = world(3);
    for item in world.media.values_mut() {
        (item.tags.artist, item.tags.album) = ("Same".into(), "Same".into());
    }
    let mut rules = BlockRules { loop_to_fill: true, ..free() };
    rules.separation.artist_sec = Some(600);
    let notes = |rules: &BlockRules| yields(&world, rules, 1_200).notes.join("; ");
    let found = notes(&rules);
    assert!(found.contains("artist separation of 600 s relaxed"), "{found}");
    assert!(!found.contains("quota"), "{found}");
    // Everything is excluded: the last rung is taken, and said.
    rules.exclude = vec![all(vec![rule(Field::Language, Op::IsNot, text("xx"))])];
    assert!(notes(&rules).contains("exclude relaxed"));
    // But not for explicit words.
    for details in world.details.values_mut() {
        details.explicit = true;
    }
    rules.exclude = vec![all(vec![rule(Field::Explicit, Op::Is, Value::Flag(true))])];
    let made = yields(&world, &rules, 1_200);
    assert!(made.lines.is_empty() && made.notes[0].contains("no item matches"), "{:?}", made.notes);
}
