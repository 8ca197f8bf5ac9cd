//! The one shape of bad news: a problem document with a stable code (RFC 9457).
//!
//! A handler answers a [`Problem`]; the outermost layer prints it, because only there path and
//! correlation id are known.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use grimnir_actors::CommandError;
use grimnir_rules::RejectClass;
use serde::Serialize;
use std::borrow::Cow;

/// Why a request was not answered as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: String,
    field: Option<String>,
    retry_after_s: Option<u32>,
}

/// A problem document as it is sent (`application/problem+json`).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemDocument {
    /// Where the code is explained: `/docs/errors/<code>`.
    pub r#type: String,
    /// What went wrong, the same for every problem of this code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What went wrong this time: the thing, the value found, the limit.
    pub detail: String,
    /// Stable snake_case code.
    pub code: String,
    /// The same code, for clients that look for `error`.
    pub error: String,
    /// The field, parameter or header at fault, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Path of the request.
    pub instance: String,
    /// The conversation; quote it when asking for help.
    pub correlation_id: String,
}

impl Problem {
    /// A problem with a status and a code that has a page in `docs/errors`.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, code: code.into(), detail: detail.into(), field: None, retry_after_s: None }
    }
    /// The same, naming the field at fault.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
    /// The same, saying when to ask again.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
    /// A value that cannot be taken (422).
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", detail).field(field)
    }
    /// A value that is not there (422).
    pub fn missing(code: &'static str, field: impl Into<String>) -> Self {
        let field = field.into();
        let detail = format!("{field} is missing");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).field(field)
    }
    /// Something that is not there (404).
    pub fn not_found(
        code: &'static str,
        field: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail).field(field)
    }
    /// A text that is not the id it was taken for (400).
    pub fn invalid_id(field: impl Into<String>, error: &grimnir_events::IdError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_id", error.to_string()).field(field)
    }
    /// The stable code.
    pub fn code(&self) -> &str {
        &self.code
    }
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
    /// The document, for the request with this path and correlation id.
    pub fn document(&self, instance: &str, correlation_id: &str) -> ProblemDocument {
        ProblemDocument {
            r#type: format!("/docs/errors/{}", self.code),
            title: crate::pages::title(&self.code)
                .or(self.status.canonical_reason())
                .unwrap_or("Problem")
                .to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            code: self.code.to_string(),
            error: self.code.to_string(),
            field: self.field.clone(),
            instance: instance.to_owned(),
            correlation_id: correlation_id.to_owned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let detail = error.to_string();
        match error {
            CommandError::Rejected { code, message, field, class } => {
                let status = match class {
                    RejectClass::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                    RejectClass::Conflict => StatusCode::CONFLICT,
                    RejectClass::NotFound => StatusCode::NOT_FOUND,
                };
                let problem = Self::new(status, code, message);
                match field {
                    Some(field) => problem.field(field),
                    None => problem,
                }
            }
            CommandError::Busy { .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).retry_after(1)
            }
            CommandError::KeyReused { .. } => {
                Self::new(StatusCode::CONFLICT, "idempotency_key_reused", detail)
                    .field("Idempotency-Key")
            }
            CommandError::Unavailable { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "ledger_unavailable", detail)
                    .retry_after(5)
            }
            CommandError::Uncertain { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "outcome_unknown", detail).retry_after(1)
            }
            // The engine is another process: its failure is a gateway's, ours is our own.
            CommandError::Failed { what, .. } if what.contains("engine") => {
                Self::new(StatusCode::BAD_GATEWAY, "engine_failed", detail).retry_after(1)
            }
            CommandError::Failed { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "operation_failed", detail)
            }
            CommandError::NotOwner { .. } => {
                Self::new(StatusCode::MISDIRECTED_REQUEST, "not_owner", detail)
            }
            CommandError::NoOwner => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_owner", detail).retry_after(1)
            }
            CommandError::Closing => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "closing", detail).retry_after(5)
            }
        }
    }
}
