//! Decides what is asked of a library.

use super::command::LibraryCommand;
use super::stock::state::Stage;
use super::{LibraryRejection as No, LibraryState, MediaEntry};
use super::{detail, stock};
use crate::text;
use grimnir_events::library::{CueMarks, LibraryEvent, MediaItem, Tags};
use grimnir_events::units::FRAMES_PER_SECOND;
use grimnir_events::{ContentHash, MediaId, PlaylistId};

/// Items of one library.
pub const MEDIA_MAX: usize = 100_000;
/// Playlists of one library.
pub const PLAYLISTS_MAX: usize = 10_000;
/// Items of one playlist. A commit holds them twice (command and event), 16 bytes each, and is at
/// most 60 KiB: (61,440 - 3,840 for the rest) / 32.
pub const PLAYLIST_ITEMS_MAX: usize = 1_800;
/// Longest tag, in characters.
pub const TAG_MAX: usize = 300;
/// Longest file name, in characters.
pub const FILE_NAME_MAX: usize = 255;
/// Longest category and playlist name, in characters.
pub const NAME_MAX: usize = 100;
/// Longest reason that is kept, in characters.
pub const REASON_MAX: usize = 500;
/// Longest item: a day.
pub const DURATION_MAX: i64 = 24 * 3_600 * FRAMES_PER_SECOND;

/// Decides one command.
pub fn decide(state: &LibraryState, command: &LibraryCommand) -> Result<Vec<LibraryEvent>, No> {
    match command {
        LibraryCommand::AddMedia { item } => add(state, item),
        LibraryCommand::RefuseMedia { file_name, hash, reason } => {
            check_text("file_name", file_name, 1, FILE_NAME_MAX)?;
            Ok(vec![LibraryEvent::MediaRefused {
                file_name: file_name.clone(),
                hash: *hash,
                reason: text::clip(reason, REASON_MAX),
            }])
        }
        LibraryCommand::DescribeMedia { media_id, .. } => {
            describe(known(state, *media_id)?, command)
        }
        LibraryCommand::LoseMedia { media_id, reason } => {
            if known(state, *media_id)?.lost.is_some() {
                return Ok(vec![]);
            }
            let reason = text::clip(reason, REASON_MAX);
            Ok(vec![LibraryEvent::MediaLost { media_id: *media_id, reason }])
        }
        LibraryCommand::FindMedia { media_id } => {
            if known(state, *media_id)?.lost.is_none() {
                return Ok(vec![]);
            }
            Ok(vec![LibraryEvent::MediaFound { media_id: *media_id }])
        }
        LibraryCommand::RemoveMedia { media_id } => {
            known(state, *media_id)?;
            held_in_playlist(state, *media_id)?;
            Ok(vec![LibraryEvent::MediaRemoved { media_id: *media_id }])
        }
        LibraryCommand::SetPlaylist { playlist_id, name, items } => {
            set_playlist(state, *playlist_id, name, items)
        }
        LibraryCommand::RemovePlaylist { playlist_id } => {
            if !state.playlists.contains_key(playlist_id) {
                return Err(No::UnknownPlaylist { playlist_id: *playlist_id });
            }
            Ok(vec![LibraryEvent::PlaylistRemoved { playlist_id: *playlist_id }])
        }
        LibraryCommand::DetailMedia { media_id, details } => {
            known(state, *media_id)?;
            detail::detail(state, *media_id, details)
        }
        LibraryCommand::Analysis(command) => super::analysis::decide(state, command),
        LibraryCommand::Stock(command) => stock::decide(state, command),
    }
}

/// Refuses what would leave a hole in a playlist.
pub(super) fn held_in_playlist(state: &LibraryState, media_id: MediaId) -> Result<(), No> {
    let mut playlists = state.playlists.iter();
    match playlists.find(|(_, playlist)| playlist.items.contains(&media_id)) {
        Some((id, _)) => Err(No::InPlaylist { media_id, playlist_id: *id }),
        None => Ok(()),
    }
}

pub(super) fn known(state: &LibraryState, media_id: MediaId) -> Result<&MediaEntry, No> {
    state.media.get(&media_id).map(|entry| &**entry).ok_or(No::UnknownMedia { media_id })
}

/// An item as it was measured makes sense.
pub(super) fn check_item(item: &MediaItem) -> Result<(), No> {
    if item.id.is_nil() {
        return Err(No::NilId { field: "media_id" });
    }
    check_text("file_name", &item.file_name, 1, FILE_NAME_MAX)?;
    check_text("codec", &item.codec, 1, 32)?;
    check_tags(&item.tags)?;
    check_category(&item.category)?;
    let measures = [
        ("duration_frames", item.duration_frames, 1, DURATION_MAX),
        ("source_rate_hz", i64::from(item.source_rate_hz), 1, 768_000),
        ("channels", i64::from(item.channels), 1, 64),
    ];
    for (field, found, min, max) in measures {
        if !(min..=max).contains(&found) {
            return Err(No::Measure { field, found, min, max });
        }
    }
    for (field, hash) in [("hash", item.hash), ("play_hash", item.play_hash)] {
        if hash == ContentHash::default() {
            return Err(No::NilId { field });
        }
    }
    check_cues(&item.cues, item.duration_frames)
}

fn add(state: &LibraryState, item: &MediaItem) -> Result<Vec<LibraryEvent>, No> {
    check_item(item)?;
    let named = state.media.get(&item.id);
    if let Some(held) = named.filter(|held| held.stage != Stage::Measured) {
        return measured(held, item);
    }
    if named.is_some_and(|held| held.item != *item) {
        return Err(No::MediaExists { media_id: item.id });
    }
    let same_bytes = || state.media.get(state.by_hash.get(&item.hash)?);
    if let Some(held) = named.or_else(same_bytes) {
        let media_id = held.item.id;
        // What plays must be the same too: it is what the timeline names.
        return if held.lost.is_some() && held.item.play_hash == item.play_hash {
            Ok(vec![LibraryEvent::MediaFound { media_id }])
        } else if media_id == item.id {
            Ok(vec![])
        } else {
            Err(No::Duplicate { media_id, hash: item.hash })
        };
    }
    if state.media.len() >= MEDIA_MAX {
        return Err(No::TooMany { what: "items", found: state.media.len(), limit: MEDIA_MAX });
    }
    Ok(vec![LibraryEvent::MediaAdded { item: Box::new(item.clone()) }])
}

/// The measuring that an item waited for; what is said about it stays as it is by now.
fn measured(held: &MediaEntry, item: &MediaItem) -> Result<Vec<LibraryEvent>, No> {
    if held.item.hash != item.hash {
        return Err(No::MediaExists { media_id: item.id });
    }
    let said = held.item.clone();
    let item = MediaItem {
        file_name: said.file_name,
        tags: said.tags,
        category: said.category,
        kind: said.kind,
        must_air: said.must_air,
        long_form: said.long_form,
        ..item.clone()
    };
    Ok(vec![LibraryEvent::MediaAdded { item: Box::new(item) }])
}

fn describe(entry: &MediaEntry, command: &LibraryCommand) -> Result<Vec<LibraryEvent>, No> {
    let LibraryCommand::DescribeMedia { tags, category, kind, cues, must_air, long_form, .. } =
        command
    else {
        return Ok(vec![]);
    };
    let mut item = entry.item.clone();
    if let Some(tags) = tags {
        check_tags(tags)?;
        item.tags.clone_from(tags);
    }
    if let Some(category) = category {
        check_category(category)?;
        item.category.clone_from(category);
    }
    if let Some(cues) = cues {
        check_cues(cues, item.duration_frames)?;
        item.cues = *cues;
    }
    item.kind = kind.unwrap_or(item.kind);
    item.must_air = must_air.unwrap_or(item.must_air);
    item.long_form = long_form.unwrap_or(item.long_form);
    if item == entry.item {
        return Ok(vec![]);
    }
    Ok(vec![LibraryEvent::MediaDescribed {
        media_id: item.id,
        tags: item.tags,
        category: item.category,
        kind: item.kind,
        cues: item.cues,
        must_air: item.must_air,
        long_form: item.long_form,
    }])
}

pub(super) fn set_playlist(
    state: &LibraryState,
    playlist_id: PlaylistId,
    name: &str,
    items: &[MediaId],
) -> Result<Vec<LibraryEvent>, No> {
    if playlist_id.is_nil() {
        return Err(No::NilId { field: "playlist_id" });
    }
    check_text("name", name, 1, NAME_MAX)?;
    if items.len() > PLAYLIST_ITEMS_MAX {
        return Err(No::PlaylistLength { found: items.len(), limit: PLAYLIST_ITEMS_MAX });
    }
    if let Some(media_id) = items.iter().find(|id| !state.media.contains_key(id)) {
        return Err(No::UnknownItem { media_id: *media_id });
    }
    match state.playlists.get(&playlist_id) {
        Some(held) if held.name == name && held.items == items => return Ok(vec![]),
        Some(_) => {}
        None if state.playlists.len() >= PLAYLISTS_MAX => {
            let found = state.playlists.len();
            return Err(No::TooMany { what: "playlists", found, limit: PLAYLISTS_MAX });
        }
        None => {}
    }
    let (name, items) = (name.to_owned(), items.to_vec());
    Ok(vec![LibraryEvent::PlaylistSet { playlist_id, name, items }])
}

pub(super) fn check_text(
    field: &'static str,
    value: &str,
    min: usize,
    max: usize,
) -> Result<(), No> {
    text::check(value, min, max).map_err(|fault| No::Text { field, fault })
}

pub(super) fn check_tags(tags: &Tags) -> Result<(), No> {
    check_text("title", &tags.title, 1, TAG_MAX)?;
    check_text("artist", &tags.artist, 0, TAG_MAX)?;
    check_text("album", &tags.album, 0, TAG_MAX)?;
    check_text("genre", &tags.genre, 0, TAG_MAX)?;
    check_text("isrc", &tags.isrc, 0, TAG_MAX)
}

pub(super) fn check_category(category: &str) -> Result<(), No> {
    check_text("category", category, 0, NAME_MAX)?;
    if category.trim() != category || category.to_lowercase() != category {
        return Err(No::Category { found: category.to_owned() });
    }
    Ok(())
}

pub(super) fn check_cues(cues: &CueMarks, duration: i64) -> Result<(), No> {
    let CueMarks { cue_in, segue, cue_out } = *cues;
    // An item that hands over on its first frame would make an endless chain of nothing.
    if 0 <= cue_in && cue_in < segue && segue <= cue_out && cue_out <= duration {
        return Ok(());
    }
    Err(No::Cues { cue_in, segue, cue_out, duration })
}
