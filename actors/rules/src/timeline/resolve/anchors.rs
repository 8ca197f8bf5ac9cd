//! What anchored lines ask of the lines before them, found in one pass from the chain's end.
//!
//! Upstream: the lines and the cursor. Downstream: the walk in [`chain`](super::chain).

use grimnir_events::library::CueMarks;
use grimnir_events::timeline::{Anchor, DropReason, Line};
use grimnir_events::units::BLOCK_FRAMES;
use grimnir_events::{AirFrame, LineId};
use std::collections::BTreeSet;

/// Air frames beyond this one (1.5 million years from 1970) are taken as this one, so that sums
/// stay far from the end of an i64.
const FAR: i64 = 1 << 61;
/// Longest line, 2,970 years: 512 of them stay under [`FAR`], what would start there is dropped.
const LONGEST_LINE: i64 = 1 << 52;

/// A frame within the range that sums are safe in.
pub(super) fn near(frame: AirFrame) -> AirFrame {
    AirFrame(frame.0.clamp(-FAR, FAR))
}

/// A line's marks made orderly: `0 <= cue_in < segue <= cue_out`; `None` where nothing is to air.
pub(super) fn sound_cues(line: &Line) -> Option<CueMarks> {
    let cue_in = line.cues.cue_in.max(0);
    let cue_out = line.cues.cue_out.min(cue_in.saturating_add(LONGEST_LINE));
    let segue = line.cues.segue;
    let segue = if segue > cue_in && segue <= cue_out { segue } else { cue_out };
    (cue_out > cue_in).then_some(CueMarks { cue_in, segue, cue_out })
}

/// Least useful airtime: never more than the line has, never nothing.
pub(super) fn useful(line: &Line, cues: &CueMarks) -> i64 {
    line.min_airtime.min(cues.airtime()).max(1)
}

/// What a line is in the walk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Starts after the one before.
    Free,
    /// As `Free`, because its own time is over and it must air.
    Late,
    /// Starts by its anchor: place in [`Anchors::gates`].
    Gate(usize),
    /// An anchored line further on leaves it no room: place of that line's gate.
    Overtaken(DropReason, usize),
    /// Does not air.
    Dropped(DropReason),
    /// Is not looked at: on air already, or an id that came before.
    Skipped,
}

/// One line as the walk sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub cues: CueMarks,
    pub useful: i64,
    pub role: Role,
    /// Frame at which an anchored line further on ends whatever plays.
    pub limit: AirFrame,
    /// That line's gate.
    pub limit_by: Option<usize>,
    /// No anchored line further on passes anything before this frame.
    passes_from: AirFrame,
}

/// An anchored line that can start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    /// Its line's place in the chain.
    pub index: usize,
    pub hard: bool,
    /// From this junction on it passes the lines before it.
    from: AirFrame,
    /// A chain that is free before this frame is too early: it waits for `from`.
    early: AirFrame,
    /// Here it cuts what plays; `None` where it could not play long enough from there.
    latest: Option<AirFrame>,
    limit: AirFrame,
    useful: i64,
}

impl Gate {
    /// Where it starts when the chain before it is free from `junction` on.
    pub fn start(&self, junction: AirFrame) -> AirFrame {
        match self.latest {
            Some(latest) if self.hard => latest,
            Some(_) if junction < self.early => self.from,
            Some(latest) => latest.min(junction),
            None => junction,
        }
    }
    fn passes(&self, junction: AirFrame) -> bool {
        junction >= self.from
            && (self.latest.is_some() || self.limit.since(junction) >= self.useful)
    }
}

/// The chain's anchors, ready for the walk.
pub(super) struct Anchors {
    pub slots: Vec<Slot>,
    /// By falling place in the chain.
    pub gates: Vec<Gate>,
}

impl Anchors {
    /// Reads a chain that is taken up at `at` while `playing` is on air.
    pub fn of(lines: &[Line], at: AirFrame, playing: Option<LineId>) -> Self {
        let mut seen: BTreeSet<LineId> = playing.into_iter().collect();
        let fresh: Vec<bool> = lines.iter().map(|line| seen.insert(line.id)).collect();
        let mut gates = Vec::new();
        let (mut limit, mut limit_by) = (AirFrame(FAR), None);
        let mut passes_from = AirFrame(FAR);
        let mut slots = Vec::with_capacity(lines.len());
        for (index, line) in lines.iter().enumerate().rev() {
            let mut slot = Slot {
                cues: CueMarks::default(),
                useful: 1,
                role: Role::Skipped,
                limit,
                limit_by,
                passes_from,
            };
            if let Some(cues) = sound_cues(line) {
                (slot.cues, slot.useful) = (cues, useful(line, &cues));
                if fresh[index] {
                    slot.role = role(line, &slot, at, gates.len());
                }
            } else if fresh[index] {
                slot.role = Role::Dropped(DropReason::NoUsefulAirtime);
            }
            if slot.role == Role::Gate(gates.len()) {
                let gate = gate(index, line, &slot, at);
                passes_from = passes_from.min(gate.from);
                if let Some(latest) = gate.latest {
                    (limit, limit_by) = (latest, Some(gates.len()));
                }
                gates.push(gate);
            }
            slots.push(slot);
        }
        slots.reverse();
        Self { slots, gates }
    }

    /// The nearest anchored line after place `index` that comes before anything starting at
    /// `junction`.
    pub fn passed_by(&self, index: usize, junction: AirFrame) -> Option<usize> {
        if self.slots.get(index).is_none_or(|slot| junction < slot.passes_from) {
            return None;
        }
        // Gates stand by falling place: those after `index` come first.
        let after = self.gates.partition_point(|gate| gate.index > index);
        (0..after).rev().find(|&g| self.gates[g].passes(junction))
    }
}

/// What a line is, knowing the anchors after it; `next` is the place its gate would take.
fn role(line: &Line, slot: &Slot, at: AirFrame, next: usize) -> Role {
    let own = match line.anchor {
        Anchor::AfterPrevious => return Role::Free,
        Anchor::Soft { .. } => return Role::Gate(next),
        Anchor::Hard { at } => near(at.frame()),
    };
    // A block late is on time: that is the mix's own step.
    let late = at.since(own) > BLOCK_FRAMES;
    if late && own.plus(slot.cues.airtime()).since(at) < slot.useful {
        return if line.must_air { Role::Late } else { Role::Dropped(DropReason::TimePassed) };
    }
    let start = own.max(at);
    match slot.limit_by {
        Some(by) if start >= slot.limit => Role::Overtaken(DropReason::PassedByAnchor, by),
        Some(by) if slot.limit.since(start) < slot.useful => {
            Role::Overtaken(DropReason::NoUsefulAirtime, by)
        }
        _ => Role::Gate(next),
    }
}

fn gate(index: usize, line: &Line, slot: &Slot, at: AirFrame) -> Gate {
    let (from, early, latest, hard) = match line.anchor {
        Anchor::Hard { at: own } => {
            let start = near(own.frame()).max(at);
            (start, start, Some(start), true)
        }
        Anchor::Soft { at: own, grace_us } => {
            let latest = near(own.plus(grace_us.max(0)).frame()).max(at);
            let early = near(own.plus(grace_us.max(0).saturating_neg()).frame());
            // It cuts only where it can then play long enough; else the line before plays on.
            let fits = slot.limit.since(latest) >= slot.useful;
            (near(own.frame()), early, fits.then_some(latest), false)
        }
        Anchor::AfterPrevious => (AirFrame(FAR), AirFrame(FAR), None, false),
    };
    Gate { index, hard, from, early, latest, limit: slot.limit, useful: slot.useful }
}
