//! Smart blocks and planning rules over HTTP: made, shown, refused by the key that is wrong.

mod common;

use axum::http::StatusCode;
use common::House;
use grimnir_events::access::Role;
use serde_json::{Value, json};

const BLOCKS: &str = "/api/v1/smart-blocks";

fn by_label(label: &str) -> Value {
    let rule = json!({ "field": "label", "op": "is", "value": label });
    json!({ "include": [{ "rules": [rule] }], "separation": { "artist_sec": 1800 } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_made_shown_replaced_and_removed() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    let station = house.station(&token, "Nord").await;
    let ask = async |method: &str, path: &str, body: Option<Value>| {
        house.ask(method, path, Some(&token), &[], body).await
    };
    let body = json!({ "station_id": "nord", "name": "Pop", "rules": by_label("Fat Possum") });
    let made = ask("POST", BLOCKS, Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.body["station_id"], station["id"]);
    assert_eq!(made.body["rules"]["include"][0]["rules"][0]["value"], "Fat Possum");
    assert_eq!(made.body["rules"]["duration"]["strategy"], "over");
    let path = format!("{BLOCKS}/{}", made.body["id"].as_str().expect("an id"));
    assert_eq!(ask("GET", &path, None).await.body, made.body);
    let body = json!({ "name": "Rock", "description": "d", "rules": by_label("4AD") });
    let replaced = ask("PUT", &path, Some(body)).await;
    assert_eq!(replaced.status, StatusCode::OK, "{replaced:?}");
    let listed = ask("GET", &format!("{BLOCKS}?station_id=nord"), None).await;
    assert_eq!(listed.body, json!([replaced.body]));
    assert_eq!(listed.body[0]["rules"]["include"][0]["rules"][0]["value"], "4AD");
    let removed = ask("DELETE", &path, None).await;
    assert_eq!(removed.status, StatusCode::OK, "{removed:?}");
    let gone = ask("GET", &path, None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(gone.body["code"], "smart_block_not_found");
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_rule_is_refused_and_named() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    let number =
        json!({ "include": [{ "rules": [{ "field": "bpm", "op": "is", "value": "x" }] }] });
    let unknown = json!({ "order": "loudest" });
    let quota = json!({ "quotas": [{ "field": "mood", "values": ["calm"] }] });
    let cases = [
        (number, "smart_block_rules", "rules.include[0].rules[0].value"),
        (unknown, "invalid_field", "rules.order"),
        (quota, "smart_block_rules", "rules.quotas[0].max"),
    ];
    for (rules, code, field) in cases {
        let body = json!({ "station_id": "nord", "name": "Pop", "rules": rules });
        let reply = house.ask("POST", BLOCKS, Some(&token), &[], Some(body)).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{reply:?}");
        assert_eq!((&reply.body["code"], &reply.body["field"]), (&json!(code), &json!(field)));
    }
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn planning_rules_are_shown_as_they_were_set() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    let path = "/api/v1/stations/nord/planning-rules";
    let before = house.ask("GET", path, Some(&token), &[], None).await;
    assert_eq!(before.body["performance_complement"], false, "{before:?}");
    let body = json!({
        "performance_complement": true,
        "separation": { "fields": [{ "field": "composer", "sec": 600 }] },
    });
    let set = house.ask("PUT", path, Some(&token), &[], Some(body)).await;
    assert_eq!(set.status, StatusCode::OK, "{set:?}");
    assert_eq!(house.ask("GET", path, Some(&token), &[], None).await.body, set.body);
    assert_eq!(set.body["separation"]["fields"][0]["sec"], 600);
    let body = json!({ "separation": { "fields": [{ "field": "bpm", "sec": 600 }] } });
    let refused = house.ask("PUT", path, Some(&token), &[], Some(body)).await;
    assert_eq!(refused.body["field"], "separation.fields[0].field", "{refused:?}");
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_without_items_yields_none_and_says_so() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    let body = json!({ "station_id": "nord", "name": "Pop", "rules": by_label("4AD") });
    let made = house.ask("POST", BLOCKS, Some(&token), &[], Some(body)).await;
    let path = format!("{BLOCKS}/{}", made.body["id"].as_str().expect("an id"));
    let ask = async |what: &str, body: Value| {
        let path = format!("{path}/{what}");
        house.ask("POST", &path, Some(&token), &[], Some(body)).await
    };
    let tried = ask("materialize", json!({ "seed": 7, "duration_ms": 60_000 })).await;
    assert_eq!(tried.status, StatusCode::OK, "{tried:?}");
    assert_eq!((&tried.body["items"], &tried.body["seed"]), (&json!([]), &json!(7)));
    assert_eq!(tried.body["exhausted"], true, "{tried:?}");
    let tested = ask("test", json!({})).await;
    assert_eq!((&tested.body["library"], &tested.body["matching"]), (&json!(0), &json!(0)));
    let long = ask("materialize", json!({ "duration_ms": 86_400_001 })).await;
    assert_eq!(long.body["field"], "duration_ms", "{long:?}");
    let line = "/api/v1/schedule/lin_00000000000000000000000000000001/explain";
    let unknown = house.ask("GET", line, Some(&token), &[], None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{unknown:?}");
    house.site.close(true).await;
}
