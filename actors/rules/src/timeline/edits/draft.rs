//! A plan in the making: the hours as the events so far leave them.

use super::super::evolve::evolve;
use super::super::state::TimelineState;
use grimnir_events::edit::{Arranged, EditEvent, Pin};
use grimnir_events::timeline::{Anchor, HourPlan, Line, TimelineEvent, Transition};
use grimnir_events::{LineId, UtcMicros};
use std::collections::{BTreeMap, BTreeSet};

/// Hours and pins, the events that led to them, and the hours that they changed.
pub struct Draft {
    state: TimelineState,
    /// What happened so far.
    pub events: Vec<TimelineEvent>,
    /// Hours whose chain is another now.
    pub touched: BTreeSet<UtcMicros>,
}

impl Draft {
    /// Nothing has happened yet.
    pub fn of(state: &TimelineState) -> Self {
        let (hours, pins) = (state.hours.clone(), state.pins.clone());
        let state = TimelineState { hours, pins, ..TimelineState::default() };
        Self { state, events: Vec::new(), touched: BTreeSet::new() }
    }

    /// The hours now.
    pub fn hours(&self) -> &BTreeMap<UtcMicros, HourPlan> {
        &self.state.hours
    }

    /// The lines of an hour now.
    pub fn lines(&self, hour: UtcMicros) -> &[Line] {
        self.state.hours.get(&hour).map_or(&[], |plan| &plan.lines)
    }

    /// What is held now.
    pub fn pins(&self) -> &BTreeMap<LineId, Pin> {
        &self.state.pins
    }

    fn push(&mut self, event: TimelineEvent) {
        evolve(&mut self.state, &event);
        self.events.push(event);
    }

    fn edited(&mut self, event: EditEvent) {
        self.push(TimelineEvent::Edited(Box::new(event)));
    }

    /// A line comes in, held by hand. Before the first line of an hour it takes on what that hangs
    /// on, or it would be passed by it.
    pub fn insert(&mut self, hour: UtcMicros, index: usize, mut line: Line) {
        let heir = self.lines(hour).get(index).filter(|_| index == 0);
        let heir = heir.filter(|first| opens(first, hour)).cloned();
        if let Some(first) = heir.filter(|_| line.anchor == Anchor::AfterPrevious) {
            line.anchor = first.anchor;
            self.join(hour, &Line { anchor: Anchor::AfterPrevious, ..first });
        }
        let line_id = line.id;
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.push(TimelineEvent::LineInserted { hour, index, line: Box::new(line) });
        self.pin(hour, line_id, Some(Pin::Hand));
        self.touched.insert(hour);
    }

    /// A line goes. What opened the hour leaves that to the line behind it.
    pub fn drop_line(&mut self, hour: UtcMicros, line_id: LineId, reason: String) {
        let first = self.lines(hour).first().filter(|first| first.id == line_id).cloned();
        self.push(TimelineEvent::LineDropped { hour, line_id, reason });
        let heir = self.lines(hour).first().cloned();
        if let (Some(first), Some(heir)) = (first, heir)
            && opens(&first, hour)
            && heir.anchor == Anchor::AfterPrevious
        {
            self.join(hour, &Line { anchor: first.anchor, ..heir });
        }
        self.touched.insert(hour);
    }

    /// A line is held or let go; nothing where that is so.
    pub fn pin(&mut self, hour: UtcMicros, line_id: LineId, pin: Option<Pin>) {
        if self.state.pins.get(&line_id).copied() != pin {
            self.edited(EditEvent::LinePinned { hour, line_id, pin });
        }
    }

    /// Lines stand in this order at these times; nothing where they do.
    pub fn arrange(&mut self, hour: UtcMicros, lines: Vec<Arranged>) {
        let so = |line: &Line| Arranged { line_id: line.id, planned_at: line.planned_at };
        if !self.lines(hour).iter().map(so).eq(lines.iter().copied()) {
            self.edited(EditEvent::HourArranged { hour, lines });
        }
    }

    /// A line meets its neighbours as this one does.
    pub fn join(&mut self, hour: UtcMicros, line: &Line) {
        let (line_id, anchor, transition) = (line.id, line.anchor, line.transition);
        let segue = line.cues.segue;
        self.edited(EditEvent::LineJoined { hour, line_id, anchor, segue, transition });
    }

    /// A line hands over at its end.
    pub fn close(&mut self, hour: UtcMicros, line: &Line) {
        let mut line = Line { transition: Transition::Segue, ..line.clone() };
        line.cues.segue = line.cues.cue_out;
        self.join(hour, &line);
    }

    /// An hour that waited for a template is dealt with.
    pub fn filled(&mut self, hour: UtcMicros) {
        self.edited(EditEvent::HourFilled { hour });
    }

    /// An hour is planned whole.
    pub fn plan(&mut self, plan: HourPlan) {
        self.touched.insert(plan.hour);
        self.push(TimelineEvent::HourPlanned { plan });
    }
}

/// The line is what the hour begins with, at its first instant.
fn opens(line: &Line, hour: UtcMicros) -> bool {
    match line.anchor {
        Anchor::Soft { at, .. } | Anchor::Hard { at } => at == hour,
        Anchor::AfterPrevious => false,
    }
}
