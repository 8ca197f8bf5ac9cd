//! The register of stored types, and how a shape that is no longer written is read.
//!
//! A payload's bytes have no field tags, so a shape once written is never changed. A change means:
//! the old struct stays as it was under the name of its version ([`Frozen`]), today's gets the next
//! number, a pure upcaster leads from the one to the other, and both keep golden lines. Old shapes
//! go up one version at a time, so a new version needs one upcaster, whatever came before it.
//! How to do it, step by step: `docs/schema.md`.

use crate::codec::{self, CodecError, Encoded, Payload};
use serde::de::DeserializeOwned;

/// A shape that was written once and is only read now.
pub trait Frozen: DeserializeOwned {
    /// The schema version it was written under.
    const VERSION: u16;
    /// The shape that followed it: another frozen one, or today's.
    type Next;
    /// What it says, in the next shape. Pure: the same input gives the same output for ever.
    fn upcast(self) -> Self::Next;
}

/// Reads the frozen shape `F` from a stored payload of its version.
pub fn frozen<F: Frozen>(stored: &Encoded) -> Result<F, CodecError> {
    debug_assert_eq!(stored.version, F::VERSION, "asked for the shape of its version");
    codec::decode_shape(&stored.name, F::VERSION, &stored.bytes)
}

/// A type that stands in commits or hand-overs.
#[derive(Clone, Copy)]
pub struct Registered {
    /// Stored type name.
    pub name: &'static str,
    /// The version that is written today; every one from 1 on is read.
    pub version: u16,
    check: fn(&Encoded) -> Result<Encoded, CodecError>,
}

impl Registered {
    /// The entry of a type.
    pub const fn of<P: Payload>() -> Self {
        Self { name: P::NAME, version: P::VERSION, check: rewrite::<P> }
    }
    /// Reads a stored payload of any known version and writes it as it would be written today.
    pub fn rewrite(&self, stored: &Encoded) -> Result<Encoded, CodecError> {
        (self.check)(stored)
    }
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

fn rewrite<P: Payload>(stored: &Encoded) -> Result<Encoded, CodecError> {
    codec::encode(&codec::decode::<P>(stored)?)
}

/// The entry of a stored type name, where there is one.
pub fn find<'a>(register: &'a [Registered], name: &str) -> Option<&'a Registered> {
    register.iter().find(|entry| entry.name == name)
}

/// Every event there is, and every hand-over. Commands and contexts have a register of their own
/// beside the rules.
pub const REGISTER: &[Registered] = &[
    Registered::of::<crate::station::StationEvent>(),
    Registered::of::<crate::ladder::LadderEvent>(),
    Registered::of::<crate::executor::ExecutorEvent>(),
    Registered::of::<crate::timeline::TimelineEvent>(),
    Registered::of::<crate::library::LibraryEvent>(),
    Registered::of::<crate::access::AccessEvent>(),
    Registered::of::<crate::air::AirFact>(),
    Registered::of::<crate::site::SiteEvent>(),
    Registered::of::<crate::owner::OwnerEvent>(),
    Registered::of::<crate::handover::EngineConfig>(),
    Registered::of::<crate::handover::EngineClaims>(),
    Registered::of::<crate::control::EngineControl>(),
    Registered::of::<crate::dsp::DspGraph>(),
    Registered::of::<crate::output::EngineOutputs>(),
    Registered::of::<crate::timeline::HourPlan>(),
    Registered::of::<crate::ladder::Claim>(),
    Registered::of::<crate::live::EngineInputs>(),
    Registered::of::<crate::line::EngineLines>(),
    Registered::of::<crate::webstream::WebstreamEvent>(),
    Registered::of::<crate::webstream::EngineWebstreams>(),
    Registered::of::<crate::handover::EngineFarewell>(),
    Registered::of::<crate::live_recording::EngineLiveRecordings>(),
    Registered::of::<crate::line::EngineLineSecrets>(),
];
