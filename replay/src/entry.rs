//! One entry of an answer: an as-run row with what is worked out from it.

use crate::local_time::Zone;
use grimnir_events::ladder::Tier;
use grimnir_events::library::ItemKind;
use grimnir_events::units::micros_of_frames;
use grimnir_events::{ClaimId, ContentHash, EngineRunId, LineId, MediaId, UtcMicros};
use grimnir_projections::rows::AsRunRow;
use serde::Serialize;

/// One entry of the as-run log.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Entry {
    /// First frame on air, or the instant of the entry.
    pub started_at: UtcMicros,
    /// The same in the station's own time.
    pub started_local: String,
    /// Frame after the last; `None` while it goes on.
    pub ended_at: Option<UtcMicros>,
    /// Frames that aired.
    pub frames: Option<i64>,
    /// Their length.
    pub length_us: Option<i64>,
    /// `item`, `dropped`, `moved`, `interrupted`, `silence`, `stalled`, `alarm`, `owner`, `source`,
    /// `engine`, `output`.
    pub entry: String,
    /// Who owned the air.
    pub tier: Option<Tier>,
    /// Title.
    pub title: String,
    /// Artist.
    pub artist: String,
    /// What it is.
    pub kind: Option<ItemKind>,
    /// Start by the plan.
    pub planned_at: Option<UtcMicros>,
    /// Start on air less start by the plan; `None` where nothing started.
    pub deviation_us: Option<i64>,
    /// Why it ended, was dropped, was heard no more.
    pub reason: String,
    /// The length was inferred, not seen.
    pub inferred: bool,
    /// The claim.
    pub claim_id: Option<ClaimId>,
    /// The timeline's line.
    pub line_id: Option<LineId>,
    /// The item.
    pub media_id: Option<MediaId>,
    /// SHA-256 of the bytes that played.
    pub play_hash: Option<ContentHash>,
    /// Engine run.
    pub run: EngineRunId,
    /// Number of the play in its run.
    pub play: u64,
    /// First air frame.
    pub start_frame: i64,
    /// Ledger position of the fact that began it.
    pub seq: u64,
}

impl Entry {
    pub(crate) fn of(row: &AsRunRow, zone: &Zone) -> Self {
        let item = row.entry == "item";
        Self {
            started_at: row.started_at,
            started_local: zone.text(row.started_at),
            ended_at: row.ended_at,
            frames: row.frames,
            length_us: row.frames.map(micros_of_frames),
            entry: row.entry.clone(),
            tier: row.tier,
            title: row.title.clone(),
            artist: row.artist.clone(),
            kind: row.kind,
            planned_at: row.planned_at,
            deviation_us: row.planned_at.filter(|_| item).map(|at| row.started_at.since(at)),
            reason: row.reason.clone(),
            inferred: row.inferred,
            claim_id: row.claim_id,
            line_id: row.line_id,
            media_id: row.media_id,
            play_hash: row.play_hash,
            run: row.run,
            play: row.play,
            start_frame: row.start_frame,
            seq: row.seq,
        }
    }
}
