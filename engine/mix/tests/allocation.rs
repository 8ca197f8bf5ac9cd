//! Rendering takes no memory and frees none: counted by the allocator itself.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;
#[path = "support/memory.rs"]
mod memory;

use grimnir_mix::tone::Tone;
use grimnir_mix::{
    AirFrame, BLOCK, Clip, Command, FadeCurve, FrameSource, Limiter, Mixer, Report, Silence,
    sum_with_ceiling,
};
use support::{coded, fade_out, start};

#[test]
fn rendering_and_commanding_neither_allocate_nor_free() {
    let clip = Clip(coded(1, 20_000).into());
    let mut starts = Vec::new();
    for voice in 0..16_u64 {
        let at = voice as i64 * 701;
        let mut one = if voice % 2 == 0 {
            start(voice, at, clip.source())
        } else {
            start(voice, at, Tone::new(500.0, -20.0))
        };
        one.fade_in = 3_000;
        one.length = Some(40_000);
        starts.push(one);
    }
    let refused = start(99, 0, Silence);
    let mut mixer = Mixer::new(AirFrame(0));
    let mut limiter = Limiter::new();
    let (mut out, mut report) = ([[0.0; 2]; BLOCK], Report::new());
    let over = [[0.5; 2]; BLOCK];

    let before = memory::calls();
    for one in starts.drain(..) {
        mixer.command(Command::Start(one)).unwrap();
    }
    assert!(mixer.command(Command::Start(refused)).is_err());
    for voice in 0..16 {
        mixer.command(fade_out(voice, 15_000, 9_000, FadeCurve::EqualPower)).unwrap();
        let set = Command::SetGain { voice, at: AirFrame(9_999), gain: f32::MAX };
        mixer.command(set).unwrap();
    }
    let mut ended = 0;
    for _ in 0..200 {
        mixer.render(&mut out, &mut report);
        ended += report.events.len();
        limiter.process(&mut out);
        sum_with_ceiling(&mut out, &over, limiter.ceiling());
    }
    let calls = memory::calls() - before;

    assert_eq!(calls, 0, "calls of the allocator");
    assert!(ended >= 32, "all voices came and went");
    assert!(mixer.take_finished().is_some());
}

#[test]
fn reading_a_live_input_neither_allocates_nor_frees() {
    let (mut feed, tap) = grimnir_mix::live::live(4_800);
    let sound = coded(3, 9_600);
    feed.push(&sound);
    let mut source = tap.source();
    let mut out = [[0.0; 2]; BLOCK];

    let before = memory::calls();
    let mut frames = 0;
    for _ in 0..30 {
        frames += source.read(&mut out).frames;
        feed.push(&sound[..100]);
        feed.park(480);
    }
    let calls = memory::calls() - before;

    assert_eq!(calls, 0, "calls of the allocator");
    // Who begins to read lets go of what is beyond the wanted fill of 4,800 frames, and 100 more
    // come with each read: nearly 13 reads of a block.
    assert!((5_760..=6_240).contains(&frames), "{frames} frames, then short");
    assert!(tap.underruns() > 0);
}
