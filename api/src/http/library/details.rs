//! What is said about an item beyond its tags: shown, and changed key by key.

use super::MediaPatch;
use grimnir_events::details::{CustomField, ItemRules, MediaDetails};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// What is said about an item beyond its tags; what nobody said is empty or null.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct DetailsView {
    /// Artist of the album, where it differs from the track's.
    album_artist: String,
    /// Record label.
    label: String,
    /// Genres beside the tag's.
    genres: Vec<String>,
    /// Moods.
    moods: Vec<String>,
    /// Language of the words.
    language: String,
    /// Composer.
    composer: String,
    /// Publisher.
    publisher: String,
    /// Musical key.
    key: String,
    /// Set or compilation it comes from, where that is not the album.
    compilation: String,
    /// Words not fit for every hour.
    explicit: bool,
    /// Beats a minute.
    bpm: Option<f64>,
    /// Energy, 0 to 1,000.
    energy: Option<u16>,
    /// Free words.
    tags: Vec<String>,
    /// Fields of the station's own: a list of `{name, value}`.
    #[schema(value_type = Vec<Object>)]
    custom: Vec<CustomField>,
    /// What it asks of the planner: `valid_from`, `valid_to`, `dayparts`, `play_limit`, `rest_s`.
    #[schema(value_type = Object)]
    rules: ItemRules,
}

impl From<MediaDetails> for DetailsView {
    fn from(details: MediaDetails) -> Self {
        Self {
            album_artist: details.album_artist,
            label: details.label,
            genres: details.genres,
            moods: details.moods,
            language: details.language,
            composer: details.composer,
            publisher: details.publisher,
            key: details.key,
            compilation: details.compilation,
            explicit: details.explicit,
            bpm: details.bpm_x100.map(|bpm| f64::from(bpm) / 100.0),
            energy: details.energy,
            tags: details.tags,
            custom: details.custom,
            rules: details.rules,
        }
    }
}

impl MediaPatch {
    /// The details as they are to be; `None` when none was given.
    pub(super) fn details(&mut self, now: &MediaDetails) -> Option<MediaDetails> {
        let mut then = now.clone();
        let mut given = false;
        let mut put = |seen: bool| given |= seen;
        put(set(&mut then.album_artist, self.album_artist.take()));
        put(set(&mut then.label, self.label.take()));
        put(set(&mut then.genres, self.genres.take()));
        put(set(&mut then.moods, self.moods.take()));
        put(set(&mut then.language, self.language.take()));
        put(set(&mut then.composer, self.composer.take()));
        put(set(&mut then.publisher, self.publisher.take()));
        put(set(&mut then.key, self.key.take()));
        put(set(&mut then.compilation, self.compilation.take()));
        put(set(&mut then.explicit, self.explicit.take()));
        put(set(&mut then.energy, self.energy.take()));
        put(set(&mut then.tags, self.tags.take()));
        put(set(&mut then.custom, self.custom.take()));
        put(set(&mut then.rules, self.rules.take()));
        put(set(&mut then.bpm_x100, self.bpm.take().map(|bpm| bpm.map(hundredths))));
        given.then_some(then)
    }
}

fn set<T>(place: &mut T, given: Option<T>) -> bool {
    given.map(|value| *place = value).is_some()
}

/// Beyond what an integer holds it is the largest or least one, which the library refuses.
fn hundredths(bpm: f64) -> u32 {
    (bpm * 100.0).round() as u32
}

/// A key that is there, with a value or with null, which takes the value away.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    reader: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(reader).map(Some)
}
