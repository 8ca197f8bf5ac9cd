//! What a ladder refuses and rejects, and the arbiter's rows.

use super::arbiter::{Contender, entry, owner};
use super::command::LadderCommand;
use super::tests::{CUT, S, T0, claim, id, item, quiet, raise, with};
use super::{CLAIM_ITEMS_MAX, CLAIMS_MAX};
use grimnir_events::ClaimId;
use grimnir_events::ladder::{
    AUTOMATION_CLAIM, Claim, ClaimItem, Entry, FALLBACK_CLAIM, FAREWELL_CLAIM, LadderEvent,
    RefusalReason, ReleaseReason, Tier,
};
use grimnir_events::library::CueMarks;

#[test]
fn refusals_are_events_with_their_reason() {
    let plain = claim(1, Tier::LiveOverride, T0);
    let refused =
        |c: &Claim, reason| LadderEvent::SourceRefused { claim_id: c.id, tier: c.tier, reason };
    let off =
        LadderCommand::RaiseSource { claim: Box::new(plain.clone()), take: false, on_air: false };
    quiet().when(off).then(&[refused(&plain, RefusalReason::OffAir)]);
    let empty = Claim { items: vec![], ..plain.clone() };
    quiet().when(raise(empty, false)).then(&[refused(&plain, RefusalReason::NothingToPlay)]);
    let late = Claim { window_end: Some(T0), ..plain.clone() };
    quiet().when(raise(late, false)).then(&[refused(&plain, RefusalReason::WindowOver)]);
    for tier in [Tier::Automation, Tier::Fallback] {
        let c = claim(1, tier, T0);
        quiet().when(raise(c.clone(), true)).then(&[refused(&c, RefusalReason::TierNotRaisable)]);
    }
    let ids = 1..=u8::try_from(CLAIMS_MAX).expect("fits");
    let full: Vec<_> = ids.map(|n| claim(n, Tier::LiveOverride, T0)).collect();
    let last = claim(200, Tier::Emergency, T0);
    with(&full.iter().collect::<Vec<_>>())
        .when(raise(last.clone(), true))
        .then(&[refused(&last, RefusalReason::TooMany)]);
}

#[test]
fn malformed_claims_are_rejected() {
    let plain = claim(1, Tier::LiveOverride, T0);
    let rejected = |c: Claim, code| quiet().when(raise(c, false)).rejected(code);
    for bad in [ClaimId::default(), AUTOMATION_CLAIM, FALLBACK_CLAIM, FAREWELL_CLAIM] {
        rejected(Claim { id: bad, ..plain.clone() }, "bad_claim_id");
    }
    for bad in [0, -1, 24 * 3_600 * S + 1] {
        rejected(Claim { max_length_us: bad, ..plain.clone() }, "bad_max_length");
    }
    rejected(Claim { fade_ms: 30_001, ..plain.clone() }, "fade_too_long");
    rejected(Claim { label: "a\nb".into(), ..plain.clone() }, "bad_text");
    let (start, end) = (Some(T0.plus(2)), Some(T0.plus(2)));
    rejected(Claim { window_start: start, window_end: end, ..plain.clone() }, "bad_window");
    let many = vec![item(); CLAIM_ITEMS_MAX + 1];
    let message = rejected(Claim { items: many, ..plain.clone() }, "too_many_items");
    assert!(message.contains("201") && message.contains("200"), "{message}");
    let long = ClaimItem { title: "x".repeat(300), ..item() };
    rejected(Claim { items: vec![long; 100], ..plain.clone() }, "claim_too_large");
    let cues = CueMarks { cue_in: 5, segue: 5, cue_out: 9 };
    rejected(Claim { items: vec![ClaimItem { cues, ..item() }], ..plain }, "bad_claim_item");
}

#[test]
fn what_is_not_there_cannot_be_released_or_reported() {
    let reason = ReleaseReason::Released;
    let release = |claim_id| LadderCommand::ReleaseSource { claim_id, reason };
    quiet().when(release(id(9))).rejected("claim_not_found");
    quiet().when(release(AUTOMATION_CLAIM)).rejected("not_releasable");
    quiet().when(release(FALLBACK_CLAIM)).rejected("not_releasable");
    quiet().when(LadderCommand::ReportRecovery { claim_id: id(9) }).rejected("claim_not_found");
}

#[test]
fn nobody_at_all_leaves_the_air_to_the_last_rung() {
    assert_eq!(owner(&[], AUTOMATION_CLAIM), FALLBACK_CLAIM);
    let lone = Contender {
        id: id(1),
        tier: Tier::Emergency,
        order: 0,
        ready: false,
        healthy: true,
        took: true,
    };
    assert_eq!(owner(&[lone], id(1)), FALLBACK_CLAIM);
}

#[test]
fn entries_follow_the_tiers() {
    use Tier::{Automation, Emergency, Fallback, LiveOverride, LiveScheduled};
    let rows = [
        (Automation, true, Emergency, CUT(10)),
        (Emergency, true, Emergency, CUT(10)),
        (Automation, true, LiveOverride, CUT(800)),
        (Automation, false, LiveScheduled, CUT(800)),
        (Emergency, true, LiveOverride, CUT(800)),
        (LiveOverride, true, Automation, CUT(800)),
        (Emergency, false, Fallback, CUT(0)),
        (Automation, true, Fallback, Entry::NextJunction),
        (Automation, false, Fallback, CUT(0)),
        (Fallback, true, Automation, Entry::NextJunction),
        (Fallback, false, Automation, CUT(0)),
    ];
    for (from, healthy, to, expected) in rows {
        assert_eq!(entry(from, healthy, to, 800), expected, "{from:?} {healthy} {to:?}");
    }
}
