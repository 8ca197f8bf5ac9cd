//! Answers what is asked about shows.
//!
//! | command | events | rejections |
//! |---|---|---|
//! | `SetShow` | `ShowSet` | parts out of bounds, a rule that cannot be taken, an overlap |
//! | `RemoveShow` | `ShowRemoved` | unknown show |
//! | `CancelInstance` | `InstanceCancelled` | no such instance |
//! | `MoveInstance` | `InstanceMoved` | no such instance, a time out of bounds, an overlap |
//! | `SubstituteInstance` | `InstanceSubstituted`, `ShowSet` | no such instance, unknown content |
//! | `RestoreInstance` | `InstanceRestored` | no such instance, an overlap |
//!
//! Two shows of one priority are never on at once, as far as two years ahead; later, and where a
//! change of the clocks brings them together, the one that began first stays on.

pub mod command;
pub mod rejection;
#[cfg(test)]
mod tests;

use super::decide::{MAX_NAME, MAX_REASON};
use super::rejection::TimelineRejection;
use super::state::TimelineState;
use crate::recurrence::{RuleFault, YEARS};
use crate::show::{Airing, Coming, MAX_AIRINGS};
use command::ShowCommand;
use grimnir_events::show::{
    KeptShow, LiveAccess, LocalTime, MAX_EXCEPTIONS, Show, ShowContent, ShowEvent, Substitute, fold,
};
use grimnir_events::timeline::{SlotSource, SlotStart, TimelineEvent};
use grimnir_events::{ShowId, UtcMicros};
use jiff::civil::DateTime;
use rejection::ShowRejection as No;

/// Most shows of a station.
pub const MAX_SHOWS: usize = 500;
/// Highest priority.
pub const MAX_PRIORITY: u8 = 9;
/// Shortest and longest show, in seconds: what is shorter is an item, what is longer a grid.
const DURATION_S: std::ops::RangeInclusive<u32> = 60..=86_400;
/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 2_000;
/// Most users and most names that may go live.
const MAX_LIVE: usize = 50;
/// Most addresses of a webstream.
const MAX_URLS: usize = 10;
/// Longest address, in characters.
const MAX_URL: usize = 500;
/// How far ahead overlaps are looked for.
const AHEAD_DAYS: i64 = 731;

type Answer = Result<Vec<TimelineEvent>, TimelineRejection>;

/// The events that follow from `command`, or why not.
pub fn decide(state: &TimelineState, command: &ShowCommand, now: UtcMicros) -> Answer {
    let events = match command {
        ShowCommand::SetShow { show } => set(state, show, now)?,
        ShowCommand::RemoveShow { show_id } => {
            known(state, *show_id)?;
            vec![ShowEvent::ShowRemoved { show_id: *show_id }]
        }
        ShowCommand::CancelInstance { show_id, original, note } => {
            let kept = instance(state, *show_id, *original, now)?;
            let found = note.chars().count();
            if found > MAX_REASON {
                return Err(TimelineRejection::ReasonLength { found, limit: MAX_REASON });
            }
            let before = kept.exceptions.get(original);
            let same = before.is_some_and(|before| before.cancelled && before.note == *note);
            let (show_id, original, note) = (*show_id, *original, note.clone());
            let event = ShowEvent::InstanceCancelled { show_id, original, note };
            (!same).then_some(event).into_iter().collect()
        }
        ShowCommand::MoveInstance { show_id, original, to, duration_s } => {
            instance(state, *show_id, *original, now)?;
            check_time("start", *to)?;
            check_duration(*duration_s)?;
            let (show_id, original, to, duration_s) = (*show_id, *original, *to, *duration_s);
            let event = ShowEvent::InstanceMoved { show_id, original, to, duration_s };
            fitting(state, event, show_id, now)?
        }
        ShowCommand::SubstituteInstance { show_id, original, with } => {
            let kept = instance(state, *show_id, *original, now)?;
            substitute(state, kept, *original, with)?
        }
        ShowCommand::RestoreInstance { show_id, original } => {
            let kept = known(state, *show_id)?;
            if !kept.exceptions.contains_key(original) {
                instance(state, *show_id, *original, now)?;
                return Ok(Vec::new());
            }
            let (show_id, original) = (*show_id, *original);
            fitting(state, ShowEvent::InstanceRestored { show_id, original }, show_id, now)?
        }
    };
    Ok(events.into_iter().map(TimelineEvent::Show).collect())
}

fn known(state: &TimelineState, show_id: ShowId) -> Result<&KeptShow, No> {
    state.shows.get(&show_id).ok_or(No::Unknown(show_id))
}

/// The show of an instance that there is, and about which something may be different.
fn instance(
    state: &TimelineState,
    show_id: ShowId,
    original: LocalTime,
    now: UtcMicros,
) -> Result<&KeptShow, No> {
    let kept = known(state, show_id)?;
    if !Coming::of(kept).holds(original) {
        return Err(No::NoInstance { show_id, original });
    }
    let full = kept.exceptions.len() >= MAX_EXCEPTIONS && !kept.exceptions.contains_key(&original);
    // The oldest is forgotten for a new one, unless it is to come.
    let oldest = kept.exceptions.keys().next().and_then(|oldest| oldest.civil());
    if full && oldest.is_none_or(|oldest| oldest >= first_looked_at(now)) {
        return Err(No::TooManyExceptions { show_id, limit: MAX_EXCEPTIONS });
    }
    Ok(kept)
}

fn set(
    state: &TimelineState,
    show: &Show,
    now: UtcMicros,
) -> Result<Vec<ShowEvent>, TimelineRejection> {
    check(show)?;
    check_content(state, show.id, show.content)?;
    match state.shows.get(&show.id) {
        Some(kept) if kept.show == *show => return Ok(Vec::new()),
        None if state.shows.len() >= MAX_SHOWS => {
            return Err(No::TooMany { limit: MAX_SHOWS }.into());
        }
        Some(_) | None => {}
    }
    let event = ShowEvent::ShowSet { show: Box::new(show.clone()) };
    Ok(fitting(state, event, show.id, now)?)
}

fn substitute(
    state: &TimelineState,
    kept: &KeptShow,
    original: LocalTime,
    with: &Substitute,
) -> Result<Vec<ShowEvent>, TimelineRejection> {
    let show = &kept.show;
    for (field, text) in [("name", &with.name), ("host", &with.host)] {
        if let Some(text) = text {
            check_text(field, text, usize::from(field == "name"), MAX_NAME)?;
        }
    }
    let mut events = Vec::new();
    let mut own = with.clone();
    if let Some(content) = with.content {
        check_content(state, show.id, content)?;
        if show.linked {
            own.content = None;
            if show.content != content {
                let show = Box::new(Show { content, ..show.clone() });
                events.push(ShowEvent::ShowSet { show });
            }
        }
    }
    let before = kept.exceptions.get(&original).and_then(|before| before.with.as_ref());
    let same = before.map_or(own == Substitute::default(), |before| *before == own);
    if !same {
        let show_id = show.id;
        events.push(ShowEvent::InstanceSubstituted { show_id, original, with: own });
    }
    Ok(events)
}

/// The event, unless it changes nothing; refused where the show is then on with another at once.
fn fitting(
    state: &TimelineState,
    event: ShowEvent,
    show_id: ShowId,
    now: UtcMicros,
) -> Result<Vec<ShowEvent>, No> {
    let mut shows = state.shows.get(&show_id).map(|kept| (show_id, kept.clone()));
    let mut after = shows.take().into_iter().collect();
    fold(&mut after, &event);
    let Some(kept) = after.get(&show_id) else { return Ok(Vec::new()) };
    if state.shows.get(&show_id) == Some(kept) {
        return Ok(Vec::new());
    }
    check_overlaps(state, kept, now)?;
    Ok(vec![event])
}

/// A day is to spare: the calendar of a station is at most 14 hours from UTC's.
fn first_looked_at(now: UtcMicros) -> DateTime {
    let utc = jiff::tz::TimeZone::UTC;
    let now = crate::show::civil(&utc, now);
    now.checked_sub(jiff::Span::new().days(2)).unwrap_or(now)
}

fn check_overlaps(state: &TimelineState, kept: &KeptShow, now: UtcMicros) -> Result<(), No> {
    let first = first_looked_at(now).max(kept.show.start.civil().unwrap_or(DateTime::MIN));
    let span = jiff::Span::new().days(AHEAD_DAYS);
    let until = first.checked_add(span).unwrap_or(DateTime::MAX);
    let airing = |show: &KeptShow, from: DateTime| -> Vec<(DateTime, DateTime)> {
        let coming = Coming::of(show);
        let airings = coming.airings(from, until, MAX_AIRINGS);
        let airs = airings.iter().filter(|airing| !airing.cancelled());
        airs.map(|airing| (airing.start, Airing::end(airing))).collect()
    };
    let own = airing(kept, first);
    let refused = |at: DateTime, other: &Show, other_at: DateTime| No::Overlap {
        name: kept.show.name.clone(),
        at: at.into(),
        other: other.name.clone(),
        other_id: other.id,
        other_at: other_at.into(),
        priority: kept.show.priority,
    };
    if let Some(pair) = own.windows(2).find(|pair| pair[1].0 < pair[0].1) {
        return Err(refused(pair[1].0, &kept.show, pair[0].0));
    }
    // What began the day before may still be on.
    let before = first.checked_sub(jiff::Span::new().days(1)).unwrap_or(first);
    let rivals = state.shows.values().filter(|other| other.show.id != kept.show.id);
    for other in rivals.filter(|other| other.show.priority == kept.show.priority) {
        let theirs = airing(other, before);
        let mut at = 0;
        for (start, end) in &own {
            while theirs.get(at).is_some_and(|other| other.1 <= *start) {
                at += 1;
            }
            if let Some(rival) = theirs.get(at).filter(|other| other.0 < *end) {
                return Err(refused(*start, &other.show, rival.0));
            }
        }
    }
    Ok(())
}

fn check(show: &Show) -> Result<(), No> {
    check_text("name", &show.name, 1, MAX_NAME)?;
    check_text("description", &show.description, 0, MAX_DESCRIPTION)?;
    check_text("host", &show.host, 0, MAX_NAME)?;
    let digits = show.colour.strip_prefix('#').unwrap_or_default();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return refused("colour", format!("{:?}", cut(&show.colour)), "a colour like #20c0a8");
    }
    check_time("start", show.start)?;
    check_duration(show.duration_s)?;
    if let SlotStart::Soft { grace_ms } = show.begins
        && grace_ms > 3_600_000
    {
        return refused("grace_ms", format!("{grace_ms} ms"), "at most 3600000 ms");
    }
    if show.priority > MAX_PRIORITY {
        return refused("priority", show.priority.to_string(), "0 to 9");
    }
    if let Some(live) = &show.live {
        check_live(live)?;
    }
    crate::show::rule(show).map_err(No::Rule)?;
    let kept = KeptShow { show: show.clone(), exceptions: Default::default() };
    if !Coming::of(&kept).comes() {
        let (part, found) = ("RRULE".into(), cut(&show.rrule));
        let expected = "a rule that comes at least once, from the start to the year 2199";
        return Err(No::Rule(RuleFault { part, found, expected }));
    }
    Ok(())
}

fn refused(field: &'static str, found: String, expected: &'static str) -> Result<(), No> {
    Err(No::Field { field, found, expected })
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

fn check_text(field: &'static str, text: &str, least: usize, most: usize) -> Result<(), No> {
    let found = text.chars().count();
    let expected = match (least, most) {
        (1, _) => "1 to 100 characters, not all of them spaces",
        (_, MAX_NAME) => "at most 100 characters",
        _ => "at most 2000 characters",
    };
    if found > most || text.trim().chars().count() < least {
        return refused(field, format!("{found} characters"), expected);
    }
    Ok(())
}

fn check_time(field: &'static str, at: LocalTime) -> Result<(), No> {
    let known = at.civil().is_some_and(|at| YEARS.contains(&at.year()));
    if known { Ok(()) } else { refused(field, at.to_string(), "a time from 1970 to 2199") }
}

fn check_duration(found: u32) -> Result<(), No> {
    if DURATION_S.contains(&found) {
        return Ok(());
    }
    refused("duration_s", format!("{found} s"), "60 to 86400 s")
}

/// Who may go live can be named.
pub fn check_live(live: &LiveAccess) -> Result<(), No> {
    let found = live.users.len().max(live.names.len());
    if found > MAX_LIVE {
        return refused("live", format!("{found} users or names"), "at most 50 of each");
    }
    let wrong = |name: &&String| name.trim().is_empty() || name.chars().count() > MAX_NAME;
    match live.names.iter().find(wrong) {
        Some(name) => {
            refused("live", format!("the name {:?}", cut(name)), "names of 1 to 100 characters")
        }
        None => Ok(()),
    }
}

fn check_content(
    state: &TimelineState,
    own: ShowId,
    content: ShowContent,
) -> Result<(), TimelineRejection> {
    match content {
        ShowContent::Clock { clock_id } if !state.clocks.contains_key(&clock_id) => {
            Err(TimelineRejection::UnknownClock(clock_id))
        }
        ShowContent::Rebroadcast { show_id } if show_id != own => {
            known(state, show_id)?;
            Ok(())
        }
        ShowContent::Automation
        | ShowContent::Clock { .. }
        | ShowContent::Playlist { .. }
        | ShowContent::Rebroadcast { .. } => Ok(()),
    }
}

/// What a slot's window is made of makes sense.
pub fn check_slot(source: &SlotSource) -> Result<(), (String, &'static str)> {
    match source {
        SlotSource::LiveWindow { live, .. } => check_live(live).map_err(|no| {
            let No::Field { found, expected, .. } = no else {
                return (no.to_string(), "who may go live");
            };
            (found, expected)
        }),
        SlotSource::Webstream { urls, .. } => {
            if urls.is_empty() || urls.len() > MAX_URLS {
                return Err((format!("{} addresses", urls.len()), "1 to 10 addresses"));
            }
            let plain = |url: &String| {
                let scheme = ["http://", "https://"].iter().find(|s| url.starts_with(**s));
                let rest = scheme.map_or("", |scheme| &url[scheme.len()..]);
                !rest.is_empty()
                    && url.chars().count() <= MAX_URL
                    && !url.contains(char::is_whitespace)
            };
            match urls.iter().find(|url| !plain(url)) {
                Some(url) => Err((
                    format!("the address {:?}", cut(url)),
                    "http:// or https:// addresses of at most 500 characters",
                )),
                None => Ok(()),
            }
        }
        SlotSource::Playlist { .. }
        | SlotSource::Category { .. }
        | SlotSource::HardItem { .. }
        | SlotSource::SmartBlock { .. }
        | SlotSource::PlaylistBy { .. }
        | SlotSource::Stopset { .. }
        | SlotSource::Imaging { .. }
        | SlotSource::VoiceTrack { .. } => Ok(()),
    }
}
