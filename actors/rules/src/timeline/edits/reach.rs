//! How far the air has come in a plan: what is on air, what comes next, what a hand may touch.
//!
//! Upstream: the facts of the air, the instant. Where a line of the plan is on air, the chain says
//! what is past; where none is (another tier, off air), the planned times do.

use super::super::aired::OnAir;
use super::super::decide::HOUR_US;
use super::super::state::TimelineState;
use super::rejection::EditRejection as No;
use grimnir_events::timeline::Line;
use grimnir_events::{LineId, UtcMicros};

/// The chain of all hours, and how far the air has come in it.
pub struct Reach<'a> {
    chain: Vec<(UtcMicros, usize, &'a Line)>,
    state: &'a TimelineState,
    now: UtcMicros,
    /// Place of the line on air.
    on_air: Option<usize>,
    /// Place of the line after it that is still to air.
    next: Option<usize>,
    /// First place that may be touched.
    free: usize,
}

/// The line on air with its place, where one is, and the lines from the one after it, in order.
pub type Ahead<'a> = (Option<(OnAir, &'a Line)>, Vec<(UtcMicros, LineId)>);

impl<'a> Reach<'a> {
    /// How far it has come now.
    pub fn of(state: &'a TimelineState, now: UtcMicros) -> Self {
        let place = |(hour, plan): (&UtcMicros, &'a grimnir_events::timeline::HourPlan)| {
            let hour = *hour;
            plan.lines.iter().enumerate().map(move |(at, line)| (hour, at, line))
        };
        let chain: Vec<_> = state.hours.iter().flat_map(place).collect();
        let at = |id: LineId| chain.iter().rposition(|(_, _, line)| line.id == id);
        let on_air = state.aired.on_air.and_then(|on| at(on.line_id));
        let done = |(_, _, line): &(_, _, &Line)| state.aired.is_done(&line.id);
        let gone = chain.iter().rposition(done).map_or(0, |at| at + 1);
        let (next, free) = match on_air {
            Some(on_air) => {
                let still = |at: &usize| !done(&chain[*at]);
                let next = (on_air + 1..chain.len()).find(still);
                (next, next.unwrap_or(on_air) + 1)
            }
            None => {
                let begun = |(_, _, line): &(_, _, &Line)| line.planned_at <= now;
                (None, chain.iter().rposition(begun).map_or(0, |at| at + 1).max(gone))
            }
        };
        Self { chain, state, now, on_air, next, free }
    }

    /// Hour and place behind what is on air and what comes next.
    pub fn queue(&self) -> Option<(UtcMicros, usize)> {
        match self.free.checked_sub(1) {
            Some(last) => self.chain.get(last).map(|(hour, at, _)| (*hour, at + 1)),
            None => self.chain.first().map(|(hour, _, _)| (*hour, 0)),
        }
    }

    /// The line may be touched.
    pub fn check_line(&self, line_id: LineId) -> Result<(), No> {
        let Some(at) = self.chain.iter().rposition(|(_, _, line)| line.id == line_id) else {
            return Ok(());
        };
        let line = self.chain[at].2;
        let title = line.title.clone();
        if at >= self.free {
            return Ok(());
        }
        Err(if self.on_air == Some(at) {
            No::OnAir { line_id, title }
        } else if self.next == Some(at) {
            No::ComesNext { line_id, title }
        } else {
            No::LinePast { line_id, title, planned_at: line.planned_at }
        })
    }

    /// A line may be put there.
    pub fn check_place(&self, hour: UtcMicros, index: usize) -> Result<(), No> {
        let from = self.first_free(hour);
        if hour.plus(HOUR_US) <= self.now {
            return Err(No::HourPast(hour));
        }
        if index < from { Err(No::PlacePast { hour, index, from }) } else { Ok(()) }
    }

    /// First place of an hour that may be touched; its length where none may.
    pub fn first_free(&self, hour: UtcMicros) -> usize {
        let before = &self.chain[..self.free.min(self.chain.len())];
        before.iter().filter(|(of, _, _)| *of == hour).count()
    }

    /// The hour that is running: the one of the first line that may be touched.
    pub fn running(&self) -> Option<UtcMicros> {
        let at = self.free.min(self.chain.len().checked_sub(1)?);
        Some(self.chain[at].0)
    }

    /// Lines from the one after that on air, in order; the line on air, with its place.
    pub fn ahead(&self) -> Ahead<'a> {
        let on_air = self.on_air.and_then(|at| Some((self.state.aired.on_air?, self.chain[at].2)));
        let from = self.on_air.map_or(self.free, |at| at + 1);
        let ahead = self.chain[from.min(self.chain.len())..].iter();
        let still = ahead.filter(|(_, _, line)| !self.state.aired.is_done(&line.id));
        (on_air, still.map(|(hour, _, line)| (*hour, line.id)).collect())
    }
}
