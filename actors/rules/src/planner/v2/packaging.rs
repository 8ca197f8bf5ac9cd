//! What comes up in breaks and as imaging.

use super::source::Reader;
use super::text::same;
use grimnir_events::clock::{ImagingRole, Stopset, StopsetSource};
use grimnir_events::library::ItemKind;
use grimnir_events::smart_block::{BlockRules, BlockSeparation, SmartBlock};
use grimnir_events::{MediaId, SmartBlockId};
use std::collections::BTreeMap;

/// Places of the items for a role: of its kind, and of the category, else known for the role by
/// their own category or a tag. Every legal ID is for its role.
pub fn places_for(reader: &Reader<'_, '_>, role: ImagingRole, category: &str) -> Vec<u32> {
    let (kind, any) = match role {
        ImagingRole::LegalId => (ItemKind::LegalId, true),
        ImagingRole::Sweeper | ImagingRole::Bumper => (ItemKind::Imaging, false),
    };
    let inputs = reader.inputs;
    let known = |text: &String| same(text, role.word());
    let is_for = |id: MediaId| {
        let own = inputs.media.get(id).map(|item| &item.category);
        match category {
            "" if any => true,
            "" => {
                let tags = inputs.details.get(&id).map_or(&[][..], |details| &details.tags);
                own.is_some_and(known) || tags.iter().any(known)
            }
            category => own.is_some_and(|own| same(own, category)),
        }
    };
    let entries = (0..).zip(&reader.catalogue.entries);
    let found = entries.filter(|(_, entry)| entry.kind == kind && is_for(entry.id));
    found.map(|(place, _)| place).collect()
}

/// What a break asks: what its block does or nothing, apart as the break says. `None` where its
/// block does not exist.
pub fn break_rules(
    stopset: &Stopset,
    blocks: &BTreeMap<SmartBlockId, SmartBlock>,
) -> Option<BlockRules> {
    let own = &stopset.separation;
    let (mut rules, or) = match &stopset.from {
        StopsetSource::Category(_) => {
            let mut rules = BlockRules::default();
            // All of it may come up: the break's length decides, then rest.
            rules.rest.share_percent = 100;
            (rules, Some(0))
        }
        StopsetSource::SmartBlock(id) => (blocks.get(id)?.rules.clone(), None),
    };
    let known = std::mem::take(&mut rules.separation);
    rules.separation = BlockSeparation {
        artist_sec: own.artist_sec.or(known.artist_sec).or(or),
        title_sec: own.title_sec.or(known.title_sec).or(or),
        album_sec: own.album_sec.or(known.album_sec).or(or),
        label_sec: own.label_sec.or(known.label_sec).or(or),
        fields: if own.fields.is_empty() { known.fields } else { own.fields.clone() },
    };
    Some(rules)
}
