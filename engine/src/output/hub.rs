//! The hub of one mount: encoded frames in, a bounded queue for each listener out.
//!
//! A listener whose queue is over its limit is dropped; nobody waits for it.

use super::icy;
use bytes::Bytes;
use grimnir_events::MountId;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc};

/// What a new listener is given at once, so that a player can begin: 2 s at 128 kbit/s.
const BURST_BYTES: usize = 32 * 1024;
/// A listener that lets this much pile up is dropped.
pub const QUEUE_BYTES: usize = 256 * 1024;

/// The way from a hub to one listener's connection.
struct Seat {
    tx: mpsc::UnboundedSender<Bytes>,
    queued: Arc<AtomicUsize>,
    cut: Arc<Notify>,
}

/// A listener's end of it.
pub struct Listener {
    rx: mpsc::UnboundedReceiver<Bytes>,
    queued: Arc<AtomicUsize>,
    hub: Arc<Hub>,
    interleaver: Option<icy::Interleaver>,
}

#[derive(Default)]
struct State {
    seats: Vec<Seat>,
    burst: VecDeque<Bytes>,
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
}

impl Hub {
    /// A hub without listeners, closed until [`Hub::open`].
    pub fn new(mount_id: MountId) -> Arc<Self> {
        let state = State { title: (0, icy::block("")), ..State::default() };
        Arc::new(Self {
            mount_id,
            state: Mutex::new(state),
            open: AtomicBool::new(false),
            up: AtomicBool::new(false),
            sent: AtomicU64::new(0),
        })
    }

    /// Listeners are let in from now on.
    pub fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// Every connection ends, and none is let in.
    pub fn close(&self) {
        self.open.store(false, Ordering::Release);
        self.up.store(false, Ordering::Relaxed);
        let mut state = self.lock();
        state.seats.clear();
        state.burst.clear();
        state.burst_bytes = 0;
    }

    /// The encoder gives sound, or not.
    pub fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::Relaxed);
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

    /// Hands whole encoded frames to everybody.
    pub fn push(&self, frame: Bytes) {
        if !self.is_open() {
            return;
        }
        let mut state = self.lock();
        let length = frame.len();
        state.seats.retain(|seat| {
            if seat.queued.load(Ordering::Relaxed) + length > QUEUE_BYTES {
                tracing::info!(mount = %self.mount_id, "slow listener dropped");
                seat.cut.notify_one();
                return false;
            }
            seat.queued.fetch_add(length, Ordering::Relaxed);
            seat.tx.send(frame.clone()).is_ok()
        });
        state.burst_bytes += length;
        state.burst.push_back(frame);
        while state.burst_bytes > BURST_BYTES {
            match state.burst.pop_front() {
                Some(old) => state.burst_bytes -= old.len(),
                None => break,
            }
        }
    }

    /// Lets a listener in; `cut` is told when it is to be dropped. `None` while closed.
    pub fn join(self: &Arc<Self>, metadata: bool, cut: Arc<Notify>) -> Option<Listener> {
        if !self.is_open() {
            return None;
        }
        let (tx, rx) = mpsc::unbounded_channel();
        let mut state = self.lock();
        for frame in &state.burst {
            let _ = tx.send(frame.clone());
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
        let audio = self.rx.recv().await?;
        self.queued.fetch_sub(audio.len(), Ordering::Relaxed);
        let bytes = match &mut self.interleaver {
            Some(interleaver) => {
                let title = self.hub.lock().title.clone();
                interleaver.push(audio, &title)
            }
            None => audio,
        };
        self.hub.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_that_does_not_read_is_dropped_and_another_is_not() {
        let hub = Hub::new(MountId([1; 16]));
        assert!(hub.join(false, Arc::new(Notify::new())).is_none());
        hub.open();
        let slow = hub.join(false, Arc::new(Notify::new())).expect("open");
        let mut quick = hub.join(false, Arc::new(Notify::new())).expect("open");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let frame = Bytes::from(vec![7u8; 1_000]);
        for _ in 0..QUEUE_BYTES / 1_000 + 2 {
            hub.push(frame.clone());
            assert_eq!(runtime.block_on(quick.next()).expect("sound").len(), 1_000);
        }
        assert_eq!(hub.listeners(), 1);
        drop(slow);
        hub.close();
        assert!(runtime.block_on(quick.next()).is_none());
    }

    #[test]
    fn a_new_listener_gets_a_short_burst() {
        let hub = Hub::new(MountId([1; 16]));
        hub.open();
        for _ in 0..200 {
            hub.push(Bytes::from(vec![0u8; 384]));
        }
        let listener = hub.join(false, Arc::new(Notify::new())).expect("open");
        let queued = listener.queued.load(Ordering::Relaxed);
        assert!(queued <= BURST_BYTES && queued > BURST_BYTES - 384, "{queued}");
    }
}
