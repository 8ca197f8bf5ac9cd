//! Streams: one append-only history per aggregate, named by kind and id.

use crate::ids::{SiteId, StationId};
use serde::{Deserialize, Serialize};

/// What a stream is the history of. The numbers are stored and never change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum StreamKind {
    /// Decided: name, zone, mounts, started or stopped.
    Station = 1,
    /// Decided: who may own the air.
    Ladder = 2,
    /// Decided: what playout does now.
    Executor = 3,
    /// Decided: what is to air.
    Timeline = 4,
    /// Decided: media and playlists of a station.
    Library = 5,
    /// Decided: users and roles of a site.
    Access = 6,
    /// Decided: webstreams of a station.
    Webstream = 7,
    /// Witnessed: what the engine reports as aired; never rejected.
    Air = 16,
    /// Witnessed: what whoever runs the site has taken upon themselves.
    Site = 17,
}

impl StreamKind {
    /// Every kind, in order of its number.
    pub const ALL: [Self; 9] = [
        Self::Station,
        Self::Ladder,
        Self::Executor,
        Self::Timeline,
        Self::Library,
        Self::Access,
        Self::Webstream,
        Self::Air,
        Self::Site,
    ];

    /// The kind with this stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == number)
    }
    /// The word used in stream names.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::Ladder => "ladder",
            Self::Executor => "executor",
            Self::Timeline => "timeline",
            Self::Library => "library",
            Self::Access => "access",
            Self::Webstream => "webstream",
            Self::Air => "air",
            Self::Site => "site",
        }
    }
    /// True where the station's witnessed stream is folded beside its own.
    pub const fn folds_air(self) -> bool {
        matches!(self, Self::Ladder | Self::Executor | Self::Timeline | Self::Webstream)
    }
    /// True where facts are recorded as they come and never rejected.
    pub const fn is_witnessed(self) -> bool {
        matches!(self, Self::Air | Self::Site)
    }
}

/// The name of one stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct StreamId {
    /// What it is the history of.
    pub kind: StreamKind,
    /// Raw id of the aggregate: a station's, or a site's for `access` and `site`.
    pub id: [u8; 16],
}

impl StreamId {
    /// The stream of `kind` that belongs to a station.
    pub const fn of_station(kind: StreamKind, station: StationId) -> Self {
        Self { kind, id: station.0 }
    }
    /// The site's access stream.
    pub const fn access(site: SiteId) -> Self {
        Self { kind: StreamKind::Access, id: site.0 }
    }
    /// The site's own stream.
    pub const fn site(site: SiteId) -> Self {
        Self { kind: StreamKind::Site, id: site.0 }
    }
    /// The station this stream belongs to; `None` for a site's stream.
    pub fn station(&self) -> Option<StationId> {
        let of_site = matches!(self.kind, StreamKind::Access | StreamKind::Site);
        (!of_site).then_some(StationId(self.id))
    }
}

impl std::fmt::Display for StreamId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.station() {
            Some(station) => write!(f, "{}/{station}", self.kind.word()),
            None => write!(f, "{}/{}", self.kind.word(), SiteId(self.id)),
        }
    }
}
