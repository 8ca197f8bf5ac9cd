//! What comes up in breaks and as imaging.

use super::catalogue::{ALBUM, ARTIST, Catalogue, LABEL, TITLE};
use super::pick::{APART, Run};
use super::source::{Reader, Source};
use super::text::same;
use grimnir_events::clock::{ImagingRole, Stopset, StopsetSource};
use grimnir_events::library::ItemKind;
use grimnir_events::smart_block::{BlockRules, BlockSeparation, Field, SmartBlock};
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
    // However its block plays, a break has nothing twice.
    rules.loop_to_fill = false;
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

/// The rules say themselves what kinds of items come up.
pub fn names_kinds(rules: &BlockRules) -> bool {
    let named = [Field::Kind, Field::Category, Field::Playlist];
    rules.include.iter().flat_map(|group| &group.rules).any(|rule| named.contains(&rule.field))
}

/// Why an item does not come up in a break.
pub const KEPT_APART: &str = "separation that the break keeps";

/// Separations that a break keeps whatever it leaves open, as bits of a pick's mask.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Firm {
    /// Against everything that airs.
    pub always: u32,
    /// Between the items of one break.
    pub within: u32,
}

impl Firm {
    /// Two items of one break are alike where they must not be.
    pub fn alike(self, source: &Source, run: &Run, catalogue: &Catalogue, place: usize) -> bool {
        let steps = source.apart.iter().enumerate();
        let mut kept = steps.filter(|(step, _)| self.within & (1 << (APART + *step as u32)) != 0);
        let same = |dim: usize, other: u32| {
            let dim = &catalogue.dims[dim];
            dim.of(place).iter().any(|value| dim.of(other as usize).contains(value))
        };
        self.within != 0
            && kept.any(|(_, apart)| run.picked.iter().any(|other| same(apart.dim, *other)))
    }
}

/// Says which separations of a break are kept: those that it names itself always, those that its
/// block names between its own items. What the whole station asks of music is no part of a break
/// from a category.
pub fn hold(reader: &Reader<'_, '_>, stopset: &Stopset, source: &mut Source) {
    let block = match &stopset.from {
        StopsetSource::Category(_) => None,
        StopsetSource::SmartBlock(id) => reader.inputs.blocks.get(id),
    };
    if block.is_none() && stopset.separation.fields.is_empty() {
        let named = [ARTIST, TITLE, ALBUM, LABEL];
        source.apart.retain(|apart| named.contains(&apart.dim));
    }
    let dims = |own: &BlockSeparation| -> Vec<usize> {
        let given = |sec: Option<u32>, dim| sec.filter(|sec| *sec > 0).map(|_| dim);
        let named = [
            given(own.artist_sec, ARTIST),
            given(own.title_sec, TITLE),
            given(own.album_sec, ALBUM),
            given(own.label_sec, LABEL),
        ];
        let fields = own.fields.iter().filter(|apart| apart.sec > 0);
        let fields = fields.filter_map(|apart| reader.catalogue.dim(&apart.field));
        named.into_iter().flatten().chain(fields).collect()
    };
    let own = dims(&stopset.separation);
    let lent = block.map_or_else(Vec::new, |block| dims(&block.rules.separation));
    for (step, apart) in source.apart.iter().enumerate() {
        let bit = 1 << (APART + step as u32);
        if own.contains(&apart.dim) {
            source.firm.always |= bit;
        }
        if own.contains(&apart.dim) || lent.contains(&apart.dim) {
            source.firm.within |= bit;
        }
    }
}
