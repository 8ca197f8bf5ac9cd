//! How a live source takes the air and leaves it, as it is heard: by each policy, again and again,
//! and where it is slower than time and stays away.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_engine_proto::Client;
use grimnir_events::air::{AirEvent, AirFact, EndReason};
use grimnir_events::ladder::{AUTOMATION_CLAIM, OwnerReason, ReleaseReason};
use grimnir_events::live::{KEPT_US, LiveAirEvent, LiveGrant, TakePolicy};
use grimnir_events::station::{Mount, MountFormat};
use grimnir_events::{AirFrame, ClaimId, ContentHash, MountId};
use grimnir_mix::Frame;
use support::clients::Desk;
use support::live::*;
use support::*;

/// What tones are looked at in: 10 ms, in which those whose hertz are hundreds do not meet.
const WINDOW: usize = 480;

/// An engine on air with these, one after the other and the last again and again, that is heard
/// at `/live.flac`, and lets go within 20 ms.
async fn on_air_lossless(
    mut rig: Rig,
    lines: &[(ContentHash, i64)],
    grants: &[LiveGrant],
) -> (Rig, Client, Ear) {
    rig.start();
    let (mut client, port) = rig.client().await;
    let mut config = config(1);
    config.settings.override_fade_ms = 20;
    config.mounts = vec![Mount {
        id: MountId([9; 16]),
        name: "Main".into(),
        path: "/live.flac".into(),
        format: MountFormat::Flac,
        bitrate_kbps: 0,
    }];
    let last = lines[lines.len() - 1];
    config.rotation = vec![item(10, last), item(11, last)];
    set_timeline(&mut client, 1, chain(lines, now(), 0)).await;
    configure(&mut client, &config).await;
    let ear = listen_to(port, "/live.flac");
    set_inputs(&mut client, 1, grants).await;
    facts_until(&mut client, 1, |facts| started(facts).len() == 1).await;
    (rig, client, ear)
}

fn claims(facts: &[AirFact]) -> Vec<ClaimId> {
    let claimed = |event| match event {
        LiveAirEvent::Claimed { claim, .. } => Some(claim.id),
        _ => None,
    };
    live_facts(facts).into_iter().filter_map(claimed).collect()
}

/// How loud a tone is, window by window, as a share of what it is at most.
fn shares(heard: &[Frame], hertz: u32) -> Vec<f64> {
    let levels: Vec<f64> = heard.chunks_exact(WINDOW).map(|part| power(part, hertz)).collect();
    let mut sorted = levels.clone();
    sorted.sort_by(f64::total_cmp);
    let most = sorted[sorted.len() - 1 - sorted.len() / 50];
    levels.into_iter().map(|level| level / most).collect()
}

/// Follows the journal, each time from where it was left.
struct Follower(u64);

impl Follower {
    async fn until(&mut self, client: &mut Client, mut enough: impl FnMut(&[AirFact]) -> bool) {
        let facts = facts_within(client, self.0, 60, |facts| enough(facts)).await;
        self.0 = facts.last().map_or(self.0, |fact| fact.journal_seq + 1);
    }
}

/// Handed over and released again and again: no gap, and never what was sent before. What is sent
/// says when it was sent.
#[tokio::test(flavor = "multi_thread")]
async fn take_overs_and_releases_leave_no_gap_and_nothing_stale() {
    let rounds = if std::env::var_os("GRIMNIR_SOAK").is_some() { 1_000 } else { 100 };
    let mut grants = [grant(1, TakePolicy::OnCue)];
    let rig = Rig::new();
    // Above all that climbs.
    let (tone, climb) = (rig.tone(10_000, 300.0, "flac"), climbing_mp3(&rig));
    let (rig, mut client, ear) = on_air_lossless(rig, &[tone], &grants).await;
    let sender = Sender::connect(rig.harbor(), 1, &climb);
    facts_until(&mut client, 1, |facts| is_ready(facts, 1).is_some()).await;
    let (mut follower, mut revision) = (Follower(1), 1);
    for round in 1..=rounds {
        grants[0].take = (round, TakePolicy::Immediate);
        revision += 2;
        set_inputs(&mut client, revision, &grants).await;
        let mut live = None;
        let owned = |facts: &[AirFact]| {
            live = claims(facts).last().copied().or(live);
            live.is_some() && owners(facts).iter().any(|(to, _)| Some(*to) == live)
        };
        follower.until(&mut client, owned).await;
        heard_for(&mut client, 2_400).await;
        set_live(&mut client, revision + 1, &grants, live.into_iter().collect()).await;
        let released =
            AirEvent::ClaimEnded { claim_id: live.unwrap(), reason: ReleaseReason::Released };
        let given_back = |facts: &[AirFact]| facts.iter().any(|fact| fact.event == released);
        follower.until(&mut client, given_back).await;
        // Now and then for longer than anything is held, of which nothing is to be heard then.
        heard_for(&mut client, if round % 40 == 0 { 4 * 48_000 } else { 2_400 }).await;
    }
    heard_for(&mut client, 48_000).await;
    let (_, body) = ear.take();
    sender.hang_up();
    let heard = decoded(rig.dir.path(), "heard.ogg", &body);
    let first = heard.iter().position(|frame| frame[0].abs() > 0.1).expect("sound came");
    let heard = &heard[first..];
    let loud = |part: &[Frame]| part.iter().any(|frame| frame[0].abs() > 0.05);
    let gap = heard.chunks_exact(WINDOW / 2).position(|part| !loud(part));
    assert_eq!(gap, None, "silent for 5 ms");
    let places = live_parts(heard);
    assert_eq!(places.len() as u64, rounds, "times that the live source was heard");
    // As old as the first time, but for what sender and mix were kept waiting.
    let turns = Turns::new();
    let place = |at: usize| &heard[at..at + 3 * WINDOW];
    let base = turns.locate(place(places[0])) as i64 - places[0] as i64;
    for (n, at) in places.iter().enumerate() {
        let off = turns.off(place(*at), base + *at as i64);
        assert!(
            off.is_some_and(|off| off.abs() < 24_000),
            "take-over {n} is off by {off:?} frames"
        );
    }
}

/// The middle of each part that is live alone.
fn live_parts(heard: &[Frame]) -> Vec<usize> {
    let (mut parts, mut since) = (Vec::new(), None);
    for (n, share) in shares(heard, 10_000).into_iter().enumerate() {
        match (share < 0.05, since) {
            (true, None) => since = Some(n),
            (false, Some(begin)) => {
                since = None;
                // The quietest of a fade is no part of its own.
                if n - begin >= 4 {
                    parts.push((begin + n) / 2 * WINDOW - WINDOW);
                }
            }
            _ => {}
        }
    }
    parts
}

/// What was asked for at the next item comes there, on its frame; what is immediate cuts; what is
/// faded lets what plays go by its time, under the full voice.
#[tokio::test(flavor = "multi_thread")]
async fn each_policy_is_heard_as_it_is_asked_for() {
    const FADE_MS: u32 = 1_600;
    let policies =
        [TakePolicy::NextItem, TakePolicy::Immediate, TakePolicy::Faded { fade_ms: FADE_MS }];
    let mut grants = [1, 2, 3].map(|n| grant(n, policies[usize::from(n) - 1]));
    let rig = Rig::new();
    let lines = [rig.tone(400, 7.0, "flac"), rig.tone(1_000, 120.0, "flac")];
    let voice = tone_mp3(&rig, 700);
    let (rig, mut client, ear) = on_air_lossless(rig, &lines, &grants).await;
    let mut revision = 1;
    for number in 1..=3 {
        let sender = Sender::connect(rig.harbor(), number, &voice);
        let owned = 2 * usize::from(number);
        facts_until(&mut client, 1, |facts| owners(facts).len() == owned).await;
        heard_for(&mut client, 3 * 48_000).await;
        revision += 1;
        grants[usize::from(number) - 1].disconnect = 1;
        set_inputs(&mut client, revision, &grants).await;
        facts_until(&mut client, 1, |facts| owners(facts).len() == owned + 1).await;
        heard_for(&mut client, 48_000).await;
        sender.hang_up();
    }
    let facts = facts_until(&mut client, 1, |facts| owners(facts).len() == 7).await;
    let (_, body) = ear.take();
    let heard = decoded(rig.dir.path(), "heard.ogg", &body);

    // The first line was heard to its end, and the voice began on the frame after its last.
    let start = started(&facts);
    assert_eq!(start[1].1.since(start[0].1), 7 * 48_000);
    let ends = facts.iter().find_map(|fact| match &fact.event {
        AirEvent::ItemEnded { reason, frames, .. } => Some((reason.clone(), *frames)),
        _ => None,
    });
    assert_eq!(ends, Some((EndReason::Completed, 7 * 48_000)));
    let [first, second, voice] = [400, 1_000, 700].map(|hertz| shares(&heard, hertz));
    let begins: Vec<usize> = (1..voice.len())
        .filter(|n| voice[n - 1] < 0.2 && voice[*n..].iter().take(10).any(|share| *share > 0.5))
        .filter(|n| voice[*n] >= 0.2)
        .collect();
    let [next, cut, faded] = begins[..] else { panic!("the voice begins at {begins:?}") };
    assert!(first[next - 3] > 0.95 && first[next + 2] < 0.05, "{:?}", &first[next - 4..next + 4]);
    assert!(second[cut - 3] > 0.95 && second[cut + 3] < 0.05, "{:?}", &second[cut - 4..cut + 4]);
    for eighth in 1..8 {
        let at = faded + eighth * FADE_MS as usize / 80;
        let (left, full) = (1.0 - eighth as f64 / 8.0, voice[at]);
        assert!((second[at] - left).abs() < 0.04, "{} after {eighth} eighths", second[at]);
        assert!(full > 0.6, "the voice is there at once: {full}");
    }
    assert!(second[faded + FADE_MS as usize / 10 + 3] < 0.03);
}

/// The end of a fact's claim, and when it was.
fn end_of(facts: &[AirFact], claim: ClaimId) -> Option<(AirFrame, ReleaseReason)> {
    facts.iter().find_map(|fact| match fact.event {
        AirEvent::ClaimEnded { claim_id, reason } if claim_id == claim => {
            Some((fact.frame, reason))
        }
        _ => None,
    })
}

/// ffmpeg, once as fast as it is let and once slower than time.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_faster_than_time_waits_and_who_is_slower_runs_dry_and_has_30_s_to_come_back() {
    let mut grants = [1, 2].map(|number| grant(number, TakePolicy::Immediate));
    let rig = Rig::new();
    let tone = rig.tone(400, 120.0, "flac");
    let (rig, mut client, ear) = on_air_lossless(rig, &[tone], &grants).await;
    let desk = |number| Desk::new(rig.harbor(), rig.dir.path(), number);
    let send = |number, hertz: u32, pace: &[&str], codec: &[&str]| {
        let source = format!("sine=frequency={hertz}:sample_rate=48000");
        let (from, url) = (["-f", "lavfi", "-i", &source, "-af", "volume=4"], desk(number).url());
        let quiet = ["-v", "error"];
        Encoder::start("ffmpeg", &[&quiet[..], pace, &from, &["-ac", "2"], codec, &[&url]].concat())
    };
    // Opus goes through a process of its own, which is to wait as well.
    let fast = send(1, 800, &[], &["-c:a", "libopus", "-f", "ogg", "-content_type", "audio/ogg"]);
    facts_within(&mut client, 1, 60, |facts| owners(facts).len() == 2).await;
    heard_for(&mut client, 3 * 48_000).await;
    grants[0].disconnect = 1;
    set_inputs(&mut client, 2, &grants).await;
    let dry = |facts: &[AirFact]| {
        let is = |fact: &&AirFact| match &fact.event {
            AirEvent::Live(event) => matches!(**event, LiveAirEvent::RanDry { .. }),
            _ => false,
        };
        facts.iter().find(is).map(|fact| fact.frame)
    };
    let facts = facts_within(&mut client, 1, 60, |facts| owners(facts).len() == 3).await;
    assert_eq!(dry(&facts), None);
    drop(fast);

    let slow = ["-f", "mp3", "-b:a", "128k"];
    let slow = send(2, 600, &["-readrate", "0.8"], &slow);
    let facts = facts_within(&mut client, 1, 60, |facts| dry(facts).is_some()).await;
    drop(slow);
    let claim = *claims(&facts).last().unwrap();
    // Another turn on air with what was on its way does not count against it.
    let facts = facts_within(&mut client, 1, 120, |facts| end_of(facts, claim).is_some()).await;
    let (ended, reason) = end_of(&facts, claim).unwrap();
    assert_eq!(reason, ReleaseReason::Completed);
    let last_owner = facts.iter().rev().find_map(|fact| match fact.event {
        AirEvent::OwnerChanged { to, reason, .. } => Some((to, reason, fact.frame)),
        _ => None,
    });
    let (to, reason, since) = last_owner.unwrap();
    assert_eq!((to, reason), (AUTOMATION_CLAIM, OwnerReason::Failed));
    let kept = ended.since(since) - KEPT_US * 48 / 1_000;
    assert!((-24_000..24_000).contains(&kept), "{kept} frames beside 30 s");
    let (_, body) = ear.take();
    let heard = decoded(rig.dir.path(), "heard.ogg", &body);
    let tones = tones_heard(&heard, &[400, 800, 600]);
    let order: Vec<u32> = tones.iter().flatten().copied().collect();
    assert_eq!(order[..5], [400, 800, 400, 600, 400], "{tones:?}");
    assert!(!tones[1..tones.len() - 1].contains(&None), "a gap: {tones:?}");
}
