//! Samples of a library's stock.

use super::{at, details, hash, raw, tags};
use grimnir_events::library::{ItemKind, LibraryEvent, MediaItem};
use grimnir_events::stock::*;
use grimnir_events::{ImportId, MediaId, PlaylistId};

pub fn folder_taken(number: u8) -> Folder {
    Folder {
        path: format!("/srv/music/{number}"),
        category: "import".into(),
        kind: ItemKind::Spot,
        recursive: true,
        watch: false,
    }
}

pub fn pending(number: u8) -> PendingItem {
    PendingItem {
        id: MediaId(raw(number)),
        hash: hash(number.wrapping_add(1)),
        file_name: "pending.flac".into(),
        size_bytes: 8_000_000_001,
        tags: tags(),
        category: "import".into(),
        kind: ItemKind::Imaging,
        details: details(),
    }
}

pub fn times() -> EntryTimes {
    EntryTimes {
        cue_in: Some(1_001),
        segue: Some(480_002),
        cue_out: Some(490_003),
        fade_in_ms: Some(504),
        fade_out_ms: Some(0),
    }
}

/// The events of a library's stock, each as it stands in a library's.
pub fn stock(item: MediaItem) -> Vec<(String, LibraryEvent)> {
    use StockEvent::*;
    let (import_id, media_id) = (ImportId(raw(180)), MediaId(raw(181)));
    let outcomes = [
        ("Added", FileOutcome::Added { item: Box::new(pending(182)) }),
        ("Known", FileOutcome::Known { media_id }),
        ("Moved", FileOutcome::Moved { media_id, from: "before.flac".into() }),
        ("Changed", FileOutcome::Changed { media_id, hash: hash(184) }),
        ("Refused", FileOutcome::Refused { reason: "not sound".into() }),
    ];
    let mut samples: Vec<(String, StockEvent)> = outcomes
        .into_iter()
        .map(|(word, outcome)| {
            let file = FileTaken {
                path: "in/here.flac".into(),
                size_bytes: 8_000_000_002,
                modified_at: at(185),
                outcome,
            };
            (format!("FilesTaken.{word}"), FilesTaken { import_id, files: vec![file] })
        })
        .collect();
    let marks = vec![(7, times()), (300, EntryTimes::default())];
    let gone = DeletedFor::FileGone { path: "in/gone.flac".into() };
    let deleted = |why| MediaDeleted { media_id, why };
    let plain = [
        ("FolderTaken", FolderTaken { import_id, folder: folder_taken(186) }),
        ("FileGone", FileGone { import_id, path: "in/gone.flac".into() }),
        ("FolderDone", FolderDone { import_id }),
        ("FolderLeft", FolderLeft { import_id }),
        ("MeasuringFailed", MeasuringFailed { media_id, reason: "cut short".into() }),
        ("AudioReplaced", AudioReplaced { item: Box::new(item) }),
        ("MediaDeleted.Asked", deleted(DeletedFor::Asked)),
        ("MediaDeleted.FileGone", deleted(gone)),
        ("MediaRestored", MediaRestored { media_id }),
        ("PlaylistTimed", PlaylistTimed { playlist_id: PlaylistId(raw(187)), times: marks }),
    ];
    samples.extend(plain.map(|(word, event)| (word.to_owned(), event)));
    samples.into_iter().map(|(word, event)| (word, LibraryEvent::Stock(event))).collect()
}
