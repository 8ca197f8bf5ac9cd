//! The process of a line: GStreamer takes packets and streams apart, decodes them, and fills what
//! was lost on the way with silence, so that time goes on.
//!
//! It has the network (UDP), a bound on its memory, an end with the engine's, and no file. One
//! sender is one run of it: it ends when the sender does, and another is started.

use super::Task;
use crate::confine::{self, Needs};
use crate::media::limits;
use grimnir_events::line::{LiveLine, RtpSound};
use grimnir_events::live::secret_digest;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::process::ExitCode;

/// Said of a caller whose stream id is wrong.
pub(super) const TURNED_AWAY: &str = "turned away";
/// Packets that have not come for so long, in nanoseconds: 3 s; whoever sends then begins anew.
const SILENT_NS: u64 = 3_000_000_000;
/// Bytes of packets that the kernel may hold.
const RECEIVE_BYTES: i32 = 1 << 20;

/// Runs the command `line`.
pub fn command(task: &str) -> ExitCode {
    let ready = limits::set_for_stream().and_then(|()| limits::die_with_parent());
    let task = ready.and_then(|()| serde_json::from_str(task).map_err(|e| e.to_string()));
    match task.and_then(|task| play(&task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{}", reason.replace('\n', " "));
            ExitCode::from(2)
        }
    }
}

/// What a connection says that it sends.
pub(super) fn format_of(line: &LiveLine) -> String {
    match line {
        LiveLine::SrtListener { .. } | LiveLine::SrtCaller { .. } => "srt".into(),
        LiveLine::Rtp { sound: RtpSound::Opus, .. } => "opus".into(),
        LiveLine::Rtp { sound: RtpSound::MpegAudio, .. } => "mpeg audio".into(),
        LiveLine::Rtp { sound: RtpSound::MpegTs, .. } => "mpeg-ts".into(),
        LiveLine::Rtp { sound: RtpSound::L16 { rate, channels }, .. } => {
            format!("l16 {rate} Hz {channels} ch")
        }
    }
}

fn play(task: &Task) -> Result<(), String> {
    gst::init().map_err(|e| format!("GStreamer: {e}"))?;
    confine::process(&Needs { network: true, ..Needs::default() })?;
    let text = format!(
        "{} ! audioconvert ! audioresample ! audio/x-raw,format=F32LE,layout=interleaved,\
         rate=48000,channels=2 ! audiorate skip-to-first=true tolerance=40000000 \
         ! fdsink name=out fd=1 sync=false",
        source(&task.line)
    );
    let pipeline = gst::parse::launch(&text).map_err(|error| error.to_string())?;
    let bin = pipeline.clone().downcast::<gst::Bin>().map_err(|_| "no pipeline".to_owned())?;
    let named = bin.by_name("in").ok_or("no element of the network")?;
    set(&named, task);
    let bus = pipeline.bus().ok_or("no bus")?;
    let begun = pipeline.set_state(gst::State::Playing);
    let wanted = [gst::MessageType::Eos, gst::MessageType::Error, gst::MessageType::Element];
    let result = loop {
        if begun.is_err() {
            break Err(crate::output::codec::failure_of(&bus).unwrap_or("it cannot begin".into()));
        }
        let message = bus.timed_pop_filtered(gst::ClockTime::NONE, &wanted);
        match message.as_ref().map(|message| message.view()) {
            Some(gst::MessageView::Error(error)) => break Err(error.error().to_string()),
            Some(gst::MessageView::Element(element)) => {
                let silent = element.structure().is_some_and(|s| s.name() == "GstUDPSrcTimeout");
                // Before the first packet there is nothing to begin anew.
                if silent && has_played(&bin) {
                    break Ok(());
                }
            }
            _ => break Ok(()),
        }
    };
    let _ = pipeline.set_state(gst::State::Null);
    result
}

fn has_played(bin: &gst::Bin) -> bool {
    bin.by_name("out").is_some_and(|out| out.query_position::<gst::ClockTime>().is_some())
}

/// The pipeline up to raw sound. What it is made of besides is set by [`set`], not by text.
fn source(line: &LiveLine) -> String {
    let LiveLine::Rtp { sound, latency_ms, .. } = line else {
        return "srtsrc name=in keep-listening=false ! decodebin".into();
    };
    let (media, clock, name, depay) = match sound {
        RtpSound::Opus => ("audio", 48_000, "OPUS", "rtpopusdepay ! opusdec plc=true"),
        RtpSound::MpegAudio => ("audio", 90_000, "MPA", "rtpmpadepay ! decodebin"),
        RtpSound::MpegTs => ("video", 90_000, "MP2T", "rtpmp2tdepay ! decodebin"),
        RtpSound::L16 { rate, .. } => ("audio", *rate, "L16", "rtpL16depay"),
    };
    let channels = match sound {
        RtpSound::L16 { channels, .. } => format!(",channels={channels}"),
        RtpSound::Opus | RtpSound::MpegAudio | RtpSound::MpegTs => String::new(),
    };
    format!(
        "udpsrc name=in timeout={SILENT_NS} buffer-size={RECEIVE_BYTES} caps=\"application/x-rtp,\
         media={media},clock-rate={clock},encoding-name={name}{channels}\" \
         ! rtpjitterbuffer latency={latency_ms} do-lost=true ! {depay}"
    )
}

/// Names, ports and passwords: what comes from a person is never part of a pipeline's text.
fn set(source: &gst::Element, task: &Task) {
    let millis = |latency: u32| i32::try_from(latency).unwrap_or(i32::MAX);
    match &task.line {
        LiveLine::SrtListener { address, port, latency_ms } => {
            source.set_property_from_str("mode", "listener");
            source.set_property("localaddress", address);
            source.set_property("localport", u32::from(*port));
            source.set_property("latency", millis(*latency_ms));
            source.set_property("authentication", true);
            let (session, digest) = (task.session_id, task.digest);
            source.connect("caller-connecting", false, move |values| {
                let told = values.get(2).and_then(|value| value.get::<Option<String>>().ok());
                let told = told.flatten().unwrap_or_default();
                let found = secret_digest(session, &told);
                let differing = found.0.iter().zip(digest.0).fold(0, |sum, (a, b)| sum | (a ^ b));
                if differing != 0 {
                    eprintln!("{TURNED_AWAY}");
                }
                Some((differing == 0).to_value())
            });
        }
        LiveLine::SrtCaller { host, port, stream_id, latency_ms } => {
            let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
            source.set_property("uri", format!("srt://{host}:{port}"));
            source.set_property_from_str("mode", "caller");
            source.set_property("latency", millis(*latency_ms));
            // Called again by a process that begins anew, and not in vain for ever.
            source.set_property("auto-reconnect", false);
            if !stream_id.is_empty() {
                source.set_property("streamid", stream_id);
            }
        }
        LiveLine::Rtp { address, port, .. } => {
            source.set_property("address", address);
            source.set_property("port", i32::from(*port));
        }
    }
}
