//! The air: the mix thread and what feeds it. Nothing here waits for a disk, a lock or a socket.
//!
//! Upstream: commands of the director; frames of feeders through rings. Downstream: blocks to the
//! fan-out, events to the director, the position page.

pub mod bus;
pub mod clips;
pub mod clock;
pub mod feeder;
pub mod guarded;
pub mod pace;
mod realtime;
pub mod ring;
mod sudden;
pub mod thread;
pub mod view;
pub mod words;

pub use thread::AirHandle;
pub use words::{AirCommand, AirReport};
