//! The air: the mix thread and what feeds it. Nothing here waits for a disk, a lock or a socket.
//!
//! Upstream: commands of the director; frames of feeders through rings. Downstream: blocks to the
//! fan-out, events to the director, the position page.

pub mod bus;
pub mod clips;
pub mod clock;
pub mod feeder;
pub mod guarded;
pub mod ring;
mod sudden;
pub mod thread;
pub mod view;

pub use thread::{AirCommand, AirHandle, AirReport};
