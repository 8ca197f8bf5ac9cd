//! Samples of shows, of what is different about their instances, and of windows in clocks.

use super::{Labelled, labelled, plain, raw};
use grimnir_events::clock::{ClockV1, SlotV1};
use grimnir_events::show::{LiveAccess, LocalTime, Show, ShowContent, ShowEvent, Substitute};
use grimnir_events::timeline::{SlotSource, SlotStart};
use grimnir_events::{ClockId, PlaylistId, ShowId, UserId};

fn local(second: u32) -> LocalTime {
    let date = grimnir_events::grid::LocalDate { year: 2_026, month: 11, day: 21 };
    LocalTime { date, second }
}

fn live() -> LiveAccess {
    LiveAccess { users: vec![UserId(raw(130))], names: vec!["studio-b".into()] }
}

/// A show with that content.
pub fn show(content: ShowContent) -> Show {
    Show {
        id: ShowId(raw(131)),
        name: "Night Watch".into(),
        description: "Until the morning".into(),
        host: "Heimdall".into(),
        colour: "#20c0a8".into(),
        start: local(79_201),
        duration_s: 7_202,
        rrule: "FREQ=WEEKLY;BYDAY=FR,SA".into(),
        begins: SlotStart::Soft { grace_ms: 60_003 },
        content,
        live: matches!(content, ShowContent::Automation).then(live),
        linked: true,
        priority: 4,
    }
}

/// Every kind of content.
pub fn contents() -> Vec<(String, ShowContent)> {
    let all = vec![
        plain(ShowContent::Automation),
        plain(ShowContent::Clock { clock_id: ClockId(raw(132)) }),
        plain(ShowContent::Playlist { playlist_id: PlaylistId(raw(133)) }),
        plain(ShowContent::Rebroadcast { show_id: ShowId(raw(134)) }),
    ];
    labelled!(ShowContent: [Automation, Clock, Playlist, Rebroadcast], all)
}

pub fn shows() -> Labelled<ShowEvent> {
    use ShowEvent::*;
    let (show_id, original) = (ShowId(raw(131)), local(79_201));
    let with = Substitute {
        name: Some("Guest".into()),
        host: Some("Bragi".into()),
        content: Some(ShowContent::Playlist { playlist_id: PlaylistId(raw(133)) }),
    };
    let substituted = |with| InstanceSubstituted { show_id, original, with };
    let mut samples = vec![
        plain(ShowRemoved { show_id }),
        plain(InstanceCancelled { show_id, original, note: "the host is ill".into() }),
        plain(InstanceMoved { show_id, original, to: local(5), duration_s: 1_800 }),
        ("all".into(), substituted(with)),
        ("nothing".into(), substituted(Substitute::default())),
        plain(InstanceRestored { show_id, original }),
    ];
    for (label, content) in contents() {
        samples.push((label, ShowSet { show: Box::new(show(content)) }));
    }
    labelled!(ShowEvent: [
        ShowSet, ShowRemoved, InstanceCancelled, InstanceMoved, InstanceSubstituted,
        InstanceRestored,
    ], samples)
}

/// A clock with windows for live sources and for a stream.
pub fn windows(id: ClockId) -> ClockV1 {
    let slot = |offset_ms, source| SlotV1 { offset_ms, start: SlotStart::Free, source };
    let urls = vec!["https://one.example/live".into(), "https://two.example/live".into()];
    let slots = vec![
        slot(4, SlotSource::LiveWindow { live: live(), category: "gold".into() }),
        slot(5, SlotSource::Webstream { urls, category: "new".into() }),
    ];
    ClockV1 { id, name: "Windows".into(), slots }
}
