//! When lines start by the plan after something before them changed; which lines they are stays.
//!
//! Hour by hour as the planner settles them: an hour whose chain begins where it began is left as
//! it is, so that a plan nobody touched is never told other times.

use crate::timeline::resolve::{ANCHOR_FADE_FRAMES, Cursor, ResolveSettings, resolve};
use grimnir_events::roll::LineTime;
use grimnir_events::station::StationSettings;
use grimnir_events::timeline::{Anchor, HourPlan, Line};
use grimnir_events::{AirFrame, LineId, UtcMicros};
use std::collections::BTreeMap;

/// An hour and the times of its lines that changed.
pub type Retimed = (UtcMicros, Vec<LineTime>);

/// The lines from the hour `from` on that start at other times than planned. Lines that are `done`
/// keep theirs: behind them the first that is left stays where it is, since it comes next on air.
pub fn retime(
    settings: &StationSettings,
    hours: &BTreeMap<UtcMicros, HourPlan>,
    from: UtcMicros,
    done: &dyn Fn(&LineId) -> bool,
) -> Vec<Retimed> {
    let mut found = Vec::new();
    // Junctions of the hour before, as they were planned and as they are now.
    let (mut was, mut now): (Vec<AirFrame>, Vec<AirFrame>) = Default::default();
    for (hour, plan) in hours.range(from..) {
        let gone = plan.lines.iter().rposition(|line| done(&line.id)).map_or(0, |last| last + 1);
        let lines = &plan.lines[gone..];
        let Some(first) = lines.first() else {
            (was, now) = Default::default();
            continue;
        };
        let end = reached(&now, *hour);
        let start = match gone {
            0 => start_of(first, end, reached(&was, *hour) != end),
            _ => first.planned_at.frame(),
        };
        let times = times(settings, lines, start);
        let at = |line: &Line| times.get(&line.id).copied().unwrap_or(line.planned_at);
        let changed: Vec<LineTime> = (lines.iter())
            .filter(|line| line.planned_at != at(line))
            .map(|line| LineTime { line_id: line.id, planned_at: at(line) })
            .collect();
        let junction = |line: &Line, at: UtcMicros| at.frame().plus(line.cues.airtime());
        was = lines.iter().map(|line| junction(line, line.planned_at)).collect();
        now = lines.iter().map(|line| junction(line, at(line))).collect();
        if !changed.is_empty() {
            found.push((*hour, changed));
        }
    }
    found
}

/// The first junction from the hour on, else the last: lines after it are passed by the hour.
fn reached(junctions: &[AirFrame], hour: UtcMicros) -> Option<AirFrame> {
    let reached = junctions.iter().find(|junction| **junction >= hour.frame());
    reached.or(junctions.last()).copied()
}

/// Where an hour's chain begins, by the rules of the resolver; where it began as long as the hour
/// before ends where it did.
fn start_of(first: &Line, end: Option<AirFrame>, moved: bool) -> AirFrame {
    match (first.anchor, end) {
        (Anchor::Hard { at }, _) => at.frame(),
        (Anchor::Soft { at, grace_us }, Some(end)) if moved => {
            let early = end < at.plus(-grace_us).frame();
            if early { at.frame() } else { end.min(at.plus(grace_us).frame()) }
        }
        (Anchor::Soft { .. }, _) => first.planned_at.frame(),
        // What stood there before is gone: it follows on the hour before.
        (Anchor::AfterPrevious, Some(end)) => end,
        (Anchor::AfterPrevious, None) => first.planned_at.frame(),
    }
}

/// The resolver's times; what it drops stands where the line starts that leaves it no room.
pub(super) fn times(
    settings: &StationSettings,
    lines: &[Line],
    start: AirFrame,
) -> BTreeMap<LineId, UtcMicros> {
    let resolution = resolve(lines, &Cursor { at: start, playing: None }, &rules(settings));
    let mut times: BTreeMap<LineId, UtcMicros> =
        resolution.lines.iter().map(|line| (line.line_id, line.start.utc())).collect();
    let mut next = resolution.end.utc();
    for line in lines.iter().rev() {
        next = *times.entry(line.id).or_insert(next);
    }
    times
}

pub(super) fn rules(settings: &StationSettings) -> ResolveSettings {
    ResolveSettings {
        crossfade_frames: super::sound::crossfade_frames(settings),
        curve: settings.fade_curve,
        anchor_fade_frames: ANCHOR_FADE_FRAMES,
    }
}
