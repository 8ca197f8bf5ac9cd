//! Live sessions over HTTP: made with a secret that is told once, shown, put on air, revoked.

mod common;

use axum::http::StatusCode;
use common::House;
use grimnir_events::access::Role;
use serde_json::{Value, json};

const SESSIONS: &str = "/api/v1/stations/nord/live-sessions";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_made_with_a_secret_that_is_told_once_and_kept_nowhere() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    let ask = async |method: &str, path: &str, body: Option<Value>| {
        house.ask(method, path, Some(&token), &[], body).await
    };
    let key = [("idempotency-key", "once")];
    let body = json!({ "name": "Anna", "username": "anna", "take": { "how": "immediate" } });
    let made = house.ask("POST", SESSIONS, Some(&token), &key, Some(body.clone())).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!((&made.body["mount"], &made.body["tier"]), (&json!("/live"), &json!(1)));
    let secret = made.body["secret"].as_str().expect("told").to_owned();
    assert_eq!(secret.len(), 32);
    let again = house.ask("POST", SESSIONS, Some(&token), &key, Some(body)).await;
    assert_eq!(again.status, StatusCode::CREATED, "{again:?}");
    assert_eq!((&again.body["id"], &again.body["secret"]), (&made.body["id"], &Value::Null));

    let listed = ask("GET", SESSIONS, None).await;
    assert_eq!(listed.body.as_array().map(Vec::len), Some(1), "{listed:?}");
    assert!(!listed.body.to_string().contains(&secret));
    let path = format!("{SESSIONS}/{}", made.body["id"].as_str().expect("an id"));
    let shown = ask("GET", &path, None).await;
    assert_eq!((&shown.body["connection"], &shown.body["on_air"]), (&Value::Null, &json!(false)));

    for order in ["handover", "disconnect"] {
        let refused = ask("POST", &format!("{path}/{order}"), Some(json!({}))).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
        assert_eq!(refused.body["code"], "live_not_connected");
    }
    assert_eq!(ask("DELETE", &path, None).await.status, StatusCode::OK);
    let gone = ask("GET", &path, None).await;
    assert_eq!(gone.body["code"], "live_session_not_found", "{gone:?}");
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_by_its_field_and_djs_let_nobody_in() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    let cases = [
        (json!({ "name": "A", "mount": "live" }), "bad_live_mount", "mount"),
        (json!({ "name": "" }), "bad_text", "name"),
        (json!({ "name": "A", "valid_s": 0 }), "invalid_field", "valid_s"),
        (json!({ "name": "A", "valid_s": 9, "account": true }), "invalid_field", "account"),
        (json!({ "name": "A", "from": "2020-01-01T00:00:00Z" }), "bad_window", "until"),
    ];
    for (body, code, field) in cases {
        let reply = house.ask("POST", SESSIONS, Some(&token), &[], Some(body)).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{reply:?}");
        assert_eq!((&reply.body["code"], &reply.body["field"]), (&json!(code), &json!(field)));
    }
    let dj = house.sign_in("bert", Role::Dj).await;
    let body = Some(json!({ "name": "Bert" }));
    let refused = house.ask("POST", SESSIONS, Some(&dj), &[], body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    assert_eq!(house.ask("GET", SESSIONS, Some(&dj), &[], None).await.status, StatusCode::OK);
    house.site.close(true).await;
}
