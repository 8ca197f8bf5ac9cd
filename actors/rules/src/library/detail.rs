//! Decides what more is said about an item.

use super::decide::{NAME_MAX, TAG_MAX, check_text};
use super::{LibraryRejection as No, LibraryState};
use grimnir_events::MediaId;
use grimnir_events::details::{Daypart, MediaDetails};
use grimnir_events::library::LibraryEvent;

/// Most texts of one list: with 300 characters each a commit of 60 KiB holds what they say twice.
const LIST_MAX: usize = 50;
/// Most bytes of a description, so that command and event fit into one commit.
const DETAILS_BYTES_MAX: usize = 28 * 1024;

/// The event that says it, none when it is said already.
pub fn detail(
    state: &LibraryState,
    media_id: MediaId,
    details: &MediaDetails,
) -> Result<Vec<LibraryEvent>, No> {
    check(details)?;
    if state.described(media_id).as_ref() == Some(details) {
        return Ok(vec![]);
    }
    let event = LibraryEvent::MediaDetailed { media_id, details: Box::new(details.clone()) };
    let found = grimnir_events::codec::encode(&event).map_or(usize::MAX, |e| e.bytes.len());
    if found > DETAILS_BYTES_MAX {
        return Err(No::TooMany {
            what: "bytes in a description",
            found,
            limit: DETAILS_BYTES_MAX,
        });
    }
    Ok(vec![event])
}

/// A description is within its limits.
pub fn check(details: &MediaDetails) -> Result<(), No> {
    let texts = [
        ("album_artist", &details.album_artist),
        ("label", &details.label),
        ("language", &details.language),
        ("composer", &details.composer),
        ("publisher", &details.publisher),
        ("key", &details.key),
        ("compilation", &details.compilation),
    ];
    for (field, text) in texts {
        check_text(field, text, 0, TAG_MAX)?;
    }
    let lists = [("genres", &details.genres), ("moods", &details.moods), ("tags", &details.tags)];
    for (field, list) in lists {
        at_most(field, list.len())?;
        for text in list {
            check_text(field, text, 1, TAG_MAX)?;
        }
    }
    at_most("custom", details.custom.len())?;
    for field in &details.custom {
        check_text("custom.name", &field.name, 1, NAME_MAX)?;
        check_text("custom.value", &field.value, 0, TAG_MAX)?;
    }
    let bpm = details.bpm_x100.map_or(100, i64::from);
    measure("bpm_x100", bpm, 100, 100_000)?;
    measure("energy", details.energy.map_or(0, i64::from), 0, 1_000)?;
    let rules = &details.rules;
    if let (Some(from), Some(to)) = (rules.valid_from, rules.valid_to) {
        measure("rules.valid_to", to.0, from.0.saturating_add(1), i64::MAX)?;
    }
    at_most("rules.dayparts", rules.dayparts.len())?;
    for part in &rules.dayparts {
        measure("rules.dayparts.days", i64::from(part.days), 1, 127)?;
        let last = i64::from(Daypart::DAY);
        measure("rules.dayparts.from_minute", i64::from(part.from_minute), 0, last - 1)?;
        measure("rules.dayparts.to_minute", i64::from(part.to_minute), 0, last)?;
    }
    measure("rules.rest_s", rules.rest_s.map_or(0, i64::from), 0, 366 * 86_400)
}

fn at_most(what: &'static str, found: usize) -> Result<(), No> {
    if found > LIST_MAX { Err(No::TooMany { what, found, limit: LIST_MAX }) } else { Ok(()) }
}

fn measure(field: &'static str, found: i64, min: i64, max: i64) -> Result<(), No> {
    if (min..=max).contains(&found) { Ok(()) } else { Err(No::Measure { field, found, min, max }) }
}
