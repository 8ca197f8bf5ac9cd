//! How an item sounds in the plan: gain, cue marks, and whether it takes a crossfade.
//!
//! Upstream: what analysis measured. Downstream: planned lines, and claims of other tiers.

use grimnir_events::library::{CueMarks, ItemKind, MediaItem};
use grimnir_events::station::StationSettings;
use grimnir_events::units::frames_of_ms;

/// Highest true peak on air, in hundredths of dBTP: EBU R 128 asks for -1 dBTP at most.
pub const MAX_TRUE_PEAK_DBTP_X100: i32 = -100;
/// An item takes a crossfade when it is at least this many times as long: one at either end and
/// one that is heard alone.
const CROSSFADES_IN_AN_ITEM: i64 = 3;

/// Gain that brings an item to the station's loudness, in hundredths of dB, without a true peak
/// above -1 dBTP. Silence is left alone; what has no measured peak is never made louder.
pub fn gain_db_x100(item: &MediaItem, settings: &StationSettings) -> i32 {
    let Some(loudness) = item.loudness_lufs_x100 else { return 0 };
    let wanted = settings.target_lufs_x100.saturating_sub(loudness);
    let limit =
        item.true_peak_dbtp_x100.map_or(0, |peak| MAX_TRUE_PEAK_DBTP_X100.saturating_sub(peak));
    wanted.min(limit)
}

/// The item's marks, if something is to air by them: `0 <= cue in < segue <= cue out <= length`.
pub fn usable_cues(item: &MediaItem) -> Option<CueMarks> {
    let c = item.cues;
    let orderly = c.cue_in >= 0 && c.cue_in < c.segue && c.segue <= c.cue_out;
    (orderly && c.cue_out <= item.duration_frames).then_some(c)
}

/// The item says itself where the next may start.
pub fn has_own_segue(cues: &CueMarks) -> bool {
    cues.segue < cues.cue_out
}

/// The station's overlap in frames.
pub fn crossfade_frames(settings: &StationSettings) -> i64 {
    frames_of_ms(i64::from(settings.crossfade_ms))
}

/// The item is of a kind, and long enough, to be overlapped by the station's crossfade. What is
/// said must be heard whole: identifications, spots and alerts are not faded.
pub fn takes_crossfade(item: &MediaItem, settings: &StationSettings) -> bool {
    let length = item.cues.cue_out.saturating_sub(item.cues.cue_in);
    let overlap = crossfade_frames(settings);
    let kind = match item.kind {
        ItemKind::Music | ItemKind::Feature => true,
        ItemKind::LegalId | ItemKind::Imaging | ItemKind::Spot | ItemKind::Emergency => false,
    };
    kind && overlap > 0 && length >= overlap.saturating_mul(CROSSFADES_IN_AN_ITEM)
}

/// The item may be picked where no category is named: programme, not packaging.
pub fn is_programme(kind: ItemKind) -> bool {
    match kind {
        ItemKind::Music | ItemKind::Feature => true,
        ItemKind::LegalId | ItemKind::Imaging | ItemKind::Spot | ItemKind::Emergency => false,
    }
}
