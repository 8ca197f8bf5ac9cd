//! Joins and times of a chain that was worked on: as the resolver says, hour after hour, until
//! nothing changes any more.

use super::super::decide::check_plan;
use super::super::rejection::TimelineRejection as No;
use super::super::resolve::{ANCHOR_FADE_FRAMES, Cursor, Playing, ResolveSettings, resolve};
use super::super::state::TimelineState;
use super::Reach;
use super::draft::Draft;
use super::rejection::EditRejection;
use crate::planner::sound::is_programme;
use crate::timeline::aired::OnAir;
use grimnir_events::edit::Arranged;
use grimnir_events::station::FadeCurve;
use grimnir_events::timeline::{HourPlan, Line, Transition};
use grimnir_events::{LineId, UtcMicros};
use std::collections::BTreeMap;

/// Most lines of an hour: as many as planning gives it.
pub const MAX_LINES: usize = 150;
/// Hours that are timed anew at most; their events take under 4 KiB each, and a chain is back at
/// its times by the next anchored line.
pub const MAX_HOURS: usize = 6;
/// An overlap needs an item three times as long, as in planning.
const OVERLAPS_IN_AN_ITEM: i64 = 3;

/// Joins and times the hours from the first touched one on.
pub fn retime(
    draft: &mut Draft,
    before: &TimelineState,
    reach: &Reach<'_>,
    now: UtcMicros,
    most_hours: usize,
) -> Result<(), No> {
    let (Some(first), Some(last)) = (draft.touched.first(), draft.touched.last()) else {
        return Ok(());
    };
    let (first, last) = (*first, *last);
    for hour in draft.touched.clone() {
        join(draft, reach, hour);
    }
    let times = times(draft, before, reach, (first, last), now);
    let hours: Vec<UtcMicros> = draft.hours().range(first..).map(|(hour, _)| *hour).collect();
    for (count, hour) in hours.into_iter().enumerate() {
        let untouched = hour > last;
        let lines = arranged(draft.lines(hour), &times);
        let same = lines.iter().zip(draft.lines(hour)).all(|(a, b)| a.planned_at == b.planned_at);
        if untouched && (same || count >= most_hours) {
            break;
        }
        draft.arrange(hour, lines);
    }
    for hour in &draft.touched {
        check(draft.hours().get(hour), *hour)?;
    }
    Ok(())
}

fn check(plan: Option<&HourPlan>, hour: UtcMicros) -> Result<(), No> {
    let Some(plan) = plan else { return Ok(()) };
    let found = plan.lines.len();
    if found > MAX_LINES {
        let limit = MAX_LINES;
        return Err(No::Edit(EditRejection::TooManyLines { hour, found, limit }));
    }
    // An hour that a person emptied says so by its events.
    if plan.lines.is_empty() { Ok(()) } else { check_plan(plan) }
}

/// A line whose next one takes no overlap hands over at its end. Untouchable lines stay.
fn join(draft: &mut Draft, reach: &Reach<'_>, hour: UtcMicros) {
    let lines = draft.lines(hour);
    let from = reach.first_free(hour).min(lines.len());
    let open = |pair: &&[Line]| overlaps(&pair[0]) && !takes(&pair[1], &pair[0]);
    let close: Vec<Line> = lines[from..].windows(2).filter(open).map(|p| p[0].clone()).collect();
    for line in close {
        draft.close(hour, &line);
    }
}

fn overlaps(line: &Line) -> bool {
    matches!(line.transition, Transition::Crossfade { .. }) && line.cues.segue < line.cues.cue_out
}

fn takes(next: &Line, line: &Line) -> bool {
    let overlap = line.cues.cue_out - line.cues.segue;
    let length = next.cues.cue_out - next.cues.cue_in;
    is_programme(next.kind) && length >= overlap.saturating_mul(OVERLAPS_IN_AN_ITEM)
}

/// When each line from the first touched hour on starts; those that would not air are missing.
fn times(
    draft: &Draft,
    before: &TimelineState,
    reach: &Reach<'_>,
    (first, last): (UtcMicros, UtcMicros),
    now: UtcMicros,
) -> BTreeMap<LineId, UtcMicros> {
    let until = draft.hours().range(last..).map(|(hour, _)| *hour).nth(MAX_HOURS);
    let until = until.unwrap_or(UtcMicros(i64::MAX));
    let chain = draft.hours().range(first..until).flat_map(|(_, plan)| &plan.lines);
    let settings = ResolveSettings {
        // Marks rule the resolver, and no time hangs on how a fade sounds.
        crossfade_frames: 0,
        curve: FadeCurve::EqualPower,
        anchor_fade_frames: ANCHOR_FADE_FRAMES,
    };
    let begun = reach.first_free(first) > 0;
    let (on_air, ahead) = reach.ahead();
    let past = |line: &&Line| {
        let of_first = before.hours.get(&first);
        let was = of_first.is_some_and(|plan| plan.lines.iter().any(|old| old.id == line.id));
        begun && was && !ahead.iter().any(|(_, id)| *id == line.id)
    };
    let chain: Vec<Line> = chain.filter(|line| !past(line)).cloned().collect();
    let old = before.hours.get(&first).and_then(|plan| plan.lines.first());
    let start = old.map_or(first, |line| line.planned_at.max(first));
    let cursor = match (begun, on_air) {
        (true, Some((on_air, line))) => {
            Cursor { at: now.frame(), playing: Some(playing(&on_air, line)) }
        }
        (true, None) => Cursor { at: now.frame(), playing: None },
        (false, _) => Cursor { at: start.max(now).frame(), playing: None },
    };
    let resolution = resolve(&chain, &cursor, &settings);
    let mut times: BTreeMap<LineId, UtcMicros> =
        resolution.lines.iter().map(|line| (line.line_id, line.start.utc())).collect();
    if let Some((on_air, _)) = on_air.filter(|_| begun) {
        times.insert(on_air.line_id, on_air.at);
    }
    times
}

fn playing(on_air: &OnAir, line: &Line) -> Playing {
    let start = on_air.at.frame();
    let rest = |mark: i64| start.plus((mark - on_air.from_frame).max(0));
    let (segue, end) = (rest(line.cues.segue), rest(line.cues.cue_out));
    Playing { line_id: line.id, start, segue, end }
}

/// The lines at their new times. What will not air, or has, keeps its place between the others.
fn arranged(lines: &[Line], times: &BTreeMap<LineId, UtcMicros>) -> Vec<Arranged> {
    let mut before = UtcMicros(i64::MIN);
    let mut at = |line: &Line| {
        before = times.get(&line.id).copied().unwrap_or(line.planned_at.max(before));
        Arranged { line_id: line.id, planned_at: before }
    };
    let mut arranged: Vec<Arranged> = lines.iter().map(&mut at).collect();
    let mut latest = UtcMicros(i64::MAX);
    for line in arranged.iter_mut().rev() {
        // A line that must air and was passed starts out of its order; here its place rules.
        line.planned_at = line.planned_at.min(latest);
        latest = line.planned_at;
    }
    arranged
}
