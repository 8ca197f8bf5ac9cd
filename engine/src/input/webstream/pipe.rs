//! One address that is open: its bytes are fetched by a task, decoded by a thread, and its frames
//! wait here until the player takes them.

use super::fetch;
use super::kind::{Way, way};
use super::reach::Reach;
use crate::air::clock::monotonic_ns;
use crate::input::child;
use crate::input::pump::{Incoming, Sink};
use bytes::Bytes;
use grimnir_events::webstream::SwitchReason;
use grimnir_mix::Frame;
use grimnir_mix::live::{StreamDecoder, StreamStep};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Frames that wait at most: 4 s.
const ROOM: usize = 4 * 48_000;
/// A full queue is looked at again after this.
const FULL_WAIT: Duration = Duration::from_millis(10);
/// Reads that may wait for the decoder.
const QUEUE: usize = 4;
/// Sound below this peak is silence: −60 dBFS.
const SILENCE: f32 = 0.001;

/// Most characters that are told of why.
const TOLD_CHARS: usize = 250;

/// Why an address gives nothing more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// It could not be reached, broke, or ended.
    Ended(String),
    /// It gives something else than sound.
    NotSound(String),
    /// Nobody wants it any more.
    Closed,
}

impl Fault {
    /// The same in few words: a server may have said some of them.
    fn clipped(self) -> Self {
        let clip = |why: String| why.chars().filter(|c| !c.is_control()).take(TOLD_CHARS).collect();
        match self {
            Self::Ended(why) => Self::Ended(clip(why)),
            Self::NotSound(why) => Self::NotSound(clip(why)),
            Self::Closed => Self::Closed,
        }
    }

    /// As it is told.
    pub(super) fn told(&self) -> (SwitchReason, &str) {
        match self {
            Self::Ended(why) => (SwitchReason::Ended, why),
            Self::NotSound(why) => (SwitchReason::NotSound, why),
            Self::Closed => (SwitchReason::Removed, "it was closed"),
        }
    }
}

#[derive(Default)]
struct Shared {
    queue: Mutex<VecDeque<Frame>>,
    bytes: AtomicU64,
    frames: AtomicU64,
    /// When the last frame came, in ms of the monotonic clock.
    last_ms: AtomicI64,
    /// Frames of silence up to now.
    silent: AtomicU64,
    closed: AtomicBool,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    fault: Option<Fault>,
    title: Option<String>,
    format: String,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds of the monotonic clock.
pub(super) fn now_ms() -> i64 {
    monotonic_ns() / 1_000_000
}

/// What the player sees of an address.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Look {
    /// Bytes of sound that came.
    pub bytes: u64,
    /// Frames that were decoded.
    pub frames: u64,
    /// Frames that wait.
    pub held: u64,
    /// No frame came for so long, in ms.
    pub idle_ms: i64,
    /// Frames of silence up to now.
    pub silent: u64,
    /// It is over.
    pub fault: Option<Fault>,
}

/// Where fetched bytes go.
pub(super) struct Outlet {
    tx: mpsc::Sender<Bytes>,
    shared: Arc<Shared>,
}

impl Outlet {
    /// One of nobody, and where its bytes come out.
    #[cfg(test)]
    pub(super) fn alone() -> (Self, mpsc::Receiver<Bytes>) {
        let (tx, rx) = mpsc::channel(QUEUE);
        (Self { tx, shared: Arc::default() }, rx)
    }

    /// Hands bytes to the decoder; waits for it.
    pub(super) async fn send(&self, bytes: Bytes) -> Result<(), Fault> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.shared.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        // The decoder has said why it takes no more.
        self.tx.send(bytes).await.map_err(|_| Fault::Closed)
    }

    /// It says what it plays.
    pub(super) fn titled(&self, title: String) {
        held(&self.shared.said).title = Some(title);
    }
}

/// An address that is open; closed when it is dropped.
pub(super) struct Pipe {
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.task.abort();
    }
}

impl Pipe {
    /// Opens an address.
    pub(super) fn open(runtime: &Handle, url: &str) -> Self {
        let shared = Arc::new(Shared::default());
        shared.last_ms.store(now_ms(), Ordering::Relaxed);
        let (tx, rx) = mpsc::channel(QUEUE);
        let of_thread = shared.clone();
        let spawned = std::thread::Builder::new()
            .name("webstream-bytes".into())
            .spawn(move || decode(Incoming::plain(rx), &of_thread));
        let (outlet, url) = (Outlet { tx, shared: shared.clone() }, url.to_owned());
        let task = runtime.spawn(async move {
            let fault = match spawned {
                Ok(_) => fetch::run(&url, Reach::anywhere(), &outlet).await,
                Err(error) => Fault::Ended(format!("no thread for its decoder: {error}")),
            };
            outlet.shared.over(fault);
        });
        Self { shared, task }
    }

    /// How it is.
    pub(super) fn look(&self) -> Look {
        let shared = &self.shared;
        Look {
            bytes: shared.bytes.load(Ordering::Relaxed),
            frames: shared.frames.load(Ordering::Relaxed),
            held: held(&shared.queue).len() as u64,
            idle_ms: now_ms() - shared.last_ms.load(Ordering::Relaxed),
            silent: shared.silent.load(Ordering::Relaxed),
            fault: held(&shared.said).fault.clone(),
        }
    }

    /// Takes frames that wait, at most so many.
    pub(super) fn take(&self, most: usize) -> Vec<Frame> {
        let mut queue = held(&self.shared.queue);
        let count = queue.len().min(most);
        queue.drain(..count).collect()
    }

    /// Drops the oldest down to `keep`, at most so many.
    pub(super) fn drop_oldest(&self, keep: usize, most: usize) {
        let mut queue = held(&self.shared.queue);
        let count = queue.len().saturating_sub(keep).min(most);
        queue.drain(..count);
    }

    /// A title that it said since it was asked last.
    pub(super) fn title(&self) -> Option<String> {
        held(&self.shared.said).title.take()
    }

    /// Codec and container; empty while it is not known.
    pub(super) fn format(&self) -> String {
        held(&self.shared.said).format.clone()
    }
}

impl Shared {
    /// The first reason is the true one, but that nobody wants it any more is none.
    fn over(&self, fault: Fault) {
        let mut said = held(&self.said);
        if said.fault.as_ref().is_none_or(|before| *before == Fault::Closed) {
            said.fault = Some(fault.clipped());
        }
    }
}

impl Sink for Arc<Shared> {
    fn take(&mut self, frames: &mut [Frame]) {
        if frames.is_empty() {
            return;
        }
        let loud = |frame: &Frame| frame[0].abs().max(frame[1].abs()) > SILENCE;
        match frames.iter().rev().position(loud) {
            Some(behind) => self.silent.store(behind as u64, Ordering::Relaxed),
            None => {
                self.silent.fetch_add(frames.len() as u64, Ordering::Relaxed);
            }
        }
        self.frames.fetch_add(frames.len() as u64, Ordering::Relaxed);
        let mut rest = &*frames;
        while !rest.is_empty() && !self.closed.load(Ordering::Relaxed) {
            let mut queue = held(&self.queue);
            let count = (ROOM - queue.len().min(ROOM)).min(rest.len());
            queue.extend(&rest[..count]);
            drop(queue);
            self.last_ms.store(now_ms(), Ordering::Relaxed);
            rest = &rest[count..];
            if !rest.is_empty() {
                std::thread::sleep(FULL_WAIT);
            }
        }
    }
}

/// Runs until the bytes are over, or cannot be decoded.
fn decode(mut incoming: Incoming, shared: &Arc<Shared>) {
    let result = recognise(&mut incoming).and_then(|way| match way {
        Way::Own => decode_here(incoming, shared),
        Way::Child(format) => {
            held(&shared.said).format = format.to_owned();
            child::run(incoming, &mut shared.clone())
        }
    });
    // Where the bytes ended first, whoever fetched them has said why.
    shared.over(match result {
        Ok(()) => Fault::Ended("its sound ended".into()),
        Err(reason) => Fault::NotSound(reason),
    });
}

fn decode_here(incoming: Incoming, shared: &Arc<Shared>) -> Result<(), String> {
    let mut decoder = StreamDecoder::open(Box::new(incoming))?;
    let (mut frames, mut sink, mut told) = (Vec::new(), shared.clone(), false);
    loop {
        frames.clear();
        let step = decoder.next(&mut frames);
        if !told && !frames.is_empty() {
            told = true;
            held(&shared.said).format = decoder.format();
        }
        sink.take(&mut frames);
        match step {
            StreamStep::More => {}
            StreamStep::Ended => return Ok(()),
            StreamStep::Failed(reason) => return Err(reason),
        }
    }
}

/// Reads until it is known how to decode it; what was read is read again.
fn recognise(incoming: &mut Incoming) -> Result<Way, String> {
    let mut head: Vec<u8> = Vec::new();
    loop {
        let Some(bytes) = incoming.next() else {
            return Err("it ended before it was known what it sends".into());
        };
        head.extend_from_slice(&bytes);
        match way(&head) {
            Some(Some(way)) => {
                incoming.again(Bytes::from(head));
                return Ok(way);
            }
            None => {}
            Some(None) => return Err("what it sends is no sound that is known".into()),
        }
    }
}

#[cfg(test)]
mod tests;
