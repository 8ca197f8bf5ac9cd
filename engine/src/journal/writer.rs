//! The journal's writer: numbers what waits, appends it, and syncs, off the air path.

use super::{Journal, Pending, RECENT_LIMIT, files, payload};
use grimnir_events::frame;
use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

/// A file is closed beyond this size, so that acknowledged ones can go.
const ROTATE_BYTES: u64 = 8 << 20;
/// Facts are gathered this long before one sync.
const GATHER: Duration = Duration::from_millis(20);
/// A failing disk is tried again after this.
const RETRY: Duration = Duration::from_secs(1);
/// Facts of one append at most.
const BATCH: usize = 1_024;

pub(super) struct Writer {
    journal: Journal,
    next_seq: u64,
    file: Option<(File, u64)>,
    failing: bool,
}

impl Writer {
    pub(super) fn new(journal: Journal, next_seq: u64) -> Self {
        Self { journal, next_seq, file: None, failing: false }
    }

    pub(super) fn run(mut self) {
        let mut last_tries = 3;
        loop {
            let (batch, closing) = self.gather();
            if batch.is_empty() {
                if closing {
                    return;
                }
                continue;
            }
            let count = batch.len() as u64;
            if let Err((error, batch)) = self.append(batch) {
                self.put_back(batch);
                if !self.failing {
                    tracing::error!(%error, "journal cannot be written; facts wait in memory");
                    self.failing = true;
                }
                last_tries -= i32::from(closing);
                if last_tries < 0 {
                    tracing::error!("journal is closed with facts that were never written");
                    return;
                }
                std::thread::sleep(if closing { GATHER } else { RETRY });
            } else if self.failing {
                self.failing = false;
                tracing::warn!(count, "journal is written again");
            }
        }
    }

    fn gather(&self) -> (Vec<Pending>, bool) {
        let mut state = self.journal.lock();
        while state.pending.is_empty() && !state.closing {
            state = match self.journal.inner.wake.wait(state) {
                Ok(state) => state,
                Err(poisoned) => poisoned.into_inner(),
            };
        }
        if !state.closing {
            drop(state);
            std::thread::sleep(GATHER);
            state = self.journal.lock();
        }
        let count = state.pending.len().min(BATCH);
        let batch = state.pending.drain(..count).collect();
        (batch, state.closing)
    }

    fn put_back(&self, batch: Vec<Pending>) {
        let mut state = self.journal.lock();
        for pending in batch.into_iter().rev() {
            state.pending.push_front(pending);
        }
        if state.lost > 0 {
            tracing::error!(lost = state.lost, "facts lost: too many wait for the disk");
            state.lost = 0;
        }
    }

    fn append(&mut self, batch: Vec<Pending>) -> Result<(), (io::Error, Vec<Pending>)> {
        let mut bytes = Vec::new();
        let mut written = Vec::new();
        let mut seq = self.next_seq;
        for pending in &batch {
            if let Some(body) = payload(&Journal::fact(seq, pending)) {
                frame::write(&mut bytes, seq, pending.at, &body);
                written.push((seq, body));
                seq += 1;
            }
        }
        if let Err(error) = self.write(&bytes) {
            return Err((error, batch));
        }
        self.next_seq = seq;
        let mut state = self.journal.lock();
        state.recent.extend(written);
        let over = state.recent.len().saturating_sub(RECENT_LIMIT);
        state.recent.drain(..over);
        drop(state);
        self.journal.inner.head.send_replace(seq - 1);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.file.as_ref().is_some_and(|(_, length)| *length >= ROTATE_BYTES) {
            self.file = None;
        }
        let (file, length) = match &mut self.file {
            Some(open) => open,
            None => {
                let open = open_file(&self.journal.inner.dir, self.next_seq)?;
                self.file.insert(open)
            }
        };
        let result = file.write_all(bytes).and_then(|()| file.sync_data());
        match result {
            Ok(()) => *length += bytes.len() as u64,
            Err(_) => {
                // Half a batch must not stay: the same numbers are written again.
                if file.set_len(*length).is_err() {
                    self.file = None;
                }
            }
        }
        result
    }
}

/// Appends to the last file while it is small, else begins one whose name is `next_seq`.
fn open_file(dir: &std::path::Path, next_seq: u64) -> io::Result<(File, u64)> {
    std::fs::create_dir_all(dir)?;
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    if let Some((_, path)) = files::list(dir).pop() {
        let length = std::fs::metadata(&path)?.len();
        if length < ROTATE_BYTES {
            // A torn tail that could not be cut at start would hide all that follows it.
            let bytes = std::fs::read(&path)?;
            if files::good_length(&bytes) == bytes.len() {
                return Ok((options.open(path)?, length));
            }
        }
    }
    let file = options.open(files::path_of(dir, next_seq))?;
    let length = file.metadata()?.len();
    File::open(dir)?.sync_all()?;
    Ok((file, length))
}
