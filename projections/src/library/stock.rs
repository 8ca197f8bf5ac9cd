//! What folders, measuring, deletion and timed playlists change in a library's rows.

use super::LibraryTable;
use crate::rows::{MediaRow, MediaStage};
use grimnir_events::library::MediaItem;
use grimnir_events::stock::{FileOutcome, PendingItem, StockEvent};
use grimnir_events::{StationId, UtcMicros};

impl MediaRow {
    /// It may be planned: measured, there, and not deleted.
    pub fn is_plannable(&self) -> bool {
        self.lost.is_none() && self.deleted.is_none() && self.stage == MediaStage::Measured
    }
}

/// Folds one event.
pub fn apply(table: &mut LibraryTable, station: StationId, at: UtcMicros, event: &StockEvent) {
    match event {
        StockEvent::FilesTaken { files, .. } => {
            for file in files {
                if let FileOutcome::Added { item } = &file.outcome {
                    table.put(pending(item, station, at));
                }
            }
        }
        StockEvent::MeasuringFailed { media_id, reason } => {
            if let Some(row) = table.media.get_mut(media_id) {
                row.stage = MediaStage::Failed(reason.as_str().into());
            }
        }
        StockEvent::AudioReplaced { item } => {
            if let Some(mut row) = table.take(item.id) {
                row.item = (**item).clone();
                (row.lost, row.stage) = (None, MediaStage::Measured);
                table.put(row);
            }
        }
        StockEvent::MediaDeleted { media_id, why } => {
            if let Some(row) = table.media.get_mut(media_id) {
                row.deleted = Some(Box::new(why.clone()));
            }
        }
        StockEvent::MediaRestored { media_id } => {
            if let Some(row) = table.media.get_mut(media_id) {
                row.deleted = None;
            }
        }
        StockEvent::PlaylistTimed { playlist_id, times } => {
            if let Some(row) = table.playlists.get_mut(playlist_id) {
                row.times = times.iter().copied().collect();
            }
        }
        // Folders are shown from the aggregate itself.
        StockEvent::FolderTaken { .. }
        | StockEvent::FileGone { .. }
        | StockEvent::FolderDone { .. }
        | StockEvent::FolderLeft { .. } => {}
    }
}

fn pending(item: &PendingItem, station_id: StationId, added_at: UtcMicros) -> MediaRow {
    MediaRow {
        item: MediaItem {
            id: item.id,
            hash: item.hash,
            file_name: item.file_name.clone(),
            size_bytes: item.size_bytes,
            tags: item.tags.clone(),
            category: item.category.clone(),
            kind: item.kind,
            ..MediaItem::default()
        },
        station_id,
        lost: None,
        added_at,
        details: Box::new(item.details.clone()),
        stage: MediaStage::Pending,
        deleted: None,
    }
}
