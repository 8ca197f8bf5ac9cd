//! Recording of live sessions: what a source sent, from its first sound to its last.
//!
//! Whoever decodes a source gives each frame to a [`Scribe`] on its way into the ring of the mix;
//! a thread of its own encodes, another writes. A queue that is full loses sound of the recording,
//! and nothing waits for it. Upstream: the pump of the inputs. Downstream: `recorder`, `keeper`.

use super::aired::AiredLog;
use super::head::Label;
use super::keeper::{self, Keeper, Limits, Told};
use super::place::{Place, live_left_open};
use super::recorder::{GATHER, Hours};
use super::tidy;
use crate::air::clock;
use crate::output::encoder::Tell;
use grimnir_events::air::AirEvent;
use grimnir_events::live::LiveAirEvent;
use grimnir_events::live_recording::{LiveRecording, LiveRecordingReport};
use grimnir_events::output::OutputHealth;
use grimnir_events::recording::RecordingReport;
use grimnir_events::{AirFrame, EngineRunId, LiveSessionId};
use grimnir_mix::Frame;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, TrySendError, channel,
    sync_channel,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Pieces that may wait for the encoder: ten seconds in packets of MP3, and 16 MiB at most.
const QUEUE: usize = 400;
/// What is held of a source that is gone is heard for less than this.
const LAST_HEARD: Duration = Duration::from_secs(6);

/// Which sessions are recorded, and where.
pub struct Records {
    dir: PathBuf,
    run: EngineRunId,
    station: Box<dyn Fn() -> String + Send + Sync>,
    tell: Tell,
    wishes: Mutex<BTreeMap<LiveSessionId, LiveRecording>>,
    /// Grows when `wishes` change.
    revision: AtomicU64,
    over: AtomicBool,
    /// Told when a file is complete: it may be one too many.
    closed: Sender<()>,
}

impl Records {
    /// Below the engine's folder, in this run; what earlier runs left open is closed, the last of
    /// which was heard up to `lost`. What is kept no longer goes then, and from time to time.
    pub fn new(
        dir: &Path,
        (run, lost): (EngineRunId, AirFrame),
        station: impl Fn() -> String + Send + Sync + 'static,
        tell: Tell,
    ) -> Arc<Self> {
        let left = live_left_open(dir, run);
        let (told, engine) = (tell.clone(), dir.to_path_buf());
        let (closed, rx) = channel();
        let close = move || {
            for (session_id, place, marker) in left {
                keeper::close_left(place, &marker, lost, told_of(session_id, &told));
            }
            loop {
                let now = clock::utc_now().frame();
                tidy::live(&engine, run, now, |session_id| told_of(session_id, &told));
                if rx.recv_timeout(tidy::EVERY) == Err(RecvTimeoutError::Disconnected) {
                    break;
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("live-mend".into()).spawn(close) {
            tracing::error!(%error, "recordings stay open, and stay");
        }
        Arc::new(Self {
            dir: dir.to_path_buf(),
            run,
            station: Box::new(station),
            tell,
            wishes: Mutex::default(),
            revision: AtomicU64::new(1),
            over: AtomicBool::new(false),
            closed,
        })
    }

    /// Of nobody: for tests of what stands beside it.
    #[cfg(test)]
    pub fn unused() -> Arc<Self> {
        let run = (EngineRunId([0; 16]), AirFrame(0));
        Self::new(Path::new("/nonexistent"), run, String::new, Arc::new(|_| {}))
    }

    /// These sessions are recorded from now on, whoever is connected already as well.
    pub fn set(&self, wishes: BTreeMap<LiveSessionId, LiveRecording>) {
        *self.wishes.lock().unwrap_or_else(PoisonError::into_inner) = wishes;
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// Has every file closed: the engine ends.
    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    fn wish(&self, id: LiveSessionId) -> Option<LiveRecording> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied()
    }

    /// For a source that signed in with the session of this name.
    pub fn scribe(self: &Arc<Self>, session_id: LiveSessionId, name: String) -> Scribe {
        let (records, aired) = (self.clone(), Arc::new(AiredLog::default()));
        Scribe { records, session_id, name, aired, revision: 0, wish: None, tx: None, count: 0 }
    }

    /// Tells the journal, and whoever tidies up.
    fn told(&self, session_id: LiveSessionId) -> Told {
        let (told, closed) = (told_of(session_id, &self.tell), self.closed.clone());
        let tell = told.files;
        let files = Arc::new(move |report: RecordingReport, aired| {
            let complete = matches!(report, RecordingReport::Closed(_));
            tell(report, aired);
            if complete {
                let _ = closed.send(());
            }
        });
        Told { files, ..told }
    }

    fn hours(&self, of: &Recording) -> Hours {
        let LiveRecording { encoding, keep_days, keep_bytes } = of.wish;
        let place = Place::of_session(&self.dir, self.run, of.session_id, &of.name);
        let told = self.told(of.session_id);
        let label = Label {
            station: (self.station)(),
            output: of.session_id.to_string(),
            run: self.run.to_string(),
            first: AirFrame(0),
        };
        let limits = Limits { days: keep_days, bytes: keep_bytes };
        let keeper = Keeper::start(place, encoding, limits, told.clone());
        Hours::new(encoding, label, keeper, told)
    }
}

/// Tells the journal; what cannot be written again and again for one reason is told once.
fn told_of(session_id: LiveSessionId, tell: &Tell) -> Told {
    let say = move |tell: &Tell, report| {
        let report = Box::new(report);
        tell(AirEvent::Live(Box::new(LiveAirEvent::Recording { session_id, report })));
    };
    let (health, files, last) = (tell.clone(), tell.clone(), Mutex::new(String::new()));
    Told {
        health: Arc::new(move |word, reason: String| {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if word == OutputHealth::Up {
                last.clear();
            } else if *last != reason {
                last.clone_from(&reason);
                say(&health, LiveRecordingReport::Failed { reason });
            }
        }),
        files: Arc::new(move |report, aired| {
            let report = match report {
                RecordingReport::Opened { file, encoding, first } => {
                    LiveRecordingReport::Begun { file, encoding, first }
                }
                RecordingReport::Closed(recorded) => {
                    LiveRecordingReport::Finished { recorded, aired }
                }
                RecordingReport::Removed { file, reason } => {
                    LiveRecordingReport::Removed { file, reason }
                }
            };
            say(&files, report);
        }),
    }
}

/// Frames of a source, of which the first has this number among all that came.
struct Piece {
    at: i64,
    frames: Vec<Frame>,
}

/// Takes what a source sends, and has it written where that is wished.
pub struct Scribe {
    records: Arc<Records>,
    session_id: LiveSessionId,
    name: String,
    aired: Arc<AiredLog>,
    /// Of the wishes, when they were looked at last.
    revision: u64,
    wish: Option<LiveRecording>,
    tx: Option<SyncSender<Piece>>,
    /// Frames that came so far.
    count: i64,
}

impl Scribe {
    /// Where it is noted what of it is on air.
    pub fn aired(&self) -> Arc<AiredLog> {
        self.aired.clone()
    }

    /// Takes frames; never waits.
    pub fn take(&mut self, frames: &[Frame]) {
        let revision = self.records.revision.load(Ordering::Acquire);
        if revision != self.revision {
            self.revision = revision;
            let wish = self.records.wish(self.session_id);
            if wish != self.wish {
                self.wish = wish;
                self.tx = wish.and_then(|wish| self.begin(wish));
            }
        }
        if let Some(tx) = &self.tx {
            let piece = Piece { at: self.count, frames: frames.to_vec() };
            // What is lost is seen as a gap.
            if let Err(TrySendError::Disconnected(_)) = tx.try_send(piece) {
                self.tx = None;
            }
        }
        self.count += frames.len() as i64;
    }

    fn begin(&self, wish: LiveRecording) -> Option<SyncSender<Piece>> {
        let (tx, rx) = sync_channel(QUEUE);
        let (records, session_id) = (self.records.clone(), self.session_id);
        let (name, aired) = (self.name.clone(), self.aired.clone());
        let recording = Recording { records, session_id, name, aired, wish };
        std::thread::Builder::new()
            .name("live-rec".into())
            .spawn(move || recording.run(&rx))
            .map_err(|error| tracing::error!(%error, "a recording's thread cannot start"))
            .ok()?;
        Some(tx)
    }
}

/// One connection that is being recorded.
struct Recording {
    records: Arc<Records>,
    session_id: LiveSessionId,
    name: String,
    aired: Arc<AiredLog>,
    wish: LiveRecording,
}

impl Recording {
    fn run(self, rx: &Receiver<Piece>) {
        let Ok(first) = rx.recv() else { return };
        // Frames of a source are counted from when the first of them came.
        let origin = clock::utc_now().frame().plus(-first.at);
        let log = self.aired.clone();
        let aired = Box::new(move |file: AirFrame| log.of_file(file.since(origin)));
        let mut hours = self.records.hours(&self).of_session(aired);
        hours.take_frames(origin.plus(first.at), &first.frames);
        let mut gone = None;
        while !self.records.over.load(Ordering::Acquire) {
            std::thread::sleep(GATHER);
            loop {
                match rx.try_recv() {
                    Ok(piece) => hours.take_frames(origin.plus(piece.at), &piece.frames),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        gone.get_or_insert_with(Instant::now);
                        break;
                    }
                }
            }
            hours.flush();
            // Its end is heard a while after it came.
            if gone.is_some_and(|at| !self.aired.on_air() || at.elapsed() > LAST_HEARD) {
                break;
            }
        }
        hours.stop();
    }
}

#[cfg(test)]
mod tests;
