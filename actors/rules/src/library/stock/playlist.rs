//! Decides playlists whose entries have marks of their own.

use super::super::decide::set_playlist;
use super::super::{LibraryRejection as No, LibraryState};
use grimnir_events::library::{CueMarks, LibraryEvent, MediaItem};
use grimnir_events::stock::{EntryTimes, StockEvent};
use grimnir_events::units::frames_of_ms;
use grimnir_events::{MediaId, PlaylistId};

/// Longest fade of an entry, in milliseconds.
const FADE_MAX_MS: i64 = 20_000;
/// Most entries with marks of their own: command and event hold up to 55 bytes of each.
pub const TIMED_MAX: usize = 300;

/// Sets a playlist and the marks of its entries.
pub fn set(
    state: &LibraryState,
    playlist_id: PlaylistId,
    name: &str,
    entries: &[(MediaId, EntryTimes)],
) -> Result<Vec<LibraryEvent>, No> {
    let items: Vec<MediaId> = entries.iter().map(|(id, _)| *id).collect();
    let mut events = set_playlist(state, playlist_id, name, &items)?;
    let mut times = Vec::new();
    for (place, (media_id, entry)) in entries.iter().enumerate() {
        if entry.is_plain() {
            continue;
        }
        if let Some(held) = state.media.get(media_id) {
            check(&held.item, entry)?;
        }
        times.push((u16::try_from(place).unwrap_or(u16::MAX), *entry));
    }
    if times.len() > TIMED_MAX {
        let found = times.len();
        return Err(No::TooMany { what: "entries with marks", found, limit: TIMED_MAX });
    }
    let held = state.playlists.get(&playlist_id).map(|held| &held.times);
    // Setting the items takes the marks away.
    let stand = if events.is_empty() { held.map_or(0, |held| held.len()) } else { 0 };
    let same = stand == times.len()
        && times.iter().all(|(at, entry)| held.and_then(|held| held.get(at)) == Some(entry));
    if !same {
        events.push(LibraryEvent::Stock(StockEvent::PlaylistTimed { playlist_id, times }));
    }
    Ok(events)
}

fn check(item: &MediaItem, entry: &EntryTimes) -> Result<(), No> {
    for (field, fade) in [("fade_in_ms", entry.fade_in_ms), ("fade_out_ms", entry.fade_out_ms)] {
        let found = i64::from(fade.unwrap_or(0));
        if found > FADE_MAX_MS {
            return Err(No::Measure { field, found, min: 0, max: FADE_MAX_MS });
        }
    }
    if marks(item, entry).is_none() {
        let CueMarks { cue_in, segue, cue_out } = wanted(item, entry);
        return Err(No::Cues { cue_in, segue, cue_out, duration: item.duration_frames });
    }
    Ok(())
}

fn wanted(item: &MediaItem, entry: &EntryTimes) -> CueMarks {
    let cue_out = entry.cue_out.unwrap_or(item.cues.cue_out);
    let faded = entry.fade_out_ms.map(|ms| cue_out.saturating_sub(frames_of_ms(i64::from(ms))));
    // An item without a segue of its own has none by another end either.
    let own = if item.cues.segue < item.cues.cue_out { item.cues.segue } else { cue_out };
    CueMarks {
        cue_in: entry.cue_in.unwrap_or(item.cues.cue_in),
        segue: entry.segue.or(faded).unwrap_or_else(|| own.min(cue_out)),
        cue_out,
    }
}

/// The marks of an item with those of an entry; `None` where something would not air by them.
pub fn marks(item: &MediaItem, entry: &EntryTimes) -> Option<CueMarks> {
    let cues = wanted(item, entry);
    let orderly = 0 <= cues.cue_in && cues.cue_in < cues.segue && cues.segue <= cues.cue_out;
    (orderly && cues.cue_out <= item.duration_frames).then_some(cues)
}
