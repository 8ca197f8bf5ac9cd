//! A decoder process for what only a decoder in C makes: Opus and HE-AAC, by GStreamer.
//!
//! Bytes go in at its standard input, frames come out at its standard output. It has a reduced
//! environment, a bound on its memory, and dies with the engine; its crash is the end of one
//! source, nothing more.

use super::pump::{FRAME_BYTES, Incoming, Sink, take_frames};
use crate::confine::{self, Needs};
use crate::media::decoding::{Sound, element, pipeline};
use crate::media::limits;
use grimnir_engine_proto::bounds;
use grimnir_mix::Frame;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

/// A decoder that gives nothing for so long is stuck: whoever sends nothing is gone before. It is
/// longer than the harbor waits for bytes.
const STILL: Duration = Duration::from_secs(15);
/// How it ended is looked for so often, with so much between: half a second.
const END_LOOKS: u32 = 50;
const END_LOOK: Duration = Duration::from_millis(10);

/// Decodes what comes; answers why it ended where that was not by the sender.
pub(super) fn run(incoming: Incoming, sink: &mut dyn Sink) -> Result<(), String> {
    decoded_by(start()?, incoming, sink, STILL)
}

/// The same, by this process, which is not to be still for longer.
fn decoded_by(
    mut child: Child,
    incoming: Incoming,
    sink: &mut dyn Sink,
    patience: Duration,
) -> Result<(), String> {
    let (Some(input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("the decoder process has no pipes".into());
    };
    let fed = std::thread::Builder::new()
        .name("live-bytes".into())
        .spawn(move || feed(incoming, input))
        .map_err(|e| format!("thread of the decoder process: {e}"));
    let fed = match fed {
        Ok(fed) => fed,
        Err(reason) => {
            stop(&mut child);
            return Err(reason);
        }
    };
    let mut bytes = vec![0u8; 480 * FRAME_BYTES];
    let (mut held, mut frames) = (Vec::new(), Vec::<Frame>::new());
    let mut still = false;
    loop {
        if !speaks_within(&output, patience) {
            still = true;
            break;
        }
        let Ok(count @ 1..) = output.read(&mut bytes) else { break };
        held.extend_from_slice(&bytes[..count]);
        take_frames(&mut held, &mut frames);
        sink.take(&mut frames);
    }
    drop(output);
    let ended = if still { None } else { end_of(&mut child) };
    stop(&mut child);
    if still {
        let _ = fed.join();
        return Err(format!("its decoder gave no sound for {} s", patience.as_secs()));
    }
    let _ = fed.join();
    match ended {
        Some(status) if !status.success() => {
            Err(format!("the decoder process ended with {status}"))
        }
        _ => Ok(()),
    }
}

/// How it ended; its output is closed a moment before it is known.
fn end_of(child: &mut Child) -> Option<ExitStatus> {
    for _ in 0..END_LOOKS {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(END_LOOK),
            Ok(ended) => return ended,
            Err(_) => return None,
        }
    }
    None
}

/// Something can be read, or it has ended; false where neither is so for a while.
fn speaks_within(output: &impl AsFd, time: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: 0 };
    let mut asked = [PollFd::new(output, PollFlags::IN)];
    poll(&mut asked, Some(&time)) != Ok(0)
}

fn start() -> Result<Child, String> {
    let program = std::env::current_exe().map_err(|e| format!("own program: {e}"))?;
    Command::new(program)
        .arg("decode")
        .env_clear()
        .envs(bounds::environment())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("the decoder process cannot start: {e}"))
}

/// Ends the process and takes its end, so that nothing of it is left.
fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn feed(mut incoming: Incoming, mut input: ChildStdin) {
    while let Some(bytes) = incoming.next() {
        if input.write_all(&bytes).is_err() {
            return;
        }
    }
}

/// Runs the command `decode`: standard input to standard output.
pub fn decode() -> ExitCode {
    match limits::set_for_stream().and_then(|()| limits::die_with_parent()).and_then(|()| play()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn play() -> Result<(), String> {
    gst::init().map_err(|e| format!("GStreamer: {e}"))?;
    confine::process(&Needs::default())?;
    let pipeline = build()?;
    let bus = pipeline.bus().ok_or("pipeline has no bus")?;
    pipeline.set_state(gst::State::Playing).map_err(|e| e.to_string())?;
    let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus.timed_pop_filtered(gst::ClockTime::NONE, &wanted);
    let result = match message.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Error(error)) => Err(error.error().to_string()),
        _ => Ok(()),
    };
    let _ = pipeline.set_state(gst::State::Null);
    result
}

fn build() -> Result<gst::Pipeline, String> {
    let (source, sink) = (element("fdsrc")?, element("fdsink")?);
    source.set_property("fd", 0i32);
    sink.set_property("fd", 1i32);
    // Who reads sets the time.
    sink.set_property("sync", false);
    Ok(pipeline(&source, Sound::Newest, "F32LE", &[sink])?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use tokio::sync::mpsc::channel;

    struct Nowhere;

    impl Sink for Nowhere {
        fn take(&mut self, _: &mut [Frame]) {}
    }

    /// What becomes of somebody who sends and sends, where this is the decoder.
    fn outcome(decoder: &str, patience_ms: u64) -> Result<(), String> {
        let (tx, rx) = channel(1);
        let sender =
            std::thread::spawn(
                move || while tx.blocking_send(Bytes::from_static(&[0; 999])).is_ok() {},
            );
        let mut command = Command::new("sh");
        command.args(["-c", decoder]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = command.spawn().expect("starts");
        let patience = Duration::from_millis(patience_ms);
        let outcome = decoded_by(child, Incoming::plain(rx), &mut Nowhere, patience);
        sender.join().expect("nobody takes it any more");
        outcome
    }

    #[test]
    fn a_decoder_that_is_stuck_or_crashes_ends_the_source_with_its_reason() {
        let stuck = outcome("exec tail -f /dev/null", 90);
        assert_eq!(stuck, Err("its decoder gave no sound for 0 s".into()));
        let crashed = outcome("kill -SEGV $$", 20_000).expect_err("it crashed");
        assert!(crashed.starts_with("the decoder process ended with signal: 11"), "{crashed}");
        assert_eq!(outcome("head -c 80000", 20_000), Ok(()), "it has had enough");
    }
}
