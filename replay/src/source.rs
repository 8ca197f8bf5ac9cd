//! The ledger as replay reads it: up to one position, which every answer names.

use crate::ReplayError;
use grimnir_events::{ContentHash, LogId, StationId, StreamKind};
use grimnir_ledger::{ReadError, Recorded, SegmentReader};
use grimnir_projections::rows::StationRow;
use grimnir_projections::{Decoded, Model};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What an answer was computed from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Basis {
    /// The ledger.
    pub log_id: LogId,
    /// Position of the last commit read.
    pub position: u64,
    /// Its hash.
    pub hash: ContentHash,
}

/// A station, as an answer names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StationName {
    /// Its id.
    pub id: StationId,
    /// Its name.
    pub name: String,
    /// Its name in paths.
    pub slug: String,
    /// Its IANA time zone.
    pub time_zone: String,
}

impl From<&StationRow> for StationName {
    fn from(row: &StationRow) -> Self {
        Self {
            id: row.id,
            name: row.name.clone(),
            slug: row.slug.clone(),
            time_zone: row.time_zone.clone(),
        }
    }
}

/// A ledger's directory and the position up to which it is read.
pub(crate) struct Source {
    dir: PathBuf,
    /// What answers are computed from.
    pub(crate) basis: Basis,
    stations: Vec<StationName>,
}

impl Source {
    /// Reads the whole ledger once, for its stations and its position; with `position`, as if
    /// nothing had been recorded after it.
    pub(crate) fn open(dir: &Path, position: Option<u64>) -> Result<Self, ReplayError> {
        let reader = SegmentReader::open(dir)?;
        let log_id = reader.log_id();
        let mut basis = Basis { log_id, position: 0, hash: ContentHash::default() };
        let mut model = Model::default();
        for recorded in reader {
            let recorded = recorded?;
            if position.is_some_and(|last| recorded.seq > last) {
                break;
            }
            (basis.position, basis.hash) = (recorded.seq, recorded.hash);
            if recorded.commit.header.stream.kind == StreamKind::Station {
                model.fold(&Decoded::of(&recorded));
            }
        }
        if let Some(found) = position.filter(|p| *p > basis.position) {
            return Err(ReplayError::Position { found, last: basis.position });
        }
        let stations = model.stations.values().map(StationName::from).collect();
        Ok(Self { dir: dir.to_owned(), basis, stations })
    }

    /// The station that goes by this id, slug or name.
    pub(crate) fn station(&self, text: &str) -> Result<StationName, ReplayError> {
        let found = text.to_owned();
        let by = |of: &dyn Fn(&&StationName) -> bool| -> Vec<&StationName> {
            self.stations.iter().filter(of).collect()
        };
        let known = |of: &[&StationName]| -> Vec<String> {
            of.iter().map(|s| format!("{} ({}, {})", s.slug, s.name, s.id)).collect()
        };
        // An id or a slug names one station; a name may be shared, and spelt in either case.
        let name = text.to_lowercase();
        let exact = by(&|s| s.id.to_string() == text || s.slug == text);
        match (exact.as_slice(), by(&|s| s.name.to_lowercase() == name).as_slice()) {
            ([one], _) | ([], [one]) => Ok((*one).clone()),
            ([], []) => Err(ReplayError::Station { found, known: known(&by(&|_| true)) }),
            ([], many) | (many, _) => Err(ReplayError::Ambiguous { found, known: known(many) }),
        }
    }

    /// The commits of a station's streams of these kinds, up to the position, in order.
    pub(crate) fn commits(
        &self,
        station: StationId,
        kinds: &'static [StreamKind],
    ) -> Result<impl Iterator<Item = Result<Decoded, ReadError>> + use<>, ReplayError> {
        let last = self.basis.position;
        let of_station = move |recorded: &Recorded| {
            let stream = recorded.commit.header.stream;
            kinds.contains(&stream.kind) && stream.station() == Some(station)
        };
        // A server may write on meanwhile: what was not there at first is not read.
        let read = SegmentReader::open(&self.dir)?
            .take_while(move |r| r.as_ref().map_or(true, |r| r.seq <= last))
            .filter(move |r| r.as_ref().map_or(true, of_station))
            .map(|r| r.map(|r| Decoded::of(&r)));
        Ok(read)
    }
}
