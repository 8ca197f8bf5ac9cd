//! One encoder for a format and a bit rate: a thread of its own behind a queue that drops.
//!
//! An error ends this encoder only; it is built again after a second. Upstream: the fan-out.
//! Downstream: the hubs of all mounts of this format and rate.

use super::codec::Codec;
use super::fanout::{Block, Blocks};
use super::hub::Hub;
use super::stream::Stream;
use bytes::Bytes;
use grimnir_events::AirFrame;
use grimnir_events::air::AirEvent;
use grimnir_events::station::MountFormat;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

/// What one encoder is for: a format and a bit rate. All are of 48 kHz stereo.
pub type EncoderKey = (MountFormat, u16);

/// A broken encoder is built again after this.
const REBUILD: Duration = Duration::from_secs(1);
/// Blocks are gathered this long, two MP3 frames at 48 kHz, so that they cost one wake-up of every
/// thread behind.
const GATHER: Duration = Duration::from_millis(48);

/// Whom an encoder feeds, and what they need first.
#[derive(Default)]
struct Fed {
    hubs: Vec<Arc<Hub>>,
    head: Bytes,
}

/// Tells the journal of an output; the director gives the frame.
pub type Tell = Arc<dyn Fn(AirEvent) + Send + Sync>;

/// A running encoder; ends when dropped.
pub struct Encoder {
    fed: Arc<RwLock<Fed>>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Encoder {
    /// Starts an encoder that takes `blocks`.
    pub fn start(key: EncoderKey, blocks: Blocks, hubs: Vec<Arc<Hub>>, tell: Tell) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let fed = Arc::new(RwLock::new(Fed { hubs, head: Bytes::new() }));
        let pump = Pump { key, blocks, fed: fed.clone(), tell, stop: stop.clone() };
        let thread = std::thread::Builder::new()
            .name(format!("enc-{}-{}", short(key.0), key.1))
            .spawn(move || pump.run())
            .map_err(|error| tracing::error!(%error, "encoder thread cannot start"))
            .ok();
        Self { fed, stop, thread }
    }

    /// Feeds these from now on; the new ones get what the stream begins with.
    pub fn feed(&self, hubs: Vec<Arc<Hub>>) {
        let mut fed = write(&self.fed);
        if !fed.head.is_empty() {
            let new = |hub: &&Arc<Hub>| !fed.hubs.iter().any(|old| Arc::ptr_eq(old, hub));
            hubs.iter().filter(new).for_each(|hub| hub.begin(fed.head.clone()));
        }
        fed.hubs = hubs;
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // What it is at work on must not get among the sound of the one after it.
        write(&self.fed).hubs.clear();
        drop(self.thread.take());
    }
}

fn write(fed: &RwLock<Fed>) -> RwLockWriteGuard<'_, Fed> {
    fed.write().unwrap_or_else(PoisonError::into_inner)
}

/// Names of threads are cut after fifteen characters.
fn short(format: MountFormat) -> &'static str {
    match format {
        MountFormat::Mp3 => "mp3",
        MountFormat::AacLc => "aac",
        MountFormat::Opus => "opus",
        MountFormat::Vorbis => "vorbis",
        MountFormat::Flac => "flac",
    }
}

struct Pump {
    key: EncoderKey,
    blocks: Blocks,
    fed: Arc<RwLock<Fed>>,
    tell: Tell,
    stop: Arc<AtomicBool>,
}

impl Pump {
    fn run(self) {
        let mut told = false;
        while !self.stop.load(Ordering::Acquire) {
            let failure = match Codec::new(self.key.0, self.key.1) {
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
        self.fed.read().unwrap_or_else(PoisonError::into_inner).hubs.iter().for_each(each);
    }

    /// Encodes until told to stop (`None`) or until it fails.
    fn feed(&self, codec: &mut Codec) -> Option<String> {
        let [a, b, c, d, ..] = uuid::Uuid::new_v4().into_bytes();
        let mut stream = Stream::new(self.key.0, u32::from_le_bytes([a, b, c, d]));
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
            let cut = match codec.encode(sound).and_then(|taken| stream.push(taken)) {
                Ok(cut) => cut,
                Err(reason) => return Some(reason),
            };
            if let Some(head) = cut.head {
                let mut fed = write(&self.fed);
                fed.head.clone_from(&head);
                fed.hubs.iter().for_each(|hub| hub.begin(head.clone()));
            }
            if !cut.sound.is_empty() {
                let mixed = last.at.plus(last.frames.len() as i64);
                self.hand_out(&cut.sound, mixed.plus(stream.sound() - codec.frames()));
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

#[cfg(test)]
mod tests {
    use super::super::fanout;
    use super::super::format::Room;
    use super::super::reached::Reached;
    use super::*;
    use crate::position::PositionPage;
    use grimnir_events::{EngineRunId, MountId};
    use tokio::sync::Notify;

    #[test]
    fn an_encoder_that_stands_still_does_not_hold_up_the_others() {
        gstreamer::init().expect("GStreamer is installed");
        let dir = tempfile::tempdir().expect("dir");
        let page = PositionPage::open(&dir.path().join("reached.page")).expect("opens");
        let reached = Arc::new(Reached::new(EngineRunId([1; 16]), page));
        let (mut mix, taps) = fanout::fanout();
        let start = |n: u8, format| {
            let room = Room { burst: 1 << 24, queue: 1 << 24, listeners: 1 };
            let hub = Hub::new(MountId([n; 16]), reached.clone(), room);
            hub.open();
            let listener = hub.join(false, Arc::new(Notify::new())).ok().expect("let in");
            let encoder =
                Encoder::start((format, 64), taps.tap(), vec![hub.clone()], Arc::new(|_| {}));
            (encoder, hub, listener)
        };
        let (still, held, _waiting) = start(1, MountFormat::Vorbis);
        let (_other, free, _quick) = start(2, MountFormat::Opus);
        // What an encoder that hangs in its element looks like from outside.
        let hung = write(&still.fed);
        let mut at = AirFrame(0);
        let until = Instant::now() + Duration::from_secs(30);
        let mut blocks = 0;
        while blocks < 400 && Instant::now() < until {
            mix.send(at, &[[0.1; 2]; grimnir_mix::BLOCK]);
            at = at.plus(grimnir_mix::BLOCK as i64);
            blocks += 1;
            // As fast as the one that runs takes them.
            while free.handed() + 24_000 < at.0 && Instant::now() < until {
                std::thread::yield_now();
            }
        }
        assert_eq!((blocks, held.handed()), (400, 0));
        drop(hung);
        while held.handed() == 0 && Instant::now() < until {
            std::thread::yield_now();
        }
        assert!(held.handed() > 0, "it goes on");
    }
}
