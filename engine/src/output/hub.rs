//! The hub of one mount: encoded frames in, a bounded queue for each listener out.
//!
//! A listener whose queue is over its limit is dropped; nobody waits for it.

use super::icy;
use super::reached::Reached;
use bytes::Bytes;
use grimnir_events::{AirFrame, MountId};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc};

/// What a new listener is given at once, so that a player can begin: 2 s at 128 kbit/s.
const BURST_BYTES: usize = 32 * 1024;
/// A listener that lets this much pile up is dropped.
pub const QUEUE_BYTES: usize = 256 * 1024;

/// Encoded frames, and the first frame of the air that they do not reach.
type Sound = (Bytes, AirFrame);

/// The way from a hub to one listener's connection.
struct Seat {
    tx: mpsc::UnboundedSender<Sound>,
    queued: Arc<AtomicUsize>,
    cut: Arc<Notify>,
}

/// A listener's end of it.
pub struct Listener {
    rx: mpsc::UnboundedReceiver<Sound>,
    queued: Arc<AtomicUsize>,
    hub: Arc<Hub>,
    interleaver: Option<icy::Interleaver>,
}

#[derive(Default)]
struct State {
    seats: Vec<Seat>,
    burst: VecDeque<Sound>,
    burst_bytes: usize,
    title: (u64, Bytes),
}

/// One mount's hub.
pub struct Hub {
    /// The mount.
    pub mount_id: MountId,
    state: Mutex<State>,
    open: AtomicBool,
    up: AtomicBool,
    sent: AtomicU64,
    /// How far the quickest listener has taken the air.
    taken: AtomicI64,
    reached: Arc<Reached>,
}

impl Hub {
    /// A hub without listeners, closed until [`Hub::open`].
    pub fn new(mount_id: MountId, reached: Arc<Reached>) -> Arc<Self> {
        let state = State { title: (0, icy::block("")), ..State::default() };
        Arc::new(Self {
            mount_id,
            state: Mutex::new(state),
            open: AtomicBool::new(false),
            up: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            taken: AtomicI64::new(i64::MIN),
            reached,
        })
    }

    /// Listeners are let in from now on.
    pub fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// Every connection ends, and none is let in.
    pub fn close(&self) {
        self.open.store(false, Ordering::Release);
        self.set_up(false);
        let mut state = self.lock();
        state.seats.clear();
        state.burst.clear();
        state.burst_bytes = 0;
    }

    /// The encoder gives sound, or not.
    pub fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::Relaxed);
        if !up {
            self.reached.leave(self.mount_id);
        }
    }
    /// True while the encoder gives sound.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }
    /// True while listeners are let in.
    pub fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }
    /// Listeners now.
    pub fn listeners(&self) -> usize {
        self.lock().seats.len()
    }
    /// Bytes handed to listeners so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Another item is heard.
    pub fn set_title(&self, title: &str) {
        let mut state = self.lock();
        let version = state.title.0 + 1;
        state.title = (version, icy::block(title));
    }

    /// Hands whole encoded frames to everybody; the air before `until` is in them or was before.
    pub fn push(&self, frames: Bytes, until: AirFrame) {
        if !self.is_open() {
            return;
        }
        let mut state = self.lock();
        let length = frames.len();
        state.seats.retain(|seat| {
            if seat.queued.load(Ordering::Relaxed) + length > QUEUE_BYTES {
                tracing::info!(mount = %self.mount_id, "slow listener dropped");
                seat.cut.notify_one();
                return false;
            }
            seat.queued.fetch_add(length, Ordering::Relaxed);
            seat.tx.send((frames.clone(), until)).is_ok()
        });
        state.burst_bytes += length;
        state.burst.push_back((frames, until));
        while state.burst_bytes > BURST_BYTES {
            match state.burst.pop_front() {
                Some((old, _)) => state.burst_bytes -= old.len(),
                None => break,
            }
        }
        let nobody = state.seats.is_empty();
        drop(state);
        if nobody {
            self.reached.note(self.mount_id, until);
        }
    }

    /// A listener takes what reaches up to `until`.
    fn take(&self, until: AirFrame) {
        if self.taken.fetch_max(until.0, Ordering::Relaxed) < until.0 {
            self.reached.note(self.mount_id, until);
        }
    }

    /// Lets a listener in; `cut` is told when it is to be dropped. `None` while closed.
    pub fn join(self: &Arc<Self>, metadata: bool, cut: Arc<Notify>) -> Option<Listener> {
        if !self.is_open() {
            return None;
        }
        let (tx, rx) = mpsc::unbounded_channel();
        let mut state = self.lock();
        for sound in &state.burst {
            let _ = tx.send(sound.clone());
        }
        let queued = Arc::new(AtomicUsize::new(state.burst_bytes));
        state.seats.push(Seat { tx, queued: queued.clone(), cut });
        drop(state);
        let interleaver = metadata.then(icy::Interleaver::default);
        Some(Listener { rx, queued, hub: self.clone(), interleaver })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// The next bytes for the socket; `None` once the mount has closed.
    pub async fn next(&mut self) -> Option<Bytes> {
        let (audio, until) = self.rx.recv().await?;
        self.queued.fetch_sub(audio.len(), Ordering::Relaxed);
        let bytes = match &mut self.interleaver {
            Some(interleaver) => {
                let title = self.hub.lock().title.clone();
                interleaver.push(audio, &title)
            }
            None => audio,
        };
        self.hub.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.hub.take(until);
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::{self, PositionPage};
    use grimnir_events::EngineRunId;

    fn hub(dir: &std::path::Path) -> Arc<Hub> {
        let page = PositionPage::open(&dir.join("reached.page")).expect("opens");
        let reached = Arc::new(Reached::new(EngineRunId([1; 16]), page));
        Hub::new(MountId([1; 16]), reached)
    }

    #[test]
    fn the_air_reaches_as_far_as_the_quickest_listener_has_taken_it() {
        let dir = tempfile::tempdir().expect("dir");
        let hub = hub(dir.path());
        let kept = || position::read(&dir.path().join("reached.page")).map(|p| p.air_frame);
        hub.open();
        hub.push(Bytes::from_static(&[0; 384]), AirFrame(100));
        assert_eq!(kept(), Some(AirFrame(100)), "with nobody there it is as good as heard");
        let mut quick = hub.join(false, Arc::new(Notify::new())).expect("open");
        let _slow = hub.join(false, Arc::new(Notify::new())).expect("open");
        hub.push(Bytes::from_static(&[0; 384]), AirFrame(200));
        assert_eq!(kept(), Some(AirFrame(100)), "nobody has taken the second piece");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        runtime.block_on(quick.next()).expect("the burst");
        runtime.block_on(quick.next()).expect("the second piece");
        assert_eq!(kept(), Some(AirFrame(200)));
        hub.close();
        assert_eq!(kept(), Some(AirFrame(0)));
    }

    #[test]
    fn a_listener_that_does_not_read_is_dropped_and_another_is_not() {
        let dir = tempfile::tempdir().expect("dir");
        let hub = hub(dir.path());
        assert!(hub.join(false, Arc::new(Notify::new())).is_none());
        hub.open();
        let slow = hub.join(false, Arc::new(Notify::new())).expect("open");
        let mut quick = hub.join(false, Arc::new(Notify::new())).expect("open");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let frame = Bytes::from(vec![7u8; 1_000]);
        for _ in 0..QUEUE_BYTES / 1_000 + 2 {
            hub.push(frame.clone(), AirFrame(1));
            assert_eq!(runtime.block_on(quick.next()).expect("sound").len(), 1_000);
        }
        assert_eq!(hub.listeners(), 1);
        drop(slow);
        hub.close();
        assert!(runtime.block_on(quick.next()).is_none());
    }

    #[test]
    fn a_new_listener_gets_a_short_burst() {
        let dir = tempfile::tempdir().expect("dir");
        let hub = hub(dir.path());
        hub.open();
        for _ in 0..200 {
            hub.push(Bytes::from(vec![0u8; 384]), AirFrame(1));
        }
        let listener = hub.join(false, Arc::new(Notify::new())).expect("open");
        let queued = listener.queued.load(Ordering::Relaxed);
        assert!(queued <= BURST_BYTES && queued > BURST_BYTES - 384, "{queued}");
    }
}
