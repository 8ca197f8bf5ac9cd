//! What is said about an item beside its tags: of most items of a large library, nothing.

use grimnir_events::details::MediaDetails;
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use std::sync::LazyLock;

/// Nothing said.
static NOTHING: LazyLock<MediaDetails> = LazyLock::new(MediaDetails::default);

/// Details that take room only where there are any.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "MediaDetails", into = "MediaDetails")]
pub struct Said(Option<Box<MediaDetails>>);

impl From<MediaDetails> for Said {
    fn from(details: MediaDetails) -> Self {
        Self((details != *NOTHING).then(|| Box::new(details)))
    }
}

impl From<Said> for MediaDetails {
    fn from(said: Said) -> Self {
        said.0.map_or_else(MediaDetails::default, |details| *details)
    }
}

impl Deref for Said {
    type Target = MediaDetails;
    fn deref(&self) -> &MediaDetails {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}
