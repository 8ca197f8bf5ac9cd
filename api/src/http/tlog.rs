//! The proof for everybody: checkpoint and hash tiles (C2SP tlog-tiles), never the entries; and
//! the witness for other sites' logs (C2SP tlog-witness).

use crate::app::App;
use crate::outer::Verbatim;
use crate::problem::Problem;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use grimnir_actors::site::{MAX_REQUEST_BYTES, Refusal, TileId};

/// A checkpoint is soon followed by the next.
const FOR_SECONDS: &str = "public, max-age=5";
/// A tile of hashes never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Shows the last signed checkpoint of the ledger's tree.
#[utoipa::path(
    get, path = "/tlog/checkpoint", tag = "tlog", security(()),
    responses(
        (status = 200, body = String, content_type = "text/plain",
            description = "A signed note: origin, number of commits, root; then signatures"),
        (status = 404, description = "`no_checkpoint`: nothing was signed yet"),
    )
)]
pub async fn checkpoint(State(app): State<App>) -> Result<Response, Problem> {
    let text = app.site.checkpoint().await?.ok_or_else(|| {
        let detail = "nothing was signed yet; the first checkpoint follows the first commit";
        Problem::new(StatusCode::NOT_FOUND, "no_checkpoint", detail)
    })?;
    Ok(([(header::CONTENT_TYPE, PLAIN), (header::CACHE_CONTROL, FOR_SECONDS)], text)
        .into_response())
}

/// Shows up to 256 hashes of the ledger's tree.
#[utoipa::path(
    get, path = "/tlog/tile/{level}/{index}", tag = "tlog", security(()),
    params(
        ("level" = u8, Path, description = "Level of the tile; 0 holds the hashes of commits"),
        ("index" = String, Path, description = "Place in its level in groups of three digits, \
            `x001/x234/067`; of a partial tile with its width, `067.p/12`"),
    ),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream",
            description = "32 bytes for each hash"),
        (status = 404, description = "`tile_not_found`: the tree has no such tile"),
    )
)]
pub async fn tile(
    State(app): State<App>,
    Path((level, index)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let path = format!("{level}/{index}");
    let id = path.parse::<TileId>().ok();
    let content = match id {
        Some(id) => app.site.tile(id).await?,
        None => None,
    };
    let content = content.ok_or_else(|| {
        let detail = format!("the tree has no tile {}", crate::extract::cut(&path));
        Problem::new(StatusCode::NOT_FOUND, "tile_not_found", detail)
    })?;
    let kind = "application/octet-stream";
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, FOR_EVER)], content).into_response())
}

/// Countersigns a checkpoint of a log that this site is a witness for.
#[utoipa::path(
    post, path = "/tlog/add-checkpoint", tag = "tlog", security(()),
    request_body(content = String, content_type = "text/plain",
        description = "`old <size>`, the consistency proof, an empty line, the checkpoint"),
    responses(
        (status = 200, body = String, content_type = "text/plain",
            description = "The cosignature: one line of a signed note"),
        (status = 400, description = "`bad_request`: it cannot be understood, or goes back"),
        (status = 403, description = "`unknown_log_key`: no trusted key has signed it"),
        (status = 404, description = "`unknown_log`: this site is no witness for that log"),
        (status = 409, body = String, content_type = "text/x.tlog.size",
            description = "The size of the last cosigned checkpoint, which is not the old size"),
        (status = 413, description = "`body_too_large`"),
        (status = 422, description = "`bad_consistency_proof`"),
    )
)]
pub async fn add_checkpoint(State(app): State<App>, body: Body) -> Result<Response, Problem> {
    let bytes = axum::body::to_bytes(body, MAX_REQUEST_BYTES).await.map_err(|_| {
        let detail = format!("the body cannot be read, or is longer than {MAX_REQUEST_BYTES}");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    })?;
    let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "bad_request", detail);
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| bad("it is not UTF-8".into()))?;
    let added = app.site.add_checkpoint(text).await.ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "unknown_log", "this site is a witness for no log")
    })?;
    let refusal = match added {
        Ok(line) => return Ok(([(header::CONTENT_TYPE, PLAIN)], line).into_response()),
        Err(refusal) => refusal,
    };
    let detail = refusal.to_string();
    Err(match refusal {
        Refusal::BadRequest(_) => bad(detail),
        Refusal::UnknownKey { .. } => {
            Problem::new(StatusCode::FORBIDDEN, "unknown_log_key", detail)
        }
        Refusal::UnknownOrigin { .. } => Problem::new(StatusCode::NOT_FOUND, "unknown_log", detail),
        Refusal::Conflict { size } => {
            let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            let answer = (StatusCode::CONFLICT, kind, Extension(Verbatim), format!("{size}\n"));
            return Ok(answer.into_response());
        }
        Refusal::BadProof(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_consistency_proof", detail)
        }
        Refusal::Failed(_) => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "operation_failed", detail)
        }
    })
}
