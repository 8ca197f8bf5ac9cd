//! What every client gets, whatever it asks.

use super::*;
use axum::routing::get;
use tower::ServiceExt;

fn app() -> (Router, Metrics) {
    let metrics = Metrics::new().expect("names are valid");
    let router = Router::new()
        .route("/fine", get(|| async { "fine" }))
        .route("/things/{id}", get(|| async { Problem::missing("station_id_required", "a") }))
        .route("/panics", get(panics));
    (wrap(router, metrics.clone()), metrics)
}

async fn panics() -> &'static str {
    panic!("a secret of the program")
}

async fn ask(app: &Router, method: &str, path: &str, correlation: Option<&str>) -> Response {
    let mut request = axum::http::Request::builder().method(method).uri(path);
    if let Some(id) = correlation {
        request = request.header(CORRELATION, id);
    }
    let request = request.body(Body::empty()).expect("is a request");
    app.clone().oneshot(request).await.expect("answers")
}

async fn document(response: Response) -> serde_json::Value {
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    serde_json::from_slice(&bytes).expect("is JSON")
}

#[tokio::test]
async fn an_unknown_route_is_a_problem_document() {
    let (app, _) = app();
    let response = ask(&app, "GET", "/nowhere", None).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let found = document(response).await;
    assert_eq!(found["code"], "route_not_found");
    assert_eq!(found["error"], "route_not_found");
    assert_eq!(found["type"], "/docs/errors/route_not_found");
    assert_eq!(found["instance"], "/nowhere");
    assert_eq!(found["status"], 404);
    assert!(found.get("field").is_none());
}

#[tokio::test]
async fn a_wrong_method_is_a_problem_document_that_says_which_are_right() {
    let (app, _) = app();
    let response = ask(&app, "POST", "/fine", None).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "GET,HEAD");
    assert_eq!(document(response).await["code"], "method_not_allowed");
}

#[tokio::test]
async fn a_panic_is_answered_and_counted_and_keeps_its_words_to_itself() {
    let (app, metrics) = app();
    let response = ask(&app, "GET", "/panics", None).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let found = document(response).await;
    assert_eq!(found["code"], "internal_fault");
    assert!(!found.to_string().contains("secret"));
    assert_eq!(metrics.panics.get(), 1);
}

#[tokio::test]
async fn a_correlation_id_is_echoed_where_it_is_one_and_made_where_it_is_not() {
    let (app, _) = app();
    let good = "cor_000102030405060708090a0b0c0d0e0f";
    let response = ask(&app, "GET", "/things/1", Some(good)).await;
    assert_eq!(response.headers()[CORRELATION], good);
    assert_eq!(document(response).await["correlation_id"], good);
    for bad in ["", "cor_1", "<script>"] {
        let response = ask(&app, "GET", "/fine", Some(bad)).await;
        let made = response.headers()[CORRELATION].to_str().expect("is text").to_owned();
        assert!(made.starts_with("cor_") && made.len() == good.len(), "{made}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_the_routes_template() {
    let (app, metrics) = app();
    for n in 0..3 {
        ask(&app, "GET", &format!("/things/{n}"), None).await;
    }
    ask(&app, "GET", "/no/such/route", None).await;
    let text = metrics.text(Vec::new()).expect("encodes");
    assert!(text.contains("route=\"/things/{id}\",status=\"422\"} 3"), "{text}");
    assert!(text.contains("route=\"none\",status=\"404\"} 1"), "{text}");
}

#[tokio::test]
async fn a_mutation_goes_on_where_its_client_has_gone() {
    let (entered, mut inside) = tokio::sync::mpsc::channel::<()>(1);
    let (done, mut ended) = tokio::sync::mpsc::channel::<()>(1);
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let held = gate.clone();
    let slow = move || {
        let (entered, done, held) = (entered.clone(), done.clone(), held.clone());
        async move {
            entered.send(()).await.expect("is awaited");
            let _permit = held.acquire().await.expect("is open");
            done.send(()).await.expect("is awaited");
        }
    };
    let router = Router::new().route("/slow", axum::routing::post(slow));
    let app = wrap(router, Metrics::new().expect("names are valid"));
    let client = tokio::spawn(async move { ask(&app, "POST", "/slow", None).await });
    inside.recv().await.expect("is inside");
    client.abort();
    assert!(client.await.is_err_and(|e| e.is_cancelled()));
    gate.add_permits(1);
    ended.recv().await.expect("is carried through");
}
