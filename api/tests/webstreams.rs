//! Webstreams over HTTP: made, changed, started, tried out, removed; and what is refused.

mod common;

use axum::http::StatusCode;
use common::House;
use grimnir_events::access::Role;
use serde_json::{Value, json};

const STREAMS: &str = "/api/v1/stations/nord/webstreams";

#[tokio::test(flavor = "multi_thread")]
async fn a_webstream_is_made_changed_asked_of_and_removed() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    let ask = async |method: &str, path: &str, body: Option<Value>| {
        house.ask(method, path, Some(&token), &[], body).await
    };
    let key = [("idempotency-key", "once")];
    let body = json!({
        "name": "Sister", "urls": ["http://a.example/live", "https://b.example/live"],
        "failover": { "stall_ms": 900 },
    });
    let made = house.ask("POST", STREAMS, Some(&token), &key, Some(body.clone())).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let shown = &made.body;
    assert_eq!((&shown["health"], &shown["current_url"]), (&json!("unknown"), &Value::Null));
    assert_eq!(shown["urls"][1]["url"], "https://b.example/live");
    assert_eq!(
        (&shown["failover"]["stall_ms"], &shown["probe"]["interval_s"]),
        (&json!(900), &json!(30))
    );
    let again = house.ask("POST", STREAMS, Some(&token), &key, Some(body)).await;
    assert_eq!((again.status, &again.body["id"]), (StatusCode::CREATED, &shown["id"]));
    assert_eq!(ask("GET", STREAMS, None).await.body.as_array().map(Vec::len), Some(1));

    let path = format!("{STREAMS}/{}", shown["id"].as_str().expect("an id"));
    let patch = json!({ "urls": ["https://b.example/live"], "failover": { "recover": false } });
    let changed = ask("PATCH", &path, Some(patch)).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    let laws = &changed.body["failover"];
    assert_eq!((&laws["stall_ms"], &laws["recover"]), (&json!(900), &json!(false)));
    assert_eq!(changed.body["urls"].as_array().map(Vec::len), Some(1));
    for order in ["start", "stop", "test"] {
        let body = (order == "start").then(|| json!({ "seconds": 600 }));
        let done = ask("POST", &format!("{path}/{order}"), body).await;
        assert_eq!(done.status, StatusCode::OK, "{order}: {done:?}");
    }
    let off = ask("PATCH", &path, Some(json!({ "enabled": false }))).await;
    assert_eq!(off.body["enabled"], false, "{off:?}");
    let refused = ask("POST", &format!("{path}/start"), Some(json!({}))).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::CONFLICT, &json!("webstream_disabled"))
    );
    assert_eq!(ask("DELETE", &path, None).await.status, StatusCode::OK);
    let gone = ask("GET", &path, None).await;
    assert_eq!(gone.body["code"], "webstream_not_found", "{gone:?}");
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_its_field_and_djs_make_none() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    let url = "http://a.example/";
    let cases = [
        (json!({ "name": "A", "urls": [] }), "bad_webstream_url", "urls"),
        (json!({ "name": "A", "urls": ["file:///etc/passwd"] }), "bad_webstream_url", "urls"),
        (
            json!({ "name": "A", "urls": ["http://u:secret@a.example/"] }),
            "bad_webstream_url",
            "urls",
        ),
        (json!({ "name": "", "urls": [url] }), "bad_text", "name"),
        (
            json!({ "name": "A", "urls": [url], "probe": { "interval_s": 1 } }),
            "setting_out_of_range",
            "probe.interval_s",
        ),
    ];
    for (body, code, field) in cases {
        let reply = house.ask("POST", STREAMS, Some(&token), &[], Some(body)).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{reply:?}");
        assert_eq!((&reply.body["code"], &reply.body["field"]), (&json!(code), &json!(field)));
        assert!(!reply.body.to_string().contains("secret"), "{reply:?}");
    }
    let dj = house.sign_in("bert", Role::Dj).await;
    let body = Some(json!({ "name": "B", "urls": [url] }));
    let refused = house.ask("POST", STREAMS, Some(&dj), &[], body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    assert_eq!(house.ask("GET", STREAMS, Some(&dj), &[], None).await.status, StatusCode::OK);
    house.site.close(true).await;
}
