//! Picks the next item of a category: by separation, then by rotation, then by seed.

use super::catalogue::Catalogue;
use super::history::History;
use crate::planner::sound::is_programme;
use grimnir_events::UtcMicros;
use grimnir_events::station::StationSettings;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Category in lower case; empty for the whole library.
    pub category: &'a str,
    /// When it is to air by the plan.
    pub at: UtcMicros,
    /// Frames to a line with a fixed time, and the least airtime that is worth a start before it.
    pub room: Option<(i64, i64)>,
}

/// What had to be given up for a pick.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Relaxed {
    /// Nothing.
    Nothing,
    /// It leaves a rest before a fixed time in which nothing can start.
    Rest,
    /// Its title aired too lately.
    Title,
    /// Its artist aired too lately.
    Artist,
    /// Both.
    ArtistAndTitle,
}

impl Relaxed {
    /// The artist's separation was given up.
    pub fn artist(self) -> bool {
        matches!(self, Self::Artist | Self::ArtistAndTitle)
    }
    /// The title's separation was given up.
    pub fn title(self) -> bool {
        matches!(self, Self::Title | Self::ArtistAndTitle)
    }
}

/// The best entry: least given up, then least recently played, then by seed.
///
/// Separation is from start to start.
pub fn best(
    catalogue: &Catalogue<'_>,
    history: &History,
    settings: &StationSettings,
    query: Query<'_>,
    rng: &mut ChaCha8Rng,
) -> Option<(usize, Relaxed)> {
    let mut best: Option<(Relaxed, Option<UtcMicros>)> = None;
    let mut ties: Vec<usize> = Vec::new();
    for (place, entry) in catalogue.entries.iter().enumerate() {
        let wanted = if query.category.is_empty() {
            is_programme(entry.item.kind)
        } else {
            entry.item.category.to_lowercase() == query.category
        };
        if !wanted {
            continue;
        }
        let rank = (relaxed(catalogue, history, settings, &query, place), history.items[place]);
        match best {
            Some(known) if rank > known => {}
            Some(known) if rank == known => ties.push(place),
            Some(_) | None => {
                best = Some(rank);
                ties.clear();
                ties.push(place);
            }
        }
    }
    let (relaxed, _) = best?;
    // One draw per pick, so that a tie more or less does not shift the picks after it.
    let draw = rng.next_u64() % ties.len() as u64;
    Some((ties[draw as usize], relaxed))
}

fn relaxed(
    catalogue: &Catalogue<'_>,
    history: &History,
    settings: &StationSettings,
    query: &Query<'_>,
    place: usize,
) -> Relaxed {
    let entry = &catalogue.entries[place];
    let close = |last: Option<UtcMicros>, separation_s: u32| {
        last.is_some_and(|last| query.at.since(last) < i64::from(separation_s) * 1_000_000)
    };
    let artist = entry.artist.and_then(|artist| history.artists[artist]);
    let artist_close = close(artist, settings.artist_separation_s);
    let title_close = close(history.titles[entry.title], settings.title_separation_s);
    match (artist_close, title_close) {
        (true, true) => Relaxed::ArtistAndTitle,
        (true, false) => Relaxed::Artist,
        (false, true) => Relaxed::Title,
        (false, false) => {
            let rest = query.room.map(|(room, useful)| (room - entry.cues.airtime(), useful));
            match rest {
                Some((rest, useful)) if rest > 0 && rest < useful => Relaxed::Rest,
                Some(_) | None => Relaxed::Nothing,
            }
        }
    }
}
