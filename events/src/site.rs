//! The words of a site: what whoever runs it has taken upon themselves. Witnessed: they are
//! recorded as they come, and never refused.

use crate::codec::Payload;
use serde::{Deserialize, Serialize};

/// What happened to a site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteEvent {
    /// The ledger was opened although its store is weaker than it has to be.
    WeakerDurabilityAccepted {
        /// What an acknowledgement is worth from here on, e.g. `unverified`.
        class: String,
        /// In what the store deviates.
        deviations: Vec<StoreDeviation>,
    },
}

impl Payload for SiteEvent {
    const NAME: &'static str = "site.event";
    const VERSION: u16 = 1;
}

/// One thing in which a store is less than it has to be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoreDeviation {
    /// What, e.g. `max_age`.
    pub name: String,
    /// As it was found.
    pub found: String,
    /// As it has to be.
    pub wanted: String,
}
