//! What speaks over the programme lowers it, by its own sound; and sources that fall silent.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use grimnir_mix::dsp::duck::DuckSettings;
use grimnir_mix::dsp::silence::SilenceSettings;
use grimnir_mix::{AirFrame, BLOCK, Command, Frame, Mixer, Role, VoiceEvent};
use support::{Constant, Script, coded, db, render, start};

const SETTINGS: DuckSettings = DuckSettings {
    threshold_db: -40.0,
    reduction_db: -12.0,
    attack_ms: 20.0,
    hold_ms: 300.0,
    release_ms: 400.0,
};

/// A voice of ±level that speaks from `from` to `to`.
fn speech(level: f32, from: usize, to: usize, end: usize) -> Script {
    let frame = |n: usize| if (from..to).contains(&n) { [level, -level] } else { [0.0; 2] };
    Script::new((0..end).map(frame).collect())
}

/// A steady bed with one voice over it; what is heard less the voice itself.
fn bed_under(level: f32, from: usize, to: usize, blocks: usize) -> Vec<f64> {
    let mut mixer = Mixer::new(AirFrame(0));
    mixer.set_duck(SETTINGS);
    mixer.command(Command::Start(start(1, 0, Constant(0.5)))).unwrap();
    let mut over = start(2, 0, speech(level, from, to, blocks * BLOCK));
    over.role = Role::Over;
    mixer.command(Command::Start(over)).unwrap();
    let (frames, _) = render(&mut mixer, blocks);
    let told = |n: usize| if (from..to).contains(&n) { level } else { 0.0 };
    frames.iter().enumerate().map(|(n, f)| f64::from(f[0] - told(n)) / 0.5).collect()
}

#[test]
fn the_bed_goes_down_and_comes_back_in_its_times() {
    let (from, to) = (9_700, 58_000);
    let gains = bed_under(0.25, from, to, 400);
    let low = 10f64.powf(-12.0 / 20.0);
    assert!(gains[..from].iter().all(|gain| *gain == 1.0), "nobody speaks yet");
    // On the very frame of the first word, 63 % of the way after the attack, all of it after ten.
    let down = |frames: f64| low + (1.0 - low) * (-frames / 960.0).exp();
    for after in [1, 100, 960, 1_920, 4_800] {
        let (got, wanted) = (gains[from + after - 1], down(after as f64));
        assert!((got - wanted).abs() < 1e-3, "{after} frames after: {got}, not {wanted}");
    }
    assert!((db(gains[from + 9_600]) + 12.0).abs() < 0.01);
    // The peak is held for 10 ms, then the hold runs; until then nothing moves.
    let held = to + 14_400;
    assert!((db(gains[held]) + 12.0).abs() < 0.01, "{}", db(gains[held]));
    let begins = (to..gains.len()).find(|n| gains[*n] > low + 1e-3).unwrap();
    assert!((held..held + 600).contains(&begins), "{}", begins - to);
    let back = |frames: f64| 1.0 - (1.0 - low) * (-frames / 19_200.0).exp();
    let moved = (to..).find(|n| gains[*n + 1] > gains[*n]).unwrap();
    for after in [960, 19_200, 57_600] {
        let (got, wanted) = (gains[moved + after], back(after as f64));
        assert!((got - wanted).abs() < 2e-3, "{after} frames after: {got}, not {wanted}");
    }
}

#[test]
fn a_voice_below_the_threshold_lowers_nothing() {
    let gains = bed_under(0.009, 4_800, 48_000, 120);
    assert!(gains.iter().all(|gain| (gain - 1.0).abs() < 1e-6));
}

#[test]
fn the_fader_of_the_voice_counts_and_programme_alone_passes_bit_by_bit() {
    let sound = coded(3, 48_000);
    let heard = |role: Role, gain: f32| {
        let mut mixer = Mixer::new(AirFrame(0));
        mixer.command(Command::Start(start(1, 0, Script::new(sound.clone())))).unwrap();
        let mut other = start(2, 0, Script::new(coded(4, 48_000)));
        (other.role, other.gain) = (role, gain);
        mixer.command(Command::Start(other)).unwrap();
        render(&mut mixer, 100).0
    };
    // A voice whose fader is down is not heard, so nothing makes way for it.
    assert_eq!(heard(Role::Over, 0.0), sound);
    let apart: Vec<Frame> = heard(Role::Over, 1.0);
    assert_ne!(apart, heard(Role::Programme, 1.0));
    // The voice itself is not lowered: its first frame meets a bed that has hardly moved.
    let mut alone = Mixer::new(AirFrame(0));
    let mut over = start(2, 0, Script::new(coded(4, 48_000)));
    over.role = Role::Over;
    alone.command(Command::Start(over)).unwrap();
    assert_eq!(render(&mut alone, 100).0, coded(4, 48_000));
}

#[test]
fn the_programme_comes_back_after_the_voice_has_left_the_mix() {
    let mut mixer = Mixer::new(AirFrame(0));
    mixer.command(Command::Start(start(1, 0, Constant(0.5)))).unwrap();
    let mut over = start(2, 0, Script::new(vec![[0.5; 2]; 24_000]));
    over.role = Role::Over;
    mixer.command(Command::Start(over)).unwrap();
    let (frames, _) = render(&mut mixer, 1_000);
    assert!(f64::from(frames[23_000][0] - 0.5) < 0.13 * 1.01, "lowered");
    assert_eq!(frames[479_999][0], 0.5, "and back to the bit");
}

#[test]
fn a_silent_source_is_told_before_its_gain_and_only_where_it_is_watched() {
    let silence = SilenceSettings {
        threshold_db: -60.0,
        duration_frames: 9_600,
        restore_frames: 4_800,
        either_channel: false,
    };
    let told = |gain: f32, level: f32, watched: bool, either: bool, left_only: bool| {
        let mut mixer = Mixer::new(AirFrame(480_000));
        mixer.set_silence(Some(SilenceSettings { either_channel: either, ..silence }));
        let quiet = 1_000..30_000;
        let frame = |n: usize| {
            let right = if left_only || quiet.contains(&n) { 0.0 } else { level };
            [if quiet.contains(&n) { 0.0 } else { level }, right]
        };
        let mut voice = start(7, 480_100, Script::new((0..60_000).map(frame).collect()));
        (voice.gain, voice.watched) = (gain, watched);
        mixer.command(Command::Start(voice)).unwrap();
        let (_, events) = render(&mut mixer, 130);
        let word = |event: &VoiceEvent| {
            matches!(event, VoiceEvent::Silent { .. } | VoiceEvent::Heard { .. })
        };
        events.into_iter().filter(word).collect::<Vec<_>>()
    };
    let events = told(1.0, 0.1, true, false, false);
    let since = AirFrame(480_100 + 1_000);
    assert_eq!(events[0], VoiceEvent::Silent { voice: 7, since });
    let [_, VoiceEvent::Heard { voice: 7, at }] = events[..] else { panic!("{events:?}") };
    // The voice is back at frame 30,000 and is believed 100 ms later, on a block.
    assert!((34_300..=34_900).contains(&at.since(AirFrame(480_100))), "{at:?}");
    assert_eq!(told(0.0, 0.1, true, false, false), events, "its gain changes nothing");
    assert_eq!(told(1.0, 0.1, false, false, false), [], "not watched");
    // One dead side is told only where one is enough, and never comes back.
    let since = AirFrame(480_100);
    // What was told ends with the voice.
    let ends = AirFrame(480_100 + 60_000);
    let dead = [VoiceEvent::Silent { voice: 7, since }, VoiceEvent::Heard { voice: 7, at: ends }];
    assert_eq!(told(1.0, 0.1, true, true, true), dead);
    // Settings that are taken away end it.
    assert_eq!(told(8.0, 0.000_9, true, false, false)[0], VoiceEvent::Silent { voice: 7, since });
}
