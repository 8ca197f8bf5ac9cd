//! The thread of a webstream, and what it makes of its frames.

use super::*;
use grimnir_events::webstream::{FailoverSettings, ProbeSettings};
use grimnir_mix::live::live;
use grimnir_mix::tone::Tone;
use grimnir_mix::{BLOCK, FrameSource};

#[test]
fn a_stream_that_is_quiet_is_levelled_and_its_quiet_moments_are_seen() {
    let (feed, tap) = live(96_000);
    let (mut air, mut source) = (Air::new(Box::new(feed), 1, -16.0), tap.source());
    let (mut tone, mut peaks) = (Tone::new(997.0, -30.0), vec![]);
    for number in 0..840 {
        let mut frames = vec![[0.0; 2]; CHUNK];
        tone.read(&mut frames);
        air.push(frames);
        // As on air, two seconds are held first.
        if number < 40 {
            continue;
        }
        for _ in 0..CHUNK / BLOCK {
            let mut part = [[0.0; 2]; BLOCK];
            source.read(&mut part);
            peaks.push(part.iter().fold(0f32, |peak, frame| peak.max(frame[0].abs())));
        }
    }
    assert!(!air.quiet);
    let moved = 20.0 * f64::from(peaks[peaks.len() - 1] / peaks[20]).log10();
    assert!((4.0..6.1).contains(&moved), "{moved} dB");
    air.push(vec![[0.001; 2]; CHUNK]);
    assert!(air.quiet);
}

#[test]
fn one_that_is_dropped_while_unwell_says_that_nobody_looks_at_it_any_more() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().expect("starts");
    // A port that nobody listens at any more.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let at = free.local_addr().expect("is bound");
    drop(free);
    let webstream = Webstream {
        id: WebstreamId([1; 16]),
        name: "Sister".into(),
        urls: vec![format!("http://{at}/")],
        enabled: true,
        take: grimnir_events::live::TakePolicy::Immediate,
        passthrough: true,
        probe: ProbeSettings { interval_s: 0, ..ProbeSettings::default() },
        failover: FailoverSettings::default(),
    };
    let (tx, told) = channel();
    let tell: Tell = std::sync::Arc::new(move |word| {
        let InputWord::Webstream(event) = word else { return };
        let _ = tx.send(*event);
    });
    let player = Player::start(&webstream, runtime.handle().clone(), tell).expect("starts");
    let (feed, _tap) = live(96_000);
    player.play(feed, 1, -16.0);
    let next = || told.recv_timeout(Duration::from_secs(20)).expect("is told");
    let unwell = |event: &WebstreamAirEvent| match event {
        WebstreamAirEvent::HealthChanged { to, .. } => *to == WebstreamHealth::Unhealthy,
        _ => false,
    };
    while !unwell(&next()) {}
    drop(player);
    let rest: Vec<WebstreamAirEvent> = told.iter().collect();
    let (webstream_id, from) = (webstream.id, WebstreamHealth::Unhealthy);
    let closed = |event: &&WebstreamAirEvent| matches!(event, WebstreamAirEvent::Closed { .. });
    assert_eq!(rest.iter().filter(closed).count(), 1, "{rest:?}");
    let to = WebstreamHealth::Unknown;
    let last = WebstreamAirEvent::HealthChanged { webstream_id, from, to };
    assert_eq!(rest.last(), Some(&last));
}
