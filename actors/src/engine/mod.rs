//! The control plane's side of a media engine: its process, what it is handed, what it reports.

mod crashes;
mod elsewhere;
pub mod handle;
pub mod handover;
pub mod journal;
pub mod link;
pub mod program;

pub use handle::EngineHandle;
