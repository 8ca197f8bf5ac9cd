//! A push by SRT: an MPEG transport stream to a listener, which is called again when it is lost.
//!
//! Encoded sound goes through a bounded queue that drops to a thread of its own, and from there
//! into a pipeline of GStreamer that nobody else waits for. Upstream: the shared encoder.

use super::around::Surroundings;
use super::codec::{failure_of, ready};
use super::encoder::EncoderKey;
use super::target::{Encoded, Pulse, Sink, Target};
use bytes::Bytes;
use grimnir_events::AirFrame;
use grimnir_events::output::OFF_AIR;
use grimnir_events::output::{Output, OutputHealth, SrtOutput};
use grimnir_events::station::MountFormat;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Pieces that may wait: 4 s of 24 ms each, as they are where something was ordered, which is less
/// than an SRT receiver gives a line up after; of 144 ms each they are 1 MB of 320 kbit/s.
const QUEUE: usize = 168;
/// Bytes that may wait in the pipeline: 3 s of 320 kbit/s.
const PIPELINE_BYTES: u64 = 128 * 1024;
/// How often the pipeline is asked how it is.
const LOOK: Duration = Duration::from_millis(100);
/// Between two calls at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// After a loss it is degraded for so long.
const LOSSY: Duration = Duration::from_secs(10);

enum Item {
    Begin(Bytes),
    Sound(Encoded),
}

/// An output by SRT.
pub struct Srt {
    key: EncoderKey,
    line: Arc<Line>,
    pulse: Arc<Pulse>,
    on_air: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

/// The encoder's end of the queue.
struct Line {
    tx: SyncSender<Item>,
    pulse: Arc<Pulse>,
    lost: Arc<Mutex<Option<Instant>>>,
}

impl Srt {
    /// One that calls as soon as the station is on air.
    pub fn new(
        output: &Output,
        to: &SrtOutput,
        secret: Option<&str>,
        around: Surroundings,
    ) -> Self {
        let (tx, rx) = sync_channel(QUEUE);
        let pulse = Arc::new(Pulse::new(output.id, OFF_AIR, around.tell));
        let lost = Arc::new(Mutex::new(None));
        let (stop, on_air) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let caller = Caller {
            to: to.clone(),
            secret: secret.map(str::to_owned),
            rx,
            pulse: pulse.clone(),
            lost: lost.clone(),
            on_air: on_air.clone(),
            stop: stop.clone(),
            head: Bytes::new(),
        };
        let spawned = std::thread::Builder::new().name("srt".into()).spawn(move || caller.run());
        if let Err(error) = spawned {
            pulse.set(OutputHealth::Down, &error.to_string());
        }
        let key = (to.encoding.format, to.encoding.bitrate_kbps);
        let line = Arc::new(Line { tx, pulse: pulse.clone(), lost });
        Self { key, line, pulse, on_air, stop }
    }
}

impl Drop for Srt {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

impl Target for Srt {
    fn wants(&self) -> Vec<(EncoderKey, Arc<dyn Sink>)> {
        vec![(self.key, self.line.clone())]
    }
    fn set_on_air(&self, on_air: bool) {
        self.on_air.store(on_air, Ordering::Release);
    }
    /// Transport streams of sound have no place for it.
    fn set_title(&self, _: &str) {}
    fn pulse(&self) -> &Pulse {
        &self.pulse
    }
}

impl Line {
    fn send(&self, item: Item, bytes: usize) {
        if let Err(TrySendError::Full(_)) = self.tx.try_send(item) {
            self.pulse.count(|state| state.lost_bytes += bytes as u64);
            *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }
}

impl Sink for Line {
    fn begin(&self, head: &Bytes) {
        self.send(Item::Begin(head.clone()), head.len());
    }
    fn push(&self, sound: &Encoded) {
        self.send(Item::Sound(sound.clone()), sound.bytes.len());
    }
    fn failed(&self, reason: &str) {
        self.pulse.set(OutputHealth::Degraded, reason);
    }
}

struct Caller {
    to: SrtOutput,
    secret: Option<String>,
    rx: Receiver<Item>,
    pulse: Arc<Pulse>,
    lost: Arc<Mutex<Option<Instant>>>,
    on_air: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    /// What the stream began with.
    head: Bytes,
}

impl Caller {
    fn run(mut self) {
        let mut pause = PAUSES.0;
        let mut calls = 0u32;
        while !self.stop.load(Ordering::Acquire) {
            if !self.on_air.load(Ordering::Acquire) {
                if self.pulse.state().health != OutputHealth::Down {
                    self.pulse.set(OutputHealth::Down, OFF_AIR);
                }
                self.drop_for(LOOK);
                continue;
            }
            let began = Instant::now();
            let reason = match Call::begin(&self.to, self.secret.as_deref()) {
                Ok(call) => self.feed(&call),
                Err(reason) => Some(reason),
            };
            let Some(reason) = reason else { continue };
            self.pulse.set(OutputHealth::Down, &reason);
            // A call that held for a while was no failure of the one before.
            pause = if began.elapsed() > PAUSES.1 { PAUSES.0 } else { pause };
            self.drop_for(pause);
            pause = (2 * pause).min(PAUSES.1);
            calls = calls.saturating_add(1);
            self.pulse.count(|state| state.reconnects = calls);
        }
    }

    /// Lets time pass; what comes is for nobody.
    fn drop_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until && !self.stop.load(Ordering::Acquire) {
            match self.rx.recv_timeout(LOOK) {
                Ok(Item::Begin(head)) => self.head = head,
                Ok(Item::Sound(_)) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Sends until the call ends; `None` where that was wanted.
    fn feed(&mut self, call: &Call) -> Option<String> {
        let mut first: Option<AirFrame> = None;
        let mut looked = Instant::now();
        while !self.stop.load(Ordering::Acquire) && self.on_air.load(Ordering::Acquire) {
            match self.rx.recv_timeout(LOOK) {
                Ok(Item::Begin(head)) => {
                    let other = !head.is_empty() && first.is_some();
                    self.head = head;
                    if other {
                        // Another stream needs another pipeline; the listener sees a new call.
                        return None;
                    }
                }
                Ok(Item::Sound(sound)) => {
                    let base = *first.get_or_insert_with(|| {
                        call.push(self.head.clone(), 0);
                        sound.from
                    });
                    let bytes = sound.bytes.len() as u64;
                    if call.waiting() + bytes > PIPELINE_BYTES {
                        self.pulse.count(|state| state.lost_bytes += bytes);
                        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) =
                            Some(Instant::now());
                    } else {
                        call.push(sound.bytes, sound.from.since(base).max(0) as u64);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                if let Some(reason) = call.failure() {
                    return Some(reason);
                }
                self.tell(call.sent());
            }
        }
        None
    }

    fn tell(&self, sent: u64) {
        self.pulse.count(|state| state.bytes_sent = state.bytes_sent.max(sent));
        let lost = *self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.is_some_and(|lost| lost.elapsed() < LOSSY) {
            self.pulse.set(OutputHealth::Degraded, "the line is slower than the sound");
        } else if sent > 0 {
            self.pulse.set(OutputHealth::Up, "");
        }
    }
}

/// One call: a pipeline, shut down when dropped.
struct Call {
    pipeline: gst::Element,
    feed: gst::Element,
    out: gst::Element,
    bus: gst::Bus,
}

impl Call {
    fn begin(to: &SrtOutput, secret: Option<&str>) -> Result<Self, String> {
        ready()?;
        let (caps, parse) = match to.encoding.format {
            MountFormat::AacLc => ("audio/mpeg,mpegversion=4,stream-format=adts", "aacparse"),
            MountFormat::Mp3 => ("audio/mpeg,mpegversion=1,layer=3", "mpegaudioparse"),
            MountFormat::Opus => ("application/ogg", "oggdemux ! opusparse"),
            other @ (MountFormat::Vorbis | MountFormat::Flac) => {
                return Err(format!("found {other:?}, SRT carries MP3, AAC-LC and Opus"));
            }
        };
        let text = format!(
            "appsrc name=feed format=time max-bytes={PIPELINE_BYTES} caps=\"{caps}\" ! {parse} \
             ! mpegtsmux alignment=7 ! srtsink name=out sync=false async=false \
             auto-reconnect=false wait-for-connection=true"
        );
        let pipeline = gst::parse::launch(&text).map_err(|error| error.to_string())?;
        let bin = pipeline.clone().downcast::<gst::Bin>().map_err(|_| "no pipeline".to_owned())?;
        let named = |name: &str| bin.by_name(name).ok_or(format!("no element {name}"));
        let (feed, out) = (named("feed")?, named("out")?);
        let bus = pipeline.bus().ok_or("no bus")?;
        let host = if to.host.contains(':') { format!("[{}]", to.host) } else { to.host.clone() };
        out.set_property("uri", format!("srt://{host}:{}", to.port));
        out.set_property_from_str("mode", "caller");
        out.set_property("latency", i32::try_from(to.latency_ms).unwrap_or(i32::MAX));
        if !to.stream_id.is_empty() {
            out.set_property("streamid", &to.stream_id);
        }
        if let Some(secret) = secret {
            out.set_property("passphrase", secret);
        }
        let call = Self { pipeline, feed, out, bus };
        match call.pipeline.set_state(gst::State::Playing) {
            Ok(_) => Ok(call),
            Err(error) => Err(call.failure().unwrap_or_else(|| error.to_string())),
        }
    }

    /// Gives sound that begins so many frames behind the first.
    fn push(&self, bytes: Bytes, frames: u64) {
        if bytes.is_empty() {
            return;
        }
        let mut buffer = gst::Buffer::from_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(frames * 62_500 / 3));
        }
        // What it answers is on the bus as well.
        let _ = self.feed.emit_by_name::<gst::FlowReturn>("push-buffer", &[&buffer]);
    }

    fn waiting(&self) -> u64 {
        self.feed.property::<u64>("current-level-bytes")
    }

    /// Bytes that left, which they do only where somebody answered.
    fn sent(&self) -> u64 {
        let stats = self.out.property::<Option<gst::Structure>>("stats");
        stats.and_then(|stats| stats.get::<u64>("bytes-sent-total").ok()).unwrap_or(0)
    }

    fn failure(&self) -> Option<String> {
        failure_of(&self.bus)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}
