//! Lines of live sessions over HTTP: set, shown, replaced, closed; what no line can be; and the
//! recording of a session.

mod common;

use axum::http::{StatusCode, header};
use common::{House, Reply};
use grimnir_events::access::Role;
use serde_json::{Value, json};

const SESSIONS: &str = "/api/v1/stations/nord/live-sessions";

struct Desk {
    house: House,
    token: String,
}

impl Desk {
    async fn open() -> Self {
        let house = House::open().await;
        let admin = house.sign_in("admin", Role::Admin).await;
        house.station(&admin, "Nord").await;
        let token = house.sign_in("anna", Role::Manager).await;
        Self { house, token }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.house.ask(method, path, Some(&self.token), &[], body).await
    }

    /// The path of a session that is made.
    async fn session(&self, name: &str) -> String {
        let made = self.ask("POST", SESSIONS, Some(json!({ "name": name }))).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        format!("{SESSIONS}/{}", made.body["id"].as_str().expect("an id"))
    }
}

fn assert_refused(reply: &Reply, (status, code, field): (u16, &str, &str)) {
    assert_eq!(reply.status.as_u16(), status, "{reply:?}");
    assert_eq!((&reply.body["code"], &reply.body["field"]), (&json!(code), &json!(field)));
    assert_eq!(reply.headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(reply.body["type"], format!("/docs/errors/{code}"));
    for told in ["title", "detail", "instance", "correlation_id"] {
        assert!(reply.body[told].as_str().is_some_and(|text| !text.is_empty()), "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_set_shown_replaced_and_closed() {
    let desk = Desk::open().await;
    let one = desk.session("Anna").await;
    let line = format!("{one}/line");
    let shown = async || desk.ask("GET", &one, None).await.body["line"].clone();
    assert_eq!(shown().await, Value::Null);

    let body = json!({ "kind": "srt_listener", "port": 9_000 });
    let key = [("idempotency-key", "once")];
    let set = desk.house.ask("PUT", &line, Some(&desk.token), &key, Some(body.clone())).await;
    assert_eq!(set.status, StatusCode::OK, "{set:?}");
    let again = desk.house.ask("PUT", &line, Some(&desk.token), &key, Some(body)).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &set.body));
    let whole = json!({
        "kind": "srt_listener", "address": "0.0.0.0", "port": 9_000, "latency_ms": 200,
        "encrypted": false,
    });
    assert_eq!(shown().await, whole);
    let listed = desk.ask("GET", SESSIONS, None).await;
    assert_eq!(listed.body[0]["line"], whole, "{listed:?}");

    // Whatever is put takes the place of what was there.
    let caller = json!({ "kind": "srt_caller", "host": "studio.example", "port": 65_535 });
    assert_eq!(desk.ask("PUT", &line, Some(caller)).await.status, StatusCode::OK);
    assert_eq!(
        shown().await,
        json!({
            "kind": "srt_caller", "host": "studio.example", "port": 65_535, "stream_id": "",
            "latency_ms": 200, "encrypted": false,
        })
    );
    let rtp = json!({
        "kind": "rtp", "address": "::1", "port": 1_024, "sound": "l16", "latency_ms": 20,
    });
    assert_eq!(desk.ask("PUT", &line, Some(rtp)).await.status, StatusCode::OK);
    let l16 = shown().await;
    assert_eq!((&l16["rate"], &l16["channels"]), (&json!(44_100), &json!(2)), "{l16}");
    for sound in ["opus", "mpeg_audio", "mpeg_ts"] {
        let body = json!({ "kind": "rtp", "address": "::1", "port": 5_004, "sound": sound });
        assert_eq!(desk.ask("PUT", &line, Some(body)).await.status, StatusCode::OK);
        let shown = shown().await;
        assert_eq!((&shown["sound"], &shown["rate"]), (&json!(sound), &Value::Null));
    }
    for _ in 0..2 {
        assert_eq!(desk.ask("DELETE", &line, None).await.status, StatusCode::OK);
        assert_eq!(shown().await, Value::Null, "what is closed may be closed");
    }
    desk.house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_line_can_be_is_refused_by_its_field_and_changes_nothing() {
    let desk = Desk::open().await;
    let line = format!("{}/line", desk.session("Anna").await);
    let listener = |port: i64| json!({ "kind": "srt_listener", "port": port });
    let caller =
        |host: &str, port: i64| json!({ "kind": "srt_caller", "host": host, "port": port });
    let rtp = |more: Value| {
        let mut body =
            json!({ "kind": "rtp", "address": "0.0.0.0", "port": 5_004, "sound": "l16" });
        let more = more.as_object().expect("fields").clone();
        body.as_object_mut().expect("fields").extend(more);
        body
    };
    let bad = (422, "bad_live_line");
    let cases = [
        (listener(1_023), bad, "port"),
        (listener(65_536), (422, "invalid_field"), "port"),
        (caller("studio.example", 0), bad, "port"),
        (caller("studio.example", 70_000), (422, "invalid_field"), "port"),
        (caller("", 9_000), bad, "host"),
        (caller("a b", 9_000), bad, "host"),
        (caller(&"h".repeat(254), 9_000), bad, "host"),
        (json!({ "kind": "srt_caller", "port": 1 }), (422, "missing_required_fields"), "host"),
        (json!({ "kind": "srt_listener" }), (422, "missing_required_fields"), "port"),
        (json!({ "port": 9_000 }), (422, "missing_required_fields"), "kind"),
        (rtp(json!({ "address": "localhost" })), bad, "address"),
        (rtp(json!({ "rate": 7_999 })), bad, "rate"),
        (rtp(json!({ "channels": 3 })), bad, "channels"),
        (rtp(json!({ "latency_ms": 19 })), bad, "latency_ms"),
        (rtp(json!({ "latency_ms": 8_001 })), bad, "latency_ms"),
        (rtp(json!({ "colour": "red" })), (422, "unknown_field"), "colour"),
        (
            json!({
                "kind": "srt_caller", "host": "h", "port": 1, "stream_id": "x".repeat(501),
            }),
            bad,
            "stream_id",
        ),
    ];
    for (body, (status, code), field) in cases {
        let refused = desk.ask("PUT", &line, Some(body)).await;
        assert_refused(&refused, (status, code, field));
    }
    let odd = desk.ask("PUT", &line, Some(json!({ "kind": "isdn", "port": 9_000 }))).await;
    assert_eq!((odd.status.as_u16(), &odd.body["code"]), (422, &json!("invalid_field")));
    let listed = desk.ask("GET", SESSIONS, None).await;
    assert_eq!(listed.body[0]["line"], Value::Null, "{listed:?}");

    // Two lines of a station cannot wait at one port; a caller takes none.
    let other = format!("{}/line", desk.session("Bert").await);
    assert_eq!(desk.ask("PUT", &line, Some(listener(9_000))).await.status, StatusCode::OK);
    let refused = desk.ask("PUT", &other, Some(listener(9_000))).await;
    assert_refused(&refused, (422, "bad_live_line", "port"));
    assert!(refused.body["detail"].as_str().expect("said").contains("9000"), "{refused:?}");
    assert_eq!(desk.ask("PUT", &other, Some(caller("h", 9_000))).await.status, StatusCode::OK);
    assert_eq!(desk.ask("PUT", &line, Some(listener(9_000))).await.status, StatusCode::OK);
    // With its session a line goes, and its port is free.
    let anna = line.trim_end_matches("/line");
    assert_eq!(desk.ask("DELETE", anna, None).await.status, StatusCode::OK);
    assert_eq!(desk.ask("PUT", &other, Some(listener(9_000))).await.status, StatusCode::OK);
    desk.house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_for_managers_and_for_sessions_that_there_are() {
    let desk = Desk::open().await;
    let one = desk.session("Anna").await;
    let body = || Some(json!({ "kind": "srt_listener", "port": 9_000 }));
    let dj = desk.house.sign_in("bert", Role::Dj).await;
    for method in ["PUT", "DELETE"] {
        let path = format!("{one}/line");
        let body = || body().filter(|_| method == "PUT");
        let refused = desk.house.ask(method, &path, Some(&dj), &[], body()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
        let unknown = desk.house.ask(method, &path, None, &[], body()).await;
        assert_eq!(unknown.status, StatusCode::UNAUTHORIZED, "{unknown:?}");
        let nobody = format!("{SESSIONS}/{}/line", grimnir_events::LiveSessionId([7; 16]));
        let missing = desk.ask(method, &nobody, body()).await;
        assert_eq!(
            (missing.status.as_u16(), &missing.body["code"]),
            (404, &json!("live_session_not_found"))
        );
        let elsewhere = nobody.replace("/nord/", "/sued/");
        let missing = desk.ask(method, &elsewhere, body()).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{missing:?}");
        let odd = desk.ask(method, &format!("{SESSIONS}/nobody/line"), body()).await;
        assert!(odd.status.is_client_error() && odd.body["field"] == "session", "{odd:?}");
    }
    assert_eq!(desk.house.ask("GET", &one, Some(&dj), &[], None).await.body["line"], Value::Null);
    desk.house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_recorded_by_managers_and_the_list_of_its_files_is_for_djs() {
    let desk = Desk::open().await;
    let one = desk.session("Anna").await;
    let path = format!("{one}/recording");
    let shown = async || desk.ask("GET", &one, None).await.body["recording"].clone();
    assert_eq!(shown().await, Value::Null, "off unless it is wished");
    assert_eq!(desk.ask("PUT", &path, Some(json!({}))).await.status, StatusCode::OK);
    assert_eq!(
        shown().await,
        json!({ "format": "flac", "bitrate_kbps": 0, "keep_days": 0, "keep_bytes": 0 })
    );
    let opus = json!({ "format": "opus", "bitrate_kbps": 96, "keep_days": 30 });
    assert_eq!(desk.ask("PUT", &path, Some(opus)).await.status, StatusCode::OK);
    assert_eq!(shown().await["keep_days"], 30);
    let cases = [
        (json!({ "format": "vorbis", "bitrate_kbps": 128 }), "bad_live_recording", "format"),
        (json!({ "format": "mp3", "bitrate_kbps": 64 }), "bad_live_recording", "bitrate_kbps"),
        (json!({ "format": "flac", "bitrate_kbps": 1 }), "bad_live_recording", "bitrate_kbps"),
        (json!({ "keep_days": 70_000 }), "invalid_field", "keep_days"),
        (json!({ "folder": "x" }), "unknown_field", "folder"),
    ];
    for (body, code, field) in cases {
        assert_refused(&desk.ask("PUT", &path, Some(body)).await, (422, code, field));
    }
    let dj = desk.house.sign_in("bert", Role::Dj).await;
    let refused = desk.house.ask("PUT", &path, Some(&dj), &[], Some(json!({}))).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    assert_eq!(desk.ask("DELETE", &path, None).await.status, StatusCode::OK);
    assert_eq!(shown().await, Value::Null);

    let files = "/api/v1/stations/nord/live-recordings";
    let listed = desk.house.ask("GET", files, Some(&dj), &[], None).await;
    assert_eq!((listed.status, &listed.body), (StatusCode::OK, &json!([])));
    let refused = desk.ask("GET", &format!("{files}?session=nobody"), None).await;
    assert_eq!(refused.body["field"], "session", "{refused:?}");
    let back = "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z";
    let refused = desk.ask("GET", &format!("{files}?{back}"), None).await;
    assert_eq!((refused.status.as_u16(), &refused.body["field"]), (422, &json!("from")));
    for hash in ["00".repeat(32), "..%2F..%2Fsecrets.json".into(), "zz".into()] {
        let missing = desk.ask("GET", &format!("{files}/{hash}"), None).await;
        assert_refused(&missing, (404, "live_recording_not_found", "sha256"));
    }
    let unknown = desk.house.ask("GET", files, None, &[], None).await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED, "{unknown:?}");
    desk.house.site.close(true).await;
}
