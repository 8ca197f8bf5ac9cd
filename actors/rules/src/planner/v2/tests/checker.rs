//! A naive judge of plans, written without a look at how picks are made: it reads lines, items and
//! rules, and lets pass only what the hour's own notes admit.

use super::*;
use grimnir_events::details::Daypart;
use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;

/// The artists of a credit, by the plainest means.
fn artists(credit: &str) -> BTreeSet<String> {
    let mut text = format!(" {} ", credit.to_lowercase());
    for joint in [" feat. ", " ft. ", " & ", " / ", " vs. ", ", "] {
        text = text.replace(joint, "|");
    }
    text.split('|').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// How often an hour's notes admit a rule of this name.
fn admitted(plan: &HourPlan, rule: &str) -> usize {
    let times = |note: &String| {
        let (_, rest) = note.split_once(": ")?;
        let count = rest.strip_prefix(rule)?.split(" relaxed ").nth(1)?;
        count.split(' ').next()?.parse::<usize>().ok()
    };
    plan.notes.iter().filter_map(times).sum()
}

struct Judge<'a> {
    world: &'a World,
    all: Vec<&'a Line>,
}

impl Judge<'_> {
    fn item(&self, line: &Line) -> (&MediaItem, &MediaDetails) {
        (&self.world.media[&line.media_id], &self.world.details[&line.media_id])
    }

    /// Lines before `at` in the chain that start less than `seconds` before it.
    fn before(&self, at: usize, seconds: u32) -> impl Iterator<Item = &Line> {
        let us = i64::from(seconds) * 1_000_000;
        let now = self.all[at].planned_at.0;
        let near = move |line: &&&Line| now - line.planned_at.0 < us;
        self.all[..at].iter().rev().take_while(near).copied()
    }

    fn too_close(&self, at: usize, field: &str, seconds: u32) -> bool {
        let (item, details) = self.item(self.all[at]);
        self.before(at, seconds).any(|other| {
            let (before, said) = self.item(other);
            match field {
                "artist" => !artists(&item.tags.artist).is_disjoint(&artists(&before.tags.artist)),
                "title" => item.tags.title == before.tags.title,
                "album" => !item.tags.album.is_empty() && item.tags.album == before.tags.album,
                "label" => !details.label.is_empty() && details.label == said.label,
                "language" => !details.language.is_empty() && details.language == said.language,
                other => panic!("no such field: {other}"),
            }
        })
    }

    /// The quota is broken by the line: it is one too many, or it stands where one was owed.
    fn breaks(&self, at: usize, quota: &Quota) -> bool {
        let counts =
            |line: &Line| quota.values.iter().any(|value| *value == self.item(line).0.tags.genre);
        let before = self.before(at, quota.window_sec).filter(|line| counts(line)).count();
        if counts(self.all[at]) {
            quota.max.is_some_and(|max| before + 1 > max as usize)
        } else {
            quota.min.is_some_and(|min| before < min as usize)
        }
    }

    /// The performance complement, as the law counts.
    fn complement(&self, at: usize) {
        let three_hours: Vec<&Line> = self.before(at, 3 * 3_600).collect();
        let (item, _) = self.item(self.all[at]);
        let album = |line: &&&Line| self.item(line).0.tags.album == item.tags.album;
        if !item.tags.album.is_empty() {
            assert!(three_hours.iter().filter(album).count() < 3, "album {}", item.tags.album);
            assert!(three_hours.iter().take(2).filter(album).count() < 2, "two in a row");
        }
        for artist in artists(&item.tags.artist) {
            let by = |line: &&&Line| artists(&self.item(line).0.tags.artist).contains(&artist);
            assert!(three_hours.iter().filter(by).count() < 4, "artist {artist}");
            assert!(three_hours.iter().take(3).filter(by).count() < 3, "three in a row");
        }
    }

    fn may_air(&self, line: &Line) {
        let (_, details) = self.item(line);
        assert!(!details.explicit, "explicit words are excluded");
        if details.rules.dayparts.is_empty() {
            return;
        }
        let at = jiff::Timestamp::from_microsecond(line.planned_at.0).expect("a time");
        let zone = TimeZoneDatabase::bundled().get("Europe/Berlin").expect("is known");
        let local = at.to_zoned(zone);
        let holds = |part: &Daypart| {
            let minute = local.hour() as u16 * 60 + local.minute() as u16;
            (part.from_minute..part.to_minute).contains(&minute)
        };
        assert!(details.rules.dayparts.iter().any(holds), "{local} {:?}", details.rules.dayparts);
    }
}

fn judge(world: &World, plans: &[HourPlan]) {
    let judge = Judge { world, all: plans.iter().flat_map(|plan| &plan.lines).collect() };
    let rules = &world.blocks[&BLOCK].rules;
    let mut at = 0;
    for plan in plans {
        let (mut found, mut quotas): (BTreeMap<String, usize>, usize) = (BTreeMap::new(), 0);
        for line in &plan.lines {
            judge.may_air(line);
            if world.rules.performance_complement {
                judge.complement(at);
            }
            let apart = &rules.separation;
            let fields = apart.fields.iter().map(|_| "language");
            let seconds = apart.fields.iter().map(|apart| Some(apart.sec));
            let named = [
                ("artist", apart.artist_sec),
                ("title", apart.title_sec),
                ("album", apart.album_sec),
                ("label", apart.label_sec),
            ];
            for (field, seconds) in named.into_iter().chain(fields.zip(seconds)) {
                if judge.too_close(at, field, seconds.expect("given")) {
                    *found.entry(format!("{field} separation")).or_default() += 1;
                }
            }
            quotas += usize::from(rules.quotas.iter().any(|quota| judge.breaks(at, quota)));
            at += 1;
        }
        for (rule, count) in found {
            let admitted = admitted(plan, &rule);
            assert!(count <= admitted, "{rule}: {count} found, {:?}", plan.notes);
        }
        assert!(quotas <= admitted(plan, "quota"), "{quotas} quotas, {:?}", plan.notes);
    }
}

fn random_world(items: &[(i64, u8, u8, u8, u8, u8)]) -> World {
    let mut world = World { station: 3, ..World::default() };
    for (n, (seconds, artist, guest, album, genre, part)) in items.iter().enumerate() {
        let mut item = item(n as u16 + 1, *seconds, "gold");
        item.tags.artist = match guest {
            0..=3 => format!("Artist {artist}"),
            4 => format!("Artist {artist} feat. Artist {genre}"),
            5 => format!("Artist {artist} & Artist {album} / Artist {genre}"),
            _ => format!("ARTIST  {artist}, Artist 1"),
        };
        item.tags.album = if *album == 0 { String::new() } else { format!("Album {album}") };
        item.tags.genre = ["rock", "jazz", "pop"][*genre as usize % 3].into();
        let mut details = MediaDetails {
            label: format!("Label {}", album % 3),
            language: ["is", "de", ""][*guest as usize % 3].into(),
            explicit: *part == 7,
            ..MediaDetails::default()
        };
        if *part < 3 {
            let from_minute = [0, 600, 1_100][*part as usize];
            let to_minute = from_minute + 300;
            details.rules.dayparts.push(Daypart { days: 127, from_minute, to_minute });
        }
        world.details.insert(item.id, details);
        world.media.insert(item.id, item);
    }
    let source = SlotSource::SmartBlock { block_id: BLOCK };
    let slots =
        vec![slot(0, SlotStart::Hard, source.clone()), slot(1_800, SlotStart::Free, source)];
    world.clock = Some(crate::planner::world::clock(slots));
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn rules_hold_at_projected_air_time_or_the_hour_admits_it(
        items in prop::collection::vec(
            (60..400i64, 0..8u8, 0..7u8, 0..6u8, 0..3u8, 0..8u8), 4..50,
        ),
        (artist, title, album) in (0..3_000u32, 0..6_000u32, 0..3_000u32),
        (label, language, complement) in (0..1_500u32, 0..900u32, any::<bool>()),
        (min, max, window) in (0..3u32, 2..8u32, 600..7_200u32),
        weight in -300..300i32,
    ) {
        let mut world = random_world(&items);
        let mut rules = BlockRules { loop_to_fill: true, ..free() };
        rules.separation = BlockSeparation {
            artist_sec: Some(artist),
            title_sec: Some(title),
            album_sec: Some(album),
            label_sec: Some(label),
            fields: vec![FieldSeparation { field: Field::Language, sec: language }],
        };
        rules.quotas = vec![Quota {
            field: Field::Genre,
            values: vec!["rock".into()],
            min: (min > 0).then_some(min.min(max)),
            max: Some(max),
            window_sec: window,
        }];
        rules.weights = vec![Weight {
            rule: rule(Field::Genre, Op::Is, text("jazz")),
            weight_x100: weight | 1,
        }];
        rules.exclude = vec![all(vec![rule(Field::Explicit, Op::Is, Value::Flag(true))])];
        world.rules.performance_complement = complement;
        world.blocks.insert(BLOCK, block(rules));
        let plans: Vec<HourPlan> = plan(&world, 5);
        // What the library fills in is bound by the complement and the dayparts, not by the block.
        let only_block = plans.iter().all(|plan| {
            !plan.notes.iter().any(|note| note.contains("filled from the library"))
        });
        if only_block {
            judge(&world, &plans);
        }
    }
}

#[test]
fn the_judge_sees_what_a_plan_does_not_admit() {
    let mut rules = BlockRules { loop_to_fill: true, ..free() };
    rules.separation.artist_sec = Some(3_000);
    let items: Vec<_> = (0..6).map(|n| (200, n % 2, 0, n, 0, 3)).collect();
    let mut world = random_world(&items);
    world.blocks.insert(BLOCK, block(rules));
    rules = world.blocks[&BLOCK].rules.clone();
    rules.separation.fields.push(FieldSeparation { field: Field::Language, sec: 0 });
    world.blocks.insert(BLOCK, block(rules));
    let mut plans = plan(&world, 2);
    judge(&world, &plans);
    plans[0].notes.clear();
    let blind = std::panic::catch_unwind(|| judge(&world, &plans));
    assert!(blind.is_err(), "two artists cannot keep 50 minutes");
}
