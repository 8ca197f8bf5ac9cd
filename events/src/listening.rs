//! The words of listening: how many heard an item. Who they were is in no event.

use crate::ids::MountId;
use serde::{Deserialize, Serialize};

/// How an item was listened to on one of the engine's own mounts: its performances there.
///
/// A session counts from the first frame of the item that it was handed, however few there were.
/// Other servers' listeners, and those of segments, are not known to the engine.
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
