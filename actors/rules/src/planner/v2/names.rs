//! What sources are called: in notes and traces, and in the seeds of slots.

use super::catalogue::Catalogue;
use super::column::Key;
use super::pick::{APART, EXCLUDE, FIT, QUOTA, REST, SEQUENCE};
use super::slots::Slots;
use super::source::{Source, SourceKey};
use crate::planner::chain::cut;
use grimnir_events::clock::StopsetSource;
use grimnir_events::smart_block::SmartBlock;
use grimnir_events::timeline::SlotSource;

impl Source {
    /// The word of a bit of a pick's mask.
    pub fn bit_name(&self, catalogue: &Catalogue, bit: u32) -> String {
        match bit {
            FIT => "fit".into(),
            REST => "rest".into(),
            SEQUENCE => "sequence".into(),
            QUOTA => "quota".into(),
            EXCLUDE => "exclude".into(),
            bit => {
                let step = bit.trailing_zeros() - APART;
                let apart = self.apart.get(step as usize);
                let key = apart.map(|apart| &catalogue.dims[apart.dim].key);
                let word = key.map(Key::word).unwrap_or_default();
                let seconds = apart.map_or(0, |apart| apart.us / 1_000_000);
                format!("{word} separation of {seconds} s")
            }
        }
    }
}

impl SourceKey {
    /// It fills time, rather than being put between what does.
    pub const fn fills(&self) -> bool {
        match self {
            Self::Library | Self::Category(_) | Self::Block(_) | Self::Playlist(..) => true,
            Self::Bumpers(_) | Self::Interstitial(..) | Self::Stopset(_) | Self::Imaging(..) => {
                false
            }
        }
    }
}

impl Slots<'_, '_> {
    /// A source as people know it.
    pub fn shown(&self, key: &SourceKey) -> String {
        let block = |id| -> String {
            let named = |block: &SmartBlock| format!("smart block \"{}\"", cut(&block.name));
            self.planner.inputs.blocks.get(id).map_or_else(|| id.to_string(), named)
        };
        match key {
            SourceKey::Library => "the library".into(),
            SourceKey::Category(name) => format!("category \"{}\"", cut(name)),
            SourceKey::Block(id) => block(id),
            SourceKey::Playlist(id, _) => match self.planner.inputs.playlists.get(id) {
                Some((name, _)) => format!("playlist \"{}\"", cut(name)),
                None => id.to_string(),
            },
            SourceKey::Bumpers(id) => format!("the bumpers of {}", block(id)),
            SourceKey::Interstitial(id, at) => format!("interstitials {at} of {}", block(id)),
            SourceKey::Stopset(stopset) => match &stopset.from {
                StopsetSource::Category(name) => format!("the break from \"{}\"", cut(name)),
                StopsetSource::SmartBlock(id) => format!("the break from {}", block(id)),
            },
            SourceKey::Imaging(role, name) if name.is_empty() => role.word().into(),
            SourceKey::Imaging(role, name) => format!("{} \"{}\"", role.word(), cut(name)),
        }
    }
}

/// What a slot's seed knows of its source.
pub(super) fn named(source: &SlotSource) -> Vec<u8> {
    match source {
        SlotSource::Playlist { playlist_id } | SlotSource::PlaylistBy { playlist_id, .. } => {
            playlist_id.0.to_vec()
        }
        SlotSource::Category { category }
        | SlotSource::LiveWindow { category, .. }
        | SlotSource::Webstream { category, .. } => category.clone().into_bytes(),
        SlotSource::HardItem { media_id } => media_id.0.to_vec(),
        SlotSource::SmartBlock { block_id } => block_id.0.to_vec(),
        SlotSource::Stopset { stopset } => match &stopset.from {
            StopsetSource::Category(category) => category.clone().into_bytes(),
            StopsetSource::SmartBlock(block_id) => block_id.0.to_vec(),
        },
        SlotSource::Imaging { role, category } => [role.word(), category].concat().into_bytes(),
        SlotSource::VoiceTrack { track } => track.clone().into_bytes(),
    }
}
