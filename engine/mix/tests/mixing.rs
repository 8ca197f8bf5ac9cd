//! The mixer, sample by sample: starts, fades, gains, ends, reports.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use grimnir_mix::{
    AirFrame, BLOCK, Command, EndCause, FadeCurve, MAX_VOICES, MIX_SUM, MixError, Mixer, Report,
    Silence, SourceState, VoiceEvent,
};
use support::{Constant, Script, coded, drain, fade_out, render, start};

fn ended(voice: u64, at: i64, frames: i64, cause: EndCause) -> VoiceEvent {
    VoiceEvent::Ended { voice, at: AirFrame(at), frames, cause }
}

fn started(voice: u64, at: i64) -> VoiceEvent {
    VoiceEvent::Started { voice, at: AirFrame(at) }
}

#[test]
fn voice_starts_on_the_exact_frame_wherever_it_falls_in_a_block() {
    for at in (0..1_000).step_by(37).chain([479, 480, 481, 959, 960]) {
        let origin = 86_123_456_789;
        let mut mixer = Mixer::new(AirFrame(origin));
        mixer
            .command(Command::Start(start(1, origin + at, Script::new(vec![[0.5, -0.25]]))))
            .unwrap();
        let (frames, events) = render(&mut mixer, 3);
        for (index, frame) in frames.iter().enumerate() {
            let expected = if index as i64 == at { [0.5, -0.25] } else { [0.0; 2] };
            assert_eq!(*frame, expected, "start at {at}, frame {index}");
        }
        let expected =
            [started(1, origin + at), ended(1, origin + at + 1, 1, EndCause::SourceEnded)];
        assert_eq!(events, expected);
    }
}

#[test]
fn start_that_comes_late_begins_with_the_next_block_and_says_so() {
    let mut mixer = Mixer::new(AirFrame(4_800));
    mixer.command(Command::Start(start(9, 100, Script::new(coded(1, 700))))).unwrap();
    let (frames, events) = render(&mut mixer, 2);
    assert_eq!(frames[..700], coded(1, 700));
    assert_eq!(events, [started(9, 4_800), ended(9, 5_500, 700, EndCause::SourceEnded)]);
}

#[test]
fn voices_add_up() {
    let mut mixer = Mixer::new(AirFrame(0));
    mixer.command(Command::Start(start(1, 0, Script::new(coded(1, 960))))).unwrap();
    mixer.command(Command::Start(start(2, 200, Script::new(coded(2, 500))))).unwrap();
    let (frames, _) = render(&mut mixer, 2);
    let (a, b) = (coded(1, 960), coded(2, 500));
    for (n, frame) in frames.iter().enumerate() {
        let other = if (200..700).contains(&n) { b[n - 200] } else { [0.0; 2] };
        assert_eq!(*frame, [a[n][0] + other[0], a[n][1] + other[1]], "frame {n}");
    }
}

#[test]
fn fades_follow_their_law_on_every_frame() {
    let half_pi = std::f64::consts::FRAC_PI_2;
    for (curve, length) in [(FadeCurve::Linear, 1_000), (FadeCurve::EqualPower, 48_000)] {
        let mut mixer = Mixer::new(AirFrame(0));
        let mut voice = start(1, 77, Constant(1.0));
        voice.fade_in = length;
        voice.curve = curve;
        mixer.command(Command::Start(voice)).unwrap();
        let out_at = 77 + length + 333;
        mixer.command(fade_out(1, out_at, length, curve)).unwrap();
        let (frames, events) = render(&mut mixer, (out_at + length) as usize / BLOCK + 2);
        for (n, frame) in frames.iter().enumerate() {
            let part = |at: i64| ((n as i64 - at) as f64 / length as f64).clamp(0.0, 1.0);
            let (rise, fall) = match curve {
                FadeCurve::Linear => (part(77), 1.0 - part(out_at)),
                _ => ((half_pi * part(77)).sin(), (half_pi * part(out_at)).cos()),
            };
            let expected = if (n as i64) < out_at + length { rise * fall } else { 0.0 };
            let off = (f64::from(frame[0]) - expected).abs();
            assert!(off < 1.2e-7, "{curve:?} frame {n}: {} for {expected}", frame[0]);
        }
        let sounded = out_at + length - 77;
        let expected = [started(1, 77), ended(1, out_at + length, sounded, EndCause::FadedOut)];
        assert_eq!(events, expected);
    }
}

#[test]
fn crossfade_gains_keep_their_sum_or_their_power() {
    for (curve, power) in [(FadeCurve::Linear, 1), (FadeCurve::EqualPower, 2)] {
        for index in 0..=4_801 {
            let rise = f64::from(grimnir_mix::fade::fade_in_gain(curve, index, 4_800));
            let fall = f64::from(grimnir_mix::fade::fade_out_gain(curve, index, 4_800));
            let sum = rise.powi(power) + fall.powi(power);
            assert!((sum - 1.0).abs() < 2e-7, "{curve:?} at {index}: {sum}");
        }
    }
}

#[test]
fn a_second_fade_never_makes_the_gain_jump_and_the_sooner_end_counts() {
    let mut mixer = Mixer::new(AirFrame(0));
    mixer.command(Command::Start(start(1, 0, Constant(1.0)))).unwrap();
    mixer.command(fade_out(1, 1_000, 48_000, FadeCurve::EqualPower)).unwrap();
    mixer.command(fade_out(1, 20_003, 480, FadeCurve::Linear)).unwrap();
    let (frames, events) = render(&mut mixer, 50);
    let step = frames.windows(2).map(|w| (w[1][0] - w[0][0]).abs()).fold(0.0, f32::max);
    assert!(step < 1.1 / 480.0, "step {step}");
    assert_eq!(events, [started(1, 0), ended(1, 20_483, 20_483, EndCause::FadedOut)]);
}

#[test]
fn fade_given_late_begins_now_at_full_gain() {
    let mut mixer = Mixer::new(AirFrame(0));
    mixer.command(Command::Start(start(1, 0, Constant(1.0)))).unwrap();
    render(&mut mixer, 10);
    mixer.command(fade_out(1, 0, 960, FadeCurve::Linear)).unwrap();
    let (frames, events) = render(&mut mixer, 3);
    assert_eq!(frames[0][0], 1.0);
    assert_eq!(frames[480][0], 0.5);
    assert_eq!(events, [ended(1, 5_760, 5_760, EndCause::FadedOut)]);
}

#[test]
fn gain_moves_in_a_straight_line_of_ten_milliseconds() {
    let mut mixer = Mixer::new(AirFrame(0));
    mixer.command(Command::Start(start(1, 0, Constant(1.0)))).unwrap();
    let set = |at, gain| Command::SetGain { voice: 1, at: AirFrame(at), gain };
    // Given out of order, and the third while the second is on its way.
    mixer.command(set(2_240, 1.0)).unwrap();
    mixer.command(set(700, 0.5)).unwrap();
    mixer.command(set(2_000, 0.0)).unwrap();
    let (frames, _) = render(&mut mixer, 8);
    for (n, frame) in frames.iter().enumerate() {
        let n = n as f64;
        let expected = if n < 2_000.0 {
            1.0 - 0.5 * ((n - 699.0) / 480.0).clamp(0.0, 1.0)
        } else if n < 2_240.0 {
            0.5 - 0.5 * (n - 1_999.0) / 480.0
        } else {
            0.25 + 0.75 * ((n - 2_239.0) / 480.0).min(1.0)
        };
        assert!((f64::from(frame[0]) - expected).abs() < 1e-6, "frame {n}: {}", frame[0]);
    }
}

#[test]
fn stop_and_length_end_a_voice_on_the_exact_frame() {
    let mut mixer = Mixer::new(AirFrame(0));
    let mut short = start(1, 10, Constant(0.5));
    short.length = Some(1_501);
    mixer.command(Command::Start(short)).unwrap();
    mixer.command(Command::Start(start(2, 0, Constant(0.25)))).unwrap();
    mixer.command(Command::Stop { voice: 2, at: AirFrame(481) }).unwrap();
    let (frames, events) = render(&mut mixer, 4);
    for (n, frame) in frames.iter().enumerate() {
        let expected =
            if (10..1_511).contains(&n) { 0.5 } else { 0.0 } + if n < 481 { 0.25 } else { 0.0 };
        assert_eq!(frame[0], expected, "frame {n}");
    }
    assert!(events.contains(&ended(1, 1_511, 1_501, EndCause::LengthReached)));
    assert!(events.contains(&ended(2, 481, 481, EndCause::Stopped)));
}

#[test]
fn voice_that_is_stopped_before_it_starts_is_never_heard() {
    let mut mixer = Mixer::new(AirFrame(0));
    mixer.command(Command::Start(start(1, 600, Constant(1.0)))).unwrap();
    mixer.command(Command::Stop { voice: 1, at: AirFrame(500) }).unwrap();
    let (frames, events) = render(&mut mixer, 3);
    assert!(frames.iter().all(|frame| *frame == [0.0; 2]));
    assert_eq!(events, [ended(1, 500, 0, EndCause::Stopped)]);
}

#[test]
fn underrun_is_silence_of_its_length_and_the_voice_lives_on() {
    struct Halting(u32);
    impl grimnir_mix::FrameSource for Halting {
        fn read(&mut self, out: &mut [grimnir_mix::Frame]) -> grimnir_mix::Got {
            self.0 += 1;
            out.fill([1.0; 2]);
            let frames = if self.0 == 2 { 100 } else { out.len() };
            grimnir_mix::Got { frames, state: SourceState::More }
        }
    }
    let mut mixer = Mixer::new(AirFrame(0));
    mixer.command(Command::Start(start(3, 0, Halting(0)))).unwrap();
    mixer.command(Command::Stop { voice: 3, at: AirFrame(1_440) }).unwrap();
    let (frames, events) = render(&mut mixer, 3);
    assert!(frames[..580].iter().all(|f| f[0] == 1.0));
    assert!(frames[580..960].iter().all(|f| f[0] == 0.0));
    assert!(frames[960..].iter().all(|f| f[0] == 1.0));
    let lost = VoiceEvent::Underrun { voice: 3, at: AirFrame(580), frames: 380 };
    assert_eq!(events, [started(3, 0), lost, ended(3, 1_440, 1_060, EndCause::Stopped)]);
}

#[test]
fn failed_source_ends_its_voice_with_the_cause() {
    let mut mixer = Mixer::new(AirFrame(0));
    let source = Script { at_end: SourceState::Failed, ..Script::new(coded(1, 500)) };
    mixer.command(Command::Start(start(1, 0, source))).unwrap();
    let (_, events) = render(&mut mixer, 2);
    assert_eq!(events, [started(1, 0), ended(1, 500, 500, EndCause::SourceFailed)]);
    let finished = mixer.take_finished().expect("handed back");
    assert_eq!(finished.source.failure(), Some("the script says so"));
}

#[test]
fn non_finite_samples_are_zeroed_and_counted() {
    let mut mixer = Mixer::new(AirFrame(0));
    let mut bad = vec![[0.25; 2]; 480];
    bad[3][0] = f32::NAN;
    bad[7] = [f32::INFINITY, f32::NEG_INFINITY];
    mixer.command(Command::Start(start(1, 0, Script::new(bad)))).unwrap();
    let (frames, events) = render(&mut mixer, 1);
    assert_eq!(frames[3], [0.0, 0.25]);
    assert_eq!(frames[7], [0.0; 2]);
    assert_eq!(frames[8], [0.25; 2]);
    assert!(events.contains(&VoiceEvent::NonFinite { voice: 1, count: 3 }));
    for voice in [2, 3] {
        mixer.command(Command::Start(start(voice, 0, Constant(f32::MAX)))).unwrap();
    }
    let (frames, events) = render(&mut mixer, 1);
    assert!(frames.iter().flatten().all(|sample| *sample == 0.0));
    assert!(events.contains(&VoiceEvent::NonFinite { voice: MIX_SUM, count: 960 }));
}

#[test]
fn a_report_counts_what_sounds() {
    let mut mixer = Mixer::new(AirFrame(0));
    mixer.command(Command::Start(start(1, 240, Script::new(vec![[-0.5, 0.25]; 240])))).unwrap();
    let (mut out, mut report) = ([[0.0; 2]; BLOCK], Report::default());
    mixer.render(&mut out, &mut report);
    assert_eq!(report.active_voices, 1);
    assert!(out[..240].iter().all(|frame| *frame == [0.0; 2]));
    assert!(out[240..].iter().all(|frame| *frame == [-0.5, 0.25]));
}

#[test]
fn wrong_commands_are_refused_with_what_was_found() {
    let mut mixer = Mixer::new(AirFrame(0));
    let stop = Command::Stop { voice: 5, at: AirFrame(0) };
    assert_eq!(mixer.command(stop), Err(MixError::UnknownVoice { voice: 5 }));
    mixer.command(Command::Start(start(1, 0, Silence))).unwrap();
    let again = Command::Start(start(1, 0, Silence));
    assert_eq!(mixer.command(again), Err(MixError::VoiceExists { voice: 1 }));
    let gain = Command::SetGain { voice: 1, at: AirFrame(0), gain: -1.0 };
    assert_eq!(mixer.command(gain), Err(MixError::Gain { voice: 1, gain: -1.0 }));
    let fade = fade_out(1, 0, -5, FadeCurve::Linear);
    let refused = MixError::Frames { voice: 1, what: "fade-out", frames: -5 };
    assert_eq!(mixer.command(fade), Err(refused));
    for voice in 2..=MAX_VOICES as u64 {
        mixer.command(Command::Start(start(voice, 0, Silence))).unwrap();
    }
    let more = Command::Start(start(99, 0, Silence));
    assert_eq!(mixer.command(more), Err(MixError::TooManyVoices { voice: 99 }));
    for _ in 0..4 {
        mixer.command(fade_out(1, 0, 4_800, FadeCurve::Linear)).unwrap();
    }
    let fifth = mixer.command(fade_out(1, 0, 4_800, FadeCurve::Linear));
    assert!(matches!(fifth, Err(MixError::TooManyCommands { voice: 1, limit: 4, .. })));
}

#[test]
fn refused_and_ended_voices_are_handed_back_and_never_pile_up() {
    let mut mixer = Mixer::new(AirFrame(0));
    let mut refused = 0;
    for voice in 0..500 {
        let one = start(voice, i64::MIN, Script::new(vec![[0.1; 2]; 5]));
        refused += u32::from(mixer.command(Command::Start(one)).is_err());
        render(&mut mixer, 1);
    }
    assert!(refused > 0);
    let mut handed_back = 0;
    while mixer.take_finished().is_some() {
        handed_back += 1;
    }
    assert!((1..=65).contains(&handed_back), "{handed_back}");
    mixer.command(Command::Start(start(1_000, 0, Silence))).unwrap();
}

#[test]
fn cancel_removes_what_has_not_begun_and_nothing_else() {
    let mut mixer = Mixer::new(AirFrame(0));
    mixer.command(Command::Start(start(1, 0, Constant(0.5)))).unwrap();
    mixer.command(Command::Start(start(2, 960, Constant(0.5)))).unwrap();
    render(&mut mixer, 1);
    mixer.command(fade_out(1, 900, 480, FadeCurve::Linear)).unwrap();
    assert!(mixer.cancel(2));
    assert!(!mixer.cancel(1));
    assert!(!mixer.cancel(7));
    let (frames, events) = render(&mut mixer, 4);
    assert!(frames.iter().all(|frame| frame[0] == 0.5));
    assert_eq!(events, []);
    assert_eq!(mixer.take_finished().expect("handed back").voice, 2);
}

#[test]
fn timeline_moves_on_after_a_stall_and_never_back() {
    let mut mixer = Mixer::new(AirFrame(0));
    mixer.command(Command::Start(start(1, 0, Script::new(coded(1, 2_000))))).unwrap();
    mixer.command(Command::Start(start(2, 50_000, Constant(0.0)))).unwrap();
    mixer.command(fade_out(1, 60_000, 480, FadeCurve::Linear)).unwrap();
    let (before, _) = render(&mut mixer, 1);
    mixer.jump(AirFrame(96_000));
    mixer.jump(AirFrame(10));
    assert_eq!(mixer.position(), AirFrame(96_000));
    let (after, events) = render(&mut mixer, 1);
    assert_eq!(before, coded(1, 2_000)[..480]);
    // The source goes on where it stood; the planned fade begins with the first frame.
    let expected = coded(1, 2_000)[600][0] * (1.0 - 120.0 / 480.0);
    assert!((after[120][0] - expected).abs() < 1e-6);
    assert_eq!(events, [ended(1, 96_480, 960, EndCause::FadedOut), started(2, 96_000)]);
}

#[test]
fn same_commands_give_the_same_bits() {
    let run = || {
        let mut mixer = Mixer::new(AirFrame(123));
        for voice in 0..8 {
            let mut one = start(voice, 100 * voice as i64, Script::new(coded(voice as u32, 9_000)));
            one.gain = 0.1 + 0.07 * voice as f32;
            one.fade_in = 1_000 * voice as i64;
            mixer.command(Command::Start(one)).unwrap();
            let (at, curve) = (3_000 + 77 * voice as i64, FadeCurve::EqualPower);
            mixer.command(fade_out(voice, at, 4_000, curve)).unwrap();
        }
        render(&mut mixer, 40).0.iter().flatten().map(|s| s.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn clip_plays_once_or_for_ever() {
    let clip = grimnir_mix::Clip(coded(5, 1_000).into());
    let (frames, state) = drain(&mut clip.source(), 333);
    assert_eq!((frames, state), (coded(5, 1_000), SourceState::Ended));
    let mut looping = clip.source().looping().from_frame(990);
    let mut out = vec![[0.0; 2]; 2_010];
    let got = grimnir_mix::FrameSource::read(&mut looping, &mut out);
    assert_eq!((got.frames, got.state), (2_010, SourceState::More));
    assert_eq!(out[10..1_010], coded(5, 1_000));
    assert_eq!(out[1_010..], coded(5, 1_000));
}
