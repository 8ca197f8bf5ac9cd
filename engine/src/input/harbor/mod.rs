//! The harbor: encoders of DJs connect here, on a port of its own; Shoutcast v1 on the next.
//!
//! Reading order: [`request`] (what they say), [`chunks`], [`answer`] (what they hear), [`server`],
//! [`sniff`] (what they send).

mod answer;
mod chunks;
mod patience;
mod private;
#[cfg(test)]
mod laws;
mod request;
mod server;
pub mod sniff;

pub use patience::Patience;
pub use server::{Harbor, bind, serve};
