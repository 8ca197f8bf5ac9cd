//! The audit: every record, the chain, the order, and the tree against everything signed about it.

use crate::ReplayError;
use crate::audit::checks::Checks;
use crate::audit::{Affected, AuditSource, Evidence};
use grimnir_events::{ContentHash, LogId, UtcMicros};
use grimnir_ledger::ReadError;
use grimnir_ledger::proof::growth::Growth;
use grimnir_ledger::proof::tile::{HASH_BYTES, TILE_WIDTH, TileId};
use grimnir_ledger::proof::tree::{hash_leaf, leaf_of};
use serde::Serialize;

/// Commits between two words on how far it is.
const WORD_EVERY: u64 = 4_096;

/// What an audit found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Audit {
    /// Everything holds.
    pub holds: bool,
    /// The ledger.
    pub log_id: LogId,
    /// Commits that are in order, from the first on.
    pub commits: u64,
    /// Streams they belong to.
    pub streams: usize,
    /// Hash of the last of them.
    pub hash: ContentHash,
    /// Root of the tree over them.
    pub root: ContentHash,
    /// When the last was recorded.
    pub recorded_at: Option<UtcMicros>,
    /// Signed checkpoints that were found to hold.
    pub checkpoints: usize,
    /// Commits that the largest of them covers: what follows is in order, but not signed yet.
    pub covered: u64,
    /// Cosignatures on the largest of them.
    pub cosignatures: usize,
    /// What follows the last commit that is no record: a write that was cut short or is under
    /// way. Nothing acknowledged is behind it.
    pub torn: Option<String>,
    /// The first thing that is wrong.
    pub fault: Option<AuditFault>,
}

/// What is wrong, where, and what it touches.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AuditFault {
    /// Ledger position.
    pub seq: u64,
    /// What was found.
    pub reason: String,
    /// What is not proven because of it.
    pub affected: Affected,
}

/// How far an audit is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Commits read.
    pub commits: u64,
    /// Bytes read and bytes there are, where that is known.
    pub bytes: Option<(u64, u64)>,
}

/// Reads everything and holds it against everything that was signed; stops at the first fault.
pub fn audit(
    source: &mut dyn AuditSource,
    evidence: &Evidence,
    mut word: impl FnMut(Progress),
) -> Result<Audit, ReplayError> {
    let mut walk = Walk::new(source.log_id(), evidence);
    let found = walk.all(source, &mut word)?;
    word(Progress { commits: walk.growth.size(), bytes: source.progress() });
    let largest = evidence.checkpoints.last().map_or(0, |signed| signed.checkpoint.size);
    let fault = found.map(|(seq, reason)| AuditFault {
        seq,
        reason,
        affected: source.affected(seq).reaching(largest),
    });
    let checks = &walk.checks;
    Ok(Audit {
        holds: fault.is_none(),
        log_id: source.log_id(),
        commits: checks.seq,
        streams: checks.streams(),
        hash: checks.hash,
        root: ContentHash(walk.growth.root()),
        recorded_at: checks.recorded_at,
        checkpoints: walk.held,
        covered: walk.covered,
        cosignatures: walk.cosignatures,
        torn: source.torn(),
        fault,
    })
}

struct Walk<'e> {
    log_id: LogId,
    evidence: &'e Evidence,
    checks: Checks,
    growth: Growth,
    /// Checkpoints that hold: the first so many of the evidence's.
    held: usize,
    covered: u64,
    cosignatures: usize,
    /// First commit that is another one in the tiles.
    differs_at: Option<u64>,
}

/// A position and what is wrong there.
type Found = Option<(u64, String)>;

impl<'e> Walk<'e> {
    fn new(log_id: LogId, evidence: &'e Evidence) -> Self {
        Self {
            log_id,
            evidence,
            checks: Checks::of(log_id),
            growth: Growth::default(),
            held: 0,
            covered: 0,
            cosignatures: 0,
            differs_at: None,
        }
    }

    fn all(
        &mut self,
        source: &mut dyn AuditSource,
        word: &mut impl FnMut(Progress),
    ) -> Result<Found, ReplayError> {
        if let Some(reason) = &self.evidence.unusable {
            return Ok(Some((1, reason.clone())));
        }
        if let Some(found) = self.hold_checkpoints() {
            return Ok(Some(found));
        }
        while let Some(next) = source.next() {
            let recorded = match next {
                Ok(recorded) => recorded,
                Err(ReadError::Corrupt { seq, reason }) => return Ok(Some((seq, reason))),
                Err(error) => return Err(error.into()),
            };
            let seq = self.growth.size() + 1;
            if let Err(reason) = self.checks.admit(&recorded) {
                return Ok(Some((seq, reason)));
            }
            self.grow(hash_leaf(&leaf_of(&recorded)));
            if let Some(found) = self.hold_checkpoints() {
                return Ok(Some(found));
            }
            if seq.is_multiple_of(WORD_EVERY) {
                word(Progress { commits: seq, bytes: source.progress() });
            }
        }
        Ok(self.at_the_end())
    }

    fn grow(&mut self, leaf: [u8; HASH_BYTES]) {
        let (evidence, differs_at) = (self.evidence, &mut self.differs_at);
        self.growth.push(leaf, |id, content| {
            if id.level == 0 && differs_at.is_none() {
                *differs_at = difference(evidence, id, &content);
            }
        });
    }

    /// Checks every checkpoint of the size that was reached.
    fn hold_checkpoints(&mut self) -> Found {
        let size = self.growth.size();
        let mut root = None;
        while let Some(signed) = self.evidence.checkpoints.get(self.held) {
            if signed.checkpoint.size != size {
                break;
            }
            if let Err(reason) = self.evidence.check(signed, self.log_id) {
                return Some((size, format!("checkpoint of {size} commits: {reason}")));
            }
            if let Some(reason) = self.evidence.fork(signed, self.log_id) {
                return Some((size.min(self.covered + 1), reason));
            }
            let root = *root.get_or_insert_with(|| self.growth.root());
            if signed.checkpoint.root != root {
                let signer = self.evidence.signer(signed);
                let (signed, found) = (ContentHash(signed.checkpoint.root), ContentHash(root));
                let reason = format!(
                    "the root over {size} commits is {found}, the signed checkpoint says {signed}; \
                     signed by {signer}"
                );
                // The tiles, where they are as signed, know which commit is another one.
                return Some((self.differs_at.unwrap_or(size.min(self.covered + 1)), reason));
            }
            self.held += 1;
            (self.covered, self.cosignatures) =
                (size, signed.note.signatures.len().saturating_sub(1));
        }
        None
    }

    fn at_the_end(&self) -> Found {
        let last = self.growth.size();
        if let Some(signed) = self.evidence.checkpoints.get(self.held) {
            let size = signed.checkpoint.size;
            if let Err(reason) = self.evidence.check(signed, self.log_id) {
                return Some((size, format!("checkpoint of {size} commits: {reason}")));
            }
            let reason = format!("the ledger ends here, a signed checkpoint covers {size} commits");
            return Some((last + 1, reason));
        }
        let seq = self.differs_at?;
        let reason = "the hash tiles say another commit, and no checkpoint says so: they are \
                      rotten, and made again when a server starts";
        Some((seq, reason.into()))
    }
}

/// First commit of a full tile that is another one on disk; `None` too where there is no tile.
fn difference(evidence: &Evidence, id: TileId, content: &[u8]) -> Option<u64> {
    let found = evidence.tiles()?.find_tile(id).ok()??;
    if found == content {
        return None;
    }
    let pairs = found.chunks(HASH_BYTES).zip(content.chunks(HASH_BYTES));
    let same = pairs.take_while(|(found, content)| found == content).count() as u64;
    Some(id.index * TILE_WIDTH + same + 1)
}
