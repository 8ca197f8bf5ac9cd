//! One line picked again: from the same source, by the same rules, between the lines that stay.
//!
//! Upstream: whoever finds that a line cannot stay ([`crate::planner::invalid`]). Downstream: the
//! planning actor, which commits the repair. The seed is that of the line and its item, so that the
//! same repair asked for again is the same pick.

use super::hard::Hard;
use super::history::{History, Who};
use super::pick::{Desk, Run};
use super::score::Fit;
use super::slots::{Filling, Slots};
use super::source::SourceKey;
use super::ways::Way;
use super::{Planner, Stretch, hour_seed, tryout};
use crate::planner::PlanInputs;
use crate::planner::chain::Chain;
use crate::planner::hours::{hour_of, ruling_clock, slots_in, zone};
use crate::planner::invalid::is_there;
use crate::planner::sound::takes_crossfade;
use crate::planner::v1::slots::End;
use grimnir_events::clock::ImagingRole;
use grimnir_events::library::ItemKind;
use grimnir_events::roll::{Origin, Part, RepairReason};
use grimnir_events::smart_block::MAX_FALLBACK_DEPTH;
use grimnir_events::timeline::{HourPlan, Line, PlaylistMode, SlotSource};
use grimnir_events::units::FRAMES_PER_SECOND;
use grimnir_events::{LineId, PlaylistId, SmartBlockId, UtcMicros, derive_id};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A length this near to that of the line before is as good as the same: 2 s.
const NEAR: i64 = 2 * FRAMES_PER_SECOND;

/// Which line is picked again.
#[derive(Clone, Copy, Debug)]
pub struct Repair<'r> {
    /// Start of its hour.
    pub hour: UtcMicros,
    /// Which.
    pub line_id: LineId,
    /// Where it came from; where that is not known or gone, its slot by the clock that rules now.
    pub origin: Option<&'r Origin>,
    /// Lines of its hour that came from there in the same run.
    pub run: &'r [LineId],
    /// Why it cannot stay.
    pub reason: &'r RepairReason,
}

/// What takes the place of a line, and the seed of the pick; `None` for a line that is not there.
///
/// No line takes it where nothing may: the source has nothing that fits, it plays in an order of
/// its own, or it was that one item.
pub fn repair(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    asked: &Repair<'_>,
) -> Option<(Option<Line>, [u8; 32])> {
    let plan = planned.get(&asked.hour)?;
    let place = plan.lines.iter().position(|line| line.id == asked.line_id)?;
    let old = plan.lines[place].clone();
    let seed = seed_of(inputs, asked.hour, &old);
    let mut without = planned.clone();
    without.get_mut(&asked.hour)?.lines.remove(place);
    let block = |id: &SmartBlockId| inputs.blocks.contains_key(id);
    let playlist = |id: &PlaylistId| inputs.playlists.contains_key(id);
    let there = |origin: &&Origin| is_there(&origin.source, &block, &playlist);
    let origin = match asked.origin.filter(there) {
        // Wherever it found its break, its place is a legal ID's.
        _ if old.kind == ItemKind::LegalId => {
            let (role, category) = (ImagingRole::LegalId, String::new());
            (SlotSource::Imaging { role, category }, Part::Main)
        }
        Some(origin) => (origin.source.clone(), origin.part),
        None => by_the_clock(inputs, old.planned_at),
    };
    let mut planner = tryout::begin(inputs, &without, old.planned_at);
    planner.traces = None;
    let next = plan.lines.get(place + 1);
    let next = next.and_then(|next| planner.catalogue.place(next.media_id));
    let next = next.and_then(|next| planner.item(next));
    let abuts = next.is_some_and(|item| !takes_crossfade(item, inputs.settings));
    let before = plan.lines[..place].iter().filter(|line| asked.run.contains(&line.id));
    let before = before.filter_map(|line| planner.catalogue.place(line.media_id));
    let picked = before.filter_map(|place| u32::try_from(place).ok()).collect();
    let run = Run { picked, ..Run::default() };
    let at = old.planned_at;
    let (slots, next, shows) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (hour, whole) = (hour_of(&planner.zone, at), (false, false));
    let stretch = Stretch { from: at, until: at, slots, next, whole, shows, hour };
    let chain = Chain::new(inputs, at, at.frame(), old.anchor);
    let mut slots = Slots::new(&mut planner, &[], chain, seed, &stretch);
    let end = End { at: at.frame().plus(old.cues.airtime()), cut: None, hard: false, hold: false };
    let mut filling = slots.begin("repair".into(), 0, at, end, &old.id.0);
    let picked = if *asked.reason == RepairReason::AudioReplaced {
        slots.planner.catalogue.place(old.media_id)
    } else {
        slots.again(&origin, &run, &old, &mut filling)
    };
    let Some(picked) = picked else { return Some((None, seed)) };
    slots.push(picked, None);
    if abuts {
        slots.chain.close_without_crossfade();
    }
    let line = slots.finish().0.pop().map(|line| Line {
        id: LineId(derive_id("line repaired", &[&old.id.0, &line.media_id.0])),
        planned_at: old.planned_at,
        anchor: old.anchor,
        ..line
    });
    Some((line, seed))
}

fn seed_of(inputs: &PlanInputs<'_>, hour: UtcMicros, old: &Line) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(hour_seed(inputs, hour));
    hasher.update(b"repair");
    hasher.update(old.id.0);
    hasher.update(old.media_id.0);
    hasher.finalize().into()
}

/// What the ruling clock fills that instant from; the library where it says nothing.
fn by_the_clock(inputs: &PlanInputs<'_>, at: UtcMicros) -> (SlotSource, Part) {
    let hour = hour_of(&zone(inputs.time_zone), at);
    let PlanInputs { grid, clock, clocks, .. } = *inputs;
    let slots = ruling_clock(grid, clock, clocks, &hour)
        .map_or_else(Vec::new, |clock| slots_in(clock, &hour));
    let begun = |slot: &&grimnir_events::timeline::ClockSlot| {
        let offset_ms = slot.offset_ms.unwrap_or(u32::MAX);
        hour.from.plus(i64::from(offset_ms) * 1_000) <= at
    };
    let source = slots.iter().rev().find(begun).map(|slot| slot.source.clone());
    (source.unwrap_or(SlotSource::Category { category: String::new() }), Part::Main)
}

impl Slots<'_, '_> {
    /// Another item of the source for the place of a line; the nearest length that scores best.
    fn again(
        &mut self,
        (source, part): &(SlotSource, Part),
        run: &Run,
        old: &Line,
        filling: &mut Filling,
    ) -> Option<usize> {
        let fit = Some(Fit { left: old.cues.airtime(), tolerance: NEAR });
        let key = match (source, part) {
            (_, Part::Fill) => SourceKey::Library,
            (SlotSource::SmartBlock { block_id }, Part::Main) => {
                return self.again_of_block(*block_id, run, fit, filling, 0);
            }
            (SlotSource::SmartBlock { block_id }, Part::Bumpers) => SourceKey::Bumpers(*block_id),
            (SlotSource::SmartBlock { block_id }, Part::Interstitial { at }) => {
                SourceKey::Interstitial(*block_id, *at as usize)
            }
            (
                SlotSource::Category { category }
                | SlotSource::LiveWindow { category, .. }
                | SlotSource::Webstream { category, .. },
                _,
            ) => match category.as_str() {
                "" => SourceKey::Library,
                category => SourceKey::Category(category.to_lowercase()),
            },
            (SlotSource::Stopset { stopset }, _) => SourceKey::Stopset(stopset.clone()),
            (SlotSource::Imaging { role, category }, _) => {
                SourceKey::Imaging(*role, category.to_lowercase())
            }
            (SlotSource::PlaylistBy { playlist_id, mode }, _)
                if *mode != PlaylistMode::Sequential =>
            {
                SourceKey::Playlist(*playlist_id, *mode)
            }
            // What has its order keeps it: the lines behind it move up.
            (SlotSource::Playlist { .. } | SlotSource::PlaylistBy { .. }, _) => return None,
            (SlotSource::HardItem { .. } | SlotSource::VoiceTrack { .. }, _) => return None,
        };
        let source = self.planner.source(&key)?;
        self.pick(&source, run, fit, filling).map(|picked| picked.place)
    }

    fn again_of_block(
        &mut self,
        block: SmartBlockId,
        run: &Run,
        fit: Option<Fit>,
        filling: &mut Filling,
        depth: usize,
    ) -> Option<usize> {
        let source = self.planner.source(&SourceKey::Block(block))?;
        if let Some(picked) = self.pick(&source, run, fit, filling) {
            return Some(picked.place);
        }
        if depth == MAX_FALLBACK_DEPTH {
            return None;
        }
        let lenders = source.rules.fallbacks.iter().map(|fallback| fallback.smart_block_id);
        lenders.into_iter().find_map(|id| self.again_of_block(id, run, fit, filling, depth + 1))
    }
}

/// Lines of an hour that break a rule which is never relaxed, and which; those that `stays` names
/// are not looked at.
pub fn breaks(
    inputs: &PlanInputs<'_>,
    planned: &BTreeMap<UtcMicros, HourPlan>,
    hour: UtcMicros,
    stays: &dyn Fn(&LineId) -> bool,
) -> Vec<(LineId, &'static str)> {
    let Some(plan) = planned.get(&hour) else { return Vec::new() };
    let mut planner = Planner::new(inputs, planned, hour);
    let catalogue = planner.catalogue.clone();
    let lines = History::planned(&catalogue, plan);
    let later =
        planned.range(hour.plus(1)..).flat_map(|(_, plan)| History::planned(&catalogue, plan));
    let later: Vec<_> = lines.iter().cloned().chain(later).collect();
    let complement = inputs.rules.performance_complement;
    let mut found = Vec::new();
    for (place, (line, play)) in plan.lines.iter().zip(lines).enumerate() {
        planner.history.set_later(&catalogue, later[place + 1..].to_vec());
        if let (Who::Item(item), false) = (&play.who, stays(&line.id)) {
            let (history, item) = (&planner.history, *item as usize);
            let hard = Hard::at(&catalogue, history, &planner.zone, complement, play.at);
            let (base, media, catalogue) = (&planner.base[..], inputs.media, &*catalogue);
            let (thresholds, way) = (&[][..], Way::Rules);
            let desk = Desk { catalogue, history, base, media, hard: &hard, thresholds, way };
            let why = hard.item(item, history).or_else(|| hard.complement(item, &desk));
            found.extend(why.map(|why| (line.id, why)));
        }
        planner.history.note(&catalogue, play);
    }
    found
}
