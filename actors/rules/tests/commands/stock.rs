//! Samples of the commands to a library's stock.

use crate::samples::{at, folder_taken, hash, pending, raw, times};
use grimnir_events::library::MediaItem;
use grimnir_events::stock::EntryTimes;
use grimnir_events::{ImportId, MediaId, PlaylistId};
use grimnir_rules::library::command::LibraryCommand;
use grimnir_rules::library::stock::command::{FoundContent, FoundFile, StockCommand};

/// Each as it stands in a library's commands.
pub fn stock(item: MediaItem) -> Vec<(String, LibraryCommand)> {
    use StockCommand::*;
    let (import_id, media_id) = (ImportId(raw(190)), MediaId(raw(191)));
    let file = |instead_of, content| FoundFile {
        path: "in/here.flac".into(),
        size_bytes: 8_000_000_002,
        modified_at: at(192),
        instead_of,
        content,
    };
    let sound = FoundContent::Sound { item: Box::new(pending(193)) };
    let unfit = |hash| FoundContent::Unfit { hash, reason: "not sound".into() };
    let files = vec![
        file(Some("before.flac".into()), sound),
        file(None, unfit(Some(hash(195)))),
        file(None, unfit(None)),
    ];
    let entries = vec![(media_id, times()), (MediaId(raw(196)), EntryTimes::default())];
    let within = LibraryCommand::Stock(DeleteMedia { media_id });
    let samples = [
        ("TakeFolder", TakeFolder { import_id, folder: folder_taken(197) }),
        ("TakeFiles", TakeFiles { import_id, files }),
        ("MissFiles", MissFiles { import_id, paths: vec!["in/gone.flac".into()] }),
        ("FinishFolder", FinishFolder { import_id }),
        ("LeaveFolder", LeaveFolder { import_id }),
        ("FailMeasuring", FailMeasuring { media_id, hash: hash(198), reason: "cut".into() }),
        ("ReplaceAudio", ReplaceAudio { item: Box::new(item) }),
        ("DeleteMedia", DeleteMedia { media_id }),
        ("RestoreMedia", RestoreMedia { media_id }),
        (
            "SetEntries",
            SetEntries { playlist_id: PlaylistId(raw(199)), name: "Timed".into(), entries },
        ),
        ("Several", Several { commands: vec![within] }),
    ];
    let library =
        |(word, command): (&str, StockCommand)| (word.to_owned(), LibraryCommand::Stock(command));
    samples.into_iter().map(library).collect()
}
