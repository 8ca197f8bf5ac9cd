//! Tests of version 2, with a library whose every item says something else.

mod breaks;
mod checker;
mod golden;
mod grammar;
mod hours;
mod legal;
mod rules;
mod slots;
mod shows;
mod timed;
mod warm;
mod ways;
mod worlds;

use super::*;
use crate::planner::world::{S, World, hour, item, slot};
use crate::planner::{Tally, plan_hours};
use grimnir_events::details::{CustomField, MediaDetails};
use grimnir_events::library::{ItemKind, MediaItem};
use grimnir_events::smart_block::*;
use grimnir_events::timeline::{Line, PlaylistMode, SlotSource, SlotStart};
use grimnir_events::{MediaId, PlaylistId, SmartBlockId};

/// The block that tests try.
pub(super) const BLOCK: SmartBlockId = SmartBlockId([9; 16]);

pub(super) fn media(n: u16) -> MediaId {
    item(n, 1, "").id
}

/// The number that an item's id holds.
pub(super) fn number(id: MediaId) -> u16 {
    u16::from_be_bytes([id.0[0], id.0[1]])
}

pub(super) fn numbers(lines: &[Line]) -> Vec<u16> {
    lines.iter().map(|line| number(line.media_id)).collect()
}

/// An item that says something in every field.
pub(super) fn described(n: u16) -> (MediaItem, MediaDetails) {
    let mut item = item(n, 150 + i64::from(n % 40) * 3, ["gold", "new", "deep"][n as usize % 3]);
    item.tags.artist = format!("Artist {}", n % 20);
    item.tags.album = format!("Album {}", n % 25);
    item.tags.genre = ["Rock", "Jazz", "Pop", "Folk"][n as usize % 4].into();
    item.tags.year = Some(1960 + n % 60);
    item.tags.isrc = format!("ISTST{n:07}");
    item.source_rate_hz = if n.is_multiple_of(2) { 44_100 } else { 48_000 };
    item.loudness_lufs_x100 = Some(-2_300 + i32::from(n % 10) * 100);
    let details = MediaDetails {
        album_artist: format!("Band {}", n % 7),
        label: format!("Label {}", n % 9),
        genres: vec![format!("Style {}", n % 5)],
        moods: vec![["calm", "wild"][n as usize % 2].into()],
        language: ["is", "de", "en"][n as usize % 3].into(),
        composer: format!("Composer {}", n % 6),
        publisher: format!("Publisher {}", n % 8),
        key: ["Am", "C"][n as usize % 2].into(),
        compilation: if n.is_multiple_of(10) { "Best of".into() } else { String::new() },
        explicit: n.is_multiple_of(11),
        bpm_x100: Some(6_000 + u32::from(n % 60) * 200),
        energy: (n.is_multiple_of(2)).then_some(n % 100 * 10),
        tags: if n.is_multiple_of(6) { vec!["winter".into(), "snow".into()] } else { vec![] },
        custom: vec![CustomField { name: "region".into(), value: format!("R{}", n % 4) }],
        added_at: Some(hour(0).plus(-i64::from(n) * 24 * 3_600_000_000)),
        ..MediaDetails::default()
    };
    (item, details)
}

pub(super) fn world(count: u16) -> World {
    let mut world = World { station: 1, ..World::default() };
    for (item, details) in (1..=count).map(described) {
        world.details.insert(item.id, details);
        world.media.insert(item.id, item);
    }
    world
}

pub(super) fn block(rules: BlockRules) -> SmartBlock {
    SmartBlock { id: BLOCK, name: "Block".into(), description: String::new(), rules }
}

/// A world whose every hour is one slot of the block.
pub(super) fn blocked(count: u16, rules: BlockRules) -> World {
    let mut world = world(count);
    let source = SlotSource::SmartBlock { block_id: BLOCK };
    world.clock = Some(crate::planner::world::clock(vec![slot(0, SlotStart::Free, source)]));
    world.blocks.insert(BLOCK, block(rules));
    world
}

pub(super) fn plan(world: &World, hours: i64) -> Vec<HourPlan> {
    let hours: Vec<UtcMicros> = (0..hours).map(hour).collect();
    plan_hours(&world.inputs(), &BTreeMap::new(), &hours)
}

/// What a block yields in so many seconds.
pub(super) fn yields(world: &World, rules: &BlockRules, seconds: u32) -> Materialized {
    let block = block(rules.clone());
    block.validate().expect("makes sense");
    materialize(&world.inputs(), &BTreeMap::new(), &block, hour(0), seconds * 1_000, 7)
}

pub(super) fn rule(field: Field, op: Op, value: Value) -> Rule {
    Rule { field, op, value }
}

pub(super) fn text(word: &str) -> Value {
    Value::Text(word.into())
}

pub(super) fn all(rules: Vec<Rule>) -> RuleGroup {
    RuleGroup { logic: Logic::All, rules }
}

/// Separation that asks for nothing.
pub(super) fn apart(seconds: u32) -> BlockSeparation {
    let sec = Some(seconds);
    BlockSeparation {
        artist_sec: sec,
        title_sec: sec,
        album_sec: sec,
        label_sec: sec,
        fields: vec![],
    }
}

/// Rules that leave everything to rotation.
pub(super) fn free() -> BlockRules {
    BlockRules { separation: apart(0), ..BlockRules::default() }
}
