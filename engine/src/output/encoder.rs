//! One encoder for a format and a bit rate: GStreamer's LAME behind a queue, alone in its pipeline.
//!
//! An error ends this pipeline only; it is built again after a second. Samples are made 16 bit
//! here, so that no conversion element runs and the bytes do not depend on one.

use super::fanout::{Block, Blocks};
use super::hub::Hub;
use super::mp3::Framer;
use grimnir_events::air::AirEvent;
use grimnir_events::station::MountFormat;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// What one encoder is for.
pub type EncoderKey = (MountFormatKey, u16);
/// The format's place in an order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MountFormatKey {
    /// MPEG-1 layer III.
    Mp3,
}

impl From<MountFormat> for MountFormatKey {
    fn from(format: MountFormat) -> Self {
        match format {
            MountFormat::Mp3 => Self::Mp3,
        }
    }
}

/// A broken pipeline is built again after this.
const REBUILD: Duration = Duration::from_secs(1);
/// Bytes waiting in front of the encoder beyond which it counts as stuck: 2 s.
const STUCK_BYTES: u64 = 2 * 48_000 * 4;
/// Blocks are gathered this long, so that four of them cost one wake-up of every thread behind.
const GATHER: Duration = Duration::from_millis(40);

/// Whom an encoder feeds.
pub type Hubs = Arc<RwLock<Vec<Arc<Hub>>>>;

/// Tells the journal of an output; the director gives the frame.
pub type Tell = Arc<dyn Fn(AirEvent) + Send + Sync>;

/// A running encoder; ends when dropped.
pub struct Encoder {
    /// Whom it feeds now.
    pub hubs: Hubs,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Encoder {
    /// Starts an encoder that takes `blocks`.
    pub fn start(key: EncoderKey, blocks: Blocks, hubs: Hubs, tell: Tell) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let pump = Pump { key, blocks, hubs: hubs.clone(), tell, stop: stop.clone() };
        let thread = std::thread::Builder::new()
            .name(format!("encode-{}", key.1))
            .spawn(move || pump.run())
            .map_err(|error| tracing::error!(%error, "encoder thread cannot start"))
            .ok();
        Self { hubs, stop, thread }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        drop(self.thread.take());
    }
}

struct Pump {
    key: EncoderKey,
    blocks: Blocks,
    hubs: Hubs,
    tell: Tell,
    stop: Arc<AtomicBool>,
}

struct Pipeline {
    pipeline: gst::Pipeline,
    source: gstreamer_app::AppSrc,
    bus: gst::Bus,
    frames: u64,
}

impl Pump {
    fn run(self) {
        let mut told = false;
        while !self.stop.load(Ordering::Acquire) {
            let failure = match self.build() {
                Ok(mut pipeline) => {
                    let failure = self.feed(&mut pipeline);
                    let _ = pipeline.pipeline.set_state(gst::State::Null);
                    failure
                }
                Err(error) => Some(error),
            };
            let Some(reason) = failure else { return };
            tracing::error!(encoder = ?self.key, reason, "encoder failed; it is built again");
            // Said once for each time it goes down, not for each try.
            self.all(|hub| {
                let was_up = hub.is_up();
                hub.set_up(false);
                if was_up || !told {
                    let mount_id = hub.mount_id;
                    (self.tell)(AirEvent::OutputDown { mount_id, reason: reason.clone() });
                }
            });
            told = true;
            self.wait_for_rebuild();
        }
    }

    /// Lets a second pass while the queue is emptied, so that the next pipeline begins with now.
    fn wait_for_rebuild(&self) {
        let until = Instant::now() + REBUILD;
        while Instant::now() < until && !self.stop.load(Ordering::Acquire) {
            let _ = self.blocks.rx.recv_timeout(Duration::from_millis(100));
        }
        while self.blocks.rx.try_recv().is_ok() {}
    }

    fn all(&self, each: impl Fn(&Arc<Hub>)) {
        self.hubs.read().unwrap_or_else(PoisonError::into_inner).iter().for_each(each);
    }

    fn build(&self) -> Result<Pipeline, String> {
        let caps = gst::Caps::builder("audio/x-raw")
            .field("format", "S16LE")
            .field("layout", "interleaved")
            .field("rate", 48_000)
            .field("channels", 2)
            // Stereo without a mask is not negotiated by LAME.
            .field("channel-mask", gst::Bitmask::new(3))
            .build();
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let source = gstreamer_app::AppSrc::builder()
            .caps(&caps)
            .format(gst::Format::Time)
            .is_live(false)
            .block(false)
            .build();
        source.set_max_bytes(2 * STUCK_BYTES);
        let encoder = gst::ElementFactory::make("lamemp3enc")
            .property_from_str("target", "bitrate")
            .property("cbr", true)
            .property("bitrate", i32::from(self.key.1))
            .build()
            .map_err(|e| text(&e))?;
        let sink = gstreamer_app::AppSink::builder().sync(false).async_(false).build();
        let callbacks = self.callbacks();
        sink.set_callbacks(callbacks);
        let pipeline = gst::Pipeline::new();
        let parts: [&gst::Element; 3] = [source.upcast_ref(), &encoder, sink.upcast_ref()];
        pipeline.add_many(parts).map_err(|e| text(&e))?;
        gst::Element::link_many(parts).map_err(|e| text(&e))?;
        pipeline.set_state(gst::State::Playing).map_err(|e| text(&e))?;
        let bus = pipeline.bus().ok_or("pipeline has no bus")?;
        Ok(Pipeline { pipeline, source, bus, frames: 0 })
    }

    fn callbacks(&self) -> gstreamer_app::AppSinkCallbacks {
        let hubs = self.hubs.clone();
        let tell = self.tell.clone();
        let framer = Mutex::new(Framer::default());
        gstreamer_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let Some(map) = sample.buffer().and_then(|b| b.map_readable().ok()) else {
                    return Ok(gst::FlowSuccess::Ok);
                };
                let frames = framer.lock().unwrap_or_else(PoisonError::into_inner).push(&map);
                if frames.is_empty() {
                    return Ok(gst::FlowSuccess::Ok);
                }
                for hub in hubs.read().unwrap_or_else(PoisonError::into_inner).iter() {
                    if !hub.is_up() && hub.is_open() {
                        hub.set_up(true);
                        tell(AirEvent::OutputUp { mount_id: hub.mount_id });
                    }
                    hub.push(frames.clone());
                }
                Ok(gst::FlowSuccess::Ok)
            })
            .build()
    }

    /// Feeds until told to stop (`None`) or until it fails.
    fn feed(&self, pipeline: &mut Pipeline) -> Option<String> {
        loop {
            // Asleep rather than waiting on the queue: the mix thread then has nobody to wake.
            std::thread::sleep(GATHER);
            if self.stop.load(Ordering::Acquire) {
                return None;
            }
            let gathered: Vec<Arc<Block>> = self.blocks.rx.try_iter().collect();
            let dropped = self.blocks.dropped.swap(0, Ordering::Relaxed);
            if dropped > 0 {
                tracing::warn!(encoder = ?self.key, dropped, "encoder is behind: blocks dropped");
            }
            if gathered.is_empty() {
                continue;
            }
            if let Err(reason) = pipeline.push(&gathered) {
                return Some(reason);
            }
        }
    }
}

impl Pipeline {
    fn push(&mut self, blocks: &[Arc<Block>]) -> Result<(), String> {
        let mut bytes = Vec::with_capacity(blocks.len() * 480 * 4);
        for frame in blocks.iter().flat_map(|block| block.iter()) {
            for sample in frame {
                bytes.extend_from_slice(&to_i16(*sample).to_le_bytes());
            }
        }
        let count = (bytes.len() / 4) as u64;
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(self.frames * 62_500 / 3));
            buffer.set_duration(gst::ClockTime::from_nseconds(count * 62_500 / 3));
        }
        self.frames += count;
        self.source.push_buffer(buffer).map_err(|flow| format!("encoder takes no more: {flow}"))?;
        if self.source.current_level_bytes() > STUCK_BYTES {
            return Err(format!(
                "encoder is stuck: {} bytes wait, limit {STUCK_BYTES}",
                self.source.current_level_bytes()
            ));
        }
        let found = [gst::MessageType::Error, gst::MessageType::Eos];
        match self.bus.pop_filtered(&found) {
            Some(message) => Err(match message.view() {
                gst::MessageView::Error(error) => error.error().to_string(),
                _ => "encoder ended its stream".to_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// Nearest 16-bit value. The programme is limited before, so that only a fault would clip here.
fn to_i16(sample: f32) -> i16 {
    let scaled = sample * 32_767.0;
    // `as` saturates, and takes what is not a number for zero.
    if scaled >= 0.0 { (scaled + 0.5) as i16 } else { (scaled - 0.5) as i16 }
}
