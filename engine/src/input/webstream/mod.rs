//! Webstreams: streams from elsewhere, each an ordered chain of addresses.
//!
//! Reading order: [`player`] (the thread of one), `chain` (which address is heard), `pipe` (one
//! address that is open), `fetch` and `hls` (from an address to bytes), `client` and [`answer`]
//! (HTTP), `reach` (where it may lead), [`kind`], [`playlist`], [`icy`] (what the bytes are).
//! Decoders in C work in a process of their own, as for live inputs. Downstream: the ring of a live
//! input. Not here: who goes on air.

pub mod answer;
pub mod icy;
pub mod playlist;
#[cfg(test)]
mod laws;
mod kind;
mod reach;
mod client;
mod hls;
mod fetch;
mod pipe;
mod chain;
mod splice;
pub mod player;
