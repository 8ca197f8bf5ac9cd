//! Asks the selector for the next item of a slot, and writes down what it answers.

use super::explain::PickTrace;
use super::hard::{Hard, TOO_LONG};
use super::packaging::KEPT_APART;
use super::pick::{Ask, Desk, FIT, Picked, Removed, Run};
use super::score::{Fit, bits};
use super::slots::{Filling, Slots};
use super::source::Source;
use super::ways::Way;
use crate::planner::v1::slots::End;
use grimnir_events::units::frames_of_ms;
use rand_chacha::rand_core::RngCore;
use std::rc::Rc;

/// A hard time met this nearly is met: within it nothing is heard.
const HARD_TOLERANCE_MS: i64 = 2_000;

impl Slots<'_, '_> {
    /// What is left before a fixed time, where it is to be met by choosing.
    pub fn fit(&self, end: End) -> Option<Fit> {
        let left = end.at.since(self.chain.next_start());
        end.hold.then_some(Fit { left, tolerance: frames_of_ms(HARD_TOLERANCE_MS) })
    }

    /// Picks from a source and says what it took; a hole is noted with its reason.
    pub fn pick(
        &mut self,
        source: &Rc<Source>,
        run: &Run,
        fit: Option<Fit>,
        filling: &mut Filling,
    ) -> Option<Picked> {
        let draw = filling.rng.next_u64();
        let mut trace = self.planner.traces.is_some().then(PickTrace::default);
        let picked = self.ask(source, run, fit, filling.end, draw, trace.as_mut());
        let picked = picked.map(|mut picked| {
            // What does not fit is told by the rest that is noted.
            picked.mask &= !FIT;
            for bit in bits(picked.mask) {
                let name = source.bit_name(&self.planner.catalogue, bit);
                *filling.relaxed.entry(name).or_default() += 1;
            }
            picked
        });
        if let Err(removed) = &picked {
            let most = removed.iter().max_by_key(|(rule, count)| (*count, *rule));
            // A break that stays short for its separation says so, whatever else was too long.
            let apart = removed.iter().find(|(rule, _)| *rule == KEPT_APART);
            let most = apart.or(most);
            let reason = match most {
                _ if source.main.is_empty() && source.reserve.is_empty() => {
                    "no item matches".into()
                }
                Some((rule, count)) => format!("{count} of {} by {rule}", source.main.len()),
                None => "no item is left".into(),
            };
            let hole = format!("nothing to plan in {}: {reason}", self.shown(&source.key));
            // That nothing short enough is left is how a run that must not be longer ends.
            if most.is_none_or(|(rule, _)| *rule != TOO_LONG) {
                self.notes.push(format!("{}: {hole}", filling.label));
                self.planner.hole |= source.key.fills();
            }
            trace.get_or_insert_default().hole = Some(hole);
        }
        if let (Some(mut trace), true) = (trace, self.planner.traces.is_some()) {
            trace.source = format!("{}: {}", filling.label, self.shown(&source.key));
            trace.at = self.chain.next_start().utc();
            trace.seed = filling.seed.iter().map(|byte| format!("{byte:02x}")).collect();
            trace.draw = draw;
            trace.candidates = source.main.len();
            if let Some(traces) = &mut self.planner.traces {
                traces.push((None, trace));
            }
        }
        picked.ok()
    }

    fn ask(
        &self,
        source: &Source,
        run: &Run,
        fit: Option<Fit>,
        end: End,
        draw: u64,
        trace: Option<&mut PickTrace>,
    ) -> Result<Picked, Removed> {
        let planner = &*self.planner;
        let start = self.chain.next_start();
        let at = start.utc();
        let room = end.hard.then(|| (end.at.since(start), self.chain.useful()));
        let thresholds: Vec<i64> = source
            .spans
            .iter()
            .map(|span| super::criteria::threshold(at, *span, &planner.zone))
            .collect();
        let complement = planner.inputs.rules.performance_complement;
        let (catalogue, history) = (&*planner.catalogue, &planner.history);
        let hard = Hard::at(catalogue, history, &planner.zone, complement, at);
        let (base, thresholds) = (&planner.base[..], &thresholds[..]);
        let media = planner.inputs.media;
        // What is put between keeps its own order.
        let way = if source.key.fills() { planner.way } else { Way::Rules };
        let desk = Desk { catalogue, history, base, media, hard: &hard, thresholds, way };
        desk.pick(source, &Ask { at, draw, fit, room, run }, trace)
    }

    /// Why an item must not air next, whatever asks for it.
    pub(super) fn ruled_out(&self, place: usize) -> Option<&'static str> {
        let planner = &*self.planner;
        let at = self.chain.next_start().utc();
        let complement = planner.inputs.rules.performance_complement;
        let (catalogue, history) = (&*planner.catalogue, &planner.history);
        let hard = Hard::at(catalogue, history, &planner.zone, complement, at);
        let base = &planner.base[..];
        let media = planner.inputs.media;
        let (thresholds, way) = (&[][..], planner.way);
        let desk = Desk { catalogue, history, base, media, hard: &hard, thresholds, way };
        hard.item(place, history).or_else(|| hard.complement(place, &desk))
    }
}
