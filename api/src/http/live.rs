//! Live sessions: who may send sound in, who does, and putting them on air.

use super::live_line::LineBody;
use super::live_recording::RecordingBody;
use super::timeline::Recorded;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::Body;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_actors::live::{LiveCreated, LiveRequest, LiveStatus};
use grimnir_events::ladder::Tier;
use grimnir_events::live::{DEFAULT_MOUNT, LiveMode, LiveSession, LiveValidity, TakePolicy};
use grimnir_events::{ClaimId, LiveSessionId, ShowId, StationId, UtcMicros};
use grimnir_rules::live::{Connection, LiveCommand};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Seconds that a session is valid where nothing is said.
const VALID_S: u32 = 3_600;
/// Most seconds: a week.
const VALID_MAX_S: u32 = 7 * 86_400;

/// A session that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionBody {
    /// What people see, e.g. the name of the DJ.
    name: String,
    /// User name that the encoder signs in by; any where none is given.
    #[serde(default)]
    username: String,
    /// Mount that it sends to; `/live` where none is given.
    mount: Option<String>,
    /// Valid from this instant on; from now on where none is given.
    #[schema(value_type = Option<String>)]
    from: Option<UtcMicros>,
    /// Valid for so many seconds; an hour where nothing is said.
    valid_s: Option<u32>,
    /// Valid in the live windows of shows that let this name in, instead: a DJ's account.
    #[serde(default)]
    account: bool,
    /// With an account: of this show only.
    #[schema(value_type = Option<String>)]
    show_id: Option<ShowId>,
    /// It claims the air as a planned source, below a person who takes it.
    #[serde(default)]
    scheduled: bool,
    /// How it takes the air once it is ready.
    #[serde(default)]
    take: TakeBody,
    /// What becomes of the programme.
    #[serde(default)]
    mode: ModeBody,
}

/// How a live source takes the air.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "how", deny_unknown_fields)]
pub enum TakeBody {
    /// At once.
    Immediate,
    /// At once; what plays fades.
    Faded {
        /// The fade, in milliseconds.
        fade_ms: u32,
    },
    /// At the end of the running item.
    #[default]
    NextItem,
    /// When a person hands over.
    OnCue,
}

/// What becomes of the programme under a live source.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModeBody {
    /// It is not heard.
    #[default]
    Replace,
    /// It goes on, 12 dB lower.
    Over,
}

impl From<TakeBody> for TakePolicy {
    fn from(body: TakeBody) -> Self {
        match body {
            TakeBody::Immediate => Self::Immediate,
            TakeBody::Faded { fade_ms } => Self::Faded { fade_ms },
            TakeBody::NextItem => Self::NextItem,
            TakeBody::OnCue => Self::OnCue,
        }
    }
}

impl From<TakePolicy> for TakeBody {
    fn from(take: TakePolicy) -> Self {
        match take {
            TakePolicy::Immediate => Self::Immediate,
            TakePolicy::Faded { fade_ms } => Self::Faded { fade_ms },
            TakePolicy::NextItem => Self::NextItem,
            TakePolicy::OnCue => Self::OnCue,
        }
    }
}

/// A session; its secret is not among what is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Its id.
    #[schema(value_type = String)]
    id: LiveSessionId,
    /// What people see.
    name: String,
    /// User name of its encoder; empty for any.
    username: String,
    /// Its mount.
    mount: String,
    /// Valid from, where it is for one occasion.
    #[schema(value_type = Option<String>)]
    from: Option<UtcMicros>,
    /// Valid until.
    #[schema(value_type = Option<String>)]
    until: Option<UtcMicros>,
    /// It is valid in the live windows of shows that let it in.
    account: bool,
    /// Of this show only.
    #[schema(value_type = Option<String>)]
    show_id: Option<ShowId>,
    /// Tier it claims the air at.
    tier: u8,
    /// How it takes the air.
    take: TakeBody,
    /// What becomes of the programme.
    mode: ModeBody,
    /// Who is connected with it.
    connection: Option<ConnectionView>,
    /// Line that its sound comes over, where it is not the harbor.
    line: Option<LineBody>,
    /// How what comes in with it is recorded, where it is.
    recording: Option<RecordingBody>,
    /// It owns the air.
    on_air: bool,
}

/// An encoder that is connected.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectionView {
    /// Since when.
    #[schema(value_type = String)]
    since: UtcMicros,
    /// Its address.
    address: String,
    /// What it calls itself.
    client: String,
    /// `put`, `source` or `icy`.
    protocol: String,
    /// What it sends; empty until it can go on air.
    format: String,
    /// What it said last that it plays.
    title: String,
    /// What it claims the air with.
    #[schema(value_type = Option<String>)]
    claim_id: Option<ClaimId>,
}

/// A session that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedView {
    /// The session.
    #[serde(flatten)]
    session: SessionView,
    /// Its secret: the password of the encoder. Told once; null when the request is repeated.
    secret: Option<String>,
    /// Port of the harbor; Shoutcast's is the next. 0 while the station has no engine.
    harbor_port: u16,
}

fn view(status: LiveStatus) -> SessionView {
    let LiveStatus { session, connection, line, recording, on_air } = status;
    let LiveSession { id, name, username, mount, validity, tier, take, mode, .. } = session;
    let (from, until, account, show_id) = match validity {
        LiveValidity::Window { from, until } => (Some(from), Some(until), false, None),
        LiveValidity::Shows { show_id } => (None, None, true, show_id),
    };
    let mode = match mode {
        LiveMode::Replace => ModeBody::Replace,
        LiveMode::Over => ModeBody::Over,
    };
    SessionView {
        id,
        name,
        username,
        mount,
        from,
        until,
        account,
        show_id,
        tier: tier.number(),
        take: take.into(),
        mode,
        connection: connection.map(connected),
        line: line.map(LineBody::from),
        recording: recording.map(RecordingBody::from),
        on_air,
    }
}

fn connected(connection: Connection) -> ConnectionView {
    let Connection { since, address, client, protocol, format, title, claim_id } = connection;
    ConnectionView { since, address, client, protocol, format, title, claim_id }
}

impl SessionBody {
    fn read(self) -> Result<LiveRequest, Problem> {
        let valid_s = self.valid_s.unwrap_or(VALID_S);
        if !(1..=VALID_MAX_S).contains(&valid_s) {
            let detail = format!("valid_s is {valid_s}, expected 1 to {VALID_MAX_S}");
            return Err(Problem::invalid("valid_s", detail));
        }
        if self.account && (self.from.is_some() || self.valid_s.is_some()) {
            let detail = "an account is valid with its shows: give neither from nor valid_s";
            return Err(Problem::invalid("account", detail));
        }
        let from = self.from.unwrap_or_else(super::now);
        let until = from.plus(i64::from(valid_s) * 1_000_000);
        let validity = match self.account {
            true => LiveValidity::Shows { show_id: self.show_id },
            false => LiveValidity::Window { from, until },
        };
        let tier = if self.scheduled { Tier::LiveScheduled } else { Tier::LiveOverride };
        let mode = match self.mode {
            ModeBody::Replace => LiveMode::Replace,
            ModeBody::Over => LiveMode::Over,
        };
        Ok(LiveRequest {
            name: self.name,
            username: self.username,
            mount: self.mount.unwrap_or_else(|| DEFAULT_MOUNT.to_owned()),
            validity,
            tier,
            take: self.take.into(),
            mode,
        })
    }
}

/// Lists the live sessions of a station, with who is connected (dj).
#[utoipa::path(
    get, path = "/stations/{id}/live-sessions", tag = "live", params(("id" = String, Path)),
    responses((status = 200, body = Vec<SessionView>), (status = 404, body = ProblemDocument))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<Vec<SessionView>>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    Ok(Json(app.site.live_sessions(station).await?.into_iter().map(view).collect()))
}

/// Lets somebody send sound in: answers the encoder's password, once (manager).
#[utoipa::path(
    post, path = "/stations/{id}/live-sessions", tag = "live", params(("id" = String, Path)),
    request_body = SessionBody,
    responses((status = 201, body = CreatedView), (status = 422, body = ProblemDocument))
)]
pub async fn create(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Body(request): Body<SessionBody>,
) -> Result<Answer<CreatedView>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let created = app.site.live_create(station, request.read()?, intent.meta).await?;
    let LiveCreated { session, secret, seq } = created;
    let location = format!("/api/v1/stations/{station}/live-sessions/{}", session.id);
    let (connection, line, recording, on_air) = (None, None, None, false);
    let session = view(LiveStatus { session, connection, line, recording, on_air });
    let harbor_port = app.site.harbor_port(station);
    let done = intent.shown_at(&app, seq).await;
    Ok(Answer::created(done, location, CreatedView { session, secret, harbor_port }))
}

/// Shows a live session (dj).
#[utoipa::path(
    get, path = "/stations/{id}/live-sessions/{session}", tag = "live",
    params(("id" = String, Path), ("session" = String, Path)),
    responses((status = 200, body = SessionView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path((id, session)): Path<(String, String)>,
) -> Result<Json<SessionView>, Problem> {
    let station = lookup::station(&app, "id", &id)?.id;
    let session: LiveSessionId = lookup::id("session", &session)?;
    let all = app.site.live_sessions(station).await?;
    let found = all.into_iter().find(|status| status.session.id == session);
    let missing = || {
        let detail = format!("there is no live session {session}");
        Problem::not_found("live_session_not_found", "session", detail)
    };
    Ok(Json(view(found.ok_or_else(missing)?)))
}

/// Revokes a live session: who is connected with it is disconnected (manager).
#[utoipa::path(
    delete, path = "/stations/{id}/live-sessions/{session}", tag = "live",
    params(("id" = String, Path), ("session" = String, Path)),
    responses((status = 200, body = Recorded), (status = 404, body = ProblemDocument))
)]
pub async fn revoke(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, session)): Path<(String, String)>,
) -> Result<Answer<Recorded>, Problem> {
    let command = |session_id| LiveCommand::Revoke { session_id, note: String::new() };
    ask(&app, &intent, (&id, &session), command).await
}

/// How a session is put on air.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandoverBody {
    /// When and how; at once where nothing is said.
    take: Option<TakeBody>,
}

/// Puts a connected live session on air (dj).
#[utoipa::path(
    post, path = "/stations/{id}/live-sessions/{session}/handover", tag = "live",
    params(("id" = String, Path), ("session" = String, Path)), request_body = HandoverBody,
    responses((status = 200, body = Recorded), (status = 409, body = ProblemDocument))
)]
pub async fn hand_over(
    State(app): State<App>,
    intent: Intent<Djs>,
    Path((id, session)): Path<(String, String)>,
    Body(request): Body<HandoverBody>,
) -> Result<Answer<Recorded>, Problem> {
    let take = request.take.unwrap_or(TakeBody::Immediate).into();
    let command = |session_id| LiveCommand::Handover { session_id, take };
    ask(&app, &intent, (&id, &session), command).await
}

/// Disconnects a live session; its encoder may come back (dj).
#[utoipa::path(
    post, path = "/stations/{id}/live-sessions/{session}/disconnect", tag = "live",
    params(("id" = String, Path), ("session" = String, Path)),
    responses((status = 200, body = Recorded), (status = 409, body = ProblemDocument))
)]
pub async fn disconnect(
    State(app): State<App>,
    intent: Intent<Djs>,
    Path((id, session)): Path<(String, String)>,
) -> Result<Answer<Recorded>, Problem> {
    ask(&app, &intent, (&id, &session), |session_id| LiveCommand::Disconnect { session_id }).await
}

pub(super) async fn ask<G>(
    app: &App,
    intent: &Intent<G>,
    (station, session): (&str, &str),
    command: impl FnOnce(LiveSessionId) -> LiveCommand,
) -> Result<Answer<Recorded>, Problem> {
    let station_id: StationId = lookup::station(app, "id", station)?.id;
    let session_id = lookup::id("session", session)?;
    let seq = app.site.live_command(station_id, command(session_id), intent.meta).await?;
    let done = intent.shown_at(app, seq).await;
    Ok(Answer::ok(done, Recorded { station_id, seq }))
}
