//! `docs/openapi.json` is what the routes say.

use serde_json::Value;
use std::collections::BTreeSet;

const STALE: &str = "docs/openapi.json is stale; make it again: \
    cargo run -p grimnir-api --example openapi > docs/openapi.json";

#[test]
fn the_document_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    // Not assert_eq: two documents side by side help nobody.
    assert!(stored == grimnir_api::openapi_json(), "{STALE}");
}

fn operations() -> Vec<(String, String, Value)> {
    let document: Value = serde_json::from_str(&grimnir_api::openapi_json()).expect("is JSON");
    let paths = document["paths"].as_object().expect("has paths").clone();
    let mut found = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("has methods") {
            found.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

#[test]
fn every_route_says_what_it_does_and_what_it_answers() {
    for (method, path, operation) in operations() {
        let said = operation["summary"].as_str().or(operation["description"].as_str());
        assert!(said.is_some_and(|text| !text.is_empty()), "{method} {path} says what it does");
        assert!(operation["responses"].is_object(), "{method} {path} says what it answers");
    }
}

#[test]
fn every_reference_leads_to_a_schema() {
    let document: Value = serde_json::from_str(&grimnir_api::openapi_json()).expect("is JSON");
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    for reference in references {
        let name = reference.strip_prefix("#/components/schemas/").expect("is a schema");
        assert!(document["components"]["schemas"][name].is_object(), "{name} is described");
    }
}

fn collect(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                into.insert(reference.clone());
            }
            fields.values().for_each(|value| collect(value, into));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
        _ => {}
    }
}
