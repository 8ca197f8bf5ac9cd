//! The page of every problem code: `docs/errors/<code>.md`, built in and served.
//!
//! A code without its page does not compile; a page without its code fails a test.

use crate::problem::Problem;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

macro_rules! pages {
    ($($code:literal,)*) => {
        &[$(($code, include_str!(concat!("../../docs/errors/", $code, ".md"))),)*]
    };
}

/// Codes and their pages, by code.
const PAGES: &[(&str, &str)] = pages![
    "bad_request",
    "body_too_large",
    "busy",
    "claim_not_found",
    "clock_not_found",
    "closing",
    "cursor_ahead",
    "engine_failed",
    "file_required",
    "file_too_large",
    "idempotency_key_reused",
    "insufficient_role",
    "internal_fault",
    "invalid_credentials",
    "invalid_cursor",
    "invalid_field",
    "invalid_id",
    "invalid_idempotency_key",
    "invalid_json",
    "invalid_multipart",
    "ledger_unavailable",
    "media_id_required",
    "media_not_found",
    "method_not_allowed",
    "missing_required_fields",
    "not_ready",
    "operation_failed",
    "outcome_unknown",
    "playlist_not_found",
    "request_timeout",
    "route_not_found",
    "slug_taken",
    "station_id_required",
    "station_not_found",
    "storage_full",
    "too_many_sign_ins",
    "unauthorized",
    "unknown_field",
    "unsupported_media_type",
    "websocket_expected",
];

fn page(code: &str) -> Option<&'static str> {
    let at = PAGES.binary_search_by_key(&code, |(code, _)| code).ok()?;
    PAGES.get(at).map(|(_, page)| *page)
}

/// What a code means, in a few words: the heading of its page.
pub fn title(code: &str) -> Option<&'static str> {
    page(code)?.lines().next()?.strip_prefix("# ")
}

/// Answers a code's page.
pub async fn show(Path(code): Path<String>) -> Result<Response, Problem> {
    let found = page(code.strip_suffix(".md").unwrap_or(&code)).ok_or_else(|| {
        let detail = format!("there is no problem code \"{}\"", crate::extract::cut(&code));
        Problem::new(StatusCode::NOT_FOUND, "route_not_found", detail).field("code")
    })?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], found).into_response())
}

#[cfg(test)]
mod tests;
