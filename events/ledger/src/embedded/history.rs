//! What is on the disk at an opening: sealed segments by their footers, the active one record by
//! record, and whatever a crash left in between put in order.

use super::catalog::{Catalog, Open, Place};
use super::open::Options;
use super::sealer::wrapped;
use crate::directory::{Clean, Identity, OpenError};
use crate::files;
use crate::ledger::{ReadError, Seq};
use crate::segment::footer::{self, Placed};
use crate::segment::recover::{Recovered, recover, save_torn};
use crate::segment::scan::{Scan, Step};
use crate::segment::seal::prepare;
use crate::segment::sealed::Sealed;
use crate::segment::writer::{SegmentWriter, create, open_file};
use crate::segment::{self, SEGMENT_HEADER_BYTES, SegmentHeader};
use grimnir_events::{ContentHash, UtcMicros};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was found, and the writer that goes on with it.
pub(crate) struct History {
    pub catalog: Catalog,
    pub segment: SegmentWriter,
    /// When the active segment was begun.
    pub begun: UtcMicros,
    /// Highest owner epoch in any commit.
    pub epoch: u64,
}

/// Reads what is needed of a ledger's directory; begins it where it was never `opened` before.
pub(crate) fn load(
    dir: &Path,
    identity: &Identity,
    opened: bool,
    clean: Option<Clean>,
    options: &Options,
) -> Result<History, OpenError> {
    let mut paths = segment::list(dir).map_err(OpenError::io(dir))?;
    if paths.is_empty() {
        paths.push(begin(dir, identity, opened)?);
    }
    drop_abandoned(&mut paths)?;
    let mut catalog = Catalog::of(identity.log_id);
    let mut epoch = 0;
    for pair in paths.windows(2) {
        let sealed = load_sealed(&catalog, &pair[0], &header_of(&pair[1])?, options)?;
        epoch = epoch.max(sealed.footer.epoch);
        catalog.seal(sealed);
    }
    let Some(active) = paths.pop() else {
        return Err(corrupt(1, dir, "the segment is missing").into());
    };
    let io = || OpenError::io(&active);
    let file = File::open(&active).map_err(io())?;
    if let Ok(Some(Placed { footer, .. })) = footer::find(&file).map_err(io())? {
        // A segment is sealed only after the next one was begun.
        return Err(corrupt(footer.last_seq + 1, &active, "the segment after it is missing").into());
    }
    let chain = catalog.behind_sealed().0.knowing(catalog.sealed().clone());
    let replica = options.log_id.is_some();
    let found = recover(&active, chain, clean.map(|clean| clean.seq), replica)?;
    check_clean(&active, clean, &found, &catalog)?;
    let segment = open_segment(&active, &found, options)?;
    let Recovered { header, index, hash, epoch: newest, .. } = found;
    catalog.begin(Open { path: active, file: Arc::new(file), index, hash });
    Ok(History { catalog, segment, begun: header.created_at, epoch: epoch.max(newest) })
}

fn corrupt(seq: Seq, path: &Path, what: &str) -> ReadError {
    ReadError::Corrupt { seq, reason: format!("{}: {what}", path.display()) }
}

/// The first segment of a ledger; once it was opened to the end, a missing one is lost.
fn begin(dir: &Path, identity: &Identity, opened: bool) -> Result<PathBuf, OpenError> {
    let path = segment::path_of(dir, 1);
    if opened {
        return Err(corrupt(1, &path, "the segment is missing").into());
    }
    let folder = dir.join(segment::FOLDER);
    files::make_dir(&folder).map_err(OpenError::io(&folder))?;
    let header = SegmentHeader {
        log_id: identity.log_id,
        first_seq: 1,
        created_at: identity.created_at,
        previous: ContentHash::default(),
    };
    create(&path, &header).map_err(OpenError::io(&path))?;
    Ok(path)
}

fn header_of(path: &Path) -> Result<SegmentHeader, OpenError> {
    let file = File::open(path).map_err(OpenError::io(path))?;
    let mut bytes = [0u8; SEGMENT_HEADER_BYTES as usize];
    let read = file.read_exact_at(&mut bytes, 0).map_err(|e| e.to_string());
    let header = read.and_then(|()| SegmentHeader::decode(&bytes));
    header.map_err(|what| corrupt(first_seq_in(path), path, &what).into())
}

/// The position that a segment's name says it begins with.
fn first_seq_in(path: &Path) -> Seq {
    let name = path.file_stem().and_then(|name| name.to_str());
    name.and_then(|name| name.parse().ok()).unwrap_or(0)
}

/// Takes away an empty last segment whose place the one before it has filled: it was begun and
/// taken back, and the power went before the disk knew.
fn drop_abandoned(paths: &mut Vec<PathBuf>) -> Result<(), OpenError> {
    let [.., before, last] = paths.as_slice() else { return Ok(()) };
    let first_seq = header_of(last)?.first_seq;
    if holds_a_record(last, |_| true)? || !holds_a_record(before, |seq| seq == first_seq)? {
        return Ok(());
    }
    tracing::warn!(path = %last.display(), "an empty segment that was taken back is removed");
    fs::remove_file(last).and_then(|()| files::sync_parent(last)).map_err(OpenError::io(last))?;
    paths.pop();
    Ok(())
}

/// Whether there is such a record in a segment.
fn holds_a_record(path: &Path, such: impl Fn(Seq) -> bool) -> Result<bool, OpenError> {
    let io = || OpenError::io(path);
    let file = File::open(path).map_err(io())?;
    let begun = Scan::begin(&file).map_err(io())?;
    let Ok((_, mut scan)) = begun else { return Ok(false) };
    while let Step::Record(found) = scan.step().map_err(io())? {
        if such(found.seq) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A segment that another one follows: by its footer, or by one that is made now.
fn load_sealed(
    catalog: &Catalog,
    path: &Path,
    next: &SegmentHeader,
    options: &Options,
) -> Result<Sealed, OpenError> {
    let file = File::open(path).map_err(OpenError::io(path))?;
    let (chain, frontier) = catalog.behind_sealed();
    match footer::find(&file).map_err(OpenError::io(path))? {
        Ok(Some(placed)) => {
            let own = header_of(path)?;
            let Placed { footer, .. } = &placed;
            chain.check_segment(&own).map_err(|what| corrupt(chain.next(), path, &what))?;
            let follows = (own.log_id, own.first_seq) == (footer.log_id, footer.first_seq)
                && (footer.last_seq + 1, footer.last_hash) == (next.first_seq, next.previous);
            if follows {
                return Ok(Sealed::new(path.to_owned(), placed, None));
            }
            tracing::warn!(path = %path.display(), "a footer is not of its segment; made again");
        }
        Ok(None) => {}
        Err(reason) => {
            tracing::warn!(path = %path.display(), reason, "a footer is damaged; made again");
        }
    }
    let until = (next.first_seq.saturating_sub(1), next.previous);
    let (seal, _) = prepare(path, chain, frontier, until)?;
    let written = seal.write(path, |file| wrapped(file, options.wrap.as_ref()));
    if let Err(error) = &written {
        tracing::warn!(path = %path.display(), %error, "no footer was written");
    }
    Ok(seal.into_sealed(path, written.is_ok()))
}

/// Holds what was found against what an orderly close left: it may be longer, never shorter or
/// other.
fn check_clean(
    path: &Path,
    clean: Option<Clean>,
    found: &Recovered,
    sealed: &Catalog,
) -> Result<(), OpenError> {
    let Some(clean) = clean.filter(|clean| clean.seq > 0) else { return Ok(()) };
    let earlier = match sealed.place(clean.seq) {
        Some(Place::Sealed(sealed)) => sealed.read(clean.seq, 1)?.pop().map(|r| r.hash),
        Some(Place::Open(..)) | None => None,
    };
    let what = match found.asked.or(earlier) {
        Some(hash) if hash == clean.hash => return Ok(()),
        Some(hash) => format!("its hash is {hash}, at the last close it was {}", clean.hash),
        None => format!(
            "commits end at seq {}, at the last close they reached it",
            found.index.head().seq
        ),
    };
    Err(corrupt(clean.seq, path, &what).into())
}

/// Puts a torn tail aside, cuts it off, and opens the segment for writing.
fn open_segment(
    path: &Path,
    found: &Recovered,
    options: &Options,
) -> Result<SegmentWriter, OpenError> {
    let io = || OpenError::io(path);
    if found.torn {
        let saved = save_torn(path, found.length).map_err(io())?;
        let (seq, saved) = (found.index.head().seq, saved.display().to_string());
        tracing::warn!(event.seq = seq, saved, "a torn tail was put aside");
    }
    let file = open_file(path).map_err(io())?;
    let length = file.metadata().map_err(io())?.len();
    if length != found.length {
        file.set_len(found.length).map_err(io())?;
    }
    // Records that a crash left written but unsynced count from here on: sync before they do.
    file.sync_all().map_err(io())?;
    let file = wrapped(file, options.wrap.as_ref());
    Ok(SegmentWriter::new(file, found.length, options.allocate_bytes))
}
