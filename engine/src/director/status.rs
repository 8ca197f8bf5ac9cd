//! What the director shows to the control server: a copy, taken after each turn.

use super::Director;
use super::plays::PlayState;
use crate::output::target::TargetState;
use grimnir_events::ladder::{AUTOMATION_CLAIM, Tier};
use grimnir_events::{AirFrame, ClaimId, LineId, MountId, OutputId};
use std::sync::{Arc, Mutex, PoisonError};

/// One output.
#[derive(Clone, Debug)]
pub struct OutputView {
    /// The mount.
    pub mount_id: MountId,
    /// Its path.
    pub path: String,
    /// It gives sound.
    pub up: bool,
    /// Listeners now.
    pub listeners: u32,
    /// Bytes handed to listeners.
    pub bytes_sent: u64,
}

/// One output beside the mounts.
#[derive(Clone, Debug)]
pub struct TargetView {
    /// Which.
    pub id: OutputId,
    /// Its name.
    pub name: String,
    /// Its kind, in a word.
    pub kind: &'static str,
    /// How it is doing.
    pub state: TargetState,
}

/// The copy.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Signed on.
    pub on_air: bool,
    /// Ledger positions of what is held.
    pub config_revision: u64,
    /// Ledger position of the timeline.
    pub timeline_revision: u64,
    /// Ledger position of the claims.
    pub claims_revision: u64,
    /// Epoch that is obeyed.
    pub epoch: u64,
    /// Who owns the air.
    pub owner: ClaimId,
    /// Its tier.
    pub tier: u8,
    /// The line that is heard.
    pub line_id: LineId,
    /// What is heard, by a name that no other play has.
    pub item_id: LineId,
    /// Title of what is heard.
    pub title: String,
    /// Artist of what is heard.
    pub artist: String,
    /// First frame on air of what is heard.
    pub started: AirFrame,
    /// Frames of it that are to air.
    pub length: i64,
    /// Something is heard.
    pub heard: bool,
    /// End of the timeline that is held.
    pub held_until: AirFrame,
    /// idle, preloading, playing, fading, live or emergency.
    pub state: &'static str,
    /// Mounts.
    pub outputs: Vec<OutputView>,
    /// Outputs beside them.
    pub targets: Vec<TargetView>,
    /// automatic, assist, stop_after or hold.
    pub mode: &'static str,
    /// The line of the plan that is made ready.
    pub next_line: LineId,
    /// Its title.
    pub next_title: String,
    /// Nothing starts it by itself.
    pub waiting: bool,
}

/// The copy, shared.
pub type Board = Arc<Mutex<Snapshot>>;

/// Reads the board.
pub fn read(board: &Board) -> Snapshot {
    board.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Director {
    pub(super) fn publish(&self) {
        let heard = self.heard.and_then(|voice| self.plays.get(voice));
        let owner = self.owner.unwrap_or_default();
        let mut snapshot = Snapshot {
            on_air: self.signed_on,
            config_revision: self.held.config_revision(),
            timeline_revision: self.held.timeline_revision,
            claims_revision: self.held.claims_revision(),
            epoch: self.held.epoch,
            owner,
            tier: self.tier_of(self.owner.unwrap_or(AUTOMATION_CLAIM)).number(),
            state: self.state_word(),
            held_until: self.held_until,
            outputs: self.outputs.views(),
            targets: self.outputs.target_views(),
            mode: self.modes.mode.word(),
            waiting: self.waits(),
            ..Snapshot::default()
        };
        if let (Some(voice), Some(play)) = (self.heard, heard)
            && let PlayState::Sounding { at } = play.state
        {
            snapshot.heard = true;
            snapshot.line_id = play.spec.line_id.unwrap_or_default();
            snapshot.item_id = play.item_id(self.run, voice);
            snapshot.title = play.spec.title.clone();
            snapshot.artist = play.spec.artist.clone();
            snapshot.started = at;
            snapshot.length = play.length;
        }
        if let Some(next) = self.ready_line() {
            (snapshot.next_line, snapshot.next_title) = (next.id, next.title);
        }
        *self.board.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }

    fn state_word(&self) -> &'static str {
        if !self.signed_on {
            return if self.plays.sounding() > 0 { "fading" } else { "idle" };
        }
        let Some(owner) = self.owner else { return "preloading" };
        match self.tier_of(owner) {
            Tier::Emergency => "emergency",
            Tier::LiveOverride | Tier::LiveScheduled => "live",
            Tier::Automation | Tier::Fallback => match self.plays.sounding() {
                0 if self.fallback_owns() => "playing",
                0 => "preloading",
                1 => "playing",
                _ => "fading",
            },
        }
    }
}
