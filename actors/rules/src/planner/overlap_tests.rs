//! Shows that are on at once are found in a plan, whoever rules.

use super::hours;
use super::invalid::Standing;
use super::problems::{Look, Problem, ProblemKind, Severity, problems};
use super::world::{HOUR, World, hour};
use crate::show::{Instance, Programme};
use grimnir_events::ShowId;
use grimnir_events::show::{Exception, KeptShow, LocalTime, Show, ShowContent};
use grimnir_events::timeline::SlotStart;
use std::collections::BTreeMap;

/// A show of `minutes` in the second hour, so many minutes after it begins.
fn show(n: u8, after: i64, minutes: u32, priority: u8) -> KeptShow {
    let zone = hours::zone("Europe/Berlin");
    let at = jiff::Timestamp::from_microsecond(hour(1).0 + after * 60_000_000).expect("a time");
    let at = at.to_zoned(zone).datetime();
    let show = Show {
        id: ShowId([n; 16]),
        name: format!("Show {n}"),
        description: String::new(),
        host: String::new(),
        colour: "#20c0a8".into(),
        start: LocalTime::from(at),
        duration_s: minutes * 60,
        rrule: String::new(),
        begins: SlotStart::Free,
        content: ShowContent::Automation,
        live: None,
        linked: false,
        priority,
    };
    KeptShow { show, exceptions: BTreeMap::new() }
}

fn overlaps(shows: &[KeptShow]) -> Vec<Problem> {
    let shows = shows.iter().map(|kept| (kept.show.id, kept.clone())).collect();
    let world = World { shows, ..World::default() };
    let zone = hours::zone("Europe/Berlin");
    let inputs = world.inputs();
    let programme = Programme::new(zone, inputs.shows, inputs.grid, inputs.clock, inputs.clocks);
    let (from, until) = (HOUR, hour(3));
    let instances: Vec<Instance> = programme.instances(from, until);
    let kept = BTreeMap::new();
    super::roll_tests::standing(&world, &kept, |standing: &Standing<'_>| {
        let look = Look {
            settings: &world.settings,
            hours: &BTreeMap::new(),
            standing,
            from,
            until,
            legal_ids: false,
            instances: &instances,
        };
        let found = problems(&look).into_iter();
        found.filter(|problem| problem.kind == ProblemKind::ShowOverlap).collect()
    })
}

#[test]
fn shows_that_are_on_at_once_are_told_with_the_one_that_gives_way() {
    assert_eq!(overlaps(&[show(1, 0, 30, 0), show(2, 30, 30, 0)]), [], "one after the other");
    let equal = overlaps(&[show(1, 0, 30, 0), show(2, 20, 30, 0)]);
    let [Problem { severity: Severity::Warning, at, hour: of, detail, line_id: None, .. }] =
        &equal[..]
    else {
        panic!("{equal:?}");
    };
    assert_eq!((*at, *of), (hour(1).plus(1_200_000_000), hour(1)));
    assert!(detail.starts_with("\"Show 2\" gives way to \"Show 1\" until "), "{detail}");
    let meant = overlaps(&[show(1, 0, 30, 0), show(2, 20, 30, 1)]);
    let [Problem { severity: Severity::Info, detail, .. }] = &meant[..] else {
        panic!("{meant:?}");
    };
    assert!(detail.starts_with("\"Show 1\" gives way to \"Show 2\""), "{detail}");
    let mut off = show(2, 20, 30, 0);
    let cancelled = Exception { cancelled: true, ..Exception::default() };
    off.exceptions.insert(off.show.start, cancelled);
    assert_eq!(overlaps(&[show(1, 0, 30, 0), off]), [], "a cancelled one is not on");
}
