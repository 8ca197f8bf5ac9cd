//! From records to history: order, chain and identity, checked commit by commit.

use super::SegmentHeader;
use super::filter::IdKey;
use super::footer::Footer;
use super::scan::Found;
use super::sealed::Sealed;
use crate::hashing::{IdMap, IdSet};
use crate::ledger::{Head, Recorded, Seq};
use grimnir_events::owner::OwnerEvent;
use grimnir_events::{Commit, CommitId, ContentHash, LogId, StreamId, UtcMicros, envelope};
use std::sync::Arc;

/// The last commit of each stream: its version and hash.
pub(crate) type Tails = IdMap<StreamId, (u64, ContentHash)>;

/// What the next commit must agree with.
#[derive(Default)]
pub(crate) struct Chain {
    log_id: LogId,
    head: Seq,
    hash: ContentHash,
    recorded_at: Option<UtcMicros>,
    streams: Tails,
    commits: IdSet<CommitId>,
    /// Segments whose commit ids are known by their footers alone.
    earlier: Arc<Vec<Arc<Sealed>>>,
    /// Epoch of each stream's owner, where a commit that was admitted here has taken it.
    owners: IdMap<StreamId, u64>,
}

impl Chain {
    /// A chain of the ledger `log_id`, before its first commit.
    pub fn of(log_id: LogId) -> Self {
        Self { log_id, ..Self::default() }
    }
    /// A chain that goes on behind the sealed segment with this footer; `tails` are the last
    /// commits of all streams there.
    pub fn after(log_id: LogId, footer: Option<&Footer>, tails: Tails) -> Self {
        let chain = Self { streams: tails, ..Self::of(log_id) };
        let Some(footer) = footer else { return chain };
        let [_, recorded_at] = footer.recorded;
        let (head, hash) = (footer.last_seq, footer.last_hash);
        Self { head, hash, recorded_at: Some(recorded_at), ..chain }
    }
    /// The same, and commits that these segments hold are not admitted again.
    pub fn knowing(self, earlier: Arc<Vec<Arc<Sealed>>>) -> Self {
        Self { earlier, ..self }
    }
    /// How far it reaches.
    pub fn head(&self) -> Head {
        Head { seq: self.head, recorded_at: self.recorded_at.unwrap_or_default() }
    }
    /// Hash of the commit there; zero before the first.
    pub fn hash(&self) -> ContentHash {
        self.hash
    }
    /// Position of the commit that is next.
    pub fn next(&self) -> Seq {
        self.head + 1
    }

    /// Whether a segment goes on where the chain stands.
    pub fn check_segment(&self, header: &SegmentHeader) -> Result<(), String> {
        let Self { log_id, hash, .. } = self;
        if header.log_id != *log_id {
            return Err(format!("segment belongs to {}, the ledger is {log_id}", header.log_id));
        }
        if header.first_seq != self.next() {
            return Err(format!(
                "segment begins at seq {}, expected {}",
                header.first_seq,
                self.next()
            ));
        }
        if header.previous != *hash {
            return Err(format!("segment follows hash {}, expected {hash}", header.previous));
        }
        Ok(())
    }

    /// Takes the next commit, or says what it contradicts.
    pub fn admit(&mut self, found: Found) -> Result<Recorded, String> {
        let Found { seq, recorded_at, body, .. } = found;
        if seq != self.next() {
            return Err(format!("record has seq {seq}, expected {}", self.next()));
        }
        if let Some(before) = self.recorded_at
            && recorded_at <= before
        {
            return Err(format!("recorded at {recorded_at}, not after {before}"));
        }
        let commit = Commit::decode(&body).map_err(|e| e.to_string())?;
        let header = &commit.header;
        if header.log_id != self.log_id {
            return Err(format!(
                "commit belongs to {}, the ledger is {}",
                header.log_id, self.log_id
            ));
        }
        let tail = self.streams.entry(header.stream).or_default();
        let (version, previous) = *tail;
        if header.version != version + 1 {
            let stream = header.stream;
            return Err(format!(
                "{stream} has version {}, expected {}",
                header.version,
                version + 1
            ));
        }
        if header.previous != previous {
            let stream = header.stream;
            return Err(format!("{stream} follows hash {}, expected {previous}", header.previous));
        }
        let hash = envelope::hash(&body);
        *tail = (header.version, hash);
        if !self.commits.insert(header.commit_id) || self.is_earlier(header.commit_id)? {
            return Err(format!("{} is there twice", header.commit_id));
        }
        self.check_owner(&commit)?;
        (self.head, self.hash, self.recorded_at) = (seq, hash, Some(recorded_at));
        Ok(Recorded { seq, recorded_at, hash, commit, bytes: body })
    }

    /// Since a stream was taken, nobody decides in it under a lower epoch.
    fn check_owner(&mut self, commit: &Commit) -> Result<(), String> {
        let header = &commit.header;
        let (stream, epoch) = (header.stream, header.owner_epoch);
        if stream.kind.is_witnessed() {
            return Ok(());
        }
        if let Some(owner) = self.owners.get(&stream)
            && epoch < *owner
        {
            return Err(format!("{stream} was taken under epoch {owner}, this is of {epoch}"));
        }
        // A word of another program is passed over here as it is everywhere.
        if let Ok(Some(OwnerEvent::OwnershipTaken { epoch: taken, .. })) =
            OwnerEvent::in_commit(commit)
        {
            if taken != epoch {
                return Err(format!("{stream} is taken under {taken} in a commit of {epoch}"));
            }
            self.owners.insert(stream, taken);
        }
        Ok(())
    }

    fn is_earlier(&self, id: CommitId) -> Result<bool, String> {
        if self.earlier.is_empty() {
            return Ok(false);
        }
        let key = IdKey::of(id);
        for sealed in self.earlier.iter() {
            if sealed.find(id, key).map_err(|e| e.to_string())?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
