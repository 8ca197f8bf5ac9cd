//! When each item, artist and title was last on air, by plan or in fact.

use super::catalogue::Catalogue;
use crate::planner::Play;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{MediaId, UtcMicros};

/// Last plays, by the catalogue's numbers.
#[derive(Clone, Debug)]
pub struct History {
    /// By item.
    pub items: Vec<Option<UtcMicros>>,
    /// By artist.
    pub artists: Vec<Option<UtcMicros>>,
    /// By title.
    pub titles: Vec<Option<UtcMicros>>,
}

impl History {
    /// Reads earlier plans, and what aired before `hour`.
    pub fn of(
        catalogue: &Catalogue<'_>,
        earlier: &[&HourPlan],
        played: &[Play],
        hour: UtcMicros,
    ) -> Self {
        let mut out = Self {
            items: vec![None; catalogue.entries.len()],
            artists: vec![None; catalogue.artist_count()],
            titles: vec![None; catalogue.title_count()],
        };
        for line in earlier.iter().flat_map(|plan| &plan.lines) {
            out.note(catalogue, line.planned_at, line.media_id, &line.artist, &line.title);
        }
        for play in played.iter().filter(|play| play.at < hour) {
            out.note(catalogue, play.at, play.media_id, &play.artist, &play.title);
        }
        out
    }

    fn note(
        &mut self,
        catalogue: &Catalogue<'_>,
        at: UtcMicros,
        media_id: MediaId,
        artist: &str,
        title: &str,
    ) {
        if let Some(place) = catalogue.place(media_id) {
            return self.note_entry(catalogue, place, at);
        }
        // Not in the library any more, but its artist and title still keep their distance.
        if let Some(artist) = catalogue.artist(artist) {
            self.artists[artist] = self.artists[artist].max(Some(at));
        }
        if let Some(title) = catalogue.title(title) {
            self.titles[title] = self.titles[title].max(Some(at));
        }
    }

    /// Notes a play of the entry at `place`.
    pub fn note_entry(&mut self, catalogue: &Catalogue<'_>, place: usize, at: UtcMicros) {
        let entry = &catalogue.entries[place];
        self.items[place] = self.items[place].max(Some(at));
        self.titles[entry.title] = self.titles[entry.title].max(Some(at));
        if let Some(artist) = entry.artist {
            self.artists[artist] = self.artists[artist].max(Some(at));
        }
    }
}
