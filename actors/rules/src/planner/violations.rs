//! What in a plan breaks a rule: told before it is applied, whoever made it.
//!
//! Upstream: the same inputs as planning; hours as they are or would be. Downstream: manual work,
//! which refuses what is hard and warns of what is soft. Written apart from the planner and plain
//! on purpose: it judges lines at their planned times and knows nothing of how picks are made.

mod apart;
mod chain;
mod item;

use super::PlanInputs;
use super::hours::zone;
use grimnir_events::timeline::{HourPlan, Line};
use grimnir_events::{LineId, UtcMicros};
use serde::Serialize;
use std::collections::BTreeMap;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Heard, but allowed.
    Soft,
    /// Against a rule that planning never relaxes; applied only where it is forced.
    Hard,
}

/// One broken rule.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Violation {
    /// When the line is planned, or the gap begins.
    pub at: UtcMicros,
    /// Which rule, e.g. `artist_separation`.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Start of the hour.
    pub hour: UtcMicros,
    /// The line; none for a gap.
    pub line_id: Option<LineId>,
    /// What was found, and what was asked for.
    pub detail: String,
}

/// A line and where it stands.
#[derive(Clone, Copy)]
struct Stood<'a> {
    hour: UtcMicros,
    line: &'a Line,
}

impl Stood<'_> {
    fn breaks(&self, code: &'static str, severity: Severity, detail: String) -> Violation {
        let (at, line_id) = (self.line.planned_at, Some(self.line.id));
        Violation { at, code, severity, hour: self.hour, line_id, detail }
    }
}

/// What is broken in the hours that begin in `from..until`, by time. Hours around them count as
/// what is kept apart from.
pub fn violations(
    inputs: &PlanInputs<'_>,
    hours: &BTreeMap<UtcMicros, HourPlan>,
    from: UtcMicros,
    until: UtcMicros,
) -> Vec<Violation> {
    let zone = zone(inputs.time_zone);
    let all = hours.values().flat_map(|plan| {
        let hour = plan.hour;
        plan.lines.iter().map(move |line| Stood { hour, line })
    });
    let mut all: Vec<Stood<'_>> = all.collect();
    // Stable: lines of one instant keep the order of their chain.
    all.sort_by_key(|stood| stood.line.planned_at);
    let judged: Vec<usize> =
        (0..all.len()).filter(|at| all[*at].hour >= from && all[*at].hour < until).collect();
    let mut found = Vec::new();
    for at in &judged {
        item::check(inputs, &zone, &all, *at, &mut found);
        apart::check(inputs, &all, *at, &mut found);
    }
    apart::quotas(inputs, &zone, &all, hours.range(from..until), &mut found);
    chain::check(inputs, hours, (from, until), &mut found);
    found.sort();
    found.dedup();
    found
}

/// What of `after` was not broken before.
pub fn newly(before: &[Violation], after: Vec<Violation>) -> Vec<Violation> {
    let key = |v: &Violation| (v.code, v.hour, v.line_id);
    let known: std::collections::BTreeSet<_> = before.iter().map(key).collect();
    // A gap has no line: one in the same hour may still be another, longer one.
    let same = |v: &Violation| match v.line_id {
        Some(_) => known.contains(&key(v)),
        None => before.iter().any(|old| old.code == v.code && old.detail == v.detail),
    };
    after.into_iter().filter(|v| !same(v)).collect()
}

#[cfg(test)]
mod tests;
