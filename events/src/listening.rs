//! The words of listening: how many heard an item. Who they were is in no event.

use crate::ids::{MountId, OutputId};
use serde::{Deserialize, Serialize};

/// How an item was listened to on one of the engine's own mounts: its performances there.
///
/// A session counts from the first frame of the item that it was handed, however few there were.
/// Other servers' listeners are not known to the engine; those of segments are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MountListened {
    /// The mount.
    pub mount_id: MountId,
    /// Sessions that were handed any of it.
    pub sessions: u32,
    /// Most of them at once.
    pub most: u32,
    /// Frames of it that were handed out, of all sessions together.
    pub frames: i64,
}

/// How an item was listened to by segments (HLS) that the engine itself served.
///
/// Requests have nothing in common but where they come from and what asks: a session is what one
/// address and one player take without a pause of some segments. Behind a proxy all are one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OutputListened {
    /// The output.
    pub output_id: OutputId,
    /// Sessions that were handed any of it.
    pub sessions: u32,
    /// Most of them at once, by the frames they were handed.
    pub most: u32,
    /// Frames of it that were handed out, of all sessions together.
    pub frames: i64,
}
