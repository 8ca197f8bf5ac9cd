//! Replay: what a ledger's directory alone says of the past, offline, also while a server writes.
//!
//! Upstream: `grimnir-ledger` (the reader), `grimnir-projections` (the folds), `grimnir-rules`
//! (the decisions). Downstream: `cli`. Not here: actors, HTTP, sound.
//!
//! [`as_run`] answers what aired in an hour, [`at`] what was on air at an instant, [`verify`]
//! whether the ledger agrees with itself, [`audit`] whether it is what was signed, [`redecide`]
//! whether its decisions come out the same again. Every answer names the ledger and the position it
//! was computed at; asked twice, it has the same bytes.

mod error;
mod source;

mod local_time;

mod air;
mod entry;
mod table;

mod as_run;
mod at;

mod redecide;
mod verify;

pub mod audit;

pub use as_run::{AsRunAnswer, HourAnswer, TierTotal, Totals, as_run, as_run_answer};
pub use at::{AtAnswer, InstantAnswer, OnAir, Owner, at, at_answer};
pub use entry::Entry;
pub use error::ReplayError;
pub use redecide::{Difference, Redecided, redecide};
pub use source::{Basis, StationName};
pub use verify::{Fault, Verified, verify};

/// How an answer is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One document, keys in a fixed order, instants in RFC 3339 with microseconds.
    Json,
    /// One line per entry, with a header line.
    Csv,
}

impl std::str::FromStr for Format {
    type Err = ReplayError;

    fn from_str(text: &str) -> Result<Self, ReplayError> {
        match text {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            other => Err(ReplayError::Format { found: other.to_owned() }),
        }
    }
}
