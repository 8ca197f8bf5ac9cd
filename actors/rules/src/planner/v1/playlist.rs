//! Where a playlist goes on: found from the lines that earlier hours took from it.
//!
//! A line's id is derived from its playlist too, so the id itself tells where a line came from,
//! and no cursor has to be kept beside the plans.

use crate::planner::chain::line_id;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{MediaId, PlaylistId, StationId};

/// Lines that may have been taken out of, or put into, an hour before a line of it.
const SHIFT: usize = 16;
/// Lines looked back at to tell repeated items of a playlist apart.
const TRAIL: usize = 32;

/// Tells the place of an item in a catalogue.
pub type PlaceOf<'a> = &'a dyn Fn(MediaId) -> Option<usize>;

/// Place in `items` (places of a catalogue, in playlist order) that airs next.
pub fn next_place(
    station: StationId,
    place_of: PlaceOf<'_>,
    earlier: &[&HourPlan],
    playlist: PlaylistId,
    items: &[usize],
) -> usize {
    let trail = trail(station, place_of, earlier, playlist, items);
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
    place_of: PlaceOf<'_>,
    earlier: &[&HourPlan],
    playlist: PlaylistId,
    items: &[usize],
) -> Vec<usize> {
    let mut trail = Vec::new();
    for plan in earlier.iter().rev() {
        for (index, line) in plan.lines.iter().enumerate().rev() {
            let place = place_of(line.media_id).filter(|place| items.contains(place));
            let Some(place) = place else { continue };
            if taken(station, plan, index, playlist) {
                trail.push(place);
                if trail.len() == TRAIL {
                    return trail;
                }
            }
        }
    }
    trail
}

/// Whether an hour's line at `index` was taken from the playlist.
pub(in crate::planner) fn taken(
    station: StationId,
    plan: &HourPlan,
    index: usize,
    playlist: PlaylistId,
) -> bool {
    let Some(line) = plan.lines.get(index) else { return false };
    let from = index.saturating_sub(SHIFT);
    (from..=index + SHIFT)
        .any(|index| line_id(station, plan.hour, index, line.media_id, Some(playlist)) == line.id)
}
