//! The routes over a real site: what is made is shown, repeated requests are answered once.

mod common;

use axum::http::StatusCode;
use common::{House, PASSWORD};
use grimnir_events::access::Role;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_station_is_made_shown_and_changed() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    let made = house.station(&token, "Radio Nord").await;
    assert_eq!(made["slug"], "radio-nord");
    assert_eq!(made["timezone"], "Europe/Berlin");
    assert_eq!(made["mounts"][0]["path"], "/radio-nord.mp3");
    assert_eq!(made["on_air"], false);
    let id = made["id"].as_str().expect("has an id");
    for name in [id, "radio-nord"] {
        let path = format!("/api/v1/stations/{name}");
        let shown = house.ask("GET", &path, Some(&token), &[], None).await;
        assert_eq!(shown.body["id"], made["id"]);
    }
    let patch = json!({ "name": "Nord", "settings": { "crossfade_ms": 1500 } });
    let path = "/api/v1/stations/radio-nord";
    let reply = house.ask("PATCH", path, Some(&token), &[], Some(patch)).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert_eq!(reply.body["name"], "Nord");
    assert_eq!(reply.body["settings"]["crossfade_ms"], 1500);
    assert_eq!(reply.body["settings"]["sign_off_ms"], made["settings"]["sign_off_ms"]);
    assert!(reply.headers.contains_key("x-commit-seq"));
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_leads_to_one_commit_and_the_same_answer() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    let key = [("Idempotency-Key", "k-1")];
    let body = json!({ "name": "Nord", "time_zone": "UTC" });
    let path = "/api/v1/stations";
    let first = house.ask("POST", path, Some(&token), &key, Some(body.clone())).await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let head = house.site.head().await.seq;
    let again = house.ask("POST", path, Some(&token), &key, Some(body)).await;
    assert_eq!((again.status, &again.body), (StatusCode::CREATED, &first.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.headers["x-commit-seq"], first.headers["x-commit-seq"]);
    assert_eq!(house.site.head().await.seq, head);
    let other = json!({ "name": "Nord", "time_zone": "Europe/Paris" });
    let reused = house.ask("POST", path, Some(&token), &key, Some(other)).await;
    assert_eq!(reused.status, StatusCode::CONFLICT);
    assert_eq!(reused.body["code"], "idempotency_key_reused");
    let second = json!({ "name": "Nord", "time_zone": "UTC" });
    let taken = house.ask("POST", path, Some(&token), &[], Some(second)).await;
    assert_eq!((taken.status, &taken.body["code"]), (StatusCode::CONFLICT, &json!("slug_taken")));
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn playlists_and_clocks_are_made_replaced_and_removed_once() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    let body = json!({ "station_id": "nord", "name": "Morning", "items": [] });
    let made = house.ask("POST", "/api/v1/playlists", Some(&token), &[], Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let list = made.body["id"].as_str().expect("has an id");
    let path = made.headers["location"].to_str().expect("is text").to_owned();
    let slots = json!([
        { "offset_ms": 0, "type": "playlist", "playlist_id": list },
        { "offset_ms": 1_800_000, "start": "hard", "type": "category", "category": "gold" },
    ]);
    let body = json!({ "station_id": "nord", "name": "Day", "slots": slots, "default": true });
    let clock = house.ask("POST", "/api/v1/clocks", Some(&token), &[], Some(body)).await;
    assert_eq!(clock.status, StatusCode::CREATED, "{clock:?}");
    assert_eq!(clock.body["default"], true);
    assert_eq!(clock.body["slots"][1]["start"], "hard");
    let shown = house.ask("GET", "/api/v1/stations/nord", Some(&token), &[], None).await;
    assert_eq!(shown.body["default_clock_id"], clock.body["id"]);
    let key = [("Idempotency-Key", "gone")];
    for replayed in [false, true] {
        let gone = house.ask("DELETE", &path, Some(&token), &key, None).await;
        assert_eq!((gone.status, &gone.body["id"]), (StatusCode::OK, &json!(list)), "{gone:?}");
        assert_eq!(gone.headers.contains_key("idempotent-replayed"), replayed);
    }
    let missing = house.ask("DELETE", &path, Some(&token), &[], None).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.body["code"], "playlist_not_found");
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_hold_every_kind_of_slot_and_legal_ids_have_a_rule() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    let product = json!({ "fields": [{ "field": { "custom": "product" }, "sec": 900 }] });
    let stopset = json!({ "category": "spots", "length_ms": 90_000, "separation": product });
    let slots = json!([
        { "type": "category", "items": 2 },
        { "type": "imaging", "role": "sweeper" },
        { "type": "voice_track", "track": "link" },
        { "offset_ms": 1_200_000, "type": "stopset", "stopset": stopset },
    ]);
    let body = json!({ "station_id": "nord", "name": "Day", "slots": slots, "min_airtime_ms": 9 });
    let ask = async |method, path: &str, body| {
        house.ask(method, path, Some(&token), &[], Some(body)).await
    };
    let made = ask("POST", "/api/v1/clocks", body.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let path = made.headers["location"].to_str().expect("is text").to_owned();
    let shown = house.ask("GET", &path, Some(&token), &[], None).await.body;
    assert_eq!(shown["min_airtime_ms"], 9);
    assert_eq!(
        (&shown["slots"][0]["items"], &shown["slots"][0]["offset_ms"]),
        (&json!(2), &json!(null))
    );
    assert_eq!(shown["slots"][3]["stopset"]["length_ms"], 90_000);
    let mut bad = body.clone();
    bad["slots"][3]["stopset"]["length_ms"] = json!(5);
    let refused = ask("PUT", &path, bad).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.body["code"], "clock_slot_value");
    let detail = "slots[3].stopset.length_ms is 5, expected 1000 to 3600000";
    assert_eq!(refused.body["detail"], detail);

    let rule = "/api/v1/stations/nord/legal-id";
    let before = house.ask("GET", rule, Some(&token), &[], None).await.body;
    assert_eq!(before["enabled"], false);
    let set = ask("PUT", rule, json!({ "before_ms": 60_000 })).await;
    assert_eq!(set.status, StatusCode::OK, "{set:?}");
    let after = house.ask("GET", rule, Some(&token), &[], None).await.body;
    assert_eq!((&after["enabled"], &after["before_ms"]), (&json!(true), &json!(60_000)));
    assert_eq!(after["after_ms"], 300_000);
    let far = ask("PUT", rule, json!({ "after_ms": 1_800_001 })).await;
    assert_eq!(far.body["code"], "clock_slot_value");

    let hour = "2030-01-01T10:00:00Z";
    let track = json!({ "station_id": "nord", "hour": hour, "track": "none", "media_id": null });
    let open = ask("PUT", "/api/v1/voice-tracks", track).await;
    assert_eq!(open.status, StatusCode::OK, "open it was and is: {open:?}");
    let nobody = "med_01010101010101010101010101010101";
    let track = json!({ "station_id": "nord", "hour": hour, "track": "link", "media_id": nobody });
    let unknown = ask("PUT", "/api/v1/voice-tracks", track).await;
    assert_eq!(unknown.body["code"], "media_not_found", "{unknown:?}");
    let listed = house.ask("GET", "/api/v1/voice-tracks?station_id=nord", Some(&token), &[], None);
    assert_eq!(listed.await.body, json!([]));
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_may_do_what_it_may_and_no_more() {
    let house = House::open().await;
    let admin = house.sign_in("anna", Role::Admin).await;
    let dj = house.sign_in("ben", Role::Dj).await;
    house.station(&admin, "Nord").await;
    let refused = [
        ("POST", "/api/v1/users"),
        ("GET", "/api/v1/users"),
        ("POST", "/api/v1/stations"),
        ("POST", "/api/v1/stations/nord/start"),
        ("POST", "/api/v1/playlists"),
        ("PUT", "/api/v1/stations/nord/default-clock"),
        ("POST", "/api/v1/schedule/refresh"),
        ("POST", "/api/v1/priority/emergency"),
    ];
    for (method, path) in refused {
        let reply = house.ask(method, path, Some(&dj), &[], Some(json!({}))).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{method} {path}: {reply:?}");
        assert_eq!(reply.body["code"], "insufficient_role");
    }
    let listed = house.ask("GET", "/api/v1/users", Some(&admin), &[], None).await;
    assert_eq!(listed.body.as_array().map(Vec::len), Some(2));
    assert!(!listed.body.to_string().contains("anna"), "names stay sealed");
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_and_attempts_are_limited() {
    let house = House::open().await;
    house.sign_in("anna", Role::Admin).await;
    let attempts = grimnir_api::ApiConfig::default().sign_in_burst;
    for _ in 0..attempts {
        let reply = house.login("anna", "wrong password").await;
        if reply.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert_eq!(reply.body["code"], "invalid_credentials");
    }
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_station_says_so_everywhere() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    let station = house.station(&token, "Nord").await;
    let public =
        house.ask("GET", "/api/v1/public/now-playing?station_id=nord", None, &[], None).await;
    assert_eq!((public.status, &public.body["status"]), (StatusCode::OK, &json!("idle")));
    assert_eq!(public.body["station_id"], station["id"]);
    for path in [
        "/api/v1/schedule?station_id=nord",
        "/api/v1/analytics/as-run?station_id=nord",
        "/api/v1/stations/nord/recordings",
        "/api/v1/priority/active?station_id=nord",
        "/api/v1/priority/active",
        "/api/v1/playlists?station_id=nord",
        "/api/v1/clocks?station_id=nord",
    ] {
        let reply = house.ask("GET", path, Some(&token), &[], None).await;
        assert_eq!((reply.status, &reply.body), (StatusCode::OK, &json!([])), "{path}");
    }
    let media = house.ask("GET", "/api/v1/media?station_id=nord", Some(&token), &[], None).await;
    assert_eq!(media.body, json!({ "items": [], "next_cursor": null }));
    let skip = json!({ "station_id": "nord" });
    let skip = house.ask("POST", "/api/v1/playout/skip", Some(&token), &[], Some(skip)).await;
    assert_eq!((skip.status, &skip.body["code"]), (StatusCode::CONFLICT, &json!("nothing_on_air")));
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_readiness_metrics_and_documents_need_no_token() {
    let house = House::open().await;
    let health = house.ask("GET", "/healthz", None, &[], None).await;
    assert_eq!(health.body, json!({ "status": "ok" }));
    let ready = house.ask("GET", "/readyz", None, &[], None).await;
    assert_eq!(ready.body["durability"], "fsync_local", "{ready:?}");
    assert_eq!(ready.body["ledger_writable"], true);
    assert_eq!(ready.status, StatusCode::OK);
    let metrics = house.ask("GET", "/metrics", None, &[], None).await;
    let text = metrics.body.as_str().expect("is text").to_owned();
    assert!(text.contains("grimnir_panics_total 0"), "{text}");
    let document = house.ask("GET", "/api/v1/openapi.json", None, &[], None).await;
    assert!(document.body["paths"]["/api/v1/stations"].is_object());
    let page = house.ask("GET", "/docs/errors/busy", None, &[], None).await;
    assert!(page.body.as_str().is_some_and(|text| text.starts_with("# ")), "{page:?}");
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_registered_once_and_can_sign_in() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    let key = [("Idempotency-Key", "ben")];
    let body = json!({ "username": "ben", "password": PASSWORD, "role": "dj" });
    let mut answers: Vec<Value> = Vec::new();
    for replayed in [false, true] {
        let reply =
            house.ask("POST", "/api/v1/users", Some(&token), &key, Some(body.clone())).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
        assert_eq!(reply.headers.contains_key("idempotent-replayed"), replayed);
        answers.push(reply.body);
    }
    assert_eq!(answers[0], answers[1]);
    let taken = house.ask("POST", "/api/v1/users", Some(&token), &[], Some(body)).await;
    assert_eq!((taken.status, &taken.body["field"]), (StatusCode::CONFLICT, &json!("username")));
    assert_eq!(taken.body["code"], "username_taken");
    let signed_in = house.login("ben", PASSWORD).await;
    assert_eq!(signed_in.body["role"], "dj");
    assert_eq!(signed_in.body["expires_in"], 900);
    assert_eq!(signed_in.body["user_id"], answers[0]["id"]);
    house.site.close(true).await;
}
