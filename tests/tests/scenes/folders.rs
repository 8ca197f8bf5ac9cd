//! Folders of a server as libraries: taken in whatever lies in them, followed, kept over a kill;
//! and what is done with many items at once.

use grimnir_tests::programs::{program, soak, until};
use grimnir_tests::{Client, Server, Setting, Stage, files, tracks};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A folder of 2,000 files on a busy machine, and many more of them in the long form.
fn patience() -> Duration {
    Duration::from_secs(if soak() { 1_800 } else { 120 })
}

fn with_roots(roots: &Path) -> Command {
    let mut command = Command::new(program("grimnir"));
    command.env("GRIMNIR_IMPORT_ROOTS", roots);
    command
}

async fn set(server: &Server) -> Stage {
    Stage::set(server, Setting { tracks: 0, ..Setting::default() }).await
}

/// The import when it says so.
async fn import(client: &Client, id: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    until(what, patience(), || async {
        let request = client.request(Method::GET, &format!("/api/v1/imports/{id}"));
        let (_, found) = client.try_send(request).await?;
        is(&found).then_some(found)
    })
    .await
}

/// The only item that a query finds, when it says so.
async fn item(client: &Client, query: &str, is: impl Fn(&Value) -> bool) -> Value {
    until(query, patience(), || async {
        let request = client.request(Method::GET, &format!("/api/v1/media?{query}"));
        let (_, page) = client.try_send(request).await?;
        let items = page["items"].as_array()?;
        items.first().filter(|item| items.len() == 1 && is(item)).cloned()
    })
    .await
}

async fn refused(client: &Client, method: Method, path: &str, body: Value) -> (u16, String) {
    let request = client.request(method, path).json(&body);
    let (status, problem) = client.try_send(request).await.expect("answers");
    (status.as_u16(), problem["code"].as_str().unwrap_or_default().to_owned())
}

/// Good files of every format and broken ones; answers how many are good.
fn mixed(folder: &Path) -> u64 {
    let formats = ["a.mp3", "b.flac", "c.ogg", "d.opus", "e.m4a", "f.wav", "g.aiff"];
    for (index, name) in formats.iter().enumerate() {
        files::encode(folder, name, 300 + 100 * index as u32, &format!("Good {index}"));
    }
    let flac = std::fs::read(folder.join("b.flac")).expect("reads");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).expect("writes");
    };
    write("empty.mp3", b"");
    write("text.mp3", b"nothing here is sound");
    write("page.ogg", b"<!DOCTYPE html><html><body>404</body></html>");
    write("header only.flac", &flac[..60]);
    write("cover.jpg", b"\xff\xd8\xff\xe0 not ours");
    std::fs::create_dir_all(folder.join("again")).expect("makes");
    write("again/copy of b.flac", &flac);
    formats.len() as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_taken_in_followed_and_kept_over_a_kill() {
    let keep = tempfile::tempdir().expect("a folder");
    let (data, root) = (keep.path().join("data"), keep.path().join("music"));
    std::fs::create_dir_all(root.join("in")).expect("makes");
    let good = mixed(&root.join("in"));
    let mut server = Server::start_with(&data, 0, &mut with_roots(&root)).await;
    let stage = set(&server).await;
    let client = &stage.client;
    let take = format!("/api/v1/stations/{}/media/import", stage.station);
    let folder = |path: &str| json!({"path": path, "category": "in", "watch": true});
    for path in ["/etc", "in", &format!("{}/../data", root.display())] {
        let answer = refused(client, Method::POST, &take, folder(path)).await;
        assert_eq!(answer, (422, "import_path_refused".into()), "{path}");
    }
    let path = root.join("in").display().to_string();
    let taken = client.post(&take, folder(&path)).await;
    let id = taken["id"].as_str().expect("an id").to_owned();
    let answer = refused(client, Method::POST, &take, folder(&path)).await;
    assert_eq!(answer, (409, "folder_taken".into()));
    // The server dies in the middle; what was taken is not taken again.
    server.kill();
    server.restart_with(&mut with_roots(&root)).await;
    let client = &server.admin().await;
    let measured = |found: &Value| found["done"] == true && found["pending"] == 0;
    let found = import(client, &id, "the folder is taken in", measured).await;
    let (refused, failed) = (&found["refused"], &found["failed"]);
    let broken = refused.as_u64().expect("a number") + failed.as_u64().expect("a number");
    assert_eq!((found["found"].as_u64(), broken), (Some(good + 5), 4), "{found}");
    assert_eq!(found["duplicate"], 1, "{found}");
    for file in found["files"].as_array().expect("files") {
        let path = file["path"].as_str().expect("a path");
        assert_eq!(file["reason"].is_null(), path.contains("again/") || path == "b.flac", "{file}");
    }
    let station = format!("station_id={}", stage.station);
    let page = client.get(&format!("/api/v1/media?{station}&analysis_state=complete")).await;
    let items = page["items"].as_array().expect("items");
    assert_eq!(items.len() as u64, good, "{page}");
    assert!(items.iter().all(|i| i["category"] == "in" && i["duration_ms"].as_i64() > Some(900)));
    follow(client, &root.join("in"), &station).await;
    server.assert_no_panic();
}

/// Adds, changes, renames and removals are noticed.
async fn follow(client: &Client, folder: &Path, station: &str) {
    let query = |words: &str| format!("{station}&q={words}");
    let complete = |item: &Value| item["analysis_state"] == "complete";
    // A file in the making is nothing yet.
    let made = files::encode(folder.parent().expect("a parent"), "later.mp3", 1_500, "Newcomer");
    let bytes = std::fs::read(&made).expect("reads");
    let mut writer = std::fs::File::create(folder.join("later.mp3")).expect("creates");
    std::io::Write::write_all(&mut writer, &bytes[..bytes.len() / 2]).expect("writes");
    files::encode(folder, "first.mp3", 1_600, "Overtaker");
    item(client, &query("overtaker"), complete).await;
    let page = client.get(&format!("/api/v1/media?{}", query("newcomer"))).await;
    assert_eq!(page["items"], json!([]), "half a file is no item");
    std::io::Write::write_all(&mut writer, &bytes[bytes.len() / 2..]).expect("writes");
    drop(writer);
    let added = item(client, &query("newcomer"), complete).await;
    assert!(added["duration_ms"].as_i64() > Some(900), "{added}");
    // Other bytes are the same item, and under another name it is the same item too.
    files::encode(folder, "later.mp3", 1_700, "Newcomer changed");
    let other = |item: &Value| complete(item) && item["content_hash"] != added["content_hash"];
    let changed = item(client, &query("newcomer"), other).await;
    assert_eq!((&changed["id"], &changed["title"]), (&added["id"], &json!("Newcomer changed")));
    std::fs::rename(folder.join("later.mp3"), folder.join("again/renamed.mp3")).expect("renames");
    files::encode(folder, "witness.mp3", 1_800, "Witness");
    item(client, &query("witness"), complete).await;
    let renamed = item(client, &query("newcomer"), complete).await;
    assert_eq!(renamed["id"], added["id"]);
    // Gone and back again.
    let aside = folder.parent().expect("a parent").join("aside.mp3");
    std::fs::rename(folder.join("again/renamed.mp3"), &aside).expect("moves");
    let gone = item(client, &format!("{}&deleted=true", query("newcomer")), |_| true).await;
    assert!(gone["deleted"].as_str().is_some_and(|why| why.contains("renamed.mp3")), "{gone}");
    std::fs::rename(&aside, folder.join("back.mp3")).expect("moves");
    let back = item(client, &query("newcomer"), complete).await;
    assert_eq!((&back["id"], &back["deleted"]), (&added["id"], &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_files_are_items_by_their_tags_at_once() {
    let count = if soak() { 100_000 } else { 2_000 };
    let keep = tempfile::tempdir().expect("a folder");
    let (data, root) = (keep.path().join("data"), keep.path().join("music"));
    files::write_many(&root, count);
    let server = Server::start_with(&data, 0, &mut with_roots(&root)).await;
    let stage = set(&server).await;
    let client = &stage.client;
    let take = format!("/api/v1/stations/{}/media/import", stage.station);
    let taken = client.post(&take, json!({"path": root.display().to_string()})).await;
    let id = taken["id"].as_str().expect("an id");
    let found = import(client, id, "the folder is looked through", |f| f["done"] == true).await;
    let taken = (found["taken"].as_u64(), found["refused"].as_u64(), found["duplicate"].as_u64());
    assert_eq!(taken, (Some(u64::from(count)), Some(0), Some(0)), "{found}");
    for n in [0, 1, 2, count - 1] {
        let said = files::said(n);
        let query = format!("station_id={}&q={n:06}", stage.station);
        let item = item(client, &query, |_| true).await;
        let tags = [&item["title"], &item["artist"], &item["album"], &item["genre"]];
        assert_eq!(tags, [&said.title, &said.artist, &said.album, said.genre]);
        assert_eq!(item["year"].to_string(), said.year);
    }
    let first = |item: &Value| item["analysis_state"] == "complete";
    item(client, &format!("station_id={}&q=000000", stage.station), first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_items_are_changed_deleted_and_restored_and_one_gets_other_audio() {
    let server = Server::start().await;
    let stage = set(&server).await;
    let client = &stage.client;
    let folder = tempfile::tempdir().expect("a folder");
    let mut ids = Vec::new();
    for index in 0..4 {
        let file = tracks::write(folder.path(), index, 1.0, 48_000);
        ids.push(client.add_media(&stage.station, &file, &[("artist", "Bulk")]).await);
    }
    let bulk = async |body: Value| client.post("/api/v1/media/bulk", body).await;
    let station = &stage.station;
    let missing = "med_00000000000000000000000000000001";
    let cues = json!({"cue_in": 0, "segue": 50_000, "cue_out": 50_000});
    let custom = json!([{"name": "Shelf", "value": "Top left"}]);
    let patch = json!({"category": "gold", "custom": custom});
    let query = json!({"artist": "bulk"});
    let done = bulk(json!({"station_id": station, "query": query, "patch": patch})).await;
    assert_eq!((&done["matched"], &done["changed"]), (&json!(4), &json!(4)), "{done}");
    let again = bulk(json!({"station_id": station, "query": query, "patch": patch})).await;
    assert_eq!(again["unchanged"], 4, "{again}");
    // Each wholly or not at all: marks beyond its end change nothing else either.
    let patch = json!({"category": "new", "cues": cues});
    let body = json!({"station_id": station, "ids": [ids[0], missing], "patch": patch});
    let done = bulk(body).await;
    assert_eq!(done["refused"], 2, "{done}");
    let found = client.get(&format!("/api/v1/media/{}", ids[0])).await;
    assert_eq!((&found["category"], &found["custom"]), (&json!("gold"), &custom));
    let list = async |more: &str| {
        let page = client.get(&format!("/api/v1/media?station_id={station}{more}")).await;
        page["items"].as_array().expect("items").len()
    };
    assert_eq!(list("&custom=shelf:TOP+LEFT").await, 4);
    assert_eq!(list("&q=top+left").await, 4);
    let body = json!({"station_id": station, "ids": ids[..2], "delete": true});
    assert_eq!(bulk(body).await["changed"], 2);
    assert_eq!((list("").await, list("&deleted=true").await), (2, 2));
    client.post(&format!("/api/v1/media/{}/restore", ids[0]), json!({})).await;
    assert_eq!((list("").await, list("&deleted=true").await), (3, 1));
    let renamed = json!({"station_id": station, "from": "gold", "to": "classics"});
    assert_eq!(client.post("/api/v1/categories/rename", renamed).await["changed"], 4);
    let categories = client.get(&format!("/api/v1/categories?station_id={station}")).await;
    assert_eq!(categories[0]["name"], "classics", "{categories}");
    replace(client, &server, folder.path(), &ids).await;
    let body = json!({"station_id": station, "ids": ids});
    let answer = refused(client, Method::POST, "/api/v1/media/bulk", body).await;
    assert_eq!(answer, (422, "invalid_field".into()));
}

/// Other audio under the same id; the bytes that were planned are still there.
async fn replace(client: &Client, server: &Server, folder: &Path, ids: &[String]) {
    let path = format!("/api/v1/media/{}/audio", ids[0]);
    let before = client.get(&format!("/api/v1/media/{}", ids[0])).await;
    let put = async |file: &Path, tags: &str| {
        let bytes = std::fs::read(file).expect("reads");
        let part = reqwest::multipart::Part::bytes(bytes).file_name("other.wav");
        let form = reqwest::multipart::Form::new().text("tags", tags.to_owned()).part("file", part);
        let request = client.request(Method::PUT, &path).multipart(form);
        client.try_send(request).await.expect("answers")
    };
    let other = tracks::write(folder, 9, 2.0, 48_000);
    let (status, after) = put(&other, "keep").await;
    assert_eq!((status, &after["id"]), (StatusCode::OK, &before["id"]), "{after}");
    assert_eq!(after["title"], before["title"]);
    assert_eq!(after["duration_frames"], 96_000);
    assert_ne!(after["content_hash"], before["content_hash"]);
    let hash = before["play_hash"].as_str().expect("a hash");
    let kept = server.data.join("media").join(&hash[..2]).join(hash);
    assert!(kept.is_file(), "the bytes that were planned are kept");
    let (status, problem) = put(&tracks::write(folder, 1, 1.0, 48_000), "keep").await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("duplicate_media")));
    std::fs::write(folder.join("text.wav"), "no sound").expect("writes");
    let (status, problem) = put(&folder.join("text.wav"), "keep").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let (status, problem) = put(&other, "perhaps").await;
    assert_eq!((status, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("tags")));
    let audio = client.get(&format!("/api/v1/media/{}", ids[0])).await;
    assert_eq!(audio["content_hash"], after["content_hash"]);
}
