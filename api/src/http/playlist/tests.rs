//! Changes of playlists, and the marks of their entries.

use super::*;

fn entry(n: u8) -> Entry {
    Entry { media_id: MediaId([n; 16]), ..Entry::default() }
}

fn patched(patch: serde_json::Value) -> Result<Vec<u8>, String> {
    let patch: PlaylistPatch = serde_json::from_value(patch).expect("reads");
    let applied = patch.applied((0..4).map(entry).collect());
    let (_, entries) = applied.map_err(|problem| problem.code().to_owned())?;
    Ok(entries.iter().map(|entry| entry.media_id.0[0]).collect())
}

#[test]
fn entries_are_taken_out_reordered_put_in_and_appended_in_this_order() {
    let id = |n: u8| MediaId([n; 16]).to_string();
    let all = serde_json::json!({
        "remove": [1], "order": [2, 0, 1], "insert": {"at": 1, "items": [id(8)]},
        "append": [{"media_id": id(9), "cue_in": 5}],
    });
    assert_eq!(patched(all).expect("applies"), [3, 8, 0, 2, 9]);
    assert_eq!(patched(serde_json::json!({})).expect("applies"), [0, 1, 2, 3]);
    for wrong in [
        serde_json::json!({"remove": [4]}),
        serde_json::json!({"order": [0, 1, 2]}),
        serde_json::json!({"order": [0, 1, 2, 2]}),
        serde_json::json!({"insert": {"at": 5, "items": []}}),
    ] {
        assert_eq!(patched(wrong.clone()), Err("invalid_field".into()), "{wrong}");
    }
}

#[test]
fn marks_go_with_their_entries() {
    let row = PlaylistRow {
        id: PlaylistId([1; 16]),
        station_id: StationId([2; 16]),
        name: "Timed".into(),
        items: vec![],
        times: Default::default(),
    };
    let timed = Entry { cue_in: Some(7), fade_out_ms: Some(0), ..entry(2) };
    let row = with_entries(row, &[entry(1), timed, entry(3)]);
    assert_eq!(row.times.keys().copied().collect::<Vec<_>>(), [1]);
    let shown = entries(&row);
    assert_eq!((shown[1].cue_in, shown[1].fade_out_ms), (Some(7), Some(0)));
    assert_eq!(shown[2].cue_in, None);
}
