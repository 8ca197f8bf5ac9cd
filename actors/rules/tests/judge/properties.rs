//! What holds of every plan, whatever the station.

use super::checker::acquit;
use super::worlds::random;

#[test]
fn every_plan_of_every_station_keeps_its_rules_or_says_what_it_relaxed() {
    for seed in 0..200 {
        let world = random(seed);
        let (plans, claims) = world.told(6);
        acquit(&world, &plans, &claims, &format!("station {seed}"));
    }
}

#[test]
fn histogram() {
    use std::collections::BTreeMap;
    let mut all: BTreeMap<String, (usize, Vec<String>)> = BTreeMap::new();
    let from: u64 = std::env::var("FROM").ok().and_then(|v| v.parse().ok()).unwrap_or(0);
    let to: u64 = std::env::var("TO").ok().and_then(|v| v.parse().ok()).unwrap_or(100);
    for seed in from..to {
        let world = random(seed);
        let (plans, claims) = world.told(6);
        for c in super::checker::complaints(&world, &plans, &claims) {
            let notes = &plans[c.hour].notes;
            let key = c.rule.split(" separation").next().unwrap().to_string();
            let e = all.entry(key).or_default();
            e.0 += 1;
            if e.1.len() < 3 {
                let slots = super::clocks::slots(&world, plans[c.hour].hour).iter().map(|s| format!("{}:{:?}:{:?}", s.offset_ms/1000, s.start, s.source)).collect::<Vec<_>>();
                e.1.push(format!("seed {seed} {c:?}\n   notes {notes:?}\n   slots {slots:?}"));
            }
        }
    }
    for (k, (n, ex)) in &all {
        println!("## {k}: {n}");
        for e in ex { println!("  - {e}"); }
    }
}

#[test]
fn dump() {
    let seed: u64 = std::env::var("FROM").unwrap().parse().unwrap();
    let hour: usize = std::env::var("HOUR").unwrap().parse().unwrap();
    let world = random(seed);
    let (plans, claims) = world.told(6);
    for h in hour.saturating_sub(1)..=hour { 
        println!("{:?}\n{:#?}", super::clocks::slots(&world, plans[h].hour), plans[h].notes);
        for l in &plans[h].lines { println!("{} {:?} {} {:?} {:?} {} {:?} {:?}", l.planned_at, l.title, l.cues.airtime()/48, l.kind, l.anchor, l.min_airtime, l.transition, claims.get(&l.id)); }
    }
    println!("{:#?}", world.blocks.values().map(|b| (&b.name, &b.rules.include, &b.rules.exclude)).collect::<Vec<_>>());
}
