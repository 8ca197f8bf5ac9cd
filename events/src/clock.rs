//! The words of format clocks: their slots, what a slot may hold, and what is ordered for single
//! hours beside them.
//!
//! Clocks that were stored before slots could stand by position are read from their own shapes
//! ([`ClockV1`]); in memory there is one shape.

use crate::ids::{ClockId, MediaId, SmartBlockId};
use crate::smart_block::BlockSeparation;
use crate::timeline::{SlotSource, SlotStart};
use crate::units::UtcMicros;
use serde::{Deserialize, Serialize};

/// What happened to format clocks and to the orders beside them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockEvent {
    /// A format clock exists, or has other slots now.
    Set {
        /// The clock.
        clock: Box<FormatClock>,
    },
    /// Legal IDs are put around the hour in another way.
    LegalIdSet {
        /// How; `None` puts none.
        rule: Option<LegalIdRule>,
    },
    /// A recorded item takes a voice track's place in one hour.
    VoiceTracked {
        /// First instant of the hour.
        hour: UtcMicros,
        /// Name of the place.
        track: String,
        /// What takes it; `None` leaves it open again.
        media_id: Option<MediaId>,
    },
    /// The station signed on while it puts legal IDs.
    SignedOn {
        /// When.
        at: UtcMicros,
    },
}

/// The template of one hour.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FormatClock {
    /// Its id.
    pub id: ClockId,
    /// Its name.
    pub name: String,
    /// Slots, in order.
    pub slots: Vec<ClockSlot>,
    /// Below this airtime an item is not started; `None` is the station's.
    pub min_airtime_ms: Option<u32>,
}

/// One place in a format clock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClockSlot {
    /// Milliseconds from the start of the hour; `None` follows the slot before.
    pub offset_ms: Option<u32>,
    /// How its first line starts.
    pub start: SlotStart,
    /// Where its lines come from.
    pub source: SlotSource,
    /// Most items. `None` fills to the next slot that has an offset; a slot that one without
    /// follows takes one item then, or one run of a block that has an end of its own.
    pub items: Option<u16>,
    /// Below this airtime an item is not started; `None` is the clock's.
    pub min_airtime_ms: Option<u32>,
}

impl ClockSlot {
    /// A slot at an offset that fills to the next one.
    pub const fn at(offset_ms: u32, start: SlotStart, source: SlotSource) -> Self {
        Self { offset_ms: Some(offset_ms), start, source, items: None, min_airtime_ms: None }
    }

    /// A slot that follows the one before.
    pub const fn next(source: SlotSource) -> Self {
        let start = SlotStart::Free;
        Self { offset_ms: None, start, source, items: None, min_airtime_ms: None }
    }

    /// The slot begins with the hour.
    pub const fn opens_the_hour(&self) -> bool {
        matches!(self.offset_ms, Some(0))
    }
}

/// A break: items in a row up to a length.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Stopset {
    /// Where its items come from.
    pub from: StopsetSource,
    /// How long it is to be.
    pub length_ms: u32,
    /// How far off is near enough; it is never longer than length and tolerance.
    pub tolerance_ms: u32,
    /// Most items; `None` knows no limit.
    pub max_items: Option<u32>,
    /// How far apart alike items are. What is not given is the block's; a category has none.
    pub separation: BlockSeparation,
}

/// Where the items of a break come from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopsetSource {
    /// Items of a category, of any kind.
    Category(String),
    /// Items of a smart block.
    SmartBlock(SmartBlockId),
}

/// What imaging is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImagingRole {
    /// The required station identification: items of kind `legal_id`.
    LegalId,
    /// Between two songs.
    Sweeper,
    /// Into or out of a break.
    Bumper,
}

impl ImagingRole {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::LegalId => "legal_id",
            Self::Sweeper => "sweeper",
            Self::Bumper => "bumper",
        }
    }
}

/// Around every full hour a legal ID airs at a natural break: the one nearest to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LegalIdRule {
    /// How long before the hour it may start.
    pub before_ms: u32,
    /// How long after the hour it may start.
    pub after_ms: u32,
    /// Items of this category; empty takes every item of kind `legal_id`.
    pub category: String,
}

/// A clock as it was stored before slots could stand by position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClockV1 {
    /// Its id.
    pub id: ClockId,
    /// Its name.
    pub name: String,
    /// Slots, by offset.
    pub slots: Vec<SlotV1>,
}

/// A slot of [`ClockV1`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SlotV1 {
    /// Milliseconds from the start of the hour.
    pub offset_ms: u32,
    /// How its first line starts.
    pub start: SlotStart,
    /// Where its lines come from.
    pub source: SlotSource,
}

impl From<ClockV1> for FormatClock {
    fn from(old: ClockV1) -> Self {
        let slot = |slot: SlotV1| ClockSlot::at(slot.offset_ms, slot.start, slot.source);
        let slots = old.slots.into_iter().map(slot).collect();
        Self { id: old.id, name: old.name, slots, min_airtime_ms: None }
    }
}
