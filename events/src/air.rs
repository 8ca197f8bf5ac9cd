//! The words of the air: what the engine reports as aired. Witnessed, never rejected.

use crate::codec::Payload;
use crate::ids::{ClaimId, ContentHash, EngineRunId, LineId, MediaId, MountId, OutputId};
use crate::ladder::{OwnerReason, ReleaseReason, Tier};
use crate::library::ItemKind;
use crate::output::OutputReport;
use crate::sound::SoundEvent;
use crate::timeline::DropReason;
use crate::units::{AirFrame, UtcMicros};
use serde::{Deserialize, Serialize};

/// One fact from an engine's journal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AirFact {
    /// The run that saw it.
    pub run: EngineRunId,
    /// Its number in the station's journal, from 1, gapless over all runs.
    pub journal_seq: u64,
    /// The frame on air when it happened.
    pub frame: AirFrame,
    /// That frame's instant, by the engine's sample clock.
    pub at: UtcMicros,
    /// What happened.
    pub event: AirEvent,
}

impl Payload for AirFact {
    const NAME: &'static str = "air.fact";
    const VERSION: u16 = 1;
}

/// What happened on air.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AirEvent {
    /// An engine began to play.
    EngineStarted {
        /// Its program version.
        version: String,
        /// The mix thread runs under SCHED_RR.
        realtime: bool,
    },
    /// An engine ended in an orderly way.
    EngineStopped {},
    /// Nothing was heard between two frames; found out afterwards.
    AirInterrupted {
        /// First frame not heard.
        from: AirFrame,
        /// First frame heard again, were it digital silence.
        to: AirFrame,
        /// The position page was last written this many frames before `from` at most.
        bound_frames: i64,
        /// Why.
        reason: InterruptReason,
    },
    /// An item's first frame aired.
    ItemStarted(Box<ItemStarted>),
    /// An item's last frame aired.
    ItemEnded {
        /// Number of the play in its run.
        play: u64,
        /// Frames of it that aired.
        frames: i64,
        /// Why it ended.
        reason: EndReason,
    },
    /// A planned line did not air.
    LineDropped {
        /// Which.
        line_id: LineId,
        /// What it was.
        media_id: MediaId,
        /// Its title.
        title: String,
        /// When it was planned.
        planned_at: UtcMicros,
        /// Why.
        reason: DropReason,
    },
    /// A line was moved to the next break.
    LineMoved {
        /// Which.
        line_id: LineId,
        /// Why.
        reason: DropReason,
    },
    /// An emergency came straight to the engine; the ladder accepts it as a fact.
    EmergencyInserted {
        /// Its claim.
        claim: Box<crate::ladder::Claim>,
    },
    /// Another claim is heard from this frame on.
    OwnerChanged {
        /// Who was heard.
        from: ClaimId,
        /// Who is heard.
        to: ClaimId,
        /// Tier of the new owner.
        tier: Tier,
        /// Why.
        reason: OwnerReason,
    },
    /// A claim has nothing more to play, or may not play on.
    ClaimEnded {
        /// Which.
        claim_id: ClaimId,
        /// Why.
        reason: ReleaseReason,
    },
    /// A source has nothing to give.
    SourceFailed {
        /// Which.
        claim_id: ClaimId,
        /// What was seen.
        reason: String,
    },
    /// A failed source gives again.
    SourceRecovered {
        /// Which.
        claim_id: ClaimId,
    },
    /// Digital silence is on air: even the last rung has nothing.
    SilenceEntered {
        /// Why.
        reason: String,
    },
    /// Programme is on air again.
    SilenceLeft {},
    /// The mix fell more than 2 s behind and the timeline moved on.
    AirStalled {
        /// Frame it stopped at.
        from: AirFrame,
        /// Frame it went on at.
        to: AirFrame,
    },
    /// Samples that are not numbers were made zero.
    NonFiniteSamples {
        /// The play they came from.
        play: u64,
        /// How many.
        count: u64,
    },
    /// An output gives sound.
    OutputUp {
        /// Which.
        mount_id: MountId,
    },
    /// An output gives none.
    OutputDown {
        /// Which.
        mount_id: MountId,
        /// Why.
        reason: String,
    },
    /// What leaves has been below the threshold of the silence sense for its time: somebody is to
    /// look.
    ProgrammeSilent {
        /// First frame of the silence.
        since: AirFrame,
    },
    /// What leaves is above it again.
    ProgrammeHeard {},
    /// Something about the sound itself.
    Sound(SoundEvent),
    /// Something changed at an output beside the mounts.
    OutputReported {
        /// Which.
        output_id: OutputId,
        /// What.
        report: Box<OutputReport>,
    },
    /// Something about a live input.
    Live(Box<crate::live::LiveAirEvent>),
    /// Something about a webstream.
    Webstream(Box<crate::webstream::WebstreamAirEvent>),
}

/// What started.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ItemStarted {
    /// Number of the play in its run.
    pub play: u64,
    /// Whose item it is.
    pub claim_id: ClaimId,
    /// Its tier.
    pub tier: Tier,
    /// The timeline's line; `None` for another tier's item.
    pub line_id: Option<LineId>,
    /// What plays; nil for the built-in fallback.
    pub media_id: MediaId,
    /// The bytes that play.
    pub play_hash: ContentHash,
    /// Title.
    pub title: String,
    /// Artist.
    pub artist: String,
    /// What it is.
    pub kind: ItemKind,
    /// Start by the plan.
    pub planned_at: Option<UtcMicros>,
    /// First frame of the file that aired.
    pub from_frame: i64,
    /// Frames that are to air if nothing cuts it.
    pub expected_frames: i64,
    /// Gain in hundredths of dB.
    pub gain_db_x100: i32,
}

/// Why an item ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// It played to its cue out.
    Completed,
    /// Somebody skipped it.
    Skipped,
    /// A higher tier took the air.
    Preempted,
    /// A line with a fixed time cut it.
    CutByAnchor,
    /// Its claim was released.
    Released,
    /// Its claim's longest time was over.
    Expired,
    /// Automation came back.
    Replaced,
    /// It could not be read on.
    Failed {
        /// What was seen.
        reason: String,
    },
    /// The station went off air.
    SignOff,
    /// The engine died; the length is inferred from the position page.
    EngineLost,
}

/// Why nothing was heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterruptReason {
    /// The engine process died.
    EngineLost,
    /// The station was off air.
    OffAir,
}
