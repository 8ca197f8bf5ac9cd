//! What holds of every plan, whatever the station.

use super::checker::acquit;
use super::dice::Dice;
use super::world::{World, hour};
use super::worlds::random;
use grimnir_events::codec;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{StationId, UtcMicros};
use grimnir_rules::planner::{plan_hour, plan_hours};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Set for the process whose only task is to print its digest.
const CHILD: &str = "GRIMNIR_JUDGE_CHILD";
/// Seeds of the plans that are compared.
const SEEDS: u64 = 1_000;

fn bytes(plans: &[HourPlan]) -> Vec<u8> {
    plans.iter().flat_map(|plan| codec::encode(plan).expect("encodes").bytes).collect()
}

#[test]
fn every_plan_of_every_station_keeps_its_rules_or_says_what_it_relaxed() {
    let mut lines = 0;
    for seed in 0..60 {
        let world = random(seed);
        let (plans, claims) = world.told(6);
        acquit(&world, &plans, &claims, &format!("station {seed}"));
        lines += plans.iter().map(|plan| plan.lines.len()).sum::<usize>();
    }
    assert!(lines > 4_000, "{lines} lines were judged");
}

#[test]
fn explained_plans_are_the_plans() {
    for seed in 0..20 {
        let world = random(seed);
        assert_eq!(world.told(3).0, world.plan(3), "station {seed}");
    }
}

/// One small station, and as many stations as there are seeds.
fn small() -> World {
    let seed = (0..).find(|seed| random(*seed).media.len() < 60).expect("one");
    random(seed)
}

fn of_seed(world: &mut World, seed: u64) -> Vec<u8> {
    world.station = StationId(grimnir_events::derive_id("seed", &[&seed.to_be_bytes()]));
    bytes(&world.plan(1))
}

/// Digest of one hour by each seed.
fn digest() -> String {
    let mut world = small();
    let mut hasher = Sha256::new();
    (0..SEEDS).for_each(|seed| hasher.update(of_seed(&mut world, seed)));
    hex::encode(hasher.finalize())
}

#[test]
fn equal_inputs_give_equal_bytes_by_a_thousand_seeds() {
    let mut world = small();
    let mut seen = BTreeSet::new();
    for seed in 0..SEEDS {
        let first = of_seed(&mut world, seed);
        assert_eq!(first, of_seed(&mut world, seed), "seed {seed}");
        seen.insert(first);
    }
    assert_eq!(seen.len() as u64, SEEDS, "every seed has a plan of its own");
}

#[test]
fn equal_inputs_give_equal_bytes_in_two_processes() {
    if std::env::var_os(CHILD).is_some() {
        println!("digest {}", digest());
        return;
    }
    let child = |zone: &str, extra: &str| {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        let name = "properties::equal_inputs_give_equal_bytes_in_two_processes";
        command.args(["--exact", name, "--nocapture"]).env(CHILD, "1").env("TZ", zone);
        command.env("LANG", extra).env("RUST_TEST_THREADS", "1");
        let out = command.output().expect("runs");
        let text = String::from_utf8(out.stdout).expect("text");
        let line = text.lines().find_map(|line| line.split_once("digest ").map(|(_, d)| d));
        line.unwrap_or_else(|| panic!("no digest in {text}")).to_owned()
    };
    let first = child("Asia/Tokyo", "C");
    assert_eq!(first.len(), 64);
    assert_eq!(first, child("America/New_York", "tr_TR.UTF-8"));
    assert_eq!(first, digest());
}

#[test]
fn an_unrelated_station_changes_nothing() {
    for seed in 0..20 {
        let (one, other) = (random(seed), random(seed + 500));
        let alone = bytes(&one.plan(3));
        // All that another station has stands beside: only what names it may look at it.
        let mut beside = one.clone();
        for (id, clock) in &other.clocks {
            let id = grimnir_events::ClockId(id.0.map(|byte| byte ^ 0x55));
            beside.clocks.insert(id, clock.clone());
        }
        for (id, block) in &other.blocks {
            let id = grimnir_events::SmartBlockId(id.0.map(|byte| byte ^ 0x55));
            beside
                .blocks
                .insert(id, grimnir_events::smart_block::SmartBlock { id, ..block.clone() });
        }
        for (id, list) in &other.playlists {
            let id = grimnir_events::PlaylistId(id.0.map(|byte| byte ^ 0x55));
            beside.playlists.insert(id, list.clone());
        }
        let between = bytes(&other.plan(3));
        assert_eq!(bytes(&beside.plan(3)), alone, "station {seed}");
        assert_eq!(bytes(&other.plan(3)), between);
    }
}

#[test]
fn a_plan_extended_hour_by_hour_is_the_plan_made_at_once() {
    for seed in 0..40 {
        let world = random(seed);
        let at_once = world.plan(8);
        let mut known = BTreeMap::new();
        for n in 0..8 {
            let plan = plan_hour(&world.inputs(), &known, hour(n));
            known.insert(plan.hour, plan);
        }
        same(&at_once, &known, seed);
        // And by steps of any length.
        let (mut dice, mut known, mut at) = (Dice::new(seed), BTreeMap::new(), 0);
        while at < 8 {
            let to = (at + dice.range(1, 4)).min(8);
            let hours: Vec<_> = (at..to).map(hour).collect();
            for plan in plan_hours(&world.inputs(), &known, &hours) {
                known.insert(plan.hour, plan);
            }
            at = to;
        }
        same(&at_once, &known, seed);
    }
}

/// Fails with the first line that differs.
fn same(at_once: &[HourPlan], known: &BTreeMap<UtcMicros, HourPlan>, seed: u64) {
    assert_eq!(at_once.len(), known.len(), "station {seed}");
    for (one, other) in at_once.iter().zip(known.values()) {
        for (at, (line, twin)) in one.lines.iter().zip(&other.lines).enumerate() {
            assert_eq!(line, twin, "station {seed}, hour {}, line {at}", one.hour);
        }
        assert_eq!(one, other, "station {seed}, hour {}", one.hour);
    }
}
