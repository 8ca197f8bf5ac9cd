//! Thirty days of the golden station, with the night the clocks change: a digest a day, which
//! never changes without a new version of the planner. Each version has a file of its own.
//!
//! A file is written once, by `GRIMNIR_WRITE_GOLDEN=1`, and never changed.

use super::checker::acquit;
use super::clocks::{claims, local};
use super::every_slot::every_slot;
use super::station::{FIRST_DAY, at, golden};
use super::world::World;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{UtcMicros, codec};
use grimnir_rules::planner::hours::{hours_between, zone};
use grimnir_rules::planner::v2::explain_hours;
use grimnir_rules::planner::{PLANNER_VERSION, plan_hours_by};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;

const DAYS: i64 = 30;

fn file(name: &str, version: u32) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/judge/golden");
    folder.join(format!("{name}.v{version}.txt"))
}

/// First instants of the hours from one day to another, by number.
fn hours(world: &World, from: i64, to: i64) -> Vec<UtcMicros> {
    let day = |n: i64| at(FIRST_DAY, 0).plus(n * 24 * 3_600_000_000);
    let all = hours_between(&zone(&world.time_zone), day(from), day(to));
    all.into_iter().map(|hour| hour.from).collect()
}

/// A line a day: its date and the digest of its plans. The release of the time-zone data is left
/// out: only what it says of these days counts, and that is in the plans.
fn digests(world: &World, plans: &[HourPlan]) -> String {
    let mut days: BTreeMap<String, (usize, Sha256)> = BTreeMap::new();
    for plan in plans {
        let day = days.entry(local(world, plan.hour).date().to_string()).or_default();
        let plan = HourPlan { tzdb: String::new(), ..plan.clone() };
        day.1.update(codec::encode(&plan).expect("encodes").bytes);
        day.0 += plan.lines.len();
    }
    let line = |(day, (lines, digest)): (String, (usize, Sha256))| {
        format!("{day} {lines} {}\n", hex::encode(digest.finalize()))
    };
    days.into_iter().map(line).collect()
}

#[test]
fn thirty_days_of_ten_clocks_are_what_they_were() {
    are_what_they_were(&golden(), "digests");
}

#[test]
fn thirty_days_of_every_kind_of_slot_are_what_they_were() {
    are_what_they_were(&every_slot(), "every_slot");
}

fn are_what_they_were(world: &World, name: &str) {
    assert_eq!((world.media.len(), world.clocks.len()), (5_000, 10));
    let hours = hours(world, 0, DAYS);
    assert_eq!(hours.len(), 30 * 24, "25 hours on one day, and the last ends at 23:00");
    let mut judged = 0;
    for version in 2..=PLANNER_VERSION {
        let plans = plan_hours_by(version, &world.inputs(), &BTreeMap::new(), &hours);
        let found = digests(world, &plans.expect("a version that is known"));
        let path = file(name, version);
        if !path.exists() && std::env::var_os("GRIMNIR_WRITE_GOLDEN").is_some() {
            std::fs::write(&path, &found).expect("writes");
        }
        let frozen = std::fs::read_to_string(&path).expect("a golden file of this version");
        for (was, is) in frozen.lines().zip(found.lines()) {
            assert_eq!(was, is, "a change of plans is a new version of the planner");
        }
        assert_eq!(frozen.lines().count(), found.lines().count());
        judged += found.lines().count();
    }
    assert!(judged >= DAYS as usize);
}

#[test]
fn the_golden_days_around_the_change_of_the_clocks_stand_before_the_judge() {
    stand_before_the_judge(&golden(), "the golden station");
}

#[test]
fn the_days_of_every_kind_of_slot_stand_before_the_judge() {
    stand_before_the_judge(&every_slot(), "the station of every slot");
}

fn stand_before_the_judge(world: &World, name: &str) {
    let hours = hours(world, 14, 17);
    let explained = explain_hours(&world.inputs(), &BTreeMap::new(), &hours.into_iter().collect());
    let claims = claims(&explained);
    let plans: Vec<HourPlan> = explained.into_iter().map(|hour| hour.plan).collect();
    acquit(world, &plans, &claims, name);
    let night: Vec<i8> = plans.iter().map(|plan| local(world, plan.hour).hour()).collect();
    let twice = night.windows(2).filter(|pair| *pair == [2, 2]).count();
    assert_eq!(twice, 1, "the hour from two to three comes twice");
    let lines: usize = plans.iter().map(|plan| plan.lines.len()).sum();
    assert!(lines > 72 * 10, "{lines} lines");
}
