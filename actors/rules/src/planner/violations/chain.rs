//! What becomes of a chain on air: lines that collide, are cut or do not air, and time without any.

use super::{Severity, Stood, Violation};
use crate::planner::PlanInputs;
use crate::planner::hours::{hour_of, zone};
use crate::timeline::resolve::{ANCHOR_FADE_FRAMES, Cursor, ResolveSettings, resolve};
use grimnir_events::timeline::{Anchor, HourPlan, Line};
use grimnir_events::units::micros_of_frames;
use grimnir_events::{AirFrame, LineId, UtcMicros};
use std::collections::BTreeMap;

/// Silence shorter than this is not told: 1 s.
const GAP_LEAST: i64 = 48_000;

/// Judges the hours that begin in `from..until` as the resolver plays them.
pub fn check(
    inputs: &PlanInputs<'_>,
    hours: &BTreeMap<UtcMicros, HourPlan>,
    (from, until): (UtcMicros, UtcMicros),
    found: &mut Vec<Violation>,
) {
    let stood: Vec<Stood<'_>> = hours
        .range(from..until)
        .flat_map(|(hour, plan)| plan.lines.iter().map(|line| Stood { hour: *hour, line }))
        .collect();
    collisions(&stood, found);
    // The first line of what comes after says how the last hour ends.
    let after = hours.range(until..).find_map(|(_, plan)| plan.lines.first());
    let lines: Vec<Line> = stood.iter().map(|s| s.line).chain(after).cloned().collect();
    let Some(first) = lines.first() else { return };
    let settings = ResolveSettings {
        crossfade_frames: 0,
        curve: inputs.settings.fade_curve,
        anchor_fade_frames: ANCHOR_FADE_FRAMES,
    };
    let cursor = Cursor { at: first.planned_at.frame(), playing: None };
    let resolution = resolve(&lines, &cursor, &settings);
    let of: BTreeMap<LineId, Stood<'_>> = stood.iter().map(|s| (s.line.id, *s)).collect();
    for (line_id, _) in &resolution.dropped {
        if let Some(stood) = of.get(line_id) {
            let detail = format!("\"{}\" has no room before a fixed time", stood.line.title);
            found.push(stood.breaks("will_not_air", Severity::Soft, detail));
        }
    }
    for line in resolution.lines.iter().filter(|line| line.cut) {
        if let Some(stood) = of.get(&line.line_id) {
            let lost = stood.line.cues.cue_out - line.from_frame - line.end.since(line.start);
            let ms = micros_of_frames(lost) / 1_000;
            let detail = format!("\"{}\" is cut {ms} ms before its end", stood.line.title);
            found.push(stood.breaks("cut_short", Severity::Soft, detail));
        }
    }
    for gap in &resolution.gaps {
        push_gap(inputs, *gap, found);
    }
    if after.is_none()
        && let Some(last) = stood.last()
    {
        // Nothing follows yet: the last hour is to be full by itself.
        let end = hour_of(&zone(inputs.time_zone), last.hour).until.frame();
        if end > resolution.end {
            push_gap(inputs, (resolution.end, end), found);
        }
    }
}

/// Hard starts that take each other's time.
fn collisions(stood: &[Stood<'_>], found: &mut Vec<Violation>) {
    let hard = |s: &&Stood<'_>| matches!(s.line.anchor, Anchor::Hard { .. });
    let hard: Vec<&Stood<'_>> = stood.iter().filter(hard).collect();
    for pair in hard.windows(2) {
        let (Anchor::Hard { at: first }, Anchor::Hard { at: second }) =
            (pair[0].line.anchor, pair[1].line.anchor)
        else {
            continue;
        };
        let least = pair[0].line.min_airtime;
        if second.frame().since(first.frame()) < least {
            let (a, b) = (&pair[0].line.title, &pair[1].line.title);
            let detail = format!(
                "\"{b}\" starts hard at {second}, \"{a}\" at {first} needs {} ms",
                micros_of_frames(least) / 1_000
            );
            found.push(pair[1].breaks("hard_start_collision", Severity::Hard, detail));
        }
    }
}

fn push_gap(inputs: &PlanInputs<'_>, (from, to): (AirFrame, AirFrame), found: &mut Vec<Violation>) {
    if to.since(from) < GAP_LEAST {
        return;
    }
    let hour = hour_of(&zone(inputs.time_zone), from.utc());
    let at_end = to >= hour.until.plus(-1).frame();
    let code = if at_end { "under_fill" } else { "gap" };
    let ms = micros_of_frames(to.since(from)) / 1_000;
    let (at, hour) = (from.utc(), hour.from);
    let detail = format!("nothing is planned for {ms} ms from {at} on");
    found.push(Violation { at, code, severity: Severity::Soft, hour, line_id: None, detail });
}
