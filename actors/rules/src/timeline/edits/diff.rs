//! What is different between two states of a plan, hour by hour.
//!
//! A line is the same under the same id. One that a person moved has another: a line that went and
//! one of the same item that came are told as a move.

use grimnir_events::timeline::{HourPlan, Line};
use grimnir_events::{LineId, UtcMicros};
use std::collections::{BTreeMap, BTreeSet};

/// Hours by their first instants.
pub type Hours = BTreeMap<UtcMicros, HourPlan>;

/// What is different in one hour.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HourDiff {
    /// Start of the hour.
    pub hour: UtcMicros,
    /// Lines that came, with their places.
    pub added: Vec<(usize, Line)>,
    /// Lines that went, with their places.
    pub removed: Vec<(usize, Line)>,
    /// Lines that came from elsewhere.
    pub moved: Vec<Moved>,
    /// Lines that play in another way: their places, before and after.
    pub changed: Vec<(usize, Line, Line)>,
    /// Lines of which only the time is another.
    pub retimed: usize,
}

/// A line that stands somewhere else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moved {
    /// Its id before.
    pub from_id: LineId,
    /// The hour it came from.
    pub from_hour: UtcMicros,
    /// Its place there.
    pub from_index: usize,
    /// Its place now.
    pub index: usize,
    /// The line now.
    pub line: Line,
}

impl HourDiff {
    fn is_empty(&self) -> bool {
        let lists = self.added.is_empty() && self.removed.is_empty() && self.moved.is_empty();
        lists && self.changed.is_empty() && self.retimed == 0
    }
}

/// What is different in `after`; hours without a difference are left out.
pub fn diff(before: &Hours, after: &Hours) -> Vec<HourDiff> {
    let old = places(before);
    let new = places(after);
    let mut gone: Vec<&(UtcMicros, usize, &Line)> =
        old.values().filter(|(_, _, line)| !new.contains_key(&line.id)).collect();
    gone.sort_by_key(|(hour, at, _)| (*hour, *at));
    let mut out: BTreeMap<UtcMicros, HourDiff> = BTreeMap::new();
    for hour in before.keys().chain(after.keys()) {
        out.insert(*hour, HourDiff { hour: *hour, ..HourDiff::default() });
    }
    for (hour, plan) in after {
        let Some(into) = out.get_mut(hour) else { continue };
        let kept: Vec<usize> = plan
            .lines
            .iter()
            .filter_map(|line| old.get(&line.id).filter(|(of, _, _)| of == hour))
            .map(|(_, at, _)| *at)
            .collect();
        let in_order = rising(&kept);
        for (index, line) in plan.lines.iter().enumerate() {
            let from = old.get(&line.id).copied().or_else(|| {
                // Nobody moves a line into an hour that was planned since.
                before.get(hour)?;
                let at = gone.iter().position(|(_, _, was)| was.media_id == line.media_id)?;
                Some(*gone.remove(at))
            });
            let Some((from_hour, from_index, was)) = from else {
                into.added.push((index, line.clone()));
                continue;
            };
            if was.id != line.id || from_hour != *hour || !in_order.contains(&from_index) {
                let (from_id, line) = (was.id, line.clone());
                into.moved.push(Moved { from_id, from_hour, from_index, index, line });
            } else if *was != (Line { planned_at: was.planned_at, ..line.clone() }) {
                into.changed.push((index, was.clone(), line.clone()));
            } else if was.planned_at != line.planned_at {
                into.retimed += 1;
            }
        }
    }
    for (hour, at, line) in gone {
        if let Some(into) = out.get_mut(hour) {
            into.removed.push((*at, (*line).clone()));
        }
    }
    out.into_values().filter(|diff| !diff.is_empty()).collect()
}

fn places(hours: &Hours) -> BTreeMap<LineId, (UtcMicros, usize, &Line)> {
    let lines = hours.values().flat_map(|plan| {
        plan.lines.iter().enumerate().map(|(at, line)| (line.id, (plan.hour, at, line)))
    });
    lines.collect()
}

/// The longest part of these places that kept its order; the others have moved.
fn rising(places: &[usize]) -> BTreeSet<usize> {
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(places.len());
    for (at, place) in places.iter().enumerate() {
        let before = (0..at).filter(|earlier| places[*earlier] < *place);
        let before = before.max_by_key(|earlier| best[*earlier].0);
        best.push((before.map_or(1, |earlier| best[earlier].0 + 1), before));
    }
    let mut at = (0..places.len()).max_by_key(|at| best[*at].0);
    let mut out = BTreeSet::new();
    while let Some(place) = at {
        out.insert(places[place]);
        at = best[place].1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{HOUR, line, plan};
    use super::*;

    const NEXT: UtcMicros = HOUR.plus(3_600_000_000);

    fn hours(first: &[u8], second: &[u8]) -> Hours {
        let lines = |ids: &[u8]| ids.iter().map(|n| line(*n, 0)).collect();
        let hour = |hour, ids| (hour, HourPlan { hour, ..plan(lines(ids)) });
        [hour(HOUR, first), hour(NEXT, second)].into()
    }

    fn ids(lines: &[(usize, Line)]) -> Vec<(usize, u8)> {
        lines.iter().map(|(at, line)| (*at, line.id.0[0])).collect()
    }

    #[test]
    fn nothing_is_different_between_equals() {
        assert_eq!(diff(&hours(&[1, 2], &[3]), &hours(&[1, 2], &[3])), []);
        assert_eq!(diff(&Hours::new(), &Hours::new()), []);
    }

    #[test]
    fn lines_come_and_go() {
        let found = diff(&hours(&[1, 2, 3], &[4]), &hours(&[1, 3, 5], &[4]));
        assert_eq!(found.len(), 1);
        assert_eq!((ids(&found[0].added), ids(&found[0].removed)), (vec![(2, 5)], vec![(1, 2)]));
        assert!(found[0].moved.is_empty() && found[0].changed.is_empty());
        let found = diff(&Hours::new(), &hours(&[1], &[]));
        assert_eq!(ids(&found[0].added), [(0, 1)]);
    }

    #[test]
    fn the_fewest_lines_have_moved() {
        let found = diff(&hours(&[1, 2, 3, 4], &[5]), &hours(&[4, 1, 2, 3], &[5]));
        let moved: Vec<_> =
            found[0].moved.iter().map(|m| (m.from_index, m.index, m.line.id.0[0])).collect();
        assert_eq!(moved, [(3, 0, 4)]);
        let found = diff(&hours(&[1, 2], &[5]), &hours(&[1], &[2, 5]));
        assert_eq!((found[0].hour, found[0].moved[0].from_hour), (NEXT, HOUR));
        assert!(found[0].removed.is_empty() && found[0].added.is_empty());
    }

    #[test]
    fn a_line_that_went_is_not_told_as_moved_to_an_hour_that_was_planned_since() {
        let mut before = hours(&[1, 2], &[]);
        before.remove(&NEXT);
        let mut after = hours(&[1], &[9]);
        let item = before[&HOUR].lines[1].media_id;
        after.get_mut(&NEXT).expect("is there").lines[0].media_id = item;
        let found = diff(&before, &after);
        assert_eq!(found.len(), 2);
        assert_eq!((ids(&found[0].removed), found[1].moved.len()), (vec![(1, 2)], 0));
        assert_eq!(ids(&found[1].added), [(0, 9)]);
    }

    #[test]
    fn a_line_that_a_person_moved_is_told_as_moved_under_its_new_id() {
        let mut after = hours(&[1], &[9, 5]);
        after.get_mut(&NEXT).expect("is there").lines[0].media_id = line(2, 0).media_id;
        let found = diff(&hours(&[1, 2], &[5]), &after);
        assert_eq!(found.len(), 1);
        let moved = &found[0].moved[0];
        assert_eq!((moved.from_id, moved.line.id), (LineId([2; 16]), LineId([9; 16])));
    }

    #[test]
    fn a_changed_line_is_told_apart_from_one_that_only_airs_later() {
        let before = hours(&[1, 2, 3], &[]);
        let mut after = before.clone();
        let lines = &mut after.get_mut(&HOUR).expect("is there").lines;
        lines[1].gain_db_x100 = -100;
        lines[2].planned_at = HOUR.plus(1);
        let found = diff(&before, &after);
        assert_eq!((found[0].changed.len(), found[0].retimed), (1, 1));
        assert_eq!(found[0].changed[0].2.gain_db_x100, -100);
    }
}
