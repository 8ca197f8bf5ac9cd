//! Repair of a ledger that is damaged: the loss is named, and what is kept elsewhere is brought
//! back. Nothing is ever silently fewer.
//!
//! Every segment is searched for records that are still whole; what is missing between them is
//! asked for elsewhere (a backup, an archive, the store). The result is put together aside, read
//! from the first commit to the last with its chain, and only then takes the place of what was
//! damaged, which is kept beside it. Where something stays lost, nothing is changed, unless the
//! caller accepts the loss: then the ledger ends before it, and what comes after is kept aside.

mod lost;
mod salvage;
mod sources;

pub use lost::{Lost, LostStream};
pub use salvage::Copy;
pub use sources::{Segments, Source, StoreCopy};

use crate::directory::{Clean, Identity, Lock, OpenError};
use crate::embedded::REPLICA_MARK;
use crate::files;
use crate::ledger::{ReadError, Recorded, Seq};
use crate::proof::tree::{Frontier, hash_leaf, leaf_of};
use crate::segment::reader::{End, SegmentReader};
use crate::segment::{self, SegmentHeader};
use grimnir_events::{Commit, ContentHash, LogId, envelope, frame};
use salvage::Salvage;
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

const SCRATCH: &str = "repair";

/// Commits that are missing from a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// Their positions.
    pub seqs: RangeInclusive<Seq>,
    /// The segment.
    pub path: PathBuf,
    /// Where in it, and what was found there.
    pub reason: String,
}

/// What a repair did, or would have to do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Everything that was missing.
    pub damaged: Vec<Loss>,
    /// Positions that were brought back, and from where.
    pub recovered: Vec<(Seq, String)>,
    /// Positions that are nowhere to be found.
    pub lost: Vec<Seq>,
    /// The same, with what is known of what was there.
    pub losses: Vec<Lost>,
    /// What is wrong with those that were asked.
    pub source_faults: Vec<String>,
    /// The ledger was put in order: as it was, or ending before the first loss.
    pub repaired: bool,
    /// Where what was damaged is kept now.
    pub kept: Vec<PathBuf>,
    /// The last position of the ledger as it is now.
    pub head: Seq,
}

/// What is missing from the ledger in `dir`. Nothing is changed.
pub fn examine(dir: &Path) -> Result<Vec<Loss>, OpenError> {
    let identity = Identity::load(dir)?;
    let reached = Clean::load(dir)?.map_or(0, |clean| clean.seq);
    let salvaged = salvage_all(dir, identity.log_id, reached)?;
    Ok(losses(&salvaged, reached))
}

/// Brings back what `sources` still have. `accept_loss`: where something stays lost, the ledger
/// is to end before it.
pub fn repair(
    dir: &Path,
    sources: &mut [&mut dyn Source],
    accept_loss: bool,
) -> Result<Report, OpenError> {
    Repair::begin(dir)?.run(sources, accept_loss)
}

/// A ledger that nobody else has open, about to be repaired.
pub struct Repair {
    dir: PathBuf,
    identity: Identity,
    _lock: Lock,
}

impl Repair {
    /// Takes the lock of the ledger in `dir`; an error while a process holds it.
    pub fn begin(dir: &Path) -> Result<Self, OpenError> {
        let identity = Identity::load(dir)?;
        Ok(Self { _lock: Lock::take(dir)?, dir: dir.to_owned(), identity })
    }
    /// What the ledger says about itself.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
    /// Does it, as [`repair`] says.
    pub fn run(
        self,
        sources: &mut [&mut dyn Source],
        accept_loss: bool,
    ) -> Result<Report, OpenError> {
        run(&self.dir, &self.identity, sources, accept_loss)
    }
}

fn run(
    dir: &Path,
    identity: &Identity,
    sources: &mut [&mut dyn Source],
    accept_loss: bool,
) -> Result<Report, OpenError> {
    let reached = Clean::load(dir)?.map_or(0, |clean| clean.seq);
    let mut salvaged = salvage_all(dir, identity.log_id, reached)?;
    let damaged = losses(&salvaged, reached);
    let mut report = Report { damaged, ..Report::default() };
    let active = salvaged.last().map(|segment| segment.path.clone());
    for loss in report.damaged.clone() {
        let Some(into) = salvaged.iter_mut().find(|segment| segment.path == loss.path) else {
            report.lost.extend(loss.seqs);
            continue;
        };
        let mut bring = |seq: Seq| {
            let found = find(sources, seq, identity.log_id);
            found.map(|(name, copy)| {
                into.records.insert(seq, copy);
                report.recovered.push((seq, name));
            })
        };
        let end = *loss.seqs.end();
        let missing: Vec<_> = loss.seqs.filter(|seq| bring(*seq).is_none()).collect();
        // Nobody knows how far an active segment went that is not there: as far as a copy goes.
        if into.end == 0 && missing.is_empty() && active.as_ref() == Some(&into.path) {
            (end + 1..).take_while(|seq| bring(*seq).is_some()).for_each(drop);
        }
        report.lost.extend(missing);
    }
    report.source_faults = sources.iter().flat_map(|source| source.faults()).collect();
    report.losses = lost::named(&salvaged, &report.lost);
    let first_lost = report.lost.first().copied();
    if report.damaged.is_empty() || (first_lost.is_some() && !accept_loss) {
        report.head = salvaged.last().map_or(0, last_of);
        return Ok(report);
    }
    rebuild(dir, identity, &salvaged, first_lost, &mut report)?;
    Ok(report)
}

fn salvage_all(dir: &Path, log_id: LogId, reached: Seq) -> Result<Vec<Salvage>, OpenError> {
    let paths = segment::list(dir).map_err(OpenError::io(dir))?;
    let salvaged = paths.iter().map(|path| Salvage::of(path, log_id));
    let mut salvaged = salvaged.collect::<Result<Vec<_>, _>>()?;
    if salvaged.first().is_some_and(|first| first.first_seq > 1) {
        salvaged.insert(0, Salvage::missing(segment::path_of(dir, 1), 1));
    }
    let replica = dir.join(REPLICA_MARK).exists();
    match salvaged.last_mut() {
        // A segment is sealed only after the next one was begun.
        Some(Salvage { sealed: Some((last, _)), .. }) => {
            let first_seq = *last + 1;
            salvaged.push(Salvage::missing(segment::path_of(dir, first_seq), first_seq));
        }
        Some(active) => active.drop_torn(reached, replica),
        None => {}
    }
    Ok(salvaged)
}

fn last_of(segment: &Salvage) -> Seq {
    segment.records.last_key_value().map_or(segment.first_seq - 1, |(seq, _)| *seq)
}

/// What is missing between the records that were found. `reached`: an orderly close was there.
fn losses(salvaged: &[Salvage], reached: Seq) -> Vec<Loss> {
    let mut out = Vec::new();
    for (at, segment) in salvaged.iter().enumerate() {
        let following = salvaged.get(at + 1).map(|next| next.first_seq.saturating_sub(1));
        let sealed = segment.sealed.map(|(last, _)| last);
        let known = following.into_iter().chain(sealed).max();
        // Of a missing one at least the first commit is lost: else it had not been begun.
        let least = if segment.end == 0 { segment.first_seq } else { 0 };
        let last = known.unwrap_or_else(|| last_of(segment).max(reached).max(least));
        let mut holes = segment.holes.iter();
        let mut due = segment.first_seq;
        for &seq in segment.records.keys().chain([&(last + 1)]) {
            if seq > due {
                let reason = match holes.next() {
                    Some((from, to, why)) => format!("bytes {from} to {to}: {why}"),
                    None if segment.end == 0 => "the segment is missing".into(),
                    None => format!("records end at byte {}", segment.end),
                };
                out.push(Loss { seqs: due..=seq - 1, path: segment.path.clone(), reason });
            }
            due = seq + 1;
        }
        if segment.header.is_none() && out.last().is_none_or(|loss| loss.path != segment.path) {
            // No commit is lost, but nothing reads it: an empty range names the place.
            let (path, reason) = (segment.path.clone(), "the header is damaged".into());
            let seqs = RangeInclusive::new(segment.first_seq, segment.first_seq - 1);
            out.push(Loss { seqs, path, reason });
        }
    }
    if salvaged.is_empty() {
        let (seqs, path) = (1..=reached.max(1), PathBuf::new());
        out.push(Loss { seqs, path, reason: "no segment is there".into() });
    }
    out
}

/// The first copy that is a commit of this ledger.
fn find(sources: &mut [&mut dyn Source], seq: Seq, log_id: LogId) -> Option<(String, Copy)> {
    sources.iter_mut().find_map(|source| {
        let copy = source.copy(seq)?;
        let commit = Commit::decode(&copy.bytes).ok()?;
        (commit.header.log_id == log_id).then(|| (source.name(), copy))
    })
}

/// Writes what there is into a directory aside, reads it as a ledger, and puts it in place.
fn rebuild(
    dir: &Path,
    identity: &Identity,
    salvaged: &[Salvage],
    first_lost: Option<Seq>,
    report: &mut Report,
) -> Result<(), OpenError> {
    let scratch = dir.join(SCRATCH);
    let failed = || OpenError::io(&scratch);
    let _ = fs::remove_dir_all(&scratch);
    files::make_dir(&scratch.join(segment::FOLDER)).map_err(failed())?;
    identity.store(&scratch)?;
    let mut previous = ContentHash::default();
    let mut rebuilt = Vec::new();
    for segment in salvaged {
        let cut = first_lost.filter(|lost| *lost <= last_of(segment) || *lost <= segment.first_seq);
        if first_lost.is_some_and(|lost| lost < segment.first_seq) {
            break;
        }
        let damaged = report.damaged.iter().any(|loss| loss.path == segment.path);
        let into = segment::path_of(&scratch, segment.first_seq);
        if !damaged && cut.is_none() {
            fs::hard_link(&segment.path, &into).map_err(failed())?;
        } else {
            let bytes = write_segment(identity, segment, previous, cut)?;
            files::replace(&into, &bytes).map_err(failed())?;
            rebuilt.push((into, segment.path.clone()));
        }
        if let Some((_, last)) = segment.records.last_key_value() {
            previous = envelope::hash(&last.bytes);
        }
    }
    report.head = read_through(&scratch)?;
    for segment in salvaged.iter().filter(|s| first_lost.is_some_and(|lost| lost < s.first_seq)) {
        keep(&segment.path, report).and_then(|()| remove(&segment.path)).map_err(failed())?;
    }
    for (from, to) in rebuilt {
        keep(&to, report).and_then(|()| fs::rename(from, &to)).map_err(failed())?;
    }
    files::sync_parent(&segment::path_of(dir, 1)).map_err(failed())?;
    Clean::remove(dir)?;
    fs::remove_dir_all(&scratch).map_err(failed())?;
    report.repaired = true;
    Ok(())
}

/// Gives a file a second name under which it stays.
fn keep(path: &Path, report: &mut Report) -> io::Result<()> {
    for count in 0.. {
        let name = if count == 0 { "damaged".into() } else { format!("{count}.damaged") };
        let kept = files::beside(path, &name);
        match fs::hard_link(path, &kept) {
            Ok(()) => {
                report.kept.push(kept);
                break;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A segment's bytes, made of the records that there are now.
fn write_segment(
    identity: &Identity,
    segment: &Salvage,
    previous: ContentHash,
    cut: Option<Seq>,
) -> Result<Vec<u8>, OpenError> {
    let begun = segment.records.values().next().map_or(identity.created_at, |c| c.recorded_at);
    let header = segment.header.unwrap_or(SegmentHeader {
        log_id: identity.log_id,
        first_seq: segment.first_seq,
        created_at: begun,
        previous,
    });
    let mut out = header.encode().to_vec();
    let mut tree = Frontier::default();
    for (&seq, copy) in segment.records.range(..cut.unwrap_or(Seq::MAX)) {
        let Copy { recorded_at, bytes } = copy.clone();
        frame::write(&mut out, seq, recorded_at, &bytes);
        let corrupt =
            |e: envelope::EnvelopeError| ReadError::Corrupt { seq, reason: e.to_string() };
        let commit = Commit::decode(&bytes).map_err(corrupt)?;
        let hash = envelope::hash(&bytes);
        tree.push(hash_leaf(&leaf_of(&Recorded { seq, recorded_at, hash, commit, bytes })));
        if segment.sealed.is_some_and(|(last, root)| last == seq && root != tree.root()) {
            let path = segment.path.display();
            let reason = format!("{path}: what was brought back has not the root of its footer");
            return Err(ReadError::Corrupt { seq, reason }.into());
        }
    }
    Ok(out)
}

/// Reads a directory from its first commit to its last; answers where it ends.
fn read_through(dir: &Path) -> Result<Seq, OpenError> {
    let mut reader = SegmentReader::open(dir)?;
    let mut head = 0;
    for recorded in reader.by_ref() {
        head = recorded?.seq;
    }
    match reader.end() {
        Some(End::Whole) => Ok(head),
        Some(End::Torn { .. }) | None => Ok(head),
    }
}
