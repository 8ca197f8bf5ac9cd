//! The station's rule for legal IDs: one around every full hour at a natural break, the nearest
//! there is, cut for by nobody; or the hour says that none was there.

use super::composed::places;
use super::play::{Asked, Complaint, Take};
use super::world::World;
use grimnir_events::UtcMicros;
use grimnir_events::clock::ImagingRole;
use grimnir_events::library::ItemKind;
use grimnir_events::timeline::{Anchor, HourPlan, Line, SlotSource, SlotStart, Transition};

/// What is wrong around the full hours between these plans.
pub fn around_the_hours(world: &World, plans: &[HourPlan], takes: &[Take]) -> Vec<Complaint> {
    let Some(rule) = &world.orders.legal_id else { return Vec::new() };
    let mut found = Vec::new();
    let lines: Vec<&Line> = plans.iter().flat_map(|plan| &plan.lines).collect();
    let judged = takes.iter().filter(|take| take.asked != Asked::Before);
    let all: Vec<(&Line, &Take)> = lines.into_iter().zip(judged).collect();
    let (before, after) = (i64::from(rule.before_ms) * 1_000, i64::from(rule.after_ms) * 1_000);
    for (hour, plan) in plans.iter().enumerate().skip(1) {
        let top = plan.hour;
        let (from, until) = (top.plus(-before), top.plus(after));
        let within = |at: UtcMicros| from <= at && at <= until;
        let near: Vec<usize> = (0..all.len())
            .filter(|at| all[*at].0.kind == ItemKind::LegalId && within(all[*at].0.planned_at))
            .collect();
        let ruled: Vec<usize> =
            near.iter().copied().filter(|at| all[*at].1.asked == Asked::Id).collect();
        let told = |words: &str| plan.notes.iter().any(|note| note.contains(words));
        let mut wrong = |what: String| found.push(Complaint::of_hour("legal id", hour, what));
        if ruled.len() > 1 {
            wrong(format!("{} around {top}", ruled.len()));
        }
        if near.is_empty() && !told("no legal ID") {
            wrong(format!("none from {from} to {until}, and nothing is said"));
        }
        if !near.is_empty() && told("no legal ID: ") {
            wrong("there is one, and it is said that there is none".into());
        }
        let own =
            places(world, top).first().is_some_and(|first| puts_one(world, &first.slot.source));
        if near.is_empty() && !own {
            let fits = |at: &usize| {
                let (line, last) = (all[*at].0, all[*at - 1].0);
                let whole = last.planned_at.frame().plus(last.cues.cue_out - last.cues.cue_in);
                let room = all.get(at + 1).is_none_or(|(next, _)| {
                    let minute = next.planned_at.since(line.planned_at) > 60_000_000;
                    next.anchor == Anchor::AfterPrevious && minute
                });
                is_break(&all, *at)
                    && room
                    && line.planned_at >= top
                    && within(line.planned_at)
                    && within(whole.utc())
            };
            if let Some(at) = (1..all.len()).find(fits) {
                wrong(format!("none, but there is a break at {}", all[at].0.planned_at));
            }
        }
        for at in ruled {
            let first = plans.iter().filter_map(|plan| plan.lines.first());
            let opens = first.map(|line| line.id).any(|id| id == all[at].0.id);
            natural(&all, at, opens, &mut wrong);
            nearest(world, &all, at, (top, hour, plans), &within, &mut wrong);
        }
    }
    // Nobody asked for one elsewhere, but at sign-on.
    for (line, take) in all.iter().filter(|(_, take)| take.asked == Asked::Id) {
        let signed_on = world.orders.signed_on.is_some_and(|at| {
            let since = line.planned_at.since(at);
            (-600_000_000..3_600_000_000).contains(&since)
        });
        let around = |plan: &HourPlan| {
            let next = plan.hour.plus(3_600_000_000);
            [plan.hour, next].iter().any(|top| {
                top.plus(-before) <= line.planned_at && line.planned_at <= top.plus(after)
            })
        };
        if !signed_on && !plans.iter().any(around) {
            found.push(Complaint::new("legal id", take, "airs around no hour"));
        }
    }
    found
}

/// Lines with who asked for them.
type Asks<'a> = [(&'a Line, &'a Take)];

/// A line waits for no time there, and no break or run is torn apart.
fn is_break(all: &Asks<'_>, at: usize) -> bool {
    let (line, take) = all[at];
    let before = at.checked_sub(1).map(|before| all[before].1);
    let in_break = matches!(take.asked, Asked::Break(_))
        && before.is_some_and(|before| (before.hour, before.slot) == (take.hour, take.slot));
    let torn = matches!(take.asked, Asked::Bumper(_) | Asked::Interstitial(..)) || in_break;
    line.anchor == Anchor::AfterPrevious && !torn
}

/// The slot puts a legal ID by itself.
fn puts_one(world: &World, source: &SlotSource) -> bool {
    match source {
        SlotSource::Imaging { role, .. } => *role == ImagingRole::LegalId,
        SlotSource::HardItem { media_id } => {
            world.media.get(media_id).is_some_and(|item| item.kind == ItemKind::LegalId)
        }
        _ => false,
    }
}

/// No time is fixed for it but that its hour begins with it, and what comes before it is heard to
/// its end.
fn natural(all: &Asks<'_>, at: usize, opens: bool, wrong: &mut impl FnMut(String)) {
    let line = all[at].0;
    if line.anchor != Anchor::AfterPrevious && !opens {
        wrong(format!("{} waits for a time", line.title));
    }
    let Some((last, _)) = at.checked_sub(1).map(|before| all[before]) else { return };
    let end = last.planned_at.frame().plus(last.cues.cue_out - last.cues.cue_in);
    let ours = last.transition != Transition::Segue;
    let early = end.since(line.planned_at.frame());
    if early > 0 && (ours || last.cues.segue == last.cues.cue_out) {
        wrong(format!("{} is cut {early} frames early for it", last.title));
    }
}

/// Of the break before it, its own, and the one after it, its own is the nearest to the hour.
fn nearest(
    world: &World,
    all: &Asks<'_>,
    at: usize,
    (top, hour, plans): (UtcMicros, usize, &[HourPlan]),
    within: &impl Fn(UtcMicros) -> bool,
    wrong: &mut impl FnMut(String),
) {
    let line = all[at].0;
    let first = places(world, plans[hour].hour).into_iter().next();
    let fixed =
        first.is_some_and(|first| first.begins_ms == 0 && first.slot.start != SlotStart::Free);
    let off = line.planned_at.since(top).abs();
    if fixed {
        // Its length is kept free before the fixed time: nothing stands between.
        let free = |next: &&(&Line, &Take)| next.0.anchor == Anchor::AfterPrevious;
        if let Some((next, _)) = all.get(at + 1).filter(free) {
            let own = line.cues.cue_out - line.cues.cue_in;
            let first = next.cues.cue_out - next.cues.cue_in;
            if line.planned_at.frame().plus(first + own) <= top.frame() {
                wrong(format!("{} would fit behind {}, nearer to {top}", line.title, next.title));
            }
        }
        return;
    }
    // It is not overlapped: what it follows is heard that much longer.
    let tail = i64::from(world.settings.crossfade_ms) * 1_000;
    if let Some((last, _)) = at.checked_sub(1).map(|before| all[before])
        && is_break(all, at - 1)
        && within(last.planned_at)
        && last.planned_at < top
        && top.since(last.planned_at) + tail < off
    {
        wrong(format!("{} stood nearer to {top}, at {}", last.title, last.planned_at));
    }
    // The break after what follows it, had that come first.
    if let Some((next, _)) = all.get(at + 1)
        && is_break(all, at + 1)
        && all.len() > at + 2
        && is_break(all, at + 2)
        && line.planned_at < top
    {
        let there = line.planned_at.frame().plus(next.cues.airtime()).utc();
        if within(there) && there.since(top) >= 0 && there.since(top) + tail < off {
            wrong(format!("the break at {there} is nearer to {top} than {}", line.planned_at));
        }
    }
}
