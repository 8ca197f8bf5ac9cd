//! Slots as they are written and as they are meant.

use super::slot::{GRACE_MS, Slot};
use super::*;
use crate::extract::parse_json;
use grimnir_events::timeline::{ClockSlot, SlotSource, SlotStart};

const MEDIA: &str = "med_01010101010101010101010101010101";
const LIST: &str = "pls_02020202020202020202020202020202";

fn slot(text: &str) -> Result<ClockSlot, Problem> {
    parse_json::<Slot>(text.as_bytes())?.read(3)
}

fn refusal(text: &str) -> (String, Option<String>) {
    let document = slot(text).expect_err("is refused").document("/", "cor_0");
    (document.code, document.field)
}

#[test]
fn a_slot_reads_back_as_it_was_written() {
    for text in [
        format!(r#"{{"offset_ms":0,"type":"playlist","playlist_id":"{LIST}"}}"#),
        r#"{"offset_ms":60000,"start":"soft","grace_ms":5000,"type":"category","category":"gold"}"#
            .to_owned(),
        format!(r#"{{"offset_ms":9,"start":"hard","type":"hard_item","media_id":"{MEDIA}"}}"#),
        format!(r#"{{"type":"playlist","playlist_id":"{LIST}","mode":"shuffled","items":2}}"#),
        r#"{"type":"imaging","role":"sweeper","min_airtime_ms":3000}"#.to_owned(),
        r#"{"type":"voice_track","track":"link one"}"#.to_owned(),
        r#"{"type":"stopset","stopset":{"category":"spots","length_ms":60000,"max_items":3,
            "separation":{"fields":[{"field":{"custom":"product"},"sec":900}]}}}"#
            .to_owned(),
    ] {
        let read = slot(&text).expect("is a slot");
        assert_eq!(Slot::of(read.clone()).read(0), Ok(read), "{text}");
    }
}

#[test]
fn a_soft_start_has_a_grace_where_none_is_named() {
    let read = slot(r#"{"offset_ms":0,"start":"soft","type":"category"}"#).expect("is a slot");
    assert_eq!(read.start, SlotStart::Soft { grace_ms: GRACE_MS });
    assert_eq!(read.source, SlotSource::Category { category: String::new() });
}

#[test]
fn what_does_not_go_with_a_slots_type_is_refused_by_name() {
    let named = |code: &str, field: &str| (code.to_owned(), Some(format!("slots[3].{field}")));
    let missing = "missing_required_fields";
    assert_eq!(refusal(r#"{"offset_ms":0,"type":"playlist"}"#), named(missing, "playlist_id"));
    assert_eq!(refusal(r#"{"offset_ms":0,"type":"hard_item"}"#), named(missing, "media_id"));
    let text = format!(r#"{{"offset_ms":0,"type":"category","media_id":"{MEDIA}"}}"#);
    assert_eq!(refusal(&text), named("invalid_field", "media_id"));
    let text =
        format!(r#"{{"offset_ms":0,"type":"playlist","playlist_id":"{LIST}","category":"gold"}}"#);
    assert_eq!(refusal(&text), named("invalid_field", "category"));
    assert_eq!(refusal(r#"{"type":"imaging"}"#), named(missing, "role"));
    assert_eq!(refusal(r#"{"type":"voice_track"}"#), named(missing, "track"));
    assert_eq!(refusal(r#"{"type":"stopset"}"#), named(missing, "stopset"));
    let text = r#"{"type":"stopset","stopset":{"length_ms":60000}}"#;
    assert_eq!(refusal(text), named(missing, "stopset.category"));
    let text = r#"{"type":"category","track":"link"}"#;
    assert_eq!(refusal(text), named("invalid_field", "track"));
    let text = r#"{"offset_ms":0,"start":"hard","grace_ms":1,"type":"category"}"#;
    assert_eq!(refusal(text), named("invalid_field", "grace_ms"));
}
