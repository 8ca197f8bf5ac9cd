//! Who asks: short-lived signed tokens, and roles that are looked up again for every request.

use crate::app::App;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use grimnir_events::access::Role;
use grimnir_events::{Actor, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    uid: String,
    sub: String,
    roles: Vec<Role>,
    iat: u64,
    exp: u64,
}

/// Signs and checks tokens.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    life: Duration,
}

impl Tokens {
    /// Tokens signed with `secret` (HS256) that live for `life`.
    pub fn new(secret: &[u8; 32], life: Duration) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.set_required_spec_claims(&["exp", "sub"]);
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
            life,
        }
    }
    /// How long a token lives, in seconds.
    pub fn life_s(&self) -> u64 {
        self.life.as_secs()
    }
    /// A token for a user, from `now` on.
    pub fn issue(&self, user: UserId, role: Role, now: SystemTime) -> Result<String, Problem> {
        let iat = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = Claims {
            uid: user.to_string(),
            sub: user.to_string(),
            roles: vec![role],
            iat,
            exp: iat + self.life.as_secs(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(|e| {
            let detail = format!("the token could not be signed: {e}");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "operation_failed", detail)
        })
    }
    /// The user a token was issued to, if it is ours and not over.
    pub fn check(&self, token: &str) -> Result<UserId, Problem> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|e| unauthorized(format!("the token is not accepted: {e}")))?;
        data.claims.sub.parse().map_err(|_| unauthorized("the token names no user".into()))
    }
}

fn unauthorized(detail: String) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail).field("Authorization")
}

/// A signed-in person and what it may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user_id: UserId,
    /// What it may do.
    pub role: Role,
}

impl Caller {
    /// The principal that its commits carry.
    pub fn actor(&self) -> Actor {
        Actor::User(self.user_id)
    }
    /// Refuses a role below `needed`.
    pub fn need(&self, needed: Role) -> Result<(), Problem> {
        // Roles are ordered from the one that may do everything downwards.
        if self.role <= needed {
            return Ok(());
        }
        let detail = format!("role is {}, needed is {}", word(self.role), word(needed));
        Err(Problem::new(StatusCode::FORBIDDEN, "insufficient_role", detail))
    }
}

/// The word for a role.
pub fn word(role: Role) -> &'static str {
    match role {
        Role::Admin => "admin",
        Role::Manager => "manager",
        Role::Dj => "dj",
    }
}

/// The caller behind a token, with the role it has now and not the one it had when signing in.
pub fn caller_of(app: &App, token: &str) -> Result<Caller, Problem> {
    let user_id = app.tokens.check(token)?;
    let user = app.site.views().user(user_id);
    let user = user.ok_or_else(|| unauthorized("the token's user is gone".into()))?;
    Ok(Caller { user_id, role: user.role })
}

fn bearer(parts: &Parts) -> Result<&str, Problem> {
    let found = parts.headers.get(header::AUTHORIZATION);
    let found = found.ok_or_else(|| unauthorized("no token was given".into()))?;
    let text = found.to_str().ok().and_then(|text| text.split_once(' '));
    match text {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(unauthorized("the header is not \"Bearer <token>\"".into())),
    }
}

/// The least role a route asks for.
pub trait Grade: Send + Sync {
    /// The role.
    const ROLE: Role;
}

/// Routes for everybody who is signed in.
pub struct Djs;
/// Routes for managers and admins.
pub struct Managers;
/// Routes for admins.
pub struct Admins;

impl Grade for Djs {
    const ROLE: Role = Role::Dj;
}
impl Grade for Managers {
    const ROLE: Role = Role::Manager;
}
impl Grade for Admins {
    const ROLE: Role = Role::Admin;
}

/// A caller of at least the grade's role. Stands before the body in a handler, so that a role is
/// refused before anything else is looked at.
pub struct SignedIn<G>(pub Caller, pub PhantomData<G>);

impl<G: Grade> FromRequestParts<App> for SignedIn<G> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = caller_of(app, bearer(parts)?)?;
        caller.need(G::ROLE)?;
        Ok(Self(caller, PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(900);

    #[test]
    fn a_token_names_its_user_until_it_is_over() {
        let tokens = Tokens::new(&[7; 32], LIFE);
        let user = UserId([3; 16]);
        let now = SystemTime::now();
        let token = tokens.issue(user, Role::Dj, now).expect("signs");
        assert_eq!(tokens.check(&token), Ok(user));
        let old = tokens.issue(user, Role::Dj, now - LIFE - Duration::from_secs(1)).expect("signs");
        assert_eq!(tokens.check(&old).expect_err("is over").code(), "unauthorized");
    }

    #[test]
    fn a_token_of_another_secret_or_algorithm_is_refused() {
        let tokens = Tokens::new(&[7; 32], LIFE);
        let other = Tokens::new(&[8; 32], LIFE);
        let token = other.issue(UserId([3; 16]), Role::Admin, SystemTime::now()).expect("signs");
        assert!(tokens.check(&token).is_err());
        // {"alg":"none","typ":"JWT"} with the claims of a good token and no signature.
        let good = tokens.issue(UserId([3; 16]), Role::Admin, SystemTime::now()).expect("signs");
        let claims = good.split('.').nth(1).expect("has claims");
        assert!(tokens.check(&format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")).is_err());
        for junk in ["", ".", "..", "a.b.c", "\u{1F4FB}"] {
            assert!(tokens.check(junk).is_err(), "{junk:?}");
        }
    }

    #[test]
    fn a_role_may_do_what_those_below_it_may() {
        let caller = |role| Caller { user_id: UserId::default(), role };
        assert!(caller(Role::Admin).need(Role::Dj).is_ok());
        assert!(caller(Role::Manager).need(Role::Manager).is_ok());
        let problem = caller(Role::Dj).need(Role::Manager).expect_err("is refused");
        assert_eq!((problem.status().as_u16(), problem.code()), (403, "insufficient_role"));
    }
}
