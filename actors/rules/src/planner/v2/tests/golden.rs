//! Plans that never change without a new version: a library of 5,000 items, ten clocks, three days.

use super::*;
use crate::planner::frozen_tests::digest;
use crate::planner::world::clock;

/// Ten clocks over five blocks, categories and playlists.
fn clocks() -> Vec<grimnir_events::timeline::FormatClock> {
    let of = |n: u8| SlotSource::SmartBlock { block_id: SmartBlockId([n; 16]) };
    let by = |mode| SlotSource::PlaylistBy { playlist_id: PlaylistId([3; 16]), mode };
    let modes = [PlaylistMode::Sequential, PlaylistMode::Shuffled, PlaylistMode::Rotation];
    (0..10_u8)
        .map(|n| {
            clock(vec![
                slot(0, SlotStart::Hard, of(1 + n % 5)),
                slot(900, SlotStart::Soft { grace_ms: 90_000 }, of(1 + (n + 2) % 5)),
                slot(1_800, SlotStart::Free, by(modes[n as usize % 3])),
                slot(2_400, SlotStart::Hard, crate::planner::world::category("gold")),
                slot(3_000, SlotStart::Free, of(1 + (n + 4) % 5)),
            ])
        })
        .collect()
}

fn blocks() -> BTreeMap<SmartBlockId, SmartBlock> {
    let genres = ["rock", "jazz", "pop", "folk", "rock"];
    let strategies = [
        Strategy::Over,
        Strategy::Closest,
        Strategy::Under,
        Strategy::ExactFit,
        Strategy::ExactFit,
    ];
    let make = |n: u8| {
        let at = n as usize - 1;
        let mut rules = BlockRules {
            include: vec![all(vec![rule(Field::Genre, Op::IsNot, text(genres[at]))])],
            exclude: vec![all(vec![rule(Field::Explicit, Op::Is, Value::Flag(true))])],
            weights: vec![Weight {
                rule: rule(Field::Mood, Op::Is, text("calm")),
                weight_x100: 40 * i32::from(n),
            }],
            quotas: vec![Quota {
                field: Field::Language,
                values: vec!["is".into()],
                min: Some(2),
                max: Some(9),
                window_sec: 3_600,
            }],
            ..BlockRules::default()
        };
        rules.separation.album_sec = Some(3_600);
        rules.duration.strategy = strategies[at];
        rules.duration.target_ms = (n == 4).then_some(840_000);
        rules.sequence.curve = vec![300, 500, 700];
        rules.sequence.weight_x100 = 100;
        SmartBlock { id: SmartBlockId([n; 16]), ..block(rules) }
    };
    (1..=5).map(make).map(|block| (block.id, block)).collect()
}

#[test]
fn three_days_of_ten_clocks_over_five_thousand_items_are_what_they_were() {
    let mut world = world(5_000);
    for (n, item) in (0_u32..).zip(world.media.values_mut()) {
        item.tags.artist = format!("Artist {}", n.wrapping_mul(2_654_435_761) % 900);
    }
    world.blocks = blocks();
    let list = (1..=200).map(|n| media(n * 7)).collect();
    world.playlists.insert(PlaylistId([3; 16]), ("List".into(), list));
    world.rules.performance_complement = true;
    let (clocks, known) = (clocks(), BTreeMap::new());
    let inputs = world.inputs();
    let mut planner = Planner::new(&inputs, &known, hour(0));
    let plans: Vec<HourPlan> =
        (0..72).map(|n| planner.hour(hour(n), clocks.get(n as usize % 10))).collect();
    assert!(plans.iter().all(|plan| plan.lines.len() >= 10));
    let found = plans.chunks(24).map(digest).collect::<Vec<_>>();
    assert_eq!(
        found,
        [
            "7195f1f015b7d51f86752fc20afc3022ad42a74e8897f0e775d9f58e6e0d4abf",
            "d3196e7255c8064ca6a3899e88d0995e8839fc9de672e7bf5fe82ffb4d0021f4",
            "7195544073f3f9fadc1756b7fc4f36938a119f82d8b839159b10ce4e2690d1a9",
        ]
    );
}
