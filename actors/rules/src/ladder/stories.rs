//! Live inputs for the sequences of `properties`: what engines tell of them and people ask, in the
//! order of a show and in any other.

use super::command::LadderCommand;
use super::properties::Step;
use super::tests::{S, id, item};
use crate::live::LiveCommand;
use grimnir_events::air::AirEvent;
use grimnir_events::ladder::{AUTOMATION_CLAIM, Claim, OwnerReason, ReleaseReason, Tier};
use grimnir_events::live::{
    KEPT_US, LiveAirEvent, LiveMode, LiveSession, LiveValidity, TakePolicy, live_claim,
};
use grimnir_events::{ClaimId, ContentHash, LiveSessionId, UtcMicros};
use proptest::prelude::*;

/// Sessions, and claims that each may raise one after the other.
const SESSIONS: u8 = 4;
const CLAIMS: u8 = 3;
/// Numbers of live claims begin here.
const FIRST: u8 = 40;

/// The tier of a live claim follows from its number, as that of any other.
pub fn tier_of(n: u8) -> Option<Tier> {
    let session = n.checked_sub(FIRST)? / CLAIMS;
    Some(if session.is_multiple_of(2) { Tier::LiveOverride } else { Tier::LiveScheduled })
}

/// Numbers of live claims.
pub fn number() -> impl Strategy<Value = u8> {
    FIRST..FIRST + SESSIONS * CLAIMS
}

fn session_of(n: u8) -> LiveSession {
    let session = (n - FIRST) / CLAIMS;
    LiveSession {
        id: LiveSessionId([session + 1; 16]),
        name: format!("DJ {session}"),
        username: String::new(),
        digest: ContentHash([session; 32]),
        mount: "/live".into(),
        validity: LiveValidity::Shows { show_id: None },
        tier: tier_of(n).unwrap_or(Tier::LiveOverride),
        take: TakePolicy::NextItem,
        mode: LiveMode::Replace,
    }
}

/// Its instants are relative: it was raised so many seconds ago, until so many from now.
fn claim_of(n: u8, ago: i64, until: i64, take: TakePolicy) -> Claim {
    let fade_ms = match take {
        TakePolicy::Immediate => 10,
        TakePolicy::Faded { fade_ms } => fade_ms,
        TakePolicy::NextItem | TakePolicy::OnCue => 2_000,
    };
    live_claim(id(n), &session_of(n), UtcMicros(-ago * S), UtcMicros(until * S), fade_ms)
}

fn take() -> impl Strategy<Value = TakePolicy> {
    prop_oneof![
        Just(TakePolicy::Immediate),
        (0_u32..20_000).prop_map(|fade_ms| TakePolicy::Faded { fade_ms }),
        Just(TakePolicy::NextItem),
        Just(TakePolicy::OnCue),
    ]
}

fn told(event: LiveAirEvent) -> AirEvent {
    AirEvent::Live(Box::new(event))
}

fn connected(n: u8) -> AirEvent {
    let text = || "x".to_owned();
    let (session_id, address, client, protocol) = (session_of(n).id, text(), text(), text());
    told(LiveAirEvent::Connected { session_id, address, client, protocol })
}

fn gone(n: u8) -> AirEvent {
    let (session_id, reason) = (session_of(n).id, "the sender ended".to_owned());
    told(LiveAirEvent::Disconnected { session_id, reason, bytes: 1 })
}

fn claimed(claim: Claim, n: u8) -> AirEvent {
    let session_id = session_of(n).id;
    told(LiveAirEvent::Claimed { session_id, claim: Box::new(claim) })
}

fn dry(n: u8) -> [AirEvent; 2] {
    let (session_id, claim_id) = (session_of(n).id, id(n));
    let reason = "its sound ran out".to_owned();
    [
        told(LiveAirEvent::RanDry { session_id, claim_id }),
        AirEvent::SourceFailed { claim_id, reason },
    ]
}

/// Anything that an engine may tell, whatever came before.
fn word() -> impl Strategy<Value = AirEvent> {
    let of = |n: u8| session_of(n).id;
    let claims = (number(), 0_i64..50, -5_i64..500, take())
        .prop_map(|(n, ago, until, take)| claimed(claim_of(n, ago, until, take), n));
    let engine = AirEvent::EngineStarted { version: "test".into(), realtime: true };
    prop_oneof![
        6 => claims,
        3 => number().prop_map(|n| dry(n)[1].clone()),
        3 => number().prop_map(|n| AirEvent::SourceRecovered { claim_id: id(n) }),
        2 => number().prop_map(connected),
        1 => number().prop_map(move |n| {
            told(LiveAirEvent::Ready { session_id: of(n), format: "mp3".into() })
        }),
        1 => number().prop_map(move |n| told(LiveAirEvent::OverBegan { session_id: of(n) })),
        1 => number().prop_map(move |n| told(LiveAirEvent::OverEnded { session_id: of(n) })),
        1 => number().prop_map(gone),
        1 => Just(engine),
        2 => (number(), ended()).prop_map(|(n, reason)| {
            AirEvent::ClaimEnded { claim_id: id(n), reason }
        }),
    ]
}

fn ended() -> impl Strategy<Value = ReleaseReason> {
    use ReleaseReason::{Completed, Expired, Released};
    prop::sample::select(vec![Released, Completed, Expired])
}

/// What people ask, and claims that are not what they are said to be.
fn order() -> impl Strategy<Value = LadderCommand> {
    let live = |command| LadderCommand::Live(Box::new(command));
    let of = |n: u8| session_of(n).id;
    let accept = |claim: Claim| LadderCommand::AcceptLive { claim: Box::new(claim) };
    let odd = (number(), 0_u8..5).prop_map(move |(n, what)| {
        let mut claim = claim_of(n, 0, 500, TakePolicy::Immediate);
        match what {
            0 => claim.tier = Tier::Emergency,
            1 => claim.tier = Tier::Automation,
            2 => claim.items = vec![item()],
            3 => claim.id = AUTOMATION_CLAIM,
            _ => claim.items.clear(),
        }
        accept(claim)
    });
    prop_oneof![
        1 => odd,
        2 => number().prop_map(move |n| live(LiveCommand::Create {
            session: Box::new(session_of(n)),
        })),
        1 => number().prop_map(move |n| live(LiveCommand::Revoke {
            session_id: of(n),
            note: String::new(),
        })),
        2 => (number(), take()).prop_map(move |(n, take)| live(LiveCommand::Handover {
            session_id: of(n),
            take,
        })),
        1 => number().prop_map(move |n| live(LiveCommand::Disconnect { session_id: of(n) })),
        2 => (number(), ended()).prop_map(|(n, reason)| LadderCommand::ReleaseSource {
            claim_id: id(n),
            reason,
        }),
    ]
}

/// A step about live inputs that needs none before it.
pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (-2_i64..15, word()).prop_map(|(dt, event)| Step::Told(dt, event)),
        2 => (-2_i64..15, order()).prop_map(|(dt, command)| Step::Command(dt, command)),
    ]
}

/// How a show ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// A person releases it at the desk.
    Desk,
    /// Its session is disconnected, and the engine tells the end.
    Cut,
    /// Its encoder stays away for longer than the claim is kept.
    Away,
    /// It goes on.
    Open,
}

/// A show: somebody signs in, is ready, takes the air by a policy, runs dry and comes back so many
/// times, each after so many seconds, and ends. Who is heard over the programme claims nothing.
pub fn story() -> impl Strategy<Value = Vec<Step>> {
    let end = prop::sample::select(vec![End::Desk, End::Cut, End::Away, End::Open]);
    let pauses = prop::collection::vec(1..KEPT_US / S, 0..4);
    (number(), take(), prop::bool::weighted(0.2), pauses, end).prop_map(
        |(n, take, over, pauses, end)| {
            let (session, claim_id) = (session_of(n), id(n));
            let session_id = session.id;
            let live = |command| LadderCommand::Live(Box::new(command));
            let create = LiveCommand::Create { session: Box::new(session) };
            let ready = LiveAirEvent::Ready { session_id, format: "mp3".into() };
            let mut steps = vec![
                Step::Command(1, live(create)),
                Step::Told(1, connected(n)),
                Step::Told(1, told(ready)),
            ];
            if take == TakePolicy::OnCue {
                steps.push(Step::Command(3, live(LiveCommand::Handover { session_id, take })));
            }
            if over {
                steps.push(Step::Told(1, told(LiveAirEvent::OverBegan { session_id })));
                steps.push(Step::Told(9, told(LiveAirEvent::OverEnded { session_id })));
                steps.push(Step::Told(1, gone(n)));
                return steps;
            }
            steps.push(Step::Told(0, claimed(claim_of(n, 0, 900, take), n)));
            steps.push(Step::Seen(1, heard(claim_id, n)));
            for pause in pauses {
                let [ran_dry, failed] = dry(n);
                steps.extend([Step::Told(5, gone(n)), Step::Told(1, ran_dry)]);
                steps.extend([Step::Told(0, failed), Step::Told(pause, connected(n))]);
                steps.push(Step::Told(1, AirEvent::SourceRecovered { claim_id }));
            }
            let over = |reason| AirEvent::ClaimEnded { claim_id, reason };
            match end {
                End::Desk => {
                    let reason = ReleaseReason::Released;
                    let command = LadderCommand::ReleaseSource { claim_id, reason };
                    steps.push(Step::Command(5, command));
                }
                End::Cut => {
                    let command = live(LiveCommand::Disconnect { session_id });
                    steps.push(Step::Command(5, command));
                    steps.push(Step::Told(0, over(ReleaseReason::Released)));
                    steps.push(Step::Told(0, gone(n)));
                }
                End::Away => {
                    steps.push(Step::Told(5, gone(n)));
                    steps.push(Step::Told(0, dry(n)[1].clone()));
                    steps.push(Step::Told(KEPT_US / S, over(ReleaseReason::Completed)));
                }
                End::Open => {}
            }
            steps
        },
    )
}

fn heard(to: ClaimId, n: u8) -> AirEvent {
    let (from, reason) = (AUTOMATION_CLAIM, OwnerReason::Preempted);
    let tier = tier_of(n).unwrap_or(Tier::LiveOverride);
    AirEvent::OwnerChanged { from, to, tier, reason }
}

/// What an engine tells of a claim reaches the ladder: else both would agree that nothing was.
pub fn assert_heard(event: &AirEvent, commands: &[LadderCommand]) {
    use LadderCommand::{AcceptLive, ReleaseSource, ReportFailure, ReportRecovery};
    let expected = match event {
        AirEvent::Live(live) => match &**live {
            LiveAirEvent::Claimed { claim, .. } => AcceptLive { claim: claim.clone() },
            _ => return assert_eq!(commands, [], "{event:?}"),
        },
        AirEvent::ClaimEnded { claim_id, reason } => {
            ReleaseSource { claim_id: *claim_id, reason: *reason }
        }
        AirEvent::SourceFailed { claim_id, reason } => {
            ReportFailure { claim_id: *claim_id, reason: reason.clone() }
        }
        AirEvent::SourceRecovered { claim_id } => ReportRecovery { claim_id: *claim_id },
        _ => return,
    };
    assert_eq!(commands, [expected]);
}

/// Several lists as one: each in its own order, in turns that `order` says.
pub fn woven(lists: Vec<Vec<Step>>, order: &[u8]) -> Vec<Step> {
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let (mut all, mut turns) = (vec![], order.iter().cycle());
    while !lists.is_empty() {
        let at = usize::from(turns.next().copied().unwrap_or(0)) % lists.len();
        match lists[at].next() {
            Some(step) => all.push(step),
            None => drop(lists.remove(at)),
        }
    }
    all
}

/// Gives a claim in a fact its absolute instants.
pub fn absolute(event: &AirEvent, now: UtcMicros) -> AirEvent {
    let mut event = event.clone();
    if let AirEvent::Live(live) = &mut event
        && let LiveAirEvent::Claimed { claim, .. } = &mut **live
    {
        shift(claim, now);
    }
    event
}

/// From so many seconds before and after now to instants.
pub fn shift(claim: &mut Claim, now: UtcMicros) {
    claim.raised_at = claim.raised_at.plus(now.0);
    claim.window_end = claim.window_end.map(|at| at.plus(now.0));
}
