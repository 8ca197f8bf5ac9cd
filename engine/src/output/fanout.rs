//! From the mix thread to the encoders: bounded queues that drop, never wait.

use grimnir_mix::{BLOCK, Frame};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};

/// One mixed block.
pub type Block = [Frame; BLOCK];
/// Blocks a consumer may be behind: 2 s, as long as the mix itself may catch up.
const QUEUE_BLOCKS: usize = 200;

struct Tap {
    tx: SyncSender<Arc<Block>>,
    dropped: Arc<AtomicU64>,
}

/// The mix thread's end.
pub struct Fanout {
    incoming: Receiver<Tap>,
    taps: Vec<Tap>,
}

/// Adds consumers while the mix runs.
#[derive(Clone)]
pub struct FanoutHandle {
    adding: Sender<Tap>,
}

/// A consumer's end.
pub struct Blocks {
    /// The blocks, in order.
    pub rx: Receiver<Arc<Block>>,
    /// Blocks that were dropped because the consumer was behind.
    pub dropped: Arc<AtomicU64>,
}

/// A fan-out without consumers.
pub fn fanout() -> (Fanout, FanoutHandle) {
    let (adding, incoming) = channel();
    (Fanout { incoming, taps: Vec::new() }, FanoutHandle { adding })
}

impl FanoutHandle {
    /// A new consumer; it leaves by dropping its end.
    pub fn tap(&self) -> Blocks {
        let (tx, rx) = sync_channel(QUEUE_BLOCKS);
        let dropped = Arc::new(AtomicU64::new(0));
        let _ = self.adding.send(Tap { tx, dropped: dropped.clone() });
        Blocks { rx, dropped }
    }
}

impl Fanout {
    /// Hands one block to everybody who has room.
    pub fn send(&mut self, block: &Block) {
        self.taps.extend(self.incoming.try_iter());
        if self.taps.is_empty() {
            return;
        }
        let block = Arc::new(*block);
        self.taps.retain(|tap| match tap.tx.try_send(block.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                tap.dropped.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        });
    }
}
