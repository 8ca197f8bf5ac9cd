//! What a client is told about a bad body, query or header.

use super::*;
use axum::http::Request as HttpRequest;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    #[allow(dead_code)]
    name: String,
    #[serde(default)]
    #[allow(dead_code)]
    slots: Vec<Slot>,
    #[allow(dead_code)]
    limit: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slot {
    #[allow(dead_code)]
    offset_ms: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[allow(dead_code)]
    limit: Option<u32>,
}

fn of_json(text: &str) -> (u16, String, Option<String>) {
    let problem = parse_json::<Sample>(text.as_bytes()).expect_err("is refused");
    shape(&problem)
}

fn shape(problem: &Problem) -> (u16, String, Option<String>) {
    let document = problem.document("/", "cor_0");
    (document.status, document.code, document.field)
}

fn says(status: u16, code: &str, field: &str) -> (u16, String, Option<String>) {
    (status, code.to_owned(), Some(field.to_owned()))
}

#[test]
fn a_bad_field_is_named_by_its_path() {
    assert_eq!(of_json(r#"{"name":7}"#), says(422, "invalid_field", "name"));
    assert_eq!(
        of_json(r#"{"name":"a","slots":[{"offset_ms":1},{"offset_ms":-4}]}"#),
        says(422, "invalid_field", "slots[1].offset_ms")
    );
}

#[test]
fn a_missing_field_is_named() {
    assert_eq!(of_json("{}"), says(422, "missing_required_fields", "name"));
    assert_eq!(
        of_json(r#"{"name":"a","slots":[{}]}"#),
        says(422, "missing_required_fields", "slots[0].offset_ms")
    );
}

#[test]
fn an_unknown_field_is_refused_and_named() {
    assert_eq!(of_json(r#"{"name":"a","nmae":"b"}"#), says(422, "unknown_field", "nmae"));
    assert_eq!(
        of_json(r#"{"name":"a","slots":[{"offset_ms":1,"x":2}]}"#),
        says(422, "unknown_field", "slots[0].x")
    );
}

#[test]
fn a_field_given_twice_is_refused_and_named() {
    assert_eq!(of_json(r#"{"name":"a","name":"b"}"#), says(422, "invalid_field", "name"));
}

#[test]
fn what_is_not_json_is_a_bad_request() {
    for text in ["", "{", "{\"name\":\"a\"} trailing", "\u{0}"] {
        let (status, code, _) = of_json(text);
        assert_eq!((status, code.as_str()), (400, "invalid_json"), "{text:?}");
    }
}

#[test]
fn a_body_of_another_shape_is_refused_without_a_field() {
    assert_eq!(of_json("[]").0, 422);
    assert_eq!(of_json("null"), (422, "invalid_field".into(), None));
}

#[test]
fn a_bad_query_parameter_is_named() {
    let refused = |query: &str| shape(&parse_query::<Query>(query).expect_err("is refused"));
    assert_eq!(refused("limit=ten"), says(422, "invalid_field", "limit"));
    assert_eq!(refused("limit="), says(422, "invalid_field", "limit"));
    assert_eq!(refused("offset=1"), says(422, "unknown_field", "offset"));
    assert_eq!(refused("limit=1&limit=2"), says(422, "invalid_field", "limit"));
    assert!(parse_query::<Query>("").is_ok());
}

async fn body_of(content_type: Option<&str>, body: HttpBody) -> Result<Sample, Problem> {
    let mut request = HttpRequest::builder().method("POST").uri("/");
    if let Some(found) = content_type {
        request = request.header(header::CONTENT_TYPE, found);
    }
    let request = request.body(body).expect("is a request");
    Body::<Sample>::from_request(request, &()).await.map(|Body(sample)| sample)
}

#[tokio::test]
async fn another_content_type_is_refused() {
    for found in [None, Some("text/plain"), Some("multipart/form-data; boundary=x")] {
        let problem = body_of(found, HttpBody::from("{}")).await.expect_err("is refused");
        assert_eq!(shape(&problem), says(415, "unsupported_media_type", "Content-Type"));
    }
    let text = HttpBody::from(r#"{"name":"a"}"#);
    assert!(body_of(Some("Application/JSON; charset=utf-8"), text).await.is_ok());
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let body = HttpBody::from(vec![b' '; JSON_LIMIT_BYTES + 1]);
    let problem = body_of(Some("application/json"), body).await.expect_err("is refused");
    assert_eq!((problem.status().as_u16(), problem.code()), (413, "body_too_large"));
}
