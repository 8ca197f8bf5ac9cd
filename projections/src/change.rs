//! The change feed's words: the changes that follow from one commit, and from nothing else.
//!
//! A change is a function of its commit alone, never of the model, so that a client that comes
//! back with a cursor is told the same again, in the same order, under the same index.

use crate::decoded::{Decoded, Event, Place};
use crate::rows::Change;
use crate::{access, alarm, as_run, executor, ladder, library, now_playing, station, timeline};
use grimnir_events::UtcMicros;
use serde::Serialize;

/// Gathers the changes of one commit.
pub(crate) struct Changes {
    place: Place,
    /// When the event at hand happened.
    pub(crate) at: UtcMicros,
    list: Vec<Change>,
}

impl Changes {
    /// Adds one change.
    pub(crate) fn push(&mut self, kind: &str, payload: &impl Serialize) {
        self.list.push(Change {
            seq: self.place.seq,
            index: self.list.len() as u32,
            kind: kind.to_owned(),
            station_id: self.place.stream.station(),
            at: self.at,
            // Events and rows hold nothing that JSON cannot: the fallback is never met.
            payload: serde_json::to_string(payload).unwrap_or_else(|_| "null".into()).into(),
        });
    }
}

/// The changes that follow from a commit.
pub fn changes_of(commit: &Decoded) -> Vec<Change> {
    let place = commit.place;
    let mut out = Changes { place, at: place.at, list: Vec::new() };
    for event in commit.known() {
        out.at = place.at;
        match event {
            Event::Station(event) => station::tell(&mut out, event),
            Event::Ladder(event) => ladder::tell(&mut out, event),
            Event::Executor(event) => executor::tell(&mut out, event),
            Event::Timeline(event) => timeline::tell(&mut out, event),
            Event::Library(event) => library::tell(&mut out, event),
            Event::Access(event) => access::tell(&mut out, event),
            Event::Site(_) => {}
            Event::Air(fact) => {
                out.at = fact.at;
                now_playing::tell(&mut out, place.station(), fact);
                as_run::tell(&mut out, fact);
            }
        }
        alarm::tell(&mut out, event);
    }
    out.list
}
