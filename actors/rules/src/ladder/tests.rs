//! Behaviour of the ladder, given / when / then. Sequences of every kind are in `properties`.

use super::command::LadderCommand;
use super::{ENDED_KEPT, Ladder, LadderState};
use crate::given::{Given, given};
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::ladder::{
    AUTOMATION_CLAIM, Claim, ClaimItem, Entry, FALLBACK_CLAIM, LadderEvent, OwnerReason,
    ReleaseReason, Tier,
};
use grimnir_events::library::{CueMarks, ItemKind};
use grimnir_events::{AirFrame, ClaimId, ContentHash, EngineRunId, MediaId, UtcMicros};

/// A second.
pub(super) const S: i64 = 1_000_000;
pub(super) const T0: UtcMicros = UtcMicros(1_790_000_000 * S);

pub(super) fn id(n: u8) -> ClaimId {
    ClaimId([n; 16])
}

pub(super) fn item() -> ClaimItem {
    ClaimItem {
        media_id: MediaId([7; 16]),
        play_hash: ContentHash([8; 32]),
        title: "Tone".into(),
        artist: "Signal".into(),
        kind: ItemKind::Music,
        cues: CueMarks { cue_in: 0, segue: 48_000, cue_out: 48_000 },
        gain_db_x100: 0,
    }
}

pub(super) fn claim(n: u8, tier: Tier, raised_at: UtcMicros) -> Claim {
    Claim {
        id: id(n),
        tier,
        items: vec![item()],
        raised_at,
        window_start: None,
        window_end: None,
        max_length_us: 600 * S,
        fade_ms: if tier == Tier::Emergency { 10 } else { 500 },
        label: "Tone".into(),
        repeat: false,
    }
}

pub(super) fn fact(journal_seq: u64, at: UtcMicros, event: AirEvent) -> AirFact {
    AirFact { run: EngineRunId([1; 16]), journal_seq, frame: AirFrame(0), at, event }
}

fn heard(journal_seq: u64, at: UtcMicros, to: ClaimId, tier: Tier) -> AirFact {
    let (from, reason) = (AUTOMATION_CLAIM, OwnerReason::Preempted);
    fact(journal_seq, at, AirEvent::OwnerChanged { from, to, tier, reason })
}

pub(super) fn raise(claim: Claim, take: bool) -> LadderCommand {
    LadderCommand::RaiseSource { claim: Box::new(claim), take, on_air: true }
}

fn raised(claim: &Claim) -> LadderEvent {
    LadderEvent::SourceRaised { claim: Box::new(claim.clone()) }
}

fn released(n: u8, reason: ReleaseReason) -> LadderEvent {
    LadderEvent::SourceReleased { claim_id: id(n), reason }
}

fn changed(
    from: ClaimId,
    to: ClaimId,
    tier: Tier,
    reason: OwnerReason,
    entry: Entry,
) -> LadderEvent {
    LadderEvent::OwnerChanged { from, to, tier, reason, entry }
}

pub(super) fn quiet() -> Given<Ladder> {
    given(&[]).at(T0)
}

/// A ladder on which each of these was raised in turn.
pub(super) fn with(claims: &[&Claim]) -> Given<Ladder> {
    claims.iter().fold(quiet(), |ladder, claim| ladder.when(raise((*claim).clone(), false)).given)
}

pub(super) const CUT: fn(u32) -> Entry = |fade_ms| Entry::Cut { fade_ms };

#[test]
fn automation_owns_the_air_from_the_beginning() {
    assert_eq!(LadderState::default().owner, AUTOMATION_CLAIM);
}

#[test]
fn emergency_cuts_in_at_once_whatever_fade_it_asks_for() {
    let mut c = claim(1, Tier::Emergency, T0);
    c.fade_ms = 4_000;
    quiet().when(raise(c.clone(), false)).then(&[
        raised(&c),
        changed(AUTOMATION_CLAIM, c.id, Tier::Emergency, OwnerReason::Preempted, CUT(10)),
    ]);
}

#[test]
fn override_fades_automation_out_and_gives_the_air_back_when_released() {
    let c = claim(1, Tier::LiveOverride, T0);
    let release =
        |n| LadderCommand::ReleaseSource { claim_id: id(n), reason: ReleaseReason::Released };
    quiet()
        .when(raise(c.clone(), false))
        .then(&[
            raised(&c),
            changed(AUTOMATION_CLAIM, c.id, Tier::LiveOverride, OwnerReason::Preempted, CUT(500)),
        ])
        .when(release(1))
        .then(&[
            released(1, ReleaseReason::Released),
            changed(c.id, AUTOMATION_CLAIM, Tier::Automation, OwnerReason::Released, CUT(500)),
        ])
        .when(release(1))
        .then_nothing();
}

#[test]
fn the_same_claim_raised_twice_is_raised_once() {
    let c = claim(1, Tier::LiveOverride, T0);
    with(&[&c]).when(raise(c, true)).then_nothing();
}

#[test]
fn an_incumbent_yields_its_tier_to_a_take_only() {
    let (a, b) = (claim(1, Tier::Emergency, T0), claim(2, Tier::Emergency, T0));
    let c = claim(3, Tier::Emergency, T0);
    with(&[&a])
        .when(raise(b.clone(), false))
        .then(&[raised(&b)])
        .when(raise(c.clone(), true))
        .then(&[raised(&c), changed(a.id, c.id, Tier::Emergency, OwnerReason::Taken, CUT(10))]);
}

#[test]
fn whoever_owned_the_tier_last_returns_after_an_emergency() {
    let (a, b) = (claim(1, Tier::LiveOverride, T0), claim(2, Tier::LiveOverride, T0));
    let e = claim(3, Tier::Emergency, T0);
    let ladder = with(&[&a]).when(raise(b.clone(), true)).given;
    let ladder = ladder.when(raise(e.clone(), false)).given;
    assert_eq!(ladder.state.owner, e.id);
    let end = LadderCommand::ReleaseSource { claim_id: e.id, reason: ReleaseReason::Completed };
    ladder.when(end).then(&[
        released(3, ReleaseReason::Completed),
        changed(e.id, b.id, Tier::LiveOverride, OwnerReason::Completed, CUT(500)),
    ]);
}

#[test]
fn an_incumbent_that_failed_is_not_preferred_again_when_it_recovers() {
    let (a, b) = (claim(1, Tier::LiveOverride, T0), claim(2, Tier::LiveOverride, T0));
    let c = claim(3, Tier::LiveOverride, T0);
    let fail = LadderCommand::ReportFailure { claim_id: a.id, reason: "dead".into() };
    let ladder = with(&[&a, &b]).when(fail).given;
    assert_eq!(ladder.state.owner, b.id);
    let ladder = ladder
        .when(LadderCommand::ReportRecovery { claim_id: a.id })
        .then(&[LadderEvent::SourceRecovered { claim_id: a.id }]);
    let ladder = ladder.when(raise(c.clone(), true)).given;
    let fail = LadderCommand::ReportFailure { claim_id: c.id, reason: "dead".into() };
    ladder.when(fail).then(&[
        LadderEvent::SourceFailed { claim_id: c.id, reason: "dead".into() },
        changed(c.id, b.id, Tier::LiveOverride, OwnerReason::Failed, CUT(500)),
    ]);
}

#[test]
fn a_window_opens_by_itself_and_ends_by_itself() {
    let mut c = claim(1, Tier::LiveScheduled, T0);
    c.window_start = Some(T0.plus(60 * S));
    c.window_end = Some(T0.plus(120 * S));
    let ladder = quiet().when(raise(c.clone(), false)).then(&[raised(&c)]);
    assert_eq!(ladder.state.next_deadline(T0), c.window_start);
    let ladder = ladder.at(T0.plus(60 * S)).when(LadderCommand::Expire {}).then(&[changed(
        AUTOMATION_CLAIM,
        c.id,
        Tier::LiveScheduled,
        OwnerReason::Preempted,
        CUT(500),
    )]);
    assert_eq!(ladder.state.next_deadline(T0.plus(60 * S)), c.window_end);
    // A clock that is set back does not close it again.
    let ladder = ladder.at(T0.plus(59 * S)).when(LadderCommand::Expire {}).then_nothing();
    let ladder = ladder.at(T0.plus(120 * S)).when(LadderCommand::Expire {}).then(&[
        released(1, ReleaseReason::Expired),
        changed(c.id, AUTOMATION_CLAIM, Tier::Automation, OwnerReason::Expired, CUT(500)),
    ]);
    assert_eq!(ladder.state.next_deadline(T0), None);
}

#[test]
fn an_open_window_waits_for_the_end_of_the_one_before_it() {
    let mut a = claim(1, Tier::LiveScheduled, T0);
    a.window_end = Some(T0.plus(100 * S));
    let mut b = claim(2, Tier::LiveScheduled, T0);
    b.window_start = Some(T0.plus(50 * S));
    let ladder = with(&[&a, &b]);
    let ladder = ladder.at(T0.plus(50 * S)).when(LadderCommand::Expire {}).then_nothing();
    ladder.at(T0.plus(100 * S)).when(LadderCommand::Expire {}).then(&[
        released(1, ReleaseReason::Expired),
        changed(a.id, b.id, Tier::LiveScheduled, OwnerReason::Expired, CUT(500)),
    ]);
}

#[test]
fn the_longest_time_runs_from_when_a_claim_first_owned_the_air() {
    let mut a = claim(1, Tier::LiveOverride, T0);
    a.max_length_us = 100 * S;
    let mut b = claim(2, Tier::LiveOverride, T0);
    b.max_length_us = 100 * S;
    let ladder = with(&[&a, &b]).at(T0.plus(100 * S)).when(LadderCommand::Expire {}).then(&[
        released(1, ReleaseReason::Expired),
        changed(a.id, b.id, Tier::LiveOverride, OwnerReason::Expired, CUT(500)),
    ]);
    // Raised long ago, but heard only from now on.
    let ladder = ladder.witnessed(&[heard(1, T0.plus(101 * S), b.id, b.tier)]);
    let ladder = ladder.at(T0.plus(200 * S)).when(LadderCommand::Expire {}).then_nothing();
    ladder.at(T0.plus(201 * S)).when(LadderCommand::Expire {}).then(&[
        released(2, ReleaseReason::Expired),
        changed(b.id, AUTOMATION_CLAIM, Tier::Automation, OwnerReason::Expired, CUT(500)),
    ]);
}

#[test]
fn a_failed_source_is_left_at_once_and_a_recovered_one_waits_for_the_junction() {
    let fail = |claim_id| LadderCommand::ReportFailure { claim_id, reason: "no data".into() };
    let failed = |claim_id| LadderEvent::SourceFailed { claim_id, reason: "no data".into() };
    let recover = |claim_id| LadderCommand::ReportRecovery { claim_id };
    let (auto, fall) = (AUTOMATION_CLAIM, FALLBACK_CLAIM);
    quiet()
        .when(fail(auto))
        .then(&[failed(auto), changed(auto, fall, Tier::Fallback, OwnerReason::Failed, CUT(0))])
        .when(fail(auto))
        .then_nothing()
        .when(recover(auto))
        .then(&[
            LadderEvent::SourceRecovered { claim_id: auto },
            changed(fall, auto, Tier::Automation, OwnerReason::Recovered, Entry::NextJunction),
        ])
        .when(recover(auto))
        .then_nothing();
}

#[test]
fn the_last_rung_keeps_the_air_even_when_it_fails() {
    let fail = |claim_id| LadderCommand::ReportFailure { claim_id, reason: "no data".into() };
    let ladder = quiet().when(fail(AUTOMATION_CLAIM)).given.when(fail(FALLBACK_CLAIM)).given;
    assert_eq!(ladder.state.owner, FALLBACK_CLAIM);
    ladder.when(LadderCommand::ForgetFailures {}).then(&[
        LadderEvent::SourceRecovered { claim_id: AUTOMATION_CLAIM },
        LadderEvent::SourceRecovered { claim_id: FALLBACK_CLAIM },
        changed(
            FALLBACK_CLAIM,
            AUTOMATION_CLAIM,
            Tier::Automation,
            OwnerReason::Recovered,
            Entry::NextJunction,
        ),
    ]);
}

#[test]
fn an_emergency_is_accepted_after_the_fact_once() {
    let c = claim(1, Tier::Emergency, T0);
    let accept = || LadderCommand::AcceptEmergency { claim: Box::new(c.clone()) };
    quiet()
        .when(accept())
        .then(&[
            raised(&c),
            changed(AUTOMATION_CLAIM, c.id, Tier::Emergency, OwnerReason::Preempted, CUT(10)),
        ])
        .when(accept())
        .then_nothing();
    let wrong = claim(1, Tier::LiveOverride, T0);
    quiet()
        .when(LadderCommand::AcceptEmergency { claim: Box::new(wrong) })
        .rejected("not_an_emergency");
}

#[test]
fn an_emergency_that_is_over_on_air_is_entered_and_ended_in_one_step() {
    let c = claim(1, Tier::Emergency, T0);
    let ended = AirEvent::ClaimEnded { claim_id: c.id, reason: ReleaseReason::Completed };
    quiet()
        .witnessed(&[heard(1, T0, c.id, c.tier), fact(2, T0.plus(S), ended)])
        .when(LadderCommand::AcceptEmergency { claim: Box::new(c.clone()) })
        .then(&[
            raised(&c),
            changed(AUTOMATION_CLAIM, c.id, Tier::Emergency, OwnerReason::Preempted, CUT(10)),
            released(1, ReleaseReason::Completed),
            changed(c.id, AUTOMATION_CLAIM, Tier::Automation, OwnerReason::Completed, CUT(10)),
        ])
        .when(raise(c, true))
        .then_nothing();
}

#[test]
fn sign_off_ends_every_raised_claim() {
    let (a, b) = (claim(1, Tier::LiveOverride, T0), claim(2, Tier::LiveScheduled, T0));
    let sign_off = || LadderCommand::SignOff { reason: OwnerReason::Released };
    with(&[&a, &b])
        .when(sign_off())
        .then(&[
            released(1, ReleaseReason::SignOff),
            released(2, ReleaseReason::SignOff),
            changed(a.id, AUTOMATION_CLAIM, Tier::Automation, OwnerReason::Released, CUT(500)),
        ])
        .when(sign_off())
        .then_nothing();
}

#[test]
fn memory_of_ended_claims_is_bounded() {
    let mut state = LadderState::default();
    for n in 0..u64::try_from(ENDED_KEPT).expect("fits") + 50 {
        let mut bytes = [9; 16];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        let claim_id = ClaimId(bytes);
        let reason = ReleaseReason::Completed;
        super::evolve::evolve(&mut state, &LadderEvent::SourceReleased { claim_id, reason });
        let seen = [AirEvent::ClaimEnded { claim_id, reason }];
        for event in seen {
            super::evolve::witness(&mut state.witnessed, &fact(n + 1, T0, event));
        }
        super::evolve::witness(
            &mut state.witnessed,
            &heard(n + 1, T0, claim_id, Tier::LiveOverride),
        );
    }
    assert_eq!(state.ended_claims().len(), ENDED_KEPT);
    assert_eq!(state.witnessed.ended.len(), ENDED_KEPT);
    assert_eq!(state.witnessed.heard.len(), ENDED_KEPT);
    assert!(state.witnessed.ended.values().all(|(seq, _)| *seq > 50), "the oldest go first");
}
