//! A commit with its events decoded: what every projector reads.
//!
//! Upstream: the ledger's [`Recorded`]. Not here: any state. A payload of an unknown name or
//! version is a [`CodecError`] in the list, so that one strange commit stops nothing.

use grimnir_events::access::AccessEvent;
use grimnir_events::air::AirFact;
use grimnir_events::codec::{CodecError, Encoded, decode};
use grimnir_events::executor::ExecutorEvent;
use grimnir_events::ladder::LadderEvent;
use grimnir_events::library::LibraryEvent;
use grimnir_events::owner;
use grimnir_events::site::SiteEvent;
use grimnir_events::station::StationEvent;
use grimnir_events::timeline::TimelineEvent;
use grimnir_events::webstream::WebstreamEvent;
use grimnir_events::{Commit, ContentHash, Payload, StationId, StreamId, StreamKind, UtcMicros};
use grimnir_ledger::Recorded;

/// Where and when a commit stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Ledger position.
    pub seq: u64,
    /// Its stream.
    pub stream: StreamId,
    /// When it happened.
    pub at: UtcMicros,
}

impl Place {
    /// The station of the stream; the nil id for a site's stream.
    pub fn station(&self) -> StationId {
        self.stream.station().unwrap_or_default()
    }
}

/// One event of any aggregate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Of a station.
    Station(StationEvent),
    /// Of a ladder.
    Ladder(LadderEvent),
    /// Of an executor.
    Executor(ExecutorEvent),
    /// Of a timeline.
    Timeline(TimelineEvent),
    /// Of a library.
    Library(LibraryEvent),
    /// Of access.
    Access(AccessEvent),
    /// Of webstreams.
    Webstream(WebstreamEvent),
    /// Of a site; no read model shows it.
    Site(SiteEvent),
    /// Witnessed on air.
    Air(AirFact),
}

/// A commit, decoded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// Where and when it stands.
    pub place: Place,
    /// SHA-256 of its stored bytes.
    pub hash: ContentHash,
    /// Its events, in order.
    pub events: Vec<Result<Event, CodecError>>,
}

impl Decoded {
    /// Decodes what the ledger holds.
    pub fn of(recorded: &Recorded) -> Self {
        Self::of_commit(recorded.seq, recorded.hash, &recorded.commit)
    }

    /// Decodes a commit that stands at `seq`.
    pub fn of_commit(seq: u64, hash: ContentHash, commit: &Commit) -> Self {
        let header = &commit.header;
        let place = Place { seq, stream: header.stream, at: header.occurred_at };
        let events = owner::folded(commit).map(|e| event(header.stream.kind, e)).collect();
        Self { place, hash, events }
    }

    /// The events that could be read.
    pub fn known(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().flatten()
    }
    /// Why the others could not.
    pub fn faults(&self) -> impl Iterator<Item = &CodecError> {
        self.events.iter().filter_map(|e| e.as_ref().err())
    }
}

/// Decodes one event of a stream of this kind.
pub fn event(kind: StreamKind, stored: &Encoded) -> Result<Event, CodecError> {
    fn read<P: Payload>(stored: &Encoded, wrap: fn(P) -> Event) -> Result<Event, CodecError> {
        decode(stored).map(wrap)
    }
    match kind {
        StreamKind::Station => read(stored, Event::Station),
        StreamKind::Ladder => read(stored, Event::Ladder),
        StreamKind::Executor => read(stored, Event::Executor),
        StreamKind::Timeline => read(stored, Event::Timeline),
        StreamKind::Library => read(stored, Event::Library),
        StreamKind::Access => read(stored, Event::Access),
        StreamKind::Webstream => read(stored, Event::Webstream),
        StreamKind::Air => read(stored, Event::Air),
        StreamKind::Site => read(stored, Event::Site),
    }
}
