//! What comes up in breaks and as imaging.

use super::catalogue::Entry;
use super::text::same;
use grimnir_events::SmartBlockId;
use grimnir_events::clock::{ImagingRole, Stopset, StopsetSource};
use grimnir_events::library::ItemKind;
use grimnir_events::smart_block::{BlockRules, BlockSeparation, SmartBlock};
use std::collections::BTreeMap;

/// An item is for this role: of its kind, and of the category, else known for the role by its own
/// category or a tag. Every legal ID is for its role.
pub fn is_for(entry: &Entry<'_>, role: ImagingRole, category: &str) -> bool {
    let (kind, any) = match role {
        ImagingRole::LegalId => (ItemKind::LegalId, true),
        ImagingRole::Sweeper | ImagingRole::Bumper => (ItemKind::Imaging, false),
    };
    let known = |text: &String| same(text, role.word());
    let named = match category {
        "" => any || known(&entry.item.category) || entry.details.tags.iter().any(known),
        category => same(&entry.item.category, category),
    };
    named && entry.item.kind == kind
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
