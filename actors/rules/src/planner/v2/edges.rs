//! The last look at a settled hour: what would never air is taken out, and silence is told of.

use crate::planner::retime::times;
use grimnir_events::station::StationSettings;
use grimnir_events::timeline::{Anchor, Line};
use grimnir_events::{AirFrame, UtcMicros};

/// Takes out what begins where the next hour does, and is passed by its first line; and what the
/// next hour cuts, at `cut`, before its least useful airtime. What must air stays, and moves up.
pub fn trim(
    settings: &StationSettings,
    lines: &mut Vec<Line>,
    until: UtcMicros,
    cut: Option<AirFrame>,
    notes: &mut Vec<String>,
) {
    let (mut moves, mut moved) = (false, false);
    lines.retain(|line| {
        let room = cut.map_or(i64::MAX, |cut| cut.since(line.planned_at.frame()));
        let airs = line.must_air || (line.planned_at < until && room >= line.min_airtime);
        if !airs {
            notes.push(format!("\"{}\" has no room before the next hour", line.title));
            moves = true;
        }
        moved |= airs && moves;
        airs
    });
    if let (true, Some(first)) = (moved, lines.first()) {
        let times = times(settings, lines, first.planned_at.frame());
        for line in lines {
            line.planned_at = times.get(&line.id).copied().unwrap_or(line.planned_at);
        }
    }
}

/// Tells of the silence before lines that wait for a soft time; what is left before a hard one is
/// told where the slot before it ends, unless lines `moved` since. `before` is the last line of
/// the hour before.
pub fn tell_silence(before: Option<&Line>, lines: &[Line], moved: bool, notes: &mut Vec<String>) {
    let first = usize::from(before.is_none()).min(lines.len());
    for (before, line) in before.into_iter().chain(lines).zip(&lines[first..]) {
        let whole = before.cues.cue_out.saturating_sub(before.cues.cue_in);
        let silent = line.planned_at.frame().since(before.planned_at.frame().plus(whole));
        let untold = match line.anchor {
            Anchor::AfterPrevious => false,
            Anchor::Soft { .. } => true,
            Anchor::Hard { .. } => moved,
        };
        if silent > 0 && untold {
            let ms = silent / 48;
            notes.push(format!("{ms} ms before \"{}\" are not filled", line.title));
        }
    }
}
