//! Read models: folds of the ledger that answer the API, and the change feed.
//!
//! Upstream: `grimnir-ledger`. Downstream: `actors`, `api`, `replay`. Not here: commands, HTTP.
//!
//! Reading order: [`rows`] (the answers), [`decoded`] (what is read), one file per noun (table and
//! fold), [`model`] (all of them), [`change`] (what is pushed), then the running parts: [`views`],
//! `feed`, [`projector`], [`snapshot`].

#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod rows;
pub mod said;

pub mod decoded;
pub mod words;

pub mod access;
pub mod as_run;
pub mod recordings;
pub mod live_recordings;
pub mod executor;
pub mod ladder;
pub mod library;
pub mod search;
pub mod now_playing;
pub mod station;
pub mod timeline;
pub mod webstream;

pub mod alarm;
pub mod change;
pub mod model;

mod feed;
pub mod projector;
pub mod snapshot;
pub mod views;

pub use change::changes_of;
pub use decoded::{Decoded, Event, Place};
pub use model::Model;
pub use projector::Projector;
pub use views::Views;
