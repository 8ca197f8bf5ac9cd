//! Scene 5: disks that are full or read-only, files that are missing, cut short or not what they
//! say: a clear error, the next item plays, nothing acknowledged is lost.

use grimnir_ledger::SegmentReader;
use grimnir_tests::programs::{program, until};
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Ear, Server, Setting, Stage, tracks};
use reqwest::Method;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A server whose ledger lies on a small file system of its own, in a mount namespace.
async fn on_small_disk(data: &Path) -> Server {
    let ledger = data.join("ledger");
    std::fs::create_dir_all(&ledger).expect("the folder can be made");
    let script = format!("mount -t tmpfs -o size=12m none '{}' && exec \"$@\"", ledger.display());
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &script, "sh"]).arg(program("grimnir"));
    Server::start_with(data, 0, &mut command).await
}

/// The ledger's folder as the server sees it.
fn seen_by(server: &Server) -> PathBuf {
    let inside = server.ledger();
    let inside = inside.strip_prefix("/").expect("an absolute path");
    PathBuf::from(format!("/proc/{}/root", server.pid())).join(inside)
}

async fn rename(stage: &Stage, name: &str) -> (reqwest::StatusCode, serde_json::Value) {
    let path = format!("/api/v1/stations/{}", stage.station);
    let request = stage.client.request(Method::PATCH, &path).json(&json!({"name": name}));
    stage.client.try_send(request).await.expect("the server answers")
}

/// Commands are refused with a reason, the air goes on, and emergencies act all the same.
async fn ledger_is_away(server: &Server, stage: &Stage, alert_id: &str, ear: &Ear) {
    let (status, problem) = until("a command is refused", Duration::from_secs(60), || async {
        // Long commands use up what is free, short ones what is then left.
        if stuff(stage).await.0.is_success() {
            return None;
        }
        let answer = rename(stage, &format!("Away since {}", jiff::Timestamp::now())).await;
        (!answer.0.is_success()).then_some(answer)
    })
    .await;
    assert_eq!(status.as_u16(), 503, "{problem}");
    assert_eq!(problem["code"], "ledger_unavailable", "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|d| d.len() > 10), "a reason: {problem}");
    let ready = stage.client.request(Method::GET, "/readyz");
    let (status, ready) = stage.client.try_send(ready).await.expect("the server answers");
    assert_eq!(status.as_u16(), 503, "{ready}");
    assert_eq!(ready["ledger_writable"], false, "{ready}");
    let body = json!({"station_id": stage.station, "media_id": alert_id});
    let raised = stage.client.post("/api/v1/priority/emergency", body).await;
    assert_eq!(raised["on_air"], true, "an emergency acts: {raised}");
    assert_eq!(raised["recorded"], false, "{raised}");
    ear.listen(ear.seconds(KBPS) + 4.0, KBPS).await;
    assert!(!ear.ended(), "the listener was cut off");
    assert!(server.traces().contains("ledger"), "the trace names the ledger");
}

/// A command of tens of kilobytes: what is free of the segment is soon used up.
async fn stuff(stage: &Stage) -> (reqwest::StatusCode, serde_json::Value) {
    let items = vec![stage.media[0].clone(); 1_500];
    let body = json!({"station_id": stage.station, "name": "Long", "items": items});
    let request = stage.client.request(Method::POST, "/api/v1/playlists").json(&body);
    stage.client.try_send(request).await.expect("the server answers")
}

async fn back_again(server: &Server, stage: &Stage, alert: usize, ear: Ear) {
    until("a command is taken again", Duration::from_secs(20), || async {
        rename(stage, "Back again").await.0.is_success().then_some(())
    })
    .await;
    let title = format!("Track {alert:02}");
    until("the emergency is in the as-run", Duration::from_secs(20), || async {
        stage.as_run().await.iter().any(|r| text(r, "title") == title).then_some(())
    })
    .await;
    let heard = ear.stop().await;
    assert!(heard.longest_silence() < 0.05, "a gap of {:.3} s", heard.longest_silence());
    let runs = heard.runs(alert + 1);
    assert!(runs.iter().any(|r| r.0 == Some(alert) && r.2 > 25), "the alert was heard: {runs:?}");
    let names = recorded_names(&seen_by(server));
    assert!(names.contains("Acknowledged before"), "what was acknowledged is there");
    assert!(names.contains("Back again"));
    server.assert_no_panic();
}

/// All bytes of the ledger's commits, as text.
fn recorded_names(ledger: &Path) -> String {
    let mut all = String::new();
    for recorded in SegmentReader::open(ledger).expect("the ledger can be read") {
        all.push_str(&String::from_utf8_lossy(&recorded.expect("the ledger is whole").bytes));
    }
    all
}

async fn stage_with_alert(server: &Server) -> (Stage, usize, String, Ear) {
    let mut stage = Stage::set(server, Setting::default()).await;
    let (alert, alert_id) = stage.extra(server, 2.0, &[("kind", "emergency")]).await;
    let url = stage.start(server).await;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    ear.listen(2.0, KBPS).await;
    assert!(rename(&stage, "Acknowledged before").await.0.is_success());
    (stage, alert, alert_id, ear)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_commands_and_keeps_the_air() {
    let keep = tempfile::tempdir().expect("a folder can be made");
    let server = on_small_disk(&keep.path().join("data")).await;
    let (stage, alert, alert_id, ear) = stage_with_alert(&server).await;
    let filler = seen_by(&server).join("filler");
    fill(&filler);
    ledger_is_away(&server, &stage, &alert_id, &ear).await;
    std::fs::remove_file(&filler).expect("the filler can be removed");
    back_again(&server, &stage, alert, ear).await;
}

/// Takes every free byte.
fn fill(path: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(path).expect("the filler can be made");
    for size in [1 << 16, 1 << 10, 1] {
        while file.write_all(&vec![0u8; size]).is_ok() {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_ledger_is_named_and_the_engine_plays_on() {
    let keep = tempfile::tempdir().expect("a folder can be made");
    let mut server = on_small_disk(&keep.path().join("data")).await;
    let (stage, _, _, ear) = stage_with_alert(&server).await;
    let engine = server.engine_pid(&stage.station).expect("the engine runs");
    server.kill();
    // The engine keeps the mount namespace alive.
    assert!(
        inside(engine, "mount")
            .args(["-o", "remount,ro"])
            .arg(server.ledger())
            .status()
            .is_ok_and(|s| s.success())
    );
    let said =
        server.fails_to_start(&mut inside(engine, &program("grimnir").to_string_lossy())).await;
    assert!(said.contains("ledger"), "the ledger is named: {said}");
    assert!(said.to_lowercase().contains("read-only"), "the reason is named: {said}");
    ear.listen(ear.seconds(KBPS) + 3.0, KBPS).await;
    assert!(
        inside(engine, "mount")
            .args(["-o", "remount,rw"])
            .arg(server.ledger())
            .status()
            .is_ok_and(|s| s.success())
    );
    server.restart_with(&mut inside(engine, &program("grimnir").to_string_lossy())).await;
    let stage = Stage { client: server.admin().await, ..stage };
    assert!(rename(&stage, "Back again").await.0.is_success());
    let heard = ear.stop().await;
    assert!(heard.longest_silence() < 0.05, "a gap of {:.3} s", heard.longest_silence());
    let names = recorded_names(&seen_by(&server));
    assert!(names.contains("Acknowledged before") && names.contains("Back again"));
    server.assert_no_panic();
}

/// A command that runs in the namespaces of a process.
fn inside(pid: u32, what: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["-t", &pid.to_string(), "-U", "-m", "--preserve-credentials", what]);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_play_are_refused_with_a_reason_and_recorded() {
    let server = Server::start().await;
    let stage = Stage::set(&server, Setting { tracks: 1, ..Setting::default() }).await;
    let folder = server.data.join("bad");
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let whole = std::fs::read(&stage.files[0]).expect("the track can be read");
    let cases: [(&str, Vec<u8>); 4] = [
        ("empty.mp3", Vec::new()),
        ("text.flac", b"this is not audio at all, whatever its name says".repeat(50)),
        (
            "noise.ogg",
            (0..40_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect(),
        ),
        ("cut short.wav", whole[..40].to_vec()),
    ];
    for (name, bytes) in &cases {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("the file can be written");
        let (status, problem) = stage.client.upload(&stage.station, &path, &[]).await;
        assert_eq!(status.as_u16(), 422, "{name}: {problem}");
        assert_eq!(problem["field"], "file", "{name}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains(name)), "{problem}");
    }
    // A name that lies about what is in it does no harm: the content decides.
    let liar = folder.join("actually wav.mp3");
    tracks::write(&folder, 3, 3.0, 48_000);
    std::fs::rename(folder.join("track 03.wav"), &liar).expect("the file can be renamed");
    let (status, item) = stage.client.upload(&stage.station, &liar, &[]).await;
    assert!(status.is_success(), "{item}");
    let recorded = recorded_names(&server.ledger());
    for (name, _) in &cases {
        assert!(recorded.contains(name), "the refusal of {name} is not in the ledger");
    }
    server.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_or_cut_is_passed_over_without_a_gap() {
    let server = Server::start().await;
    let setting = Setting { seconds: 32.0, tracks: 5, ..Setting::default() };
    let stage = Stage::set(&server, setting).await;
    let stored = |row: &serde_json::Value| {
        let hash = text(row, "play_hash").to_owned();
        server.data.join("media").join(&hash[..2]).join(hash)
    };
    let url = stage.start(&server).await;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    // Two are open ahead of time. The third is gone, the fourth is cut to a second.
    let on_air = until("a track is on air", Duration::from_secs(20), || on_air(&stage)).await;
    let place = |after: usize| (on_air + after) % 5;
    let gone = stage.client.get(&format!("/api/v1/media/{}", stage.media[place(3)])).await;
    std::fs::remove_file(stored(&gone)).expect("the stored file is where its hash says");
    let cut = stage.client.get(&format!("/api/v1/media/{}", stage.media[place(4)])).await;
    let file = std::fs::OpenOptions::new().write(true).open(stored(&cut));
    file.and_then(|file| file.set_len(48_000 * 4)).expect("the file can be cut");
    ear.listen(112.0, KBPS).await;
    let heard = ear.stop().await;
    assert!(heard.longest_silence() < 0.05, "a gap of {:.3} s", heard.longest_silence());
    let order: Vec<_> = heard.runs(5).iter().filter(|r| r.2 > 10).filter_map(|r| r.0).collect();
    for track in [place(0), place(1), place(2)] {
        assert!(order.contains(&track), "track {track} was heard: {order:?}");
    }
    let rows = stage.as_run().await;
    // Lines before the sign-on are there too, with their own reason.
    let why = |track: usize, reasons: &[&str]| {
        let title = format!("Track {track:02}");
        rows.iter().any(|r| {
            text(r, "title") == title && reasons.iter().any(|why| text(r, "reason").contains(why))
        })
    };
    // The look ahead may have seen it before the engine did: then it is not even tried.
    let lost = async |track: usize| {
        let item = stage.client.get(&format!("/api/v1/media/{}", stage.media[track])).await;
        item["lost"].is_string()
    };
    let seen = why(place(3), &["missing_file"]) || lost(place(3)).await;
    assert!(seen, "the missing file: {rows:#?}");
    let seen = why(place(4), &["failed", "undecodable"]) || lost(place(4)).await;
    assert!(seen, "the cut file: {rows:#?}");
    // The same bytes, sent again, bring back the item that every playlist and clock names.
    let path = format!("/api/v1/media/{}", stage.media[place(3)]);
    assert!(stage.client.get(&path).await["lost"].is_string(), "it is known to be lost");
    let again = stage.client.add_media(&stage.station, &stage.files[place(3)], &[]).await;
    assert_eq!(again, stage.media[place(3)]);
    assert!(stored(&gone).is_file());
    until("it is found", Duration::from_secs(10), || async {
        stage.client.get(&path).await["lost"].is_null().then_some(())
    })
    .await;
    server.assert_no_panic();
}

/// The track that is on air, by its number; `None` near its end, when the next is opened.
async fn on_air(stage: &Stage) -> Option<usize> {
    let path = format!("/api/v1/analytics/now-playing?station_id={}", stage.station);
    let now = stage.client.get(&path).await;
    let ends: jiff::Timestamp = text(&now, "ends_at").parse().ok()?;
    let left = ends.duration_since(jiff::Timestamp::now());
    if left < jiff::SignedDuration::from_secs(8) {
        return None;
    }
    text(&now, "title").strip_prefix("Track ")?.parse().ok()
}
