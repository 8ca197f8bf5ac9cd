//! What shapes the programme between mix and limiter, as data: a chain of nodes, each a function
//! of the frames before it.
//!
//! Reading order: [`spec`] (what can be asked for, with every range), [`preset`], [`plan`] (a whole
//! chain, read), [`chain`] (nodes in a row, and how one takes the place of another), then the
//! nodes: [`biquad`] and [`equalizer`], [`detector`] and [`compressor`], [`gate`], [`loudness`] and
//! [`leveller`], [`width`], [`silence`], [`duck`].
//! Upstream: the control server, which reads graphs. Downstream: the engine's bus. No node delays.
//! Not here: the limiter, which ends every chain ([`crate::limiter`]).

pub mod biquad;
pub mod chain;
pub mod compressor;
pub mod detector;
pub mod duck;
pub mod equalizer;
pub mod gate;
pub mod leveller;
pub mod loudness;
pub mod plan;
pub mod preset;
pub mod silence;
pub mod spec;
pub mod width;

pub use chain::{Chain, SwappingChain};
pub use preset::Preset;
pub use spec::NodeSpec;

use core::f64::consts::LOG2_10;

/// The factor of a gain in dB.
pub(crate) fn factor(db: f64) -> f64 {
    // A power of two costs a third of one of ten.
    libm::exp2(db * (LOG2_10 / 20.0))
}

/// The gain in dB of a factor; −200 dB for nothing.
pub(crate) fn decibels(factor: f64) -> f64 {
    if factor <= 1e-10 { -200.0 } else { 20.0 * libm::log10(factor) }
}

/// Share of the way that is gone per frame, so that 63 % are gone after `ms`.
pub(crate) fn per_frame(ms: f64) -> f64 {
    share(ms, f64::from(crate::RATE) / 1_000.0)
}

/// Share of the way per step, of `steps_per_ms`, so that 63 % are gone after `ms`.
pub(crate) fn share(ms: f64, steps_per_ms: f64) -> f64 {
    if ms <= 0.0 { 1.0 } else { 1.0 - libm::exp(-1.0 / (ms * steps_per_ms)) }
}
