//! An hour as it was: by events of its own, behind what cannot be touched any more.

use super::super::decide::check_plan;
use super::super::rejection::TimelineRejection as No;
use super::Reach;
use super::draft::Draft;
use super::rejection::EditRejection;
use grimnir_events::edit::Pin;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{LineId, UtcMicros};
use std::collections::BTreeSet;

/// Plans the hour again as it was, and holds what was held.
pub fn restore(
    draft: &mut Draft,
    reach: &Reach<'_>,
    plan: &HourPlan,
    pins: &[(LineId, Pin)],
    now: UtcMicros,
) -> Result<(), No> {
    let hour = plan.hour;
    let from = reach.first_free(hour);
    reach.check_place(hour, from).map_err(No::Edit)?;
    check_plan(plan)?;
    if let Some(known) = draft.hours().get(&hour) {
        let locked = |line: &&grimnir_events::timeline::Line| {
            draft.pins().get(&line.id) == Some(&Pin::Locked)
        };
        if let Some(line) = known.lines.iter().find(locked) {
            let (line_id, title) = (line.id, line.title.clone());
            return Err(No::Edit(EditRejection::Locked { line_id, title }));
        }
    }
    let stays = draft.lines(hour)[..from].to_vec();
    let ids: BTreeSet<LineId> = stays.iter().map(|line| line.id).collect();
    // Of the running hour, what was to come then and is not past now.
    let least = stays.last().map_or(hour, |line| line.planned_at);
    let comes = plan.lines.iter().filter(|line| !ids.contains(&line.id));
    let comes = comes.filter(|line| from == 0 || line.planned_at >= least.max(now));
    let lines: Vec<_> = stays.iter().chain(comes).cloned().collect();
    if draft.hours().get(&hour).is_some_and(|known| known.lines == lines) {
        return Ok(());
    }
    let mut restored = HourPlan { lines, ..plan.clone() };
    if restored.lines.is_empty() && restored.notes.is_empty() {
        restored.notes.push("nothing of what was planned is left to air".into());
    }
    draft.plan(restored);
    for (line_id, pin) in pins {
        if draft.lines(hour).iter().any(|line| line.id == *line_id) {
            draft.pin(hour, *line_id, Some(*pin));
        }
    }
    Ok(())
}
