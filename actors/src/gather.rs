//! What planning reads: station, library and timeline of one station as they were together at one
//! position of the ledger; and what of it is kept between two plans.
//!
//! Upstream: the shells. Downstream: the planner, which commits what follows, and whoever tries
//! something out or asks for the reason of a plan.

use crate::error::CommandError;
use crate::rebroadcast;
use crate::shell::Snapshot;
use crate::site::Shared;
use grimnir_events::roll::RepairReason;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{ContentHash, LineId, MediaId, StationId, StreamId, StreamKind, UtcMicros};
use grimnir_rules::planner::entry::Basis;
use grimnir_rules::planner::invalid::Standing;
use grimnir_rules::planner::joint::Joins;
use grimnir_rules::planner::{
    self, Aired as ShowsAired, PlanInputs, Play, PlaylistTimes, Playlists, Tally, digest, hours,
};
use grimnir_rules::station::StationState;
use grimnir_rules::timeline::TimelineState;
use grimnir_rules::timeline::aired::Aired;
use grimnir_rules::timeline::decide::HOUR_US;
use grimnir_rules::{Library, Station, Timeline};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// How often the folds are read until none of them moved while the others were.
const TRIES: usize = 16;

/// The folds that planning reads, at one position.
#[derive(Clone)]
pub struct Gathered {
    /// The station.
    pub id: StationId,
    /// Its settings.
    pub station: Snapshot<Station>,
    /// Its library.
    pub library: Snapshot<Library>,
    /// Its timeline.
    pub timeline: Snapshot<Timeline>,
    /// What instances of shows aired that are repeated.
    aired: ShowsAired,
    /// A position of the ledger at which all three were as they are here.
    pub seq: u64,
}

/// A library in the shape that planning needs, made once for every state of a library.
pub struct Prepared {
    version: u64,
    playlists: Playlists,
    playlist_times: PlaylistTimes,
    catalogue: Option<planner::Prepared>,
    digest: OnceLock<ContentHash>,
}

/// Keeps the last prepared library.
#[derive(Default)]
pub struct Larder {
    last: Option<Arc<Prepared>>,
}

/// What played, as planning counts it.
#[derive(Default)]
struct Past {
    hours: BTreeMap<UtcMicros, HourPlan>,
    played: Vec<Play>,
    tally: BTreeMap<MediaId, Tally>,
}

impl Larder {
    /// The library of these folds, prepared. Takes as long as the library is large where that has
    /// changed: not for an actor's own thread.
    pub fn prepare(&mut self, folds: &Gathered) -> Arc<Prepared> {
        let version = folds.library.version;
        if let Some(last) = self.last.as_ref().filter(|last| last.version == version) {
            return last.clone();
        }
        let lists = folds.library.state.playlists.iter();
        let mut prepared = Prepared {
            version,
            playlists: lists.map(|(id, l)| (*id, (l.name.clone(), l.items.clone()))).collect(),
            playlist_times: folds.library.state.playlist_times(),
            catalogue: None,
            digest: OnceLock::new(),
        };
        let nothing = Past::default();
        let catalogue = planner::Prepared::of(&folds.inputs(&prepared, &nothing));
        prepared.catalogue = Some(catalogue);
        let prepared = Arc::new(prepared);
        self.last = Some(prepared.clone());
        prepared
    }
}

/// What the instances aired that the hours of the horizon repeat.
fn repeated(
    shared: &Shared,
    station: &StationState,
    id: StationId,
    timeline: &TimelineState,
) -> ShowsAired {
    let now = crate::clock::now();
    let horizon = i64::from(timeline.roll.horizon.plan_hours);
    let reach = [now.plus(-HOUR_US), now.plus(horizon * HOUR_US)];
    rebroadcast::aired(&shared.views, id, timeline, &station.time_zone, &reach)
}

impl Gathered {
    /// Reads the folds until none moved meanwhile.
    ///
    /// The first two are looked at again behind the third: where they have not moved, all were as
    /// they are here when the third was read, and so at the latest position of the three.
    pub async fn read(shared: &Shared, id: StationId) -> Result<Self, CommandError> {
        let directory = &shared.directory;
        let stream = |kind| StreamId::of_station(kind, id);
        for _ in 0..TRIES {
            let station = directory.inspect::<Station>(stream(StreamKind::Station)).await?;
            let library = directory.inspect::<Library>(stream(StreamKind::Library)).await?;
            let timeline = directory.inspect::<Timeline>(stream(StreamKind::Timeline)).await?;
            let library_now = directory.inspect::<Library>(stream(StreamKind::Library)).await?;
            let station_now = directory.inspect::<Station>(stream(StreamKind::Station)).await?;
            if (library_now.version, station_now.version) == (library.version, station.version) {
                let seq = station.seq.max(library.seq).max(timeline.seq);
                let aired = repeated(shared, &station.state, id, &timeline.state);
                return Ok(Self { id, station, library, timeline, aired, seq });
            }
        }
        let reason = format!("the station's streams moved {TRIES} times while they were read");
        Err(CommandError::Unavailable { reason })
    }

    /// The zone of the station.
    pub fn zone(&self) -> TimeZone {
        hours::zone(&self.station.state.time_zone)
    }

    /// Asks the planner for what follows from here on.
    pub fn ask<T>(
        &self,
        prepared: &Prepared,
        answer: impl FnOnce(&PlanInputs<'_>, &BTreeMap<UtcMicros, HourPlan>) -> T,
    ) -> T {
        self.ask_as_of(prepared, None, answer)
    }

    /// Asks the planner with what had played at `at` and not what did since.
    pub fn ask_as_of<T>(
        &self,
        prepared: &Prepared,
        at: Option<UtcMicros>,
        answer: impl FnOnce(&PlanInputs<'_>, &BTreeMap<UtcMicros, HourPlan>) -> T,
    ) -> T {
        let past = self.past(at);
        answer(&self.inputs(prepared, &past), &past.hours)
    }

    fn inputs<'i>(&'i self, prepared: &'i Prepared, past: &'i Past) -> PlanInputs<'i> {
        let timeline = &self.timeline.state;
        PlanInputs {
            station: self.id,
            settings: &self.station.state.settings,
            media: (&*self.library.state).into(),
            prepared: prepared.catalogue.as_ref(),
            playlists: &prepared.playlists,
            playlist_times: &prepared.playlist_times,
            details: &self.library.state.details,
            blocks: &timeline.blocks,
            rules: &timeline.rules,
            time_zone: &self.station.state.time_zone,
            tally: &past.tally,
            clock: timeline.default_clock.and_then(|clock| timeline.clocks.get(&clock)),
            grid: &timeline.grid,
            clocks: &timeline.clocks,
            shows: &timeline.shows,
            aired: &self.aired,
            joins: Joins {
                mode: self.station.state.transitions,
                analyses: &self.library.state.analyses,
            },
            orders: &timeline.orders,
            played: &past.played,
            input_seq: self.seq,
        }
    }

    /// What plans follow from, beside what people set.
    pub fn basis(&self, prepared: &Prepared) -> Basis {
        let library = || {
            let library = &self.library.state;
            {
                let analyses = &library.analyses;
                digest::library(
                    (&**library).into(),
                    &prepared.playlists,
                    &library.details,
                    analyses,
                )
            }
        };
        let library = *prepared.digest.get_or_init(library);
        let nothing = Past::default();
        let inputs = digest::inputs(&self.inputs(prepared, &nothing), library);
        Basis { inputs, air_version: self.timeline.air_version }
    }

    /// What lines are held against.
    pub fn standing<T>(&self, look: impl FnOnce(&Standing<'_>) -> T) -> T {
        let (library, timeline) = (&self.library.state, &self.timeline.state);
        let known = |id| match library.media.get(&id) {
            None => Err(RepairReason::Removed),
            Some(entry) => match &entry.lost {
                Some(reason) => Err(RepairReason::Unplayable { reason: reason.clone() }),
                None if !entry.is_playable() => Err(RepairReason::Unplayable {
                    reason: "it is not measured, or deleted".into(),
                }),
                None => Ok(&entry.item),
            },
        };
        look(&Standing {
            known: &known,
            details: &library.details,
            kept: &timeline.roll.hours,
            blocks: &timeline.blocks,
            playlist: &|id| library.playlists.contains_key(id),
            zone: &self.zone(),
        })
    }

    /// What was planned and what aired: a line that was dropped never played, and what played
    /// without a plan did.
    fn past(&self, as_of: Option<UtcMicros>) -> Past {
        let timeline = &self.timeline.state;
        let aired: &Aired = &timeline.aired;
        let then = |at: &UtcMicros| as_of.is_none_or(|as_of| *at <= as_of);
        let mut hours = timeline.hours.clone();
        let mut lines: BTreeSet<LineId> = BTreeSet::new();
        let mut counted: BTreeMap<MediaId, u32> = BTreeMap::new();
        for plan in hours.values_mut() {
            let passed = timeline.roll.passed.get(&plan.hour);
            plan.lines.retain(|line| {
                let dropped = aired.dropped.get(&line.id).is_some_and(then);
                let passed = passed.is_some_and(|passed| passed.contains(&line.id));
                !(dropped || passed) || aired.started.contains_key(&line.id)
            });
            for line in &plan.lines {
                lines.insert(line.id);
                if aired.started.contains_key(&line.id) {
                    *counted.entry(line.media_id).or_default() += 1;
                }
            }
        }
        let outside = |line: &Option<LineId>| !line.is_some_and(|line| lines.contains(&line));
        let mut played = Vec::new();
        for (_, play) in aired.plays.iter().filter(|(line, _)| outside(line)) {
            *counted.entry(play.media_id).or_default() += 1;
            if then(&play.at) {
                played.push(play.clone());
            }
        }
        let rest = |(id, tally): (&MediaId, &Tally)| {
            let plays = tally.plays.saturating_sub(counted.get(id).copied().unwrap_or_default());
            let last_at = tally.last_at.filter(|at| then(at));
            (*id, Tally { plays, last_at })
        };
        Past { hours, played, tally: aired.tally.iter().map(rest).collect() }
    }
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
