//! Samples of a plan that goes on with time.

use super::{Labelled, at, hash, hour_plan, line, plain, raw, words};
use grimnir_events::roll::{Horizon, HourRecord, LineTime, Origin, Part, RepairReason, RollEvent};
use grimnir_events::timeline::{Anchor, DropReason, SlotSource, Transition};
use grimnir_events::{LineId, SmartBlockId};

pub fn horizon() -> Horizon {
    Horizon { plan_hours: 49, firm_hours: 25 }
}

pub fn origins() -> Vec<Origin> {
    let block = SlotSource::SmartBlock { block_id: SmartBlockId(raw(130)) };
    let library = SlotSource::Category { category: String::new() };
    let origin = |first, slot, source: &SlotSource, part| Origin {
        first,
        slot,
        source: source.clone(),
        part,
    };
    vec![
        origin(0, None, &library, Part::Main),
        origin(1, Some(2), &block, Part::Bumpers),
        origin(3, Some(4), &block, Part::Interstitial { at: 5 }),
        origin(6, Some(7), &block, Part::Fill),
    ]
}

pub fn record() -> HourRecord {
    HourRecord {
        hour: at(0),
        at: at(1),
        lines: 131,
        inputs: hash(132),
        plan: hash(133),
        air_version: 70_134,
        origins: origins(),
    }
}

pub fn reasons() -> Labelled<RepairReason> {
    use RepairReason::*;
    let unplayable = Unplayable { reason: "its file is missing".into() };
    let hard = HardRule { rule: "rest time of the item".into() };
    let all = [Removed, unplayable, AudioReplaced, NotValid, Daypart, SourceGone, hard];
    let word =
        |reason: &RepairReason| format!("{reason:?}").chars().take_while(|c| *c != ' ').collect();
    all.into_iter().map(|reason| (word(&reason), reason)).collect()
}

pub fn line_times() -> Vec<LineTime> {
    vec![LineTime { line_id: LineId(raw(135)), planned_at: at(136) }]
}

pub fn rolled() -> Labelled<RollEvent> {
    use RollEvent::*;
    let new = line(Anchor::AfterPrevious, Transition::Segue);
    let repaired = |reason, with| LineRepaired {
        hour: at(0),
        line_id: LineId(raw(137)),
        reason,
        with,
        input_seq: 138,
        seed: [139; 32],
    };
    let mut samples = vec![
        plain(HorizonSet { horizon: horizon() }),
        plain(HourRead { record: Box::new(record()) }),
        plain(HourContinued {
            hour: at(0),
            first: 3,
            lines: hour_plan().lines,
            origins: origins(),
        }),
        ("LineRepaired.none".into(), repaired(RepairReason::Removed, None)),
        plain(LinesRetimed { hour: at(0), times: line_times() }),
    ];
    for (label, reason) in reasons() {
        let with = Some(Box::new(new.clone()));
        samples.push((format!("LineRepaired.{label}"), repaired(reason, with)));
    }
    for (label, reason) in words!(DropReason: TimePassed, PassedByAnchor, NoUsefulAirtime,
        Interrupted, MissingFile, Undecodable, Skipped, OffAir, Held)
    {
        let lines = vec![LineId(raw(140)), LineId(raw(141))];
        samples.push((format!("LinesPassed.{label}"), LinesPassed { hour: at(0), lines, reason }));
    }
    for (label, sample) in &mut samples {
        if label.is_empty() {
            *label = format!("{sample:?}").chars().take_while(|c| c.is_alphanumeric()).collect();
        }
    }
    samples
}
