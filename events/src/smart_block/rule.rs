//! One statement about an item: what is looked at, how it is compared, with what.

use super::Value;
use serde::{Deserialize, Serialize};

/// Rules that stand together.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleGroup {
    /// How they are joined.
    #[serde(default)]
    pub logic: Logic,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// How rules are joined.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Logic {
    /// All must hold.
    #[default]
    All,
    /// One is enough.
    Any,
}

/// One statement about an item.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What is looked at.
    pub field: Field,
    /// How it is compared.
    pub op: Op,
    /// With what.
    pub value: Value,
}

/// What a rule looks at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Title.
    Title,
    /// Each credited artist, and the credit as a whole.
    Artist,
    /// Artist of the album.
    AlbumArtist,
    /// Album.
    Album,
    /// Any genre.
    Genre,
    /// Any mood.
    Mood,
    /// Language.
    Language,
    /// Label.
    Label,
    /// Composer.
    Composer,
    /// Publisher.
    Publisher,
    /// International Standard Recording Code.
    Isrc,
    /// Musical key.
    Key,
    /// Set or compilation.
    Compilation,
    /// Category.
    Category,
    /// `music`, `legal_id`, `imaging`, `spot`, `feature`.
    Kind,
    /// Any free word.
    Tag,
    /// Name of the file.
    FileName,
    /// Codec of the file.
    Codec,
    /// Every word in title, artists, album, genres, label and tags.
    TextSearch,
    /// Beats a minute, whole.
    Bpm,
    /// Energy, 0 to 1,000; the beats a minute where nobody judged it.
    Energy,
    /// Year of release.
    Year,
    /// Seconds from cue in to segue.
    DurationSec,
    /// Sample rate in hertz.
    SampleRate,
    /// Integrated loudness in hundredths of LUFS.
    Loudness,
    /// Explicit words; a rule on it is never relaxed.
    Explicit,
    /// Plays so far, planned ones among them.
    PlayCount,
    /// Time since it came in.
    Added,
    /// Time since it was on air, by the plan or in fact.
    LastPlayed,
    /// It stands in the playlist.
    Playlist,
    /// A field of the station's own.
    Custom(String),
}

/// How a rule compares. A negative one also holds where the item says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// The same but for case and space.
    Is,
    /// Not the same.
    IsNot,
    /// Holds the text.
    Contains,
    /// Does not hold it.
    NotContains,
    /// Begins with it.
    StartsWith,
    /// Ends with it.
    EndsWith,
    /// One of these.
    In,
    /// None of these.
    NotIn,
    /// Less.
    #[serde(alias = "<")]
    Lt,
    /// Less or the same.
    #[serde(alias = "<=")]
    Lte,
    /// More.
    #[serde(alias = ">")]
    Gt,
    /// More or the same.
    #[serde(alias = ">=")]
    Gte,
    /// In the range, both ends in it.
    Between,
    /// Not longer ago than.
    #[serde(alias = "newer_than")]
    Within,
    /// Longer ago than, or never.
    #[serde(alias = "older_than")]
    LongerAgo,
}
