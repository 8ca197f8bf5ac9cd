//! Two nodes on one ledger: shares are handed over, lost and taken back, and nobody hears it.

use grimnir_events::owner::OwnerEvent;
use grimnir_events::{StreamId, StreamKind};
use grimnir_ledger::SegmentReader;
use grimnir_tests::cluster::{PATIENCE, owned_by, ranked};
use grimnir_tests::programs::{send, until};
use grimnir_tests::stage::{KBPS, text};
use grimnir_tests::{Client, Cluster, Ear, Server, Setting, Stage};
use reqwest::{Method, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The first node: its folder is what both share.
const FIRST: &str = "common";

/// A station on air on two nodes of one host, owned by the second.
struct Pair {
    first: Server,
    second: Server,
    name: String,
    stage: Stage,
    ear: Ear,
    engine: u32,
    /// Last: its folder goes with it, and engines are found there to be ended.
    cluster: Cluster,
}

impl Pair {
    async fn on_air() -> Self {
        let cluster = Cluster::start();
        let first = cluster.node(FIRST).await;
        let setting = Setting { tracks: 4, seconds: 32.0, ..Setting::default() };
        let stage = Stage::set(&first, setting).await;
        let url = stage.start(&first).await;
        let engine = first.engine_pid(&stage.station).expect("the engine runs");
        let ear = Ear::connect(&url).await.expect("the mount can be reached");
        ear.listen(2.0, KBPS).await;
        // A node that joins takes its share over from the one that lives.
        let name = ranked("b", &stage.station, FIRST, true);
        let second = cluster.node(&name).await;
        let pair = Self { cluster, first, second, name, stage, ear, engine };
        owned_by(&pair.name, &pair.stage.station, &[&pair.a(), &pair.b()]).await;
        pair
    }

    /// The administrator at the first node.
    fn a(&self) -> Client {
        self.stage.client.clone()
    }
    /// The administrator at the second node: nodes of one host share the secrets.
    fn b(&self) -> Client {
        Client::new(&self.second.base()).with_token(self.stage.client.token())
    }

    async fn rename(&self, client: &Client, name: &str) -> Option<(StatusCode, Value)> {
        let path = format!("/api/v1/stations/{}", self.stage.station);
        client.try_send(client.request(Method::PATCH, &path).json(&json!({"name": name}))).await
    }

    /// Waits until commands are taken at this node.
    async fn decides(&self, client: &Client, name: &str) {
        until("commands are taken", PATIENCE, || async {
            let (status, _) = self.rename(client, name).await?;
            status.is_success().then_some(())
        })
        .await;
    }

    /// Judges what was heard and recorded, after so many more seconds.
    async fn judge(self, more_s: f64) {
        self.ear.listen(self.ear.seconds(KBPS) + more_s, KBPS).await;
        let rows = until("both nodes tell the same", PATIENCE, || async {
            let there =
                Stage { client: self.b(), files: vec![], media: vec![], ..copy(&self.stage) };
            let (here, there) = (self.stage.as_run().await, there.as_run().await);
            (keys(&here) == keys(&there) && here.len() > 1).then_some(here)
        })
        .await;
        let engine = self.first.engine_pid(&self.stage.station);
        assert_eq!(engine, Some(self.engine), "one engine played throughout");
        assert!(!self.ear.ended(), "the listener was cut off");
        let heard = self.ear.stop().await;
        assert!(heard.longest_silence() < 0.02, "a gap of {:.3} s", heard.longest_silence());
        let plays: BTreeSet<_> = keys(&rows).into_iter().collect();
        assert_eq!(plays.len(), keys(&rows).len(), "a play is there twice: {rows:#?}");
        self.first.assert_no_panic();
        self.second.assert_no_panic();
    }

    /// Epoch and node of every taking, by stream; reading checks that no lower epoch follows one.
    fn takings(&self) -> BTreeMap<StreamId, Vec<(u64, String)>> {
        let mut takings: BTreeMap<StreamId, Vec<(u64, String)>> = BTreeMap::new();
        for recorded in SegmentReader::open(&self.first.ledger()).expect("the ledger is there") {
            let commit = recorded.expect("the ledger is whole").commit;
            if let Some(OwnerEvent::OwnershipTaken { epoch, node }) =
                OwnerEvent::in_commit(&commit).expect("decodes")
            {
                takings.entry(commit.header.stream).or_default().push((epoch, node));
            }
        }
        takings.retain(|stream, _| stream.kind != StreamKind::Access);
        takings
    }
}

fn copy(stage: &Stage) -> Stage {
    Stage {
        client: stage.client.clone(),
        station: stage.station.clone(),
        media: stage.media.clone(),
        files: stage.files.clone(),
        playlist: stage.playlist.clone(),
    }
}

fn keys(rows: &[Value]) -> Vec<(String, u64)> {
    let items = rows.iter().filter(|row| text(row, "entry") == "item");
    items.map(|r| (text(r, "run").to_owned(), r["play"].as_u64().unwrap_or(0))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_owner_is_replaced_takes_its_share_back_and_nobody_hears_it() {
    let mut pair = Pair::on_air().await;
    let (a, station) = (pair.a(), pair.stage.station.clone());
    let (status, body) = pair.rename(&a, "at the wrong node").await.expect("answers");
    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{body}");
    assert_eq!(body["code"], "not_owner");
    let named = format!("{} owns it, at {}", pair.name, pair.second.base());
    assert_eq!(text(&body, "detail"), named);
    let (status, body) = pair.rename(&pair.b(), "at the owner").await.expect("answers");
    assert!(status.is_success(), "{status}: {body}");

    let killed = Instant::now();
    pair.second.kill();
    owned_by(FIRST, &station, &[&a]).await;
    let owned = killed.elapsed();
    pair.decides(&a, "after the loss").await;
    println!(
        "owned {:.2} s, deciding {:.2} s after the kill",
        owned.as_secs_f64(),
        killed.elapsed().as_secs_f64()
    );
    until("the engine is adopted", PATIENCE, || async {
        let (_, ready) = a.try_send(a.request(Method::GET, "/readyz")).await?;
        (ready["engines"][0]["connected"] == true).then_some(())
    })
    .await;
    println!("engine adopted {:.2} s after the kill", killed.elapsed().as_secs_f64());

    let mut command = pair.cluster.command(&pair.name);
    pair.second.restart_with(&mut command).await;
    let b = pair.b();
    owned_by(&pair.name, &station, &[&a, &b]).await;
    pair.decides(&b, "back again").await;

    let expected = [FIRST, &pair.name, FIRST, &pair.name].map(str::to_owned);
    for (stream, takings) in pair.takings() {
        let mut nodes: Vec<_> = takings.iter().map(|(_, node)| node.clone()).collect();
        // On a slow machine a node may take again what it holds.
        nodes.dedup();
        assert_eq!(nodes, expected, "{stream}");
        assert!(takings.windows(2).all(|w| w[0].0 < w[1].0), "{stream}: {takings:?}");
    }
    pair.judge(3.0).await;
}

/// Commands to every decided aggregate of the station.
fn commands(pair: &Pair, client: &Client) -> Vec<reqwest::RequestBuilder> {
    let station = &pair.stage.station;
    let post = |path: &str, body: Value| client.request(Method::POST, path).json(&body);
    let slots = json!([{"offset_ms": 0, "type": "playlist", "playlist_id": pair.stage.playlist}]);
    vec![
        client
            .request(Method::PATCH, &format!("/api/v1/stations/{station}"))
            .json(&json!({"name": "zombie"})),
        post(
            "/api/v1/playlists",
            json!({"station_id": station, "name": "zombie", "items": pair.stage.media}),
        ),
        post("/api/v1/clocks", json!({"station_id": station, "name": "zombie", "slots": slots})),
        post("/api/v1/playout/skip", json!({"station_id": station})),
        post(
            "/api/v1/priority/override",
            json!({
                "station_id": station, "source_type": "playlist", "source_id": pair.stage.playlist,
            }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zombies_first_command_to_each_aggregate_fails_and_the_air_has_one_owner() {
    let pair = Pair::on_air().await;
    let (a, b) = (pair.a(), pair.b());
    let station = pair.stage.station.clone();
    send(pair.second.pid(), Signal::STOP);
    owned_by(FIRST, &station, &[&a]).await;
    pair.decides(&a, "while it sleeps").await;
    // They wait in the sleeper's sockets, and are the first that it sees.
    let asked: Vec<_> = commands(&pair, &b)
        .into_iter()
        .map(|request| tokio::spawn(request.timeout(Duration::from_secs(60)).send()))
        .collect();
    until("the requests are with the sleeper", PATIENCE, || async {
        (waiting(&pair.second.base()) >= asked.len()).then_some(())
    })
    .await;
    let before = pair.takings();
    send(pair.second.pid(), Signal::CONT);
    for answer in asked {
        let answer = answer.await.expect("a sender ends").expect("an answer");
        let (status, path) = (answer.status(), answer.url().path().to_owned());
        let body = answer.text().await.unwrap_or_default();
        println!("{path}: {status} {body}");
        let refused =
            status == StatusCode::MISDIRECTED_REQUEST || status == StatusCode::SERVICE_UNAVAILABLE;
        assert!(refused, "{path}: {status} {body}");
    }
    assert_eq!(before.len(), 6, "every decided stream was taken: {before:?}");
    // It lives again, and is given its share back.
    owned_by(&pair.name, &station, &[&a, &b]).await;
    pair.decides(&b, "awake").await;
    for recorded in SegmentReader::open(&pair.first.ledger()).expect("the ledger is there") {
        let recorded = recorded.expect("the ledger is whole");
        let zombie = recorded.bytes.windows(6).any(|bytes| bytes == b"zombie");
        assert!(!zombie, "seq {} was decided by a zombie", recorded.seq);
    }
    pair.judge(3.0).await;
}

/// Connections to this address whose bytes nobody has read yet.
fn waiting(base: &str) -> usize {
    let port: u16 = base.rsplit(':').next().and_then(|p| p.parse().ok()).expect("a port");
    let local = format!(":{port:04X}");
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the kernel tells");
    let unread = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let bytes = fields.get(4).and_then(|queues| queues.split(':').nth(1)).unwrap_or("0");
        fields.get(1).is_some_and(|address| address.ends_with(&local))
            && u64::from_str_radix(bytes, 16).unwrap_or(0) > 0
    };
    table.lines().filter(unread).count()
}
