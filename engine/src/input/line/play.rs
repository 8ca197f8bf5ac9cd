//! The process of a line: GStreamer takes packets and streams apart, decodes them, and fills what
//! was lost on the way with silence, so that time goes on.
//!
//! It has the network (UDP), a bound on its memory, an end with the engine's, and no file. One
//! sender is one run of it: it ends when the sender does, and another is started.

use super::{Task, times};
use crate::confine::{self, Needs};
use crate::media::limits;
use grimnir_events::line::{LiveLine, RtpSound};
use grimnir_events::live::secret_digest;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::io::Read;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Frames as the engine takes them.
const FRAMES: &str = "audio/x-raw,format=F32LE,layout=interleaved";
/// Said of a caller whose stream id is wrong.
pub(super) const TURNED_AWAY: &str = "turned away";
/// Said of a caller who asked and was not let in: its passphrase is another, or it has none.
pub(super) const OTHER_KEY: &str = "another passphrase";
/// Said of a listener that was called and did not answer.
pub(super) const IN_VAIN: &str = "called in vain";
/// Longest passphrase that is read.
const PASSPHRASE_BYTES: u64 = 200;
/// Who asks and has the passphrase is in by then.
const ANSWERED: Duration = Duration::from_secs(1);
/// How often it is looked whether they are.
const LOOK: gst::ClockTime = gst::ClockTime::from_mseconds(250);
/// Packets that have not come for so long, in nanoseconds: 3 s; whoever sends then begins anew.
const SILENT_NS: u64 = 3_000_000_000;
/// Bytes of packets that the kernel may hold.
const RECEIVE_BYTES: i32 = 1 << 20;

/// Runs the command `line`.
pub fn command(task: &str) -> ExitCode {
    let ready = limits::set_for_stream().and_then(|()| limits::die_with_parent());
    let task = ready.and_then(|()| serde_json::from_str(task).map_err(|e| e.to_string()));
    match task.and_then(|mut task| play(&mut task)) {
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
        LiveLine::SrtListener { .. }
        | LiveLine::SrtCaller { .. }
        | LiveLine::EncryptedSrtListener { .. }
        | LiveLine::EncryptedSrtCaller { .. } => "srt".into(),
        LiveLine::Rtp { sound: RtpSound::Opus, .. } => "opus".into(),
        LiveLine::Rtp { sound: RtpSound::MpegAudio, .. } => "mpeg audio".into(),
        LiveLine::Rtp { sound: RtpSound::MpegTs, .. } => "mpeg-ts".into(),
        LiveLine::Rtp { sound: RtpSound::L16 { rate, channels }, .. } => {
            format!("l16 {rate} Hz {channels} ch")
        }
    }
}

fn play(task: &mut Task) -> Result<(), String> {
    if task.line.passphrase().is_some() {
        task.passphrase = Some(told()?);
    }
    gst::init().map_err(|e| format!("GStreamer: {e}"))?;
    confine::process(&Needs { network: true, ..Needs::default() })?;
    let text = format!(
        "{} ! audioconvert ! {FRAMES} ! audiorate skip-to-first=true tolerance={} \
         ! audioconvert ! audioresample ! {FRAMES},rate=48000,channels=2 \
         ! fdsink name=out fd=1 sync=false",
        source(&task.line),
        tolerance_ns(&task.line),
    );
    let pipeline = gst::parse::launch(&text).map_err(|error| error.to_string())?;
    let bin = pipeline.clone().downcast::<gst::Bin>().map_err(|_| "no pipeline".to_owned())?;
    let named = bin.by_name("in").ok_or("no element of the network")?;
    if let (LiveLine::Rtp { sound, .. }, Some(order)) = (&task.line, bin.by_name("order")) {
        take_any_number(&order, &packets(sound))?;
        if let Some(rate) = rate_of_stamps(&task.line) {
            times::by_sender(&order, rate)?;
        }
    }
    times::of_streams(&bin);
    let asked = Asked::default();
    set(&named, task, &asked);
    let bus = pipeline.bus().ok_or("no bus")?;
    let result = match pipeline.set_state(gst::State::Playing) {
        Ok(_) => watch(&bus, &bin, &asked),
        Err(_) => Err(crate::output::codec::failure_of(&bus).unwrap_or("it cannot begin".into())),
    };
    let in_vain = matches!(task.line, LiveLine::EncryptedSrtCaller { .. }) && !has_played(&bin);
    let _ = pipeline.set_state(gst::State::Null);
    // Who is called says nothing of why it does not answer.
    if in_vain { result.map_err(|_| IN_VAIN.to_owned()) } else { result }
}

/// The passphrase, as it is told over standard input.
fn told() -> Result<String, String> {
    let mut text = String::new();
    let read = std::io::stdin().take(PASSPHRASE_BYTES).read_to_string(&mut text);
    read.map(|_| text).map_err(|error| format!("the passphrase cannot be read: {error}"))
}

/// Waits for the end, and tells of callers that ask and are not let in.
fn watch(bus: &gst::Bus, bin: &gst::Bin, asked: &Asked) -> Result<(), String> {
    let wanted = [gst::MessageType::Eos, gst::MessageType::Error, gst::MessageType::Element];
    loop {
        let mut asks = asked.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*asks, Asks::Since(since) if since.elapsed() > ANSWERED) {
            *asks = Asks::Nobody;
            eprintln!("{OTHER_KEY}");
        }
        drop(asks);
        let Some(message) = bus.timed_pop_filtered(LOOK, &wanted) else { continue };
        match message.view() {
            gst::MessageView::Error(error) => return Err(error.error().to_string()),
            gst::MessageView::Element(element) => {
                let silent = element.structure().is_some_and(|s| s.name() == "GstUDPSrcTimeout");
                // Before the first packet there is nothing to begin anew.
                if silent && has_played(bin) {
                    return Ok(());
                }
            }
            _ => return Ok(()),
        }
    }
}

/// Ticks of a second in the stamps of packets that hold nothing but sound.
fn rate_of_stamps(line: &LiveLine) -> Option<u32> {
    let LiveLine::Rtp { sound, .. } = line else { return None };
    match sound {
        RtpSound::Opus => Some(48_000),
        RtpSound::MpegAudio => Some(90_000),
        RtpSound::L16 { rate, .. } => Some(*rate),
        // It has times of its own inside.
        RtpSound::MpegTs => None,
    }
}

/// By how much sound may be beside its time before it is filled or cut. Packets of RTP have their
/// times from the sender, exact to the frame or to the millisecond, and the shortest that are usual
/// hold one. In streams they are rounded.
fn tolerance_ns(line: &LiveLine) -> u64 {
    if rate_of_stamps(line).is_some() { 600_000 } else { 40_000_000 }
}

fn has_played(bin: &gst::Bin) -> bool {
    bin.by_name("out").is_some_and(|out| out.query_position::<gst::ClockTime>().is_some())
}

/// The pipeline up to raw sound. What it is made of besides is set by [`set`], not by text.
fn source(line: &LiveLine) -> String {
    let LiveLine::Rtp { sound, latency_ms, .. } = line else {
        return "srtsrc name=in keep-listening=false ! decodebin".into();
    };
    let depay = match sound {
        RtpSound::Opus => "rtpopusdepay ! opusdec plc=true",
        RtpSound::MpegAudio => "rtpmpadepay ! decodebin",
        RtpSound::MpegTs => "rtpmp2tdepay ! decodebin",
        RtpSound::L16 { .. } => "rtpL16depay",
    };
    let packets = packets(sound);
    format!(
        "udpsrc name=in timeout={SILENT_NS} buffer-size={RECEIVE_BYTES} caps=\"{packets}\" \
         ! rtpjitterbuffer name=order latency={latency_ms} do-lost=true ! {depay}"
    )
}

/// What is in packets, whatever the number that their sender has for it.
fn packets(sound: &RtpSound) -> String {
    let (media, clock, name) = match sound {
        RtpSound::Opus => ("audio", 48_000, "OPUS"),
        RtpSound::MpegAudio => ("audio", 90_000, "MPA"),
        RtpSound::MpegTs => ("video", 90_000, "MP2T"),
        RtpSound::L16 { rate, .. } => ("audio", *rate, "L16"),
    };
    let channels = match sound {
        RtpSound::L16 { channels, .. } => format!(",channels={channels}"),
        RtpSound::Opus | RtpSound::MpegAudio | RtpSound::MpegTs => String::new(),
    };
    format!("application/x-rtp,media={media},clock-rate={clock},encoding-name={name}{channels}")
}

/// Of a number that packets have and that was not expected, the jitter buffer asks what it means.
fn take_any_number(order: &gst::Element, packets: &str) -> Result<(), String> {
    let known: gst::Caps = packets.parse().map_err(|_| format!("no such packets: {packets}"))?;
    order.connect("request-pt-map", false, move |values| {
        let number = values.get(1)?.get::<u32>().ok()?;
        let mut caps = known.clone();
        caps.make_mut().set("payload", i32::try_from(number).ok()?);
        Some(caps.to_value())
    });
    Ok(())
}

/// Who asks to be let in.
#[derive(Default)]
enum Asks {
    /// Nobody.
    #[default]
    Nobody,
    /// Somebody who is not in yet, since then.
    Since(Instant),
    /// Somebody is in, and nobody else can be.
    Answered,
}

type Asked = Arc<Mutex<Asks>>;

/// Names, ports and passwords: what comes from a person is never part of a pipeline's text.
fn set(source: &gst::Element, task: &Task, asked: &Asked) {
    let millis = |latency: u32| i32::try_from(latency).unwrap_or(i32::MAX);
    match task.line.clone().in_the_clear() {
        LiveLine::SrtListener { address, port, latency_ms } => {
            source.set_property_from_str("mode", "listener");
            source.set_property("localaddress", address);
            source.set_property("localport", u32::from(port));
            source.set_property("latency", millis(latency_ms));
            source.set_property("authentication", true);
            match task.passphrase {
                Some(_) => let_in_by_passphrase(source, asked),
                None => let_in_by_stream_id(source, task),
            }
        }
        LiveLine::SrtCaller { host, port, stream_id, latency_ms } => {
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            source.set_property("uri", format!("srt://{host}:{port}"));
            source.set_property_from_str("mode", "caller");
            source.set_property("latency", millis(latency_ms));
            // Called again by a process that begins anew, and not in vain for ever.
            source.set_property("auto-reconnect", false);
            if !stream_id.is_empty() {
                source.set_property("streamid", stream_id);
            }
        }
        LiveLine::Rtp { address, port, .. } => {
            source.set_property("address", address);
            source.set_property("port", i32::from(port));
        }
        // None that is in the clear.
        LiveLine::EncryptedSrtListener { .. } | LiveLine::EncryptedSrtCaller { .. } => {}
    }
    // Last: an address that is set makes it forget all else.
    if let Some(passphrase) = &task.passphrase {
        source.set_property("passphrase", passphrase);
    }
}

fn let_in_by_stream_id(source: &gst::Element, task: &Task) {
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

/// The library turns away who has another passphrase, and says so to nobody: whoever asks is to be
/// in soon.
fn let_in_by_passphrase(source: &gst::Element, asked: &Asked) {
    let (begins, ends) = (asked.clone(), asked.clone());
    source.connect("caller-connecting", false, move |_| {
        let mut asks = begins.lock().unwrap_or_else(PoisonError::into_inner);
        // The first counts: somebody may ask again and again.
        if matches!(*asks, Asks::Nobody) {
            *asks = Asks::Since(Instant::now());
        }
        Some(true.to_value())
    });
    source.connect("caller-added", false, move |_| {
        *ends.lock().unwrap_or_else(PoisonError::into_inner) = Asks::Answered;
        None
    });
}
