//! Access: users, credentials and roles of a site.
//!
//! | command | events | rejections |
//! |---|---|---|
//! | `RegisterUser` | `UserRegistered` | `UserExists`, `Erased`, `FirstIsAdmin`, … |
//! | `GrantRole` | `RoleGranted` | `UnknownUser`, `LastAdmin` |
//! | `ChangeCredential` | `CredentialChanged` | `UnknownUser`, `CredentialTaken` |
//! | `EraseUser` | `UserErased` | `UnknownUser`, `LastAdmin` |
//!
//! There is an admin from the first user on, and never none. What is so already changes nothing.

pub mod command;
mod decide;
mod evolve;
mod rejection;
mod state;
#[cfg(test)]
mod tests;

pub use rejection::AccessRejection;
pub use state::{AccessState, User};

use crate::{Aggregate, Context};
use command::AccessCommand;
use grimnir_events::StreamKind;
use grimnir_events::access::AccessEvent;

/// The access aggregate.
pub struct Access;

impl Aggregate for Access {
    const KIND: StreamKind = StreamKind::Access;
    type Command = AccessCommand;
    type Event = AccessEvent;
    type State = AccessState;
    type Rejection = AccessRejection;

    fn decide(
        state: &AccessState,
        command: &AccessCommand,
        _ctx: &Context,
    ) -> Result<Vec<AccessEvent>, AccessRejection> {
        decide::decide(state, command)
    }
    fn evolve(state: &mut AccessState, event: &AccessEvent) {
        evolve::evolve(state, event);
    }
}
