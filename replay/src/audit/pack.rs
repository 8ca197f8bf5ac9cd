//! A pack as an auditor holds it: read without the ledger that it comes from, and verified.
//!
//! ```text
//! pack.json     what it is said to hold
//! commits.rec   the commits, as records of the ledger
//! proofs.jsonl  for each of them the hashes that lead to the root
//! checkpoint    the signed root, with cosignatures
//! checkpoints   every checkpoint of the ledger up to then
//! keys          the history of the log's keys
//! ```

use crate::ReplayError;
use crate::audit::checks;
use grimnir_events::{LogId, SiteId, StationId, StreamId, UtcMicros, frame};
use grimnir_ledger::Recorded;
use grimnir_ledger::proof::checkpoint::{SignedCheckpoint, parse_hash};
use grimnir_ledger::proof::keys::KeyHistory;
use grimnir_ledger::proof::note::VerifierKey;
use grimnir_ledger::proof::path::verify_inclusion;
use grimnir_ledger::proof::tree::{TreeHash, hash_leaf, leaf_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Format of a pack that this program writes.
pub const FORMAT: u32 = 1;
pub(crate) const DESCRIPTION: &str = "pack.json";
pub(crate) const COMMITS: &str = "commits.rec";
pub(crate) const PROOFS: &str = "proofs.jsonl";
pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const CHECKPOINTS: &str = "checkpoints";
pub(crate) const KEYS: &str = "keys";

/// What a pack is said to hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pack {
    /// Its format.
    pub format: u32,
    /// The ledger.
    pub log_id: LogId,
    /// The site.
    pub site_id: SiteId,
    /// The name that the ledger signs under.
    pub origin: String,
    /// The station.
    pub station: StationId,
    /// Its name.
    pub name: String,
    /// From this instant on,
    pub from: UtcMicros,
    /// to before this one.
    pub to: UtcMicros,
    /// Commits in the tree that the proofs are for.
    pub size: u64,
    /// The station's streams, as far as they are in it.
    pub streams: Vec<PackStream>,
}

/// A stream in a pack.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PackStream {
    /// Its name.
    pub stream: String,
    /// First version in the pack.
    pub first_version: u64,
    /// Last version in the pack; none between them is left out.
    pub last_version: u64,
    /// How many happened or were recorded in the pack's hours.
    pub commits_in_time: u64,
}

/// The proof of one commit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Proven {
    pub(crate) seq: u64,
    pub(crate) hashes: Vec<String>,
}

/// What was found in a pack.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct VerifiedPack {
    /// Everything holds.
    pub holds: bool,
    /// What it is said to hold.
    pub pack: Pack,
    /// Commits that are proven.
    pub commits: u64,
    /// Checkpoints whose signatures hold.
    pub checkpoints: usize,
    /// Cosignatures on the checkpoint of the proofs.
    pub cosignatures: usize,
    /// Streams whose last commit here is the last there is: that none came after it within the
    /// hours is what the checkpoint's place in time says, and nothing else.
    pub open_ended: Vec<String>,
    /// The first thing that is wrong.
    pub fault: Option<PackFault>,
}

/// What is wrong in a pack.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PackFault {
    /// The file.
    pub file: String,
    /// Ledger position of the commit, where it is about one.
    pub seq: Option<u64>,
    /// What was found.
    pub reason: String,
}

/// Whether a path is a pack.
pub fn is_pack(path: &Path) -> bool {
    path.join(DESCRIPTION).is_file()
}

/// Verifies a pack; where keys are `trusted`, the log must have had one of them.
pub fn verify_pack(dir: &Path, trusted: &[VerifierKey]) -> Result<VerifiedPack, ReplayError> {
    let text = read_text(dir, DESCRIPTION)?;
    let pack: Pack = serde_json::from_str(&text)
        .map_err(|e| ReplayError::Pack { reason: format!("{DESCRIPTION}: {e}") })?;
    if pack.format != FORMAT {
        let reason = format!("format {}, this program knows {FORMAT}", pack.format);
        return Err(ReplayError::Pack { reason });
    }
    let mut found = VerifiedPack {
        holds: false,
        pack,
        commits: 0,
        checkpoints: 0,
        cosignatures: 0,
        open_ended: Vec::new(),
        fault: None,
    };
    found.fault = look(dir, trusted, &mut found).err();
    found.holds = found.fault.is_none();
    Ok(found)
}

fn fault(file: &str, reason: impl ToString) -> PackFault {
    PackFault { file: file.into(), seq: None, reason: reason.to_string() }
}

fn look(dir: &Path, trusted: &[VerifierKey], found: &mut VerifiedPack) -> Result<(), PackFault> {
    let signed = signed(dir, trusted, found)?;
    let bytes = std::fs::read(dir.join(COMMITS)).map_err(|e| fault(COMMITS, e))?;
    let proofs = read_text(dir, PROOFS).map_err(|e| fault(PROOFS, e))?;
    let mut proofs = proofs.lines();
    let mut streams: BTreeMap<StreamId, Tail> = BTreeMap::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let (record, length) = frame::read(rest).map_err(|e| fault(COMMITS, e))?;
        rest = &rest[length..];
        let at = |reason: String| PackFault { file: COMMITS.into(), seq: Some(record.seq), reason };
        let recorded = checks::recorded(record.seq, record.recorded_at, record.body);
        let recorded = recorded.map_err(at)?;
        follow(&recorded, &mut streams, found).map_err(at)?;
        let line = proofs.next().ok_or_else(|| fault(PROOFS, "it ends before the commits"))?;
        check_proof(line, &recorded, &signed).map_err(|reason| PackFault {
            file: PROOFS.into(),
            seq: Some(record.seq),
            reason,
        })?;
        found.commits += 1;
    }
    if proofs.next().is_some() {
        return Err(fault(PROOFS, "it goes on after the commits"));
    }
    check_streams(&streams, found)
}

/// The keys, every checkpoint, and the one that the proofs lead to.
fn signed(
    dir: &Path,
    trusted: &[VerifierKey],
    found: &mut VerifiedPack,
) -> Result<SignedCheckpoint, PackFault> {
    let keys = read_text(dir, KEYS).map_err(|e| fault(KEYS, e))?;
    let history = KeyHistory::parse(&keys).map_err(|e| fault(KEYS, e))?;
    if let Some(key) = trusted.first()
        && !history.entries().iter().any(|entry| trusted.contains(&entry.key))
    {
        return Err(fault(KEYS, format!("{key} is not among the log's keys")));
    }
    let (origin, size) = (&found.pack.origin, found.pack.size);
    if history.origin() != origin || !origin.ends_with(&found.pack.log_id.to_string()) {
        let reason = format!("the pack is of {origin}, the keys are of {}", history.origin());
        return Err(fault(KEYS, reason));
    }
    let all = read_text(dir, CHECKPOINTS).map_err(|e| fault(CHECKPOINTS, e))?;
    let (notes, whole) = grimnir_ledger::proof::checkpoint::split_notes(&all);
    if whole != all.len() {
        return Err(fault(CHECKPOINTS, "it is cut short"));
    }
    let parse = |file: &str, text: &str| -> Result<SignedCheckpoint, PackFault> {
        let signed: SignedCheckpoint = text.parse().map_err(|e| fault(file, e))?;
        history.verify(&signed).map_err(|e| fault(file, e))?;
        Ok(signed)
    };
    let signed = parse(CHECKPOINT, &read_text(dir, CHECKPOINT).map_err(|e| fault(CHECKPOINT, e))?)?;
    if signed.checkpoint.size != size {
        let reason = format!("it is of {} commits, the pack says {size}", signed.checkpoint.size);
        return Err(fault(CHECKPOINT, reason));
    }
    let mut roots: BTreeMap<u64, TreeHash> = BTreeMap::from([(size, signed.checkpoint.root)]);
    for note in notes {
        let other = parse(CHECKPOINTS, note)?.checkpoint;
        if *roots.entry(other.size).or_insert(other.root) != other.root {
            let reason = format!("two roots of {} commits are signed", other.size);
            return Err(fault(CHECKPOINTS, reason));
        }
        found.checkpoints += 1;
    }
    found.cosignatures = signed.note.signatures.len().saturating_sub(1);
    Ok(signed)
}

struct Tail {
    first: u64,
    last: u64,
    hash: grimnir_events::ContentHash,
    seq: u64,
    in_time: u64,
    /// The commit on either side of the hours.
    first_at: UtcMicros,
    last_at: UtcMicros,
}

/// Holds a commit against the one before it in its stream.
fn follow(
    recorded: &Recorded,
    streams: &mut BTreeMap<StreamId, Tail>,
    found: &VerifiedPack,
) -> Result<(), String> {
    let (header, pack) = (&recorded.commit.header, &found.pack);
    if header.log_id != pack.log_id || header.stream.station() != Some(pack.station) {
        let (log, stream) = (header.log_id, header.stream);
        return Err(format!("a commit of {log}, {stream}, is none of the pack's"));
    }
    // What the hash covers, not what the record says: it was stamped when it was recorded.
    let at = header.stamped_at;
    let hours = pack.from..pack.to;
    let in_time = hours.contains(&recorded.recorded_at) || hours.contains(&header.occurred_at);
    let tail = streams.entry(header.stream).or_insert(Tail {
        first: header.version,
        last: header.version - 1,
        hash: header.previous,
        seq: 0,
        in_time: 0,
        first_at: at,
        last_at: at,
    });
    if header.version != tail.last + 1 || header.previous != tail.hash || recorded.seq <= tail.seq {
        let (stream, version, last) = (header.stream, header.version, tail.last);
        return Err(format!("{stream} goes from version {last} to {version}, or to other bytes"));
    }
    tail.last = header.version;
    (tail.hash, tail.seq, tail.last_at) = (recorded.hash, recorded.seq, at);
    tail.in_time += u64::from(in_time);
    Ok(())
}

fn check_proof(line: &str, recorded: &Recorded, signed: &SignedCheckpoint) -> Result<(), String> {
    let proven: Proven = serde_json::from_str(line).map_err(|e| e.to_string())?;
    if proven.seq != recorded.seq {
        return Err(format!("a proof of seq {} where {} was next", proven.seq, recorded.seq));
    }
    let hashes: Option<Vec<TreeHash>> = proven.hashes.iter().map(|h| parse_hash(h)).collect();
    let hashes = hashes.ok_or("a hash is not one")?;
    let (leaf, checkpoint) = (hash_leaf(&leaf_of(recorded)), &signed.checkpoint);
    let index = recorded.seq.checked_sub(1).ok_or("there is no seq 0")?;
    verify_inclusion(&leaf, index, checkpoint.size, &checkpoint.root, &hashes)
        .map_err(|e| e.to_string())
}

/// Holds the streams against what the pack says, and against its hours: the first commit here lies
/// before them or is the stream's first, the last one lies after them or is the last there is.
fn check_streams(
    streams: &BTreeMap<StreamId, Tail>,
    found: &mut VerifiedPack,
) -> Result<(), PackFault> {
    let wrong = |reason: String| Err(fault(DESCRIPTION, reason));
    if streams.len() != found.pack.streams.len() {
        let (found, said) = (streams.len(), found.pack.streams.len());
        return wrong(format!("{found} streams are here, it says {said}"));
    }
    for (said, (stream, tail)) in found.pack.streams.iter().zip(streams) {
        let same = said.stream == stream.to_string()
            && (said.first_version, said.last_version) == (tail.first, tail.last)
            && said.commits_in_time == tail.in_time;
        if !same {
            return wrong(format!(
                "{stream} has versions {} to {}, {} of them in time; it says otherwise",
                tail.first, tail.last, tail.in_time
            ));
        }
        if tail.first > 1 && tail.first_at >= found.pack.from {
            return wrong(format!(
                "{stream} begins inside the hours: what came before is left out"
            ));
        }
        if tail.last_at < found.pack.to {
            found.open_ended.push(stream.to_string());
        }
    }
    Ok(())
}

fn read_text(dir: &Path, name: &str) -> Result<String, ReplayError> {
    let path = dir.join(name);
    std::fs::read_to_string(&path).map_err(ReplayError::io(&path))
}
