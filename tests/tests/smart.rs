//! Smart transitions as they are heard: planned, resolved and mixed, each sample compared with
//! the sum that the plan stands for.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use grimnir_events::analysis::{AlbumPlace, Analysis, AnalysisEntry, Head, Tail, TailShape};
use grimnir_events::library::{CueMarks, ItemKind, MediaItem, Tags};
use grimnir_events::station::{StationSettings, TransitionMode};
use grimnir_events::timeline::{HourPlan, Line, Transition};
use grimnir_events::{ContentHash, MediaId, PlaylistId, StationId, UtcMicros};
use grimnir_mix::tone::write_wav_f32;
use grimnir_mix::{AirFrame, BLOCK, Command, FileSource, Frame, Mixer, Report, Start, VoiceEvent};
use grimnir_rules::planner::joint::Joins;
use grimnir_rules::planner::{PlanInputs, plan_hour};
use grimnir_rules::timeline::resolve::{
    ANCHOR_FADE_FRAMES, Cursor, Resolution, ResolveSettings, resolve,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const S: i64 = 48_000;
const HOUR: UtcMicros = UtcMicros(497_000 * 3_600_000_000);

/// What a track is made of: seconds, how it rises and falls, what it is, its place on the album.
#[derive(Clone, Copy)]
struct Track {
    seconds: i64,
    rise: i64,
    fall: i64,
    kind: ItemKind,
    place: Option<u16>,
}

const SONG: Track = Track { seconds: 40, rise: 0, fall: 0, kind: ItemKind::Music, place: None };

/// A tone of its own for each track, rising and falling in a straight line of 60 dB.
fn sound(n: usize, track: &Track) -> Vec<Frame> {
    let length = track.seconds * S;
    let hz = 300.0 + 110.0 * n as f64;
    let frame = |at: i64| {
        let rise = ((track.rise - at).max(0) as f64) / track.rise.max(1) as f64;
        let fall = ((at - (length - track.fall)).max(0) as f64) / track.fall.max(1) as f64;
        let gain = 0.25 * 10f64.powf(-3.0 * (rise + fall));
        // It begins and ends on a zero of its sine: no click of its own.
        let edge = (at.min(length - 1 - at) as f64 / 240.0).min(1.0);
        [(gain * edge * (std::f64::consts::TAU * hz * at as f64 / S as f64).sin()) as f32; 2]
    };
    (0..length).map(frame).collect()
}

struct Stage {
    media: BTreeMap<MediaId, MediaItem>,
    analyses: BTreeMap<MediaId, AnalysisEntry>,
    sounds: BTreeMap<MediaId, (PathBuf, Vec<Frame>)>,
    order: Vec<MediaId>,
}

fn stage(dir: &Path, tracks: &[Track]) -> Stage {
    let (mut media, mut analyses) = (BTreeMap::new(), BTreeMap::new());
    let mut sounds = BTreeMap::new();
    let mut order = Vec::new();
    for (n, track) in tracks.iter().enumerate() {
        let id = MediaId([n as u8 + 1; 16]);
        let path = dir.join(format!("{n}.wav"));
        let frames = sound(n, track);
        write_wav_f32(&path, 48_000, &frames).unwrap();
        let length = track.seconds * S;
        // 7 LU below after 7/60 of the fall, 42 below after 42/60.
        let segue = length - track.fall + track.fall * 7 / 60;
        let cue_out = length - track.fall + track.fall * 42 / 60;
        let cues = CueMarks { cue_in: track.rise * 26 / 60, segue, cue_out };
        let fall_lu_per_s_x100 = if track.fall > 0 { (6_000 * S / track.fall) as u32 } else { 0 };
        let shape = if track.fall > 0 { TailShape::Falling } else { TailShape::Cold };
        let analysis = Analysis {
            duration_frames: length,
            cues,
            head: Head { full_from: track.rise * 53 / 60, level_lu_x100: -3_000 },
            tail: Tail { shape, fall_lu_per_s_x100 },
            album_place: track.place.map(|track| AlbumPlace { disc: 1, track }),
            ..Analysis::default()
        };
        let item = MediaItem {
            id,
            hash: ContentHash([1; 32]),
            play_hash: ContentHash([2; 32]),
            file_name: format!("{n}.wav"),
            codec: "pcm".into(),
            size_bytes: 1,
            duration_frames: length,
            source_rate_hz: 48_000,
            channels: 2,
            loudness_lufs_x100: Some(-1_600),
            true_peak_dbtp_x100: Some(-1_200),
            cues,
            tags: Tags {
                title: format!("Track {n}"),
                artist: "One".into(),
                album: track.place.map(|_| "Album".to_owned()).unwrap_or_default(),
                ..Tags::default()
            },
            category: String::new(),
            kind: track.kind,
            must_air: false,
            long_form: false,
        };
        let entry = AnalysisEntry { measured: Some(Box::new(analysis)), ..Default::default() };
        analyses.insert(id, entry);
        sounds.insert(id, (path, frames));
        media.insert(id, item);
        order.push(id);
    }
    Stage { media, analyses, sounds, order }
}

/// The first lines of an hour that plays the tracks in order.
fn plan(stage: &Stage) -> Vec<Line> {
    let playlist_id = PlaylistId([7; 16]);
    let playlists = BTreeMap::from([(playlist_id, ("All".to_owned(), stage.order.clone()))]);
    let clock = grimnir_events::timeline::FormatClock {
        id: grimnir_events::ClockId([5; 16]),
        name: "Clock".into(),
        slots: vec![grimnir_events::timeline::ClockSlot::at(
            0,
            grimnir_events::timeline::SlotStart::Free,
            grimnir_events::timeline::SlotSource::Playlist { playlist_id },
        )],
        min_airtime_ms: None,
    };
    let (settings, empty) = (StationSettings::default(), BTreeMap::new());
    let inputs = PlanInputs {
        station: StationId([3; 16]),
        settings: &settings,
        media: (&stage.media).into(),
        prepared: None,
        playlists: &playlists,
        playlist_times: &Default::default(),
        details: &BTreeMap::new(),
        blocks: &BTreeMap::new(),
        rules: &Default::default(),
        time_zone: "UTC",
        tally: &BTreeMap::new(),
        clock: Some(&clock),
        grid: &Default::default(),
        clocks: &BTreeMap::new(),
        joins: Joins { mode: TransitionMode::Smart, analyses: &stage.analyses },
        shows: grimnir_rules::planner::NO_SHOWS,
        aired: grimnir_rules::planner::NOTHING_AIRED,
        played: &[],
        orders: &grimnir_rules::timeline::Orders::NONE,
        input_seq: 1,
    };
    let HourPlan { lines, .. } = plan_hour(&inputs, &empty, HOUR);
    lines.into_iter().take(stage.order.len()).collect()
}

fn resolution(lines: &[Line]) -> Resolution {
    let settings = ResolveSettings {
        crossfade_frames: 3 * S,
        curve: StationSettings::default().fade_curve,
        anchor_fade_frames: ANCHOR_FADE_FRAMES,
    };
    resolve(lines, &Cursor { at: HOUR.frame(), playing: None }, &settings)
}

/// What the mix makes of it, from the first line's start on.
fn mix(stage: &Stage, lines: &[Line], resolved: &Resolution) -> Vec<Frame> {
    let begin = resolved.lines[0].start;
    let mut mixer = Mixer::new(begin);
    let (mut out, mut report) = ([[0.0; 2]; BLOCK], Report::new());
    let (mut heard, mut started, mut next) = (Vec::new(), Vec::new(), 0);
    while mixer.position() < resolved.end {
        while let Some(line) = resolved.lines.get(next)
            && line.start.since(mixer.position()) < S
        {
            let cues = lines[line.index].cues;
            let (path, _) = &stage.sounds[&lines[line.index].media_id];
            let source = FileSource::open(path, line.from_frame, Some(cues.cue_out)).unwrap();
            let start = Start {
                voice: next as u64,
                at: line.start,
                source: Box::new(source),
                gain: 1.0,
                fade_in: line.fade_in,
                curve: line.curve_in,
                length: Some(line.end.since(line.start)),
                role: Default::default(),
                watched: false,
            };
            mixer.command(Command::Start(Box::new(start))).unwrap();
            if line.fade_out > 0 {
                let (at, frames) = (line.end.plus(-line.fade_out), line.fade_out);
                let (voice, curve) = (next as u64, line.curve);
                mixer.command(Command::FadeOut { voice, at, frames, curve }).unwrap();
            }
            next += 1;
        }
        mixer.render(&mut out, &mut report);
        heard.extend_from_slice(&out);
        for event in &report.events {
            if let VoiceEvent::Started { at, .. } = event {
                started.push(*at);
            }
        }
        while mixer.take_finished().is_some() {}
    }
    // The plan's times, to the frame.
    let planned: Vec<AirFrame> = lines.iter().map(|line| line.planned_at.frame()).collect();
    assert_eq!(started, planned);
    heard
}

/// What the plan stands for: each sound by its marks, at its time, under its fades.
fn expected(stage: &Stage, lines: &[Line], frames: usize) -> Vec<[f64; 2]> {
    let mut sum = vec![[0.0; 2]; frames];
    let begin = lines[0].planned_at.frame();
    let mut fade_in = 0i64;
    for (n, line) in lines.iter().enumerate() {
        let (_, sound) = &stage.sounds[&line.media_id];
        let length = line.cues.cue_out - line.cues.cue_in;
        let (out, next_in) = match line.transition {
            Transition::Smart { fade_out, fade_in, .. } if n + 1 < lines.len() => {
                (i64::from(fade_out), i64::from(fade_in))
            }
            _ => (0, 0),
        };
        for at in 0..length {
            let quarter = |part: f64| (part.clamp(0.0, 1.0) * std::f64::consts::FRAC_PI_2).sin();
            let rise = if fade_in > 0 { quarter(at as f64 / fade_in as f64) } else { 1.0 };
            let fall = if out > 0 { quarter((length - at) as f64 / out as f64) } else { 1.0 };
            let frame = sound[(line.cues.cue_in + at) as usize];
            let place = line.planned_at.frame().since(begin) + at;
            if let Some(sum) = sum.get_mut(place as usize) {
                sum[0] += f64::from(frame[0]) * rise * fall;
                sum[1] += f64::from(frame[1]) * rise * fall;
            }
        }
        fade_in = next_in;
    }
    sum
}

fn heard(stage: &Stage) -> (Vec<Line>, Vec<Frame>) {
    let lines = plan(stage);
    let resolved = resolution(&lines);
    assert!(resolved.gaps.is_empty() && resolved.dropped.is_empty());
    let heard = mix(stage, &lines, &resolved);
    let wanted = expected(stage, &lines, heard.len());
    for (at, (got, want)) in heard.iter().zip(&wanted).enumerate() {
        let off = (f64::from(got[0]) - want[0]).abs();
        assert!(off < 1e-6, "frame {at}: {} instead of {}", got[0], want[0]);
    }
    // No step that the two tones together do not make themselves.
    let bend = 2.0 * 0.25 * (std::f64::consts::TAU * 1_000.0 / 48_000.0).powi(2);
    let click = heard
        .windows(3)
        .position(|w| f64::from((w[0][0] - 2.0 * w[1][0] + w[2][0]).abs()) > bend + 4e-3);
    assert_eq!(click, None, "a click");
    (lines, heard)
}

fn overlap(line: &Line) -> i64 {
    line.cues.cue_out - line.cues.segue
}

/// Level of 100 ms from a frame on, in dB.
fn level(heard: &[Frame], from: i64) -> f64 {
    let part = &heard[from as usize..(from + S / 10) as usize];
    let sum: f64 = part.iter().map(|frame| f64::from(frame[0]).powi(2)).sum();
    10.0 * (sum / part.len() as f64).log10()
}

#[test]
fn every_smart_join_is_heard_to_the_sample_as_it_was_planned() {
    let dir = tempfile::tempdir().unwrap();
    let stage = stage(
        dir.path(),
        &[
            Track { fall: 6 * S, ..SONG },
            SONG,
            Track { rise: 4 * S, ..SONG },
            Track { fall: 9 * S, rise: S, ..SONG },
            Track { kind: ItemKind::Feature, seconds: 20, ..SONG },
            SONG,
        ],
    );
    let (lines, heard) = heard(&stage);
    let overlaps: Vec<i64> = lines.iter().map(overlap).collect();
    // The falling end; nothing at a cold end and start; the quiet beginning; nothing over words.
    assert_eq!(overlaps[0], 6 * S * 35 / 60);
    assert!(overlaps[1] > S && overlaps[1] <= 3 * S, "{overlaps:?}");
    assert!(overlaps[2] > 0 && overlaps[2] < S, "{overlaps:?}");
    assert_eq!(overlaps[3..5], [0, 0]);
    // Through the first join the level neither sags nor swells.
    let join = lines[1].planned_at.frame().since(lines[0].planned_at.frame());
    for at in (-S..S).step_by(4_800) {
        let found = level(&heard, join + at);
        assert!((-23.0..=-13.0).contains(&found), "{found} dB, {at} frames from the join");
    }
}

#[test]
fn an_album_is_heard_as_it_was_cut() {
    let dir = tempfile::tempdir().unwrap();
    let track = |place| Track { place: Some(place), seconds: 20, ..SONG };
    let mut stage = stage(dir.path(), &[track(1), track(2), track(3)]);
    for entry in stage.analyses.values_mut() {
        // What a file begins and ends with counts, though it is below the marks.
        let measured = entry.measured.as_mut().unwrap();
        measured.cues = CueMarks { cue_in: 480, segue: 19 * S, cue_out: 20 * S - 480 };
    }
    for (id, item) in &mut stage.media {
        item.cues = stage.analyses[id].measured.as_ref().unwrap().cues;
    }
    let (lines, heard) = heard(&stage);
    let whole: Vec<Frame> = stage.order.iter().flat_map(|id| stage.sounds[id].1.clone()).collect();
    assert!(lines[..2].iter().all(|line| overlap(line) == 0 && line.cues.cue_out == 20 * S));
    let (from, to) = (480, 40 * S as usize);
    assert_eq!(lines[0].cues.cue_in, 480, "nothing is before the first");
    assert!(heard[..to - from] == whole[from..to], "some sample differs");
}
