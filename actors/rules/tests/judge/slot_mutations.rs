//! The judge judged by the newer kinds of slot and by shows: each is broken, and it must say so.

use super::checker::{acquit, complaints};
use super::every_slot::every_slot;
use super::station::{FIRST_DAY, at};
use super::world::*;
use grimnir_events::clock::{LegalIdRule, Stopset};
use grimnir_events::library::ItemKind;
use grimnir_events::timeline::{Anchor, HourPlan, Line, SlotSource};
use grimnir_events::{ClockId, UtcMicros};
use grimnir_rules::planner::v2::explain_hours;
use std::collections::BTreeMap;
use std::sync::OnceLock;

type Court = (World, Vec<HourPlan>, super::clocks::Claims);

/// The second golden station on a Sunday and Monday with shows, exceptions and recorded links.
fn court() -> &'static Court {
    static COURT: OnceLock<Court> = OnceLock::new();
    COURT.get_or_init(|| {
        let world = every_slot();
        let from = at(FIRST_DAY, 0).plus(15 * 24 * HOUR_US + 18 * HOUR_US);
        let hours = (0..30).map(|n| from.plus(n * HOUR_US)).collect();
        let explained = explain_hours(&world.inputs(), &BTreeMap::new(), &hours);
        let claims = super::clocks::claims(&explained);
        let plans: Vec<HourPlan> = explained.into_iter().map(|hour| hour.plan).collect();
        acquit(&world, &plans, &claims, "before it is broken");
        (world, plans, claims)
    })
}

/// Breaks a whole plan, and expects a complaint of this name.
fn broken(rule: &str, break_it: impl FnOnce(&mut World, &mut Vec<HourPlan>)) {
    let (mut world, mut plans, claims) = court().clone();
    break_it(&mut world, &mut plans);
    let found = complaints(&world, &plans, &claims);
    let rules: Vec<&String> = found.iter().map(|complaint| &complaint.rule).collect();
    assert!(rules.iter().any(|found| found.as_str() == rule), "no {rule} in {rules:?}");
}

/// Where the first such line stands, with another right behind it.
fn find(plans: &[HourPlan], is: impl Fn(&Line, Option<&Line>) -> bool) -> (usize, usize) {
    let mut all = plans.iter().enumerate().flat_map(|(hour, plan)| {
        plan.lines.iter().enumerate().map(move |(at, line)| (hour, at, line))
    });
    let next = |hour: usize, at: usize| plans[hour].lines.get(at + 1);
    let found = all.find(|(hour, at, line)| is(line, next(*hour, *at)));
    found.map(|(hour, at, _)| (hour, at)).expect("such a line")
}

fn put(world: &World, line: &mut Line, id: grimnir_events::MediaId) {
    let item = &world.media[&id];
    (line.media_id, line.play_hash) = (id, item.play_hash);
    (line.title, line.artist) = (item.tags.title.clone(), item.tags.artist.clone());
    line.kind = item.kind;
}

fn two_spots(plans: &[HourPlan]) -> (usize, usize) {
    let spot = |line: &Line| line.kind == ItemKind::Spot;
    find(plans, |line, next| spot(line) && next.is_some_and(spot))
}

/// Changes the breaks of all clocks.
fn breaks(world: &mut World, change: impl Fn(&mut Stopset)) {
    for slot in world.clocks.values_mut().flat_map(|clock| &mut clock.slots) {
        if let SlotSource::Stopset { stopset } = &mut slot.source {
            change(stopset);
        }
    }
    world.clock = world.clocks.get(&ClockId([1; 16])).cloned();
}

#[test]
fn breaks_that_are_none() {
    broken("competitors", |world, plans| {
        let (hour, at) = two_spots(plans);
        let [one, other] = [0, 1].map(|n| plans[hour].lines[at + n].media_id);
        let product = world.details[&one].custom.clone();
        world.details.get_mut(&other).expect("is there").custom = product;
    });
    broken("competitors", |world, _| {
        let all = world.details.values_mut().flat_map(|details| &mut details.custom);
        all.for_each(|field| field.value = "One".into());
    });
    broken("break", |world, plans| {
        let (hour, at) = two_spots(plans);
        let id = plans[hour].lines[at].media_id;
        put(world, &mut plans[hour].lines[at + 1], id);
    });
    broken("break", |world, _| {
        breaks(world, |stopset| stopset.length_ms = 20_000);
    });
    broken("break", |world, _| breaks(world, |stopset| stopset.max_items = Some(1)));
    broken("break", |world, _| breaks(world, |stopset| stopset.length_ms = 900_000));
    broken("break", |_, plans| {
        let (hour, at) = two_spots(plans);
        plans[hour].lines.remove(at);
    });
    broken("criteria", |world, plans| {
        let (hour, at) = two_spots(plans);
        let id = plans[hour].lines[at].media_id;
        world.media.get_mut(&id).expect("is there").category = "gone".into();
        world.media.get_mut(&id).expect("is there").kind = ItemKind::Feature;
    });
}

#[test]
fn a_break_that_says_it_is_short_and_need_not_be() {
    broken("break", |world, plans| {
        let (hour, at) = two_spots(plans);
        let line = plans[hour].lines.remove(at + 1);
        let short = line.cues.airtime() / 48;
        for slot in 0..8 {
            let length = 90_000;
            plans[hour].notes.push(format!(
                "slot {slot}: warning: the break is {short} ms short of its {length} ms (1 items)"
            ));
        }
        breaks(world, |stopset| stopset.tolerance_ms = 0);
    });
}

#[test]
fn imaging_links_and_shares_that_are_not_as_the_clock_says() {
    let imaging = |line: &Line| line.kind == ItemKind::Imaging;
    broken("imaging", |world, plans| {
        // The one that came in this place before has rested least of them.
        let claims = &court().2;
        let swept = |line: &Line| claims.get(&line.id).is_some_and(|by| by.contains(": sweeper"));
        let (hour, at) = find(plans, |line, _| swept(line));
        let (id, first) = (plans[hour].lines[at].media_id, plans[hour].lines[at].planned_at);
        let (hour, at) = find(plans, |line, _| swept(line) && line.planned_at > first);
        put(world, &mut plans[hour].lines[at], id);
    });
    broken("imaging", |_, plans| {
        plans.iter_mut().for_each(|plan| plan.lines.retain(|line| !imaging(line)));
    });
    broken("criteria", |world, plans| {
        let (hour, at) = find(plans, |line, _| imaging(line));
        let id = plans[hour].lines[at].media_id;
        world.media.get_mut(&id).expect("is there").category = "other".into();
    });
    // Then nothing is recorded, and nothing says so.
    broken("voice track", |world, _| world.orders.voice.clear());
    broken("voice track", |world, plans| {
        let (own, hours) = (world.orders.voice.clone(), plans.len());
        assert!(own.range(plans[0].hour..).count() > 0 && hours > 0);
        for tracks in world.orders.voice.values_mut() {
            tracks.values_mut().for_each(|id| *id = media_id(0));
        }
    });
    broken("share", |world, _| {
        for slot in world.clocks.values_mut().flat_map(|clock| &mut clock.slots) {
            slot.items = slot.items.map(|_| 1);
        }
    });
    broken("useful airtime", |world, _| {
        let slots = world.clocks.values_mut().flat_map(|clock| &mut clock.slots);
        slots.for_each(|slot| slot.min_airtime_ms = None);
        world.clocks.values_mut().for_each(|clock| clock.min_airtime_ms = None);
    });
    broken("claim", |world, _| {
        for slot in world.clocks.values_mut().flat_map(|clock| &mut clock.slots) {
            if let SlotSource::LiveWindow { category, .. }
            | SlotSource::Webstream { category, .. } = &mut slot.source
            {
                *category = "current".into();
            }
        }
    });
}

#[test]
fn legal_ids_that_are_not_where_the_rule_has_them() {
    let rule = |world: &mut World, before_ms, after_ms| {
        let category = "ids".into();
        world.orders.legal_id = Some(LegalIdRule { before_ms, after_ms, category });
    };
    broken("legal id", |world, _| rule(world, 1_000, 1_000));
    broken("legal id", |_, plans| {
        let ids = |line: &Line| line.kind == ItemKind::LegalId;
        plans.iter_mut().for_each(|plan| plan.lines.retain(|line| !ids(line)));
    });
    let (_, whole, _) = court();
    let ruled = |line: &Line| line.kind == ItemKind::LegalId && line.must_air;
    // The hour before the first is not judged, nor is what comes before its line.
    let judged = |line: &Line| {
        let late = line.planned_at > whole[1].hour.plus(-180 * SEC_US);
        late && ruled(line) && line.anchor == Anchor::AfterPrevious
    };
    broken("legal id", |_, plans| {
        let (hour, at) = find(plans, |line, _| judged(line));
        let at = plans[hour].lines[at].planned_at;
        let near = |plan: &&mut HourPlan| plan.hour.since(at).abs() < 600 * SEC_US;
        let plan = plans.iter_mut().find(near).expect("its hour");
        plan.notes.push("warning: no legal ID: no natural break from a to b".into());
    });
    broken("legal id", |_, plans| {
        let (hour, at) = find(plans, |line, _| judged(line));
        plans[hour].lines[at].anchor = Anchor::Hard { at: plans[hour].lines[at].planned_at };
    });
    broken("legal id", |_, plans| {
        let (hour, at) = find(plans, |_, next| next.is_some_and(judged));
        let line = &mut plans[hour].lines[at];
        line.cues.cue_out += 4 * S;
        line.cues.segue = line.cues.cue_out;
    });
}

#[test]
fn shows_that_are_not_as_they_are_asked_for() {
    let of_list = |world: &World, plans: &[HourPlan], n: u8| -> (usize, usize) {
        let (_, items) = &world.playlists[&grimnir_events::PlaylistId([n; 16])];
        // From eight on, a day after the clocks changed.
        let from = UtcMicros(at(FIRST_DAY, 0).0 + (15 * 24 + 21) * HOUR_US);
        let listed =
            |line: &Line| items.contains(&line.media_id) && !court().2.contains_key(&line.id);
        find(plans, |line, next| {
            listed(line) && next.is_some_and(listed) && line.planned_at >= from
        })
    };
    broken("show list", |world, plans| {
        let (hour, at) = of_list(world, plans, 1);
        let [one, other] = [0, 1].map(|n| plans[hour].lines[at + n].media_id);
        put(world, &mut plans[hour].lines[at], other);
        put(world, &mut plans[hour].lines[at + 1], one);
    });
    let kept = |world: &mut World, n: u8| {
        world.shows.get_mut(&grimnir_events::ShowId([n; 16])).expect("a show").clone()
    };
    let changed = |rule: &str, n: u8, change: fn(&mut grimnir_events::show::KeptShow)| {
        broken(rule, |world, _| {
            let mut show = kept(world, n);
            change(&mut show);
            world.shows.insert(show.show.id, show);
        });
    };
    // It airs the category that would air without it, and for longer at least.
    changed("useful airtime", 1, |kept| kept.exceptions.clear());
    changed("claim", 2, |kept| kept.exceptions.clear());
    changed("claim", 2, |kept| kept.show.rrule = "FREQ=WEEKLY;BYDAY=TU".into());
    changed("claim", 6, |kept| kept.show.priority = 0);
    changed("hard start", 6, |kept| kept.show.start.second += 60);
    changed("claim", 3, |kept| kept.show.duration_s = 600);
}
