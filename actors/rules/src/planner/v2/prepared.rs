//! A library made ready once, for as many plans as are made while it stays the same.

use super::catalogue::Catalogue;
use super::column::Key;
use super::criteria::add_keys;
use crate::planner::PlanInputs;
use grimnir_events::MediaId;
use grimnir_events::smart_block::{BlockRules, BlockSeparation, Field, ItemSource, Rule};
use grimnir_events::timeline::SlotSource;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What planning reads of a station's library, side by side; a copy of it costs nothing.
///
/// It holds nothing of the rules: those may change, and plans stay the same with and without it.
/// Whoever keeps it makes it anew, or tells it what [`changed`](Self::changed), when the library
/// has moved.
#[derive(Clone, Debug)]
pub struct Prepared(Arc<Catalogue>);

impl Prepared {
    /// Reads the library of these inputs, with what their rules look at.
    pub fn of(inputs: &PlanInputs<'_>) -> Self {
        let PlanInputs { station, media, details, .. } = *inputs;
        Self(Arc::new(Catalogue::of(station, media, details, &keys(inputs))))
    }

    /// The same after these items came, left or changed; the inputs are those after it.
    #[must_use]
    pub fn changed(&self, inputs: &PlanInputs<'_>, items: &BTreeSet<MediaId>) -> Self {
        // What is left of gone texts and rules goes with a new reading.
        if self.0.patches + items.len() > self.0.entries.len() / 4 + 100 {
            return Self::of(inputs);
        }
        Self(Arc::new(self.0.changed(inputs.media, inputs.details, items)))
    }

    /// The same with whatever else the rules of the inputs look at. Planning does it for itself;
    /// done before, it is done once.
    #[must_use]
    pub fn ready(&self, inputs: &PlanInputs<'_>) -> Self {
        let keys = keys(inputs);
        let mut out = self.clone();
        if keys.iter().any(|key| out.0.column(key).is_none()) {
            Arc::make_mut(&mut out.0).complete(inputs.media, inputs.details, &keys);
        }
        out
    }

    /// Texts that it knows, those that no item has any more among them.
    #[cfg(test)]
    pub(super) fn texts(&self) -> usize {
        self.0.dims.iter().map(super::column::Column::len).sum()
    }

    /// The catalogue to plan these inputs from.
    pub(super) fn catalogue(inputs: &PlanInputs<'_>) -> Arc<Catalogue> {
        let own = |prepared: &&Self| prepared.0.station == inputs.station;
        match inputs.prepared.filter(own) {
            Some(prepared) => prepared.ready(inputs).0,
            None => Self::of(inputs).0,
        }
    }
}

/// The dimensions that items are kept apart by, beside those that always are.
pub(super) fn separated(inputs: &PlanInputs<'_>) -> BTreeSet<Key> {
    let of = |separation: &BlockSeparation| -> Vec<Key> {
        separation.fields.iter().map(|apart| Key::Of(apart.field.clone())).collect()
    };
    let blocks = inputs.blocks.values().flat_map(|block| of(&block.rules.separation));
    let slots = inputs.clocks.values().chain(inputs.clock).flat_map(|clock| &clock.slots);
    let breaks = slots.filter_map(|slot| match &slot.source {
        SlotSource::Stopset { stopset } => Some(of(&stopset.separation)),
        SlotSource::Playlist { .. }
        | SlotSource::PlaylistBy { .. }
        | SlotSource::Category { .. }
        | SlotSource::HardItem { .. }
        | SlotSource::SmartBlock { .. }
        | SlotSource::Imaging { .. }
        | SlotSource::VoiceTrack { .. }
        | SlotSource::LiveWindow { .. }
        | SlotSource::Webstream { .. } => None,
    });
    blocks.chain(breaks.flatten()).chain(of(&inputs.rules.separation)).collect()
}

/// The columns that the rules look at.
fn keys(inputs: &PlanInputs<'_>) -> BTreeSet<Key> {
    let mut keys = separated(inputs);
    keys.insert(Key::Of(Field::Category));
    for block in inputs.blocks.values() {
        keys.extend(block.rules.quotas.iter().map(|quota| Key::Of(quota.field.clone())));
        rules(&block.rules).for_each(|rule| add_keys(rule, &mut keys));
    }
    keys
}

fn rules(rules: &BlockRules) -> impl Iterator<Item = &Rule> {
    let groups = rules.include.iter().chain(&rules.exclude).flat_map(|group| &group.rules);
    let extras = rules.bumpers.source.iter().chain(&rules.interstitials.sources);
    let matched = extras.filter_map(|source| match source {
        ItemSource::Match(rule) => Some(rule),
        ItemSource::Playlist(_) => None,
    });
    groups.chain(rules.weights.iter().map(|weight| &weight.rule)).chain(matched)
}
