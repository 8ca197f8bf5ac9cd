//! The request by which a log asks a witness (C2SP tlog-witness `add-checkpoint`): made and read.

use super::checkpoint::{SignedCheckpoint, hash_text, parse_hash, parse_size};
use super::error::ProofError;
use super::path::prove_consistency;
use super::tile::{TileNodes, Tiles};
use super::tree::TreeHash;
use std::fmt::Write as _;
use std::str::FromStr;

/// Most hashes in a request.
pub const MAX_REQUEST_HASHES: usize = 63;
/// Longest request that is read: the hashes and the longest note.
pub const MAX_REQUEST_BYTES: usize = super::note::MAX_NOTE_BYTES + 4_096;
const WHAT: &str = "add-checkpoint request";

/// A checkpoint and the proof that it goes on from one of `old` leaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddCheckpoint {
    /// Size of the checkpoint that the witness cosigned last.
    pub old: u64,
    /// Consistency proof from it.
    pub proof: Vec<TreeHash>,
    /// The new checkpoint.
    pub signed: SignedCheckpoint,
}

impl AddCheckpoint {
    /// The request for this checkpoint, with the proof from the tree's tiles.
    pub fn new(
        tiles: &impl Tiles,
        old: u64,
        signed: &SignedCheckpoint,
    ) -> Result<Self, ProofError> {
        let size = signed.checkpoint.size;
        let proof = prove_consistency(&TileNodes::new(tiles, size), old, size)?;
        Ok(Self { old, proof, signed: signed.clone() })
    }
}

impl std::fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut head = format!("old {}\n", self.old);
        for hash in &self.proof {
            writeln!(head, "{}", hash_text(hash))?;
        }
        write!(f, "{head}\n{}", self.signed)
    }
}

impl FromStr for AddCheckpoint {
    type Err = ProofError;

    fn from_str(body: &str) -> Result<Self, ProofError> {
        let wrong = |reason: &str| ProofError::malformed(WHAT, reason);
        let (head, note) = body.split_once("\n\n").ok_or_else(|| wrong("no empty line"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(parse_size);
        let old = old.ok_or_else(|| wrong("its first line is not \"old <size>\""))?;
        let proof: Option<Vec<TreeHash>> = lines.map(parse_hash).collect();
        let proof = proof.ok_or_else(|| wrong("a proof line is not a hash"))?;
        if proof.len() > MAX_REQUEST_HASHES {
            let reason = format!("{} proof lines, limit {MAX_REQUEST_HASHES}", proof.len());
            return Err(ProofError::malformed(WHAT, reason));
        }
        Ok(Self { old, proof, signed: note.parse()? })
    }
}
