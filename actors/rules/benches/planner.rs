//! 48 hours planned by ten clocks with full rules, from libraries of 1,000 to 100,000 items: read
//! anew, and kept from the plan before; one line picked again; 100 stations on two cores; memory.
//!
//! Prints `name value unit | reference name value | ratio`, and appends the same as JSON lines to
//! the file that `GRIMNIR_BENCH_OUT` names.
#![allow(clippy::disallowed_methods, reason = "a bench reads clocks, arguments and files")]

use grimnir_events::UtcMicros;
use grimnir_events::timeline::HourPlan;
use grimnir_rules::planner::v2::{Planner, lines};
use grimnir_rules::planner::{Prepared, plan_hours};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Instant;

#[path = "../../../tests/src/figure.rs"]
mod figure;
#[path = "support/station.rs"]
mod station;
use figure::{Figure, median};
use station::Station;

const HOUR_US: i64 = 3_600_000_000;
const HOURS: i64 = 48;
const ROUNDS: usize = 7;
const FIRST: UtcMicros = UtcMicros(497_000 * HOUR_US);
/// Stations, items of each, and cores that plan them.
const STATIONS: (u8, u32, usize) = (100, 2_000, 2);
/// In the child that measures memory.
const MEMORY: &str = "--memory";

fn main() {
    let asked = |word: &str| std::env::args().any(|argument| argument == word);
    if asked(MEMORY) {
        return memory();
    }
    // `cargo test --benches` runs this too: then it only has to start.
    if !asked("--bench") {
        return;
    }
    let small = measure(&Station::new(1, 1_000));
    report_all(1_000, &small, &small);
    for items in [10_000, 100_000] {
        report_all(items, &measure(&Station::new(1, items)), &small);
    }
    stations();
    let program = std::env::current_exe().expect("is known");
    let status = Command::new(program).arg(MEMORY).status().expect("runs");
    assert!(status.success(), "the child that measures memory: {status}");
}

/// What planning a library takes.
struct Times {
    /// 48 hours with the library read anew, in milliseconds.
    cold: f64,
    /// The same with the library kept.
    warm: f64,
    /// One pick once all sources are read, in microseconds.
    pick: f64,
    /// One line picked again in the middle of the 48 hours, the library kept, in milliseconds.
    line: f64,
    /// The library after one item changed, in milliseconds.
    change: f64,
}

fn hours() -> Vec<UtcMicros> {
    (0..HOURS).map(|n| FIRST.plus(n * HOUR_US)).collect()
}

fn measure(station: &Station) -> Times {
    let none = BTreeMap::new();
    let kept = Prepared::of(&station.inputs(None));
    let (cold, warm) = (station.inputs(None), station.inputs(Some(&kept)));
    let plans = plan_hours(&warm, &none, &hours());
    assert_eq!(plans, plan_hours(&cold, &none, &hours()), "the same plan");
    let known: BTreeMap<UtcMicros, HourPlan> =
        plans.into_iter().map(|plan| (plan.hour, plan)).collect();
    let some = station.library.media.keys().next().copied().expect("an item");
    let changed = BTreeSet::from([some]);
    let mut nth = 0;
    Times {
        cold: ms(|| plan_hours(&cold, &none, &hours()).len()),
        warm: ms(|| plan_hours(&warm, &none, &hours()).len()),
        pick: median((0..ROUNDS).map(|_| pick(station, &kept)).collect()),
        line: ms(|| {
            nth += 1;
            line(station, &kept, &known, nth)
        }),
        change: ms(|| kept.changed(&cold, &changed)),
    }
}

/// The middle of some rounds, after one that does not count.
fn ms<T>(mut work: impl FnMut() -> T) -> f64 {
    let once = |_| {
        let begun = Instant::now();
        let done = work();
        let took = begun.elapsed().as_secs_f64() * 1e3;
        drop(done);
        took
    };
    median((0..=ROUNDS).map(once).skip(1).collect())
}

/// Microseconds of a pick once library and rules are read.
fn pick(station: &Station, kept: &Prepared) -> f64 {
    let inputs = station.inputs(Some(kept));
    let mut planner = Planner::new(&inputs, &BTreeMap::new(), FIRST);
    let clocks: Vec<_> = station.clocks.values().collect();
    let mut hour = |n: i64| {
        planner.hour(FIRST.plus(n * HOUR_US), Some(clocks[n as usize % clocks.len()])).lines.len()
    };
    // The first ten hours read every source once.
    let _: usize = (0..10).map(&mut hour).sum();
    let begun = Instant::now();
    let lines: usize = (10..HOURS).map(&mut hour).sum();
    assert!(lines > 400, "{lines} lines");
    begun.elapsed().as_secs_f64() * 1e6 / lines as f64
}

/// Takes a line out of a planned hour and picks another for its place; what is planned before and
/// after counts.
fn line(station: &Station, kept: &Prepared, known: &BTreeMap<UtcMicros, HourPlan>, nth: usize) {
    let mut known = known.clone();
    let plan = known.values_mut().nth(20 + nth).expect("an hour");
    let gone = plan.lines.remove(plan.lines.len() / 2);
    let block = station.blocks.values().nth(nth % 10).expect("a block");
    let inputs = station.inputs(Some(kept));
    let found = lines(&inputs, &known, block, gone.planned_at, 4_000, 7);
    assert_eq!(found.len(), 1);
}

fn report_all(items: u32, found: &Times, small: &Times) {
    let beside = |name: &str, unit, value, reference| {
        Figure::beside(&format!("{name}_{items}"), value, unit, reference).report();
    };
    let aim = ("aim", if items > 10_000 { 300.0 } else { 100.0 });
    beside("planner_48h_cold", "ms", found.cold, aim);
    beside("planner_48h_kept", "ms", found.warm, aim);
    beside("planner_pick", "us", found.pick, ("at_1000_items", small.pick));
    beside("planner_one_line", "ms", found.line, ("aim", 20.0));
    beside("planner_library_change", "ms", found.change, ("48h_cold", found.cold));
}

/// 48 hours for each of many stations, the libraries read anew, on two cores.
fn stations() {
    let (count, items, cores) = STATIONS;
    let stations: Vec<Station> = (1..=count).map(|number| Station::new(number, items)).collect();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for share in stations.chunks(stations.len().div_ceil(cores)) {
            scope.spawn(move || {
                for station in share {
                    let plans = plan_hours(&station.inputs(None), &BTreeMap::new(), &hours());
                    assert_eq!(plans.len(), HOURS as usize);
                }
            });
        }
    });
    let took = begun.elapsed().as_secs_f64();
    let name = format!("planner_{count}_stations_of_{items}_items");
    Figure::beside(&name, took, "s", ("aim", 15.0)).report();
}

/// Megabytes that a library of 100,000 items takes, with what is kept to plan from it, and the most
/// that planning it takes on top.
fn memory() {
    let before = resident("VmRSS");
    let station = Station::new(1, 100_000);
    let library = resident("VmRSS") - before;
    let kept = Prepared::of(&station.inputs(None));
    let with_kept = resident("VmRSS") - before;
    let plans = plan_hours(&station.inputs(Some(&kept)), &BTreeMap::new(), &hours());
    assert_eq!(plans.len(), HOURS as usize);
    let most = resident("VmHWM") - before;
    for (name, value) in [
        ("planner_memory_library_100000", library),
        ("planner_memory_kept_100000", with_kept),
        ("planner_memory_planning_100000", most),
    ] {
        Figure::beside(name, value, "MB", ("aim", 200.0)).report();
    }
}

/// A line of this process's status, in megabytes.
fn resident(what: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("is there");
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("is there");
    let kib = line.trim_matches(|c: char| !c.is_ascii_digit());
    kib.parse::<f64>().expect("a number") / 1_024.0
}
