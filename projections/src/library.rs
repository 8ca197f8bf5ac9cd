//! Libraries: media items and playlists.

use crate::change::Changes;
use crate::decoded;
use crate::model::Model;
use crate::rows::{MediaRow, MediaStage, PlaylistRow};
use crate::search::{Filter, Index, Page, Place};
use grimnir_events::analysis::{AnalysisEntry, AnalysisEvent, Progress};
use grimnir_events::library::{LibraryEvent, MediaItem};
use grimnir_events::{MediaId, PlaylistId, StationId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

mod stock;

/// One station's library; removed items are not in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Rows")]
pub struct LibraryTable {
    /// Its items; the index goes with them.
    media: BTreeMap<MediaId, Box<MediaRow>>,
    /// Its playlists.
    pub playlists: BTreeMap<PlaylistId, PlaylistRow>,
    #[serde(skip)]
    index: Index,
}

/// A table as it is kept: the index is made again.
#[derive(Deserialize)]
struct Rows {
    media: BTreeMap<MediaId, Box<MediaRow>>,
    playlists: BTreeMap<PlaylistId, PlaylistRow>,
}

impl From<Rows> for LibraryTable {
    fn from(Rows { media, playlists }: Rows) -> Self {
        let index = Index::of(&media);
        Self { media, playlists, index }
    }
}

impl PartialEq for LibraryTable {
    fn eq(&self, other: &Self) -> bool {
        (&self.media, &self.playlists) == (&other.media, &other.playlists)
    }
}

impl LibraryTable {
    /// Its items.
    pub fn media(&self) -> &BTreeMap<MediaId, Box<MediaRow>> {
        &self.media
    }

    /// One page of its items, and the place after which the next begins.
    pub fn page(&self, filter: &Filter, page: &Page) -> (Vec<MediaRow>, Option<Place>) {
        let (rows, next) = self.index.page(&self.media, filter, page);
        (rows.into_iter().cloned().collect(), next)
    }

    fn put(&mut self, row: MediaRow) {
        self.take(row.item.id);
        self.index.insert(&row, &self.media);
        self.media.insert(row.item.id, Box::new(row));
    }

    fn take(&mut self, id: MediaId) -> Option<MediaRow> {
        let row = self.media.remove(&id)?;
        self.index.remove(&row, &self.media);
        Some(*row)
    }

    /// Items that are to be measured again.
    pub fn to_analyse(&self) -> impl Iterator<Item = MediaId> {
        let rows = self.media.values().filter(|row| row.analysis.progress != Progress::Idle);
        rows.map(|row| row.item.id)
    }

    /// Items that may be planned.
    pub fn plannable(&self) -> Vec<MediaItem> {
        let whole = self.media.values().filter(|row| row.is_plannable());
        whole.map(|row| row.item.clone()).collect()
    }
}

/// Folds one event.
pub(crate) fn apply(model: &mut Model, place: &decoded::Place, event: &LibraryEvent) {
    let station_id = place.station();
    let table = model.libraries.entry(station_id).or_default();
    match event {
        LibraryEvent::MediaAdded { item } => {
            // What waited for its measuring keeps what was said meanwhile.
            let before = table.take(item.id).unwrap_or_else(|| fresh(station_id, place.at));
            table.put(MediaRow {
                item: (**item).clone(),
                station_id,
                lost: None,
                added_at: before.added_at,
                details: before.details,
                stage: MediaStage::Measured,
                deleted: before.deleted,
                analysis: AnalysisEntry::default(),
            });
        }
        LibraryEvent::MediaRefused { .. } => {}
        LibraryEvent::MediaLost { media_id, reason } => {
            if let Some(row) = table.media.get_mut(media_id) {
                row.lost = Some(reason.clone());
            }
        }
        LibraryEvent::MediaFound { media_id } => {
            if let Some(row) = table.media.get_mut(media_id) {
                row.lost = None;
            }
        }
        LibraryEvent::MediaRemoved { media_id } => {
            table.take(*media_id);
        }
        LibraryEvent::PlaylistRemoved { playlist_id } => {
            table.playlists.remove(playlist_id);
        }
        LibraryEvent::MediaDescribed { .. } => describe(table, event),
        LibraryEvent::MediaDetailed { media_id, details } => {
            if let Some(mut row) = table.take(*media_id) {
                row.details = (**details).clone().into();
                table.put(row);
            }
        }
        // What is under way changes nothing that is searched.
        LibraryEvent::Analysis(
            event @ (AnalysisEvent::Queued { .. } | AnalysisEvent::Begun { .. }),
        ) => {
            if let Some(row) = table.media.get_mut(&event.media_id()) {
                let MediaRow { analysis, item, .. } = &mut **row;
                analysis.apply(item, event);
            }
        }
        LibraryEvent::Analysis(event) => {
            if let Some(mut row) = table.take(event.media_id()) {
                row.analysis.apply(&mut row.item, event);
                match event {
                    AnalysisEvent::Failed { failure, .. } => {
                        row.stage = MediaStage::Failed(failure.reason.as_str().into());
                    }
                    AnalysisEvent::Measured { .. } => row.stage = MediaStage::Measured,
                    AnalysisEvent::Queued { .. }
                    | AnalysisEvent::Begun { .. }
                    | AnalysisEvent::MarksReturned { .. } => {}
                }
                table.put(row);
            }
        }
        LibraryEvent::PlaylistSet { playlist_id, name, items } => {
            set_playlist(table, station_id, *playlist_id, name, items);
        }
        LibraryEvent::Stock(event) => stock::apply(table, station_id, place.at, event),
    }
}

/// A row of which nothing is known yet.
fn fresh(station_id: StationId, added_at: UtcMicros) -> MediaRow {
    let item = MediaItem::default();
    let (details, stage) = Default::default();
    let analysis = AnalysisEntry::default();
    MediaRow { item, station_id, lost: None, added_at, details, stage, deleted: None, analysis }
}

fn describe(table: &mut LibraryTable, event: &LibraryEvent) {
    let LibraryEvent::MediaDescribed { media_id, tags, category, kind, cues, must_air, long_form } =
        event
    else {
        return;
    };
    let Some(mut row) = table.take(*media_id) else { return };
    row.analysis.marks_by_hand |= row.item.cues != *cues;
    row.item.tags.clone_from(tags);
    row.item.category.clone_from(category);
    (row.item.kind, row.item.cues) = (*kind, *cues);
    (row.item.must_air, row.item.long_form) = (*must_air, *long_form);
    table.put(row);
}

fn set_playlist(
    table: &mut LibraryTable,
    station_id: StationId,
    id: PlaylistId,
    name: &str,
    items: &[MediaId],
) {
    let (name, items, times) = (name.to_owned(), items.to_vec(), BTreeMap::new());
    let row = PlaylistRow { id, station_id, name, items, times };
    table.playlists.insert(id, row);
}

/// Tells what changed.
pub(crate) fn tell(out: &mut Changes, event: &LibraryEvent) {
    out.push("library.update", event);
}
