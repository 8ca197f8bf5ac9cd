//! Folds a library's events.

use super::stock::state::Stage;
use super::{LibraryState, MediaEntry, Playlist, analysis, stock};
use crate::common::Common;
use grimnir_events::library::LibraryEvent;

/// Folds one event.
pub fn evolve(state: &mut LibraryState, event: &LibraryEvent) {
    match event {
        LibraryEvent::MediaAdded { item } => {
            state.by_hash.insert(item.hash, item.id);
            let before = state.media.get_mut(&item.id);
            let (deleted, added_at) =
                before.map(|entry| (entry.deleted.take(), entry.added_at)).unwrap_or_default();
            let (item, stage) = ((**item).clone(), Stage::Measured);
            let entry = MediaEntry { item, lost: None, stage, deleted, added_at };
            state.media.insert(entry.item.id, Common::new(entry));
        }
        LibraryEvent::MediaRefused { .. } => {}
        LibraryEvent::MediaDescribed {
            media_id,
            tags,
            category,
            kind,
            cues,
            must_air,
            long_form,
        } => {
            analysis::described(state, *media_id, cues);
            if let Some(entry) = state.media.get_mut(media_id) {
                entry.item.tags.clone_from(tags);
                entry.item.category.clone_from(category);
                entry.item.kind = *kind;
                entry.item.cues = *cues;
                entry.item.must_air = *must_air;
                entry.item.long_form = *long_form;
            }
        }
        LibraryEvent::MediaLost { media_id, reason } => {
            if let Some(entry) = state.media.get_mut(media_id) {
                entry.lost = Some(reason.clone());
            }
        }
        LibraryEvent::MediaFound { media_id } => {
            if let Some(entry) = state.media.get_mut(media_id) {
                entry.lost = None;
            }
        }
        LibraryEvent::MediaRemoved { media_id } => {
            if let Some(entry) = state.media.remove(media_id) {
                state.by_hash.remove(&entry.item.hash);
            }
            state.details.remove(media_id);
            state.analyses.remove(media_id);
        }
        LibraryEvent::PlaylistSet { playlist_id, name, items } => {
            let (name, items, times) = (name.clone(), items.clone(), Default::default());
            let playlist = Playlist { name, items, times };
            state.playlists.insert(*playlist_id, playlist);
        }
        LibraryEvent::PlaylistRemoved { playlist_id } => {
            state.playlists.remove(playlist_id);
        }
        LibraryEvent::MediaDetailed { media_id, details } => {
            state.describe(*media_id, details);
        }
        LibraryEvent::Stock(event) => stock::evolve(state, event),
        LibraryEvent::Analysis(event) => analysis::evolve(state, event),
    }
}
