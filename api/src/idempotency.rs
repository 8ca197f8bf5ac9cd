//! A request that wants to change something: who asks, and under which identity it is recorded.
//!
//! With an `Idempotency-Key` the commit id is derived from (ledger, principal, route, key), and
//! ids of created things from the commit id, so that the same request leads to the same commit.

use crate::answer::Done;
use crate::app::App;
use crate::auth::{Caller, Grade, SignedIn};
use crate::problem::Problem;
use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use grimnir_actors::{Meta, Receipt};
use grimnir_events::{CommitId, CorrelationId, StationId, derive_id};
use std::marker::PhantomData;
use std::time::Duration;

const KEY_HEADER: &str = "Idempotency-Key";
/// Longest key, in characters.
const KEY_LIMIT: usize = 200;
/// Read models follow the ledger within milliseconds; an answer does not wait longer than this.
const READ_YOUR_WRITES: Duration = Duration::from_secs(1);

/// A request that wants to change something.
pub struct Intent<G> {
    /// Who asks.
    pub caller: Caller,
    /// What goes with its command.
    pub meta: Meta,
    keyed: bool,
    before: u64,
    grade: PhantomData<G>,
}

impl<G: Grade> FromRequestParts<App> for Intent<G> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let SignedIn(caller, grade) = SignedIn::<G>::from_request_parts(parts, app).await?;
        let key = idempotency_key(&parts.headers)?;
        let mut meta = app.site.fresh_meta(caller.actor());
        if let Some(correlation) = parts.extensions.get::<CorrelationId>() {
            meta.correlation = *correlation;
        }
        if let Some(key) = key {
            // Inside a nested router `parts.uri` has lost its prefix.
            let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
            let route = format!("{} {}", parts.method, uri.path());
            meta.commit_id = app.site.commit_id_for(caller.actor(), &route, key);
        }
        let before = app.site.views().position();
        Ok(Self { caller, meta, keyed: key.is_some(), before, grade })
    }
}

/// The key of a request, where one is given.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(found) = headers.get(KEY_HEADER) else { return Ok(None) };
    let bytes = found.as_bytes();
    let good = (1..=KEY_LIMIT).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    match found.to_str() {
        Ok(key) if good && headers.get_all(KEY_HEADER).iter().count() == 1 => Ok(Some(key)),
        _ => {
            let length = bytes.len();
            let detail = format!(
                "the key has {length} bytes, expected once, with 1 to {KEY_LIMIT} visible ASCII"
            );
            Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_idempotency_key", detail)
                .field(KEY_HEADER))
        }
    }
}

impl<G> Intent<G> {
    /// A meta for a further command of the same request, e.g. the mount of a new station.
    pub fn step(&self, name: &str) -> Meta {
        let id = derive_id("step", &[&self.meta.commit_id.0, name.as_bytes()]);
        Meta { commit_id: CommitId(id), causation: self.meta.commit_id, ..self.meta }
    }
    /// The id of the thing of this kind that this request creates.
    pub fn mint(&self, kind: &str) -> [u8; 16] {
        derive_id(kind, &[&self.meta.commit_id.0])
    }
    /// The station whose stream this request was recorded in before.
    ///
    /// A repeated removal finds its thing gone, and yet is to get its first answer again.
    pub async fn station_before(&self, app: &App) -> Option<StationId> {
        if !self.keyed {
            return None;
        }
        let found = app.site.ledger().find(self.meta.commit_id).await.ok().flatten()?;
        found.commit.header.stream.station()
    }
    /// This request was recorded before.
    pub async fn known(&self, app: &App) -> bool {
        self.keyed && matches!(app.site.ledger().find(self.meta.commit_id).await, Ok(Some(_)))
    }
    /// Waits until the read models show a receipt, then says what it came to.
    pub async fn shown<E>(&self, app: &App, receipt: &Receipt<E>) -> Done {
        wait_for(app, receipt.seq).await;
        Done { seq: receipt.seq, replayed: receipt.repeated }
    }
    /// The same for what answers only a ledger position.
    pub async fn shown_at(&self, app: &App, seq: u64) -> Done {
        wait_for(app, seq).await;
        Done { seq, replayed: self.keyed && seq > 0 && seq <= self.before }
    }
    /// The same for what answers no position at all.
    pub async fn shown_now(&self, app: &App, replayed: bool) -> Done {
        let seq = app.site.head().await.seq;
        wait_for(app, seq).await;
        Done { seq, replayed }
    }
}

async fn wait_for(app: &App, seq: u64) {
    // Late read models are no failure of the command: it is recorded, and its answer says where.
    let _ = tokio::time::timeout(READ_YOUR_WRITES, app.site.views().wait_for(seq)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn with(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY_HEADER, HeaderValue::from_bytes(value).expect("is a value"));
        }
        headers
    }

    #[test]
    fn a_key_of_visible_ascii_is_taken() {
        assert_eq!(idempotency_key(&with(&[])), Ok(None));
        assert_eq!(idempotency_key(&with(&[b"a-1"])), Ok(Some("a-1")));
        let longest = [b'k'; KEY_LIMIT];
        assert!(idempotency_key(&with(&[&longest])).is_ok());
    }

    #[test]
    fn a_key_that_is_empty_long_doubled_or_not_ascii_is_refused() {
        let long = [b'k'; KEY_LIMIT + 1];
        let cases: [&[&[u8]]; 5] = [&[b""], &[&long], &[b"a", b"a"], &[b"a b"], &["é".as_bytes()]];
        for case in cases {
            let problem = idempotency_key(&with(case)).expect_err("is refused");
            assert_eq!(problem.code(), "invalid_idempotency_key", "{case:?}");
        }
    }
}
