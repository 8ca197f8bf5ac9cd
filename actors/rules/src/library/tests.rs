//! Behaviour of a library, given / when / then.

use super::command::LibraryCommand;
use super::{Library, LibraryState, PLAYLIST_ITEMS_MAX, TAG_MAX};
use crate::given::{Given, given};
use crate::{Aggregate, Context};
use grimnir_events::details::MediaDetails;
use grimnir_events::envelope::MAX_COMMIT_BYTES;
use grimnir_events::library::{CueMarks, ItemKind, LibraryEvent, MediaItem, Tags};
use grimnir_events::{ContentHash, MediaId, PlaylistId, UtcMicros, codec};

pub(super) fn media(n: u8) -> MediaId {
    MediaId([n; 16])
}

pub(super) fn item(n: u8) -> MediaItem {
    MediaItem {
        id: media(n),
        hash: ContentHash([n; 32]),
        play_hash: ContentHash([n; 32]),
        file_name: "tone.flac".into(),
        codec: "flac".into(),
        size_bytes: 1_000,
        duration_frames: 480_000,
        source_rate_hz: 44_100,
        channels: 2,
        loudness_lufs_x100: Some(-2_000),
        true_peak_dbtp_x100: None,
        cues: CueMarks { cue_in: 0, segue: 400_000, cue_out: 480_000 },
        tags: Tags { title: "Tone".into(), ..Tags::default() },
        category: "gold".into(),
        kind: ItemKind::Music,
        must_air: false,
        long_form: false,
    }
}

fn add(item: MediaItem) -> LibraryCommand {
    LibraryCommand::AddMedia { item: Box::new(item) }
}

fn added(n: u8) -> LibraryEvent {
    LibraryEvent::MediaAdded { item: Box::new(item(n)) }
}

pub(super) fn library() -> Given<Library> {
    given(&[added(1), added(2)])
}

pub(super) fn describe(media_id: MediaId) -> LibraryCommand {
    LibraryCommand::DescribeMedia {
        media_id,
        tags: None,
        category: None,
        kind: None,
        cues: None,
        must_air: None,
        long_form: None,
    }
}

fn playlist(items: Vec<MediaId>) -> LibraryCommand {
    let (playlist_id, name) = (PlaylistId([1; 16]), "Morning".to_owned());
    LibraryCommand::SetPlaylist { playlist_id, name, items }
}

#[test]
fn the_same_bytes_are_in_once() {
    let again = MediaItem { id: media(9), ..item(1) };
    let message = library().when(add(again.clone())).rejected("duplicate_media");
    assert!(message.contains(&media(1).to_string()), "{message}");
    library().when(add(item(1))).then_nothing();
    library().when(add(MediaItem { size_bytes: 1, ..item(1) })).rejected("media_exists");
    let removed = LibraryCommand::RemoveMedia { media_id: media(1) };
    let gone = library().when(removed).then(&[LibraryEvent::MediaRemoved { media_id: media(1) }]);
    gone.when(add(again.clone())).then(&[LibraryEvent::MediaAdded { item: Box::new(again) }]);
}

#[test]
fn what_makes_no_sense_is_not_taken_in() {
    let no = |item, code| library().when(add(item)).rejected(code);
    no(MediaItem { id: MediaId::default(), ..item(3) }, "nil_id");
    no(MediaItem { hash: ContentHash::default(), ..item(3) }, "nil_id");
    no(MediaItem { duration_frames: 0, ..item(3) }, "measure_out_of_range");
    no(MediaItem { duration_frames: i64::MAX, ..item(3) }, "measure_out_of_range");
    no(MediaItem { channels: 0, ..item(3) }, "measure_out_of_range");
    no(MediaItem { source_rate_hz: 0, ..item(3) }, "measure_out_of_range");
    no(MediaItem { file_name: String::new(), ..item(3) }, "bad_text");
    no(MediaItem { tags: Tags::default(), ..item(3) }, "bad_text");
    let artist = "x".repeat(TAG_MAX + 1);
    let tags = Tags { artist, ..item(3).tags };
    no(MediaItem { tags, ..item(3) }, "bad_text");
    no(MediaItem { category: "Gold".into(), ..item(3) }, "bad_category");
    no(MediaItem { category: " gold".into(), ..item(3) }, "bad_category");
}

#[test]
fn cue_marks_stand_in_order_within_the_item() {
    let marks = [(-1, 5, 9), (5, 5, 9), (6, 5, 9), (0, 9, 8), (0, 5, 480_001), (i64::MIN, 0, 0)];
    for (cue_in, segue, cue_out) in marks {
        let cues = CueMarks { cue_in, segue, cue_out };
        library().when(add(MediaItem { cues, ..item(3) })).rejected("bad_cue_marks");
        let mut command = describe(media(1));
        if let LibraryCommand::DescribeMedia { cues: field, .. } = &mut command {
            *field = Some(cues);
        }
        library().when(command).rejected("bad_cue_marks");
    }
    let cues = CueMarks { cue_in: 0, segue: 480_000, cue_out: 480_000 };
    assert!(library().when(add(MediaItem { cues, ..item(3) })).result.is_ok());
}

#[test]
fn a_description_says_all_as_it_is_now() {
    let mut command = describe(media(1));
    if let LibraryCommand::DescribeMedia { must_air, kind, .. } = &mut command {
        (*must_air, *kind) = (Some(true), Some(ItemKind::LegalId));
    }
    let expected = LibraryEvent::MediaDescribed {
        media_id: media(1),
        tags: item(1).tags,
        category: "gold".into(),
        kind: ItemKind::LegalId,
        cues: item(1).cues,
        must_air: true,
        long_form: false,
    };
    let after = library().when(command.clone()).then(&[expected]).when(command).then_nothing();
    assert_eq!(after.state.media[&media(1)].item.kind, ItemKind::LegalId);
    library().when(describe(media(1))).then_nothing();
    library().when(describe(media(9))).rejected("media_not_found");
}

#[test]
fn a_lost_item_is_lost_once_and_found_once() {
    let lose = || LibraryCommand::LoseMedia { media_id: media(1), reason: "gone".into() };
    let find = || LibraryCommand::FindMedia { media_id: media(1) };
    let library = library()
        .when(find())
        .then_nothing()
        .when(lose())
        .then(&[LibraryEvent::MediaLost { media_id: media(1), reason: "gone".into() }])
        .when(lose())
        .then_nothing();
    assert_eq!(library.state.playable().map(|item| item.id).collect::<Vec<_>>(), [media(2)]);
    library.when(find()).then(&[LibraryEvent::MediaFound { media_id: media(1) }]);
    given::<Library>(&[]).when(lose()).rejected("media_not_found");
}

#[test]
fn the_bytes_of_a_lost_item_bring_it_back() {
    let lose = LibraryCommand::LoseMedia { media_id: media(1), reason: "gone".into() };
    let lost = || library().when(lose.clone()).then(&[lost_for("gone")]);
    let again = MediaItem { id: media(9), file_name: "again.flac".into(), ..item(1) };
    let found = [LibraryEvent::MediaFound { media_id: media(1) }];
    let back = lost().when(add(again.clone())).then(&found);
    assert!(back.state.media[&media(1)].lost.is_none());
    back.when(add(again.clone())).rejected("duplicate_media");
    lost().when(add(item(1))).then(&found);
    // The timeline names the bytes that play: others do not stand in for them.
    let other = MediaItem { play_hash: ContentHash([8; 32]), ..again };
    lost().when(add(other)).rejected("duplicate_media");
}

fn lost_for(reason: &str) -> LibraryEvent {
    LibraryEvent::MediaLost { media_id: media(1), reason: reason.into() }
}

#[test]
fn a_refused_file_is_recorded_whatever_it_was() {
    let reason = "not\u{0}audio".repeat(200);
    let command = LibraryCommand::RefuseMedia { file_name: "a.mp3".into(), hash: None, reason };
    let events = library().when(command).result.expect("recorded");
    let [LibraryEvent::MediaRefused { reason, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(reason.chars().count(), super::decide::REASON_MAX);
}

#[test]
fn a_playlist_holds_only_what_the_library_has() {
    let set = |items: Vec<MediaId>| LibraryEvent::PlaylistSet {
        playlist_id: PlaylistId([1; 16]),
        name: "Morning".into(),
        items,
    };
    let items = vec![media(2), media(1), media(2)];
    let library = library()
        .when(playlist(items.clone()))
        .then(&[set(items.clone())])
        .when(playlist(items))
        .then_nothing();
    let remove = |n| LibraryCommand::RemoveMedia { media_id: media(n) };
    library.when(remove(1)).rejected("media_in_playlist");
    let message = self::library().when(playlist(vec![media(1), media(9)]));
    let message = message.rejected("playlist_item_not_found");
    assert!(message.contains(&media(9).to_string()), "{message}");
    self::library().when(remove(9)).rejected("media_not_found");
    let gone = LibraryCommand::RemovePlaylist { playlist_id: PlaylistId([1; 16]) };
    self::library().when(gone).rejected("playlist_not_found");
}

#[test]
fn the_longest_playlist_fits_into_one_commit() {
    let command = playlist(vec![media(1); PLAYLIST_ITEMS_MAX]);
    let stored = codec::encode(&command).expect("fits").bytes.len();
    let events = library().when(command).result.expect("accepted");
    let event = codec::encode(&events[0]).expect("fits").bytes.len();
    assert!(stored + event + 2_048 < MAX_COMMIT_BYTES, "{stored} + {event}");
    library().when(playlist(vec![media(1); PLAYLIST_ITEMS_MAX + 1])).rejected("playlist_too_long");
}

#[test]
fn what_says_only_when_an_item_came_in_is_kept_in_its_entry_and_nothing_is_lost() {
    let mut state = LibraryState::default();
    let item = Box::new(item(1));
    let id = item.id;
    Library::evolve(&mut state, &LibraryEvent::MediaAdded { item: item.clone() });
    assert_eq!(state.described(id), None);
    let added_at = Some(UtcMicros(7));
    let bare = MediaDetails { added_at, ..MediaDetails::default() };
    let more = MediaDetails { label: "Ask".into(), ..bare.clone() };
    let dateless = MediaDetails { added_at: None, ..more.clone() };
    for (said, kept) in
        [(bare.clone(), 0), (more, 1), (bare, 0), (dateless, 1), (MediaDetails::default(), 1)]
    {
        let details = Box::new(said.clone());
        let event = LibraryEvent::MediaDetailed { media_id: id, details };
        Library::evolve(&mut state, &event);
        assert_eq!(state.described(id), Some(said.clone()));
        assert_eq!(state.details.len(), kept, "{said:?}");
        assert!(state.details.values().all(|details| details.added_at.is_none()));
        let command = LibraryCommand::DetailMedia { media_id: id, details: Box::new(said) };
        let again = Library::decide(&state, &command, &Context::default());
        assert_eq!(again, Ok(vec![]), "said already");
    }
    let details = Box::new(MediaDetails { added_at, ..MediaDetails::default() });
    Library::evolve(&mut state, &LibraryEvent::MediaDetailed { media_id: id, details });
    Library::evolve(&mut state, &LibraryEvent::MediaAdded { item });
    assert_eq!(state.described(id).and_then(|said| said.added_at), added_at, "it came in once");
}
