//! Station-local time: hours and instants as people say them, with their doubled and missing ones.
//!
//! The zone comes from the bundled time-zone data, never from the machine, so that an answer is
//! the same everywhere.

use crate::ReplayError;
use grimnir_events::UtcMicros;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

/// A span of time in which one offset held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    /// First instant.
    pub(crate) from: UtcMicros,
    /// Instant after the last.
    pub(crate) to: UtcMicros,
    /// The station's offset from UTC.
    pub(crate) offset: Offset,
}

/// A station's time zone.
pub(crate) struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone of this IANA name.
    pub(crate) fn named(name: &str) -> Result<Self, ReplayError> {
        let zone = TimeZoneDatabase::bundled()
            .get(name)
            .map_err(|_| ReplayError::Zone { found: name.to_owned() })?;
        Ok(Self { name: name.to_owned(), zone })
    }

    /// Local date and time at an instant, and the offset there.
    pub(crate) fn local(&self, at: UtcMicros) -> (DateTime, Offset) {
        let instant = timestamp(at);
        let offset = self.zone.to_offset(instant);
        (offset.to_datetime(instant), offset)
    }

    /// Local date and time with offset, e.g. `2026-11-21T14:03:05.250000+01:00`.
    pub(crate) fn text(&self, at: UtcMicros) -> String {
        let (local, offset) = self.local(at);
        format!("{local:.6}{}", offset_text(offset))
    }

    /// The spans of an hour such as `2026-11-21T14`, `2026-11-21T14+01:00` or `2026-11-21T13Z`:
    /// one, or two where the clocks were set back.
    pub(crate) fn hour(&self, text: &str) -> Result<Vec<Span>, ReplayError> {
        let wrong = || ReplayError::Hour { found: text.to_owned() };
        let (civil, offset) = split(text).ok_or_else(wrong)?;
        let civil = ["", ":00", ":00:00"].iter().find_map(|rest| {
            let hour = civil.strip_suffix(rest)?;
            // Exactly `YYYY-MM-DDTHH`.
            (hour.len() == 13).then(|| format!("{hour}:00:00").parse::<DateTime>().ok())?
        });
        let begin = civil.ok_or_else(wrong)?;
        let end = begin.checked_add(SignedDuration::from_hours(1)).map_err(|_| wrong())?;
        match offset {
            Some(Offset::UTC) => {
                let from = instant(begin, Offset::UTC).ok_or_else(wrong)?;
                let offset = self.zone.to_offset(timestamp(from));
                Ok(vec![Span { from, to: from.plus(3_600_000_000), offset }])
            }
            Some(offset) => {
                let kept = self.kept(text, begin, end)?;
                let one: Vec<_> = kept.iter().copied().filter(|s| s.offset == offset).collect();
                if one.is_empty() {
                    return Err(self.not_kept(offset, &kept));
                }
                Ok(one)
            }
            None => self.kept(text, begin, end),
        }
    }

    /// The instants of a time such as `2026-11-21T14:03:05` or one with an offset: one, or two
    /// where the clocks were set back and no offset is given.
    pub(crate) fn instants(&self, text: &str) -> Result<Vec<UtcMicros>, ReplayError> {
        let wrong = || ReplayError::Time { found: text.to_owned() };
        let (civil, offset) = split(text).ok_or_else(wrong)?;
        if civil.len() < "2026-11-21T14:03".len() {
            return Err(wrong());
        }
        let civil: DateTime = civil.parse().map_err(|_| wrong())?;
        if let Some(offset) = offset {
            return Ok(vec![instant(civil, offset).ok_or_else(wrong)?]);
        }
        let end = civil.checked_add(SignedDuration::from_micros(1)).map_err(|_| wrong())?;
        Ok(self.kept(text, civil, end)?.into_iter().map(|span| span.from).collect())
    }

    /// Spans in which the station's clocks showed `begin..end`.
    fn kept(&self, text: &str, begin: DateTime, end: DateTime) -> Result<Vec<Span>, ReplayError> {
        let wrong = || ReplayError::Hour { found: text.to_owned() };
        // No zone is further than 26 hours from UTC, so this holds every candidate.
        let around = SignedDuration::from_hours(26);
        let middle = instant(begin, Offset::UTC).ok_or_else(wrong)?;
        let first = timestamp(middle).checked_sub(around).map_err(|_| wrong())?;
        let last = timestamp(middle).checked_add(around).map_err(|_| wrong())?;
        let mut changes = vec![(first, self.zone.to_offset(first))];
        let following = self.zone.following(first).take_while(|t| t.timestamp() < last);
        changes.extend(following.map(|t| (t.timestamp(), t.offset())));
        let ends = changes.iter().skip(1).map(|c| c.0).chain([last]);
        let mut spans = Vec::new();
        for (&(start, offset), stop) in changes.iter().zip(ends) {
            let (Some(from), Some(to)) = (instant(begin, offset), instant(end, offset)) else {
                continue;
            };
            let from = from.max(UtcMicros(start.as_microsecond()));
            let to = to.min(UtcMicros(stop.as_microsecond()));
            if from < to {
                spans.push(Span { from, to, offset });
            }
        }
        // A change of the zone's rules that keeps its offset splits nothing.
        spans.dedup_by(|next, span| {
            let joined = next.offset == span.offset && next.from == span.to;
            if joined {
                span.to = next.to;
            }
            joined
        });
        if spans.is_empty() { Err(self.skipped(text, begin, &changes)) } else { Ok(spans) }
    }

    fn skipped(&self, text: &str, begin: DateTime, changes: &[(Timestamp, Offset)]) -> ReplayError {
        let gap = changes.windows(2).find(|pair| {
            let (before, after) = (pair[0].1, pair[1].1);
            before.to_datetime(pair[1].0) <= begin && begin < after.to_datetime(pair[1].0)
        });
        let (from, to) = gap.map_or((begin, begin), |pair| {
            (pair[0].1.to_datetime(pair[1].0), pair[1].1.to_datetime(pair[1].0))
        });
        let (found, zone) = (text.to_owned(), self.name.clone());
        ReplayError::Skipped { found, zone, from: from.to_string(), to: to.to_string() }
    }

    fn not_kept(&self, offset: Offset, kept: &[Span]) -> ReplayError {
        ReplayError::Offset {
            found: offset_text(offset),
            zone: self.name.clone(),
            kept: kept.iter().map(|span| offset_text(span.offset)).collect(),
        }
    }
}

/// An offset as `+01:00`.
pub(crate) fn offset_text(offset: Offset) -> String {
    let seconds = offset.seconds();
    let (sign, s) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let rest = if s % 60 == 0 { String::new() } else { format!(":{:02}", s % 60) };
    format!("{sign}{:02}:{:02}{rest}", s / 3_600, s / 60 % 60)
}

/// Cuts off `Z`, `+01:00`, `+0100` or `+01`; `None` where what follows the time is none of these.
fn split(text: &str) -> Option<(&str, Option<Offset>)> {
    if !text.is_ascii() {
        return None;
    }
    if let Some(civil) = text.strip_suffix(['Z', 'z']) {
        return Some((civil, Some(Offset::UTC)));
    }
    // The date has dashes of its own: a sign counts only after it.
    let Some(sign) = text.get(10..)?.find(['+', '-']).map(|at| at + 10) else {
        return Some((text, None));
    };
    let digits: String = text[sign + 1..].chars().filter(|c| *c != ':').collect();
    if !digits.bytes().all(|b| b.is_ascii_digit()) || !matches!(digits.len(), 2 | 4) {
        return None;
    }
    let hours: i32 = digits[..2].parse().ok()?;
    let minutes: i32 =
        digits.get(2..4).filter(|m| !m.is_empty()).map_or(Some(0), |m| m.parse().ok())?;
    if hours > 25 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 60 + minutes) * 60;
    let seconds = if &text[sign..=sign] == "-" { -seconds } else { seconds };
    Some((&text[..sign], Some(Offset::from_seconds(seconds).ok()?)))
}

fn instant(civil: DateTime, offset: Offset) -> Option<UtcMicros> {
    offset.to_timestamp(civil).ok().map(|t| UtcMicros(t.as_microsecond()))
}

/// The instant as jiff has it; the ends of its range stand for what is beyond.
fn timestamp(at: UtcMicros) -> Timestamp {
    let end = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(at.0).unwrap_or(end)
}

#[cfg(test)]
mod tests;
