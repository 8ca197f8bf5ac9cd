//! Access: sign-in and users.

use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Admins, SignedIn, word};
use crate::extract::{Body, Peer};
use crate::idempotency::Intent;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use grimnir_events::UserId;
use grimnir_events::access::Role;
use serde::{Deserialize, Serialize};
use std::time::{Instant, SystemTime};
use utoipa::ToSchema;

/// Longest name and password in bytes: hashing is bounded before it begins.
const NAME_MAX: usize = 200;
const PASSWORD_MAX: usize = 1_024;

/// A name and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// Sign-in name.
    username: String,
    /// Password.
    password: String,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoginResponse {
    /// Sent as `Authorization: Bearer <token>`.
    token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds that it lives.
    expires_in: u64,
    /// What the user may do.
    #[schema(value_type = RoleWord)]
    role: Role,
    /// Who signed in.
    #[schema(value_type = String)]
    user_id: UserId,
}

/// What a user may do; each may do what those after it may.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
pub enum RoleWord {
    /// Everything.
    Admin,
    /// Everything but users and emergencies.
    Manager,
    /// Upload, override, skip.
    Dj,
}

/// Signs in. Failed attempts are limited per address.
#[utoipa::path(
    post, path = "/auth/login", tag = "access", security(()), request_body = LoginRequest,
    responses(
        (status = 200, body = LoginResponse),
        (status = 401, body = ProblemDocument, description = "`invalid_credentials`"),
        (status = 429, body = ProblemDocument, description = "`too_many_sign_ins`"),
    )
)]
pub async fn login(
    State(app): State<App>,
    Peer(address): Peer,
    Body(request): Body<LoginRequest>,
) -> Result<Json<LoginResponse>, Problem> {
    bounded("username", &request.username, NAME_MAX)?;
    bounded("password", &request.password, PASSWORD_MAX)?;
    app.sign_ins.take(address, Instant::now()).map_err(|wait| {
        let seconds = wait.as_secs_f64().ceil() as u32;
        let detail = format!("too many failed sign-ins from {address}; one more in {seconds} s");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_sign_ins", detail)
            .retry_after(seconds)
    })?;
    let Some(signed_in) = app.site.sign_in(&request.username, &request.password).await? else {
        let detail = "there is no user with this name and password";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "invalid_credentials", detail));
    };
    app.sign_ins.give_back(address);
    tracing::info!(user.id = %signed_in.user_id, role = word(signed_in.role), "signed in");
    let token = app.tokens.issue(signed_in.user_id, signed_in.role, SystemTime::now())?;
    Ok(Json(LoginResponse {
        token,
        token_type: "Bearer",
        expires_in: app.tokens.life_s(),
        role: signed_in.role,
        user_id: signed_in.user_id,
    }))
}

fn bounded(field: &str, text: &str, max: usize) -> Result<(), Problem> {
    let found = text.len();
    if (1..=max).contains(&found) {
        return Ok(());
    }
    Err(Problem::invalid(field, format!("{field} has {found} bytes, expected 1 to {max}")))
}

/// A user that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    /// Sign-in name.
    username: String,
    /// Password; the answer says how long it must be.
    password: String,
    /// What it may do.
    #[schema(value_type = RoleWord)]
    role: Role,
}

/// A user. Names are sealed in the ledger and not listed.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// Its id.
    #[schema(value_type = String)]
    id: UserId,
    /// What it may do.
    #[schema(value_type = RoleWord)]
    role: Role,
}

/// Lists the users (admin).
#[utoipa::path(get, path = "/users", tag = "access", responses((status = 200, body = Vec<User>)))]
pub async fn list(State(app): State<App>, _: SignedIn<Admins>) -> Json<Vec<User>> {
    let users = app.site.views().users();
    Json(users.into_iter().map(|user| User { id: user.id, role: user.role }).collect())
}

/// Registers a user (admin).
#[utoipa::path(
    post, path = "/users", tag = "access", request_body = UserRequest,
    responses((status = 201, body = User), (status = 409, body = ProblemDocument))
)]
pub async fn register(
    State(app): State<App>,
    intent: Intent<Admins>,
    Body(request): Body<UserRequest>,
) -> Result<Answer<User>, Problem> {
    let known = intent.known(&app).await;
    let UserRequest { username, password, role } = request;
    let id = app.site.register_user(&username, &password, role, intent.meta).await?;
    let done = intent.shown_now(&app, known).await;
    Ok(Answer::created(done, format!("/api/v1/users/{id}"), User { id, role }))
}
