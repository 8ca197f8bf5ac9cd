//! A feeder: decodes one play's file into its ring, so that no disk or decoder meets the mix.
//!
//! One thread per play, gone when the play is. Upstream: the director. Downstream: the ring.

use super::ring::RingWriter;
use grimnir_mix::{DecodeError, FileSource, Frame, FrameSource, SourceState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

/// A play is ready once this much of it is decoded: 2 s.
const PREFILL_FRAMES: i64 = 96_000;
/// Frames decoded at a time.
const CHUNK: usize = 4_096;
/// A full ring is looked at again after this; it holds 2.7 s.
const FULL_WAIT: Duration = Duration::from_millis(250);

/// What is to be fed.
#[derive(Clone, Debug)]
pub struct Job {
    /// The play.
    pub voice: u64,
    /// Its file.
    pub path: PathBuf,
    /// First frame.
    pub from: i64,
    /// Frame after the last.
    pub to: Option<i64>,
}

/// What a feeder has to say; each at most once, `Ready` or `Failed` first.
#[derive(Debug)]
pub enum DeckReport {
    /// The play can start.
    Ready {
        /// The play.
        voice: u64,
    },
    /// The play cannot start.
    Failed {
        /// The play.
        voice: u64,
        /// There is no such file, or it cannot be read.
        missing: bool,
        /// What was seen.
        reason: String,
    },
    /// All that the file has is in the ring.
    Ended {
        /// The play.
        voice: u64,
        /// Frames that were fed.
        frames: i64,
        /// Why there are no more, where that is a failure.
        failure: Option<String>,
    },
}

/// Starts a feeder; `tell` is called on its thread.
pub fn start(job: Job, writer: RingWriter, tell: impl Fn(DeckReport) + Send + 'static) {
    let voice = job.voice;
    let tell = std::sync::Arc::new(std::sync::Mutex::new(tell));
    let on_thread = tell.clone();
    let say = move |report: DeckReport| {
        (on_thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner))(report);
    };
    let spawned = std::thread::Builder::new().name(format!("deck-{voice}")).spawn(move || {
        if catch_unwind(AssertUnwindSafe(|| feed(&job, writer, &say))).is_err() {
            say(DeckReport::Failed {
                voice,
                missing: false,
                reason: "the decoder panicked".into(),
            });
        }
    });
    if let Err(error) = spawned {
        let reason = format!("feeder thread cannot start: {error}");
        let report = DeckReport::Failed { voice, missing: false, reason };
        (tell.lock().unwrap_or_else(std::sync::PoisonError::into_inner))(report);
    }
}

fn feed(job: &Job, mut writer: RingWriter, say: &impl Fn(DeckReport)) {
    let voice = job.voice;
    let mut source = match FileSource::open(&job.path, job.from, job.to) {
        Ok(source) => source,
        Err(error) => {
            let missing = matches!(error, DecodeError::Io { .. });
            say(DeckReport::Failed { voice, missing, reason: explain(&error) });
            writer.finish(Some(explain(&error)));
            return;
        }
    };
    let mut chunk: Vec<Frame> = vec![[0.0; 2]; CHUNK];
    let mut total = 0i64;
    let mut ready = false;
    loop {
        let got = source.read(&mut chunk);
        let mut done = 0;
        while done < got.frames {
            done += writer.push(&chunk[done..got.frames]);
            if done < got.frames {
                if writer.abandoned() {
                    return;
                }
                std::thread::sleep(FULL_WAIT);
            }
        }
        total += got.frames as i64;
        if got.state != SourceState::More {
            let failure = (got.state == SourceState::Failed)
                .then(|| source.failure().unwrap_or("the file cannot be read on").to_owned());
            if !ready && total == 0 {
                let reason = failure.clone().unwrap_or_else(|| "the file holds no sound".into());
                say(DeckReport::Failed { voice, missing: false, reason });
            } else {
                if !ready {
                    say(DeckReport::Ready { voice });
                }
                say(DeckReport::Ended { voice, frames: total, failure: failure.clone() });
            }
            writer.finish(failure);
            return;
        }
        if !ready && total >= PREFILL_FRAMES {
            ready = true;
            say(DeckReport::Ready { voice });
        }
        if writer.abandoned() {
            return;
        }
    }
}

/// An error and its causes in one line.
pub fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
