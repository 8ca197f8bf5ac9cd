//! Samples of station, library, access and timeline.

use super::{
    Labelled, analysis, at, clocks, details, dsp_graph, hash, labelled, plain, raw, rolled, shows,
    smart_blocks, station_rules, windows, words,
};
use grimnir_events::access::{AccessEvent, Role};
use grimnir_events::clock::{ClockV1, SlotV1};
use grimnir_events::edit::{Arranged, EditEvent, Pin};
use grimnir_events::grid::{DatedSet, Days, Grid, LocalDate};
use grimnir_events::library::{CueMarks, ItemKind, LibraryEvent, MediaItem, Tags};
use grimnir_events::owner::OwnerEvent;
use grimnir_events::sealed::Sealed;
use grimnir_events::site::{SiteEvent, StoreDeviation};
use grimnir_events::station::{
    FadeCurve, Mount, MountFormat, StationEvent, StationSettings, TransitionMode,
};
use grimnir_events::template::{TemplateHour, TemplateLine, TemplateSpan};
use grimnir_events::timeline::*;
use grimnir_events::{
    ClockId, CredentialId, LineId, MediaId, MountId, PlaylistId, SmartBlockId, TemplateId, UserId,
};

pub fn settings() -> StationSettings {
    StationSettings {
        crossfade_ms: 3_001,
        fade_curve: FadeCurve::EqualPower,
        override_fade_ms: 502,
        sign_off_ms: 2_003,
        emergency_max_s: 604,
        override_max_s: 14_405,
        artist_separation_s: 1_806,
        title_separation_s: 3_607,
        target_lufs_x100: -1_608,
        min_airtime_ms: 10_009,
    }
}

pub fn mount(format: MountFormat) -> Mount {
    let (name, path) = ("Main".into(), "/main.mp3".into());
    Mount { id: MountId(raw(1)), name, path, format, bitrate_kbps: 192 }
}

pub fn cues() -> CueMarks {
    CueMarks { cue_in: 480, segue: 9_456_000, cue_out: 9_600_000 }
}

pub fn tags() -> Tags {
    Tags {
        title: "Fjörður".into(),
        artist: "The Samplers".into(),
        album: "First".into(),
        genre: "Test".into(),
        year: Some(1999),
        isrc: "ISAAA9900001".into(),
    }
}

pub fn station() -> Labelled<StationEvent> {
    use StationEvent::*;
    let mut samples = vec![
        plain(Created {
            name: "Grimnir One".into(),
            slug: "grimnir-one".into(),
            time_zone: "Europe/Berlin".into(),
            settings: settings(),
        }),
        plain(Renamed { name: "Grimnir Zwei".into() }),
        plain(TimeZoneChanged { time_zone: "Atlantic/Reykjavik".into() }),
        plain(MountRemoved { mount_id: MountId(raw(2)) }),
        plain(Started {}),
        plain(Stopped {}),
        ("Some".into(), FallbackChanged { media_id: Some(MediaId(raw(3))) }),
        ("None".into(), FallbackChanged { media_id: None }),
        plain(DspGraphSet { graph: Box::new(dsp_graph()) }),
    ];
    let modes = words!(TransitionMode: Segue, Fixed, Smart);
    samples.extend(modes.map(|(word, mode)| (word.into(), TransitionsChosen { mode })));
    for (word, format) in words!(MountFormat: Mp3, AacLc, Opus, Vorbis, Flac) {
        samples.push((word.into(), MountAdded { mount: mount(format) }));
    }
    let curves = words!(FadeCurve: Linear, EqualPower, Logarithmic, Exponential, SCurve);
    for (word, fade_curve) in curves {
        let settings = StationSettings { fade_curve, ..settings() };
        samples.push((word.into(), SettingsChanged { settings }));
    }
    samples.extend(super::output_events());
    labelled!(StationEvent: [
        Created, Renamed, TimeZoneChanged, SettingsChanged, MountAdded, MountRemoved, Started,
        Stopped, FallbackChanged, DspGraphSet, TransitionsChosen, OutputSet, OutputRemoved,
    ], samples)
}

fn item(kind: ItemKind) -> MediaItem {
    MediaItem {
        id: MediaId(raw(4)),
        hash: hash(5),
        play_hash: hash(6),
        file_name: "first.opus".into(),
        codec: "opus".into(),
        size_bytes: 7_000_000_000,
        duration_frames: 9_600_001,
        source_rate_hz: 44_100,
        channels: 2,
        loudness_lufs_x100: Some(-1_402),
        true_peak_dbtp_x100: Some(-103),
        cues: cues(),
        tags: tags(),
        category: "gold".into(),
        kind,
        must_air: true,
        long_form: false,
    }
}

pub fn library() -> Labelled<LibraryEvent> {
    use LibraryEvent::*;
    let media_id = MediaId(raw(7));
    let silent = MediaItem {
        loudness_lufs_x100: None,
        true_peak_dbtp_x100: None,
        tags: Tags { year: None, ..tags() },
        ..item(ItemKind::Music)
    };
    let refused = |hash| MediaRefused {
        file_name: "broken.mp3".into(),
        hash,
        reason: "no frame in 4,096 bytes".into(),
    };
    let mut samples = vec![
        ("silent".into(), MediaAdded { item: Box::new(silent) }),
        ("read".into(), refused(Some(hash(8)))),
        ("unread".into(), refused(None)),
        plain(MediaDescribed {
            media_id,
            tags: tags(),
            category: "recurrent".into(),
            kind: ItemKind::Feature,
            cues: cues(),
            must_air: false,
            long_form: true,
        }),
        plain(MediaLost { media_id, reason: "file is gone".into() }),
        plain(MediaFound { media_id }),
        plain(MediaRemoved { media_id }),
        plain(PlaylistSet {
            playlist_id: PlaylistId(raw(9)),
            name: "Morning".into(),
            items: vec![MediaId(raw(10)), MediaId(raw(11))],
        }),
        plain(PlaylistRemoved { playlist_id: PlaylistId(raw(9)) }),
        ("all".into(), MediaDetailed { media_id, details: Box::new(details()) }),
        ("nothing".into(), MediaDetailed { media_id, details: Box::default() }),
    ];
    for (word, kind) in words!(ItemKind: Music, LegalId, Imaging, Spot, Feature, Emergency) {
        samples.push((word.into(), MediaAdded { item: Box::new(item(kind)) }));
    }
    samples.extend(analysis(media_id).into_iter().map(|(word, event)| (word, Analysis(event))));
    samples.extend(super::stock(item(ItemKind::Feature)));
    labelled!(LibraryEvent: [
        MediaAdded, MediaRefused, MediaDescribed, MediaLost, MediaFound, MediaRemoved, PlaylistSet,
        PlaylistRemoved, MediaDetailed, Stock, Analysis,
    ], samples)
}

pub fn access() -> Labelled<AccessEvent> {
    use AccessEvent::*;
    let (user_id, credential_id) = (UserId(raw(12)), CredentialId(raw(13)));
    let name = Sealed { person: user_id, nonce: [14; 24], ciphertext: vec![15; 20] };
    let mut samples = vec![
        plain(UserRegistered {
            user_id,
            name,
            credential_id,
            fingerprint: hash(16),
            role: Role::Manager,
        }),
        plain(CredentialChanged { user_id, credential_id, fingerprint: hash(17) }),
        plain(UserErased { user_id }),
    ];
    for (word, role) in words!(Role: Admin, Manager, Dj) {
        samples.push((word.into(), RoleGranted { user_id, role }));
    }
    labelled!(AccessEvent: [UserRegistered, RoleGranted, CredentialChanged, UserErased], samples)
}

pub fn site() -> Labelled<SiteEvent> {
    use SiteEvent::*;
    let deviation = |name: &str, found: &str, wanted: &str| StoreDeviation {
        name: name.into(),
        found: found.into(),
        wanted: wanted.into(),
    };
    let accepted =
        |class: &str, deviations| WeakerDurabilityAccepted { class: class.into(), deviations };
    let sync = deviation("sync", "unverified: no monitoring address is given", "always");
    let limits = vec![deviation("max_age", "3600 s", "0 s"), deviation("num_deleted", "3", "0")];
    let samples = vec![
        ("Sync".into(), accepted("unverified", vec![sync])),
        ("Limits".into(), accepted("weaker", limits)),
    ];
    labelled!(SiteEvent: [WeakerDurabilityAccepted], samples)
}

pub fn line(anchor: Anchor, transition: Transition) -> Line {
    Line {
        id: LineId(raw(18)),
        media_id: MediaId(raw(19)),
        play_hash: hash(20),
        title: "Fjörður".into(),
        artist: "The Samplers".into(),
        kind: ItemKind::Music,
        planned_at: at(1_000_000),
        anchor,
        cues: cues(),
        gain_db_x100: -198,
        transition,
        min_airtime: 480_000,
        must_air: false,
        long_form: true,
    }
}

pub fn hour_plan() -> HourPlan {
    let fade = |curve| Transition::Crossfade { curve };
    HourPlan {
        hour: at(0),
        lines: vec![
            line(Anchor::AfterPrevious, fade(FadeCurve::Linear)),
            line(Anchor::Soft { at: at(2), grace_us: 30_000_000 }, fade(FadeCurve::EqualPower)),
            line(Anchor::Hard { at: at(3) }, Transition::Segue),
        ],
        input_seq: 4_242,
        seed: [21; 32],
        planner_version: 1,
        tzdb: "2026b".into(),
        notes: vec!["category gold is empty".into()],
    }
}

pub fn timeline() -> Labelled<TimelineEvent> {
    use TimelineEvent::*;
    let clock_id = ClockId(raw(22));
    let slot = |offset_ms, start, source| SlotV1 { offset_ms, start, source };
    let clock = ClockV1 {
        id: clock_id,
        name: "Drive".into(),
        slots: vec![
            slot(0, SlotStart::Hard, SlotSource::HardItem { media_id: MediaId(raw(23)) }),
            slot(1, SlotStart::Free, SlotSource::Category { category: "gold".into() }),
            slot(
                1_800_000,
                SlotStart::Soft { grace_ms: 30_000 },
                SlotSource::Playlist { playlist_id: PlaylistId(raw(24)) },
            ),
        ],
    };
    let empty = HourPlan { lines: vec![], notes: vec![], ..hour_plan() };
    let inserted = line(Anchor::AfterPrevious, Transition::Segue);
    let curve = FadeCurve::EqualPower;
    let transition = Transition::Smart { fade_out: 96_000, fade_in: 4_800, curve };
    let smart = line(Anchor::AfterPrevious, transition);
    let block_id = SmartBlockId(raw(26));
    let mut later = clock.clone();
    later.slots = vec![slot(2, SlotStart::Free, SlotSource::SmartBlock { block_id })];
    for (at, mode) in words!(PlaylistMode: Sequential, Shuffled, Rotation) {
        let (offset_ms, playlist_id) = (3 + at.len() as u32, PlaylistId(raw(27)));
        let source = SlotSource::PlaylistBy { playlist_id, mode };
        later.slots.push(slot(offset_ms, SlotStart::Free, source));
    }
    let mut samples = vec![
        plain(ClockSet { clock }),
        ("blocks".into(), ClockSet { clock: later }),
        plain(SmartBlockRemoved { block_id }),
        ("all".into(), StationRulesSet { rules: Box::new(station_rules()) }),
        ("nothing".into(), StationRulesSet { rules: Box::default() }),
        plain(ClockRemoved { clock_id }),
        ("Some".into(), DefaultClockChosen { clock_id: Some(clock_id) }),
        ("None".into(), DefaultClockChosen { clock_id: None }),
        plain(HourPlanned { plan: hour_plan() }),
        ("empty".into(), HourPlanned { plan: empty }),
        plain(LineInserted { hour: at(0), index: 7, line: Box::new(inserted) }),
        ("smart".into(), LineInserted { hour: at(0), index: 8, line: Box::new(smart) }),
        plain(LineDropped { hour: at(0), line_id: LineId(raw(25)), reason: "skipped".into() }),
        plain(GridSet { grid: grid(clock_id) }),
        plain(HourCleared { hour: at(0), reason: "another time zone".into() }),
        ("HourArranged".into(), Edited(Box::new(hour_arranged()))),
    ];
    for (label, pin) in words!(Pin: Hand, Voice, Locked) {
        let event = EditEvent::LinePinned { hour: at(0), line_id: LineId(raw(28)), pin: Some(pin) };
        samples.push((format!("LinePinned.{label}"), Edited(Box::new(event))));
    }
    let transition = Transition::Segue;
    let anchor = Anchor::Soft { at: at(1), grace_us: 2 };
    let (hour, line_id) = (at(0), LineId(raw(28)));
    let joined = EditEvent::LineJoined { hour, line_id, anchor, segue: 3, transition };
    samples.push(("LineJoined".into(), Edited(Box::new(joined))));
    samples.extend(templates());
    let free = EditEvent::LinePinned { hour: at(0), line_id: LineId(raw(28)), pin: None };
    samples.push(("LinePinned.None".into(), Edited(Box::new(free))));
    for (label, event) in rolled() {
        samples.push((label, Rolled(event)));
    }
    for (label, block) in smart_blocks() {
        samples.push((label, SmartBlockSet { block }));
    }
    samples.push(("windows".into(), ClockSet { clock: windows(clock_id) }));
    samples.extend(shows().into_iter().map(|(label, event)| (label, Show(event))));
    samples.extend(clocks().into_iter().map(|(label, event)| (label, Clock(event))));
    labelled!(TimelineEvent: [
        ClockSet, ClockRemoved, DefaultClockChosen, HourPlanned, LineInserted, LineDropped,
        GridSet, HourCleared,
        SmartBlockSet, SmartBlockRemoved, StationRulesSet, Edited, Clock, Show, Rolled,
    ], samples)
}

/// A template that is made, taken down, laid over hours and removed.
fn templates() -> Vec<(String, TimelineEvent)> {
    let template_id = TemplateId(raw(33));
    let line = |start| TemplateLine { media_id: MediaId(raw(34)), offset_ms: 35_000, start };
    let starts = [SlotStart::Free, SlotStart::Soft { grace_ms: 36_000 }, SlotStart::Hard];
    let lines = starts.map(line).to_vec();
    let hours = vec![
        TemplateHour { place: 167, clock_id: Some(ClockId(raw(37))), lines },
        TemplateHour { place: 0, clock_id: None, lines: vec![] },
    ];
    let set = |span| {
        let (name, description) = ("Summer".into(), "From June on".into());
        EditEvent::TemplateSet { template_id, name, description, span }
    };
    let samples = [
        ("TemplateSet.Day", set(TemplateSpan::Day)),
        ("TemplateSet.Week", set(TemplateSpan::Week)),
        ("TemplateHoursSet", EditEvent::TemplateHoursSet { template_id, hours }),
        ("TemplateRemoved", EditEvent::TemplateRemoved { template_id }),
        ("HoursAssigned", EditEvent::HoursAssigned { template_id, hours: vec![(at(3), 167)] }),
        ("HourFilled", EditEvent::HourFilled { hour: at(3) }),
    ];
    let event = |(label, event): (&str, _)| (label.into(), TimelineEvent::Edited(Box::new(event)));
    samples.into_iter().map(event).collect()
}

fn hour_arranged() -> EditEvent {
    let line = |n, s| Arranged { line_id: LineId(raw(n)), planned_at: at(s) };
    EditEvent::HourArranged { hour: at(0), lines: vec![line(29, 1), line(28, 2)] }
}

/// A grid with days of every kind.
pub fn grid(clock_id: ClockId) -> Grid {
    let date = |day| LocalDate { year: 2_026, month: 12, day };
    let days = [
        Days::Dates { dates: vec![date(24), date(31)] },
        Days::Span { from: date(1), until: date(6) },
        Days::Yearly { month: 5, day: 1 },
        Days::Weekday { month: 11, weekday: 4, nth: -1 },
        Days::Easter { offset_days: -2 },
    ];
    let hours = vec![Some(clock_id), None];
    let set = |days| DatedSet { name: "Holiday".into(), days, hours: hours.clone() };
    Grid { week: vec![None, Some(clock_id)], sets: days.map(set).into() }
}

/// The kinds of anchor, slot and transition that the samples above show; a new one must be shown.
pub fn shown(line: &Line, slot: &SlotV1) -> [&'static str; 4] {
    [
        match line.anchor {
            Anchor::AfterPrevious => "after",
            Anchor::Soft { .. } => "soft",
            Anchor::Hard { .. } => "hard",
        },
        match line.transition {
            Transition::Crossfade { .. } => "crossfade",
            Transition::Segue => "segue",
            Transition::Smart { .. } => "smart",
        },
        match slot.start {
            SlotStart::Free => "free",
            SlotStart::Soft { .. } => "soft",
            SlotStart::Hard => "hard",
        },
        match slot.source {
            SlotSource::Playlist { .. } => "playlist",
            SlotSource::Category { .. } => "category",
            SlotSource::HardItem { .. } => "item",
            SlotSource::SmartBlock { .. } => "smart_block",
            SlotSource::PlaylistBy { .. } => "playlist_by",
            SlotSource::Stopset { .. } => "stopset",
            SlotSource::Imaging { .. } => "imaging",
            SlotSource::VoiceTrack { .. } => "voice_track",
            SlotSource::LiveWindow { .. } => "live_window",
            SlotSource::Webstream { .. } => "webstream",
        },
    ]
}

pub fn owner() -> Labelled<OwnerEvent> {
    use OwnerEvent::*;
    let taken = OwnershipTaken { epoch: 0x0102_0304, node: "studio-a".into() };
    labelled!(OwnerEvent: [OwnershipTaken], vec![plain(taken)])
}
