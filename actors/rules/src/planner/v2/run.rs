//! One run of a smart block: its length, its bumpers and interstitials, and whom it asks when it
//! has nothing.

use super::pick::{Picked, Run};
use super::score::Fit;
use super::slots::{Filling, Slots};
use super::source::{Source, SourceKey};
use crate::planner::chain::cut;
use crate::planner::v1::slots::End;
use grimnir_events::roll::Part;
use grimnir_events::smart_block::{Duration, Interstitials, Logic, MAX_FALLBACK_DEPTH, Strategy};
use grimnir_events::units::frames_of_ms;
use grimnir_events::{AirFrame, SmartBlockId};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A run in the making.
struct Block<'s> {
    id: SmartBlockId,
    source: &'s Rc<Source>,
    run: Run,
    begun: AirFrame,
    /// Where the run is to end.
    goal: AirFrame,
    /// Items since the last break, and breaks so far.
    breaks: (u32, usize),
    /// Items taken of each fallback.
    borrowed: BTreeMap<SmartBlockId, u32>,
    /// Most items that the slot takes.
    most: Option<u16>,
}

impl Slots<'_, '_> {
    /// Fills a slot from a smart block.
    pub(super) fn block(&mut self, id: SmartBlockId, filling: &mut Filling) {
        let Some(source) = self.planner.source(&SourceKey::Block(id)) else {
            self.notes.push(format!("{}: {id} does not exist", filling.label));
            return;
        };
        let begun = self.chain.next_start();
        let duration = &source.rules.duration;
        let own = duration.target_ms.map(|ms| begun.plus(frames_of_ms(i64::from(ms))));
        let goal = own.map_or(filling.end.at, |own| own.min(filling.end.at));
        let (run, borrowed) = (Run::default(), BTreeMap::new());
        let (breaks, most) = ((0, 0), filling.items);
        let mut block = Block { id, source: &source, run, begun, goal, breaks, borrowed, most };
        while self.block_wants(&block, filling.end) && self.has_room() {
            self.interstitials(&mut block, filling);
            if !self.block_wants(&block, filling.end) || !self.has_room() {
                break;
            }
            if !self.block_item(&mut block, filling) {
                break;
            }
        }
        self.bumpers(&block, filling);
        for (lender, items) in std::mem::take(&mut block.borrowed) {
            let name = self.shown(&SourceKey::Block(lender));
            self.notes.push(format!("{}: {items} items from fallback {name}", filling.label));
        }
        let left = goal.since(self.chain.next_start());
        if own.is_some() && left > frames_of_ms(i64::from(duration.tolerance_ms)) {
            let ms = left / 48;
            self.notes
                .push(format!("{}: the block ends {ms} ms short of its target", filling.label));
        }
    }

    /// Time is left that the block is to fill.
    fn block_wants(&self, block: &Block<'_>, end: End) -> bool {
        let Duration { strategy, tolerance_ms, max_items, .. } = &block.source.rules.duration;
        let left = block.goal.since(self.chain.next_start());
        let near = match strategy {
            Strategy::Over => 0,
            Strategy::Closest | Strategy::Under | Strategy::ExactFit => {
                frames_of_ms(i64::from(*tolerance_ms))
            }
        };
        let count = block.run.picked.len();
        let most = block.most.is_none_or(|most| count < usize::from(most));
        most && self.wants_more(end)
            && left > near
            && max_items.is_none_or(|max| count < max as usize)
    }

    /// Appends one item of the block or of whoever stands in for it; says whether to go on.
    fn block_item(&mut self, block: &mut Block<'_>, filling: &mut Filling) -> bool {
        let duration = &block.source.rules.duration;
        let start = self.chain.next_start();
        let left = block.goal.since(start);
        let whole = block.goal.since(block.begun).max(1);
        let tolerance = frames_of_ms(i64::from(duration.tolerance_ms));
        block.run.done_permille = start.since(block.begun).saturating_mul(1_000) / whole;
        block.run.longest = (duration.strategy == Strategy::Under).then_some(left + tolerance);
        let fit = match duration.strategy {
            Strategy::ExactFit => Some(Fit { left, tolerance }),
            Strategy::Closest | Strategy::Under | Strategy::Over => self.fit(filling.end),
        };
        let source = block.source.clone();
        let (kept, borrowed) = (self.kept(filling), block.borrowed.clone());
        let Some(picked) = self.block_pick(&source, block, fit, filling, 0) else { return false };
        let airtime = self.planner.catalogue.entries[picked.place].cues.airtime();
        if self.identify_instead(airtime, kept, filling) {
            block.borrowed = borrowed;
            return true;
        }
        let worse = airtime > left && airtime - left >= left;
        if duration.strategy == Strategy::Closest && worse {
            let traces = self.planner.traces.as_mut();
            if let Some((_, trace)) = traces.and_then(|traces| traces.last_mut()) {
                // Else the next line of the same item would take this for its own.
                trace.picked = None;
                trace.hole = Some("the block is closer to its target without it".into());
            }
            return false;
        }
        block.run.picked.push(picked.place as u32);
        block.breaks.0 += 1;
        self.push(picked.place, None);
        true
    }

    /// A pick from the block, or from the first fallback in its chain that has one.
    fn block_pick(
        &mut self,
        source: &Rc<Source>,
        block: &mut Block<'_>,
        fit: Option<Fit>,
        filling: &mut Filling,
        depth: usize,
    ) -> Option<Picked> {
        let noted = self.notes.len();
        if let Some(picked) = self.pick(source, &block.run, fit, filling) {
            return Some(picked);
        }
        if depth == MAX_FALLBACK_DEPTH {
            return None;
        }
        for fallback in &source.rules.fallbacks {
            let id = fallback.smart_block_id;
            let taken = block.borrowed.get(&id).copied().unwrap_or_default();
            if id == block.id || (fallback.limit > 0 && taken >= fallback.limit) {
                continue;
            }
            let Some(other) = self.planner.source(&SourceKey::Block(id)) else {
                self.notes.push(format!("{}: fallback {id} does not exist", filling.label));
                continue;
            };
            if let Some(picked) = self.block_pick(&other, block, fit, filling, depth + 1) {
                *block.borrowed.entry(id).or_default() += 1;
                // That somebody stood in is told once, with the count.
                self.notes.truncate(noted);
                return Some(picked);
            }
        }
        None
    }

    /// A break, where one is due.
    fn interstitials(&mut self, block: &mut Block<'_>, filling: &mut Filling) {
        let rules: &Interstitials = &block.source.rules.interstitials;
        if !rules.enabled || rules.sources.is_empty() || block.breaks.0 < rules.every {
            return;
        }
        let sources = rules.sources.len();
        let takes: Vec<usize> = match rules.logic {
            Logic::All => (0..sources).collect(),
            Logic::Any => {
                let per_break = rules.per_break as usize;
                (0..per_break).map(|n| (block.breaks.1 * per_break + n) % sources).collect()
            }
        };
        block.breaks = (0, block.breaks.1 + 1);
        for at in takes {
            if !self.wants_more(filling.end) || !self.has_room() {
                return;
            }
            let Some(source) = self.planner.source(&SourceKey::Interstitial(block.id, at)) else {
                self.notes.push(format!("{}: interstitials {at} have no source", filling.label));
                continue;
            };
            // A run that must not be longer is not made so by a break.
            let duration = &block.source.rules.duration;
            let left = block.goal.since(self.chain.next_start());
            let most = left + frames_of_ms(i64::from(duration.tolerance_ms));
            let longest = (duration.strategy == Strategy::Under).then_some(most);
            let run = Run { longest, ..Run::default() };
            if let Some(picked) = self.pick(&source, &run, None, filling) {
                self.part = Part::Interstitial { at: u32::try_from(at).unwrap_or(u32::MAX) };
                self.push(picked.place, None);
                self.part = Part::Main;
            }
        }
    }

    /// Short items into the gap that the block leaves before its goal.
    fn bumpers(&mut self, block: &Block<'_>, filling: &mut Filling) {
        let rules = &block.source.rules;
        let tolerance = frames_of_ms(i64::from(rules.duration.tolerance_ms));
        let count = block.run.picked.len();
        let full = rules.duration.max_items.is_some_and(|max| count >= max as usize);
        if !rules.bumpers.enabled || full {
            return;
        }
        let Some(source) = self.planner.source(&SourceKey::Bumpers(block.id)) else {
            self.notes.push(format!("{}: the bumpers have no source", filling.label));
            return;
        };
        let mut run = Run::default();
        while block.goal.since(self.chain.next_start()) > tolerance && self.has_room() {
            if run.picked.len() >= rules.bumpers.max_per_gap as usize {
                let name = cut(&self.shown(&SourceKey::Block(block.id)));
                self.notes
                    .push(format!("{}: the bumper limit of {name} is reached", filling.label));
                return;
            }
            let left = block.goal.since(self.chain.next_start());
            run.longest = Some(left + tolerance);
            let fit = Some(Fit { left, tolerance });
            let Some(picked) = self.pick(&source, &run, fit, filling) else { return };
            run.picked.push(picked.place as u32);
            self.part = Part::Bumpers;
            self.push(picked.place, None);
            self.part = Part::Main;
        }
    }
}
