//! What a claim must be like before the ladder looks at it.

use super::LadderRejection as No;
use crate::text;
use grimnir_events::ladder::{AUTOMATION_CLAIM, Claim, FALLBACK_CLAIM, FAREWELL_CLAIM};
use grimnir_events::{ClaimId, codec};

/// Items of one claim; every item is in the hand-over to the engine.
pub const CLAIM_ITEMS_MAX: usize = 200;
/// Longest time a claim may ask for: a day.
pub const LENGTH_MAX_US: i64 = 24 * 3_600 * 1_000_000;
/// Longest fade of what plays.
pub const FADE_MAX_MS: u32 = 30_000;
/// Largest claim, encoded: a commit of at most 60 KiB holds it twice, in command and event, and
/// leaves 4 KiB for the rest.
pub const CLAIM_BYTES_MAX: usize = 28 * 1_024;
const LABEL_MAX: usize = 300;

/// Checks an id that somebody gives a claim.
pub fn id(id: ClaimId) -> Result<(), No> {
    let reserved = [AUTOMATION_CLAIM, FALLBACK_CLAIM, FAREWELL_CLAIM].contains(&id);
    if id.is_nil() || reserved { Err(No::BadId { found: id }) } else { Ok(()) }
}

/// Checks a whole claim.
pub fn claim(claim: &Claim) -> Result<(), No> {
    id(claim.id)?;
    text::check(&claim.label, 0, LABEL_MAX).map_err(|fault| No::Label { fault })?;
    if !(1..=LENGTH_MAX_US).contains(&claim.max_length_us) {
        return Err(No::Length { found_us: claim.max_length_us, limit_us: LENGTH_MAX_US });
    }
    if claim.fade_ms > FADE_MAX_MS {
        return Err(No::Fade { found: claim.fade_ms, limit: FADE_MAX_MS });
    }
    if let (Some(start), Some(end)) = (claim.window_start, claim.window_end)
        && end <= start
    {
        return Err(No::Window { start, end });
    }
    if claim.items.len() > CLAIM_ITEMS_MAX {
        return Err(No::ItemCount { found: claim.items.len(), limit: CLAIM_ITEMS_MAX });
    }
    for (index, item) in claim.items.iter().enumerate() {
        let cues = item.cues;
        if item.media_id.is_nil()
            || cues.cue_in < 0
            || cues.segue <= cues.cue_in
            || cues.cue_out < cues.segue
        {
            return Err(No::Item { index });
        }
    }
    match codec::encode(claim) {
        Ok(stored) if stored.bytes.len() <= CLAIM_BYTES_MAX => Ok(()),
        Ok(stored) => Err(No::TooLarge { found: stored.bytes.len(), limit: CLAIM_BYTES_MAX }),
        Err(_) => Err(No::TooLarge { found: codec::MAX_PAYLOAD_BYTES, limit: CLAIM_BYTES_MAX }),
    }
}
