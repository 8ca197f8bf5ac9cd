//! One encoder for a format and a bit rate: a thread of its own behind a queue that drops.
//!
//! An error ends this encoder only; it is built again after a second. Upstream: the fan-out.
//! Downstream: the sinks of all mounts and outputs of this format and rate.

use super::codec::Codec;
use super::fanout::{Block, Blocks, FanoutHandle};
use super::stream::Stream;
use super::target::{Encoded, Sink};
use crate::air::pace::PROMPT_MS;
use bytes::Bytes;
use grimnir_events::air::AirEvent;
use grimnir_events::station::MountFormat;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

/// What one encoder is for: a format and a bit rate. All are of 48 kHz stereo.
pub type EncoderKey = (MountFormat, u16);

/// A broken encoder is built again after this.
const REBUILD: Duration = Duration::from_secs(1);
/// Blocks are gathered this long, six MP3 frames at 48 kHz: fed more often, an encoder finds its
/// tables gone from the caches (LAME costs a quarter more at 48 ms, two fifths at 24), and every
/// thread behind is woken up more often.
const GATHER: Duration = Duration::from_millis(144);
/// Where something was ordered it is to be heard soon: they are gathered so long then, one MP3
/// frame.
const PROMPT: Duration = Duration::from_millis(24);
/// So long: as the mix gives it.
const PROMPT_FOR: Duration = Duration::from_millis(PROMPT_MS as u64);

/// Whom an encoder feeds, and what they need first.
#[derive(Default)]
struct Fed {
    sinks: Vec<Arc<dyn Sink>>,
    /// What the stream began with, once it has begun.
    head: Option<Bytes>,
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
    /// Starts an encoder that takes what `fanout` gives from the time it is ready.
    pub fn start(key: EncoderKey, fanout: FanoutHandle, sinks: Vec<Arc<dyn Sink>>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let fed = Arc::new(RwLock::new(Fed { sinks, head: None }));
        let pump = Pump { key, fanout, fed: fed.clone(), stop: stop.clone() };
        let thread = std::thread::Builder::new()
            .name(format!("enc-{}-{}", short(key.0), key.1))
            .spawn(move || pump.run())
            .map_err(|error| tracing::error!(%error, "encoder thread cannot start"))
            .ok();
        Self { fed, stop, thread }
    }

    /// Feeds these from now on; the new ones get what the stream begins with.
    pub fn feed(&self, sinks: Vec<Arc<dyn Sink>>) {
        let mut fed = write(&self.fed);
        if let Some(head) = &fed.head {
            let place = |sink: &Arc<dyn Sink>| Arc::as_ptr(sink).cast::<()>();
            let old: Vec<*const ()> = fed.sinks.iter().map(place).collect();
            let new = |sink: &&Arc<dyn Sink>| !old.contains(&place(sink));
            sinks.iter().filter(new).for_each(|sink| sink.begin(head));
        }
        fed.sinks = sinks;
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // What it is at work on must not get among the sound of the one after it.
        write(&self.fed).sinks.clear();
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
    fanout: FanoutHandle,
    fed: Arc<RwLock<Fed>>,
    stop: Arc<AtomicBool>,
}

impl Pump {
    fn run(self) {
        while !self.stop.load(Ordering::Acquire) {
            let failure = match Codec::new(self.key.0, self.key.1) {
                // Only now: what is mixed while an element is made would have no room.
                Ok(mut codec) => self.feed(&mut codec, &self.fanout.tap_asleep()),
                Err(error) => Some(error),
            };
            let Some(reason) = failure else { return };
            tracing::error!(encoder = ?self.key, reason, "encoder failed; it is built again");
            write(&self.fed).head = None;
            self.all(|sink| sink.failed(&reason));
            let until = Instant::now() + REBUILD;
            while Instant::now() < until && !self.stop.load(Ordering::Acquire) {
                std::thread::sleep(GATHER);
            }
        }
    }

    fn all(&self, each: impl Fn(&Arc<dyn Sink>)) {
        self.fed.read().unwrap_or_else(PoisonError::into_inner).sinks.iter().for_each(each);
    }

    /// The stream begins with `head` for everybody there is.
    fn begin(&self, head: Bytes) {
        let mut fed = write(&self.fed);
        fed.sinks.iter().for_each(|sink| sink.begin(&head));
        fed.head = Some(head);
    }

    /// Encodes until told to stop (`None`) or until it fails.
    fn feed(&self, codec: &mut Codec, blocks: &Blocks) -> Option<String> {
        let [a, b, c, d, ..] = uuid::Uuid::new_v4().into_bytes();
        let mut stream = Stream::new(self.key.0, u32::from_le_bytes([a, b, c, d]));
        if !stream.has_head() {
            self.begin(Bytes::new());
        }
        // An engine that begins is waited for.
        let mut prompt = Some(Instant::now() + PROMPT_FOR);
        loop {
            // Asleep rather than waiting on the queue: the mix thread then has nobody to wake but
            // for what is sudden.
            prompt = prompt.filter(|until| Instant::now() < *until);
            std::thread::park_timeout(if prompt.is_some() { PROMPT } else { GATHER });
            if self.stop.load(Ordering::Acquire) {
                return None;
            }
            let gathered: Vec<Arc<Block>> = blocks.rx.try_iter().collect();
            let dropped = blocks.dropped.swap(0, Ordering::Relaxed);
            if dropped > 0 {
                tracing::warn!(encoder = ?self.key, dropped, "encoder is behind: blocks dropped");
            }
            let Some(last) = gathered.last() else { continue };
            if gathered.iter().any(|block| block.sudden) {
                prompt = Some(Instant::now() + PROMPT_FOR);
            }
            let before = stream.sound();
            let sound = gathered.iter().flat_map(|block| block.frames.iter());
            let cut = match codec.encode(sound).and_then(|taken| stream.push(taken)) {
                Ok(cut) => cut,
                Err(reason) => return Some(reason),
            };
            if let Some(head) = cut.head {
                self.begin(head);
            }
            if !cut.sound.is_empty() {
                let mixed = last.at.plus(last.frames.len() as i64);
                let until = mixed.plus(stream.sound() - codec.frames());
                let from = until.plus(before - stream.sound());
                let sound = Encoded { bytes: cut.sound, from, until };
                self.all(|sink| sink.push(&sound));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fanout;
    use super::super::format::Room;
    use super::super::hub::Hub;
    use super::super::reached::Reached;
    use super::super::sessions::Who;
    use super::*;
    use crate::position::PositionPage;
    use grimnir_events::{AirFrame, EngineRunId, MountId};
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
            let hub = Hub::new(MountId([n; 16]), Some(reached.clone()), room, Arc::new(|_| {}));
            hub.open();
            let listener = hub
                .join(Who::default(), false, Arc::new(Notify::new()))
                .unwrap_or_else(|_| panic!("let in"));
            let encoder = Encoder::start((format, 64), taps.clone(), vec![hub.clone()]);
            (encoder, hub, listener)
        };
        let (still, held, _waiting) = start(1, MountFormat::Vorbis);
        let (_other, free, _quick) = start(2, MountFormat::Opus);
        // What an encoder that hangs in its element looks like from outside.
        let hung = write(&still.fed);
        let mut at = AirFrame(0);
        let until = Instant::now() + Duration::from_secs(30);
        while mix.taps() < 2 && Instant::now() < until {
            std::thread::yield_now();
        }
        let mut blocks = 0;
        while blocks < 400 && Instant::now() < until {
            mix.send(at, false, &[[0.1; 2]; grimnir_mix::BLOCK]);
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
