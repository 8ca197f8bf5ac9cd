//! What every aggregate is: a pure fold and a pure decision.
//!
//! Upstream: `grimnir-events`. Downstream: the shell in `actors`, re-deciding in `replay`, and the
//! engine, which runs some of these rules itself. Nothing here reads a clock or a random source:
//! everything impure comes in with the [`Context`], is recorded beside the decision, and so the
//! same decision can be taken again, byte for byte.

use grimnir_events::air::AirFact;
use grimnir_events::{Payload, StreamKind, UtcMicros};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Version of all rules in this crate; raised whenever a decision could come out differently.
pub const RULES_VERSION: u32 = 1;

/// Fingerprint of the sources that fold: of this crate and of the events. A state that was folded
/// by other sources is folded again.
pub const FOLD_FINGERPRINT: u32 = fingerprint(env!("GRIMNIR_FOLD_FINGERPRINT"));

const fn fingerprint(decimal: &str) -> u32 {
    let (bytes, mut at, mut value) = (decimal.as_bytes(), 0, 0u32);
    while at < bytes.len() {
        value = value * 10 + (bytes[at] - b'0') as u32;
        at += 1;
    }
    value
}

/// What a decision was taken with, recorded in the commit.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Context {
    /// The instant, read once by the shell.
    pub now: UtcMicros,
    /// Fresh ids, in the order they may be used.
    pub ids: Vec<[u8; 16]>,
    /// How far the station's witnessed stream was folded.
    pub air_version: u64,
    /// Release of the time-zone data.
    pub tzdb: String,
}

impl Payload for Context {
    const NAME: &'static str = "decision.context";
    const VERSION: u16 = 1;
}

/// Why the domain says no.
pub trait Reject: std::error::Error + Clone + PartialEq + Send + Sync + 'static {
    /// Stable snake_case code for clients.
    fn code(&self) -> &'static str;
    /// The command field at fault, where one is.
    fn field(&self) -> Option<&'static str> {
        None
    }
    /// How it is answered.
    fn class(&self) -> RejectClass {
        RejectClass::Invalid
    }
}

/// How a rejection is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RejectClass {
    /// The command makes no sense (422).
    Invalid,
    /// It makes no sense now (409).
    Conflict,
    /// It names something that is not there (404).
    NotFound,
}

/// One kind of aggregate.
pub trait Aggregate: Send + Sync + 'static {
    /// Its streams.
    const KIND: StreamKind;
    /// What can be asked of it.
    type Command: Payload + Clone + std::fmt::Debug + Send + Sync + 'static;
    /// What can happen to it.
    type Event: Payload + Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static;
    /// The fold of its stream; only what [`decide`](Self::decide) needs. It is written to
    /// snapshots, never to the ledger.
    type State: Default
        + Clone
        + std::fmt::Debug
        + PartialEq
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static;
    /// Why it says no.
    type Rejection: Reject;

    /// Answers a command: the events that follow, none when nothing changes, or a rejection.
    fn decide(
        state: &Self::State,
        command: &Self::Command,
        ctx: &Context,
    ) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// Folds one event of its own stream. Total: it cannot fail.
    fn evolve(state: &mut Self::State, event: &Self::Event);

    /// Folds one fact of the station's witnessed stream.
    ///
    /// Touches only parts of the state that [`evolve`](Self::evolve) never writes, so that the
    /// order between the two streams does not matter.
    fn witness(_state: &mut Self::State, _fact: &AirFact) {}
}
