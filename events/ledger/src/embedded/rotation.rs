//! Rotation: a segment that is full or old is closed, and the next one begun.
//!
//! The order is what makes it safe: the old segment is cut to its records and synced; the new one
//! is whole on the disk before it bears its name; only then do appends go to it, and only then is
//! the old one sealed. Where the new one cannot be begun, appends go on in the old.

use super::catalog::Open;
use super::open::Wrap;
use super::sealer::wrapped;
use super::shared::Shared;
use crate::files;
use crate::index::Index;
use crate::segment::writer::{SegmentWriter, create, open_file};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, path_of};
use grimnir_events::{LogId, UtcMicros};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// Offsets in a footer have 32 bits; a group may come on top.
const MAX_BYTES: u64 = 1 << 30;
/// After a failure so much is written before it is tried again.
const RETRY_BYTES: u64 = 1 << 20;

/// When and how the writer goes on in another segment.
pub(crate) struct Rotation {
    pub log_id: LogId,
    pub dir: PathBuf,
    pub bytes: u64,
    pub age: Duration,
    pub allocate_bytes: u64,
    pub wrap: Option<Wrap>,
    /// When the active segment was begun.
    pub begun: UtcMicros,
    /// It is not tried again before the segment has this length.
    pub not_before: u64,
    /// Tells the sealer.
    pub rotated: Sender<()>,
}

impl Rotation {
    /// Goes on in another segment if the active one is full or old.
    pub fn rotate_if_due(&mut self, segment: &mut SegmentWriter, shared: &Shared, now: UtcMicros) {
        let length = segment.length();
        let age = u64::try_from(now.0.saturating_sub(self.begun.0)).unwrap_or(0);
        let old = age >= u64::try_from(self.age.as_micros()).unwrap_or(u64::MAX);
        let due = length >= self.bytes.min(MAX_BYTES) || old;
        if !due || length < self.not_before || length <= SEGMENT_HEADER_BYTES {
            return;
        }
        match self.rotate(segment, shared, now) {
            Ok(()) => self.not_before = 0,
            Err(reason) => {
                self.not_before = length + RETRY_BYTES;
                tracing::warn!(reason, "no new segment could be begun; the old one goes on");
            }
        }
    }

    fn rotate(
        &mut self,
        segment: &mut SegmentWriter,
        shared: &Shared,
        now: UtcMicros,
    ) -> Result<(), String> {
        segment.finish()?;
        let (head, previous) = {
            let catalog = shared.catalog();
            (catalog.head(), catalog.hash())
        };
        let first_seq = head.seq + 1;
        let path = path_of(&self.dir, first_seq);
        let header = SegmentHeader { log_id: self.log_id, first_seq, created_at: now, previous };
        let begun = begin(&path, &header).map_err(|error| {
            // An empty segment must not stay behind while the one before it goes on.
            if let Err(undo) = remove(&path)
                && path.is_file()
            {
                segment.stop(format!("{} cannot be taken back: {undo}", path.display()));
            }
            format!("{}: {error}", path.display())
        });
        let (file, reader) = begun?;
        let file = wrapped(file, self.wrap.as_ref());
        *segment = SegmentWriter::new(file, SEGMENT_HEADER_BYTES, self.allocate_bytes);
        let (file, index) = (Arc::new(reader), Index::after(head));
        shared.begin(Open { path, file, index, hash: previous });
        self.begun = now;
        // Where nobody listens any more the next opening seals it.
        let _ = self.rotated.send(());
        Ok(())
    }
}

fn begin(path: &Path, header: &SegmentHeader) -> io::Result<(File, File)> {
    create(path, header)?;
    Ok((open_file(path)?, File::open(path)?))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => files::sync_parent(path),
    }
}
