//! Smart blocks in a timeline, given / when / then.

use super::Timeline;
use super::command::{ClockCommand, TimelineCommand};
use crate::given::given;
use grimnir_events::clock::ClockEvent;
use grimnir_events::smart_block::{
    BlockRules, BlockSeparation, Fallback, Rest, SmartBlock, StationRules,
};
use grimnir_events::timeline::{ClockSlot, FormatClock, SlotSource, SlotStart, TimelineEvent};
use grimnir_events::{ClockId, SmartBlockId};

fn id(n: u8) -> SmartBlockId {
    SmartBlockId([n; 16])
}

fn block(n: u8, fallbacks: &[u8]) -> SmartBlock {
    let lend = |n: &u8| Fallback { smart_block_id: id(*n), limit: 0 };
    let fallbacks = fallbacks.iter().map(lend).collect();
    let rules = BlockRules { fallbacks, ..BlockRules::default() };
    SmartBlock { id: id(n), name: format!("Block {n}"), description: String::new(), rules }
}

fn put(block: SmartBlock) -> TimelineCommand {
    TimelineCommand::SetSmartBlock { block: Box::new(block) }
}

fn was_put(block: SmartBlock) -> TimelineEvent {
    TimelineEvent::SmartBlockSet { block: Box::new(block) }
}

fn clock(n: u8) -> FormatClock {
    let source = SlotSource::SmartBlock { block_id: id(n) };
    let slots = vec![ClockSlot::at(0, SlotStart::Free, source)];
    FormatClock { id: ClockId([1; 16]), name: "Clock".into(), slots, min_airtime_ms: None }
}

#[test]
fn a_block_is_made_changed_and_removed() {
    let changed = SmartBlock { name: "Other".into(), ..block(1, &[]) };
    let timeline = given::<Timeline>(&[])
        .when(put(block(1, &[])))
        .then(&[was_put(block(1, &[]))])
        .when(put(block(1, &[])))
        .then_nothing()
        .when(put(changed.clone()))
        .then(&[was_put(changed)]);
    let remove = TimelineCommand::RemoveSmartBlock { block_id: id(1) };
    let gone = [TimelineEvent::SmartBlockRemoved { block_id: id(1) }];
    timeline.when(remove.clone()).then(&gone).when(remove).rejected("smart_block_not_found");
}

#[test]
fn what_names_a_block_keeps_it() {
    let timeline = || given::<Timeline>(&[was_put(block(1, &[])), was_put(block(2, &[1]))]);
    let remove = |n| TimelineCommand::RemoveSmartBlock { block_id: id(n) };
    let message = timeline().when(remove(1)).rejected("smart_block_in_use");
    assert!(message.contains(&id(2).to_string()), "{message}");
    let set = |n| TimelineCommand::Clock(ClockCommand::Set { clock: Box::new(clock(n)) });
    timeline().when(set(3)).rejected("smart_block_not_found");
    let named = timeline()
        .when(set(2))
        .then(&[TimelineEvent::Clock(ClockEvent::Set { clock: Box::new(clock(2)) })]);
    let message = named.when(remove(2)).rejected("smart_block_in_use");
    assert!(message.contains("format clock"), "{message}");
}

#[test]
fn fallbacks_exist_and_neither_circle_nor_go_too_deep() {
    let chain = || {
        let blocks = [block(1, &[]), block(2, &[1]), block(3, &[2]), block(4, &[3])];
        given::<Timeline>(&blocks.map(was_put))
    };
    chain().when(put(block(5, &[9]))).rejected("smart_block_not_found");
    chain().when(put(block(5, &[5]))).rejected("smart_block_rules");
    chain().when(put(block(1, &[2]))).rejected("smart_block_fallback_depth");
    chain().when(put(block(5, &[4]))).rejected("smart_block_fallback_depth");
    // Longer at the far end makes the chain of another too long.
    let longer = given::<Timeline>(&[0, 1, 2, 3, 4].map(|n| {
        was_put(if n == 0 || n == 1 { block(n + 10, &[]) } else { block(n + 10, &[n + 9]) })
    }));
    longer.when(put(block(11, &[10]))).rejected("smart_block_fallback_depth");
    chain().when(put(block(5, &[3]))).then(&[was_put(block(5, &[3]))]);
}

#[test]
fn rules_that_make_no_sense_are_refused_by_name_value_and_limit() {
    let mut wrong = block(1, &[]);
    wrong.rules.rest = Rest { share_percent: 101, weight_x100: 1 };
    let message = given::<Timeline>(&[]).when(put(wrong)).rejected("smart_block_rules");
    assert_eq!(message, "rules.rest.share_percent is 101, expected 1 to 100");
    let separation = BlockSeparation { artist_sec: Some(200_000), ..BlockSeparation::default() };
    let rules = Box::new(StationRules { separation, ..StationRules::default() });
    let command = TimelineCommand::SetStationRules { rules };
    let message = given::<Timeline>(&[]).when(command).rejected("smart_block_rules");
    assert_eq!(message, "separation.artist_sec is 200000, expected at most 172800");
}

#[test]
fn the_stations_rules_are_set_once() {
    let rules = Box::new(StationRules { performance_complement: true, ..Default::default() });
    let command = || TimelineCommand::SetStationRules { rules: rules.clone() };
    let event = TimelineEvent::StationRulesSet { rules: rules.clone() };
    let after = given::<Timeline>(&[]).when(command()).then(&[event]);
    assert!(after.state.rules.performance_complement);
    after.when(command()).then_nothing();
}
