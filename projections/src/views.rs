//! The answers: what the API and the actors ask of the read models.
//!
//! Every answer is a copy taken under a short read lock; the lock is never held across an await.

use crate::feed;
use crate::model::Model;
use crate::now_playing::idle;
use crate::rows::*;
use crate::search::{Filter, Page, Place};
use futures_util::stream::BoxStream;
use grimnir_events::clock::LegalIdRule;
use grimnir_events::grid::Grid;
use grimnir_events::library::MediaItem;
use grimnir_events::roll::Horizon;
use grimnir_events::show::Shows;
use grimnir_events::smart_block::StationRules;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{
    ClockId, ContentHash, LineId, MediaId, PlaylistId, SmartBlockId, StationId, UserId, UtcMicros,
};
use grimnir_ledger::Ledger;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;

/// Commits whose changes are kept at hand; a slower reader of the feed reads the ledger again.
const RECENT_MAX: usize = 1_024;
/// Bytes of their payloads at most.
const RECENT_BYTES: usize = 4 << 20;

/// How far the read models are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Progress {
    /// Ledger position of the last commit folded.
    pub(crate) position: u64,
    /// The projector ended: nothing more comes.
    pub(crate) closed: bool,
}

/// Changes of one commit.
pub(crate) type Told = (u64, Arc<Vec<Change>>);

/// The newest changes, without a gap.
#[derive(Default)]
struct Recent {
    told: VecDeque<Told>,
    /// Of all payloads.
    bytes: usize,
}

fn bytes_of(changes: &[Change]) -> usize {
    changes.iter().map(|change| change.payload.len()).sum()
}

pub(crate) struct Shared {
    pub(crate) ledger: Arc<dyn Ledger>,
    model: RwLock<Model>,
    recent: Mutex<Recent>,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) close: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(ledger: Arc<dyn Ledger>) -> Arc<Self> {
        Arc::new(Self {
            ledger,
            model: RwLock::default(),
            recent: Mutex::default(),
            progress: watch::Sender::new(Progress::default()),
            close: watch::Sender::new(false),
        })
    }

    // A fold cannot panic half way through a row, so what a poisoned lock guards is whole.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Model> {
        self.model.read().unwrap_or_else(PoisonError::into_inner)
    }
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Model> {
        self.model.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the changes of the newest commit at hand.
    pub(crate) fn remember(&self, seq: u64, changes: Vec<Change>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.bytes += bytes_of(&changes);
        recent.told.push_back((seq, Arc::new(changes)));
        while recent.told.len() > RECENT_MAX || recent.bytes > RECENT_BYTES {
            let Some((_, oldest)) = recent.told.pop_front() else { break };
            recent.bytes -= bytes_of(&oldest);
        }
    }

    /// Changes of the commits from `seq` on, at most `limit` commits; `None` when they are not at
    /// hand any more.
    pub(crate) fn recall(&self, seq: u64, limit: usize) -> Option<Vec<Told>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let first = recent.told.front()?.0;
        // Kept commits are gapless: `remember` is called for each one, in order.
        let skip = usize::try_from(seq.checked_sub(first)?).ok()?;
        Some(recent.told.iter().skip(skip).take(limit).cloned().collect())
    }
}

/// The read models of a site.
pub struct Views {
    pub(crate) shared: Arc<Shared>,
}

impl Views {
    /// Ledger position of the last commit folded; 0: none.
    pub fn position(&self) -> u64 {
        self.shared.progress.borrow().position
    }

    /// Waits until the commit at `seq` is folded; false when the projector ended before.
    pub async fn wait_for(&self, seq: u64) -> bool {
        let mut progress = self.shared.progress.subscribe();
        let reached = progress.wait_for(|p| p.position >= seq || p.closed).await;
        reached.is_ok_and(|p| p.position >= seq)
    }

    /// The change feed: everything after `cursor` (position and index of the last change seen),
    /// without a hole or a repeat, then what comes; without a cursor, what comes after the present
    /// position (so wait for the ledger's head first).
    ///
    /// A change is handed out once the read models hold it. A reader may be as slow as it likes:
    /// nothing is queued for it. The stream ends when the projector ends or the ledger cannot be
    /// read; the reader comes back with its last cursor.
    pub fn follow(&self, cursor: Option<(u64, u32)>) -> BoxStream<'static, Change> {
        feed::follow(self.shared.clone(), cursor)
    }

    /// Ends the projector; it writes its snapshot first.
    pub fn close(&self) {
        self.shared.close.send_replace(true);
    }

    /// Events that could not be read so far.
    pub fn faults(&self) -> u64 {
        self.shared.read().faults
    }

    /// Every station, by id.
    pub fn stations(&self) -> Vec<StationRow> {
        let model = self.shared.read();
        model.stations.values().map(|row| complete(&model, row)).collect()
    }

    /// The station with this id.
    pub fn station(&self, id: StationId) -> Option<StationRow> {
        let model = self.shared.read();
        model.stations.get(&id).map(|row| complete(&model, row))
    }

    /// The station with this name in paths.
    pub fn station_by_slug(&self, slug: &str) -> Option<StationRow> {
        let model = self.shared.read();
        model.stations.values().find(|row| row.slug == slug).map(|row| complete(&model, row))
    }

    /// What is on air on a station; `None` where there is no such station.
    pub fn now_playing(&self, station: StationId) -> Option<NowPlayingRow> {
        let model = self.shared.read();
        let row = model.stations.get(&station)?;
        let table = model.now_playing.get(&station);
        let best = table.filter(|_| row.on_air).and_then(|table| table.best()).cloned();
        Some(best.unwrap_or_else(|| idle(station, table.map(|t| t.at).unwrap_or_default())))
    }

    /// Lines planned in `from..to` that are still to air, in order.
    pub fn upcoming(&self, station: StationId, from: UtcMicros, to: UtcMicros) -> Vec<UpcomingRow> {
        let model = self.shared.read();
        model.timelines.get(&station).map(|t| t.rows(from, to, true)).unwrap_or_default()
    }

    /// Every line planned in `from..to`, aired or not, in order.
    pub fn schedule(&self, station: StationId, from: UtcMicros, to: UtcMicros) -> Vec<UpcomingRow> {
        let model = self.shared.read();
        model.timelines.get(&station).map(|t| t.rows(from, to, false)).unwrap_or_default()
    }

    /// Hours of plan, in order, as they are now (lines put in or dropped since are counted).
    pub fn plans(&self, station: StationId) -> Vec<HourPlan> {
        let model = self.shared.read();
        let table = model.timelines.get(&station);
        table.map(|t| t.plans.values().cloned().collect()).unwrap_or_default()
    }

    /// As-run entries that touch `from..to` by air time; the last 7 days are at hand.
    pub fn as_run(&self, station: StationId, from: UtcMicros, to: UtcMicros) -> Vec<AsRunRow> {
        let model = self.shared.read();
        model.as_run.get(&station).map(|a| a.between(from, to)).unwrap_or_default()
    }

    /// Files of a station's recordings that hold something of `from..to`.
    pub fn recordings(
        &self,
        station: StationId,
        from: UtcMicros,
        to: UtcMicros,
    ) -> Vec<RecordingRow> {
        let model = self.shared.read();
        model.recordings.get(&station).map(|r| r.between(from, to)).unwrap_or_default()
    }

    /// Files of a station's live sessions that hold something of `from..to`.
    pub fn live_recordings(
        &self,
        station: StationId,
        from: UtcMicros,
        to: UtcMicros,
    ) -> Vec<LiveRecordingRow> {
        let model = self.shared.read();
        model.live_recordings.get(&station).map(|r| r.between(from, to)).unwrap_or_default()
    }

    /// The complete file of a live session that has these bytes, while it is there.
    pub fn live_recording(
        &self,
        station: StationId,
        hash: ContentHash,
    ) -> Option<LiveRecordingRow> {
        self.shared.read().live_recordings.get(&station)?.of_hash(hash)
    }

    /// A station's media items, by id.
    pub fn media(&self, station: StationId) -> Vec<MediaRow> {
        let model = self.shared.read();
        let table = model.libraries.get(&station);
        table.map(|t| t.media().values().map(|row| (**row).clone()).collect()).unwrap_or_default()
    }

    /// One page of a station's items, and the place after which the next begins.
    pub fn media_page(
        &self,
        station: StationId,
        filter: &Filter,
        page: &Page,
    ) -> (Vec<MediaRow>, Option<Place>) {
        let model = self.shared.read();
        model.libraries.get(&station).map(|t| t.page(filter, page)).unwrap_or_default()
    }

    /// The media item with this id, of whichever station.
    pub fn media_item(&self, id: MediaId) -> Option<MediaRow> {
        let model = self.shared.read();
        model.libraries.values().find_map(|t| t.media().get(&id)).map(|row| (**row).clone())
    }

    /// Items of every station that are to be measured again.
    pub fn to_analyse(&self) -> Vec<(StationId, MediaId)> {
        let model = self.shared.read();
        let of = |(station, table): (&StationId, &crate::library::LibraryTable)| {
            table.to_analyse().map(|id| (*station, id)).collect::<Vec<_>>()
        };
        model.libraries.iter().flat_map(of).collect()
    }

    /// A station's items that may be planned, by id.
    pub fn plannable_media(&self, station: StationId) -> Vec<MediaItem> {
        let model = self.shared.read();
        model.libraries.get(&station).map(|t| t.plannable()).unwrap_or_default()
    }

    /// A station's playlists, by id.
    pub fn playlists(&self, station: StationId) -> Vec<PlaylistRow> {
        let model = self.shared.read();
        let table = model.libraries.get(&station);
        table.map(|t| t.playlists.values().cloned().collect()).unwrap_or_default()
    }

    /// The playlist with this id, of whichever station.
    pub fn playlist(&self, id: PlaylistId) -> Option<PlaylistRow> {
        let model = self.shared.read();
        model.libraries.values().find_map(|t| t.playlists.get(&id)).cloned()
    }

    /// A station's format clocks, by id.
    pub fn clocks(&self, station: StationId) -> Vec<ClockRow> {
        let model = self.shared.read();
        let table = model.timelines.get(&station);
        table.map(|t| t.clocks.values().cloned().collect()).unwrap_or_default()
    }

    /// Which clock rules which hour of a station; `None` where that was never said.
    pub fn grid(&self, station: StationId) -> Option<Grid> {
        let model = self.shared.read();
        model.timelines.get(&station).map(|table| table.grid.clone())
    }

    /// How far ahead a station is planned.
    pub fn horizon(&self, station: StationId) -> Horizon {
        let model = self.shared.read();
        model.timelines.get(&station).map(|table| table.horizon).unwrap_or_default()
    }

    /// The format clock with this id, of whichever station.
    pub fn clock(&self, id: ClockId) -> Option<ClockRow> {
        let model = self.shared.read();
        model.timelines.values().find_map(|t| t.clocks.get(&id)).cloned()
    }

    /// A station's smart blocks, by id.
    pub fn smart_blocks(&self, station: StationId) -> Vec<BlockRow> {
        let model = self.shared.read();
        let table = model.timelines.get(&station);
        table.map(|t| t.blocks.values().cloned().collect()).unwrap_or_default()
    }

    /// The smart block with this id, of whichever station.
    pub fn smart_block(&self, id: SmartBlockId) -> Option<BlockRow> {
        let model = self.shared.read();
        model.timelines.values().find_map(|t| t.blocks.get(&id)).cloned()
    }

    /// How a station puts legal IDs around the hour.
    pub fn legal_id(&self, station: StationId) -> Option<LegalIdRule> {
        self.shared.read().timelines.get(&station).and_then(|table| table.legal_id.clone())
    }

    /// A station's voice tracks of hours from `from` on: hour, place and item, by hour.
    pub fn voice_tracks(
        &self,
        station: StationId,
        from: UtcMicros,
    ) -> Vec<(UtcMicros, String, MediaId)> {
        let model = self.shared.read();
        let Some(table) = model.timelines.get(&station) else { return Vec::new() };
        let hours = table.voice.range(from..);
        let rows = hours.flat_map(|(hour, tracks)| {
            tracks.iter().map(|(track, media_id)| (*hour, track.clone(), *media_id))
        });
        rows.collect()
    }

    /// A station's shows, by id, with what is different about their instances.
    pub fn shows(&self, station: StationId) -> Shows {
        let model = self.shared.read();
        model.timelines.get(&station).map(|t| t.shows.clone()).unwrap_or_default()
    }

    /// What a station asks of every pick.
    pub fn station_rules(&self, station: StationId) -> StationRules {
        let model = self.shared.read();
        model.timelines.get(&station).map(|t| t.rules.clone()).unwrap_or_default()
    }

    /// The station and the hour of the planned line with this id, while its plan is kept.
    pub fn line_place(&self, id: LineId) -> Option<(StationId, HourPlan)> {
        let model = self.shared.read();
        let holds = |plan: &&HourPlan| plan.lines.iter().any(|line| line.id == id);
        model.timelines.iter().find_map(|(station, table)| {
            table.plans.values().rev().find(holds).map(|plan| (*station, plan.clone()))
        })
    }

    /// A station's raised claims, highest tier first.
    pub fn claims(&self, station: StationId) -> Vec<ClaimRow> {
        let model = self.shared.read();
        model.ladders.get(&station).map(|t| t.rows()).unwrap_or_default()
    }

    /// Every station's executor.
    pub fn executors(&self) -> Vec<ExecutorRow> {
        self.shared.read().executors.values().cloned().collect()
    }

    /// A station's executor.
    pub fn executor(&self, station: StationId) -> Option<ExecutorRow> {
        self.shared.read().executors.get(&station).cloned()
    }

    /// Every user, by id.
    pub fn users(&self) -> Vec<UserRow> {
        self.shared.read().users.values().cloned().collect()
    }

    /// The user with this id.
    pub fn user(&self, id: UserId) -> Option<UserRow> {
        self.shared.read().users.get(&id).cloned()
    }

    /// Answers from the whole model under one read lock: for what must fit together.
    pub fn with<T>(&self, answer: impl FnOnce(&Model) -> T) -> T {
        answer(&self.shared.read())
    }
}

/// The station's row with what its timeline says of it.
fn complete(model: &Model, row: &StationRow) -> StationRow {
    let default_clock_id = model.timelines.get(&row.id).and_then(|t| t.default_clock_id);
    StationRow { default_clock_id, ..row.clone() }
}
