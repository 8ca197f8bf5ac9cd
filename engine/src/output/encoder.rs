//! One encoder for a format and a bit rate: a thread of its own behind a queue that drops.
//!
//! An error ends this encoder only; it is built again after a second. Upstream: the fan-out.
//! Downstream: the hubs of all mounts of this format and rate.

use super::codec::Codec;
use super::fanout::{Block, Blocks};
use super::hub::Hub;
use super::mp3::Framer;
use bytes::Bytes;
use grimnir_events::AirFrame;
use grimnir_events::air::AirEvent;
use grimnir_events::station::MountFormat;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
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

/// A broken encoder is built again after this.
const REBUILD: Duration = Duration::from_secs(1);
/// Blocks are gathered this long, two MP3 frames at 48 kHz, so that they cost one wake-up of every
/// thread behind.
const GATHER: Duration = Duration::from_millis(48);

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

impl Pump {
    fn run(self) {
        let mut told = false;
        while !self.stop.load(Ordering::Acquire) {
            let failure = match Codec::mp3(self.key.1) {
                Ok(mut codec) => self.feed(&mut codec),
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

    /// Lets a second pass while the queue is emptied, so that the next encoder begins with now.
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

    /// Encodes until told to stop (`None`) or until it fails.
    fn feed(&self, codec: &mut Codec) -> Option<String> {
        let mut framer = Framer::default();
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
            let Some(last) = gathered.last() else { continue };
            let sound = gathered.iter().flat_map(|block| block.frames.iter());
            let encoded = match codec.encode(sound) {
                Ok(encoded) => encoded,
                Err(reason) => return Some(reason),
            };
            let frames = framer.push(&encoded);
            if !frames.is_empty() {
                let mixed = last.at.plus(last.frames.len() as i64);
                self.hand_out(&frames, mixed.plus(-codec.held_back(framer.frames())));
            }
        }
    }

    fn hand_out(&self, frames: &Bytes, until: AirFrame) {
        self.all(|hub| {
            if !hub.is_up() && hub.is_open() {
                hub.set_up(true);
                (self.tell)(AirEvent::OutputUp { mount_id: hub.mount_id });
            }
            hub.push(frames.clone(), until);
        });
    }
}
