//! Mounts: what a station offers to listeners.

use super::station::slug_of;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::Body;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::MountId;
use grimnir_events::station::{Mount, MountFormat};
use grimnir_rules::Station;
use grimnir_rules::station::command::StationCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A mount.
#[derive(Debug, Serialize, ToSchema)]
pub struct MountView {
    /// Its id.
    #[schema(value_type = String)]
    id: MountId,
    /// Its name.
    name: String,
    /// HTTP path.
    path: String,
    /// How it is encoded: `mp3`, `aac_lc` (ADTS), `opus`, `vorbis` or `flac` (the three in Ogg).
    #[schema(value_type = String)]
    format: MountFormat,
    /// Bit rate; 0 for `flac`.
    bitrate_kbps: u16,
}

pub(super) fn view(mount: Mount) -> MountView {
    let Mount { id, name, path, format, bitrate_kbps } = mount;
    MountView { id, name, path, format, bitrate_kbps }
}

/// A mount that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MountRequest {
    /// Its name.
    name: String,
    /// HTTP path; `/<name>` with `.mp3`, `.aac`, `.opus`, `.ogg` or `.flac` where not given.
    path: Option<String>,
    /// `mp3`, `aac_lc`, `opus`, `vorbis` or `flac`; `mp3` where not given.
    #[schema(value_type = Option<String>)]
    format: Option<MountFormat>,
    /// Bit rate; 128 where not given, 96 for `opus`, and for `flac` only 0.
    bitrate_kbps: Option<u16>,
}

/// End of the path, and bit rate, of a mount whose maker names neither.
fn usual(format: MountFormat) -> (&'static str, u16) {
    match format {
        MountFormat::Mp3 => ("mp3", 128),
        MountFormat::AacLc => ("aac", 128),
        MountFormat::Opus => ("opus", 96),
        MountFormat::Vorbis => ("ogg", 128),
        MountFormat::Flac => ("flac", 0),
    }
}

/// A removed thing.
#[derive(Debug, Serialize, ToSchema)]
pub struct Removed {
    /// What is gone.
    pub id: String,
}

/// Lists a station's mounts.
#[utoipa::path(
    get, path = "/stations/{id}/mounts", tag = "stations", params(("id" = String, Path)),
    responses((status = 200, body = Vec<MountView>), (status = 404, body = ProblemDocument))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<Vec<MountView>>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    Ok(Json(row.mounts.into_iter().map(view).collect()))
}

/// Adds a mount (manager).
#[utoipa::path(
    post, path = "/stations/{id}/mounts", tag = "stations", params(("id" = String, Path)),
    request_body = MountRequest, responses((status = 201, body = MountView))
)]
pub async fn add(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Body(request): Body<MountRequest>,
) -> Result<Answer<MountView>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    let format = request.format.unwrap_or(MountFormat::Mp3);
    let (suffix, kbps) = usual(format);
    let path = request.path.unwrap_or_else(|| format!("/{}.{suffix}", slug_of(&request.name)));
    let mount = Mount {
        id: MountId(intent.mint("mount")),
        name: request.name,
        path,
        format,
        bitrate_kbps: request.bitrate_kbps.unwrap_or(kbps),
    };
    let command = StationCommand::AddMount { mount: mount.clone() };
    let receipt = app.site.command::<Station>(row.id, command, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    let location = format!("/api/v1/stations/{}/mounts/{}", row.id, mount.id);
    Ok(Answer::created(done, location, view(mount)))
}

/// Removes a mount (manager).
#[utoipa::path(
    delete, path = "/stations/{id}/mounts/{mount_id}", tag = "stations",
    params(("id" = String, Path), ("mount_id" = String, Path)),
    responses((status = 200, body = Removed), (status = 404, body = ProblemDocument))
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, mount_id)): Path<(String, String)>,
) -> Result<Answer<Removed>, Problem> {
    let row = lookup::station(&app, "id", &id)?;
    let mount_id: MountId = lookup::id("mount_id", &mount_id)?;
    let command = StationCommand::RemoveMount { mount_id };
    let receipt = app.site.command::<Station>(row.id, command, intent.meta).await?;
    let done = intent.shown(&app, &receipt).await;
    Ok(Answer::ok(done, Removed { id: mount_id.to_string() }))
}
