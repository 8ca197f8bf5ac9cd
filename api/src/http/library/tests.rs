//! How an item is shown, and what a patch leaves alone.

use super::*;
use grimnir_events::details::MediaDetails;

fn row(n: u8, added_at: i64) -> MediaRow {
    let item = MediaItem {
        id: MediaId([n; 16]),
        hash: ContentHash::default(),
        play_hash: ContentHash::default(),
        file_name: format!("{n}.mp3"),
        codec: "mp3".into(),
        size_bytes: 1,
        duration_frames: 48_000,
        source_rate_hz: 44_100,
        channels: 2,
        loudness_lufs_x100: Some(-1_610),
        true_peak_dbtp_x100: None,
        cues: CueMarks::default(),
        tags: Tags::default(),
        category: String::new(),
        kind: ItemKind::Music,
        must_air: false,
        long_form: false,
    };
    MediaRow {
        analysis: Default::default(),
        item,
        station_id: StationId::default(),
        lost: None,
        added_at: UtcMicros(added_at),
        details: Default::default(),
        stage: Default::default(),
        deleted: None,
    }
}

#[test]
fn tags_that_are_left_out_stay_as_they_are() {
    let now = Tags { title: "t".into(), artist: "a".into(), ..Tags::default() };
    let patch = |text: &str| crate::extract::parse_json::<MediaPatch>(text.as_bytes());
    let mut none = patch(r#"{"category":"gold"}"#).expect("parses");
    assert_eq!(none.new_tags(&now), None);
    let mut some = patch(r#"{"title":"new"}"#).expect("parses");
    assert_eq!(some.new_tags(&now), Some(Tags { title: "new".into(), ..now }));
}

#[test]
fn levels_and_lengths_are_shown_in_the_units_people_read() {
    let view = of_row(row(1, 0));
    assert_eq!((view.duration_ms, view.duration_seconds), (1_000, 1.0));
    assert_eq!((view.loudness_lufs, view.true_peak_dbtp), (Some(-16.1), None));
}

#[test]
fn details_that_are_left_out_stay_and_null_takes_a_number_away() {
    let patch = |text: &str| crate::extract::parse_json::<MediaPatch>(text.as_bytes());
    let now = MediaDetails {
        label: "Fat Possum".into(),
        bpm_x100: Some(12_000),
        energy: Some(7),
        ..MediaDetails::default()
    };
    assert_eq!(patch(r#"{"title":"new"}"#).expect("parses").details(&now), None);
    let text = r#"{"moods":["calm"],"bpm":98.5,"energy":null,"explicit":true}"#;
    let then = patch(text).expect("parses").details(&now).expect("is given");
    assert_eq!(then.label, "Fat Possum");
    assert_eq!((then.bpm_x100, then.energy, then.explicit), (Some(9_850), None, true));
    assert_eq!(then.moods, ["calm"]);
    let none = patch(r#"{"bpm":null}"#).expect("parses").details(&now).expect("is given");
    assert_eq!((none.bpm_x100, none.energy), (None, Some(7)));
    let problem = patch(r#"{"rules":{"rest":1}}"#).expect_err("is refused");
    assert_eq!(problem.code(), "unknown_field");
}
