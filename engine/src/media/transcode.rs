//! `transcode`: a file that symphonia does not decode exactly becomes a FLAC play copy.
//!
//! GStreamer decodes untrusted bytes here, in a process of its own with bounds on memory, time and
//! length: its crash is a refused file, nothing more.

use super::decoding::{Sound, element, pipeline};
use super::limits;
use crate::air::clock::{cpu_ns, monotonic_ns};
use crate::confine::{self, Needs, Reads};
use crate::output::codec::failure_of;
use grimnir_engine_proto::bounds;
use grimnir_engine_proto::report::AnalysisRefusal;
use grimnir_events::analysis::FailureKind;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the machine may keep it waiting, beside its CPU time.
const WAITS_S: u64 = 20;
/// How often it is looked at.
const LOOK: gst::ClockTime = gst::ClockTime::from_mseconds(250);
/// A pipeline that reads nothing, makes nothing and computes nothing for so long waits for nothing:
/// GStreamer loses an element's error that comes while its pads are being joined.
const STILL_NS: i64 = 10_000_000_000;
/// Looking takes less CPU time than this in that time; decoding takes more.
const IDLE_NS: i64 = 50_000_000;
/// Bytes of a frame: twice 24 bits.
const FRAME_BYTES: u64 = 6;

/// Runs the command: exit code 0, or 2 and a refusal.
pub fn print(file: &Path, out: &Path) -> ExitCode {
    let ready = limits::set(file).and_then(|()| limits::die_with_parent());
    match ready.map_err(refused).and_then(|()| transcode(file, out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err((kind, error)) => {
            let _ = std::fs::remove_file(out);
            refuse(kind, error)
        }
    }
}

/// Prints a refusal; exit code 2.
pub fn refuse(kind: FailureKind, error: String) -> ExitCode {
    match serde_json::to_string(&AnalysisRefusal { error, kind }) {
        Ok(line) => println!("{line}"),
        Err(error) => eprintln!("refusal cannot be printed: {error}"),
    }
    ExitCode::from(2)
}

/// What is wrong with a file.
type Refused = (FailureKind, String);

fn refused(reason: String) -> Refused {
    (FailureKind::Refused, reason)
}

fn transcode(file: &Path, out: &Path) -> Result<(), Refused> {
    gst::init().map_err(|e| refused(format!("GStreamer: {e}")))?;
    let size = std::fs::metadata(file).map_or(0, |data| data.len());
    std::fs::File::create(out).map_err(|e| refused(format!("{}: {e}", out.display())))?;
    let (reads, writes) = (Reads::File(file.to_owned()), vec![out.to_owned()]);
    confine::process(&Needs { reads, writes, ..Needs::default() }).map_err(refused)?;
    let (pipeline, watch) = build(file, out).map_err(refused)?;
    let bus = pipeline.bus().ok_or_else(|| refused("pipeline has no bus".into()))?;
    pipeline.set_state(gst::State::Playing).map_err(|_| refused(first_error(&bus)))?;
    let result = watch.until_over(&bus, size);
    match result {
        Ok(()) => drop(pipeline.set_state(gst::State::Null)),
        // What is stuck may not let itself be stopped, and the process ends now.
        Err(_) => std::mem::forget(pipeline),
    }
    result
}

/// What has passed through a pipeline.
#[derive(Clone, Default)]
struct Watch {
    read: Arc<AtomicU64>,
    made: Arc<AtomicU64>,
}

impl Watch {
    /// Counts what leaves an element.
    fn count(element: &gst::Element, into: &Arc<AtomicU64>) -> Result<(), String> {
        let into = into.clone();
        let pad = element.static_pad("src").ok_or("an element has no source pad")?;
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            into.fetch_add(info.buffer().map_or(0, |b| b.size() as u64), Ordering::Relaxed);
            gst::PadProbeReturn::Ok
        });
        Ok(())
    }

    /// Bytes read and frames made.
    fn state(&self) -> (u64, u64) {
        let frames = self.made.load(Ordering::Relaxed) / FRAME_BYTES;
        (self.read.load(Ordering::Relaxed), frames)
    }

    /// Waits for the end of a file of `size` bytes.
    fn until_over(&self, bus: &gst::Bus, size: u64) -> Result<(), Refused> {
        let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
        let (began, time_s) = (monotonic_ns(), bounds::cpu_seconds(size) + WAITS_S);
        let (mut seen, mut since, mut used) = (self.state(), began, cpu_ns());
        loop {
            match bus.timed_pop_filtered(LOOK, &wanted).as_ref().map(|message| message.view()) {
                Some(gst::MessageView::Error(error)) => {
                    return Err(refused(error.error().to_string()));
                }
                Some(_) => return Ok(()),
                None => {}
            }
            let ((read, made), now) = (self.state(), monotonic_ns());
            bounds::held(made / 48_000, size).map_err(refused)?;
            if now - began > time_s as i64 * 1_000_000_000 {
                let told = format!("decoding took longer than {time_s} s");
                return Err((FailureKind::TimedOut, told));
            }
            if (read, made) != seen || cpu_ns() - used > IDLE_NS {
                (seen, since, used) = ((read, made), now, cpu_ns());
            } else if now - since > STILL_NS {
                let seconds = STILL_NS / 1_000_000_000;
                let told = format!(
                    "its decoder stood still for {seconds} s after {read} bytes and {made} frames"
                );
                return Err((FailureKind::TimedOut, told));
            }
        }
    }
}

fn first_error(bus: &gst::Bus) -> String {
    failure_of(bus).unwrap_or_else(|| "the file cannot be opened by a decoder".into())
}

fn build(file: &Path, out: &Path) -> Result<(gst::Pipeline, Watch), String> {
    let (source, encode, sink) = (element("filesrc")?, element("flacenc")?, element("filesink")?);
    source.set_property("location", file.to_string_lossy().as_ref());
    sink.set_property("location", out.to_string_lossy().as_ref());
    let (pipeline, decoded) = pipeline(&source, Sound::First, "S24LE", &[encode, sink])?;
    let watch = Watch::default();
    Watch::count(&source, &watch.read)?;
    Watch::count(&decoded, &watch.made)?;
    Ok((pipeline, watch))
}
