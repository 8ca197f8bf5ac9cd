//! The hub of one mount: encoded frames in, a bounded queue for each listener out.
//!
//! A listener whose queue is over its limit is dropped; nobody waits for it.

use super::encoder::Tell;
use super::format::Room;
use super::icy;
use super::reached::Reached;
use super::sessions::{Session, Sessions, Who, count};
use super::target::{Encoded, Sink};
use crate::air::clock;
use bytes::Bytes;
use grimnir_events::air::AirEvent;
use grimnir_events::listening::MountListened;
use grimnir_events::{AirFrame, MountId, UtcMicros};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc};

/// A number that grows with each title, and the block that names it.
type Title = (u64, Bytes);

/// Encoded frames or pages on their way to a listener.
#[derive(Clone)]
struct Sound {
    bytes: Bytes,
    /// First frame of the air in them.
    from: AirFrame,
    /// First frame of the air that they do not reach.
    until: AirFrame,
    /// What was heard when they were encoded.
    title: Title,
}

/// Why nobody is let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The station is off air.
    Closed,
    /// As many listen as may.
    Full {
        /// How many that is.
        limit: usize,
    },
}

/// How a mount is doing.
pub struct HubView {
    /// Listeners now.
    pub listeners: usize,
    /// Most listeners at once since it opened.
    pub peak: usize,
    /// What is heard.
    pub title: String,
    /// Since when it is open; `None` while it is not.
    pub opened: Option<UtcMicros>,
}

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
    session: Arc<Session>,
    interleaver: Option<icy::Interleaver>,
}

#[derive(Default)]
struct State {
    seats: Vec<Seat>,
    sessions: Sessions,
    peak: usize,
    opened: Option<UtcMicros>,
    /// What a stream begins with, where its format asks for it.
    head: Bytes,
    burst: VecDeque<Sound>,
    burst_bytes: usize,
    title: Title,
    title_text: String,
}

/// One mount's hub.
pub struct Hub {
    /// The mount.
    pub mount_id: MountId,
    room: Room,
    state: Mutex<State>,
    open: AtomicBool,
    up: AtomicBool,
    sent: AtomicU64,
    /// How far the quickest listener has taken the air.
    taken: AtomicI64,
    /// Where it counts how far the programme was heard; `None` for what is not the programme.
    reached: Option<Arc<Reached>>,
    tell: Tell,
    /// That it is down was told.
    told_down: AtomicBool,
}

impl Hub {
    /// A hub without listeners, closed until [`Hub::open`].
    pub fn new(
        mount_id: MountId,
        reached: Option<Arc<Reached>>,
        room: Room,
        tell: Tell,
    ) -> Arc<Self> {
        let state = State { title: (0, icy::block("")), ..State::default() };
        Arc::new(Self {
            mount_id,
            room,
            state: Mutex::new(state),
            open: AtomicBool::new(false),
            up: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            taken: AtomicI64::new(i64::MIN),
            reached,
            tell,
            told_down: AtomicBool::new(false),
        })
    }

    /// Listeners are let in from now on.
    pub fn open(&self) {
        if !self.open.swap(true, Ordering::AcqRel) {
            self.lock().opened = Some(clock::utc_now());
        }
    }

    /// Every connection ends, and none is let in.
    pub fn close(&self, reason: &str) {
        if self.is_up() {
            self.tell_down(reason);
        }
        self.open.store(false, Ordering::Release);
        self.set_up(false);
        let mut state = self.lock();
        (state.peak, state.opened) = (0, None);
        state.head.clear();
        state.seats.clear();
        state.burst.clear();
        state.burst_bytes = 0;
    }

    fn tell_down(&self, reason: &str) {
        let down = AirEvent::OutputDown { mount_id: self.mount_id, reason: reason.into() };
        (self.tell)(down);
    }

    /// The encoder gives sound, or not.
    fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::Relaxed);
        if let Some(reached) = self.reached.as_ref().filter(|_| !up) {
            reached.leave(self.mount_id);
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
        title.clone_into(&mut state.title_text);
    }

    /// Hands whole encoded frames to everybody; the air before `until` is in them or was before.
    fn hand_out(&self, Encoded { bytes, from, until }: &Encoded) {
        let mut state = self.lock();
        let (length, until) = (bytes.len(), *until);
        let sound = state.sound(bytes.clone(), *from, until);
        state.seats.retain(|seat| {
            if seat.queued.load(Ordering::Relaxed) + length > self.room.queue {
                tracing::info!(mount = %self.mount_id, "slow listener dropped");
                seat.cut.notify_one();
                return false;
            }
            seat.send(&sound)
        });
        state.burst_bytes += length;
        state.burst.push_back(sound);
        while state.burst_bytes > self.room.burst {
            match state.burst.pop_front() {
                Some(old) => state.burst_bytes -= old.bytes.len(),
                None => break,
            }
        }
        let nobody = state.seats.is_empty();
        drop(state);
        if nobody {
            self.note(until);
        }
    }

    /// First frame of the air that nobody was handed yet.
    #[cfg(test)]
    pub fn handed(&self) -> i64 {
        self.lock().burst.back().map_or(0, |sound| sound.until.0)
    }

    /// A listener takes what reaches up to `until`.
    fn take(&self, until: AirFrame) {
        if self.taken.fetch_max(until.0, Ordering::Relaxed) < until.0 {
            self.note(until);
        }
    }

    fn note(&self, until: AirFrame) {
        if let Some(reached) = &self.reached {
            reached.note(self.mount_id, until);
        }
    }

    /// Lets a listener in; `cut` is told when it is to be dropped.
    pub fn join(
        self: &Arc<Self>,
        who: Who,
        metadata: bool,
        cut: Arc<Notify>,
    ) -> Result<Listener, Refusal> {
        if !self.is_open() {
            return Err(Refusal::Closed);
        }
        let mut state = self.lock();
        state.seats.retain(|seat| !seat.tx.is_closed());
        if state.seats.len() >= self.room.listeners {
            return Err(Refusal::Full { limit: self.room.listeners });
        }
        let (tx, rx) = mpsc::unbounded_channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let seat = Seat { tx, queued: queued.clone(), cut };
        if !state.head.is_empty() {
            seat.send(&state.head_sound());
        }
        for sound in &state.burst {
            seat.send(sound);
        }
        state.seats.push(seat);
        state.peak = state.peak.max(state.seats.len());
        if self.reached.is_none() {
            // Nobody asks who heard what there.
            state.sessions.forget_before(AirFrame(i64::MAX));
        }
        let session = state.sessions.begin(who);
        drop(state);
        let interleaver = metadata.then(icy::Interleaver::default);
        Ok(Listener { rx, queued, hub: self.clone(), session, interleaver })
    }

    /// Who listens.
    pub fn sessions(&self) -> Vec<Arc<Session>> {
        self.lock().sessions.now()
    }

    /// How many were handed frames from `from` to before `to`; what is before `keep` is counted no
    /// more.
    pub fn listened(&self, from: AirFrame, to: AirFrame, keep: AirFrame) -> MountListened {
        let mut state = self.lock();
        let spans = state.sessions.spans(from, to);
        state.sessions.forget_before(keep);
        drop(state);
        count(self.mount_id, &spans)
    }

    /// True where nobody listens and nobody is to be counted any more.
    pub fn is_forgotten(&self) -> bool {
        self.lock().sessions.is_empty()
    }

    /// How it is doing.
    pub fn view(&self) -> HubView {
        let state = self.lock();
        HubView {
            listeners: state.seats.len(),
            peak: state.peak,
            title: state.title_text.clone(),
            opened: state.opened,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Hub {
    /// Whoever is there, and whoever comes, gets the headers before the sound.
    fn begin(&self, head: &Bytes) {
        let mut state = self.lock();
        // The stream before ended without a word; its sound does not belong behind these headers.
        state.burst.clear();
        state.burst_bytes = 0;
        state.head = head.clone();
        if !head.is_empty() {
            let sound = state.head_sound();
            state.seats.retain(|seat| seat.send(&sound));
        }
    }

    fn push(&self, sound: &Encoded) {
        if !self.is_open() {
            return;
        }
        if !self.is_up() {
            self.set_up(true);
            self.told_down.store(false, Ordering::Relaxed);
            (self.tell)(AirEvent::OutputUp { mount_id: self.mount_id });
        }
        self.hand_out(sound);
    }

    fn failed(&self, reason: &str) {
        let was_up = self.is_up();
        self.set_up(false);
        // Said once for each time it goes down, not for each try.
        if !self.told_down.swap(true, Ordering::Relaxed) || was_up {
            self.tell_down(reason);
        }
    }
}

impl State {
    fn sound(&self, bytes: Bytes, from: AirFrame, until: AirFrame) -> Sound {
        Sound { bytes, from, until, title: self.title.clone() }
    }

    /// Before any frame of the air: headers reach nothing.
    fn head_sound(&self) -> Sound {
        self.sound(self.head.clone(), AirFrame(i64::MIN), AirFrame(i64::MIN))
    }
}

impl Seat {
    /// False once the listener has gone.
    fn send(&self, sound: &Sound) -> bool {
        self.queued.fetch_add(sound.bytes.len(), Ordering::Relaxed);
        self.tx.send(sound.clone()).is_ok()
    }
}

impl Listener {
    /// The next bytes for the socket; `None` once the mount has closed.
    pub async fn next(&mut self) -> Option<Bytes> {
        let Sound { bytes, from, until, title } = self.rx.recv().await?;
        self.queued.fetch_sub(bytes.len(), Ordering::Relaxed);
        let bytes = match &mut self.interleaver {
            Some(interleaver) => interleaver.push(bytes, &title),
            None => bytes,
        };
        self.hub.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.session.took(bytes.len(), from, until);
        self.hub.take(until);
        Some(bytes)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.session.end();
    }
}

#[cfg(test)]
mod tests;
