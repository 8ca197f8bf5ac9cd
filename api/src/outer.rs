//! What every request gets, whatever it asks: a correlation id, a span, a count, and a problem
//! document where something went wrong, panics included.

use crate::metrics::Metrics;
use crate::problem::Problem;
use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use grimnir_events::CorrelationId;
use std::any::Any;
use std::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

/// Names the conversation; taken from the request where it is a correlation id, else fresh.
pub const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");

/// Marks an answer that is sent as it is, whatever its status: a protocol of its own.
#[derive(Clone, Copy, Debug)]
pub struct Verbatim;

/// Puts the outer layers around all routes.
pub fn wrap(router: Router, metrics: Metrics) -> Router {
    let panics = metrics.panics.clone();
    router
        .fallback(no_route)
        .layer(CatchPanicLayer::custom(move |panic: Box<dyn Any + Send>| {
            panics.inc();
            caught(panic.as_ref())
        }))
        .layer(from_fn_with_state(metrics, around))
}

async fn no_route(request: Request) -> Problem {
    let path = crate::extract::cut(request.uri().path());
    Problem::new(StatusCode::NOT_FOUND, "route_not_found", format!("there is no route {path}"))
}

fn caught(panic: &(dyn Any + Send)) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
    tracing::error!(panic = text, "a handler panicked");
    // What the panic says is for the trace, not for the client.
    let detail = "the request met a fault in the program; it is traced under the correlation id";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_fault", detail).into_response()
}

async fn around(State(metrics): State<Metrics>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let correlation = request
        .headers()
        .get(CORRELATION)
        .and_then(|found| found.to_str().ok()?.parse().ok())
        .unwrap_or_else(|| CorrelationId(uuid::Uuid::new_v4().into_bytes()));
    request.extensions_mut().insert(correlation);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("none", |route| route.as_str());
    let span = tracing::info_span!(
        "request", http.method = %method, http.route = route, correlation.id = %correlation
    );
    let answering = next.run(request).instrument(span.clone());
    let response =
        if method.is_safe() { answering.await } else { carried_through(answering).await };
    let mut response = with_document(response, &path, &correlation.to_string());
    let status = response.status();
    metrics.answered(&method, route, status, started.elapsed());
    let _entered = span.enter();
    if status.is_server_error() {
        tracing::warn!(outcome = status.as_u16(), "answered");
    } else {
        tracing::debug!(outcome = status.as_u16(), "answered");
    }
    if let Ok(value) = HeaderValue::try_from(correlation.to_string()) {
        response.headers_mut().insert(CORRELATION, value);
    }
    response
}

/// Carries a mutation to its end even where the client goes meanwhile: what has begun (a secret
/// stored, a station without its mount yet) is not left half done.
async fn carried_through(answering: impl Future<Output = Response> + Send + 'static) -> Response {
    match tokio::spawn(answering).await {
        Ok(response) => response,
        Err(error) => {
            // Panics of handlers are caught further in; what is left is the end of the runtime.
            tracing::error!(outcome = %error, "a request was not carried through");
            of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
    }
}

/// Gives every error its document; headers that are there already (`Allow`) stay.
fn with_document(mut response: Response, path: &str, correlation: &str) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    if response.extensions_mut().remove::<Verbatim>().is_some() {
        return response;
    }
    let stated = response.extensions_mut().remove::<Problem>();
    if stated.is_none() && response.headers().get(header::CONTENT_TYPE).is_some_and(is_json) {
        // `/readyz` says no with a body of its own.
        return response;
    }
    let problem = stated.unwrap_or_else(|| of_status(status));
    let document = problem.document(path, correlation);
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let kind = HeaderValue::from_static("application/problem+json");
    parts.headers.insert(header::CONTENT_TYPE, kind);
    let body = serde_json::to_vec(&document).unwrap_or_default();
    Response::from_parts(parts, Body::from(body))
}

fn is_json(kind: &HeaderValue) -> bool {
    kind.as_bytes().starts_with(b"application/json")
}

/// The problem for an error that the framework answered by itself.
fn of_status(status: StatusCode) -> Problem {
    let (code, detail) = match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method_not_allowed", "the route does not take this method; see the Allow header")
        }
        StatusCode::NOT_FOUND => ("route_not_found", "there is no such route"),
        StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "the body is too large"),
        StatusCode::UPGRADE_REQUIRED => {
            ("websocket_expected", "this route takes WebSocket connections only")
        }
        _ if status.is_server_error() => ("operation_failed", "the request could not be served"),
        _ => ("bad_request", "the request cannot be understood"),
    };
    Problem::new(status, code, detail)
}

#[cfg(test)]
mod tests;
