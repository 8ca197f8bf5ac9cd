//! Folds the events of a library's stock.

use super::super::{LibraryState, MediaEntry};
use super::state::{FileIs, FileState, FolderState, Stage};
use crate::common::Common;
use grimnir_events::ImportId;
use grimnir_events::details::MediaDetails;
use grimnir_events::library::MediaItem;
use grimnir_events::stock::{FileOutcome, FileTaken, PendingItem, StockEvent};

/// Folds one event.
pub fn evolve(state: &mut LibraryState, event: &StockEvent) {
    match event {
        StockEvent::FolderTaken { import_id, folder } => {
            let files = Default::default();
            let held = FolderState { folder: folder.clone(), files, done: false };
            state.folders.insert(*import_id, held);
        }
        StockEvent::FilesTaken { import_id, files } => {
            files.iter().for_each(|file| take(state, *import_id, file));
        }
        StockEvent::FileGone { import_id, path } => {
            if let Some(folder) = state.folders.get_mut(import_id) {
                folder.files.remove(path.as_str());
            }
        }
        StockEvent::FolderDone { import_id } => {
            if let Some(folder) = state.folders.get_mut(import_id) {
                folder.done = true;
            }
        }
        StockEvent::FolderLeft { import_id } => {
            state.folders.remove(import_id);
        }
        StockEvent::MeasuringFailed { media_id, reason } => {
            if let Some(entry) = state.media.get_mut(media_id) {
                entry.stage = Stage::Failed(reason.as_str().into());
            }
        }
        StockEvent::AudioReplaced { item } => {
            state.analyses.remove(&item.id);
            if let Some(entry) = state.media.get_mut(&item.id) {
                let before = std::mem::replace(&mut entry.item, (**item).clone());
                (entry.lost, entry.stage) = (None, Stage::Measured);
                state.by_hash.remove(&before.hash);
                state.by_hash.insert(item.hash, item.id);
            }
        }
        StockEvent::MediaDeleted { media_id, why } => {
            if let Some(entry) = state.media.get_mut(media_id) {
                entry.deleted = Some(Box::new(why.clone()));
            }
        }
        StockEvent::MediaRestored { media_id } => {
            if let Some(entry) = state.media.get_mut(media_id) {
                entry.deleted = None;
            }
        }
        StockEvent::PlaylistTimed { playlist_id, times } => {
            if let Some(playlist) = state.playlists.get_mut(playlist_id) {
                playlist.times = times.iter().copied().collect();
            }
        }
    }
}

fn take(state: &mut LibraryState, import_id: ImportId, file: &FileTaken) {
    let held = state.folders.get_mut(&import_id);
    let what = match &file.outcome {
        FileOutcome::Added { item } => {
            add(state, item);
            FileIs::Own(item.id)
        }
        FileOutcome::Known { media_id } => {
            let before = held.and_then(|folder| folder.files.get(file.path.as_str()));
            match before.and_then(|before| before.what.own()) {
                Some(own) if own == *media_id => FileIs::Own(own),
                Some(_) | None => FileIs::Known(*media_id),
            }
        }
        FileOutcome::Moved { media_id, from } => {
            if let Some(folder) = held {
                folder.files.remove(from.as_str());
            }
            FileIs::Own(*media_id)
        }
        FileOutcome::Changed { media_id, hash } => FileIs::Changed(*media_id, Box::new(*hash)),
        FileOutcome::Refused { reason } => FileIs::Refused(reason.as_str().into()),
    };
    if let Some(folder) = state.folders.get_mut(&import_id) {
        let (size_bytes, modified_at) = (file.size_bytes, file.modified_at);
        let now = FileState { size_bytes, modified_at, what };
        folder.files.insert(file.path.as_str().into(), now);
    }
}

fn add(state: &mut LibraryState, item: &PendingItem) {
    state.by_hash.insert(item.hash, item.id);
    let (stage, added_at) = (Stage::Pending, None);
    let item_now = unmeasured(item);
    let entry = MediaEntry { item: item_now, lost: None, stage, deleted: None, added_at };
    state.media.insert(item.id, Common::new(entry));
    if item.details != MediaDetails::default() {
        state.describe(item.id, &item.details);
    }
}

/// An item of which only the tags are known.
fn unmeasured(item: &PendingItem) -> MediaItem {
    MediaItem {
        id: item.id,
        hash: item.hash,
        file_name: item.file_name.clone(),
        size_bytes: item.size_bytes,
        tags: item.tags.clone(),
        category: item.category.clone(),
        kind: item.kind,
        ..MediaItem::default()
    }
}
