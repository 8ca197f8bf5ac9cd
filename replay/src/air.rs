//! The as-run fold over one span of air time, read from the ledger.

use crate::ReplayError;
use crate::source::Source;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::ladder::LadderEvent;
use grimnir_events::{StationId, StreamKind, UtcMicros};
use grimnir_projections::as_run::AsRun;
use grimnir_projections::ladder::LadderTable;
use grimnir_projections::{Decoded, Event, Model};

/// What the streams of a station hold.
const KINDS: &[StreamKind] = &[StreamKind::Ladder, StreamKind::Timeline, StreamKind::Air];
/// Facts of one instant may be recorded in any order within this.
const SLACK_US: i64 = 3_600_000_000;

/// What was reported of a span of air time.
#[derive(Default)]
pub(crate) struct Air {
    /// The entries: all that touch the span, and some before it.
    pub(crate) as_run: AsRun,
    /// The ladder at the end of the span.
    pub(crate) ladder: LadderTable,
    /// The station's first fact.
    pub(crate) first: Option<UtcMicros>,
    /// Its last fact that was read; everything before it is known.
    pub(crate) until: Option<UtcMicros>,
    /// Something started after the span.
    over: bool,
}

impl Air {
    /// Reads what touches `from..to`, and at least the last `keep` entries before it.
    pub(crate) fn read(
        source: &Source,
        station: StationId,
        from: UtcMicros,
        to: UtcMicros,
        keep: usize,
    ) -> Result<Self, ReplayError> {
        let mut air = Self::default();
        // Holds the plan, for facts that carry nothing but a line's id.
        let mut model = Model::default();
        for commit in source.commits(station, KINDS)? {
            let commit = commit?;
            match commit.place.stream.kind {
                StreamKind::Timeline => {
                    model.fold(&commit);
                }
                _ => air.fold(&commit, &model, to),
            }
            air.as_run.prune(from, keep);
            if air.is_over(to) {
                break;
            }
        }
        Ok(air)
    }

    fn fold(&mut self, commit: &Decoded, model: &Model, to: UtcMicros) {
        let place = &commit.place;
        for event in commit.known() {
            match event {
                Event::Ladder(event) => self.decided(place.at, event, to),
                Event::Air(fact) => {
                    let timeline = model.timelines.get(&place.station());
                    self.as_run.apply(place.seq, fact, |id| timeline.and_then(|t| t.line(id)));
                    self.reported(fact, to);
                }
                _ => {}
            }
        }
    }

    fn decided(&mut self, at: UtcMicros, event: &LadderEvent, to: UtcMicros) {
        if at < to {
            self.ladder.apply(event);
        }
    }

    fn reported(&mut self, fact: &AirFact, to: UtcMicros) {
        self.first = Some(self.first.map_or(fact.at, |first| first.min(fact.at)));
        self.until = Some(self.until.map_or(fact.at, |until| until.max(fact.at)));
        self.over |= fact.at >= to && matches!(fact.event, AirEvent::ItemStarted(_));
    }

    /// Nothing that is still to be read can touch the span.
    fn is_over(&self, to: UtcMicros) -> bool {
        let far = self.over && self.until.is_some_and(|until| until > to.plus(SLACK_US));
        far && self.as_run.rows().all(|row| row.ended_at.is_some() || row.started_at >= to)
    }
}
