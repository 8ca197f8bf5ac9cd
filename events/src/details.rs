//! What is known of an item beyond its tags, and the rules it carries itself.
//!
//! Upstream: tag readers, analysis, people. Downstream: the planner, search, reports.

use crate::units::UtcMicros;
use serde::{Deserialize, Serialize};

/// The extended description of an item; what nobody said is empty or `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaDetails {
    /// Artist of the album, where it differs from the track's.
    pub album_artist: String,
    /// Record label.
    pub label: String,
    /// Genres beside the tag's.
    pub genres: Vec<String>,
    /// Moods.
    pub moods: Vec<String>,
    /// Language of the words.
    pub language: String,
    /// Composer.
    pub composer: String,
    /// Publisher.
    pub publisher: String,
    /// Musical key.
    pub key: String,
    /// Set or compilation it comes from, where that is not the album.
    pub compilation: String,
    /// Words not fit for every hour.
    pub explicit: bool,
    /// Beats a minute, in hundredths.
    pub bpm_x100: Option<u32>,
    /// Energy as somebody judged it, 0 to 1,000; without it the beats a minute stand in.
    pub energy: Option<u16>,
    /// Free words.
    pub tags: Vec<String>,
    /// Fields of the station's own, by name.
    pub custom: Vec<CustomField>,
    /// When it came into the library.
    pub added_at: Option<UtcMicros>,
    /// What it asks of the planner.
    pub rules: ItemRules,
}

/// One field of the station's own.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomField {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What an item asks of the planner; all of it is kept whatever else is relaxed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemRules {
    /// Not on air before this instant.
    pub valid_from: Option<UtcMicros>,
    /// Not on air from this instant on.
    pub valid_to: Option<UtcMicros>,
    /// Only in these parts of the week; empty means always.
    pub dayparts: Vec<Daypart>,
    /// Most plays.
    pub play_limit: Option<u32>,
    /// Least seconds between two starts of it.
    pub rest_s: Option<u32>,
}

/// A part of the week in the station's own time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Daypart {
    /// Days it begins on: bit 0 is Monday, bit 6 Sunday.
    pub days: u8,
    /// First minute of the day.
    pub from_minute: u16,
    /// Minute after the last; not after `from_minute` means on into the next day.
    pub to_minute: u16,
}

impl Daypart {
    /// Minutes of a day.
    pub const DAY: u16 = 24 * 60;

    /// The part holds this minute of this day (0 is Monday).
    pub const fn holds(&self, day: u8, minute: u16) -> bool {
        let wraps = self.to_minute <= self.from_minute;
        if minute >= self.from_minute && (wraps || minute < self.to_minute) {
            return (self.days >> (day % 7)) & 1 == 1;
        }
        wraps && minute < self.to_minute && (self.days >> ((day + 6) % 7)) & 1 == 1
    }
}
