//! Where a playlist goes on: found from the lines that earlier hours took from it.
//!
//! A line's id is derived from its playlist too, so the id itself tells where a line came from,
//! and no cursor has to be kept beside the plans.

use super::catalogue::Catalogue;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{LineId, MediaId, PlaylistId, StationId, UtcMicros, derive_id};

/// Lines that may have been taken out of, or put into, an hour before a line of it.
const SHIFT: usize = 16;
/// Lines looked back at to tell repeated items of a playlist apart.
const TRAIL: usize = 32;

/// Id of a line: station, hour, place, item, and the playlist it comes from.
pub fn line_id(
    station: StationId,
    hour: UtcMicros,
    index: usize,
    media_id: MediaId,
    playlist: Option<PlaylistId>,
) -> LineId {
    let (hour, index) = (hour.0.to_be_bytes(), (index as u64).to_be_bytes());
    let mut parts: Vec<&[u8]> = vec![&station.0, &hour, &index, &media_id.0];
    if let Some(playlist) = &playlist {
        parts.push(&playlist.0);
    }
    LineId(derive_id("line", &parts))
}

/// Place in `items` (places of a catalogue, in playlist order) that airs next.
pub fn next_place(
    station: StationId,
    catalogue: &Catalogue<'_>,
    earlier: &[&HourPlan],
    playlist: PlaylistId,
    items: &[usize],
) -> usize {
    let trail = trail(station, catalogue, earlier, playlist, items);
    let Some(last) = trail.first() else { return 0 };
    let run = |place: usize| {
        let before = (0..items.len()).map(|back| items[(place + items.len() - back) % items.len()]);
        before.zip(&trail).take_while(|(item, aired)| item == *aired).count()
    };
    let places = (0..items.len()).filter(|place| items[*place] == *last);
    // Of equally long runs the first: `max_by_key` would take the last.
    let found = places.max_by_key(|place| (run(*place), std::cmp::Reverse(*place)));
    found.map_or(0, |place| (place + 1) % items.len())
}

/// What earlier hours took from the playlist and is still in it, newest first.
fn trail(
    station: StationId,
    catalogue: &Catalogue<'_>,
    earlier: &[&HourPlan],
    playlist: PlaylistId,
    items: &[usize],
) -> Vec<usize> {
    let mut trail = Vec::new();
    for plan in earlier.iter().rev() {
        for (index, line) in plan.lines.iter().enumerate().rev() {
            let place = catalogue.place(line.media_id).filter(|place| items.contains(place));
            let Some(place) = place else { continue };
            let from = index.saturating_sub(SHIFT);
            let taken = (from..=index + SHIFT).any(|index| {
                line_id(station, plan.hour, index, line.media_id, Some(playlist)) == line.id
            });
            if taken {
                trail.push(place);
                if trail.len() == TRAIL {
                    return trail;
                }
            }
        }
    }
    trail
}
