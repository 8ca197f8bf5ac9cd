//! What live sources send is recorded by a running engine: whole, with what of it was on air, and
//! readable after the engine was killed. Sources and decoders are those that people have.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::{Client, v1};
use grimnir_events::air::{AirEvent, AirFact, EndReason};
use grimnir_events::handover::EngineClaims;
use grimnir_events::ladder::AUTOMATION_CLAIM;
use grimnir_events::live::{LiveAirEvent, TakePolicy};
use grimnir_events::live_recording::*;
use grimnir_events::output::*;
use grimnir_events::recording::{Recorded, RecordingEnd, RecordingReport};
use grimnir_events::station::MountFormat;
use grimnir_events::{AirFrame, ContentHash, LiveSessionId};
use grimnir_mix::Frame;
use sha2::{Digest, Sha256};
use std::path::Path;
use support::live::*;
use support::*;

const FLAC: Encoding = Encoding { format: MountFormat::Flac, bitrate_kbps: 0 };
/// Frames that the source sends: six seconds.
const SENT: i64 = 6 * 48_000;

async fn record(client: &mut Client, revision: u64, sessions: &[u8]) {
    let how = LiveRecording { encoding: FLAC, keep_days: 1, keep_bytes: 0 };
    let recordings = sessions.iter().map(|n| (LiveSessionId([*n; 16]), how)).collect();
    let recordings = EngineLiveRecordings { revision, station_id: STATION, recordings };
    let (ended, owner) = (vec![], AUTOMATION_CLAIM);
    let claims = EngineClaims { revision, claims: vec![], ended, owner, skips: vec![] };
    let request = v1::SetClaimsRequest {
        claims_payload: bytes(&claims),
        recordings_payload: bytes(&recordings),
        epoch: 1,
        ..Default::default()
    };
    assert!(client.set_claims(request).await.unwrap().into_inner().accepted);
}

/// Everything that is recorded of the programme itself.
async fn archive(client: &mut Client) {
    let (folder, encoding) = ("archive".into(), FLAC);
    let kind = RecordingOutput { encoding, folder, keep_days: 0, keep_bytes: 0 };
    set_outputs(client, &config(2), vec![output(1, OutputKind::Recording(kind), "")]).await;
}

fn finished(facts: &[AirFact]) -> Vec<(Recorded, Vec<Aired>)> {
    let of = |event| match event {
        LiveAirEvent::Recording { session_id, report } => match *report {
            LiveRecordingReport::Finished { recorded, aired } => {
                assert_eq!(session_id, LiveSessionId([1; 16]));
                Some((recorded, aired))
            }
            _ => None,
        },
        _ => None,
    };
    live_facts(facts).into_iter().filter_map(of).collect()
}

fn archived(facts: &[AirFact]) -> Vec<Recorded> {
    let of = |fact: &AirFact| match &fact.event {
        AirEvent::OutputReported { report, .. } => match &**report {
            OutputReport::Recording(RecordingReport::Closed(recorded)) => Some(recorded.clone()),
            _ => None,
        },
        _ => None,
    };
    facts.iter().filter_map(of).collect()
}

/// What ffmpeg makes of a file whose bytes are those that were told.
fn heard(path: &Path, recorded: &Recorded) -> Vec<Frame> {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(recorded.hash, ContentHash(Sha256::digest(&bytes).into()));
    let raw = path.with_extension("raw");
    ffmpeg(&["-i", path.to_str().unwrap(), "-f", "f32le", "-ac", "2"], &raw);
    let bytes = std::fs::read(raw).unwrap();
    let sample = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    let frames: Vec<Frame> =
        bytes.chunks_exact(8).map(|f| [sample(&f[..4]), sample(&f[4..])]).collect();
    assert_eq!(frames.len() as i64, recorded.frames);
    frames
}

/// How alike two stretches are: 1 where they are the same but for their level.
fn likeness(a: &[Frame], b: &[Frame]) -> f64 {
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| f(f64::from(a[0]), f64::from(b[0]))).sum()
    };
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

/// A tone that rises, in FLAC, so that each moment of it is like no other.
fn chirp(rig: &Rig) -> Encoder {
    let url = format!("icecast://source:secret-1@127.0.0.1:{}/mount-1", rig.harbor());
    let wave = "0.3*sin(2*PI*(300*t+100*t*t))";
    let source = format!("aevalsrc={wave}|{wave}:s=48000:d=6");
    let input = ["-v", "error", "-re", "-f", "lavfi", "-i", &source];
    // Short pages: what is held of a page is not on its way.
    let pages = ["-c:a", "flac", "-page_duration", "20000"];
    let output = ["-f", "ogg", "-content_type", "audio/ogg", &url];
    Encoder::start("ffmpeg", &[&input[..], &pages, &output].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_recorded_whole_and_its_frames_on_air_are_those_of_the_programme() {
    let (mut rig, mut client, _) = on_air(&[grant(1, TakePolicy::Immediate)]).await;
    archive(&mut client).await;
    record(&mut client, 2, &[1]).await;
    let encoder = chirp(&rig);
    let facts = facts_until(&mut client, 1, |facts| finished(facts).len() == 1).await;
    drop(encoder);
    let (recorded, aired) = finished(&facts).remove(0);
    assert_eq!((recorded.frames, &recorded.end), (SENT, &RecordingEnd::Stopped));
    let folder = rig.engine_dir().join("live-recordings");
    let file = folder.join(&recorded.file);
    let sent = heard(&file, &recorded);

    // Whoever looks at the clock of the programme finds the same sound there.
    let live = started(&facts).into_iter().find(|(title, _)| title == "DJ 1").unwrap();
    let [stretch] = aired[..] else { panic!("{aired:?}") };
    assert_eq!(stretch.first, live.1);
    // All of it is heard, but for what waits in the ring when it takes the air.
    assert!(stretch.frames + stretch.offset > SENT - 4_800, "{stretch:?}");
    assert_eq!(rig.terminate(), Some(0));
    rig.start();
    let (mut client, _) = rig.client().await;
    let facts = facts_until(&mut client, 1, |facts| !archived(facts).is_empty()).await;
    let programme = archived(&facts).remove(0);
    let path = rig.engine_dir().join("recordings/archive").join(&programme.file);
    let aired = heard(&path, &programme);
    let begin = |frame: AirFrame| usize::try_from(frame.since(programme.first)).unwrap();
    let (at, from) = (begin(stretch.first), stretch.offset as usize);
    let part = 24_000..36_000;
    let sent = &sent[from + part.start..from + part.end];
    let of_air = |off: usize| &aired[at + part.start + off - 480..at + part.end + off - 480];
    let best =
        (0..960).max_by(|a, b| likeness(sent, of_air(*a)).total_cmp(&likeness(sent, of_air(*b))));
    let off = best.unwrap() as i64 - 480;
    assert!(likeness(sent, of_air(best.unwrap())) > 0.99, "it is heard as it is recorded");
    assert!(off.abs() <= 24, "it is heard {off} frames from where it is said to be");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_engine_leaves_a_file_that_plays_and_the_next_run_tells_it() {
    let (mut rig, mut client, _) = on_air(&[grant(1, TakePolicy::Immediate)]).await;
    record(&mut client, 2, &[1]).await;
    let encoder = chirp(&rig);
    let on_air = |facts: &[AirFact]| started(facts).into_iter().find(|(title, _)| title == "DJ 1");
    let facts = facts_until(&mut client, 1, |facts| on_air(facts).is_some()).await;
    let (_, first) = on_air(&facts).unwrap();
    heard_for(&mut client, 48_000).await;
    rig.kill();
    drop(encoder);
    rig.start();
    let (mut client, _) = rig.client().await;
    let facts = facts_until(&mut client, 1, |facts| !finished(facts).is_empty()).await;
    let (recorded, aired) = finished(&facts).remove(0);
    assert_eq!(recorded.end, RecordingEnd::EngineLost);
    let file = rig.engine_dir().join("live-recordings").join(&recorded.file);
    let frames = heard(&file, &recorded);
    assert!(recorded.frames > 48_000, "a second of it was heard: {recorded:?}");
    let [stretch] = aired[..] else { panic!("{aired:?}") };
    // As long as the journal says that it was heard.
    let lost = |fact: &AirFact| match &fact.event {
        AirEvent::ItemEnded { frames, reason: EndReason::EngineLost, .. } => Some(*frames),
        _ => None,
    };
    let lost = facts.iter().find_map(lost).unwrap();
    assert_eq!((stretch.first, stretch.frames), (first, lost));
    assert!(stretch.offset + stretch.frames <= recorded.frames, "{stretch:?}");
    // Nothing is missing inside: the tone rises as it was sent. Half a second of it, from 300 Hz
    // on and 200 Hz more each second, has so many waves.
    let waves = |from: usize, to: usize| {
        frames[from..to].windows(2).filter(|w| w[0][0] < 0.0 && w[1][0] >= 0.0).count() as f64
    };
    let phase = |frame: usize| {
        let t = frame as f64 / 48_000.0;
        300.0 * t + 100.0 * t * t
    };
    for half in 0..frames.len() / 24_000 {
        let (from, to) = (half * 24_000, (half + 1) * 24_000);
        let expected = phase(to) - phase(from);
        let found = waves(from, to);
        assert!((found - expected).abs() <= 1.5, "half second {half}: {found} of {expected}");
    }

    // The wish is kept: whoever comes back is recorded, in a file of its own.
    let again = chirp(&rig);
    let facts = facts_until(&mut client, 1, |facts| finished(facts).len() == 2).await;
    drop(again);
    let (second, _) = finished(&facts).remove(1);
    assert_eq!((second.frames, second.end), (SENT, RecordingEnd::Stopped));
    assert_ne!(second.file, recorded.file);
}
