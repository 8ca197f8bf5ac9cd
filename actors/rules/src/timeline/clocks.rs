//! Answers what is asked about format clocks and about the orders beside them.

use super::blocks;
use super::command::ClockCommand;
use super::decide::{HOUR_US, MAX_CLOCKS, MAX_NAME, MAX_SLOTS};
use super::rejection::TimelineRejection as No;
use super::shows;
use super::state::TimelineState;
use grimnir_events::clock::{
    ClockEvent, ClockSlot, FormatClock, LegalIdRule, Stopset, StopsetSource,
};
use grimnir_events::edit::{EditEvent, Pin};
use grimnir_events::smart_block::{BlockFault, check_separations};
use grimnir_events::timeline::{HourPlan, Line, SlotSource, SlotStart, TimelineEvent};
use grimnir_events::{MediaId, UtcMicros, codec};
use std::collections::BTreeSet;

const HOUR_MS: u32 = 3_600_000;
/// Hours of every zone begin on a quarter of an hour of UTC.
const QUARTER_US: i64 = HOUR_US / 4;
/// Most items of a slot, and of a break.
pub const MAX_SLOT_ITEMS: u32 = 150;
/// Highest least useful airtime: a shorter one would leave out whole songs.
pub const MAX_MIN_AIRTIME_MS: u32 = 600_000;
/// Furthest that a legal ID may be from its hour.
pub const MAX_LEGAL_ID_MS: u32 = 1_800_000;
/// Most voice tracks that are assigned at once: 14 days of six an hour.
pub const MAX_VOICE_TRACKS: usize = 2_016;
/// Largest encoded clock: a commit of 60 KiB holds it twice, in the command and in the event.
const MAX_CLOCK_BYTES: usize = 28 * 1024;

/// The events that follow from `command`, or why not.
pub fn decide(
    state: &TimelineState,
    command: &ClockCommand,
    now: UtcMicros,
) -> Result<Vec<TimelineEvent>, No> {
    let event = match command {
        ClockCommand::Set { clock } => {
            if !is_new(state, clock)? {
                return Ok(Vec::new());
            }
            ClockEvent::Set { clock: clock.clone() }
        }
        ClockCommand::SetLegalId { rule } => {
            rule.as_ref().map_or(Ok(()), check_legal_id)?;
            if state.orders.legal_id == *rule {
                return Ok(Vec::new());
            }
            ClockEvent::LegalIdSet { rule: rule.clone() }
        }
        ClockCommand::AssignVoice { hour, track, media_id } => {
            return assign(state, *hour, track, *media_id);
        }
        // Without a rule nothing is put at sign-on.
        ClockCommand::SignOn {} if state.orders.legal_id.is_none() => return Ok(Vec::new()),
        ClockCommand::SignOn {} => ClockEvent::SignedOn { at: now },
    };
    Ok(vec![TimelineEvent::Clock(event)])
}

/// The clock makes sense and is not the one that is known.
pub fn is_new(state: &TimelineState, clock: &FormatClock) -> Result<bool, No> {
    check(clock)?;
    blocks::check_slots(state, clock)?;
    match state.clocks.get(&clock.id) {
        Some(known) if known == clock => Ok(false),
        None if state.clocks.len() >= MAX_CLOCKS => Err(No::TooManyClocks { limit: MAX_CLOCKS }),
        Some(_) | None => Ok(true),
    }
}

fn check(clock: &FormatClock) -> Result<(), No> {
    let found = clock.name.chars().count();
    if clock.name.trim().is_empty() || found > MAX_NAME {
        return Err(No::ClockName { found: clock.name.trim().chars().count(), limit: MAX_NAME });
    }
    let found = clock.slots.len();
    if found == 0 || found > MAX_SLOTS {
        return Err(No::SlotCount { found, limit: MAX_SLOTS });
    }
    let airtime = clock.min_airtime_ms.unwrap_or_default();
    within("min_airtime_ms".into(), airtime, 0, MAX_MIN_AIRTIME_MS)?;
    let (mut at_least, mut tracks) = (0, BTreeSet::new());
    for (index, slot) in clock.slots.iter().enumerate() {
        check_place(index, slot, &mut at_least)?;
        if let Some(items) = slot.items {
            within(format!("slots[{index}].items"), items.into(), 1, MAX_SLOT_ITEMS)?;
        }
        let airtime = slot.min_airtime_ms.unwrap_or_default();
        within(format!("slots[{index}].min_airtime_ms"), airtime, 0, MAX_MIN_AIRTIME_MS)?;
        check_source(index, slot)?;
        if let SlotSource::VoiceTrack { track } = &slot.source
            && !tracks.insert(track)
        {
            return fault(format!("slots[{index}].track"), track, "a name of its own in the clock");
        }
    }
    let found =
        codec::encode(&TimelineEvent::Clock(ClockEvent::Set { clock: Box::new(clock.clone()) }));
    match found.map_or(usize::MAX, |encoded| encoded.bytes.len()) {
        found if found > MAX_CLOCK_BYTES => {
            Err(No::ClockTooLarge { found, limit: MAX_CLOCK_BYTES })
        }
        _ => Ok(()),
    }
}

/// Offsets rise; a slot without one has no time that it could start by.
fn check_place(index: usize, slot: &ClockSlot, at_least: &mut u32) -> Result<(), No> {
    match slot.offset_ms {
        Some(found) if found < *at_least || found >= HOUR_MS => {
            return Err(No::SlotOffset { index, found, at_least: *at_least });
        }
        Some(found) => *at_least = found + 1,
        None if slot.start != SlotStart::Free => {
            let expected = "free for a slot without an offset";
            return fault(format!("slots[{index}].start"), start_word(slot.start), expected);
        }
        None => {}
    }
    match slot.start {
        SlotStart::Soft { grace_ms: found } if found > HOUR_MS => {
            Err(No::SlotGrace { index, found, limit: HOUR_MS })
        }
        SlotStart::Free | SlotStart::Soft { .. } | SlotStart::Hard => Ok(()),
    }
}

const fn start_word(start: SlotStart) -> &'static str {
    match start {
        SlotStart::Free => "free",
        SlotStart::Soft { .. } => "soft",
        SlotStart::Hard => "hard",
    }
}

fn check_source(index: usize, slot: &ClockSlot) -> Result<(), No> {
    let once = match &slot.source {
        SlotSource::Category { category } | SlotSource::Imaging { category, role: _ } => {
            check_category(index, category)?;
            false
        }
        SlotSource::Stopset { stopset } => {
            check_stopset(index, stopset)?;
            true
        }
        SlotSource::VoiceTrack { track } => {
            let found = track.trim().chars().count();
            if found == 0 || track.chars().count() > MAX_NAME {
                let expected = format!("1 to {MAX_NAME} characters");
                let found = format!("{found} characters");
                return fault(format!("slots[{index}].track"), &found, &expected);
            }
            true
        }
        SlotSource::LiveWindow { category, .. } | SlotSource::Webstream { category, .. } => {
            check_category(index, category)?;
            if slot.offset_ms.is_none() {
                let expected = "an offset: a window has a time of its own";
                return fault(format!("slots[{index}].offset_ms"), "none", expected);
            }
            if let Err((found, expected)) = shows::check_slot(&slot.source) {
                return fault(format!("slots[{index}]"), &found, expected);
            }
            false
        }
        SlotSource::HardItem { .. } => true,
        SlotSource::Playlist { .. }
        | SlotSource::PlaylistBy { .. }
        | SlotSource::SmartBlock { .. } => false,
    };
    match slot.items {
        Some(found) if once => {
            let expected = "none: this type of slot says itself what it takes";
            fault(format!("slots[{index}].items"), &found.to_string(), expected)
        }
        _ => Ok(()),
    }
}

fn check_category(index: usize, category: &str) -> Result<(), No> {
    match category.chars().count() {
        found if found > MAX_NAME => Err(No::SlotCategory { index, found, limit: MAX_NAME }),
        _ => Ok(()),
    }
}

fn check_stopset(index: usize, stopset: &Stopset) -> Result<(), No> {
    let path = |key: &str| format!("slots[{index}].stopset.{key}");
    within(path("length_ms"), stopset.length_ms, 1_000, HOUR_MS)?;
    within(path("tolerance_ms"), stopset.tolerance_ms, 0, stopset.length_ms)?;
    if let Some(items) = stopset.max_items {
        within(path("max_items"), items, 1, MAX_SLOT_ITEMS)?;
    }
    if let StopsetSource::Category(category) = &stopset.from {
        check_category(index, category)?;
        if category.trim().is_empty() {
            return fault(path("category"), "empty", "a category or a smart block");
        }
    }
    check_separations(&path("separation"), &stopset.separation).map_err(No::Slot)
}

fn check_legal_id(rule: &LegalIdRule) -> Result<(), No> {
    within("before_ms".into(), rule.before_ms, 0, MAX_LEGAL_ID_MS)?;
    within("after_ms".into(), rule.after_ms, 0, MAX_LEGAL_ID_MS)?;
    if rule.before_ms + rule.after_ms < 60_000 {
        let found = rule.before_ms + rule.after_ms;
        let expected = "a minute at least: nothing is cut for a legal ID";
        return fault("before_ms and after_ms".into(), &format!("{found} ms"), expected);
    }
    match rule.category.chars().count() {
        found if found > MAX_NAME => {
            let expected = format!("{MAX_NAME} characters at most");
            fault("category".into(), &format!("{found} characters"), &expected)
        }
        _ => Ok(()),
    }
}

fn assign(
    state: &TimelineState,
    hour: UtcMicros,
    track: &str,
    media_id: Option<MediaId>,
) -> Result<Vec<TimelineEvent>, No> {
    if hour.0.rem_euclid(QUARTER_US) != 0 {
        return Err(No::NotAnHour(hour));
    }
    if let Some(oldest) = state.oldest_kept().filter(|oldest| hour < *oldest) {
        return Err(No::TooOld { hour, oldest });
    }
    let known = state.orders.voice.get(&hour).and_then(|tracks| tracks.get(track)).copied();
    if known == media_id {
        return Ok(Vec::new());
    }
    let place = SlotSource::VoiceTrack { track: track.to_owned() };
    let named = |slot: &ClockSlot| slot.source == place;
    if media_id.is_some() {
        if !state.clocks.values().flat_map(|clock| &clock.slots).any(named) {
            return Err(No::UnknownTrack(crate::text::clip(track, MAX_NAME)));
        }
        let found: usize = state.orders.voice.values().map(|tracks| tracks.len()).sum();
        if found >= MAX_VOICE_TRACKS && known.is_none() {
            return Err(No::TooManyVoiceTracks { limit: MAX_VOICE_TRACKS });
        }
    }
    let event = ClockEvent::VoiceTracked { hour, track: track.to_owned(), media_id };
    Ok(vec![TimelineEvent::Clock(event)])
}

/// Recorded links of a planned hour stay where they are.
pub fn voice_pins(state: &TimelineState, plan: &HourPlan) -> Vec<TimelineEvent> {
    let Some(tracks) = state.orders.voice.get(&plan.hour) else { return Vec::new() };
    let recorded = |line: &&Line| tracks.values().any(|media_id| *media_id == line.media_id);
    let lines = plan.lines.iter().filter(recorded);
    let pinned = lines.filter(|line| state.pins.get(&line.id) != Some(&Pin::Voice));
    let pin = |line: &Line| {
        let (hour, line_id, pin) = (plan.hour, line.id, Some(Pin::Voice));
        TimelineEvent::Edited(Box::new(EditEvent::LinePinned { hour, line_id, pin }))
    };
    pinned.map(pin).collect()
}

fn within(field: String, found: u32, min: u32, max: u32) -> Result<(), No> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    fault(field, &found.to_string(), &format!("{min} to {max}"))
}

fn fault(field: String, found: &str, expected: &str) -> Result<(), No> {
    Err(No::Slot(BlockFault { field, found: found.into(), expected: expected.into() }))
}
