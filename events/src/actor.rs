//! Who did it: the principal behind a commit.

use crate::ids::{EngineRunId, UserId};
use serde::{Deserialize, Serialize};

/// The principal behind a command or a fact. Never a name: personal data is sealed elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The system itself (start-up, timers, the planner).
    System,
    /// A signed-in person.
    User(UserId),
    /// A process manager, answering an earlier commit.
    Process,
    /// A run of a media engine, reporting what aired.
    Engine(EngineRunId),
    /// Somebody at the command line of the machine itself.
    Local,
}

impl Actor {
    /// Stored number and id bytes.
    pub const fn to_parts(self) -> (u8, [u8; 16]) {
        match self {
            Self::System => (0, [0; 16]),
            Self::User(id) => (1, id.0),
            Self::Process => (2, [0; 16]),
            Self::Engine(id) => (3, id.0),
            Self::Local => (4, [0; 16]),
        }
    }
    /// The actor with these stored parts; one that has no id has zeros in its place, so that a
    /// commit has one encoding.
    pub fn from_parts(number: u8, id: [u8; 16]) -> Option<Self> {
        let actor = match number {
            0 => Self::System,
            1 => Self::User(UserId(id)),
            2 => Self::Process,
            3 => Self::Engine(EngineRunId(id)),
            4 => Self::Local,
            _ => return None,
        };
        (actor.to_parts() == (number, id)).then_some(actor)
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::User(id) => write!(f, "{id}"),
            Self::Process => f.write_str("process"),
            Self::Engine(id) => write!(f, "{id}"),
            Self::Local => f.write_str("local"),
        }
    }
}
