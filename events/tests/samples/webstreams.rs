//! Samples of webstreams: decided, seen by the engine, handed to it.

use super::{Labelled, at, claim, labelled, raw, words};
use grimnir_events::ladder::Tier;
use grimnir_events::live::TakePolicy;
use grimnir_events::webstream::*;
use grimnir_events::{ClaimId, StationId, WebstreamId};

fn id(number: u8) -> WebstreamId {
    WebstreamId(raw(number))
}

fn stream() -> Webstream {
    Webstream {
        id: id(130),
        name: "Sister station".into(),
        urls: vec!["https://a.example/live".into(), "http://b.example:8000/live.mp3".into()],
        enabled: true,
        take: TakePolicy::Faded { fade_ms: 501 },
        passthrough: true,
        probe: ProbeSettings { interval_s: 31, timeout_ms: 4_001, min_bytes: 16_385 },
        failover: FailoverSettings {
            stall_ms: 1_501,
            silence_ms: 10_001,
            grace_ms: 801,
            recover: true,
            recover_after_ms: 15_001,
        },
    }
}

fn start() -> WebstreamStart {
    WebstreamStart { number: 131, from: at(132), until: at(133), take: TakePolicy::Immediate }
}

pub fn webstream() -> Labelled<WebstreamEvent> {
    use WebstreamEvent::*;
    let webstream_id = id(134);
    let plain = |event| (String::new(), event);
    let samples = vec![
        plain(Set { webstream: Box::new(stream()) }),
        plain(Removed { webstream_id }),
        plain(StartRequested { webstream_id, start: start() }),
        plain(StopRequested { webstream_id, number: 135 }),
        plain(ProbeRequested { webstream_id, number: 136 }),
    ];
    labelled!(WebstreamEvent: [
        Set, Removed, StartRequested, StopRequested, ProbeRequested,
    ], samples)
}

/// By their words, as a fact of the air holds them.
pub fn webstream_air() -> Labelled<WebstreamAirEvent> {
    use WebstreamAirEvent::*;
    let webstream_id = id(137);
    let plain = |event| (String::new(), event);
    let switched = |from, to, reason| Switched {
        webstream_id,
        from,
        to,
        url: "http://b.example/".into(),
        reason,
        detail: "no sound for 1501 ms".into(),
    };
    let mut samples = vec![
        plain(HealthChanged {
            webstream_id,
            from: WebstreamHealth::Healthy,
            to: WebstreamHealth::Degraded,
        }),
        ("none".into(), switched(Some(1), None, SwitchReason::Stalled)),
        plain(Ready { webstream_id, format: "mp3 44100 Hz 2 ch".into() }),
        plain(Claimed { webstream_id, start: 138, claim: Box::new(claim(Tier::LiveScheduled)) }),
        plain(Titled { webstream_id, title: "Someone - Something".into() }),
        plain(RanDry { webstream_id, claim_id: ClaimId(raw(139)) }),
        plain(Closed { webstream_id, reason: "it is not wanted".into(), bytes: 9_000_002 }),
    ];
    for (word, health) in words!(WebstreamHealth: Unknown, Healthy, Degraded, Unhealthy) {
        let (url, found) = ("http://a.example/".into(), "mp3".into());
        samples.push((word.into(), Probed { webstream_id, place: 2, url, health, found }));
    }
    for (word, reason) in words!(
        SwitchReason: Opened, Stalled, Silent, Ended, NotSound, Removed, Recovered
    ) {
        samples.push((word.into(), switched(Some(0), Some(3), reason)));
    }
    labelled!(WebstreamAirEvent: [
        Probed, HealthChanged, Switched, Ready, Claimed, Titled, RanDry, Closed,
    ], samples)
}

pub fn engine_webstreams() -> Labelled<EngineWebstreams> {
    let windows = vec![(at(140), at(141)), (at(142), at(143))];
    let grant =
        WebstreamGrant { webstream: stream(), windows, start: start(), stop: 144, probe: 145 };
    let station_id = StationId(raw(146));
    vec![("whole".into(), EngineWebstreams { revision: 147, station_id, grants: vec![grant] })]
}
