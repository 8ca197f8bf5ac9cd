//! What an item asks for itself: validity, dayparts, play limit, rest.

use super::{Severity, Stood, Violation};
use crate::planner::PlanInputs;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Judges the line at `at` by what its item asks.
pub fn check(
    inputs: &PlanInputs<'_>,
    zone: &TimeZone,
    all: &[Stood<'_>],
    at: usize,
    found: &mut Vec<Violation>,
) {
    let (stood, line) = (all[at], all[at].line);
    let mut hard = |code, detail| found.push(stood.breaks(code, Severity::Hard, detail));
    if inputs.media.get(line.media_id).is_none() {
        let detail = format!("item {} (\"{}\") cannot be played", line.media_id, line.title);
        return hard("media_missing", detail);
    }
    let Some(details) = inputs.details.get(&line.media_id) else { return };
    let (rules, title, when) = (&details.rules, &line.title, line.planned_at);
    if let Some(from) = rules.valid_from.filter(|from| when < *from) {
        hard("not_valid", format!("\"{title}\" is valid from {from} on, planned at {when}"));
    }
    if let Some(to) = rules.valid_to.filter(|to| when >= *to) {
        hard("not_valid", format!("\"{title}\" is valid until {to}, planned at {when}"));
    }
    if let Ok(instant) = Timestamp::from_microsecond(when.0) {
        let local = instant.to_zoned(zone.clone());
        let day = local.weekday().to_monday_zero_offset().unsigned_abs();
        let minute =
            u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        let parts = &rules.dayparts;
        if !parts.is_empty() && !parts.iter().any(|part| part.holds(day, minute)) {
            let time = local.strftime("%A %H:%M");
            hard("daypart", format!("\"{title}\" is not to air on {time}"));
        }
    }
    let same = |other: &&Stood<'_>| other.line.media_id == line.media_id;
    if let Some(limit) = rules.play_limit {
        let aired = inputs.tally.get(&line.media_id).map_or(0, |tally| tally.plays as usize);
        let aired =
            aired + inputs.played.iter().filter(|play| play.media_id == line.media_id).count();
        let plays = aired + all[..=at].iter().filter(same).count();
        if plays > limit as usize {
            hard("play_limit", format!("\"{title}\" would air {plays} times, limit {limit}"));
        }
    }
    if let Some(rest_s) = rules.rest_s {
        let planned = all[..at].iter().rfind(same).map(|other| other.line.planned_at);
        let own = inputs.played.iter().filter(|play| play.media_id == line.media_id);
        let aired = own.map(|play| play.at).filter(|at| *at <= when).max();
        let tallied = inputs.tally.get(&line.media_id).and_then(|tally| tally.last_at);
        let last = [planned, aired, tallied].into_iter().flatten().max();
        if let Some(rested) = last.map(|last| when.since(last) / 1_000_000)
            && rested < i64::from(rest_s)
        {
            let detail = format!("\"{title}\" rests {rested} s of {rest_s} s");
            hard("rest_time", detail);
        }
    }
}
