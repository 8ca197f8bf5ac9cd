//! The harbor: encoders of DJs connect here, on a port of its own; Shoutcast v1 on the next.
//!
//! Reading order: [`request`] (what they say), [`chunks`], [`answer`] (what they hear), [`ports`],
//! [`seats`], [`server`], [`sniff`] (what they send), [`titles`] (what they say in it).

mod answer;
mod chunks;
mod patience;
mod ports;
mod private;
#[cfg(test)]
mod laws;
mod request;
mod seats;
mod server;
pub mod sniff;
mod titles;

pub use ports::bind;
pub use server::{Harbor, serve};
