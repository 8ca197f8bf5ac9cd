//! What is taken out of a request, with a problem document for whatever is wrong with it.

use crate::problem::Problem;
use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::BytesMut;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// Largest JSON body: a playlist of 2,000 items needs about 80 KiB.
pub const JSON_LIMIT_BYTES: usize = 1024 * 1024;
/// A JSON body that takes longer is given up; 1 MiB in 10 s is slower than a modem line.
const JSON_TIME_LIMIT: Duration = Duration::from_secs(10);

/// A JSON body.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_json(request.headers())?;
        let read = read_limited(request.into_body());
        let bytes = tokio::time::timeout(JSON_TIME_LIMIT, read).await.map_err(|_| {
            let seconds = JSON_TIME_LIMIT.as_secs();
            let detail = format!("the body did not arrive within {seconds} s");
            Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail)
        })??;
        parse_json(&bytes).map(Self)
    }
}

fn check_json(headers: &HeaderMap) -> Result<(), Problem> {
    let found = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let essence = found.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if essence == "application/json" {
        return Ok(());
    }
    let detail = format!("content type is \"{}\", expected application/json", cut(found));
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
        .field("Content-Type"))
}

async fn read_limited(body: HttpBody) -> Result<BytesMut, Problem> {
    let mut stream = body.into_data_stream();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|e| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid_json", format!("body broke off: {e}"))
        })?;
        if bytes.len() + chunk.len() > JSON_LIMIT_BYTES {
            let detail = format!("body is over {JSON_LIMIT_BYTES} bytes");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Reads JSON and names the field that is wrong.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => field_problem(&path, &inner.to_string()),
            _ => broken_json(&inner),
        }
    })?;
    reader.end().map_err(|error| broken_json(&error))?;
    Ok(value)
}

fn broken_json(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_json", format!("body is not JSON: {error}"))
}

/// Turns serde's words for missing, unknown and bad fields into a problem that names the field.
fn field_problem(path: &str, message: &str) -> Problem {
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    let root = if path == "." { "" } else { path };
    let under = |name: &str| {
        if root.is_empty() || root == name || root.ends_with(&format!(".{name}")) {
            if root.is_empty() { name.to_owned() } else { root.to_owned() }
        } else {
            format!("{root}.{name}")
        }
    };
    let quoted = |prefix: &str| {
        message.strip_prefix(prefix).and_then(|rest| rest.split('`').next()).map(under)
    };
    if let Some(field) = quoted("missing field `") {
        let detail = format!("{field} is missing");
        return Problem::new(unprocessable, "missing_required_fields", detail).field(field);
    }
    if let Some(field) = quoted("unknown field `") {
        return Problem::new(unprocessable, "unknown_field", message).field(field);
    }
    let field = quoted("duplicate field `").unwrap_or_else(|| root.to_owned());
    let problem = Problem::new(unprocessable, "invalid_field", message);
    if field.is_empty() { problem } else { problem.field(field) }
}

/// Query parameters; unknown ones are refused.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse_query(parts.uri.query().unwrap_or("")).map(Self)
    }
}

/// Reads query parameters and names the one that is wrong.
pub fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let reader = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let path = error.path().to_string();
        field_problem(&path, &error.into_inner().to_string())
    })
}

/// When the request came in: the accept of its connection for the first one, else its head.
#[derive(Clone, Copy, Debug)]
pub struct AcceptedAt(pub Instant);

impl<S: Send + Sync> FromRequestParts<S> for AcceptedAt {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_else(|| Self(Instant::now())))
    }
}

/// Where the connection comes from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let unknown = Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(parts.extensions.get().copied().unwrap_or(unknown))
    }
}

/// Reads a field that may be null but may not be left out.
pub fn present<'de, T, D>(reader: D) -> Result<Option<T>, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    serde::Deserialize::deserialize(reader)
}

/// At most 80 characters of what a client sent, for an error text.
pub fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
