//! The proof that one commit is in the ledger as it was signed.

use crate::ReplayError;
use crate::audit::LedgerSource;
use grimnir_events::{CommitId, ContentHash, LogId, UtcMicros};
use grimnir_ledger::proof::checkpoint::{SignedCheckpoint, hash_text};
use grimnir_ledger::proof::folder::ProofFolder;
use grimnir_ledger::proof::keys::Keys;
use grimnir_ledger::proof::path::{prove_inclusion, verify_inclusion};
use grimnir_ledger::proof::tile::TileNodes;
use grimnir_ledger::proof::tree::{TreeHash, hash_leaf, leaf_of};
use grimnir_ledger::{Recorded, SegmentReader};
use serde::Serialize;
use std::path::Path;

/// A commit's place in the tree, and the proof of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct InclusionProof {
    /// The ledger.
    pub log_id: LogId,
    /// The commit.
    pub commit_id: CommitId,
    /// Its stream.
    pub stream: String,
    /// Its version there.
    pub version: u64,
    /// Its position; in the tree it is leaf `seq - 1`.
    pub seq: u64,
    /// When it was recorded.
    pub recorded_at: UtcMicros,
    /// SHA-256 of the stored commit.
    pub stored_sha256: ContentHash,
    /// The leaf: commit id, SHA-256, version, position; 64 bytes, hexadecimal.
    pub leaf: String,
    /// Commits in the tree.
    pub size: u64,
    /// Its root, in base64.
    pub root: String,
    /// The hashes from the leaf to the root, in base64.
    pub hashes: Vec<String>,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// The same as one text for other programs (C2SP tlog-proof).
    pub tlog_proof: String,
}

/// What a ledger's directory has signed about itself, ready to prove single commits.
pub(crate) struct Prover {
    pub(crate) signed: SignedCheckpoint,
    folder: ProofFolder,
}

impl Prover {
    pub(crate) fn open(ledger_dir: &Path) -> Result<Self, ReplayError> {
        let folder = ProofFolder::of(ledger_dir);
        let history = Keys::load_history(folder.dir())?;
        let signed = folder.newest()?;
        let (Some(history), Some(signed)) = (history, signed) else {
            return Err(ReplayError::Unsigned { path: folder.dir().to_owned() });
        };
        history.verify(&signed)?;
        Ok(Self { signed, folder })
    }

    pub(crate) fn size(&self) -> u64 {
        self.signed.checkpoint.size
    }

    /// The hashes from a commit to the root; they were seen to lead there.
    pub(crate) fn prove(&self, recorded: &Recorded) -> Result<Vec<TreeHash>, ReplayError> {
        let size = self.size();
        if recorded.seq > size {
            return Err(ReplayError::NotCovered { seq: recorded.seq, size });
        }
        let index = recorded.seq - 1;
        let hashes = prove_inclusion(&TileNodes::new(&self.folder, size), index, size)?;
        let leaf = hash_leaf(&leaf_of(recorded));
        verify_inclusion(&leaf, index, size, &self.signed.checkpoint.root, &hashes)?;
        Ok(hashes)
    }
}

/// Proves that a commit is in the ledger in `dir`, as the newest checkpoint says.
pub fn prove(dir: &Path, commit: CommitId) -> Result<InclusionProof, ReplayError> {
    let dir = LedgerSource::directory(dir);
    let prover = Prover::open(&dir)?;
    for recorded in SegmentReader::open(&dir)? {
        let recorded = recorded?;
        if recorded.commit.header.commit_id == commit {
            return proof_of(&prover, &recorded);
        }
    }
    Err(ReplayError::NoCommit { found: commit })
}

fn proof_of(prover: &Prover, recorded: &Recorded) -> Result<InclusionProof, ReplayError> {
    let hashes: Vec<String> = prover.prove(recorded)?.iter().map(hash_text).collect();
    let header = &recorded.commit.header;
    let checkpoint = prover.signed.to_string();
    let mut text = format!("c2sp.org/tlog-proof@v1\nindex {}\n", recorded.seq - 1);
    for hash in &hashes {
        text += &format!("{hash}\n");
    }
    text += &format!("\n{checkpoint}");
    Ok(InclusionProof {
        log_id: header.log_id,
        commit_id: header.commit_id,
        stream: header.stream.to_string(),
        version: header.version,
        seq: recorded.seq,
        recorded_at: recorded.recorded_at,
        stored_sha256: recorded.hash,
        leaf: hex::encode(leaf_of(recorded)),
        size: prover.size(),
        root: hash_text(&prover.signed.checkpoint.root),
        hashes,
        checkpoint,
        tlog_proof: text,
    })
}
