//! What work by hand reads: station, library and timeline, as planning does.

use crate::directory::Directory;
use crate::error::CommandError;
use crate::shell::Snapshot;
use crate::site::Site;
use grimnir_events::library::MediaItem;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{MediaId, PlaylistId, StationId, StreamId, StreamKind, UtcMicros};
use grimnir_rules::planner::PlanInputs;
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
}

impl Folds {
    /// As they are now.
    pub async fn read(site: &Site, id: StationId) -> Result<Self, CommandError> {
        Self::of(&site.shared().directory, id).await
    }

    /// The same, for who has no site.
    pub async fn of(directory: &Directory, id: StationId) -> Result<Self, CommandError> {
        let stream = |kind| StreamId::of_station(kind, id);
        Ok(Self {
            id,
            station: directory.inspect::<Station>(stream(StreamKind::Station)).await?,
            library: directory.inspect::<Library>(stream(StreamKind::Library)).await?,
            timeline: directory.inspect::<Timeline>(stream(StreamKind::Timeline)).await?,
        })
    }

    /// The hours as they are.
    pub fn hours(&self) -> &BTreeMap<UtcMicros, HourPlan> {
        &self.timeline.state.hours
    }

    /// Asks with what planning asks with.
    pub fn ask<T>(&self, answer: impl FnOnce(&PlanInputs<'_>) -> T) -> T {
        let (library, timeline) = (&self.library.state, &self.timeline.state);
        let media: BTreeMap<MediaId, MediaItem> =
            library.playable().map(|item| (item.id, item.clone())).collect();
        let lists = library.playlists.iter();
        let playlists: BTreeMap<PlaylistId, (String, Vec<MediaId>)> =
            lists.map(|(id, list)| (*id, (list.name.clone(), list.items.clone()))).collect();
        answer(&PlanInputs {
            station: self.id,
            settings: &self.station.state.settings,
            media: &media,
            playlists: &playlists,
            details: &library.details,
            blocks: &timeline.blocks,
            rules: &timeline.rules,
            time_zone: &self.station.state.time_zone,
            tally: &BTreeMap::new(),
            clock: timeline.default_clock.and_then(|clock| timeline.clocks.get(&clock)),
            grid: &timeline.grid,
            clocks: &timeline.clocks,
            played: &[],
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
