//! From the mix thread to the encoders: bounded queues that drop, never wait.

use grimnir_events::AirFrame;
use grimnir_mix::{BLOCK, Frame};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::Thread;

/// One mixed block.
#[derive(Clone, Debug)]
pub struct Block {
    /// Frame at which the mixer mixed the first of it.
    pub at: AirFrame,
    /// Something was ordered before it: it is to be heard soon.
    pub sudden: bool,
    /// Its sound.
    pub frames: [Frame; BLOCK],
}
/// Blocks a consumer may be behind: 2 s, as long as the mix itself may catch up.
const QUEUE_BLOCKS: usize = 200;

struct Tap {
    tx: SyncSender<Arc<Block>>,
    dropped: Arc<AtomicU64>,
    /// Who gathers blocks asleep, and is woken by a sudden one.
    sleeper: Option<Thread>,
}

/// Blocks in turn, 240 ms: each is free again by then unless a consumer is behind.
const POOL: usize = 24;

/// The mix thread's end.
pub struct Fanout {
    incoming: Receiver<Tap>,
    taps: Vec<Tap>,
    /// Used in turn, so that the mix thread seldom allocates.
    pool: Vec<Arc<Block>>,
    next: usize,
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
    let empty = || Block { at: AirFrame(0), sudden: false, frames: [[0.0; 2]; BLOCK] };
    let pool = (0..POOL).map(|_| Arc::new(empty())).collect();
    (Fanout { incoming, taps: Vec::new(), pool, next: 0 }, FanoutHandle { adding })
}

impl FanoutHandle {
    /// A new consumer; it leaves by dropping its end.
    pub fn tap(&self) -> Blocks {
        self.add(None)
    }

    /// The same for this thread, which parks while blocks gather.
    pub fn tap_asleep(&self) -> Blocks {
        self.add(Some(std::thread::current()))
    }

    fn add(&self, sleeper: Option<Thread>) -> Blocks {
        let (tx, rx) = sync_channel(QUEUE_BLOCKS);
        let dropped = Arc::new(AtomicU64::new(0));
        let _ = self.adding.send(Tap { tx, dropped: dropped.clone(), sleeper });
        Blocks { rx, dropped }
    }
}

impl Fanout {
    /// Consumers that there are.
    #[cfg(test)]
    pub fn taps(&mut self) -> usize {
        self.taps.extend(self.incoming.try_iter());
        self.taps.len()
    }

    /// Hands on a block with what is to be heard over it, where there is somebody.
    pub fn send_sum(
        &mut self,
        at: AirFrame,
        sudden: bool,
        frames: &[Frame; BLOCK],
        over: Option<&[Frame; BLOCK]>,
    ) {
        let Some(over) = over else { return self.send(at, sudden, frames) };
        let mut sum = *frames;
        for (frame, over) in sum.iter_mut().zip(over) {
            *frame = [frame[0] + over[0], frame[1] + over[1]];
        }
        self.send(at, sudden, &sum);
    }

    /// Hands one block to everybody who has room.
    pub fn send(&mut self, at: AirFrame, sudden: bool, frames: &[Frame; BLOCK]) {
        self.taps.extend(self.incoming.try_iter());
        if self.taps.is_empty() {
            return;
        }
        self.next = (self.next + 1) % POOL;
        let shared = &mut self.pool[self.next];
        match Arc::get_mut(shared) {
            Some(free) => (free.at, free.sudden, free.frames) = (at, sudden, *frames),
            None => *shared = Arc::new(Block { at, sudden, frames: *frames }),
        }
        self.taps.retain(|tap| match tap.tx.try_send(shared.clone()) {
            Ok(()) => {
                if let Some(sleeper) = tap.sleeper.as_ref().filter(|_| sudden) {
                    sleeper.unpark();
                }
                true
            }
            Err(TrySendError::Full(_)) => {
                tap.dropped.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        });
    }
}
