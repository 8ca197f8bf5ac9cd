//! How items are joined in each mode, and that the resolver does what the plan says.

use super::joint::{Joins, MAX_OVERLAP, Meeting, is_said, meet, rejoin_lines};
use super::world::*;
use super::*;
use crate::library::analysis::AnalysisEntry;
use crate::timeline::resolve::{ANCHOR_FADE_FRAMES, Cursor, ResolveSettings, resolve};
use grimnir_events::analysis::{AlbumPlace, Analysis, Head, Tail, TailShape};
use grimnir_events::library::{CueMarks, ItemKind, MediaItem};
use grimnir_events::station::{FadeCurve, TransitionMode};
use grimnir_events::timeline::{Anchor, Line, SlotSource, SlotStart, Transition};
use proptest::prelude::*;

/// A song of `seconds` whose last `tail` seconds fall, and whose first `head` rise.
fn song(n: u16, seconds: i64, (head, tail): (i64, i64)) -> (MediaItem, AnalysisEntry) {
    let mut item = item(n, seconds, "gold");
    item.cues.segue = item.cues.cue_out - tail;
    let shape = if tail == 0 { TailShape::Cold } else { TailShape::Falling };
    let fall = 3_500 * S / tail.max(S / 10);
    let level_lu_x100 = if head == 0 { 0 } else { -1_800 };
    let analysis = Analysis {
        analyser_version: 1,
        duration_frames: item.duration_frames,
        cues: item.cues,
        head: Head { full_from: head, level_lu_x100 },
        tail: Tail { shape, fall_lu_per_s_x100: fall as u32 },
        ..Analysis::default()
    };
    (item, AnalysisEntry { measured: Some(Box::new(analysis)), ..AnalysisEntry::default() })
}

fn met(
    (a, first): &(MediaItem, AnalysisEntry),
    (b, second): &(MediaItem, AnalysisEntry),
) -> Meeting {
    let analyses = BTreeMap::from([(a.id, first.clone()), (b.id, second.clone())]);
    let joins = Joins { mode: TransitionMode::Smart, analyses: &analyses };
    meet((a, a.cues), (b, b.cues), &StationSettings::default(), &joins)
}

fn fades(meeting: &Meeting) -> (i64, i64) {
    match meeting.transition {
        Transition::Smart { fade_out, fade_in, .. } => (fade_out.into(), fade_in.into()),
        other => panic!("{other:?}"),
    }
}

fn overlap(meeting: &Meeting) -> i64 {
    meeting.cues.cue_out - meeting.cues.segue
}

#[test]
fn the_next_starts_where_the_end_falls() {
    let meeting = met(&song(1, 200, (0, 4 * S)), &song(2, 200, (0, 0)));
    assert_eq!(overlap(&meeting), 4 * S);
    assert_eq!(fades(&meeting), (480, 0), "it has fallen by itself; a loud start is not faded");
    let mut slow = song(1, 200, (0, 4 * S));
    analysis_of(&mut slow).tail.fall_lu_per_s_x100 = 200;
    let meeting = met(&slow, &song(2, 200, (0, 0)));
    assert_eq!(fades(&meeting), (4 * S, 0), "what still sounds at its end is faded");
    let long = met(&song(1, 200, (0, 9 * S)), &song(2, 200, (0, 0)));
    assert_eq!(overlap(&long), MAX_OVERLAP);
    let cold = met(&song(1, 200, (0, 0)), &song(2, 200, (0, 0)));
    assert_eq!((overlap(&cold), fades(&cold)), (0, (0, 0)), "a cold end meets a cold start");
}

fn analysis_of(song: &mut (MediaItem, AnalysisEntry)) -> &mut Analysis {
    song.1.measured.as_mut().expect("was measured")
}

#[test]
fn a_quiet_beginning_goes_under_the_end_of_what_plays() {
    let meeting = met(&song(1, 200, (0, 0)), &song(2, 200, (2 * S, 0)));
    assert_eq!((overlap(&meeting), fades(&meeting)), (2 * S, (2 * S, 0)));
    let mut heard = song(2, 200, (2 * S, 0));
    analysis_of(&mut heard).head.level_lu_x100 = -900;
    let meeting = met(&song(1, 200, (0, 0)), &heard);
    assert_eq!(fades(&meeting), (2 * S, 2 * S), "both are heard: a crossfade");
    let meeting = met(&song(1, 200, (0, 0)), &song(2, 200, (60 * S, 0)));
    assert_eq!(overlap(&meeting), 3 * S);
}

#[test]
fn an_overlap_ends_with_the_intro() {
    let mut next = song(2, 200, (0, 0));
    analysis_of(&mut next).intro_end = Some(S);
    assert_eq!(overlap(&met(&song(1, 200, (0, 4 * S)), &next)), S);
    next.0.cues.cue_in = 2 * S;
    assert_eq!(overlap(&met(&song(1, 200, (0, 4 * S)), &next)), 0, "it begins after the intro");
}

#[test]
fn an_overlap_leaves_two_thirds_of_either_item() {
    assert_eq!(overlap(&met(&song(1, 200, (0, 5 * S)), &song(2, 9, (0, 0)))), 3 * S);
    assert_eq!(overlap(&met(&song(1, 9, (0, 5 * S)), &song(2, 200, (0, 0)))), 3 * S);
}

#[test]
fn what_is_said_is_heard_alone() {
    for kind in [
        ItemKind::LegalId,
        ItemKind::Imaging,
        ItemKind::Spot,
        ItemKind::Feature,
        ItemKind::Emergency,
    ] {
        let mut said = song(2, 200, (2 * S, 4 * S));
        said.0.kind = kind;
        let before = met(&song(1, 200, (0, 4 * S)), &said);
        let after = met(&said, &song(1, 200, (2 * S, 4 * S)));
        assert_eq!((overlap(&before), fades(&before)), (0, (0, 0)), "{kind:?}");
        assert_eq!((overlap(&after), fades(&after)), (0, (0, 0)), "{kind:?}");
    }
}

#[test]
fn a_mark_that_a_person_set_rules() {
    let mut first = song(1, 200, (0, 4 * S));
    first.1.marks_by_hand = true;
    first.0.cues.segue = first.0.cues.cue_out - 17 * S;
    for kind in [ItemKind::Music, ItemKind::Spot] {
        let mut next = song(2, 200, (0, 0));
        next.0.kind = kind;
        let meeting = met(&first, &next);
        assert_eq!((overlap(&meeting), meeting.transition), (17 * S, Transition::Segue));
    }
}

fn track(n: u16, track: u16) -> (MediaItem, AnalysisEntry) {
    let mut song = song(n, 200, (0, 0));
    song.0.tags.album = "The Wall".into();
    song.0.tags.artist = "Band".into();
    song.0.cues = CueMarks { cue_in: 960, segue: 190 * S, cue_out: 200 * S - 960 };
    let measured = analysis_of(&mut song);
    measured.album_place = Some(AlbumPlace { disc: 1, track });
    (measured.leading_silence, measured.trailing_silence) = (960, 960);
    song
}

#[test]
fn tracks_of_one_album_play_on_as_one_sound() {
    let meeting = met(&track(1, 4), &track(2, 5));
    assert_eq!((meeting.cues.segue, meeting.cues.cue_out), (200 * S, 200 * S), "to its last frame");
    assert_eq!((meeting.next_cue_in, fades(&meeting)), (0, (0, 0)), "from its first frame");
    type Change = fn(&mut (MediaItem, AnalysisEntry));
    let others: [Change; 5] = [
        |next| next.0.tags.album = "Animals".into(),
        |next| next.0.tags.artist = "Other Band".into(),
        |next| analysis_of(next).album_place = Some(AlbumPlace { disc: 1, track: 6 }),
        |next| analysis_of(next).leading_silence = 24_000,
        |next| next.1.marks_by_hand = true,
    ];
    for (n, change) in others.into_iter().enumerate() {
        let mut next = track(2, 5);
        change(&mut next);
        let meeting = met(&track(1, 4), &next);
        assert!(meeting.cues.segue < 200 * S && meeting.next_cue_in == 960, "change {n}");
    }
}

#[test]
fn music_that_was_not_measured_is_joined_as_by_segue_marks() {
    let (a, b) = (item(1, 200, "gold"), item(2, 200, "gold"));
    let plain = AnalysisEntry::default;
    let meeting = met(&(a.clone(), plain()), &(b.clone(), plain()));
    let curve = FadeCurve::EqualPower;
    assert_eq!(meeting.transition, Transition::Crossfade { curve });
    assert_eq!(overlap(&meeting), 3 * S);
    let own = song(1, 200, (0, 4 * S)).0;
    assert_eq!(met(&(own, plain()), &(b, plain())).transition, Transition::Segue);
}

#[test]
fn in_mode_fixed_every_overlap_is_the_stations_crossfade() {
    let (item, entry) = song(1, 200, (0, 5 * S));
    let mut world = World::of(media_of(vec![item.clone()]), vec![]);
    world.transitions = TransitionMode::Fixed;
    world.analyses = BTreeMap::from([(item.id, entry.clone())]);
    let line = |world: &World| {
        v2::plan_hours(&world.inputs(), &BTreeMap::new(), &[HOUR].into()).remove(0).lines.remove(0)
    };
    let first = line(&world);
    assert_eq!(first.cues.cue_out - first.cues.segue, 3 * S);
    assert!(matches!(first.transition, Transition::Crossfade { .. }));
    world.analyses.insert(item.id, AnalysisEntry { marks_by_hand: true, ..entry });
    let first = line(&world);
    assert_eq!((first.cues, first.transition), (item.cues, Transition::Segue));
}

#[test]
fn lines_that_meet_after_a_change_by_hand_are_joined_anew() {
    let (a, b) = (song(1, 200, (0, 5 * S)), song(2, 200, (0, 0)));
    let mut spot = song(3, 30, (0, 0));
    spot.0.kind = ItemKind::Spot;
    let all = [a, b, spot];
    let world = smart_world(&all, vec![]);
    let lines = v2::plan_hours(&world.inputs(), &BTreeMap::new(), &[HOUR].into()).remove(0).lines;
    let of = |n: u16| lines.iter().find(|l| l.title == format!("Title {n}")).cloned();
    let (mut first, mut next) = (of(1).expect("is planned"), of(2).expect("is planned"));
    next.media_id = all[2].0.id;
    let joins = world.inputs().joins;
    rejoin_lines((&world.media).into(), &world.settings, &joins, &mut first, &mut next);
    assert_eq!(first.cues.segue, first.cues.cue_out);
    next.media_id = all[1].0.id;
    rejoin_lines((&world.media).into(), &world.settings, &joins, &mut first, &mut next);
    assert_eq!(first.cues.cue_out - first.cues.segue, 5 * S);
}

fn smart_world(
    items: &[(MediaItem, AnalysisEntry)],
    slots: Vec<grimnir_events::timeline::ClockSlot>,
) -> World {
    let mut world = World::of(media_of(items.iter().map(|(i, _)| i.clone()).collect()), slots);
    world.transitions = TransitionMode::Smart;
    world.analyses = items.iter().map(|(item, entry)| (item.id, entry.clone())).collect();
    world
}

/// All lines of the hours as one chain, as an engine holds it.
fn check(world: &World, plans: &[HourPlan]) -> Result<(), TestCaseError> {
    let lines: Vec<Line> = plans.iter().flat_map(|plan| plan.lines.clone()).collect();
    let settings = ResolveSettings {
        crossfade_frames: 3 * S,
        curve: FadeCurve::EqualPower,
        anchor_fade_frames: ANCHOR_FADE_FRAMES,
    };
    let at = plans[0].hour.frame();
    let resolution = resolve(&lines, &Cursor { at, playing: None }, &settings);
    prop_assert!(resolution.dropped.is_empty(), "{:?}", resolution.dropped);
    for resolved in &resolution.lines {
        let line = &lines[resolved.index];
        prop_assert_eq!(resolved.start.utc(), line.planned_at, "{}", &line.title);
        prop_assert_eq!(resolved.from_frame, line.cues.cue_in);
    }
    for pair in resolution.lines.windows(2) {
        let (line, next) = (&lines[pair[0].index], &lines[pair[1].index]);
        let shared = pair[0].end.since(pair[1].start);
        prop_assert!(shared <= MAX_OVERLAP);
        if is_said(line.kind) || is_said(next.kind) {
            prop_assert!(shared <= 0, "{} over {}", &line.title, &next.title);
        }
        prop_assert!(pair[0].fade_out <= MAX_OVERLAP.max(ANCHOR_FADE_FRAMES));
        prop_assert!(pair[1].fade_in <= shared.max(0));
        let entry = &world.analyses[&next.media_id];
        let intro = entry.measured.as_ref().and_then(|analysis| analysis.intro_end);
        if let (Some(intro), false) = (intro, pair[0].cut) {
            prop_assert!(shared <= (intro - next.cues.cue_in).max(0));
        }
    }
    Ok(())
}

fn any_song() -> impl Strategy<Value = (i64, i64, i64, Option<i64>, u8, u32)> {
    let frames = |most: i64| (0..=most).prop_map(|n| n * 480);
    (20..280i64, frames(700), frames(900), prop::option::of(frames(1_500)), 0..8u8, 0..6_000u32)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_smart_plan_airs_as_it_says_and_never_over_words(
        songs in prop::collection::vec(any_song(), 3..30),
        hard in any::<bool>(),
    ) {
        let made: Vec<(MediaItem, AnalysisEntry)> = songs.iter().zip(1u16..).map(
            |((seconds, head, tail, intro, kind, fall), n)| {
                let mut song = song(n, *seconds, (*head, (*tail).min(seconds * S - 1)));
                let measured = analysis_of(&mut song);
                measured.intro_end = intro.map(|intro| intro.min(seconds * S));
                measured.tail.fall_lu_per_s_x100 = *fall;
                measured.album_place = Some(AlbumPlace { disc: 1, track: n });
                song.0.tags.album = "One".into();
                song.0.tags.artist = format!("Artist {}", n % 3);
                song.0.kind = match kind { 0 => ItemKind::Feature, _ => ItemKind::Music };
                song
            }).collect();
        let playlist = PlaylistId([8; 16]);
        let slots = if hard {
            vec![
                slot(0, SlotStart::Free, category("gold")),
                slot(1_800, SlotStart::Hard, SlotSource::Playlist { playlist_id: playlist }),
            ]
        } else {
            vec![slot(0, SlotStart::Free, SlotSource::Playlist { playlist_id: playlist })]
        };
        let mut world = smart_world(&made, slots);
        let order = made.iter().map(|(item, _)| item.id).collect();
        world.playlists.insert(playlist, ("All".into(), order));
        let hours = (0..3).map(hour).collect();
        let plans = v2::plan_hours(&world.inputs(), &BTreeMap::new(), &hours);
        check(&world, &plans)?;
        prop_assert_eq!(plans, v2::plan_hours(&world.inputs(), &BTreeMap::new(), &hours));
    }
}

#[test]
fn an_hour_that_begins_with_words_waits_for_the_music_before_it() {
    let mut id = song(9, 20, (0, 0));
    id.0.kind = ItemKind::LegalId;
    id.0.category = "id".into();
    let slots = vec![
        slot(0, SlotStart::Free, SlotSource::HardItem { media_id: id.0.id }),
        slot(1, SlotStart::Free, category("gold")),
    ];
    let songs: Vec<_> = (1..9).map(|n| song(n, 180, (0, 5 * S))).chain([id]).collect();
    let world = smart_world(&songs, slots);
    let plans = v2::plan_hours(&world.inputs(), &BTreeMap::new(), &(0..3).map(hour).collect());
    assert!(plans.iter().all(|plan| plan.lines[0].kind == ItemKind::LegalId));
    assert!(matches!(plans[1].lines[0].anchor, Anchor::Soft { .. }));
    check(&world, &plans).expect("airs as planned");
}
