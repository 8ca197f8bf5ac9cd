//! Stations thrown by dice whose clocks hold every kind of slot, and whose shows rule hours: on
//! the library of [`random`].

use super::checker::acquit;
use super::dice::Dice;
use super::world::*;
use super::worlds::random;
use grimnir_events::clock::{ImagingRole, LegalIdRule, Stopset, StopsetSource};
use grimnir_events::details::CustomField;
use grimnir_events::grid::LocalDate;
use grimnir_events::show::{
    Exception, KeptShow, LiveAccess, LocalTime, Moved, Show, ShowContent, Substitute,
};
use grimnir_events::smart_block::{BlockSeparation, Field, FieldSeparation};
use grimnir_events::timeline::{ClockSlot, SlotSource, SlotStart};
use grimnir_events::{ClockId, PlaylistId, ShowId, SmartBlockId};
use std::collections::BTreeMap;

const HOURS: i64 = 6;

/// A station of this seed.
pub fn mixed(seed: u64) -> World {
    let mut world = random(seed);
    let mut dice = Dice::new(seed ^ 0x00C1_0C45);
    for n in 1_000..1_024 {
        let id = media_id(n);
        let details = world.details.get_mut(&id).expect("is there");
        let value = format!("P{}", n % 5);
        details.custom = vec![CustomField { name: "product".into(), value }];
        let role = ["sweeper", "bumper"][n as usize % 2];
        details.tags = vec![role.into()];
    }
    for n in 1..=3_u8 {
        let slots = slots(&mut dice);
        let mut clock = clock(n, &format!("Clock {n}"), slots);
        clock.min_airtime_ms = dice.of(&[None, None, Some(20_000)]);
        world.clocks.insert(clock.id, clock);
    }
    world.clock = world.clocks.get(&ClockId([1; 16])).cloned();
    if dice.one_in(2) {
        let [before_ms, after_ms] = [dice.of(&[60_000, 240_000]), dice.of(&[60_000, 300_000])];
        world.orders.legal_id = Some(LegalIdRule { before_ms, after_ms, category: String::new() });
    }
    for n in 0..HOURS {
        if dice.one_in(2) {
            let item = media_id(dice.below(12));
            world.orders.voice.insert(hour(n), BTreeMap::from([("link".into(), item)]));
        }
    }
    for n in 0..dice.below(4) {
        let kept = show(&mut dice, n as u8 + 1);
        world.shows.insert(kept.show.id, kept);
    }
    world
}

pub fn at(day: u8, second: u32) -> LocalTime {
    LocalTime { date: LocalDate { year: 2026, month: 11, day }, second }
}

fn show(dice: &mut Dice, n: u8) -> KeptShow {
    let content = match dice.below(5) {
        0 => ShowContent::Automation,
        1 => ShowContent::Clock { clock_id: ClockId([1 + n % 3; 16]) },
        2 if n > 1 => ShowContent::Rebroadcast { show_id: ShowId([1; 16]) },
        _ => ShowContent::Playlist { playlist_id: PlaylistId([1 + n % 2; 16]) },
    };
    let second = dice.below(5) * 3_600 + dice.of(&[0, 0, 900, 1_800]);
    let start = at(14 + dice.below(3) as u8, second);
    let show = Show {
        id: ShowId([n; 16]),
        name: format!("Show {n}"),
        description: String::new(),
        host: String::new(),
        colour: "#20c0a8".into(),
        start,
        duration_s: dice.of(&[900, 1_800, 3_600, 5_400]),
        rrule: dice.of(&["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE", "FREQ=DAILY"]).into(),
        begins: dice.of(&[SlotStart::Free, soft(60), SlotStart::Hard]),
        content,
        live: None,
        linked: false,
        priority: dice.below(3) as u8,
    };
    let monday = LocalTime { second, ..at(16, 0) };
    let different = match dice.below(6) {
        0 => Some(Exception { cancelled: true, ..Exception::default() }),
        1 => {
            let to = at(16, second + 1_800);
            Some(Exception { moved: Some(Moved { to, duration_s: 2_700 }), ..Exception::default() })
        }
        2 => {
            let content = Some(ShowContent::Playlist { playlist_id: PlaylistId([2; 16]) });
            let with =
                Substitute { name: Some("Another".into()), content, ..Substitute::default() };
            Some(Exception { with: Some(with), ..Exception::default() })
        }
        _ => None,
    };
    KeptShow { show, exceptions: different.map(|is| (monday, is)).into_iter().collect() }
}

fn slots(dice: &mut Dice) -> Vec<ClockSlot> {
    let mut offset = 0;
    let mut slots = Vec::new();
    while offset < 3_500 {
        let start = match dice.below(4) {
            0 | 1 => SlotStart::Free,
            2 => soft(dice.below(180)),
            _ => SlotStart::Hard,
        };
        slots.push(slot(offset, start, source(dice)));
        for _ in 0..dice.below(4) {
            let mut next = ClockSlot::next(source(dice));
            next.items = dice.of(&[None, None, Some(2), Some(3)]);
            next.min_airtime_ms = dice.of(&[None, None, Some(15_000)]);
            slots.push(next);
        }
        offset += 500 + dice.below(1_800);
    }
    slots
}

fn source(dice: &mut Dice) -> SlotSource {
    let imaging = |role, category: &str| SlotSource::Imaging { role, category: category.into() };
    let category = dice.of(&["", "gold", "New"]).to_owned();
    match dice.below(12) {
        0 => imaging(ImagingRole::Sweeper, ""),
        1 => imaging(ImagingRole::Bumper, "Imaging"),
        2 => imaging(ImagingRole::LegalId, ""),
        3 | 4 => SlotSource::Stopset { stopset: Box::new(stopset(dice)) },
        5 => SlotSource::VoiceTrack { track: "link".into() },
        6 => SlotSource::LiveWindow { live: LiveAccess::default(), category },
        7 => SlotSource::Webstream { urls: vec!["http://a.example/".into()], category },
        8 => of_category(&category),
        n => of_block(n as u8 % 4 + 1),
    }
}

fn stopset(dice: &mut Dice) -> Stopset {
    let fields = match dice.below(3) {
        0 => vec![],
        _ => {
            let field = Field::Custom("product".into());
            vec![FieldSeparation { field, sec: dice.of(&[60, 900, 3_000]) }]
        }
    };
    Stopset {
        from: match dice.below(4) {
            0 => StopsetSource::SmartBlock(SmartBlockId([1 + dice.below(4) as u8; 16])),
            _ => StopsetSource::Category("spots".into()),
        },
        length_ms: dice.of(&[30_000, 60_000, 120_000]),
        tolerance_ms: dice.of(&[500, 2_000]),
        max_items: dice.of(&[None, None, Some(3)]),
        separation: BlockSeparation { fields, ..BlockSeparation::default() },
    }
}

#[test]
fn every_plan_of_clocks_with_every_kind_of_slot_keeps_its_rules_or_says_why() {
    let mut lines = 0;
    for seed in 0..60 {
        let world = mixed(seed);
        let (plans, claims) = world.told(HOURS);
        acquit(&world, &plans, &claims, &format!("mixed station {seed}"));
        lines += plans.iter().map(|plan| plan.lines.len()).sum::<usize>();
    }
    assert!(lines > 4_000, "{lines} lines were judged");
}

#[test]
fn plans_of_every_kind_of_slot_are_the_same_however_they_are_made() {
    for seed in 0..20 {
        let world = mixed(seed);
        let at_once = world.plan(HOURS);
        assert_eq!(world.told(HOURS).0, at_once, "explained, station {seed}");
        let mut known = BTreeMap::new();
        for n in 0..HOURS {
            let plan = grimnir_rules::planner::plan_hour(&world.inputs(), &known, hour(n));
            known.insert(plan.hour, plan);
        }
        assert!(at_once.iter().eq(known.values()), "hour by hour, station {seed}");
    }
}
