//! A good answer: status, body, and what the ledger has to say about it.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Ledger position after a mutation.
pub const COMMIT_SEQ: HeaderName = HeaderName::from_static("x-commit-seq");
/// Set where the same request was carried out before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The answer to a mutation.
#[derive(Debug)]
pub struct Answer<T> {
    status: StatusCode,
    location: Option<String>,
    done: Done,
    body: T,
}

/// What a mutation came to in the ledger.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    /// Ledger position after it; 0 where it is not recorded yet.
    pub seq: u64,
    /// It was carried out before.
    pub replayed: bool,
}

impl Done {
    /// Both, one after the other.
    pub fn then(self, next: Self) -> Self {
        Self { seq: self.seq.max(next.seq), replayed: self.replayed && next.replayed }
    }
}

impl<T> Answer<T> {
    /// 200.
    pub fn ok(done: Done, body: T) -> Self {
        Self { status: StatusCode::OK, location: None, done, body }
    }
    /// 201, with where the new thing is found.
    pub fn created(done: Done, location: String, body: T) -> Self {
        Self { status: StatusCode::CREATED, location: Some(location), done, body }
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        if self.done.seq > 0 {
            headers.insert(COMMIT_SEQ, HeaderValue::from(self.done.seq));
        }
        if self.done.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        if let Some(Ok(location)) = self.location.map(HeaderValue::try_from) {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}
