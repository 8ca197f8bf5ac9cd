//! Which frames of the programme go into which file: every one into one, in order.
//!
//! Files turn with the hours of UTC: the first sample of an hour's file is the frame of that hour.
//! A gap in what comes begins a new file, so that no file has one. Upstream: the fan-out.
//! Downstream: `keeper`.

use super::super::fanout::{Block, Blocks};
use super::head::Label;
use super::keeper::{Job, Keeper, QUEUE_BYTES, Told};
use super::take::Take;
use grimnir_events::AirFrame;
use grimnir_events::live_recording::Aired;
use grimnir_events::output::{Encoding, OutputHealth};
use grimnir_events::recording::RecordingEnd;
use grimnir_events::units::FRAMES_PER_SECOND;
use grimnir_mix::{BLOCK, Frame};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Frames of an hour.
const HOUR: i64 = 3_600 * FRAMES_PER_SECOND;
/// Blocks are gathered this long; what was gathered is what kill -9 loses, beside what the encoder
/// holds.
pub const GATHER: Duration = Duration::from_millis(100);
/// After a fault it is tried again: 2 s.
const RETRY: i64 = 2 * FRAMES_PER_SECOND;

/// A recording that runs; ends when dropped.
pub struct Recorder {
    stop: Arc<AtomicBool>,
}

impl Recorder {
    /// Records `blocks`.
    pub fn start(blocks: Blocks, hours: Hours) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let spawned = std::thread::Builder::new()
            .name("rec".into())
            .spawn(move || run(&blocks, hours, &told));
        if let Err(error) = spawned {
            tracing::error!(%error, "a recording's thread cannot start");
        }
        Self { stop }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

fn run(blocks: &Blocks, mut hours: Hours, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        std::thread::sleep(GATHER);
        // A block that was dropped is seen as a gap.
        for block in blocks.rx.try_iter() {
            hours.take(&block);
        }
        hours.flush();
    }
    hours.stop();
}

/// The files of one recording.
pub struct Hours {
    encoding: Encoding,
    /// As each file is labelled, but for its first frame.
    label: Label,
    keeper: Keeper,
    told: Told,
    open: Option<Take>,
    /// Files begun so far.
    begun: u64,
    /// Frames that were taken and not encoded yet.
    gathered: Vec<Frame>,
    /// The frame behind everything that was taken.
    next: AirFrame,
    /// Nothing is begun before.
    wait: AirFrame,
    lossy: bool,
    /// Of a live session, whose files do not turn with the hours.
    session: Option<OfSession>,
}

/// What was on air of the file that begins with this frame.
pub type AiredOf = Box<dyn Fn(AirFrame) -> Vec<Aired> + Send>;

struct OfSession {
    aired: AiredOf,
    /// First frame of the open file, and what the disk was told of it.
    first: AirFrame,
    told: Vec<Aired>,
}

impl Hours {
    /// Begins with the first block.
    pub fn new(encoding: Encoding, label: Label, keeper: Keeper, told: Told) -> Self {
        Self {
            encoding,
            label,
            keeper,
            told,
            open: None,
            begun: 0,
            gathered: Vec::with_capacity(10 * BLOCK),
            next: AirFrame(0),
            wait: AirFrame(0),
            lossy: false,
            session: None,
        }
    }

    /// Of what a live session sends, in files that are as long as what comes: `aired` tells what
    /// of it was on air.
    pub fn of_session(self, aired: AiredOf) -> Self {
        let session = OfSession { aired, first: AirFrame(0), told: Vec::new() };
        Self { session: Some(session), ..self }
    }

    /// Takes a block.
    pub fn take(&mut self, block: &Block) {
        self.take_frames(block.at, &block.frames);
    }

    /// Takes frames, of which the first is `at`.
    pub fn take_frames(&mut self, at: AirFrame, mut frames: &[Frame]) {
        if self.open.is_some() && at != self.next {
            self.flush();
            self.close(RecordingEnd::Gap);
        }
        self.next = at;
        while !frames.is_empty() {
            let room = match self.session {
                Some(_) => frames.len() + 1,
                None => usize::try_from(turn_after(self.next).since(self.next)).unwrap_or(BLOCK),
            };
            let (now, later) = frames.split_at(room.min(frames.len()));
            if self.open.is_some() || self.begin() {
                self.gathered.extend_from_slice(now);
            }
            self.next = self.next.plus(now.len() as i64);
            if now.len() == room {
                self.flush();
                self.close(RecordingEnd::HourTurn);
            }
            frames = later;
        }
    }

    /// Encodes what was gathered.
    pub fn flush(&mut self) {
        if self.keeper.has_failed(self.begun) && self.open.is_some() {
            self.give_up();
        }
        if self.keeper.queued() > QUEUE_BYTES && self.open.take().is_some() {
            let reason = format!("{QUEUE_BYTES} bytes wait for the disk, limit {QUEUE_BYTES}");
            self.lossy = true;
            self.keeper.send(Job::Abandon(RecordingEnd::Fault { reason: reason.clone() }));
            (self.told.health)(OutputHealth::Degraded, reason);
            self.wait = self.next.plus(RETRY);
        }
        if let Some(take) = self.open.as_mut()
            && !self.gathered.is_empty()
        {
            match take.push(&self.gathered) {
                Ok(piece) => self.keeper.send(Job::Write(piece)),
                Err(reason) => self.encoder_failed(reason),
            }
        }
        self.gathered.clear();
        self.tell_aired();
    }

    /// Has the disk know what of the open file was on air, where that is news.
    fn tell_aired(&mut self) {
        let Some(session) = self.session.as_mut().filter(|_| self.open.is_some()) else { return };
        let aired = (session.aired)(session.first);
        if aired != session.told {
            session.told.clone_from(&aired);
            self.keeper.send(Job::Aired(aired));
        }
    }

    /// Closes the last file and waits for the disk.
    pub fn stop(mut self) {
        self.flush();
        self.close(RecordingEnd::Stopped);
        self.keeper.finish();
    }

    fn begin(&mut self) -> bool {
        let full = self.lossy && self.keeper.queued() > QUEUE_BYTES / 4;
        if self.next < self.wait || full {
            return false;
        }
        self.lossy = false;
        let label = Label { first: self.next, ..self.label.clone() };
        match Take::begin(self.encoding.format, self.encoding.bitrate_kbps, label) {
            Ok(take) => {
                self.open = Some(take);
                self.begun += 1;
                self.keeper.send(Job::Open(self.next));
                if let Some(session) = &mut self.session {
                    (session.first, session.told) = (self.next, Vec::new());
                }
                true
            }
            Err(reason) => {
                self.encoder_failed(reason);
                false
            }
        }
    }

    fn close(&mut self, end: RecordingEnd) {
        self.tell_aired();
        let Some(take) = self.open.take() else { return };
        match take.end() {
            Ok(ending) => self.keeper.send(Job::Close(ending, end)),
            Err(reason) => self.encoder_failed(reason),
        }
    }

    fn encoder_failed(&mut self, reason: String) {
        tracing::error!(reason, "a recording's encoder failed");
        self.keeper.send(Job::Abandon(RecordingEnd::Fault { reason: reason.clone() }));
        (self.told.health)(OutputHealth::Down, reason);
        self.give_up();
    }

    fn give_up(&mut self) {
        self.open = None;
        self.gathered.clear();
        self.wait = self.next.plus(RETRY);
    }
}

/// The next full hour of UTC after a frame.
fn turn_after(frame: AirFrame) -> AirFrame {
    AirFrame((frame.0.div_euclid(HOUR) + 1) * HOUR)
}

#[cfg(test)]
pub(super) mod tests;
