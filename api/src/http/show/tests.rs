//! What is read of shows and shown of them, and what a change of an instance comes to.

use super::instance::InstanceChange;
use super::*;
use grimnir_events::show::{Exception, Moved, Substitute};
use serde_json::{Value, json};

fn station(time_zone: &str) -> StationRow {
    let row = json!({
        "id": "sta_00000000000000000000000000000001", "name": "One", "slug": "one",
        "time_zone": time_zone, "settings": grimnir_events::station::StationSettings::default(),
        "mounts": [], "on_air": false, "fallback_media_id": null, "default_clock_id": null,
        "dsp": { "preset": "", "nodes": [] },
    });
    serde_json::from_value(row).expect("a station")
}

fn read(body: Value) -> Result<Show, Problem> {
    let body: ShowBody = serde_json::from_value(body).expect("a body");
    body.read(ShowId([1; 16]), &station("America/New_York"))
}

#[test]
fn a_show_reads_as_it_is_shown() {
    let body = json!({
        "name": "Night", "description": "d", "host": "Bragi", "colour": "#20c0a8",
        "start": "2026-11-21T22:00:00", "duration_s": 7_200, "rrule": "FREQ=WEEKLY;BYDAY=FR,SA",
        "begins": "soft", "grace_ms": 60_000, "linked": true, "priority": 3,
        "content": { "type": "playlist", "playlist_id": "pls_00000000000000000000000000000002" },
        "live": { "users": ["usr_00000000000000000000000000000003"], "names": ["studio-b"] },
    });
    let show = read(body.clone()).expect("makes sense");
    assert_eq!(serde_json::to_value(ShowBody::of(show)).expect("shows"), body);
}

#[test]
fn what_is_left_out_has_its_default_and_an_end_in_utc_is_the_stations() {
    let show = read(json!({
        "name": "n", "start": "2026-11-21T22:00:00", "duration_s": 60,
        "rrule": "FREQ=DAILY;UNTIL=20261201T030000Z",
    }));
    let show = show.expect("makes sense");
    assert_eq!(show.begins, SlotStart::Soft { grace_ms: 300_000 });
    assert_eq!((show.content, show.live, show.priority), (ShowContent::Automation, None, 0));
    assert_eq!(show.rrule, "FREQ=DAILY;UNTIL=20261130T220000");
    let hard = read(json!({
        "name": "n", "start": "2026-11-21T22:00:00", "duration_s": 60, "begins": "hard",
        "grace_ms": 1,
    }));
    assert_eq!(hard.expect_err("is refused").code(), "invalid_field");
    for wrong in [json!("2026-11-21T22:00:00Z"), json!("22:00"), json!(7)] {
        let body = json!({ "name": "n", "start": wrong, "duration_s": 60 });
        assert!(serde_json::from_value::<ShowBody>(body).is_err(), "{wrong}");
    }
}

fn commands(change: Value, exception: Option<Exception>) -> Result<Vec<ShowCommand>, String> {
    let show = read(json!({ "name": "n", "start": "2026-11-21T22:00:00", "duration_s": 60 }));
    let show = show.expect("makes sense");
    let original = show.start;
    let exceptions = exception.map(|exception| (original, exception)).into_iter().collect();
    let kept = KeptShow { show, exceptions };
    let change: InstanceChange = serde_json::from_value(change).expect("a change");
    change.commands(&kept, original).map_err(|problem| problem.code().to_owned())
}

#[test]
fn a_change_of_an_instance_is_what_it_names_beside_what_is_different_already() {
    let (show_id, original) = (ShowId([1; 16]), "2026-11-21T22:00:00".parse().expect("a time"));
    let to = "2026-11-22T10:00:00".parse().expect("a time");
    let moved = |to, duration_s| ShowCommand::MoveInstance { show_id, original, to, duration_s };
    let before = Exception {
        moved: Some(Moved { to, duration_s: 90 }),
        with: Some(Substitute { host: Some("Odin".into()), ..Substitute::default() }),
        ..Exception::default()
    };
    let start = json!({ "start": "2026-11-22T10:00:00" });
    assert_eq!(commands(start, None), Ok(vec![moved(to, 60)]));
    let longer = json!({ "duration_s": 120, "name": "Guest" });
    let with = Substitute { name: Some("Guest".into()), host: Some("Odin".into()), content: None };
    let substitute = ShowCommand::SubstituteInstance { show_id, original, with };
    assert_eq!(commands(longer, Some(before)), Ok(vec![moved(to, 120), substitute]));
    let cancel = ShowCommand::CancelInstance { show_id, original, note: "ill".into() };
    assert_eq!(commands(json!({ "status": "cancelled", "note": "ill" }), None), Ok(vec![cancel]));
    let restore = ShowCommand::RestoreInstance { show_id, original };
    assert_eq!(commands(json!({ "status": "scheduled" }), None), Ok(vec![restore]));
    for (wrong, code) in [
        (json!({}), "missing_required_fields"),
        (json!({ "note": "why" }), "invalid_field"),
        (json!({ "status": "scheduled", "note": "why" }), "invalid_field"),
        (json!({ "status": "cancelled", "name": "Guest" }), "invalid_field"),
    ] {
        assert_eq!(commands(wrong, None), Err(code.into()));
    }
}
