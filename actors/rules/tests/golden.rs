//! Golden bytes of commands and contexts, and every frozen event folded by today's rules.
//!
//! As with the events: what is stored today reads for ever. A line is never changed; a new sample
//! is added by running this once with `GRIMNIR_WRITE_GOLDEN=1`.

mod commands;
#[path = "../../../events/tests/samples/mod.rs"]
mod samples;

use grimnir_events::StreamKind;
use grimnir_events::air::AirFact;
use grimnir_events::codec::{Encoded, Payload, decode};
use grimnir_rules::schema::REGISTER;
use grimnir_rules::{Access, Aggregate, Executor, Ladder, Library, Station, Timeline, Webstream};
use samples::{check_payload, check_register, declared, lines, orphans};
use std::path::Path;

#[test]
fn every_command_and_the_context_keep_their_bytes() {
    check_payload(commands::context());
    check_payload(commands::station());
    check_payload(commands::ladder());
    check_payload(commands::executor());
    check_payload(commands::timeline());
    check_payload(commands::library());
    check_payload(commands::access());
    check_payload(commands::webstream());
}

#[test]
fn every_payload_is_registered_and_every_version_has_golden_lines_that_read() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let types = declared(&source);
    assert_eq!(types.len(), REGISTER.len(), "declared: {types:?}, registered: {REGISTER:?}");
    assert!(check_register(REGISTER) > 40, "the commands of all aggregates");
    assert_eq!(orphans(REGISTER, &[]), [""; 0], "a golden file of no type");
}

/// What was frozen of one payload type, of every version that was ever written, as it reads today.
fn frozen<P: Payload>() -> Vec<P> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/tests/golden");
    let mut found = Vec::new();
    for version in 1..=P::VERSION {
        let file = folder.join(format!("{}.v{version}.hex", P::NAME));
        for (label, bytes) in lines(&std::fs::read_to_string(file).expect("reads")) {
            let stored = Encoded { name: P::NAME.into(), version, bytes };
            found.push(decode(&stored).unwrap_or_else(|e| panic!("{label}: {e}")));
        }
    }
    found
}

/// Folds everything frozen of `A`, twice, and answers the state and how much of it there was.
fn folded<A: Aggregate>() -> (A::State, usize) {
    let (events, facts) = (frozen::<A::Event>(), frozen::<AirFact>());
    let fold = || {
        let mut state = A::State::default();
        events.iter().for_each(|event| A::evolve(&mut state, event));
        facts.iter().for_each(|fact| A::witness(&mut state, fact));
        state
    };
    let state = fold();
    assert_eq!(state, fold(), "{}: folded again it is the same", A::KIND.word());
    (state, events.len())
}

#[test]
fn every_frozen_event_folds_by_todays_rules() {
    let (station, count) = folded::<Station>();
    assert!(station.exists && station.name == "Grimnir Zwei", "{station:?}");
    let mut total = count;
    let (ladder, count) = folded::<Ladder>();
    assert!(!ladder.witnessed.heard.is_empty(), "facts are folded too: {ladder:?}");
    total += count;
    let (executor, count) = folded::<Executor>();
    assert_eq!(executor.skips().len(), 1);
    total += count;
    let (timeline, count) = folded::<Timeline>();
    assert_eq!(timeline.hours.len(), 1);
    total += count;
    let (library, count) = folded::<Library>();
    assert_eq!(library.media.len(), 2, "one was removed, one waits for its measuring");
    total += count;
    let (access, count) = folded::<Access>();
    assert_eq!(access.erased.len(), 1);
    total += count;
    let (streams, count) = folded::<Webstream>();
    assert_eq!((streams.requests, streams.seen.len()), (135, 1), "{streams:?}");
    total += count;
    let kinds = StreamKind::ALL.iter().filter(|kind| !kind.is_witnessed()).count();
    assert_eq!(kinds, 7, "each of them is folded above");
    assert!(total >= 70, "{total} events");
}
