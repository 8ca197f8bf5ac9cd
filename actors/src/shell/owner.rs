//! What a shell heeds of ownership: who took its stream, and under which epoch it may decide.

use super::{ShellState, corrupt, unreadable};
use crate::error::CommandError;
use grimnir_events::owner::OwnerEvent;
use grimnir_ledger::Recorded;
use grimnir_rules::Aggregate;
use tracing::error;

impl<A: Aggregate> ShellState<A> {
    /// Epoch of the last commit in a fold that was not folded here: nobody decides below it.
    pub(super) async fn last_epoch(&self) -> Result<u64, CommandError> {
        if self.fold.version == 0 {
            return Ok(0);
        }
        let tail = self.ledger.read(self.stream, self.fold.version, 1).await;
        Ok(tail.map_err(unreadable)?.first().map_or(0, |r| r.commit.header.owner_epoch))
    }

    /// Follows who owns the stream. Nobody decides under a lower epoch than it was taken under.
    pub(super) fn heed_owner(&mut self, recorded: &Recorded) -> Result<(), CommandError> {
        let found = recorded.commit.header.owner_epoch;
        if found < self.taken {
            let (stream, seq, taken) = (self.stream, recorded.seq, self.taken);
            let reason = format!("{stream} was taken under epoch {taken}, seq {seq} is of {found}");
            error!(reason, "the ledger contradicts itself");
            return Err(CommandError::Failed { what: "reading the ledger", reason });
        }
        let owner = OwnerEvent::in_commit(&recorded.commit).map_err(corrupt)?;
        if let Some(OwnerEvent::OwnershipTaken { epoch, node }) = owner {
            self.taken = epoch;
            self.ownership.taken(self.stream.id, epoch, &node);
        }
        Ok(())
    }

    /// This node owns the stream, and nobody has taken it since.
    pub(super) fn may_decide(&self) -> Result<u64, CommandError> {
        let epoch = self.ownership.decides(self.stream.id)?;
        // Taken under a higher epoch: the standing is only not up to date yet.
        if epoch < self.taken { Err(CommandError::NoOwner) } else { Ok(epoch) }
    }

    /// Whether others have extended the stream since it was folded. Asked before an answer that no
    /// append stands behind: a node that has slept would tell of what was.
    pub(super) async fn was_behind(&mut self) -> Result<bool, CommandError> {
        if self.ownership.is_alone() {
            return Ok(false);
        }
        let before = self.fold.version;
        self.catch_up_own().await?;
        Ok(self.fold.version > before)
    }
}
