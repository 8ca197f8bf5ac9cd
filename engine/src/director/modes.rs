//! Who starts the lines of the timeline: the plan, a person, or nobody for now.
//!
//! Upstream: the mode that is handed over, and starts by people. Downstream: `automation` and
//! `lines`, which ask before they start anything; `owner`, which gives the air to the last rung
//! while nothing is started. Not here: what the next line is (`automation`).

use super::Director;
use grimnir_events::control::{ControlMode, EngineControl};
use grimnir_events::ladder::{AUTOMATION_CLAIM, FALLBACK_CLAIM, OwnerReason, Tier};
use grimnir_events::timeline::{Anchor, DropReason, Line};
use grimnir_events::{AirFrame, LineId, StartId};
use grimnir_rules::timeline::resolve::{Rejoined, rejoin};
use std::collections::BTreeSet;

/// What is known of the mode.
#[derive(Default)]
pub struct Modes {
    /// Who starts lines.
    pub mode: ControlMode,
    /// A person started the next line, and it is not in the mixer yet.
    pub granted: bool,
    /// The air is taken from the last rung without waiting for its junction.
    pub prompt: bool,
    /// Since when lines are held.
    pub held_since: Option<AirFrame>,
    carried_out: BTreeSet<StartId>,
}

impl Director {
    /// Takes a mode, and the starts that are new.
    pub(super) fn take_control(&mut self, control: &EngineControl) {
        let new = control.starts.iter().filter(|id| !self.modes.carried_out.contains(*id)).count();
        self.modes.carried_out = control.starts.iter().copied().collect();
        let before = std::mem::replace(&mut self.modes.mode, control.mode);
        if before != control.mode {
            tracing::info!(from = before.word(), to = control.mode.word(), "control mode");
            self.modes.granted = false;
            self.modes.prompt = self.owner == Some(FALLBACK_CLAIM) && !self.waits();
            self.hold_back();
            self.rechain();
        }
        if new > 0 && self.modes.mode == ControlMode::Assist {
            self.start_next();
        }
    }

    /// Starts in a kept hand-over were carried out by the run that took it.
    pub(super) fn keep_mode_of_old(&mut self) {
        let control = self.held.control.clone();
        self.modes.mode = control.mode;
        // What a person started goes on where the engine died over it.
        self.modes.granted = self.auto.resume_any;
        self.modes.carried_out = control.starts.iter().copied().collect();
    }

    /// No line is started by itself now.
    pub(super) fn waits(&self) -> bool {
        match self.modes.mode {
            ControlMode::Automatic => false,
            ControlMode::Assist => !self.modes.granted,
            ControlMode::Hold => true,
            ControlMode::StopAfter { line_id } => !self.is_to_come(line_id),
        }
    }

    /// A line has not begun, or is to be gone on with.
    fn is_to_come(&self, line_id: LineId) -> bool {
        let Some(line) = self.lines.iter().find(|line| line.id == line_id) else { return false };
        let cut = self.auto.interrupted.is_some_and(|cut| cut.line_id == line_id);
        let resumed = cut && (self.auto.resume_any || line.long_form);
        let first = self.auto.chain.first().is_some_and(|line| line.id == line_id);
        resumed || first || !self.auto.done.contains(&line_id)
    }

    /// What automation plays is left at once, or has nothing to go on with.
    pub(super) fn is_on_hold(&self) -> bool {
        self.modes.mode == ControlMode::Hold
    }

    /// A line that waits in the mixer and may not start any more goes back to the chain.
    fn hold_back(&mut self) {
        if !self.waits() {
            return;
        }
        let Some(next) = self.auto.next.take() else { return };
        // The line that is to be the last may not have begun.
        if self.modes.mode == (ControlMode::StopAfter { line_id: next.line.id }) {
            self.auto.next = Some(next);
            return;
        }
        self.take_back(next);
    }

    /// A person starts the next line: over what automation plays, or from the last rung.
    fn start_next(&mut self) {
        self.modes.granted = true;
        self.modes.prompt = true;
        if self.owner == Some(AUTOMATION_CLAIM) && self.auto.playing.is_some() {
            let fade = i64::from(self.settings().crossfade_ms) * 48;
            self.skip_automation(fade.max(super::plays::CUT_FADE));
        }
    }

    /// A line of automation's went to the mixer.
    pub(super) fn started_by_mode(&mut self) {
        self.modes.granted = false;
        self.modes.prompt = false;
    }

    /// The chain of somebody who starts by hand: what comes next in the plan, without its times.
    pub(super) fn by_hand(&self, lines: Vec<Line>) -> Vec<Line> {
        if self.modes.mode != ControlMode::Assist {
            return lines;
        }
        let free = |line| Line { anchor: Anchor::AfterPrevious, ..line };
        lines.into_iter().map(free).collect()
    }

    /// Lines from `at` on where automation takes the air. A person goes on after the last line
    /// that was begun, whatever the time.
    pub(super) fn rejoined_by_hand(&self, at: AirFrame) -> Option<Rejoined> {
        let by_hand = self.modes.mode == ControlMode::Assist && !self.auto.resume_any;
        let begun = self.lines.iter().rposition(|line| self.auto.done.contains(&line.id));
        let begun = begun.filter(|_| by_hand)?;
        let open = |line: &&Line| !self.auto.done.contains(&line.id);
        let lines: Vec<Line> = self.lines[begun + 1..].iter().filter(open).cloned().collect();
        if lines.is_empty() {
            return None;
        }
        let none = rejoin(&[], at, &self.auto.done, None);
        Some(Rejoined { lines: self.by_hand(lines), ..none })
    }

    /// Why the air goes from automation to the last rung.
    pub(super) fn lack(&self) -> OwnerReason {
        if self.waits() { OwnerReason::Held } else { OwnerReason::Failed }
    }

    /// The air changes hands: from here on lines are held, until automation enters.
    pub(super) fn note_held(&mut self, to: Tier) {
        if to != Tier::Automation && self.waits() {
            let now = self.now();
            self.modes.held_since.get_or_insert(now);
        }
    }

    /// Lines whose time came while they were held.
    pub(super) fn passed_on_hold(&self) -> BTreeSet<LineId> {
        let Some(since) = self.modes.held_since else { return BTreeSet::new() };
        let open = rejoin(&self.lines, since, &self.auto.done, None);
        let before: BTreeSet<LineId> = open.dropped.into_iter().map(|(id, _)| id).collect();
        let ids = self.lines.iter().map(|line| line.id);
        ids.filter(|id| !before.contains(id)).collect()
    }

    /// The reason of a drop at an entry.
    pub(super) fn reason_of_drop(
        &self,
        line_id: LineId,
        reason: DropReason,
        off_air: &BTreeSet<LineId>,
        held: &BTreeSet<LineId>,
    ) -> DropReason {
        match reason {
            DropReason::TimePassed if off_air.contains(&line_id) => DropReason::OffAir,
            DropReason::TimePassed if held.contains(&line_id) => DropReason::Held,
            other => other,
        }
    }

    /// The line that is made ready: the first of the chain, else of the plan.
    pub(super) fn ready_line(&self) -> Option<Line> {
        if let Some(next) = &self.auto.next {
            return Some(next.line.clone());
        }
        let in_plan = |line: &&Line| !self.auto.fillers.contains(&line.id);
        let first = self.auto.chain.iter().find(in_plan).cloned();
        first.or_else(|| self.entry_lines(self.now()).lines.into_iter().next())
    }
}
