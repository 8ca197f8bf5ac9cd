//! Bad input on every route: a 4xx problem document that names the field, and no panic.

mod common;

use axum::http::{StatusCode, header};
use common::{House, Reply};
use grimnir_events::access::Role;
use serde_json::{Value, json};

const V1: &str = "/api/v1";

fn is_problem(reply: &Reply, what: &str) {
    assert!(reply.status.is_client_error(), "{what}: {reply:?}");
    assert_eq!(reply.headers[header::CONTENT_TYPE], "application/problem+json", "{what}");
    let code = reply.body["code"].as_str().expect("has a code");
    assert_eq!(reply.body["error"], code, "{what}");
    assert_eq!(reply.body["type"], format!("/docs/errors/{code}"), "{what}");
    assert_eq!(reply.body["status"], reply.status.as_u16(), "{what}");
    for field in ["title", "detail", "instance", "correlation_id"] {
        assert!(reply.body[field].as_str().is_some_and(|text| !text.is_empty()), "{what}: {field}");
    }
}

/// Every operation of the OpenAPI document, ids filled in with what is not one.
fn operations() -> Vec<(String, String, bool, bool)> {
    let document: Value = serde_json::from_str(&grimnir_api::openapi_json()).expect("is JSON");
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("has paths") {
        for (method, operation) in methods.as_object().expect("has methods") {
            let open = operation["security"] == json!([{}]);
            let takes_json = operation["requestBody"]["content"]["application/json"].is_object();
            let path = path.replace("{station_id}", "sta_x").replace("{mount_id}", "mnt_x");
            found.push((method.to_uppercase(), path.replace("{id}", "sta_x"), open, takes_json));
        }
    }
    assert!(found.len() > 40, "{} operations", found.len());
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_is_not_open_asks_for_a_token() {
    let house = House::open().await;
    for (method, path, open, _) in operations() {
        let reply = house.ask(&method, &path, None, &[], Some(json!({}))).await;
        assert_eq!(reply.status == StatusCode::UNAUTHORIZED, !open, "{method} {path}: {reply:?}");
        if !open {
            is_problem(&reply, &format!("{method} {path}"));
            assert_eq!(reply.headers[header::WWW_AUTHENTICATE], "Bearer");
        }
    }
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_bad_input_with_a_problem_that_names_a_field() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    let bodies = [
        json!({}),
        json!([]),
        json!(null),
        json!({ "surprise": 1 }),
        json!({ "station_id": 7, "name": [], "media_id": "med_", "items": [1], "slots": {} }),
    ];
    for (method, path, _, takes_json) in operations().into_iter().filter(|o| o.3) {
        assert!(takes_json);
        for body in &bodies {
            let reply = house.ask(&method, &path, Some(&token), &[], Some(body.clone())).await;
            let what = format!("{method} {path} {body}");
            is_problem(&reply, &what);
            // A body that is no object at all has no field to name.
            assert!(reply.body["field"].is_string() || !body.is_object(), "{what}: {reply:?}");
        }
    }
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_parameters_and_headers_that_make_no_sense_are_named() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    let nobody = "0".repeat(32);
    let cases = [
        ("GET", "/stations/sta_x".to_owned(), 400, "invalid_id", "id"),
        ("GET", "/stations/nowhere".to_owned(), 404, "station_not_found", "id"),
        ("GET", format!("/stations/sta_{nobody}"), 404, "station_not_found", "id"),
        ("GET", "/media/x".to_owned(), 400, "invalid_id", "id"),
        ("GET", format!("/media/med_{nobody}"), 404, "media_not_found", "id"),
        ("DELETE", format!("/media/med_{nobody}"), 404, "media_not_found", "id"),
        ("GET", "/media".to_owned(), 422, "station_id_required", "station_id"),
        ("GET", "/media?station_id=nord&limit=0".to_owned(), 422, "invalid_field", "limit"),
        ("GET", "/media?station_id=nord&cursor=x".to_owned(), 400, "invalid_cursor", "cursor"),
        ("GET", "/media?station=nord".to_owned(), 422, "unknown_field", "station"),
        ("GET", "/playlists/pls_".to_owned(), 400, "invalid_id", "id"),
        ("DELETE", format!("/clocks/clk_{nobody}"), 404, "clock_not_found", "id"),
        ("DELETE", format!("/playlists/pls_{nobody}"), 404, "playlist_not_found", "id"),
        ("DELETE", "/stations/nord/mounts/x".to_owned(), 400, "invalid_id", "mount_id"),
        ("DELETE", format!("/priority/clm_{nobody}"), 404, "claim_not_found", "id"),
        ("GET", "/schedule?station_id=nord&hours=337".to_owned(), 422, "invalid_field", "hours"),
        (
            "GET",
            "/analytics/as-run?station_id=nord&from=yesterday".to_owned(),
            422,
            "invalid_field",
            "from",
        ),
        ("GET", "/stations/nord/recordings?to=now".to_owned(), 422, "invalid_field", "to"),
        ("GET", "/executor/states/nowhere".to_owned(), 404, "station_not_found", "station_id"),
    ];
    for (method, path, status, code, field) in cases {
        let reply = house.ask(method, &format!("{V1}{path}"), Some(&token), &[], None).await;
        is_problem(&reply, &path);
        let found = (reply.status.as_u16(), &reply.body["code"], &reply.body["field"]);
        assert_eq!(found, (status, &json!(code), &json!(field)), "{method} {path}");
    }
    let key = "k".repeat(201);
    let headers = [("Idempotency-Key", key.as_str())];
    let path = format!("{V1}/stations/nord/start");
    let reply = house.ask("POST", &path, Some(&token), &headers, None).await;
    is_problem(&reply, "a long key");
    assert_eq!(reply.body["code"], "invalid_idempotency_key");
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rules_refuse_names_its_field_too() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    let cases = [
        ("/stations", json!({ "name": "", "time_zone": "UTC" }), "name"),
        ("/stations", json!({ "name": "x", "time_zone": "Mars/Base" }), "time_zone"),
        ("/stations", json!({ "name": "x", "slug": "Ü", "time_zone": "UTC" }), "slug"),
        ("/stations/nord/mounts", json!({ "name": "low", "bitrate_kbps": 7 }), "bitrate_kbps"),
        ("/users", json!({ "username": "ben", "password": "x", "role": "dj" }), "password"),
        ("/users", json!({ "username": "ben", "password": "x", "role": "boss" }), "role"),
        ("/clocks", json!({ "station_id": "nord", "name": "c", "slots": [] }), "slots"),
        ("/priority/emergency", json!({ "station_id": "nord" }), "media_id"),
        (
            "/priority/override",
            json!({ "station_id": "nord", "source_type": "live", "source_id": "x" }),
            "source_type",
        ),
        (
            "/priority/override",
            json!({ "station_id": "nord", "source_type": "media", "source_id": "x" }),
            "source_id",
        ),
    ];
    for (path, body, field) in cases {
        let asked = house.ask("POST", &format!("{V1}{path}"), Some(&token), &[], Some(body)).await;
        is_problem(&asked, path);
        assert_eq!(asked.body["field"], field, "{path}: {asked:?}");
    }
    house.site.close(true).await;
}
