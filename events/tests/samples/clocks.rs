//! Samples of format clocks and of the orders beside them.

use super::{Labelled, at, labelled, plain, raw, words};
use grimnir_events::clock::{
    ClockEvent, ClockSlot, FormatClock, ImagingRole, LegalIdRule, Stopset, StopsetSource,
};
use grimnir_events::smart_block::{BlockSeparation, Field, FieldSeparation};
use grimnir_events::timeline::{SlotSource, SlotStart};
use grimnir_events::{ClockId, MediaId, PlaylistId, SmartBlockId};

/// A clock with a slot of every kind, by offset and by position.
pub fn format_clock() -> FormatClock {
    let stopset = |from, max_items| SlotSource::Stopset {
        stopset: Box::new(Stopset {
            from,
            length_ms: 120_001,
            tolerance_ms: 5_002,
            max_items,
            separation: BlockSeparation {
                artist_sec: Some(601),
                fields: vec![FieldSeparation { field: Field::Custom("product".into()), sec: 602 }],
                ..BlockSeparation::default()
            },
        }),
    };
    let playlist_id = PlaylistId(raw(130));
    let mut slots = vec![
        ClockSlot {
            items: Some(3),
            min_airtime_ms: Some(7_003),
            ..ClockSlot::at(0, SlotStart::Hard, SlotSource::Playlist { playlist_id })
        },
        ClockSlot::next(stopset(StopsetSource::Category("spots".into()), Some(4))),
        ClockSlot::next(stopset(StopsetSource::SmartBlock(SmartBlockId(raw(131))), None)),
        ClockSlot::at(
            1_800_005,
            SlotStart::Soft { grace_ms: 30_006 },
            SlotSource::VoiceTrack { track: "link one".into() },
        ),
    ];
    for (word, role) in words!(ImagingRole: LegalId, Sweeper, Bumper) {
        slots.push(ClockSlot::next(SlotSource::Imaging { role, category: word.into() }));
    }
    let id = ClockId(raw(132));
    FormatClock { id, name: "Drive".into(), slots, min_airtime_ms: Some(8_004) }
}

pub fn legal_id_rule() -> LegalIdRule {
    LegalIdRule { before_ms: 300_001, after_ms: 240_002, category: "ids".into() }
}

pub fn clocks() -> Labelled<ClockEvent> {
    use ClockEvent::*;
    let tracked = |media_id| VoiceTracked { hour: at(7), track: "link one".into(), media_id };
    let bare = FormatClock { slots: vec![], min_airtime_ms: None, ..format_clock() };
    let samples = vec![
        plain(Set { clock: Box::new(format_clock()) }),
        ("bare".into(), Set { clock: Box::new(bare) }),
        ("Some".into(), LegalIdSet { rule: Some(legal_id_rule()) }),
        ("None".into(), LegalIdSet { rule: None }),
        ("Some".into(), tracked(Some(MediaId(raw(133))))),
        ("None".into(), tracked(None)),
        plain(SignedOn { at: at(8) }),
    ];
    labelled!(ClockEvent: [Set, LegalIdSet, VoiceTracked, SignedOn], samples)
}
