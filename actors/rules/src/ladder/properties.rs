//! Arbitrary sequences of raises, takes, releases, windows, expiries, failures and facts: there is
//! always exactly one owner of the air, and it is the one that the rules name.

use super::command::LadderCommand;
use super::oracle::Oracle;
use super::stories;
use super::tests::{S, claim, fact, id};
use super::{Ladder, LadderState};
use crate::process::{AnyCommand, Committed, DecodedEvents, react};
use crate::{Aggregate, Context};
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::ladder::{
    AUTOMATION_CLAIM, Entry, FALLBACK_CLAIM, LadderEvent, OwnerReason, ReleaseReason, Tier,
};
use grimnir_events::{ClaimId, CommitId, StationId, StreamId, StreamKind, UtcMicros, codec};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const START: i64 = 1_790_000_000 * S;
const CLAIMS: u8 = 10;

/// One step: something happens after some seconds.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// It is commanded.
    Command(i64, LadderCommand),
    /// It is seen, and nobody follows it.
    Seen(i64, AirEvent),
    /// It is seen, and whatever follows from it is commanded.
    Told(i64, AirEvent),
}

fn release_reason() -> impl Strategy<Value = ReleaseReason> {
    use ReleaseReason::{Completed, Expired, Failed, Released};
    prop::sample::select(vec![Released, Completed, Expired, Failed])
}

fn source() -> impl Strategy<Value = ClaimId> {
    (0..CLAIMS + 4).prop_map(|n| match n {
        0 | 1 => AUTOMATION_CLAIM,
        2 => FALLBACK_CLAIM,
        n => id(n),
    })
}

/// The tier of a claim follows from its number, so that facts and commands agree on it.
fn tier_of(n: u8) -> Tier {
    if let Some(tier) = stories::tier_of(n) {
        return tier;
    }
    match n % 5 {
        0 => Tier::Emergency,
        4 => Tier::LiveScheduled,
        _ => Tier::LiveOverride,
    }
}

fn raise() -> impl Strategy<Value = LadderCommand> {
    let window =
        (prop::option::weighted(0.3, -20_i64..60), prop::option::weighted(0.3, -5_i64..200));
    let flags = (prop::bool::weighted(0.3), prop::bool::weighted(0.95), prop::bool::weighted(0.95));
    (3..CLAIMS + 3, window, flags, 1_i64..400, 0_u32..30_000).prop_map(
        |(n, (start, end), (take, on_air, filled), max, fade_ms)| {
            // Instants are relative here and made absolute when the step's own is known.
            let mut c = claim(n, tier_of(n), UtcMicros(0));
            c.window_start = start.map(|s| UtcMicros(s * S));
            c.window_end = end.map(|e| UtcMicros(start.map_or(e, |s| s + 1 + e.abs()) * S));
            c.max_length_us = max * S;
            c.fade_ms = fade_ms;
            if !filled {
                c.items.clear();
            }
            LadderCommand::RaiseSource { claim: Box::new(c), take, on_air }
        },
    )
}

fn command() -> impl Strategy<Value = LadderCommand> {
    let release = (3..CLAIMS + 3, release_reason())
        .prop_map(|(n, reason)| LadderCommand::ReleaseSource { claim_id: id(n), reason });
    let fail = source()
        .prop_map(|claim_id| LadderCommand::ReportFailure { claim_id, reason: "dead".into() });
    let recover = source().prop_map(|claim_id| LadderCommand::ReportRecovery { claim_id });
    let accept = (1..=CLAIMS / 5).prop_map(|n| {
        let claim = Box::new(claim(5 * n, Tier::Emergency, UtcMicros(0)));
        LadderCommand::AcceptEmergency { claim }
    });
    prop_oneof![
        12 => raise(),
        4 => release,
        6 => fail,
        6 => recover,
        4 => Just(LadderCommand::Expire {}),
        2 => accept,
        1 => Just(LadderCommand::ForgetFailures {}),
        1 => Just(LadderCommand::SignOff { reason: OwnerReason::Released }),
    ]
}

fn seen() -> impl Strategy<Value = AirEvent> {
    let heard = (3..CLAIMS + 3).prop_map(|n| AirEvent::OwnerChanged {
        from: AUTOMATION_CLAIM,
        to: id(n),
        tier: tier_of(n),
        reason: OwnerReason::Preempted,
    });
    let ended = (3..CLAIMS + 3, release_reason())
        .prop_map(|(n, reason)| AirEvent::ClaimEnded { claim_id: id(n), reason });
    prop_oneof![3 => heard, 1 => ended]
}

fn step() -> impl Strategy<Value = Step> {
    // Now and then a clock is set back a little.
    let after = || -2_i64..15;
    prop_oneof![
        8 => (after(), command()).prop_map(|(dt, c)| Step::Command(dt, c)),
        1 => (after(), seen()).prop_map(|(dt, e)| Step::Seen(dt, e)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![5 => step(), 2 => stories::step()];
    prop::collection::vec(step, 1..60)
}

/// Shows of live sources among all that else may happen.
fn shows() -> impl Strategy<Value = Vec<Step>> {
    let shows = prop::collection::vec(stories::story(), 1..4);
    let others = prop::collection::vec(prop_oneof![4 => step(), 1 => stories::step()], 0..30);
    let order = prop::collection::vec(any::<u8>(), 1..80);
    (shows, others, order).prop_map(|(mut lists, others, order)| {
        lists.push(others);
        stories::woven(lists, &order)
    })
}

/// Gives a command's relative instants their absolute ones.
fn absolute(command: &LadderCommand, now: UtcMicros) -> LadderCommand {
    let mut command = command.clone();
    if let LadderCommand::RaiseSource { claim, .. } | LadderCommand::AcceptEmergency { claim } =
        &mut command
    {
        claim.raised_at = now;
        claim.window_start = claim.window_start.map(|at| at.plus(now.0));
        claim.window_end = claim.window_end.map(|at| at.plus(now.0));
    }
    if let LadderCommand::AcceptLive { claim } = &mut command {
        stories::shift(claim, now);
    }
    command
}

fn ids(state: &LadderState) -> BTreeSet<ClaimId> {
    state.claims.iter().map(|raised| raised.claim.id).collect()
}

/// Judges the events of one command.
fn judge(before: &LadderState, events: &[LadderEvent], after: &LadderState) {
    let (mut owner, mut tiers) = (before.owner, BTreeMap::new());
    let (mut failed, mut released) = (before.failed.clone(), BTreeMap::new());
    tiers.extend(before.claims.iter().map(|raised| (raised.claim.id, raised.claim.tier)));
    tiers.extend([(AUTOMATION_CLAIM, Tier::Automation), (FALLBACK_CLAIM, Tier::Fallback)]);
    let mut recovered = BTreeSet::new();
    for event in events {
        match event {
            LadderEvent::SourceRaised { claim } => {
                tiers.insert(claim.id, claim.tier);
            }
            LadderEvent::SourceRefused { .. } | LadderEvent::Live(_) => {}
            LadderEvent::SourceReleased { claim_id, reason } => {
                assert!(released.insert(*claim_id, *reason).is_none(), "released twice");
            }
            LadderEvent::SourceFailed { claim_id, .. } => {
                failed.insert(*claim_id);
            }
            LadderEvent::SourceRecovered { claim_id } => {
                failed.remove(claim_id);
                recovered.insert(*claim_id);
            }
            LadderEvent::OwnerChanged { from, to, tier, reason, entry } => {
                assert_eq!(*from, owner, "the chain of owners breaks");
                assert_ne!(from, to, "nobody follows itself");
                assert_eq!(tiers.get(to), Some(tier), "the new owner's tier");
                let (above, below) = (tiers[from], *tier);
                let expected = match released.get(from) {
                    Some(ReleaseReason::Released | ReleaseReason::SignOff) => OwnerReason::Released,
                    Some(ReleaseReason::Completed) => OwnerReason::Completed,
                    Some(ReleaseReason::Expired) => OwnerReason::Expired,
                    Some(ReleaseReason::Failed) => OwnerReason::Failed,
                    None if below < above && recovered.contains(to) => OwnerReason::Recovered,
                    None if below < above => OwnerReason::Preempted,
                    None if failed.contains(from) => OwnerReason::Failed,
                    None => OwnerReason::Taken,
                };
                assert_eq!(*reason, expected, "from {from} to {to}");
                judge_entry(above, failed.contains(from), below, *entry);
                owner = *to;
            }
        }
    }
    assert_eq!(owner, after.owner, "the last change names the owner");
    let mut gone: BTreeSet<_> = ids(before);
    gone.extend(events.iter().filter_map(|event| match event {
        LadderEvent::SourceRaised { claim } => Some(claim.id),
        _ => None,
    }));
    gone.retain(|id| !ids(after).contains(id));
    assert_eq!(gone, released.into_keys().collect(), "who is gone was released, and nobody else");
}

fn judge_entry(from: Tier, from_failed: bool, to: Tier, entry: Entry) {
    let waits = entry == Entry::NextJunction;
    let may_wait = from >= Tier::Automation && to >= Tier::Automation && !from_failed;
    assert_eq!(waits, may_wait, "{from:?} → {to:?} by {entry:?}");
    if let (Tier::Emergency, Entry::Cut { fade_ms }) = (to, entry) {
        assert!(fade_ms <= 10, "an emergency fades for {fade_ms} ms");
    }
}

/// What came of a sequence.
#[derive(Default)]
struct Life {
    events: Vec<LadderEvent>,
    facts: Vec<AirFact>,
    decisions: Vec<Decision>,
    state: LadderState,
}

struct Decision {
    before: LadderState,
    command: LadderCommand,
    context: Context,
    events: Vec<LadderEvent>,
}

/// Lives through the steps, judged after each.
fn live(steps: &[Step]) -> Life {
    let (mut life, mut oracle) = (Life::default(), Oracle::default());
    let mut now = UtcMicros(START);
    for step in steps {
        let (Step::Command(dt, _) | Step::Seen(dt, _) | Step::Told(dt, _)) = step;
        now = now.plus(dt * S);
        match step {
            Step::Seen(_, event) => life.see(&mut oracle, event, now),
            Step::Told(_, event) => {
                let event = stories::absolute(event, now);
                life.see(&mut oracle, &event, now);
                let seen = life.facts.last().cloned().expect("just seen");
                let commands = follows(seen);
                stories::assert_heard(&event, &commands);
                for command in commands {
                    life.obey(&mut oracle, command, now);
                }
            }
            Step::Command(_, command) => life.obey(&mut oracle, absolute(command, now), now),
        }
    }
    life
}

/// What is asked of the ladder where an engine tells this.
fn follows(fact: AirFact) -> Vec<LadderCommand> {
    let stream = StreamId::of_station(StreamKind::Air, StationId([1; 16]));
    let events = DecodedEvents::Air(vec![fact]);
    let committed = Committed { stream, commit_id: CommitId([2; 16]), events };
    let of_ladder = |follow: crate::process::Follow| match follow.command {
        AnyCommand::Ladder(command) => Some(command),
        _ => None,
    };
    react(&committed).into_iter().filter_map(of_ladder).collect()
}

impl Life {
    fn see(&mut self, oracle: &mut Oracle, event: &AirEvent, now: UtcMicros) {
        let seen = fact(self.facts.len() as u64 + 1, now, event.clone());
        Ladder::witness(&mut self.state, &seen);
        oracle.hear(now, event);
        self.facts.push(seen);
    }

    fn obey(&mut self, oracle: &mut Oracle, command: LadderCommand, now: UtcMicros) {
        let context = Context { now, ..Context::default() };
        let decided = Ladder::decide(&self.state, &command, &context);
        let before = self.state.clone();
        assert_eq!(oracle.follow(&command, now), decided.is_ok(), "{decided:?}");
        let state = &mut self.state;
        let Ok(new) = decided else {
            // A rejection records nothing; what time alone did comes with the next.
            let catch_up = Ladder::decide(state, &LadderCommand::Expire {}, &context);
            for event in catch_up.expect("never rejected") {
                Ladder::evolve(state, &event);
                self.events.push(event);
            }
            assert_eq!(state.owner, oracle.owner());
            return;
        };
        for event in &new {
            Ladder::evolve(state, event);
        }
        judge(&before, &new, state);
        assert_eq!(state.owner, oracle.owner(), "after {command:?}");
        assert_eq!(ids(state), oracle.raised());
        assert!(state.tier(state.owner).is_some(), "the owner is a source");
        let lingers = state.failed.iter().find(|id| state.tier(**id).is_none());
        assert_eq!(lingers, None, "a failure is kept of what is gone");
        let again = Ladder::decide(state, &LadderCommand::Expire {}, &context);
        assert_eq!(again, Ok(vec![]), "a decision leaves nothing to settle");
        self.events.extend(new.iter().cloned());
        self.decisions.push(Decision { before, command, context, events: new });
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn there_is_always_one_owner_and_it_is_the_one_the_rules_name(steps in steps()) {
        live(&steps);
    }

    #[test]
    fn shows_of_live_sources_own_the_air_as_the_rules_say(steps in shows()) {
        live(&steps);
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn any_interleaving_of_events_and_facts_folds_to_the_same_state(
        steps in prop_oneof![steps(), shows()],
        mut order in prop::collection::vec(any::<bool>(), 400),
    ) {
        let Life { events, facts, state, .. } = live(&steps);
        let mut folded = LadderState::default();
        let (mut own, mut air) = (events.iter().peekable(), facts.iter().peekable());
        while own.peek().is_some() || air.peek().is_some() {
            let turn = order.pop().unwrap_or(true);
            if let (true, Some(event)) = (turn || air.peek().is_none(), own.peek()) {
                Ladder::evolve(&mut folded, event);
                own.next();
            } else if let Some(fact) = air.next() {
                Ladder::witness(&mut folded, fact);
            }
        }
        prop_assert_eq!(folded, state);
    }

    #[test]
    fn deciding_again_from_stored_bytes_gives_the_same_bytes(
        steps in prop_oneof![steps(), shows()],
    ) {
        let bytes = |events: &[LadderEvent]| -> Vec<codec::Encoded> {
            events.iter().map(|event| codec::encode(event).expect("fits")).collect()
        };
        for decision in live(&steps).decisions {
            let command = codec::encode(&decision.command).expect("fits");
            let context = codec::encode(&decision.context).expect("fits");
            let again = Ladder::decide(
                &decision.before,
                &codec::decode(&command).expect("reads back"),
                &codec::decode(&context).expect("reads back"),
            );
            prop_assert_eq!(bytes(&again.expect("accepted before")), bytes(&decision.events));
        }
    }
}
