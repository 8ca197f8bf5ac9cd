//! A slot of a format clock as it is written: every type with the keys that go with it.

use crate::http::show::LiveBody;
use crate::problem::Problem;
use grimnir_events::clock::{ClockSlot, ImagingRole, Stopset, StopsetSource};
use grimnir_events::smart_block::BlockSeparation;
use grimnir_events::timeline::{PlaylistMode, SlotSource, SlotStart};
use grimnir_events::{MediaId, PlaylistId, SmartBlockId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Grace of a soft start that names none.
pub(super) const GRACE_MS: u32 = 300_000;

/// One place in an hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Milliseconds from the start of the hour; left out, the slot follows the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset_ms: Option<u32>,
    /// How its first line starts; `free` for a slot without an offset.
    #[serde(default)]
    start: Start,
    /// With a soft start: how long the running item may go on, and how early this may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grace_ms: Option<u32>,
    /// Where its lines come from.
    r#type: SlotType,
    /// Most items, 1 to 150. Left out, it fills to the next slot with an offset; a slot that one
    /// without follows takes one item then, or one run of a block with an end of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    items: Option<u16>,
    /// Below this airtime an item is not started; left out, it is the clock's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_airtime_ms: Option<u32>,
    /// The playlist, with type `playlist`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    playlist_id: Option<PlaylistId>,
    /// In which way, with type `playlist`: `sequential` unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    mode: Option<PlaylistMode>,
    /// The category, with type `category` (empty means the whole library), `live_window` or
    /// `webstream` (what is planned underneath), or `imaging` (empty means what is known for the
    /// role).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// The item, with type `hard_item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    media_id: Option<MediaId>,
    /// The smart block, with type `smart_block`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    smart_block_id: Option<SmartBlockId>,
    /// The break, with type `stopset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopset: Option<StopsetBody>,
    /// What it is for, with type `imaging`: `legal_id`, `sweeper` or `bumper`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    role: Option<ImagingRole>,
    /// Name of the place in the clock, with type `voice_track`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    track: Option<String>,
    /// Who may go live, with type `live_window`; nobody named means every DJ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live: Option<LiveBody>,
    /// Its addresses, the first one first, with type `webstream`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    urls: Option<Vec<String>>,
}

/// A break: items in a row up to a length. It has a `category` or a `smart_block_id`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopsetBody {
    /// Items of this category, of any kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// Items of this smart block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    smart_block_id: Option<SmartBlockId>,
    /// How long it is to be.
    length_ms: u32,
    /// How far off is near enough; it is never longer than length and tolerance.
    #[serde(default)]
    tolerance_ms: u32,
    /// Most items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
    /// Seconds between alike items, e.g. `{"fields": [{"field": {"custom": "product"}, "sec":
    /// 900}]}`; what is left out is the block's.
    #[serde(default)]
    #[schema(value_type = Object)]
    separation: BlockSeparation,
}

/// How a slot's first line starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// After whatever comes before.
    #[default]
    Free,
    /// Next at the first junction within `grace_ms` before or after; it waits or cuts beyond.
    Soft,
    /// On the frame of its time; what plays is cut.
    Hard,
}

/// Where a slot's lines come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlotType {
    /// A playlist; fills to the next slot.
    Playlist,
    /// Items of a category, by rotation; fills to the next slot.
    Category,
    /// One item, once.
    #[serde(alias = "media", alias = "item")]
    HardItem,
    /// Items of a smart block, by its rules.
    SmartBlock,
    /// A break, once: items that add up to its length.
    Stopset,
    /// Imaging by rotation: one item, or as many as `items` says.
    Imaging,
    /// A place that a recorded item takes, hour by hour; left out where none did.
    VoiceTrack,
    /// A time for live sources; fills to the next slot underneath.
    LiveWindow,
    /// A time for a stream from elsewhere; fills to the next slot underneath.
    Webstream,
}

impl SlotType {
    /// The key goes with this type.
    fn takes(self, key: &str) -> bool {
        match self {
            Self::Playlist => ["playlist_id", "mode"].contains(&key),
            Self::Category => key == "category",
            Self::HardItem => key == "media_id",
            Self::SmartBlock => key == "smart_block_id",
            Self::Stopset => key == "stopset",
            Self::Imaging => ["role", "category"].contains(&key),
            Self::VoiceTrack => key == "track",
            Self::LiveWindow => ["live", "category"].contains(&key),
            Self::Webstream => ["urls", "category"].contains(&key),
        }
    }
}

fn refused<T>(name: String, kind: &str) -> Result<T, Problem> {
    let detail = format!("{name} does not go with {kind}");
    Err(Problem::invalid(name, detail))
}

impl Slot {
    pub(super) fn read(self, at: usize) -> Result<ClockSlot, Problem> {
        let name = |field: &str| format!("slots[{at}].{field}");
        let start = match (self.start, self.grace_ms) {
            (Start::Soft, grace) => SlotStart::Soft { grace_ms: grace.unwrap_or(GRACE_MS) },
            (_, Some(_)) => return refused(name("grace_ms"), "a start that is not soft"),
            (Start::Free, None) => SlotStart::Free,
            (Start::Hard, None) => SlotStart::Hard,
        };
        let given = [
            ("playlist_id", self.playlist_id.is_some()),
            ("mode", self.mode.is_some()),
            ("category", self.category.is_some()),
            ("media_id", self.media_id.is_some()),
            ("smart_block_id", self.smart_block_id.is_some()),
            ("stopset", self.stopset.is_some()),
            ("role", self.role.is_some()),
            ("track", self.track.is_some()),
            ("live", self.live.is_some()),
            ("urls", self.urls.is_some()),
        ];
        let stray = given.into_iter().find(|(key, given)| *given && !self.r#type.takes(key));
        if let Some((key, _)) = stray {
            return refused(name(key), "this type of slot");
        }
        let (offset_ms, items, min_airtime_ms) = (self.offset_ms, self.items, self.min_airtime_ms);
        Ok(ClockSlot { offset_ms, start, source: self.source(at)?, items, min_airtime_ms })
    }

    fn source(self, at: usize) -> Result<SlotSource, Problem> {
        let missing =
            |key: &str| Problem::missing("missing_required_fields", format!("slots[{at}].{key}"));
        Ok(match self.r#type {
            SlotType::Playlist => {
                let playlist_id = self.playlist_id.ok_or_else(|| missing("playlist_id"))?;
                match self.mode {
                    None | Some(PlaylistMode::Sequential) => SlotSource::Playlist { playlist_id },
                    Some(mode) => SlotSource::PlaylistBy { playlist_id, mode },
                }
            }
            SlotType::Category => {
                SlotSource::Category { category: self.category.unwrap_or_default() }
            }
            SlotType::HardItem => {
                SlotSource::HardItem { media_id: self.media_id.ok_or_else(|| missing("media_id"))? }
            }
            SlotType::SmartBlock => SlotSource::SmartBlock {
                block_id: self.smart_block_id.ok_or_else(|| missing("smart_block_id"))?,
            },
            SlotType::Stopset => {
                let stopset = self.stopset.ok_or_else(|| missing("stopset"))?;
                SlotSource::Stopset { stopset: Box::new(stopset.read(at)?) }
            }
            SlotType::Imaging => SlotSource::Imaging {
                role: self.role.ok_or_else(|| missing("role"))?,
                category: self.category.unwrap_or_default(),
            },
            SlotType::VoiceTrack => {
                SlotSource::VoiceTrack { track: self.track.ok_or_else(|| missing("track"))? }
            }
            SlotType::LiveWindow => SlotSource::LiveWindow {
                live: self.live.unwrap_or_default().into(),
                category: self.category.unwrap_or_default(),
            },
            SlotType::Webstream => SlotSource::Webstream {
                urls: self.urls.ok_or_else(|| missing("urls"))?,
                category: self.category.unwrap_or_default(),
            },
        })
    }

    pub(super) fn of(slot: ClockSlot) -> Self {
        let (start, grace_ms) = match slot.start {
            SlotStart::Free => (Start::Free, None),
            SlotStart::Soft { grace_ms } => (Start::Soft, Some(grace_ms)),
            SlotStart::Hard => (Start::Hard, None),
        };
        let bare = Self {
            offset_ms: slot.offset_ms,
            start,
            grace_ms,
            r#type: SlotType::Category,
            items: slot.items,
            min_airtime_ms: slot.min_airtime_ms,
            playlist_id: None,
            mode: None,
            category: None,
            media_id: None,
            smart_block_id: None,
            stopset: None,
            role: None,
            track: None,
            live: None,
            urls: None,
        };
        let kind = |r#type| Self { r#type, ..bare.clone() };
        match slot.source {
            SlotSource::Playlist { playlist_id } => {
                Self { playlist_id: Some(playlist_id), ..kind(SlotType::Playlist) }
            }
            SlotSource::PlaylistBy { playlist_id, mode } => {
                let playlist_id = Some(playlist_id);
                Self { playlist_id, mode: Some(mode), ..kind(SlotType::Playlist) }
            }
            SlotSource::Category { category } => Self { category: Some(category), ..bare },
            SlotSource::HardItem { media_id } => {
                Self { media_id: Some(media_id), ..kind(SlotType::HardItem) }
            }
            SlotSource::SmartBlock { block_id } => {
                Self { smart_block_id: Some(block_id), ..kind(SlotType::SmartBlock) }
            }
            SlotSource::Stopset { stopset } => {
                Self { stopset: Some(StopsetBody::of(*stopset)), ..kind(SlotType::Stopset) }
            }
            SlotSource::Imaging { role, category } => {
                let category = (!category.is_empty()).then_some(category);
                Self { role: Some(role), category, ..kind(SlotType::Imaging) }
            }
            SlotSource::VoiceTrack { track } => {
                Self { track: Some(track), ..kind(SlotType::VoiceTrack) }
            }
            SlotSource::LiveWindow { live, category } => {
                let (live, category) = (Some(live.into()), Some(category));
                Self { live, category, ..kind(SlotType::LiveWindow) }
            }
            SlotSource::Webstream { urls, category } => {
                let (urls, category) = (Some(urls), Some(category));
                Self { urls, category, ..kind(SlotType::Webstream) }
            }
        }
    }
}

impl StopsetBody {
    fn read(self, at: usize) -> Result<Stopset, Problem> {
        let name = |key: &str| format!("slots[{at}].stopset.{key}");
        let from = match (self.category, self.smart_block_id) {
            (Some(category), None) => StopsetSource::Category(category),
            (None, Some(block_id)) => StopsetSource::SmartBlock(block_id),
            (None, None) => {
                return Err(Problem::missing("missing_required_fields", name("category")));
            }
            (Some(_), Some(_)) => return refused(name("smart_block_id"), "a category"),
        };
        let Self { length_ms, tolerance_ms, max_items, separation, .. } = self;
        Ok(Stopset { from, length_ms, tolerance_ms, max_items, separation })
    }

    fn of(stopset: Stopset) -> Self {
        let (category, smart_block_id) = match stopset.from {
            StopsetSource::Category(category) => (Some(category), None),
            StopsetSource::SmartBlock(block_id) => (None, Some(block_id)),
        };
        let Stopset { length_ms, tolerance_ms, max_items, separation, .. } = stopset;
        Self { category, smart_block_id, length_ms, tolerance_ms, max_items, separation }
    }
}
