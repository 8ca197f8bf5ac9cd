//! The disk of a recording: writes, makes durable, closes, hashes, removes.
//!
//! A thread of its own behind a bounded queue, so that a disk that stands still holds up nobody.
//! Upstream: `recorder`. What was written survives the process at once and a power cut after
//! [`SYNC`]. Not here: which frames belong to which file.

use super::mend::{self, Cut};
use super::place::{Marker, Place};
use super::take::{Ending, Piece};
use super::tidy;
use grimnir_events::AirFrame;
use grimnir_events::ContentHash;
use grimnir_events::live_recording::Aired;
use grimnir_events::output::{Encoding, OutputHealth};
use grimnir_events::recording::{Recorded, RecordingEnd, RecordingReport};
use grimnir_events::station::MountFormat;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// A power cut loses this much at most, and what the disk then still had to write.
pub const SYNC: Duration = Duration::from_secs(5);
/// Disk threads that have not ended: an engine that ends in order waits for them a while.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// Waits until every file of an output that ended is closed, for so long at most.
pub fn wait_until_closed(limit: Duration) {
    let until = Instant::now() + limit;
    while BUSY.load(Ordering::Acquire) > 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What may wait for the disk: a minute of FLAC, and more of the others.
pub const QUEUE_BYTES: usize = 12 * 1024 * 1024;
/// Read at a time for the hash.
const CHUNK: usize = 256 * 1024;

/// Whom a recording tells.
#[derive(Clone)]
pub struct Told {
    /// How it is doing.
    pub health: Arc<dyn Fn(OutputHealth, String) + Send + Sync>,
    /// What became of its files; of a live session's that are closed, what was on air.
    pub files: Arc<dyn Fn(RecordingReport, Vec<Aired>) + Send + Sync>,
}

/// How much is kept; 0 means all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Days.
    pub days: u16,
    /// Bytes of all files.
    pub bytes: u64,
}

impl Limits {
    /// Not everything is kept.
    pub fn any(self) -> bool {
        self.days > 0 || self.bytes > 0
    }
}

/// What the disk is to do.
pub enum Job {
    /// A file begins at this frame.
    Open(AirFrame),
    /// It goes on.
    Write(Piece),
    /// So much of it was on air; what is there still may tell more frames than the file has.
    Aired(Vec<Aired>),
    /// It ends as it was to.
    Close(Ending, RecordingEnd),
    /// It ends where it is.
    Abandon(RecordingEnd),
}

/// A keeper's end for whoever gives it work.
pub struct Keeper {
    tx: Sender<Job>,
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    queued: AtomicUsize,
    /// Files that were begun and could not be written on, by their number from 1.
    failed: AtomicU64,
}

impl Keeper {
    /// Starts one; what was left open is closed first.
    pub fn start(place: Place, encoding: Encoding, limits: Limits, told: Told) -> Self {
        let (tx, rx) = channel();
        let shared = Arc::new(Shared::default());
        let disk =
            Disk { place, encoding, limits, told, shared: shared.clone(), open: None, begun: 0 };
        let thread = std::thread::Builder::new()
            .name("rec-disk".into())
            .spawn(move || {
                disk.run(&rx);
                BUSY.fetch_sub(1, Ordering::AcqRel);
            })
            .inspect(|_| {
                BUSY.fetch_add(1, Ordering::AcqRel);
            })
            .map_err(|error| tracing::error!(%error, "a recording's disk thread cannot start"))
            .ok();
        Self { tx, shared, thread }
    }

    /// Gives it work.
    pub fn send(&self, job: Job) {
        self.shared.queued.fetch_add(weight(&job), Ordering::Relaxed);
        let _ = self.tx.send(job);
    }

    /// Bytes that wait.
    pub fn queued(&self) -> usize {
        self.shared.queued.load(Ordering::Relaxed)
    }

    /// True where the file of this number, from 1, cannot be written on.
    pub fn has_failed(&self, number: u64) -> bool {
        self.shared.failed.load(Ordering::Acquire) >= number
    }

    /// Gives no more work; waits until all is done.
    pub fn finish(mut self) {
        let thread = self.thread.take();
        drop(self);
        let _ = thread.map(std::thread::JoinHandle::join);
    }
}

fn weight(job: &Job) -> usize {
    match job {
        Job::Write(piece) => piece.bytes.len(),
        Job::Close(ending, _) => ending.piece.bytes.len(),
        Job::Open(_) | Job::Aired(_) | Job::Abandon(_) => 0,
    }
}

struct Open {
    file: File,
    marker: Marker,
    announced: bool,
}

struct Disk {
    place: Place,
    encoding: Encoding,
    limits: Limits,
    told: Told,
    shared: Arc<Shared>,
    open: Option<Open>,
    begun: u64,
}

impl Disk {
    fn run(mut self, rx: &Receiver<Job>) {
        for marker in self.place.left_open() {
            self.mend(&marker, RecordingEnd::EngineLost);
        }
        let mut synced = Instant::now();
        loop {
            match rx.recv_timeout(SYNC) {
                Ok(job) => {
                    let weight = weight(&job);
                    self.carry_out(job);
                    self.shared.queued.fetch_sub(weight, Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if synced.elapsed() >= SYNC {
                let done = self.open.as_ref().map_or(Ok(()), |open| open.file.sync_data());
                self.or_fail(done);
                synced = Instant::now();
            }
        }
    }

    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Open(first) => {
                self.begun += 1;
                match self.place.make(self.encoding, first) {
                    Ok((file, marker)) => {
                        self.open = Some(Open { file, marker, announced: false });
                        self.tidy(first);
                    }
                    Err(error) => self.or_fail(Err(error)),
                }
            }
            Job::Write(piece) => {
                let done = self.write(&piece);
                self.or_fail(done);
            }
            Job::Aired(aired) => {
                if let Some(open) = self.open.as_mut() {
                    open.marker.aired = aired;
                    let done = self.place.mark(&open.marker);
                    self.or_fail(done);
                }
            }
            Job::Close(ending, end) => {
                let done = self.write(&ending.piece);
                self.or_fail(done);
                if let Some(open) = self.open.take() {
                    let (marker, frames) = (open.marker, ending.piece.whole);
                    let done = self.close(&open.file, &marker, frames, &ending.patches, end);
                    self.or_fail(done);
                }
            }
            Job::Abandon(end) => {
                if let Some(open) = self.open.take() {
                    self.mend(&open.marker, end);
                }
            }
        }
    }

    fn write(&mut self, piece: &Piece) -> io::Result<()> {
        let Some(open) = self.open.as_mut() else { return Ok(()) };
        open.file.write_all(&piece.bytes)?;
        if !open.announced && piece.whole > 0 {
            open.announced = true;
            let Marker { file, encoding, first, .. } = open.marker.clone();
            (self.told.files)(RecordingReport::Opened { file, encoding, first }, Vec::new());
            (self.told.health)(OutputHealth::Up, String::new());
        }
        Ok(())
    }

    /// What went wrong ends the file that is open, and nothing else.
    fn or_fail(&mut self, done: io::Result<()>) {
        let Err(error) = done else { return };
        tracing::error!(owner = self.place.owner(), %error, "a recording cannot be written");
        let reason = error.to_string();
        self.shared.failed.store(self.begun, Ordering::Release);
        if let Some(open) = self.open.take() {
            self.mend(&open.marker, RecordingEnd::Fault { reason: reason.clone() });
        }
        (self.told.health)(OutputHealth::Down, reason);
    }

    /// Closes a file by what of it is whole; one without sound is removed.
    fn mend(&self, marker: &Marker, end: RecordingEnd) {
        let path = marker.root.join(&marker.file);
        let done = File::options().read(true).write(true).open(&path).and_then(|file| {
            let length = file.metadata()?.len() as usize;
            let head = read_at(&file, 0, mend::HEAD.min(length))?;
            let tail = mend::TAIL.min(length);
            let tail = read_at(&file, (length - tail) as u64, tail)?;
            let cut = Cut { head: &head, tail: &tail, length };
            let mended = mend::mend(marker.encoding.format, &cut);
            if mended.frames == 0 {
                self.place.unmark(marker);
                return std::fs::remove_file(&path);
            }
            file.set_len(mended.length)?;
            self.close(&file, marker, mended.frames, &mended.patches, end)
        });
        match done {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.place.unmark(marker),
            // Its marker stays: the next run tries again.
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "a recording cannot be closed");
            }
        }
    }

    /// What is known only now is written; then the file is on disk, and is told.
    fn close(
        &self,
        file: &File,
        marker: &Marker,
        frames: i64,
        patches: &[(u64, Vec<u8>)],
        end: RecordingEnd,
    ) -> io::Result<()> {
        for (at, bytes) in patches {
            file.write_all_at(bytes, *at)?;
        }
        file.sync_all()?;
        let (hash, bytes) = hash(&marker.root.join(&marker.file))?;
        self.place.unmark(marker);
        let recorded = Recorded {
            file: marker.file.clone(),
            encoding: marker.encoding,
            first: marker.first,
            frames,
            lead: lead(marker.encoding.format),
            bytes,
            hash,
            end,
        };
        (self.told.files)(RecordingReport::Closed(recorded), within(&marker.aired, frames));
        Ok(())
    }

    fn tidy(&self, now: AirFrame) {
        if let Err(error) = self.place.note(self.limits) {
            tracing::warn!(owner = self.place.owner(), %error, "what is kept is not noted");
        }
        tidy::as_one_begins(&self.place, self.limits, now, &self.told);
    }
}

/// Closes a file that a run before this one left open, which was heard up to `lost`.
pub fn close_left(place: Place, marker: &Marker, lost: AirFrame, told: Told) {
    let (encoding, shared) = (marker.encoding, Arc::new(Shared::default()));
    let limits = Limits::default();
    let disk = Disk { place, encoding, limits, told, shared, open: None, begun: 0 };
    let heard = |aired: &Aired| {
        let frames = aired.frames.min(lost.since(aired.first));
        Aired { frames, ..*aired }
    };
    let aired = marker.aired.iter().map(heard).collect();
    disk.mend(&Marker { aired, ..marker.clone() }, RecordingEnd::EngineLost);
}

/// What was on air of a file of so many frames.
fn within(aired: &[Aired], frames: i64) -> Vec<Aired> {
    let cut = |aired: &Aired| Aired { frames: aired.frames.min(frames - aired.offset), ..*aired };
    aired.iter().map(cut).filter(|aired| aired.frames > 0).collect()
}

fn read_at(file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

fn hash(path: &std::path::Path) -> io::Result<(ContentHash, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let (mut chunk, mut all) = (vec![0; CHUNK], 0);
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok((ContentHash(hasher.finalize().into()), all));
        }
        hasher.update(&chunk[..read]);
        all += read as u64;
    }
}

/// Frames that come before the first where a decoder does not read the container's word on it.
fn lead(format: MountFormat) -> u32 {
    match format {
        MountFormat::Mp3 => 1_105,
        // Of the encoder at 48 kHz, as it writes into its head: 6.5 ms.
        MountFormat::Opus => 312,
        MountFormat::Flac | MountFormat::AacLc | MountFormat::Vorbis => 0,
    }
}
