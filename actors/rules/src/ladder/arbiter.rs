//! Who owns the air, and how it enters: the rules of the ladder as pure functions.
//!
//! The ladder aggregate and the engine both decide with these, so that what is recorded and what is
//! heard come out alike. Not here: claims, windows and clocks; the caller says who is ready.

use grimnir_events::ClaimId;
use grimnir_events::ladder::{Entry, FALLBACK_CLAIM, Tier};

/// Longest fade of what an emergency cuts: long enough against a click, too short to be a fade.
pub const EMERGENCY_FADE_MS: u32 = 10;

/// One that could own the air.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contender {
    /// The claim.
    pub id: ClaimId,
    /// Its tier.
    pub tier: Tier,
    /// Its turn: when it was raised or, once it has owned the air, when it last came to own it. The
    /// later, the larger; only comparisons within a tier count.
    pub order: u64,
    /// Its window is open and it has something to play.
    pub ready: bool,
    /// It was not seen to have failed.
    pub healthy: bool,
    /// It owned the air before, or takes it from an incumbent of its tier now.
    pub took: bool,
}

/// The one owner of the air.
///
/// The lowest tier number with a ready and healthy contender wins. Within it a take wins over the
/// incumbent, which else stays; where it is gone, whoever owned the air last returns; where nobody
/// did, the first raised enters. The fallback needs no health: it is the last rung, and what it
/// cannot give is digital silence.
pub fn owner(contenders: &[Contender], incumbent: ClaimId) -> ClaimId {
    let able = |c: &&Contender| c.tier == Tier::Fallback || (c.ready && c.healthy);
    let Some(tier) = contenders.iter().filter(able).map(|c| c.tier).min() else {
        return FALLBACK_CLAIM;
    };
    let rivals = || contenders.iter().filter(able).filter(|c| c.tier == tier);
    let seated = rivals().find(|c| c.id == incumbent);
    let latest = rivals().filter(|c| c.took).max_by_key(|c| (c.order, c.id));
    let first_raised = rivals().min_by_key(|c| (c.order, c.id));
    let best = match (seated, latest) {
        (Some(seated), Some(taker)) if taker.order > seated.order => Some(taker),
        (Some(seated), _) => Some(seated),
        (None, Some(taker)) => Some(taker),
        (None, None) => first_raised,
    };
    best.map_or(FALLBACK_CLAIM, |c| c.id)
}

/// How a new owner enters after the one before.
///
/// `fade_ms` is the fade asked for: the new owner's on tiers 0 to 2, else that of the claim that
/// ends. Automation and fallback wait for the junction, but only behind a healthy source of their
/// own kind: a failed one is left at once, and a claim of tier 0 to 2 is over when it gives way.
pub fn entry(from_tier: Tier, from_healthy: bool, to_tier: Tier, fade_ms: u32) -> Entry {
    let programme = |tier| matches!(tier, Tier::Automation | Tier::Fallback);
    match to_tier {
        Tier::Emergency => Entry::Cut { fade_ms: fade_ms.min(EMERGENCY_FADE_MS) },
        Tier::LiveOverride | Tier::LiveScheduled => Entry::Cut { fade_ms },
        Tier::Automation | Tier::Fallback => match (programme(from_tier), from_healthy) {
            (true, true) => Entry::NextJunction,
            (false, true) => Entry::Cut { fade_ms },
            (_, false) => Entry::Cut { fade_ms: 0 },
        },
    }
}
