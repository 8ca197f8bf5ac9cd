//! Separation, judged by a naive checker that knows nothing of how picks are made.

use super::world::{World, category, hour, item, media_of, slot, songs};
use super::*;
use grimnir_events::timeline::{Line, SlotStart};
use proptest::prelude::*;

/// Lines that come too soon after one of the same artist or title: (artist, title) per hour.
fn violations(plans: &[HourPlan], settings: &StationSettings) -> Vec<(usize, usize)> {
    let all: Vec<&Line> = plans.iter().flat_map(|plan| &plan.lines).collect();
    let close = |a: &Line, b: &Line, seconds: u32| {
        b.planned_at > a.planned_at
            && b.planned_at.0 - a.planned_at.0 < i64::from(seconds) * 1_000_000
    };
    let in_hour = |plan: &HourPlan| {
        let bad = |same: fn(&Line, &Line) -> bool, seconds| {
            let soon = |b: &&Line| all.iter().any(|a| same(a, b) && close(a, b, seconds));
            plan.lines.iter().filter(soon).count()
        };
        let artist = |a: &Line, b: &Line| !a.artist.is_empty() && a.artist == b.artist;
        let title = |a: &Line, b: &Line| a.title == b.title;
        (bad(artist, settings.artist_separation_s), bad(title, settings.title_separation_s))
    };
    plans.iter().map(in_hour).collect()
}

/// How often an hour's notes say that a separation was relaxed.
fn admitted(plan: &HourPlan, what: &str) -> usize {
    let marker = format!("{what} separation of ");
    let count = |note: &String| {
        let words: Vec<&str> = note.split(' ').collect();
        words[words.len() - 2].parse::<usize>().expect("a count")
    };
    plan.notes.iter().filter(|note| note.contains(&marker)).map(count).sum()
}

fn check(plans: &[HourPlan], settings: &StationSettings) {
    for (plan, (artist, title)) in plans.iter().zip(violations(plans, settings)) {
        assert!(artist <= admitted(plan, "artist"), "{}: {artist} {:?}", plan.hour, plan.notes);
        assert!(title <= admitted(plan, "title"), "{}: {title} {:?}", plan.hour, plan.notes);
    }
}

#[test]
fn a_large_library_needs_no_relaxing() {
    let world = World::of(songs(150), vec![]);
    let plans = world.plan(24);
    assert!(plans.iter().all(|plan| plan.notes.is_empty()));
    assert!(violations(&plans, &world.settings).iter().all(|found| *found == (0, 0)));
}

#[test]
fn everything_comes_once_before_anything_comes_twice() {
    let mut world = World::of(songs(100), vec![]);
    world.settings.artist_separation_s = 0;
    let plans = world.plan(24);
    let played: Vec<MediaId> =
        plans.iter().flat_map(|plan| &plan.lines).map(|line| line.media_id).collect();
    let first: BTreeSet<MediaId> = played.iter().take(100).copied().collect();
    assert_eq!(first.len(), 100);
    assert!(played.iter().skip(100).zip(&played).all(|(later, earlier)| later == earlier));
}

#[test]
fn what_aired_keeps_its_distance_even_when_it_left_the_library() {
    let mut world = World::of(songs(30), vec![]);
    let gone = Play {
        at: hour(0).plus(-60_000_000),
        media_id: MediaId([0xEE; 16]),
        artist: " ARTIST  4 ".into(),
        title: "Title 7".into(),
    };
    world.played.push(gone);
    let plan = world.plan(1).remove(0);
    let until = |seconds: i64| hour(0).plus((seconds - 60) * 1_000_000);
    let soon = plan.lines.iter().filter(|line| line.planned_at < until(1_800));
    assert!(soon.clone().count() > 3 && soon.into_iter().all(|line| line.artist != "Artist 4"));
    let all = plan.lines.iter().filter(|line| line.planned_at < until(3_600));
    assert!(all.into_iter().all(|line| line.title != "Title 7"));
}

#[test]
fn title_is_relaxed_before_artist_and_both_are_admitted() {
    // Two songs in turn: after the first two nothing keeps its title's hour, nor its artist's.
    let world = World::of(media_of(vec![item(1, 200, "gold"), item(2, 200, "gold")]), vec![]);
    let plans = world.plan(2);
    check(&plans, &world.settings);
    assert!(admitted(&plans[1], "artist") > 0 && admitted(&plans[1], "title") > 0);
    let turns: Vec<&str> = plans[0].lines.iter().map(|line| line.title.as_str()).collect();
    assert!(turns.windows(2).all(|pair| pair[0] != pair[1]), "still by turns");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn separation_holds_at_projected_air_time_or_a_note_says_otherwise(
        lengths in prop::collection::vec((5..400i64, 0..12u8, 0..3u8, any::<bool>()), 1..60),
        slots in prop::collection::btree_map(0..3_600u32, (0..4u8, 0..3u8, 0..600u32), 0..7),
        (artist, title) in (0..3_000u32, 0..6_000u32),
    ) {
        let items = lengths.iter().enumerate().map(|(n, (length, artist, group, must_air))| {
            let mut item = item(n as u16, *length, &group.to_string());
            item.tags.artist = format!("Artist {artist}");
            item.must_air = *must_air && *length < 40;
            item
        });
        let slots = slots.into_iter().map(|(offset, (group, start, grace))| {
            let start = match start {
                0 => SlotStart::Free,
                1 => SlotStart::Soft { grace_ms: grace * 1_000 },
                _ => SlotStart::Hard,
            };
            let name = if group == 3 { String::new() } else { group.to_string() };
            slot(offset, start, category(&name))
        });
        let mut world = World::of(media_of(items.collect()), slots.collect());
        world.settings.artist_separation_s = artist;
        world.settings.title_separation_s = title;
        let plans = world.plan(5);
        check(&plans, &world.settings);
        let mut state = crate::timeline::TimelineState::default();
        for plan in plans {
            let command = crate::timeline::command::TimelineCommand::CommitHour {
                plan: Box::new(plan),
                replace: false,
            };
            // What the planner makes, the timeline takes.
            let events = crate::timeline::decide::decide(&state, &command, hour(0));
            let events = events.expect("accepted");
            events.iter().for_each(|event| crate::timeline::evolve::evolve(&mut state, event));
        }
    }
}
