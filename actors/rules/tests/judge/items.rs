//! What an item asks for itself: it is kept whatever else is relaxed.

use super::clocks::local;
use super::criteria::Asking;
use super::play::{Complaint, Take};
use super::world::World;

/// What is wrong with the play at this place.
pub fn item(world: &World, takes: &[Take], at: usize) -> Vec<Complaint> {
    let (take, before) = (&takes[at], &takes[..at]);
    let rules = take.details(world).rules;
    let mut found = Vec::new();
    let mut wrong = |rule: &str, what: String| found.push(Complaint::new(rule, take, what));
    if rules.valid_from.is_some_and(|from| take.at < from) {
        wrong("valid from", format!("valid from {:?} only", rules.valid_from));
    }
    if rules.valid_to.is_some_and(|to| take.at >= to) {
        wrong("valid to", format!("valid to {:?} only", rules.valid_to));
    }
    let asking = Asking { world, before, at: take.at };
    let plays = asking.plays(take.media_id) + 1;
    if rules.play_limit.is_some_and(|limit| plays > limit) {
        wrong("play limit", format!("play {plays} of {:?}", rules.play_limit));
    }
    if let (Some(rest), Some(last)) = (rules.rest_s, asking.last(take.media_id)) {
        let rested = take.at.since(last) / 1_000_000;
        if rested < i64::from(rest) {
            wrong("rest", format!("rested {rested} s of {rest}"));
        }
    }
    let now = local(world, take.at);
    let (day, minute) = (
        now.weekday().to_monday_zero_offset(),
        i32::from(now.hour()) * 60 + i32::from(now.minute()),
    );
    let holds = |part: &grimnir_events::details::Daypart| {
        let (from, to) = (i32::from(part.from_minute), i32::from(part.to_minute));
        let on = |day: i8| part.days & (1 << day.rem_euclid(7)) != 0;
        if from < to {
            on(day) && (from..to).contains(&minute)
        } else {
            (on(day) && minute >= from) || (on(day - 1) && minute < to)
        }
    };
    if !rules.dayparts.is_empty() && !rules.dayparts.iter().any(holds) {
        wrong("daypart", format!("{now} is in none of {:?}", rules.dayparts));
    }
    found
}
