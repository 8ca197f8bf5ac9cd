//! The judge judged: plans are broken in every way, and each time it must say so.

use super::checker::{acquit, complaints};
use super::clocks::Claims;
use super::world::*;
use grimnir_events::SmartBlockId;
use grimnir_events::details::{Daypart, MediaDetails};
use grimnir_events::library::ItemKind;
use grimnir_events::smart_block::*;
use grimnir_events::timeline::{Anchor, HourPlan, PlaylistMode, SlotStart};

/// A station with songs enough that nothing is relaxed, and a bit of everything.
fn whole() -> World {
    let mut world = World::default();
    for n in 0..240 {
        let mut item = song(n, 150 + i64::from(n * 37 % 120));
        item.tags.artist = format!("Artist {}", n % 80);
        item.tags.album = format!("Album {}", n % 90);
        item.tags.genre = ["Rock", "Jazz"][n as usize % 2].into();
        let details = MediaDetails {
            label: format!("Label {}", n % 60),
            composer: format!("Composer {}", n % 70),
            compilation: format!("Set {}", n % 100),
            energy: Some((n % 11 * 100) as u16),
            ..MediaDetails::default()
        };
        world.add(item, details);
    }
    for n in 1_000..1_010 {
        let mut item = song(n, 4 + i64::from(n) % 10);
        (item.kind, item.category) = (ItemKind::Imaging, "imaging".into());
        world.add(item, MediaDetails::default());
    }
    let mut rules = BlockRules { separation: apart(1_200), ..BlockRules::default() };
    rules.separation.fields = vec![FieldSeparation { field: Field::Composer, sec: 1_200 }];
    let imaging = || ItemSource::Match(rule(Field::Kind, Op::Is, text("imaging")));
    rules.interstitials = Interstitials {
        enabled: true,
        every: 3,
        per_break: 1,
        logic: Logic::Any,
        max_duration_sec: 20,
        sources: vec![imaging()],
    };
    rules.bumpers =
        Bumpers { enabled: true, source: Some(imaging()), max_per_gap: 6, max_duration_sec: 20 };
    rules.rest.share_percent = 100;
    world.add_block(1, rules);
    world.add_list(1, (10..40).map(media_id).collect());
    let slots = vec![
        slot(0, SlotStart::Hard, of_block(1)),
        slot(1_800, soft(60), of_list(1, PlaylistMode::Sequential)),
        slot(2_700, SlotStart::Free, of_category("gold")),
    ];
    world.clock = Some(clock(1, "Clock", slots));
    world
}

type Court = (World, Vec<HourPlan>, Claims);

/// What is wrong, by rule, once something is broken that was whole.
fn rules_of((world, plans, claims): &Court) -> Vec<String> {
    complaints(world, plans, claims).into_iter().map(|complaint| complaint.rule).collect()
}

fn court(world: World) -> Court {
    let (plans, claims) = world.told(3);
    acquit(&world, &plans, &claims, "before it is broken");
    (world, plans, claims)
}

/// Breaks a whole plan, and expects a complaint of this name.
fn broken(rule: &str, break_it: impl FnOnce(&mut World, &mut Vec<HourPlan>)) {
    broken_of(whole(), rule, break_it);
}

fn broken_of(world: World, rule: &str, break_it: impl FnOnce(&mut World, &mut Vec<HourPlan>)) {
    let mut court = court(world);
    break_it(&mut court.0, &mut court.1);
    let found = rules_of(&court);
    assert!(found.iter().any(|found| found.starts_with(rule)), "no {rule} in {found:?}");
}

/// Puts another item in a line's place, without a word.
fn swap(world: &World, plans: &mut [HourPlan], hour: usize, line: usize, n: u32) {
    let item = &world.media[&media_id(n)];
    let line = &mut plans[hour].lines[line];
    (line.media_id, line.play_hash) = (item.id, item.play_hash);
    (line.title, line.artist) = (item.tags.title.clone(), item.tags.artist.clone());
}

#[test]
fn times_that_cannot_be() {
    let later = |us: i64| {
        move |_: &mut World, plans: &mut Vec<HourPlan>| {
            let line = &mut plans[1].lines[2];
            line.planned_at = line.planned_at.plus(us);
        }
    };
    broken("overlap", later(-30 * SEC_US));
    broken("overlap", later(-21));
    broken("gap", later(30 * SEC_US));
    broken("gap", |_, plans| {
        plans[1].lines.remove(2);
    });
    broken("gap", |_, plans| plans[2].lines.clear());
    broken("gap", |_, plans| drop(plans[2].lines.pop()));
    broken("hard start", |_, plans| {
        let line = &mut plans[1].lines[0];
        line.planned_at = line.planned_at.plus(21);
    });
    broken("hard start", |_, plans| plans[1].lines[0].anchor = Anchor::AfterPrevious);
    broken("soft start", |_, plans| {
        let is_soft = |anchor| matches!(anchor, Anchor::Soft { .. });
        let line = plans[1].lines.iter_mut().find(|line| is_soft(line.anchor)).expect("one");
        line.anchor =
            Anchor::Soft { at: line.planned_at.plus(100 * SEC_US), grace_us: 60 * SEC_US };
    });
    broken("useful airtime", |_, plans| plans[0].lines[0].min_airtime = 1);
    broken("useful airtime", |world, plans| {
        world.settings.min_airtime_ms = 200_000;
        plans[0].lines.iter_mut().for_each(|line| line.min_airtime = line.cues.airtime() + 1);
    });
}

#[test]
fn records_and_lines_that_say_something_else() {
    broken("record", |_, plans| plans[1].seed = plans[0].seed);
    broken("record", |_, plans| plans[1].input_seq += 1);
    broken("record", |_, plans| plans[1].planner_version += 1);
    broken("record", |_, plans| plans[1].tzdb = "1970a".into());
    broken("record", |_, plans| plans[1].lines[1].id = plans[0].lines[0].id);
    broken("line", |_, plans| plans[1].lines[1].play_hash.0[0] ^= 1);
    broken("line", |_, plans| plans[1].lines[1].title = "Another".into());
    broken("line", |_, plans| plans[1].lines[1].cues.cue_in = 5);
    broken("line", |_, plans| plans[1].lines[1].must_air = true);
    broken("unknown item", |world, plans| {
        world.media.remove(&plans[1].lines[1].media_id);
    });
    let (world, plans, _) = court(whole());
    assert!(rules_of(&(world, plans, Claims::new())).contains(&"claim".into()));
}

#[test]
fn every_separation_that_is_not_kept() {
    // Line 4 of the second hour takes something of line 2: one field at a time.
    let same = |rule: &str, f: fn(&mut World, &grimnir_events::timeline::Line)| {
        broken(rule, |world, plans| {
            let of = plans[1].lines[2].clone();
            let mut own = world.media[&of.media_id].clone();
            let mut said = world.details[&of.media_id].clone();
            (own.id, own.tags.title) = (media_id(7_777), "Other".into());
            (own.tags.artist, own.tags.album) = ("Other".into(), "Other".into());
            (said.label, said.composer) = ("Other".into(), "Other".into());
            world.add(own, said);
            f(world, &of);
            swap(world, plans, 1, 4, 7_777);
        });
    };
    fn other(world: &mut World) -> &mut grimnir_events::library::MediaItem {
        world.media.get_mut(&media_id(7_777)).expect("added")
    }
    same("artist separation of 1200 s", |world, of| {
        other(world).tags.artist = format!("Other feat. {} & More", of.artist.to_uppercase());
    });
    same("title separation of 1200 s", |world, of| {
        other(world).tags.title = of.title.clone();
    });
    same("album separation of 1200 s", |world, of| {
        other(world).tags.album = world.media[&of.media_id].tags.album.clone();
    });
    same("label separation of 1200 s", |world, of| {
        let label = world.details[&of.media_id].label.clone();
        world.details.get_mut(&media_id(7_777)).expect("added").label = label;
    });
    same("composer separation of 1200 s", |world, of| {
        let composer = world.details[&of.media_id].composer.clone();
        world.details.get_mut(&media_id(7_777)).expect("added").composer = composer;
    });
}

#[test]
fn what_was_relaxed_must_be_told() {
    let mut world = whole();
    let few: Vec<_> = (8..240).map(media_id).collect();
    few.iter().for_each(|id| drop(world.media.remove(id)));
    let (world, mut plans, claims) = court(world);
    let told = plans.iter().flat_map(|plan| &plan.notes);
    assert!(told.filter(|note| note.contains("artist separation")).count() > 0);
    for plan in &mut plans {
        plan.notes.retain(|note| !note.contains("artist separation"));
    }
    let found = rules_of(&(world, plans, claims));
    assert!(found.iter().any(|rule| rule.starts_with("artist separation")), "{found:?}");
}

fn with_rules(change: impl FnOnce(&mut BlockRules)) -> World {
    let mut world = whole();
    change(&mut world.blocks.get_mut(&SmartBlockId([1; 16])).expect("is there").rules);
    world
}

fn rules(world: &mut World) -> &mut BlockRules {
    &mut world.blocks.get_mut(&SmartBlockId([1; 16])).expect("is there").rules
}

#[test]
fn quotas_curves_and_criteria_that_are_not_met() {
    let quota = |min, max| Quota {
        field: Field::Genre,
        values: vec!["jazz".into()],
        min,
        max,
        window_sec: 3_600,
    };
    broken("quota", |world, _| rules(world).quotas = vec![quota(None, Some(1))]);
    broken("quota", |world, _| rules(world).quotas = vec![quota(Some(30), None)]);
    let curved = |change: fn(&mut Sequence)| {
        broken("sequence", |world, _| change(&mut rules(world).sequence));
    };
    curved(|sequence| (sequence.curve, sequence.tolerance) = (vec![500, 900], Some(50)));
    curved(|sequence| sequence.max_step = 50);
    curved(|sequence| sequence.low_below = 900);
    let jazz = || all(vec![rule(Field::Genre, Op::Is, text("jazz"))]);
    broken("criteria", |world, _| rules(world).include = vec![jazz()]);
    broken("exclude", |world, _| rules(world).exclude = vec![jazz()]);
    broken("criteria", |world, plans| {
        let last = plans[1].lines.last().expect("gold").media_id;
        world.media.get_mut(&last).expect("is there").category = "new".into();
    });
    let shaped = |rule: &str, change: fn(&mut BlockRules)| {
        broken(rule, |world, _| change(rules(world)));
    };
    shaped("max items", |rules| rules.duration.max_items = Some(2));
    shaped("target", |rules| {
        (rules.duration.target_ms, rules.duration.strategy) = (Some(600_000), Strategy::Under);
    });
    shaped("interstitials", |rules| rules.interstitials.every = 2);
    shaped("interstitials", |rules| rules.interstitials.max_duration_sec = 3);
    let bumped = with_rules(|rules| {
        (rules.duration.target_ms, rules.duration.strategy) = (Some(1_000_000), Strategy::Under);
    });
    broken_of(bumped, "bumpers", |world, _| rules(world).bumpers.max_per_gap = 0);
    broken("loop", |world, plans| {
        let n = (0..240).find(|n| media_id(*n) == plans[1].lines[0].media_id).expect("a song");
        swap(world, plans, 1, 1, n);
    });
    let mut lent = with_rules(|rules| {
        rules.include = vec![all(vec![rule(Field::Title, Op::Is, text("title 3"))])];
        rules.fallbacks = vec![Fallback { smart_block_id: SmartBlockId([2; 16]), limit: 0 }];
    });
    lent.add_block(2, BlockRules::default());
    broken_of(lent, "fallback", |_, plans| {
        plans[1].notes.retain(|note| !note.contains("from fallback"));
    });
}

#[test]
fn what_an_item_asks_for_and_the_law() {
    let asked = |rule: &str, change: fn(&mut MediaDetails)| {
        broken(rule, |world, plans| {
            let id = plans[1].lines[1].media_id;
            change(world.details.get_mut(&id).expect("is there"));
        });
    };
    asked("valid from", |details| details.rules.valid_from = Some(hour(2)));
    asked("valid to", |details| details.rules.valid_to = Some(hour(1)));
    asked("play limit", |details| details.rules.play_limit = Some(0));
    asked("daypart", |details| {
        details.rules.dayparts = vec![Daypart { days: 127, from_minute: 22 * 60, to_minute: 60 }];
    });
    broken("rest", |world, plans| {
        let n = (0..240).find(|n| media_id(*n) == plans[1].lines[1].media_id).expect("a song");
        swap(world, plans, 2, 1, n);
        let id = media_id(n);
        world.details.get_mut(&id).expect("is there").rules.rest_s = Some(7_200);
    });
    let law = |change: fn(&mut World, &grimnir_events::timeline::Line)| {
        broken("complement", |world, plans| {
            world.rules.performance_complement = true;
            let lines = plans.iter().flat_map(|plan| &plan.lines).skip(4).take(7).cloned();
            lines.for_each(|line| change(world, &line));
            plans.iter_mut().flat_map(|plan| &mut plan.lines).for_each(|line| {
                line.artist = world.media[&line.media_id].tags.artist.clone();
            });
        });
    };
    law(|world, line| {
        world.media.get_mut(&line.media_id).expect("is there").tags.album = "One".into();
    });
    law(|world, line| {
        world.media.get_mut(&line.media_id).expect("is there").tags.artist = "A ft. One".into();
    });
    law(|world, line| {
        world.details.get_mut(&line.media_id).expect("is there").compilation = "One".into();
    });
}
