//! An instance: one time that a show comes, in the station's zone, with all that is different about
//! it.

use super::{Airing, MAX_AIRINGS};
use crate::show::Coming;
use grimnir_events::show::{LiveAccess, LocalTime, ShowContent, instance_id};
use grimnir_events::timeline::SlotStart;
use grimnir_events::{InstanceId, ShowId, UtcMicros};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::cmp::Reverse;

/// One time that a show comes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instance {
    /// Its id: of the show and the original start.
    pub id: InstanceId,
    /// Its show.
    pub show_id: ShowId,
    /// When it comes by the show's rule, in the station's own time.
    pub original: LocalTime,
    /// When it comes, in the station's own time.
    pub starts: LocalTime,
    /// First instant.
    pub from: UtcMicros,
    /// Instant after the last.
    pub until: UtcMicros,
    /// Whether it airs.
    pub state: InstanceState,
    /// It comes at another time than by the rule.
    pub moved: bool,
    /// Why it is cancelled, where somebody said so.
    pub note: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// Who presents it.
    pub host: String,
    /// As `#rrggbb`.
    pub colour: String,
    /// What is planned while it is on.
    pub content: ShowContent,
    /// Something else airs than the show has.
    pub substituted: bool,
    /// Who may go live.
    pub live: Option<LiveAccess>,
    /// How its first line starts.
    pub begins: SlotStart,
    /// The higher one airs where two are on at once.
    pub priority: u8,
}

impl Instance {
    /// It is on.
    pub fn airs(&self) -> bool {
        self.state == InstanceState::Scheduled
    }

    /// Of those on at once the least rules: the highest priority, of equal ones who began first.
    pub fn rank(&self) -> (Reverse<u8>, UtcMicros, ShowId, LocalTime) {
        (Reverse(self.priority), self.from, self.show_id, self.original)
    }
}

/// Whether an instance airs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// It does.
    Scheduled,
    /// It does not.
    Cancelled,
}

/// The instant of a time of the calendar: in an hour that does not come, as much later as the
/// clocks were put forward; in one that comes twice, the first.
pub fn instant(zone: &TimeZone, at: DateTime) -> UtcMicros {
    let found = zone.to_ambiguous_timestamp(at).compatible();
    let end = if at.year() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    UtcMicros(found.unwrap_or(end).as_microsecond())
}

/// The calendar at an instant, as far as it reaches.
pub fn civil(zone: &TimeZone, at: UtcMicros) -> DateTime {
    let end = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
    zone.to_datetime(Timestamp::from_microsecond(at.0).unwrap_or(end))
}

impl Coming<'_> {
    /// The instances that are on at some time in `from..until`, cancelled ones too, in order.
    pub fn instances(&self, zone: &TimeZone, from: UtcMicros, until: UtcMicros) -> Vec<Instance> {
        // A day beside covers what the clocks change, and what began before is still on.
        let day = jiff::Span::new().days(1);
        let longest = jiff::Span::new().days(2);
        let first = civil(zone, from).checked_sub(longest).unwrap_or(DateTime::MIN);
        let last = civil(zone, until).checked_add(day).unwrap_or(DateTime::MAX);
        let airings = self.airings(first, last, MAX_AIRINGS);
        let made = airings.iter().map(|airing| self.instance(zone, airing));
        let mut found: Vec<Instance> =
            made.filter(|made| made.from < until && made.until > from).collect();
        found.sort_by_key(|made| (made.from, made.original));
        found
    }

    /// The instance of an original start, wherever it was moved; `None` where the show has none.
    pub fn instance_of(&self, zone: &TimeZone, original: LocalTime) -> Option<Instance> {
        if !self.holds(original) {
            return None;
        }
        let exception = self.kept.exceptions.get(&original);
        let moved = exception.and_then(|exception| exception.moved);
        let start = moved.map_or(original, |moved| moved.to).civil()?;
        let duration_s = moved.map_or(self.kept.show.duration_s, |moved| moved.duration_s);
        Some(self.instance(zone, &Airing { original, start, duration_s, exception }))
    }

    fn instance(&self, zone: &TimeZone, airing: &Airing<'_>) -> Instance {
        let show = &self.kept.show;
        let with = airing.exception.and_then(|exception| exception.with.clone());
        let substituted = with.is_some();
        let with = with.unwrap_or_default();
        let from = instant(zone, airing.start);
        let cancelled = airing.cancelled();
        Instance {
            id: instance_id(show.id, airing.original),
            show_id: show.id,
            original: airing.original,
            starts: airing.start.into(),
            from,
            until: from.plus(i64::from(airing.duration_s) * 1_000_000),
            state: if cancelled { InstanceState::Cancelled } else { InstanceState::Scheduled },
            moved: airing.exception.is_some_and(|exception| exception.moved.is_some()),
            note: airing.exception.map(|exception| exception.note.clone()).unwrap_or_default(),
            name: with.name.unwrap_or_else(|| show.name.clone()),
            description: show.description.clone(),
            host: with.host.unwrap_or_else(|| show.host.clone()),
            colour: show.colour.clone(),
            content: with.content.filter(|_| !show.linked).unwrap_or(show.content),
            substituted,
            live: show.live.clone(),
            begins: show.begins,
            priority: show.priority,
        }
    }
}
