//! Follows folders by what the kernel tells of them; every word of it only says: look again.

use super::Open;
use super::handle::Handle;
use grimnir_events::ImportId;
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tracing::warn;

/// The folders that are followed.
#[derive(Default)]
pub struct Watches {
    watchers: BTreeMap<ImportId, RecommendedWatcher>,
}

impl Watches {
    /// Follows those that are to be followed, and no others.
    pub fn keep(&mut self, handle: &Arc<Handle>, open: &[Open]) {
        let wanted = |id: &ImportId| open.iter().any(|open| open.id == *id && open.folder.watch);
        self.watchers.retain(|id, _| wanted(id));
        for open in open.iter().filter(|open| open.folder.watch) {
            if self.watchers.contains_key(&open.id) {
                continue;
            }
            match watch(handle.clone(), open) {
                Ok(watcher) => {
                    // What changed before it was followed is found by looking.
                    handle.touch(open.id);
                    self.watchers.insert(open.id, watcher);
                }
                Err(error) => {
                    warn!(import.id = %open.id, %error, "a folder is only looked at, not followed");
                }
            }
        }
    }
}

fn watch(handle: Arc<Handle>, open: &Open) -> notify::Result<RecommendedWatcher> {
    let id = open.id;
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // An error, and an overflow, may stand for anything.
        if event.map_or(true, |event| event.need_rescan() || matters(&event.kind)) {
            handle.stir(id);
        }
    })?;
    let mode =
        if open.folder.recursive { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
    watcher.watch(Path::new(&open.folder.path), mode)?;
    Ok(watcher)
}

/// Reading, ours among it, changes nothing.
fn matters(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Any
        | EventKind::Other => true,
    }
}
