//! Decides what the files of a folder come to.

use super::super::decide::{MEDIA_MAX, REASON_MAX, check_category, check_tags, check_text};
use super::super::{LibraryRejection as No, LibraryState, detail};
use super::command::{FoundContent, FoundFile};
use super::decide::{PATH_MAX, folder};
use super::state::{FileIs, FolderState};
use crate::text;
use grimnir_events::library::LibraryEvent;
use grimnir_events::stock::{DeletedFor, FileOutcome, FileTaken, PendingItem, StockEvent};
use grimnir_events::{ContentHash, ImportId, MediaId};
use std::collections::{BTreeMap, BTreeSet};

/// What the files taken so far by the same command add to the state.
#[derive(Default)]
struct Batch {
    added: BTreeMap<ContentHash, MediaId>,
    moved: BTreeSet<MediaId>,
}

/// Takes files: new ones, moved ones, changed ones.
pub fn take(
    state: &LibraryState,
    import_id: ImportId,
    files: &[FoundFile],
) -> Result<Vec<LibraryEvent>, No> {
    let held = folder(state, import_id)?;
    let (mut batch, mut taken, mut more) = (Batch::default(), Vec::new(), Vec::new());
    for file in files {
        check_text("path", &file.path, 1, PATH_MAX)?;
        let outcome = match &file.content {
            FoundContent::Sound { item } => sound(state, held, file, item, &mut batch)?,
            FoundContent::Unfit { hash, reason } => {
                let reason = text::clip(reason, REASON_MAX);
                more.push(refused(&file.path, *hash, &reason));
                FileOutcome::Refused { reason }
            }
        };
        if let FileOutcome::Moved { media_id, .. } = outcome
            && deleted_with_file(state, media_id)
        {
            more.push(LibraryEvent::Stock(StockEvent::MediaRestored { media_id }));
        }
        taken.push(FileTaken {
            path: file.path.clone(),
            size_bytes: file.size_bytes,
            modified_at: file.modified_at,
            outcome,
        });
    }
    if taken.is_empty() {
        return Ok(vec![]);
    }
    more.insert(0, LibraryEvent::Stock(StockEvent::FilesTaken { import_id, files: taken }));
    Ok(more)
}

fn refused(path: &str, hash: Option<ContentHash>, reason: &str) -> LibraryEvent {
    let file_name = text::clip(path.rsplit('/').next().unwrap_or(path), 255);
    LibraryEvent::MediaRefused { file_name, hash, reason: reason.to_owned() }
}

fn deleted_with_file(state: &LibraryState, id: MediaId) -> bool {
    let deleted = state.media.get(&id).and_then(|entry| entry.deleted.as_deref());
    matches!(deleted, Some(DeletedFor::FileGone { .. }))
}

fn sound(
    state: &LibraryState,
    held: &FolderState,
    file: &FoundFile,
    item: &PendingItem,
    batch: &mut Batch,
) -> Result<FileOutcome, No> {
    let before = held.files.get(file.path.as_str()).and_then(|file| file.what.own());
    let same_bytes = state.by_hash.get(&item.hash).or_else(|| batch.added.get(&item.hash));
    match (same_bytes.copied(), before) {
        (Some(media_id), Some(own)) if media_id == own => Ok(FileOutcome::Known { media_id }),
        (Some(media_id), _) => {
            let from = file.instead_of.as_deref().filter(|from| {
                held.files.get(*from).and_then(|file| file.what.own()) == Some(media_id)
            });
            let comes_back = from.is_some() || deleted_with_file(state, media_id);
            if comes_back && batch.moved.insert(media_id) {
                let from = from.unwrap_or_default().to_owned();
                return Ok(FileOutcome::Moved { media_id, from });
            }
            Ok(FileOutcome::Known { media_id })
        }
        (None, Some(media_id)) => Ok(FileOutcome::Changed { media_id, hash: item.hash }),
        (None, None) => new(state, file, item, batch),
    }
}

fn new(
    state: &LibraryState,
    file: &FoundFile,
    item: &PendingItem,
    batch: &mut Batch,
) -> Result<FileOutcome, No> {
    check_pending(item)?;
    if state.media.contains_key(&item.id) {
        return Err(No::MediaExists { media_id: item.id });
    }
    let found = state.media.len() + batch.added.len();
    if found >= MEDIA_MAX {
        let full = No::TooMany { what: "items", found, limit: MEDIA_MAX };
        return Ok(FileOutcome::Refused { reason: format!("{}: {full}", file.path) });
    }
    batch.added.insert(item.hash, item.id);
    Ok(FileOutcome::Added { item: Box::new(item.clone()) })
}

fn check_pending(item: &PendingItem) -> Result<(), No> {
    if item.id.is_nil() {
        return Err(No::NilId { field: "media_id" });
    }
    if item.hash == ContentHash::default() {
        return Err(No::NilId { field: "hash" });
    }
    check_text("file_name", &item.file_name, 1, 255)?;
    check_tags(&item.tags)?;
    check_category(&item.category)?;
    detail::check(&item.details)
}

/// Files that are gone; with an item's own one the item, unless another file has its bytes.
pub fn miss(
    state: &LibraryState,
    import_id: ImportId,
    paths: &[String],
) -> Result<Vec<LibraryEvent>, No> {
    let held = folder(state, import_id)?;
    let going: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
    let stays = |(path, what): (&str, &FileIs)| match *what {
        FileIs::Known(id) if !going.contains(path) => Some(id),
        FileIs::Known(_) | FileIs::Own(_) | FileIs::Changed(..) | FileIs::Refused(_) => None,
    };
    let stay: BTreeSet<MediaId> =
        held.files.iter().map(|(path, file)| (&**path, &file.what)).filter_map(stays).collect();
    let mut events = Vec::new();
    for path in going {
        let Some(file) = held.files.get(path) else { continue };
        let path = path.to_owned();
        let gone = StockEvent::FileGone { import_id, path: path.clone() };
        events.push(LibraryEvent::Stock(gone));
        let own = file.what.own().filter(|id| !stay.contains(id));
        let Some(media_id) = own else { continue };
        if state.media.get(&media_id).is_some_and(|entry| entry.deleted.is_none()) {
            let why = DeletedFor::FileGone { path };
            events.push(LibraryEvent::Stock(StockEvent::MediaDeleted { media_id, why }));
        }
    }
    Ok(events)
}
