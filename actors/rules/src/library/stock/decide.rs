//! Decides what is asked of a library's stock.

use super::super::decide::{
    NAME_MAX, REASON_MAX, check_category, check_item, check_text, held_in_playlist, known,
};
use super::super::{LibraryRejection as No, LibraryState, decide as library};
use super::command::StockCommand;
use super::state::Stage;
use super::{files, playlist};
use crate::text;
use grimnir_events::library::{LibraryEvent, MediaItem};
use grimnir_events::stock::{DeletedFor, Folder, StockEvent};
use grimnir_events::{ContentHash, ImportId, MediaId};

/// Folders of one library.
pub const FOLDERS_MAX: usize = 1_000;
/// Longest path, in bytes, as Linux has it.
pub const PATH_MAX: usize = 4_096;

/// Decides one command.
pub fn decide(state: &LibraryState, command: &StockCommand) -> Result<Vec<LibraryEvent>, No> {
    let one = |event| Ok(vec![LibraryEvent::Stock(event)]);
    match command {
        StockCommand::TakeFolder { import_id, folder } => take_folder(state, *import_id, folder),
        StockCommand::TakeFiles { import_id, files } => files::take(state, *import_id, files),
        StockCommand::MissFiles { import_id, paths } => files::miss(state, *import_id, paths),
        StockCommand::FinishFolder { import_id } => {
            if folder(state, *import_id)?.done {
                return Ok(vec![]);
            }
            one(StockEvent::FolderDone { import_id: *import_id })
        }
        StockCommand::LeaveFolder { import_id } => {
            folder(state, *import_id)?;
            one(StockEvent::FolderLeft { import_id: *import_id })
        }
        StockCommand::FailMeasuring { media_id, hash, reason } => {
            fail(state, *media_id, *hash, reason)
        }
        StockCommand::ReplaceAudio { item } => replace(state, item),
        StockCommand::DeleteMedia { media_id } => {
            if known(state, *media_id)?.deleted.as_deref() == Some(&DeletedFor::Asked) {
                return Ok(vec![]);
            }
            held_in_playlist(state, *media_id)?;
            one(StockEvent::MediaDeleted { media_id: *media_id, why: DeletedFor::Asked })
        }
        StockCommand::RestoreMedia { media_id } => {
            if known(state, *media_id)?.deleted.is_none() {
                return Ok(vec![]);
            }
            one(StockEvent::MediaRestored { media_id: *media_id })
        }
        StockCommand::SetEntries { playlist_id, name, entries } => {
            playlist::set(state, *playlist_id, name, entries)
        }
        StockCommand::Several { commands } => {
            let possible = commands.iter().filter(|command| !command.is_several());
            let decided = possible.filter_map(|command| library::decide(state, command).ok());
            Ok(decided.flatten().collect())
        }
    }
}

/// The folder of this id.
pub(super) fn folder(
    state: &LibraryState,
    import_id: ImportId,
) -> Result<&super::state::FolderState, No> {
    state.folders.get(&import_id).ok_or(No::UnknownFolder { import_id })
}

fn take_folder(
    state: &LibraryState,
    import_id: ImportId,
    folder: &Folder,
) -> Result<Vec<LibraryEvent>, No> {
    if import_id.is_nil() {
        return Err(No::NilId { field: "import_id" });
    }
    check_text("path", &folder.path, 1, PATH_MAX)?;
    check_category(&folder.category)?;
    check_text("category", &folder.category, 0, NAME_MAX)?;
    if let Some(held) = state.folders.get(&import_id) {
        let same = held.folder == *folder;
        let other = No::FolderHeld { path: held.folder.path.clone(), import_id };
        return if same { Ok(vec![]) } else { Err(other) };
    }
    // Two that follow the same files would take turns at them.
    let follows = |held: &&super::state::FolderState| held.folder.watch || !held.done;
    let mut going = state.folders.iter().filter(|(_, held)| follows(held));
    if let Some((id, held)) = going.find(|(_, held)| overlap(&held.folder, folder)) {
        return Err(No::FolderHeld { path: held.folder.path.clone(), import_id: *id });
    }
    if state.folders.len() >= FOLDERS_MAX {
        let found = state.folders.len();
        return Err(No::TooMany { what: "folders", found, limit: FOLDERS_MAX });
    }
    let folder = folder.clone();
    Ok(vec![LibraryEvent::Stock(StockEvent::FolderTaken { import_id, folder })])
}

/// One of them holds files of the other.
fn overlap(one: &Folder, other: &Folder) -> bool {
    let within = |outer: &Folder, inner: &Folder| {
        let rest = inner.path.strip_prefix(outer.path.trim_end_matches('/'));
        outer.recursive && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    one.path == other.path || within(one, other) || within(other, one)
}

fn fail(
    state: &LibraryState,
    media_id: MediaId,
    hash: ContentHash,
    reason: &str,
) -> Result<Vec<LibraryEvent>, No> {
    let entry = known(state, media_id)?;
    let reason = text::clip(reason, REASON_MAX);
    let failed = StockEvent::MeasuringFailed { media_id, reason: reason.clone() };
    let file_name = entry.item.file_name.clone();
    let mut events = vec![LibraryEvent::MediaRefused { file_name, hash: Some(hash), reason }];
    match entry.stage {
        Stage::Pending => events.push(LibraryEvent::Stock(failed)),
        // What it has plays on.
        Stage::Measured => {}
        Stage::Failed(_) => return Ok(vec![]),
    }
    Ok(events)
}

fn replace(state: &LibraryState, item: &MediaItem) -> Result<Vec<LibraryEvent>, No> {
    let entry = known(state, item.id)?;
    check_item(item)?;
    if entry.item == *item && entry.stage == Stage::Measured && entry.lost.is_none() {
        return Ok(vec![]);
    }
    match state.by_hash.get(&item.hash) {
        Some(other) if *other != item.id => {
            Err(No::Duplicate { media_id: *other, hash: item.hash })
        }
        Some(_) | None => {
            let item = Box::new(item.clone());
            Ok(vec![LibraryEvent::Stock(StockEvent::AudioReplaced { item })])
        }
    }
}
