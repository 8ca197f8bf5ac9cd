//! Live sessions: permissions to send sound in, part of what a station's ladder decides.
//!
//! | command | events | rejections |
//! |---|---|---|
//! | `Create` | `SessionCreated` | a malformed session, `TooManySessions` |
//! | `Revoke` | `SessionRevoked` | `UnknownSession` |
//! | `Handover` | `HandoverRequested` | `UnknownSession`, `NotConnected` |
//! | `Disconnect` | `DisconnectRequested` | `UnknownSession`, `NotConnected` |
//! | `SetLine` | `LineSet` | `UnknownSession`, a malformed line |
//! | `SetRecording` | `RecordingSet` | `UnknownSession`, an encoding that nobody writes |
//!
//! What an encoder does (it connects, is ready, claims the air, goes) is witnessed by the engine.
//! Not here: the claim itself, which is the ladder's.

mod command;
mod decide;
mod grant;
mod line;
mod recording;
mod state;
#[cfg(test)]
mod tests;

pub use command::LiveCommand;
pub use decide::{LiveRejection, SESSIONS_MAX, decide};
pub use grant::grants;
pub use state::{Connection, LiveSessions, Seen, evolve, witness};
