//! Webstreams: what may be stored, what is asked of an engine, and what is known of them.

use super::*;
use crate::given::{Given, given};
use crate::show::{Window, WindowKind};
use grimnir_events::air::AirEvent;
use grimnir_events::ladder::{ReleaseReason, Tier};
use grimnir_events::live::{TakePolicy, live_claim};
use grimnir_events::webstream::{
    FailoverSettings, ProbeSettings, SwitchReason, WebstreamAirEvent, WebstreamEvent as E,
    WebstreamHealth, WebstreamStart,
};
use grimnir_events::{AirFrame, ClaimId, EngineRunId, UtcMicros, WebstreamId, webstream};

const ID: WebstreamId = WebstreamId([1; 16]);
const NOW: UtcMicros = UtcMicros(1_000_000_000);

fn stream(urls: &[&str]) -> webstream::Webstream {
    webstream::Webstream {
        id: ID,
        name: "Sister".into(),
        urls: urls.iter().map(|url| (*url).to_owned()).collect(),
        enabled: true,
        take: TakePolicy::Immediate,
        passthrough: true,
        probe: ProbeSettings::default(),
        failover: FailoverSettings::default(),
    }
}

fn set(stream: &webstream::Webstream) -> WebstreamCommand {
    WebstreamCommand::Set { webstream: Box::new(stream.clone()) }
}

fn there() -> Given<Webstream> {
    given(&[E::Set { webstream: Box::new(stream(&["http://a/", "http://b/"])) }])
}

fn fact(event: AirEvent) -> AirFact {
    let run = EngineRunId([1; 16]);
    AirFact { run, journal_seq: 1, frame: AirFrame(0), at: NOW, event }
}

fn seen(event: WebstreamAirEvent) -> AirFact {
    fact(AirEvent::Webstream(Box::new(event)))
}

#[test]
fn one_is_set_once_and_again_only_where_it_differs() {
    let mut wanted = stream(&["http://a/", "http://b/"]);
    let there = given::<Webstream>(&[]).when(set(&wanted));
    let there = there.then(&[E::Set { webstream: Box::new(wanted.clone()) }]);
    let there = there.when(set(&wanted)).then_nothing();
    wanted.urls.swap(0, 1);
    let there = there.when(set(&wanted)).then(&[E::Set { webstream: Box::new(wanted) }]);
    let gone = there.when(WebstreamCommand::Remove { webstream_id: ID });
    let gone = gone.then(&[E::Removed { webstream_id: ID }]);
    gone.when(WebstreamCommand::Remove { webstream_id: ID }).rejected("webstream_not_found");
}

#[test]
fn addresses_are_bounded_and_hold_no_secrets() {
    let refused = |urls: &[&str]| {
        given::<Webstream>(&[]).when(set(&stream(urls))).rejected("bad_webstream_url")
    };
    refused(&[]);
    refused(&["http://a/", "http://a/"]);
    refused(&["http://a/"; 11]);
    for wrong in ["ftp://a/", "http://", "http:///x", "http://a b/", "file:///etc/passwd", "a"] {
        assert!(refused(&["http://a/", wrong]).contains(&format!("{wrong:?}")), "{wrong}");
    }
    refused(&[&format!("http://a/{}", "x".repeat(500))]);
    let told = refused(&["https://user:hunter2@a.example/live"]);
    assert!(!told.contains("hunter2"), "{told}");
    let there = given::<Webstream>(&[]);
    let fine = stream(&["https://a.example:8443/live?x=a@b"]);
    assert!(there.when(set(&fine)).result.is_ok());
}

#[test]
fn settings_have_their_ranges() {
    let mut wrong = stream(&["http://a/"]);
    wrong.failover.stall_ms = 499;
    let told = given::<Webstream>(&[]).when(set(&wrong)).rejected("setting_out_of_range");
    assert!(told.contains("499") && told.contains("500 to 30000"), "{told}");
    let mut off = stream(&["http://a/"]);
    (off.failover.silence_ms, off.probe.interval_s) = (0, 0);
    assert!(given::<Webstream>(&[]).when(set(&off)).result.is_ok(), "0 switches them off");
    let mut nil = stream(&["http://a/"]);
    nil.id = WebstreamId::default();
    given::<Webstream>(&[]).when(set(&nil)).rejected("nil_id");
}

#[test]
fn there_is_room_for_so_many() {
    let other = |n: usize| {
        let id = WebstreamId([n as u8 + 2; 16]);
        webstream::Webstream { id, ..stream(&["http://a/"]) }
    };
    let all: Vec<E> =
        (0..WEBSTREAMS_MAX).map(|n| E::Set { webstream: Box::new(other(n)) }).collect();
    let full = given::<Webstream>(&all);
    let full = full.when(set(&webstream::Webstream { name: "X".into(), ..other(0) }));
    assert!(full.result.is_ok(), "one that is there may change");
    full.given.when(set(&stream(&["http://a/"]))).rejected("too_many_webstreams");
}

#[test]
fn wishes_are_numbered_and_handed_over_until_they_are_over() {
    let take = TakePolicy::Immediate;
    let begin = |lasts_us| WebstreamCommand::Start { webstream_id: ID, take, lasts_us };
    there().when(begin(LASTS_MAX_US + 1_000_000)).rejected("setting_out_of_range");
    let start = WebstreamStart { number: 1, from: NOW, until: NOW.plus(60_000_000), take };
    let there = there().when(begin(60_000_000));
    let there = there.then(&[E::StartRequested { webstream_id: ID, start }]);
    let there = there.when(WebstreamCommand::Probe { webstream_id: ID });
    let there = there.then(&[E::ProbeRequested { webstream_id: ID, number: 2 }]);
    let handed = |there: &Given<Webstream>, now| grants(&there.state, &[], now).remove(0);
    assert_eq!((handed(&there, NOW).start, handed(&there, NOW).probe), (start, 2));
    assert_eq!(handed(&there, start.until).start.number, 0, "its time is over");
    // It was heard, and a person took its claim away: it does not come back.
    let claim_id = ClaimId([9; 16]);
    let session = stream(&["http://a/"]).session(Tier::LiveOverride, take);
    let claim = Box::new(live_claim(claim_id, &session, NOW, start.until, 10));
    let claimed = seen(WebstreamAirEvent::Claimed { webstream_id: ID, start: 1, claim });
    let ended = |reason| fact(AirEvent::ClaimEnded { claim_id, reason });
    let dry = Given::<Webstream> { state: there.state.clone(), now: NOW }
        .witnessed(&[claimed.clone(), ended(ReleaseReason::Completed)]);
    assert_eq!(handed(&dry, NOW).start, start, "it only ran dry");
    let left = Given::<Webstream> { state: there.state.clone(), now: NOW }
        .witnessed(&[claimed.clone(), ended(ReleaseReason::SignOff)]);
    assert_eq!(handed(&left, NOW).start, start, "the engine ended, and another goes on with it");
    let sent = there.witnessed(&[claimed, ended(ReleaseReason::Released)]);
    assert_eq!(handed(&sent, NOW).start.number, 0);
    let stopped = sent.when(WebstreamCommand::Stop { webstream_id: ID });
    let stopped = stopped.then(&[E::StopRequested { webstream_id: ID, number: 3 }]);
    assert_eq!(handed(&stopped, NOW).stop, 3);
}

#[test]
fn one_that_is_switched_off_is_neither_started_nor_tried_out() {
    let off = webstream::Webstream { enabled: false, ..stream(&["http://a/"]) };
    let there = || given::<Webstream>(&[E::Set { webstream: Box::new(off.clone()) }]);
    let take = TakePolicy::Immediate;
    let start = WebstreamCommand::Start { webstream_id: ID, take, lasts_us: 1_000_000 };
    there().when(start).rejected("webstream_disabled");
    there().when(WebstreamCommand::Probe { webstream_id: ID }).rejected("webstream_disabled");
    assert!(there().when(WebstreamCommand::Stop { webstream_id: ID }).result.is_ok());
}

#[test]
fn slots_of_clocks_mean_a_webstream_by_its_first_address_or_one_of_their_own() {
    let window = |from: i64, urls: &[&str]| Window {
        kind: WindowKind::Webstream,
        from: NOW.plus(from),
        until: NOW.plus(from + 10),
        live: Default::default(),
        urls: urls.iter().map(|url| (*url).to_owned()).collect(),
        of: None,
        name: String::new(),
    };
    let live = Window { kind: WindowKind::Live, ..window(5, &[]) };
    let windows = [
        window(-20, &["http://a/"]),
        live,
        window(1, &["http://a/", "http://other/"]),
        window(20, &["http://c.example:8000/x", "http://d/"]),
        window(40, &["http://c.example:8000/x", "http://d/"]),
    ];
    let found = grants(&there().state, &windows, NOW);
    let spans = |place: usize| {
        let windows = found[place].windows.iter();
        windows.map(|(from, _)| from.since(NOW)).collect::<Vec<_>>()
    };
    assert_eq!((found.len(), spans(0), spans(1)), (2, vec![1], vec![20, 40]));
    assert_eq!(found[0].webstream, stream(&["http://a/", "http://b/"]), "as it is set");
    assert_eq!(found[1].webstream.name, "c.example:8000");
    assert_ne!(found[1].webstream.id, ID);
}

#[test]
fn what_the_engine_saw_is_known() {
    let url = || "http://b/".to_owned();
    let facts = [
        seen(WebstreamAirEvent::Probed {
            webstream_id: ID,
            place: 0,
            url: "http://a/".into(),
            health: WebstreamHealth::Unhealthy,
            found: "refused".into(),
        }),
        seen(WebstreamAirEvent::HealthChanged {
            webstream_id: ID,
            from: WebstreamHealth::Healthy,
            to: WebstreamHealth::Degraded,
        }),
        seen(WebstreamAirEvent::Switched {
            webstream_id: ID,
            from: Some(0),
            to: Some(1),
            url: url(),
            reason: SwitchReason::Ended,
            detail: "refused".into(),
        }),
        seen(WebstreamAirEvent::Titled { webstream_id: ID, title: "T".into() }),
    ];
    let there = there().witnessed(&facts);
    let sight = &there.state.seen[&ID];
    assert_eq!((sight.health, sight.switches), (WebstreamHealth::Degraded, 1));
    assert_eq!((sight.current.as_str(), sight.title.as_str()), ("http://b/", "T"));
    assert_eq!(sight.addresses["http://a/"].health, WebstreamHealth::Unhealthy);
    let there = there.witnessed(&[fact(AirEvent::EngineStopped {})]);
    assert_eq!(there.state.seen[&ID].current, "", "nothing is open any more");
}
