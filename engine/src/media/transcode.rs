//! `transcode`: a file that symphonia does not decode exactly becomes a FLAC play copy.
//!
//! GStreamer decodes untrusted bytes here, in a process of its own with bounds on memory, time and
//! length: its crash is a refused file, nothing more.

use super::limits;
use crate::output::codec::failure_of;
use grimnir_engine_proto::report::AnalysisRefusal;
use grimnir_events::analysis::FailureKind;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// Longest time by the clock.
const TIME: gst::ClockTime = gst::ClockTime::from_seconds(560);

/// Runs the command: exit code 0, or 2 and a refusal.
pub fn print(file: &Path, out: &Path) -> ExitCode {
    match limits::set().and_then(|()| limits::die_with_parent()).and_then(|()| transcode(file, out))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = std::fs::remove_file(out);
            refuse(FailureKind::Refused, error)
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

fn transcode(file: &Path, out: &Path) -> Result<(), String> {
    gst::init().map_err(|e| format!("GStreamer: {e}"))?;
    let pipeline = build(file, out)?;
    let bus = pipeline.bus().ok_or("pipeline has no bus")?;
    pipeline.set_state(gst::State::Playing).map_err(|_| first_error(&bus))?;
    let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus.timed_pop_filtered(TIME, &wanted);
    let result = match message.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Eos(_)) => Ok(()),
        Some(gst::MessageView::Error(error)) => Err(error.error().to_string()),
        _ => Err(format!("decoding took longer than {TIME}")),
    };
    let _ = pipeline.set_state(gst::State::Null);
    result
}

fn first_error(bus: &gst::Bus) -> String {
    failure_of(bus).unwrap_or_else(|| "the file cannot be opened by a decoder".into())
}

fn build(file: &Path, out: &Path) -> Result<gst::Pipeline, String> {
    let make = |name: &str| {
        gst::ElementFactory::make(name).build().map_err(|_| format!("GStreamer has no {name}"))
    };
    let source = make("filesrc")?;
    source.set_property("location", file.to_string_lossy().as_ref());
    let decode = make("decodebin")?;
    let audio_only = gst::Caps::builder("audio/x-raw").any_features().build();
    decode.set_property("caps", &audio_only);
    decode.set_property("expose-all-streams", false);
    let (convert, resample) = (make("audioconvert")?, make("audioresample")?);
    let caps = gst::Caps::builder("audio/x-raw")
        .field("format", "S24LE")
        .field("rate", 48_000)
        .field("channels", 2)
        .build();
    let filter = make("capsfilter")?;
    filter.set_property("caps", &caps);
    let (encode, sink) = (make("flacenc")?, make("filesink")?);
    sink.set_property("location", out.to_string_lossy().as_ref());
    let pipeline = gst::Pipeline::new();
    let tail = [&convert, &resample, &filter, &encode, &sink];
    pipeline.add_many([&source, &decode]).map_err(|e| e.to_string())?;
    pipeline.add_many(tail).map_err(|e| e.to_string())?;
    gst::Element::link_many(tail).map_err(|e| e.to_string())?;
    source.link(&decode).map_err(|e| e.to_string())?;
    let linked = Arc::new(Mutex::new(false));
    let into = convert.static_pad("sink").ok_or("audioconvert has no pad")?;
    decode.connect_pad_added(move |_, pad| {
        let mut linked = linked.lock().unwrap_or_else(PoisonError::into_inner);
        let audio = pad.current_caps().or_else(|| Some(pad.query_caps(None)));
        let audio = audio
            .and_then(|caps| caps.structure(0).map(|s| s.name().starts_with("audio/x-raw")))
            .unwrap_or(false);
        // The first audio stream plays; others of the file do not.
        if audio && !*linked {
            *linked = pad.link(&into).is_ok();
        }
    });
    Ok(pipeline)
}
