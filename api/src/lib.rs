//! The HTTP door of a site: routes, the change feed, sign-in, problem documents.
//!
//! Upstream: `grimnir-actors` (commands) and `grimnir-projections` (answers).
//! Downstream: `cli`, and every client. Not here: decisions, sound.
//!
//! Reading order: [`listen`] (a connection comes in), `outer` (what every request gets), `auth`,
//! `idempotency`, `extract`, then [`http`], one file per noun, and `feed`.

mod answer;
mod app;
mod auth;
mod extract;
mod feed;
pub mod http;
mod idempotency;
mod limit;
pub mod listen;
mod lookup;
mod metrics;
mod outer;
mod pages;
pub mod problem;

pub use app::ApiConfig;
pub use http::{openapi_json, router};
pub use listen::{ServeError, serve};
pub use problem::Problem;
