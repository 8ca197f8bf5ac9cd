//! What work by hand reads: station, library and timeline, as planning does.

use crate::error::CommandError;
use crate::rebroadcast;
use crate::shell::Snapshot;
use crate::site::{Shared, Site};
use grimnir_events::timeline::HourPlan;
use grimnir_events::{MediaId, PlaylistId, StationId, StreamId, StreamKind, UtcMicros};
use grimnir_rules::planner::{Aired, PlanInputs};
use grimnir_rules::{Library, Station, Timeline};
use std::collections::BTreeMap;

/// The folds of one station.
pub struct Folds {
    id: StationId,
    /// The station.
    pub station: Snapshot<Station>,
    /// Its library.
    pub library: Snapshot<Library>,
    /// Its timeline.
    pub timeline: Snapshot<Timeline>,
    aired: Aired,
}

impl Folds {
    /// As they are now.
    pub async fn read(site: &Site, id: StationId) -> Result<Self, CommandError> {
        Self::of(site.shared(), id).await
    }

    /// The same, for who has no site.
    pub async fn of(shared: &Shared, id: StationId) -> Result<Self, CommandError> {
        let directory = &shared.directory;
        let stream = |kind| StreamId::of_station(kind, id);
        let station = directory.inspect::<Station>(stream(StreamKind::Station)).await?;
        let library = directory.inspect::<Library>(stream(StreamKind::Library)).await?;
        let timeline = directory.inspect::<Timeline>(stream(StreamKind::Timeline)).await?;
        let hours: Vec<UtcMicros> = timeline.state.hours.keys().copied().collect();
        let zone = &station.state.time_zone;
        let aired = rebroadcast::aired(&shared.views, id, &timeline.state, zone, &hours);
        Ok(Self { id, station, library, timeline, aired })
    }

    /// The hours as they are.
    pub fn hours(&self) -> &BTreeMap<UtcMicros, HourPlan> {
        &self.timeline.state.hours
    }

    /// Asks with what planning asks with.
    pub fn ask<T>(&self, answer: impl FnOnce(&PlanInputs<'_>) -> T) -> T {
        let (library, timeline) = (&self.library.state, &self.timeline.state);
        let lists = library.playlists.iter();
        let playlists: BTreeMap<PlaylistId, (String, Vec<MediaId>)> =
            lists.map(|(id, list)| (*id, (list.name.clone(), list.items.clone()))).collect();
        answer(&PlanInputs {
            station: self.id,
            settings: &self.station.state.settings,
            media: (&**library).into(),
            prepared: None,
            playlists: &playlists,
            details: &library.details,
            blocks: &timeline.blocks,
            rules: &timeline.rules,
            time_zone: &self.station.state.time_zone,
            tally: &BTreeMap::new(),
            clock: timeline.default_clock.and_then(|clock| timeline.clocks.get(&clock)),
            grid: &timeline.grid,
            clocks: &timeline.clocks,
            shows: &timeline.shows,
            aired: &self.aired,
            played: &[],
            orders: &timeline.orders,
            input_seq: self.library.seq.max(self.timeline.seq),
        })
    }
}

/// Judging takes milliseconds; it must not hold up the actors.
pub async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CommandError> {
    let failed = |reason: String| CommandError::Failed { what: "judging the plan", reason };
    tokio::task::spawn_blocking(work).await.map_err(|e| failed(e.to_string()))
}
