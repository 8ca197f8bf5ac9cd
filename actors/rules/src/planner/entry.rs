//! An hour as it is entered: what it was planned from beside it, in as many commits as it takes.

use super::digest;
use crate::timeline::command::{RollCommand, TimelineCommand};
use grimnir_events::ContentHash;
use grimnir_events::roll::{HourRecord, Origin};
use grimnir_events::timeline::{HourPlan, Line, SlotSource};

/// Most bytes of lines in one commit. The command and the events hold them, both under the 28 KiB
/// of `timeline::decide::MAX_PLAN_BYTES`: 4 KiB are for notes, 4 for the record and what rounds up.
const PART_BYTES: usize = 20 * 1024;
/// Most bytes of a line beside its texts, as the chain counts them.
const LINE_BYTES: usize = 160;
/// Most bytes of an origin beside a category's name.
const ORIGIN_BYTES: usize = 48;

/// What an hour was planned with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Basis {
    /// Digest of its inputs.
    pub inputs: ContentHash,
    /// How far the station's witnessed stream was folded.
    pub air_version: u64,
}

/// The commands that enter an hour, in order; each is one commit.
pub fn entry(
    plan: &HourPlan,
    origins: &[Origin],
    basis: Basis,
    replace: bool,
) -> Vec<TimelineCommand> {
    let parts = parts(&plan.lines, origins);
    let count = |lines: usize| u32::try_from(lines).unwrap_or(u32::MAX);
    let digest = digest::plan(plan);
    let mut commands = Vec::with_capacity(parts.len().max(1));
    let mut first = 0;
    for lines in parts {
        let from = count(first);
        let own = of_part(origins, first, first + lines.len());
        first += lines.len();
        commands.push(TimelineCommand::Roll(if commands.is_empty() {
            RollCommand::CommitPlan {
                plan: Box::new(HourPlan { lines: lines.to_vec(), ..plan.clone() }),
                record: Box::new(HourRecord {
                    hour: plan.hour,
                    lines: count(plan.lines.len()),
                    inputs: basis.inputs,
                    plan: digest,
                    air_version: basis.air_version,
                    origins: own,
                    ..HourRecord::default()
                }),
                replace,
            }
        } else {
            let lines = lines.to_vec();
            RollCommand::ContinuePlan { hour: plan.hour, first: from, lines, origins: own }
        }));
    }
    commands
}

/// Lines cut so that each part fits into a commit; one part, empty, of none.
fn parts<'l>(lines: &'l [Line], origins: &[Origin]) -> Vec<&'l [Line]> {
    let (mut parts, mut from, mut bytes) = (Vec::new(), 0, 0);
    for (place, line) in lines.iter().enumerate() {
        let begins = origins.iter().find(|origin| origin.first as usize == place);
        let run = begins.map_or(0, |origin| {
            let name = if let SlotSource::Category { category } = &origin.source {
                category.len()
            } else {
                0
            };
            ORIGIN_BYTES + name
        });
        let size = LINE_BYTES + line.title.len() + line.artist.len() + run;
        if place > from && bytes + size > PART_BYTES {
            parts.push(&lines[from..place]);
            (from, bytes) = (place, 0);
        }
        bytes += size;
    }
    parts.push(&lines[from..]);
    parts
}

/// The runs of the lines `from..to`, counted from the first of these.
fn of_part(origins: &[Origin], from: usize, to: usize) -> Vec<Origin> {
    let begun = origins.partition_point(|origin| origin.first as usize <= from);
    let runs = origins.iter().enumerate().skip(begun.saturating_sub(1));
    let runs = runs.take_while(|(_, origin)| (origin.first as usize) < to.max(from + 1));
    let place = |first: u32| u32::try_from((first as usize).saturating_sub(from)).unwrap_or(0);
    runs.map(|(_, origin)| Origin { first: place(origin.first), ..origin.clone() }).collect()
}
