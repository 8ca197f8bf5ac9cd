//! A library over HTTP: found by words and fields, heard and seen as it was taken in.

use grimnir_tests::{Client, Server, Setting, Stage, tracks};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

async fn titles(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(&format!("/api/v1/media?{query}")).await;
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["title"].as_str().expect("a title").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_found_by_words_and_fields_and_paged_in_an_order() {
    let server = Server::start().await;
    let stage = Stage::set(&server, Setting { tracks: 0, ..Setting::default() }).await;
    let client = &stage.client;
    let folder = tempfile::tempdir().expect("a folder");
    for (index, (title, artist)) in
        [("Jóga", "Björk"), ("Army of Me", "Björk"), ("Hoppípolla", "Sigur Rós")].iter().enumerate()
    {
        let file = tracks::write(folder.path(), index, 2.0, 48_000);
        client.add_media(&stage.station, &file, &[("title", title), ("artist", artist)]).await;
    }
    let station = format!("station_id={}", stage.station);
    let found = async |query: &str| titles(client, &format!("{station}&{query}")).await;
    assert_eq!(found("q=bjork&sort=title").await, ["Army of Me", "Jóga"]);
    assert_eq!(found("q=rOs+hop").await, ["Hoppípolla"]);
    assert_eq!(found("artist=BJORK&sort=title&descending=true").await, ["Jóga", "Army of Me"]);
    assert_eq!(found("q=nobody").await, [""; 0]);
    // One a page, and what is found by its new words only.
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let query = format!("/api/v1/media?{station}&sort=artist&limit=1{cursor}");
        let page = client.get(&query).await;
        seen.extend(page["items"].as_array().expect("items").iter().map(|i| i["title"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["Army of Me", "Jóga", "Hoppípolla"]);
    let first = client.get(&format!("/api/v1/media?{station}&q=joga")).await;
    let id = first["items"][0]["id"].as_str().expect("an id").to_owned();
    client.patch(&format!("/api/v1/media/{id}"), json!({ "title": "Bachelorette" })).await;
    assert_eq!(found("q=joga").await, [""; 0]);
    assert_eq!(found("q=bachelor").await, ["Bachelorette"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_heard_and_seen_as_it_was_taken_in() {
    let server = Server::start().await;
    let stage = Stage::set(&server, Setting { tracks: 0, ..Setting::default() }).await;
    let client = &stage.client;
    let folder = tempfile::tempdir().expect("a folder");
    let file = tracks::write(folder.path(), 0, 3.0, 48_000);
    let bytes = std::fs::read(&file).expect("reads");
    let id = client.add_media(&stage.station, &file, &[]).await;
    let get = |what: &str, range: Option<&str>| {
        let mut request = client.request(Method::GET, &format!("/api/v1/media/{id}/{what}"));
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        request.send()
    };
    let whole = get("audio", None).await.expect("answers");
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(whole.headers()[header::CONTENT_TYPE], "audio/wav");
    assert_eq!(whole.bytes().await.expect("bytes"), bytes);
    let part = get("audio", Some("bytes=100-199")).await.expect("answers");
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.expect("bytes"), bytes[100..200]);
    let shape = client.get(&format!("/api/v1/media/{id}/waveform")).await;
    let high = shape["high"].as_array().expect("peaks");
    assert_eq!((shape["peaks_per_second"].as_u64(), high.len()), (Some(20), 60));
    assert!(high.iter().filter(|peak| peak.as_i64() > Some(20)).count() > 50, "{shape}");
    let none = get("artwork", None).await.expect("answers");
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    let problem: Value = none.json().await.expect("a problem");
    assert_eq!(problem["code"], "artwork_not_found");
    // What was drawn is gone: it is drawn again.
    let store = walk(&server.data.join("media"));
    let drawn: Vec<_> = store.into_iter().filter(|p| p.extension().is_some()).collect();
    assert_eq!(drawn.len(), 1, "{drawn:?}");
    std::fs::remove_file(&drawn[0]).expect("removes");
    assert_eq!(client.get(&format!("/api/v1/media/{id}/waveform")).await, shape);
    assert!(drawn[0].is_file());
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("lists").map(|e| e.expect("lists").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
