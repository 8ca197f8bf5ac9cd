//! What folders, measuring, deletion and timed playlists change in a library's rows.

use super::LibraryTable;
use crate::rows::{MediaRow, MediaStage};
use grimnir_events::analysis::AnalysisEntry;
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
                row.analysis = AnalysisEntry::default();
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
        analysis: AnalysisEntry::default(),
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
        details: item.details.clone().into(),
        stage: MediaStage::Pending,
        deleted: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{Filter, Page};
    use grimnir_events::library::Tags;
    use grimnir_events::stock::{DeletedFor, FileTaken};
    use grimnir_events::{ContentHash, ImportId, MediaId};

    const ID: MediaId = MediaId([1; 16]);

    fn table() -> LibraryTable {
        let item = PendingItem {
            id: ID,
            hash: ContentHash([2; 32]),
            file_name: "a.mp3".into(),
            size_bytes: 1,
            tags: Tags { title: "Rain".into(), ..Tags::default() },
            category: "gold".into(),
            kind: Default::default(),
            details: Default::default(),
        };
        let (path, modified_at) = ("a.mp3".to_owned(), UtcMicros(0));
        let outcome = FileOutcome::Added { item: Box::new(item) };
        let files = vec![FileTaken { path, size_bytes: 1, modified_at, outcome }];
        let mut table = LibraryTable::default();
        fold(&mut table, StockEvent::FilesTaken { import_id: ImportId([3; 16]), files });
        table
    }

    fn fold(table: &mut LibraryTable, event: StockEvent) {
        apply(table, StationId([9; 16]), UtcMicros(5), &event);
    }

    fn found(table: &LibraryTable, filter: Filter) -> usize {
        table.page(&filter, &Page { limit: 10, ..Page::default() }).0.len()
    }

    #[test]
    fn a_pending_item_is_found_and_not_planned_until_it_was_measured() {
        let mut table = table();
        let words = |words: &str| Filter { words: words.into(), ..Filter::default() };
        let pending = Filter { stage: Some(MediaStage::Pending), ..Filter::default() };
        assert_eq!((found(&table, words("rain")), found(&table, pending.clone())), (1, 1));
        assert_eq!(table.plannable().len(), 0);
        let reason = "cut".to_owned();
        fold(&mut table, StockEvent::MeasuringFailed { media_id: ID, reason });
        assert_eq!((found(&table, pending), table.plannable().len()), (0, 0));
        let tags = Tags { title: "Snow".into(), ..Tags::default() };
        let item = Box::new(MediaItem { id: ID, tags, ..MediaItem::default() });
        fold(&mut table, StockEvent::AudioReplaced { item });
        assert_eq!(table.plannable().len(), 1);
        assert_eq!((found(&table, words("rain")), found(&table, words("snow"))), (0, 1));
        assert_eq!(table.media()[&ID].added_at, UtcMicros(5), "it was there before");
    }

    #[test]
    fn a_deleted_item_is_listed_where_it_is_asked_for_and_nowhere_else() {
        let mut table = table();
        let item = Box::new(MediaItem { id: ID, ..MediaItem::default() });
        fold(&mut table, StockEvent::AudioReplaced { item });
        let deleted = Filter { deleted: true, ..Filter::default() };
        fold(&mut table, StockEvent::MediaDeleted { media_id: ID, why: DeletedFor::Asked });
        assert_eq!((found(&table, Filter::default()), found(&table, deleted.clone())), (0, 1));
        assert_eq!(table.plannable().len(), 0);
        fold(&mut table, StockEvent::MediaRestored { media_id: ID });
        assert_eq!((found(&table, Filter::default()), found(&table, deleted)), (1, 0));
        assert_eq!(table.plannable().len(), 1);
    }
}
