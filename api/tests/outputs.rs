//! Outputs over a real site: set, changed, removed; a password goes in and never comes out.

mod common;

use axum::http::StatusCode;
use common::House;
use grimnir_events::access::Role;
use serde_json::{Value, json};
use std::path::Path;

const SECRET: &str = "only-the-server-knows";
const OUTPUTS: &str = "/api/v1/stations/radio-nord/outputs";

/// Files below a folder whose bytes hold `text`.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("lists") {
        let path = entry.expect("lists").path();
        if path.is_dir() {
            found.append(&mut holding(&path, text));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(text.len()).any(|window| window == text.as_bytes())
        {
            found.push(path.file_name().expect("named").to_string_lossy().into_owned());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_is_set_changed_and_removed_and_its_password_lies_in_one_file_only() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Radio Nord").await;
    let dir = house.site.config().data_dir.clone();
    let target = json!({ "icecast": { "host": "icecast.example", "mount": "/nord.mp3" } });
    let request = json!({ "name": "Relay", "target": target, "password": SECRET });
    let key = [("Idempotency-Key", "o-1")];
    let first = house.ask("POST", OUTPUTS, Some(&token), &key, Some(request.clone())).await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    let again = house.ask("POST", OUTPUTS, Some(&token), &key, Some(request)).await;
    assert_eq!((again.status, &again.body), (StatusCode::CREATED, &first.body));
    assert_eq!(
        (&first.body["kind"], &first.body["password_set"]),
        (&json!("icecast"), &json!(true))
    );
    assert_eq!(first.body["target"]["icecast"]["port"], 8_000);
    assert!(!first.body.to_string().contains(SECRET));
    assert_eq!(holding(&dir, SECRET), ["secrets.json"]);

    let one = format!("{OUTPUTS}/{}", first.body["id"].as_str().expect("an id"));
    let patch = json!({ "target": { "icecast": { "port": 8_001 } }, "enabled": false });
    let changed = house.ask("PATCH", &one, Some(&token), &[], Some(patch)).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    let icecast = &changed.body["target"]["icecast"];
    assert_eq!((&icecast["port"], &icecast["mount"]), (&json!(8_001), &json!("/nord.mp3")));
    assert_eq!(
        (&changed.body["enabled"], &changed.body["password_set"]),
        (&json!(false), &json!(true))
    );
    let other = json!({ "target": { "recording": { "folder": "a" } } });
    let refused = house.ask("PATCH", &one, Some(&token), &[], Some(other)).await;
    assert_eq!((refused.status.as_u16(), &refused.body["field"]), (422, &json!("target")));

    let patch = json!({ "password": "another" });
    house.ask("PATCH", &one, Some(&token), &[], Some(patch)).await;
    assert_eq!(holding(&dir, SECRET), Vec::<String>::new(), "the old one is forgotten");
    let listed = house.ask("GET", OUTPUTS, Some(&token), &[], None).await;
    assert_eq!(listed.body.as_array().map(Vec::len), Some(1));
    assert_eq!(listed.body[0]["status"], Value::Null, "no engine runs");
    let gone = house.ask("DELETE", &one, Some(&token), &[], None).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    let gone = house.ask("GET", &one, Some(&token), &[], None).await;
    assert_eq!(gone.body["code"], "output_not_found");
    assert_eq!(holding(&dir, "\"another\""), Vec::<String>::new());
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_output_can_be_is_refused_and_nothing_is_kept_of_it() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Radio Nord").await;
    let target = |host: &str| json!({ "icecast": { "host": host, "mount": "/nord.mp3" } });
    for (request, code) in [
        (json!({ "name": "a", "target": target("a b"), "password": SECRET }), "bad_host"),
        (json!({ "name": "a", "target": target("a"), "password": "" }), "bad_output_password"),
        (json!({ "name": "a", "target": target("a"), "password": "a\nb" }), "bad_output_password"),
    ] {
        let refused = house.ask("POST", OUTPUTS, Some(&token), &[], Some(request)).await;
        assert_eq!((refused.status.as_u16(), &refused.body["code"]), (422, &json!(code)));
    }
    assert_eq!(holding(&house.site.config().data_dir, SECRET), Vec::<String>::new());
    house.site.close(true).await;
}
