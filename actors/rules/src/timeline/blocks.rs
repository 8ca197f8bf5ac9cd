//! Answers what is asked about smart blocks and the station's rules.

use super::rejection::TimelineRejection as No;
use super::state::TimelineState;
use grimnir_events::clock::StopsetSource;
use grimnir_events::smart_block::{
    MAX_FALLBACK_DEPTH, SmartBlock, StationRules, check_separations,
};
use grimnir_events::timeline::{FormatClock, SlotSource, TimelineEvent};
use grimnir_events::{Payload, SmartBlockId, codec};
use std::collections::BTreeSet;

/// Most smart blocks of a station.
pub const MAX_BLOCKS: usize = 500;
/// Largest encoded block: a commit of 60 KiB holds it twice, in the command and in the event.
const MAX_BLOCK_BYTES: usize = 28 * 1024;

/// A block is made or changed.
pub fn set(state: &TimelineState, block: &SmartBlock) -> Result<Vec<TimelineEvent>, No> {
    block.validate().map_err(No::Rules)?;
    for fallback in &block.rules.fallbacks {
        let id = fallback.smart_block_id;
        if !state.blocks.contains_key(&id) {
            return Err(No::UnknownBlock(id));
        }
    }
    let (block_id, event) =
        (block.id, TimelineEvent::SmartBlockSet { block: Box::new(block.clone()) });
    let found = size(&event);
    if found > MAX_BLOCK_BYTES {
        return Err(No::BlockTooLarge { block_id, found, limit: MAX_BLOCK_BYTES });
    }
    match state.blocks.get(&block.id) {
        Some(known) if known == block => return Ok(Vec::new()),
        None if state.blocks.len() >= MAX_BLOCKS => {
            return Err(No::TooManyBlocks { limit: MAX_BLOCKS });
        }
        Some(_) | None => {}
    }
    // The new rules may make the chains of others too long as well.
    let naming = state.blocks.keys().copied().filter(|id| *id != block_id);
    for id in naming.chain([block_id]) {
        let found = chain(state, block, id, &mut BTreeSet::new());
        if found > MAX_FALLBACK_DEPTH {
            return Err(No::FallbackDepth { block_id: id, found, limit: MAX_FALLBACK_DEPTH });
        }
    }
    Ok(vec![event])
}

fn size<P: Payload>(payload: &P) -> usize {
    codec::encode(payload).map_or(usize::MAX, |encoded| encoded.bytes.len())
}

/// Blocks that follow on one another from `id`; a circle is longer than any limit.
fn chain(
    state: &TimelineState,
    new: &SmartBlock,
    id: SmartBlockId,
    above: &mut BTreeSet<SmartBlockId>,
) -> usize {
    if !above.insert(id) || above.len() > MAX_FALLBACK_DEPTH + 2 {
        return MAX_FALLBACK_DEPTH + 1;
    }
    let block = if id == new.id { Some(new) } else { state.blocks.get(&id) };
    let fallbacks = block.map_or(&[][..], |block| &block.rules.fallbacks);
    let below = fallbacks.iter().map(|next| 1 + chain(state, new, next.smart_block_id, above));
    let longest = below.max().unwrap_or_default();
    above.remove(&id);
    longest
}

/// A block is removed.
pub fn remove(state: &TimelineState, block_id: SmartBlockId) -> Result<Vec<TimelineEvent>, No> {
    if !state.blocks.contains_key(&block_id) {
        return Err(No::UnknownBlock(block_id));
    }
    let names = |clock: &&FormatClock| slots(clock).any(|id| id == block_id);
    if let Some(clock) = state.clocks.values().find(names) {
        return Err(No::BlockInUse { block_id, by: format!("format clock {}", clock.id) });
    }
    let lends = |block: &&SmartBlock| {
        block.rules.fallbacks.iter().any(|fallback| fallback.smart_block_id == block_id)
    };
    if let Some(block) = state.blocks.values().find(lends) {
        return Err(No::BlockInUse { block_id, by: format!("smart block {}", block.id) });
    }
    Ok(vec![TimelineEvent::SmartBlockRemoved { block_id }])
}

/// The station asks something else of every pick.
pub fn set_rules(state: &TimelineState, rules: &StationRules) -> Result<Vec<TimelineEvent>, No> {
    check_separations("separation", &rules.separation).map_err(No::Rules)?;
    let changed = state.rules != *rules;
    let event = TimelineEvent::StationRulesSet { rules: Box::new(rules.clone()) };
    Ok(changed.then_some(event).into_iter().collect())
}

/// The blocks that a clock names exist.
pub fn check_slots(state: &TimelineState, clock: &FormatClock) -> Result<(), No> {
    match slots(clock).find(|id| !state.blocks.contains_key(id)) {
        Some(id) => Err(No::UnknownBlock(id)),
        None => Ok(()),
    }
}

fn slots(clock: &FormatClock) -> impl Iterator<Item = SmartBlockId> {
    clock.slots.iter().filter_map(|slot| match &slot.source {
        SlotSource::SmartBlock { block_id } => Some(*block_id),
        SlotSource::Stopset { stopset } => match stopset.from {
            StopsetSource::SmartBlock(block_id) => Some(block_id),
            StopsetSource::Category(_) => None,
        },
        SlotSource::Playlist { .. }
        | SlotSource::Category { .. }
        | SlotSource::HardItem { .. }
        | SlotSource::PlaylistBy { .. }
        | SlotSource::Imaging { .. }
        | SlotSource::VoiceTrack { .. }
        | SlotSource::LiveWindow { .. }
        | SlotSource::Webstream { .. } => None,
    })
}
