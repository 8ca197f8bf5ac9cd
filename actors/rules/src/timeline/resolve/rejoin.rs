//! Taking the chain up again after another tier held the air, or after a restart.
//!
//! Upstream: the planned lines and what is known to have aired. Downstream: [`resolve`], whose
//! anchors then rule. Not here: who owned the air.
//!
//! [`resolve`]: super::resolve

use super::anchors::{near, sound_cues, useful};
use grimnir_events::timeline::{Anchor, DropReason, Line};
use grimnir_events::{AirFrame, LineId};
use std::collections::BTreeSet;

/// The line that played when the air was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupted {
    /// Which.
    pub line_id: LineId,
    /// Frame of its file that it had reached.
    pub at_frame: i64,
}

/// What is left of a chain. Every line given is in `lines` or in `dropped`, but for those done.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rejoined {
    /// What is to air: the resumed line, those moved to this break, then the rest in order.
    pub lines: Vec<Line>,
    /// What is not, with the reason.
    pub dropped: Vec<(LineId, DropReason)>,
    /// `must_air` lines whose time passed, and that air now.
    pub moved: Vec<LineId>,
}

/// Drops what has no useful airtime left at `now`, keeps what must air, resumes what may.
///
/// An interrupted line that had reached its segue mark has aired whole: it counts as done.
pub fn rejoin(
    lines: &[Line],
    now: AirFrame,
    done: &BTreeSet<LineId>,
    interrupted: Option<Interrupted>,
) -> Rejoined {
    let now = near(now);
    let mut out = Rejoined::default();
    let (mut resumed, mut moved, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    let move_here = |line: &Line| Line { anchor: Anchor::AfterPrevious, ..line.clone() };
    for line in lines {
        let broken = interrupted.filter(|broken| broken.line_id == line.id);
        if broken.is_none() && done.contains(&line.id) {
            continue;
        }
        let Some(cues) = sound_cues(line) else {
            out.dropped.push((line.id, DropReason::NoUsefulAirtime));
            continue;
        };
        let useful = useful(line, &cues);
        let reason = match broken {
            Some(broken) if broken.at_frame >= cues.segue => continue,
            Some(broken) => {
                let from = broken.at_frame.max(cues.cue_in);
                if line.long_form && cues.segue - from >= useful {
                    let mut line = move_here(line);
                    line.cues.cue_in = from;
                    resumed.push(line);
                    continue;
                }
                DropReason::Interrupted
            }
            None => {
                let slot_end = near(line.planned_at.frame()).plus(cues.airtime());
                if slot_end.since(now) >= useful {
                    rest.push(line.clone());
                    continue;
                }
                DropReason::TimePassed
            }
        };
        if line.must_air {
            out.moved.push(line.id);
            moved.push(move_here(line));
        } else {
            out.dropped.push((line.id, reason));
        }
    }
    out.lines = resumed;
    out.lines.extend(moved);
    out.lines.extend(rest);
    out
}
