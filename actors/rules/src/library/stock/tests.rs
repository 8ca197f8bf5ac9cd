//! Behaviour of a library's stock, given / when / then.

use super::command::{FoundContent, FoundFile, StockCommand};
use super::state::{FileIs, Stage};
use crate::given::{Answer, Given, given};
use crate::library::Library;
use crate::library::command::LibraryCommand;
use grimnir_events::library::{CueMarks, ItemKind, LibraryEvent, MediaItem, Tags};
use grimnir_events::stock::{DeletedFor, EntryTimes, Folder, PendingItem, StockEvent};
use grimnir_events::{ContentHash, ImportId, MediaId, PlaylistId, UtcMicros};

const IMPORT: ImportId = ImportId([7; 16]);

fn media(n: u8) -> MediaId {
    MediaId([n; 16])
}

fn folder(path: &str, watch: bool) -> Folder {
    let (category, kind) = ("gold".into(), ItemKind::Music);
    Folder { path: path.into(), category, kind, recursive: true, watch }
}

fn pending(id: u8, bytes: u8) -> PendingItem {
    PendingItem {
        id: media(id),
        hash: ContentHash([bytes; 32]),
        file_name: format!("{id}.mp3"),
        size_bytes: 1_000,
        tags: Tags { title: format!("Title {id}"), ..Tags::default() },
        category: "gold".into(),
        kind: ItemKind::Music,
        details: Default::default(),
    }
}

fn item(id: u8, bytes: u8) -> MediaItem {
    MediaItem {
        id: media(id),
        hash: ContentHash([bytes; 32]),
        play_hash: ContentHash([bytes; 32]),
        file_name: "tone.flac".into(),
        codec: "flac".into(),
        size_bytes: 1_000,
        duration_frames: 480_000,
        source_rate_hz: 44_100,
        channels: 2,
        cues: CueMarks { cue_in: 0, segue: 400_000, cue_out: 480_000 },
        tags: Tags { title: "Tone".into(), ..Tags::default() },
        ..MediaItem::default()
    }
}

fn found(path: &str, id: u8, bytes: u8) -> FoundFile {
    FoundFile {
        path: path.into(),
        size_bytes: 1_000,
        modified_at: UtcMicros(1),
        instead_of: None,
        content: FoundContent::Sound { item: Box::new(pending(id, bytes)) },
    }
}

fn stock(command: StockCommand) -> LibraryCommand {
    LibraryCommand::Stock(command)
}

fn take(files: Vec<FoundFile>) -> LibraryCommand {
    stock(StockCommand::TakeFiles { import_id: IMPORT, files })
}

fn miss(paths: &[&str]) -> LibraryCommand {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    stock(StockCommand::MissFiles { import_id: IMPORT, paths })
}

fn delete(id: u8) -> LibraryCommand {
    stock(StockCommand::DeleteMedia { media_id: media(id) })
}

fn add(item: MediaItem) -> LibraryCommand {
    LibraryCommand::AddMedia { item: Box::new(item) }
}

/// Asks without a trace: the history stays as it was.
trait Asks {
    fn asks(&self, command: LibraryCommand) -> Answer<Library>;
}

impl Asks for Given<Library> {
    fn asks(&self, command: LibraryCommand) -> Answer<Library> {
        Given::<Library> { state: self.state.clone(), now: self.now }.when(command)
    }
}

/// Carries it out whatever follows.
fn done(library: Given<Library>, command: LibraryCommand) -> Given<Library> {
    let Answer { result, given } = library.when(command);
    result.expect("accepted");
    given
}

/// A watched folder with `a.mp3`, item 1 of bytes 1.
fn watched() -> Given<Library> {
    let folder = folder("/srv/music", true);
    let empty = given::<Library>(&[LibraryEvent::Stock(StockEvent::FolderTaken {
        import_id: IMPORT,
        folder,
    })]);
    done(empty, take(vec![found("a.mp3", 1, 1)]))
}

fn file<'a>(library: &'a Given<Library>, path: &str) -> Option<&'a FileIs> {
    library.state.folders[&IMPORT].files.get(path).map(|file| &file.what)
}

#[test]
fn a_file_is_known_at_once_and_planned_when_it_was_measured() {
    let library = watched();
    assert_eq!(library.state.media[&media(1)].stage, Stage::Pending);
    assert_eq!(library.state.playable().count(), 0);
    let said = LibraryCommand::DescribeMedia {
        media_id: media(1),
        tags: None,
        category: Some("new".into()),
        kind: None,
        cues: None,
        must_air: None,
        long_form: None,
    };
    let library = done(library, said);
    library.asks(add(item(1, 2))).rejected("media_exists");
    let library = done(library, add(item(1, 1)));
    let planned: Vec<&MediaItem> = library.state.playable().collect();
    assert_eq!((planned[0].category.as_str(), planned[0].tags.title.as_str()), ("new", "Title 1"));
    assert_eq!(planned[0].duration_frames, 480_000);
}

#[test]
fn an_item_that_cannot_be_measured_is_refused_once_and_not_planned() {
    let (hash, reason) = (ContentHash([1; 32]), "cut short".to_owned());
    let fail = stock(StockCommand::FailMeasuring { media_id: media(1), hash, reason });
    let library = watched();
    let events = library.asks(fail.clone()).result.expect("recorded");
    assert!(matches!(&events[..], [
        LibraryEvent::MediaRefused { reason, hash: Some(_), .. },
        LibraryEvent::Stock(StockEvent::MeasuringFailed { .. }),
    ] if reason == "cut short"));
    let library = done(library, fail.clone());
    library.asks(fail.clone()).then_nothing();
    assert_eq!(library.state.playable().count(), 0);
    // What plays already goes on playing.
    let measured = done(watched(), add(item(1, 1)));
    let after = done(measured, fail);
    assert_eq!(after.state.playable().count(), 1);
    // Other bytes resolve it.
    let replaced = stock(StockCommand::ReplaceAudio { item: Box::new(item(1, 9)) });
    assert_eq!(done(library, replaced).state.playable().count(), 1);
}

#[test]
fn the_same_bytes_are_one_item_whatever_file_they_are_in() {
    let twice = vec![found("b.mp3", 2, 2), found("c.mp3", 3, 2), found("d.mp3", 4, 1)];
    let library = done(watched(), take(twice));
    assert_eq!(library.state.media.len(), 2);
    assert_eq!(file(&library, "b.mp3"), Some(&FileIs::Own(media(2))));
    assert_eq!(file(&library, "c.mp3"), Some(&FileIs::Known(media(2))));
    assert_eq!(file(&library, "d.mp3"), Some(&FileIs::Known(media(1))));
    let tally = library.state.folders[&IMPORT].tally();
    assert_eq!((tally.found, tally.taken, tally.duplicate, tally.refused), (4, 2, 2, 0));
}

#[test]
fn a_broken_file_is_refused_with_its_reason_and_stops_nothing() {
    let unfit = FoundFile {
        content: FoundContent::Unfit { hash: None, reason: "no sound in it".into() },
        ..found("sub/x.mp3", 9, 9)
    };
    let files = vec![unfit, found("b.mp3", 2, 2)];
    let events = watched().asks(take(files.clone())).result.expect("taken");
    let refused = LibraryEvent::MediaRefused {
        file_name: "x.mp3".into(),
        hash: None,
        reason: "no sound in it".into(),
    };
    assert_eq!(events[1..], [refused]);
    let library = done(watched(), take(files));
    assert_eq!(file(&library, "sub/x.mp3"), Some(&FileIs::Refused("no sound in it".into())));
    assert!(library.state.media.contains_key(&media(2)));
}

#[test]
fn a_file_that_was_renamed_is_the_same_item() {
    let renamed = FoundFile { instead_of: Some("a.mp3".into()), ..found("z.mp3", 5, 1) };
    let library = done(watched(), take(vec![renamed]));
    assert_eq!(library.state.media.len(), 1);
    assert!(library.state.media[&media(1)].deleted.is_none());
    assert_eq!(file(&library, "z.mp3"), Some(&FileIs::Own(media(1))));
    assert_eq!(file(&library, "a.mp3"), None);
    // One that says it stands for a file of other bytes is a new one.
    let wrong = FoundFile { instead_of: Some("z.mp3".into()), ..found("y.mp3", 6, 6) };
    let library = done(library, take(vec![wrong]));
    assert_eq!(file(&library, "y.mp3"), Some(&FileIs::Own(media(6))));
    assert_eq!(file(&library, "z.mp3"), Some(&FileIs::Own(media(1))));
}

#[test]
fn an_item_goes_with_its_file_and_comes_back_with_it() {
    let library = done(watched(), add(item(1, 1)));
    let gone = done(library, miss(&["a.mp3", "never.mp3"]));
    let why = Some(Box::new(DeletedFor::FileGone { path: "a.mp3".into() }));
    assert_eq!(gone.state.media[&media(1)].deleted, why);
    assert_eq!(gone.state.playable().count(), 0);
    let back = done(gone, take(vec![found("elsewhere.mp3", 5, 1)]));
    assert_eq!(back.state.playable().count(), 1);
    assert_eq!(file(&back, "elsewhere.mp3"), Some(&FileIs::Own(media(1))));
}

#[test]
fn an_item_stays_while_another_file_has_its_bytes() {
    let library = done(watched(), take(vec![found("copy.mp3", 5, 1)]));
    let library = done(library, miss(&["a.mp3"]));
    assert!(library.state.media[&media(1)].deleted.is_none());
    let library = done(library, miss(&["copy.mp3"]));
    assert!(library.state.media[&media(1)].deleted.is_none(), "it was not the item's own");
    let both = done(watched(), take(vec![found("copy.mp3", 5, 1)]));
    let both = done(both, miss(&["a.mp3", "copy.mp3"]));
    assert!(both.state.media[&media(1)].deleted.is_some());
}

#[test]
fn what_somebody_deleted_does_not_come_back_with_its_file() {
    let library = done(done(watched(), add(item(1, 1))), delete(1));
    let library = done(library, miss(&["a.mp3"]));
    let library = done(library, take(vec![found("a.mp3", 5, 1)]));
    assert_eq!(library.state.media[&media(1)].deleted, Some(Box::new(DeletedFor::Asked)));
    let restore = stock(StockCommand::RestoreMedia { media_id: media(1) });
    let library = done(library, restore.clone());
    assert_eq!(library.state.playable().count(), 1);
    library.asks(restore).then_nothing();
    library.asks(delete(9)).rejected("media_not_found");
}

#[test]
fn other_bytes_in_a_file_are_the_same_item_with_other_audio() {
    let library = done(done(watched(), add(item(1, 1))), take(vec![found("a.mp3", 5, 8)]));
    assert_eq!(library.state.media.len(), 1);
    let hash = Box::new(ContentHash([8; 32]));
    assert_eq!(file(&library, "a.mp3"), Some(&FileIs::Changed(media(1), hash)));
    assert_eq!(library.state.playable().count(), 1, "what it has plays on");
    let replaced = stock(StockCommand::ReplaceAudio { item: Box::new(item(1, 8)) });
    let library = done(library, replaced.clone());
    assert_eq!(library.state.media[&media(1)].item.hash, ContentHash([8; 32]));
    library.asks(replaced).then_nothing();
    // The bytes that it had are nobody's now, and those that it has are its own.
    assert_eq!(library.state.by_hash.get(&ContentHash([1; 32])), None);
    let other = done(library, take(vec![found("b.mp3", 2, 2)]));
    let stolen = stock(StockCommand::ReplaceAudio { item: Box::new(item(1, 2)) });
    other.asks(stolen).rejected("duplicate_media");
}

#[test]
fn a_folder_is_taken_in_once_at_a_time() {
    let again = |path| StockCommand::TakeFolder {
        import_id: ImportId([8; 16]),
        folder: folder(path, false),
    };
    for path in ["/srv/music", "/srv/music/sub", "/srv"] {
        watched().asks(stock(again(path))).rejected("folder_taken");
    }
    let beside = watched().asks(stock(again("/srv/music2"))).result;
    assert!(beside.is_ok(), "{beside:?}");
    let leave = stock(StockCommand::LeaveFolder { import_id: IMPORT });
    let left = done(watched(), leave.clone());
    left.asks(leave).rejected("import_not_found");
    assert!(left.asks(stock(again("/srv/music"))).result.is_ok());
    assert_eq!(left.state.media.len(), 1, "its items stay");
    left.asks(take(vec![])).rejected("import_not_found");
}

#[test]
fn several_commands_do_what_each_can_and_nothing_else() {
    let commands = vec![delete(9), delete(1), stock(StockCommand::Several { commands: vec![] })];
    let events = watched().asks(stock(StockCommand::Several { commands })).result.expect("taken");
    let deleted = StockEvent::MediaDeleted { media_id: media(1), why: DeletedFor::Asked };
    assert_eq!(events, [LibraryEvent::Stock(deleted)]);
}

#[test]
fn entries_of_a_playlist_have_marks_within_their_item() {
    let library = || done(watched(), add(item(1, 1)));
    let set = |times| {
        let entries = vec![(media(1), EntryTimes::default()), (media(1), times)];
        let name = "Timed".to_owned();
        stock(StockCommand::SetEntries { playlist_id: PlaylistId([3; 16]), name, entries })
    };
    let cut = EntryTimes { cue_in: Some(48_000), cue_out: Some(240_000), ..Default::default() };
    let timed = done(library(), set(cut));
    let held = &timed.state.playlists[&PlaylistId([3; 16])];
    assert_eq!(held.items.len(), 2);
    assert_eq!(held.times.iter().collect::<Vec<_>>(), [(&1, &cut)]);
    timed.asks(set(cut)).then_nothing();
    timed.asks(delete(1)).rejected("media_in_playlist");
    let plain = done(timed, set(EntryTimes::default()));
    assert!(plain.state.playlists[&PlaylistId([3; 16])].times.is_empty());
    for cut in [
        EntryTimes { cue_in: Some(-1), ..EntryTimes::default() },
        EntryTimes { cue_out: Some(480_001), ..EntryTimes::default() },
        EntryTimes { cue_in: Some(400_000), ..EntryTimes::default() },
        EntryTimes { fade_out_ms: Some(10_000), ..EntryTimes::default() },
    ] {
        library().asks(set(cut)).rejected("bad_cue_marks");
    }
    let long = EntryTimes { fade_in_ms: Some(20_001), ..EntryTimes::default() };
    library().asks(set(long)).rejected("measure_out_of_range");
}
