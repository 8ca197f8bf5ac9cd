//! Scene 8: bad input on every route is answered with a problem document, and nothing panics.

use grimnir_tests::{Client, Server, Setting, Stage};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Every route of the description, with its method.
fn routes(description: &Value) -> Vec<(Method, String)> {
    let mut all = Vec::new();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            if let Ok(method) = method.to_uppercase().parse() {
                all.push((method, path.clone()));
            }
        }
    }
    assert!(all.len() >= 30, "only {} routes are described", all.len());
    all
}

fn assert_problem(what: &str, status: StatusCode, body: &Value) {
    assert!(status.is_client_error(), "{what}: {status}: {body}");
    for key in ["code", "error", "title", "status", "detail"] {
        assert!(!body[key].is_null(), "{what}: no {key} in {body}");
    }
    assert_eq!(body["status"].as_u64(), Some(u64::from(status.as_u16())), "{what}: {body}");
}

async fn send(client: &Client, method: &Method, path: &str, body: &[u8]) -> (StatusCode, Value) {
    let request = client
        .request(method.clone(), path)
        .header("content-type", "application/json")
        .body(body.to_vec());
    client.try_send(request).await.unwrap_or_else(|| panic!("{method} {path}: no answer"))
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_and_ids_are_answered_on_every_route() {
    let server = Server::start().await;
    let stage = Stage::set(&server, Setting { tracks: 1, ..Setting::default() }).await;
    let client = &stage.client;
    let description = client.get("/api/v1/openapi.json").await;
    let bodies: [&[u8]; 7] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{\"no_such_field\": 1}",
        b"\"\xff\xfe\"",
        b"{\"name\": {\"deep\": [1, 2, {\"x\": null}]}, \"station_id\": 7}",
    ];
    for (method, path) in routes(&description) {
        let ids =
            ["nonsense", "sta_00000000000000000000000000000000", "%00%ff", &"x".repeat(5_000)];
        for id in ids {
            let filled = fill(&path, id);
            let takes_body = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
            if takes_body {
                for body in bodies {
                    let (status, answer) = send(client, &method, &filled, body).await;
                    let what = format!("{method} {filled:.80} {}", String::from_utf8_lossy(body));
                    assert!(status.as_u16() < 500, "{what}: {status}: {answer}");
                    if path.contains('{') || body == b"{" {
                        assert_problem(&what, status, &answer);
                    }
                }
            } else if path.contains('{') && method != Method::DELETE {
                let (status, answer) = send(client, &method, &filled, b"").await;
                assert_problem(&format!("{method} {filled:.80}"), status, &answer);
            }
        }
    }
    server.assert_no_panic();
}

fn fill(path: &str, id: &str) -> String {
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        filled.push_str(id);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    filled + rest
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_nothing_is_told_and_nothing_done() {
    let server = Server::start().await;
    let stage = Stage::set(&server, Setting { tracks: 1, ..Setting::default() }).await;
    let stranger = Client::new(&server.base());
    // A witness answers whoever shows a signature that it knows.
    let open =
        ["/auth/login", "/public/", "/healthz", "/readyz", "/metrics", "openapi.json", "/tlog/"];
    for (method, path) in routes(&stage.client.get("/api/v1/openapi.json").await) {
        if open.iter().any(|part| path.contains(part)) {
            continue;
        }
        let filled = fill(&path, &stage.station);
        let (status, answer) = send(&stranger, &method, &filled, b"{}").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {filled}: {answer}");
        let forged = stranger.clone().with_token("eyJhbGciOiJub25lIn0.eyJ1aWQiOiJ4In0.");
        let (status, answer) = send(&forged, &method, &filled, b"{}").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {filled}: {answer}");
    }
    server.assert_no_panic();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_field_at_fault_is_named() {
    let server = Server::start().await;
    let stage = Stage::set(&server, Setting { tracks: 1, ..Setting::default() }).await;
    let station = stage.station.as_str();
    let cases = [
        ("/api/v1/stations", json!({"name": "", "slug": "ok", "time_zone": "UTC"}), "name"),
        ("/api/v1/stations", json!({"name": "A", "slug": "NO SPACE", "time_zone": "UTC"}), "slug"),
        (
            "/api/v1/stations",
            json!({"name": "A", "slug": "a", "time_zone": "Mars/One"}),
            "time_zone",
        ),
        ("/api/v1/stations", json!({"name": 7, "slug": "a", "time_zone": "UTC"}), "name"),
        ("/api/v1/playlists", json!({"station_id": station, "name": "", "items": []}), "name"),
        ("/api/v1/playlists", json!({"station_id": station, "name": "A", "items": ["x"]}), "items"),
        (
            "/api/v1/clocks",
            json!({"station_id": station, "name": "A", "slots": [
                {"offset_ms": 4_000_000, "type": "category", "category": ""}]}),
            "slots",
        ),
        (
            "/api/v1/priority/emergency",
            json!({"station_id": station, "media_id": "med_00000000000000000000000000000000"}),
            "media_id",
        ),
        (
            "/api/v1/priority/override",
            json!({"station_id": station, "source_type": "tape", "source_id": "x"}),
            "source_type",
        ),
        ("/api/v1/playout/skip", json!({"station_id": 12}), "station_id"),
        ("/api/v1/auth/login", json!({"username": 1, "password": "x"}), "username"),
    ];
    for (path, body, field) in cases {
        let (status, answer) =
            send(&stage.client, &Method::POST, path, body.to_string().as_bytes()).await;
        assert_problem(&format!("{path} {body}"), status, &answer);
        let named = answer["field"].as_str().unwrap_or_default();
        assert!(named.starts_with(field), "{path} {body}: field {named:?}, not {field}: {answer}");
    }
    server.assert_no_panic();
}
