//! The sound recording performance complement, counted as 17 U.S.C. § 114(j)(13) counts: in any
//! three hours three tracks of one album, two of them in a row; four of one featured artist or of
//! one set or compilation, three of them in a row. What is not music is no track and parts none.

use super::credit::values;
use super::play::{Complaint, Take};
use super::world::World;
use grimnir_events::library::ItemKind;
use grimnir_events::smart_block::Field;

/// The three hours of the law.
const WINDOW_S: u32 = 3 * 3_600;

/// What is wrong with the play at this place.
pub fn complement(world: &World, takes: &[Take], at: usize) -> Vec<Complaint> {
    let take = &takes[at];
    let is_track = |take: &Take| take.item(world).is_none_or(|item| item.kind == ItemKind::Music);
    let mut found = Vec::new();
    if !world.rules.performance_complement || !is_track(take) {
        return found;
    }
    let tracks: Vec<&Take> = takes[..=at]
        .iter()
        .rev()
        .take_while(|earlier| take.within(earlier, WINDOW_S))
        .filter(|earlier| is_track(earlier))
        .collect();
    let counted = [(Field::Album, 3, 2), (Field::Artist, 4, 3), (Field::Compilation, 4, 3)];
    for (field, most, in_row) in counted {
        for value in values(world, take, &field) {
            let alike = |track: &&&Take| values(world, track, &field).contains(&value);
            let count = tracks.iter().filter(alike).count();
            let row = tracks.iter().take_while(|track| alike(track)).count();
            if count > most || row > in_row {
                let what =
                    format!("{count} of {field:?} \"{value}\" in three hours, {row} in a row");
                found.push(Complaint::new("complement", take, what));
            }
        }
    }
    found
}
