//! Outputs over HTTP: a server that is fed and a recording are made, the first is heard, and what
//! the ledger says of the recording's file is what is on disk.

use grimnir_tests::programs::until;
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Ear, Server, Setting, Stage, ports, tracks};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "hackme";
/// The user that the server runs as where the tests are root's: it refuses to be root.
const NOBODY: u32 = 65_534;

/// A real Icecast server, ended with the scene.
struct Icecast {
    child: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Icecast {
    fn start() -> Self {
        let (dir, port) = (tempfile::tempdir().expect("a folder"), ports::one());
        let at = dir.path().display();
        let config = format!(
            "<icecast><limits><sources>5</sources></limits><authentication>\
             <source-password>{PASSWORD}</source-password><admin-user>admin</admin-user>\
             <admin-password>{PASSWORD}</admin-password></authentication>\
             <hostname>localhost</hostname><listen-socket><port>{port}</port>\
             <bind-address>127.0.0.1</bind-address></listen-socket><paths>\
             <basedir>{at}</basedir><logdir>{at}</logdir>\
             <webroot>/usr/share/icecast2/web</webroot>\
             <adminroot>/usr/share/icecast2/admin</adminroot></paths>\
             <security><chroot>0</chroot></security></icecast>"
        );
        let path = dir.path().join("icecast.xml");
        std::fs::write(&path, config).expect("written");
        let mut command = Command::new("icecast2");
        if rustix::process::getuid().is_root() {
            std::os::unix::fs::chown(dir.path(), Some(NOBODY), Some(NOBODY)).expect("given");
            command.uid(NOBODY).gid(NOBODY);
        }
        command.arg("-c").arg(&path).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(Stdio::null()).spawn().expect("icecast2 is installed");
        Self { child, port, _dir: dir }
    }
}

impl Drop for Icecast {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_fed_and_what_the_ledger_says_of_a_recording_is_what_is_on_disk() {
    let server = Server::start().await;
    let icecast = Icecast::start();
    let setting = Setting { tracks: 2, seconds: 120.0, ..Setting::default() };
    let stage = Stage::set(&server, setting).await;
    let station = format!("/api/v1/stations/{}", stage.station);
    let outputs = format!("{station}/outputs");
    let target = json!({ "icecast": {
        "host": "127.0.0.1", "port": icecast.port, "mount": "/ygg.mp3", "bitrate_kbps": KBPS,
    }});
    let relay = json!({ "name": "Relay", "target": target, "password": PASSWORD });
    let relay = stage.client.post(&outputs, relay).await;
    assert_eq!(relay["password_set"], true, "{relay}");
    let target = json!({ "recording": { "format": "flac", "folder": "compliance" } });
    let archive = json!({ "name": "Archive", "target": target });
    let archive = stage.client.post(&outputs, archive).await;
    stage.start(&server).await;
    until("both outputs are up", PATIENCE, || async {
        let all = stage.client.get(&outputs).await;
        let up = |output: &Value| text(&output["status"], "health") == "up";
        all.as_array().expect("a list").iter().all(up).then_some(())
    })
    .await;
    let url = format!("http://127.0.0.1:{}/ygg.mp3", icecast.port);
    let ear = until("the server has it", PATIENCE, || Ear::connect(&url)).await;
    ear.listen(3.0, KBPS).await;
    let heard = ear.stop().await;
    let run = heard.runs(2).into_iter().max_by_key(|run| run.2).expect("something is heard");
    assert!(run.0.is_some() && run.2 > 100, "{run:?}");

    // It is taken off: its file is complete.
    let path = format!("{outputs}/{}", text(&archive, "id"));
    let off = stage.client.request(Method::PATCH, &path).json(&json!({ "enabled": false }));
    stage.client.ok(off).await;
    let file: Value = until("the file is complete", PATIENCE, || async {
        let files = stage.client.get(&format!("{station}/recordings")).await;
        files.as_array().expect("a list").first().filter(|f| f["sha256"].is_string()).cloned()
    })
    .await;
    assert_eq!((text(&file, "end"), &file["output_id"]), ("stopped", &archive["id"]), "{file}");
    let folder = server.station_dir(&stage.station).join("recordings/compliance");
    let path = folder.join(text(&file, "file"));
    let bytes = std::fs::read(&path).expect("the file is where it is said to be");
    let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!((text(&file, "sha256"), &file["bytes"]), (&*digest, &json!(bytes.len())));
    let rows = stage.as_run().await;
    let told =
        |row: &&Value| text(row, "entry") == "recording" && text(row, "reason").contains(&digest);
    assert_eq!(rows.iter().filter(told).count(), 1, "{rows:#?}");

    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&path)
        .args(["-f", "f32le", "-ac", "2", "-"])
        .output()
        .expect("ffmpeg is installed");
    assert!(decoded.status.success() && decoded.stderr.is_empty(), "{decoded:?}");
    let sample = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("four"));
    let frames: Vec<[f32; 2]> = decoded
        .stdout
        .chunks_exact(8)
        .map(|frame| [sample(&frame[..4]), sample(&frame[4..])])
        .collect();
    assert_eq!(file["frames"], frames.len(), "{file}");
    // Its frames are those of the programme: the first item is where the log says that it began.
    let item = rows.iter().find(|row| text(row, "entry") == "item").expect("one was on air");
    let first = file["first_frame"].as_i64().expect("a frame");
    let began = item["start_frame"].as_i64().expect("a frame") - first;
    let began = usize::try_from(began).expect("the recording was there first");
    let sounds = |frame: &[f32; 2]| frame[0].abs() > 0.001;
    let sounding = frames.iter().position(sounds).expect("it sounds");
    assert!(sounding.abs_diff(began) < 48, "from {sounding}, logged at {began}");
    let track = text(item, "title").rsplit(' ').next().and_then(|n| n.parse().ok());
    let level = grimnir_mix::tone::tone_level(
        &frames[began + 4_800..began + 14_400],
        tracks::hz(track.expect("a track")),
    );
    assert!(level > -30.0, "{level} dB of its tone");
    server.assert_no_panic();
}
