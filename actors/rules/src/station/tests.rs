//! Behaviour of a station, given / when / then.

use super::Station;
use super::command::StationCommand;
use super::decide::{MOUNTS_MAX, NAME_MAX, PATH_MAX, SLUG_MAX};
use crate::given::{Given, given};
use grimnir_events::station::{Mount, MountFormat, StationEvent, StationSettings};
use grimnir_events::{MediaId, MountId};
use proptest::prelude::*;

fn created() -> StationEvent {
    StationEvent::Created {
        name: "Radio Ygg".into(),
        slug: "ygg".into(),
        time_zone: "Europe/Oslo".into(),
        settings: StationSettings::default(),
    }
}

fn create(name: &str, slug: &str, time_zone: &str, settings: StationSettings) -> StationCommand {
    let (name, slug) = (name.to_owned(), slug.to_owned());
    StationCommand::Create { name, slug, time_zone: time_zone.to_owned(), settings }
}

fn ygg() -> Given<Station> {
    given(&[created()])
}

fn mount(n: u8, path: &str, bitrate_kbps: u16) -> Mount {
    let (id, name) = (MountId([n; 16]), "Main".to_owned());
    Mount { id, name, path: path.into(), format: MountFormat::Mp3, bitrate_kbps }
}

fn add(mount: &Mount) -> StationCommand {
    StationCommand::AddMount { mount: mount.clone() }
}

#[test]
fn a_station_is_created_once() {
    let command = || create("Radio Ygg", "ygg", "Europe/Oslo", StationSettings::default());
    let message = given::<Station>(&[]).when(command()).then(&[created()]).when(command());
    assert!(message.rejected("station_exists").contains("ygg"));
}

#[test]
fn nothing_is_asked_of_a_station_that_does_not_exist() {
    given::<Station>(&[]).when(StationCommand::Start {}).rejected("station_not_found");
    given::<Station>(&[]).when(add(&mount(1, "/a", 128))).rejected("station_not_found");
}

#[test]
fn names_slugs_and_zones_are_checked() {
    let ok = StationSettings::default;
    let no = |name: &str, slug: &str, zone: &str, code| {
        given::<Station>(&[]).when(create(name, slug, zone, ok())).rejected(code)
    };
    no("", "ygg", "UTC", "bad_text");
    no("  ", "ygg", "UTC", "bad_text");
    no("a\u{7}b", "ygg", "UTC", "bad_text");
    let long = no(&"x".repeat(NAME_MAX + 1), "ygg", "UTC", "bad_text");
    assert!(long.contains("101") && long.contains("100"), "{long}");
    no("Ygg", "", "UTC", "bad_text");
    no("Ygg", &"x".repeat(SLUG_MAX + 1), "UTC", "bad_text");
    for slug in ["Ygg", "y gg", "y/gg", "ü", "-ygg", "ygg-", "y_g"] {
        no("Ygg", slug, "UTC", "bad_slug");
    }
    for zone in ["", "Mars/Olympus", "europe/oslo", "+02:00", "../../etc/passwd"] {
        no("Ygg", "ygg", zone, "unknown_time_zone");
    }
}

#[test]
fn every_usual_zone_is_known() {
    for zone in ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "US/Eastern"] {
        let settings = StationSettings::default();
        let answer = given::<Station>(&[]).when(create("Ygg", "ygg", zone, settings));
        assert!(answer.result.is_ok(), "{zone}: {:?}", answer.result);
    }
}

#[test]
fn settings_out_of_range_are_rejected_with_the_range() {
    let default = StationSettings::default;
    let bad = [
        StationSettings { crossfade_ms: 30_001, ..default() },
        StationSettings { override_fade_ms: u32::MAX, ..default() },
        StationSettings { sign_off_ms: 60_001, ..default() },
        StationSettings { emergency_max_s: 0, ..default() },
        StationSettings { override_max_s: 86_401, ..default() },
        StationSettings { artist_separation_s: u32::MAX, ..default() },
        StationSettings { title_separation_s: u32::MAX, ..default() },
        StationSettings { target_lufs_x100: 0, ..default() },
        StationSettings { min_airtime_ms: 600_001, ..default() },
    ];
    for settings in bad {
        let settings = Some(settings);
        let command = StationCommand::Change { name: None, time_zone: None, settings };
        let message = ygg().when(command).rejected("setting_out_of_range");
        assert!(message.contains(" to "), "{message}");
    }
}

#[test]
fn only_what_differs_changes() {
    let settings = StationSettings { crossfade_ms: 0, ..StationSettings::default() };
    let change = || StationCommand::Change {
        name: Some("Radio Ask".into()),
        time_zone: Some("Europe/Oslo".into()),
        settings: Some(settings.clone()),
    };
    ygg()
        .when(change())
        .then(&[
            StationEvent::Renamed { name: "Radio Ask".into() },
            StationEvent::SettingsChanged { settings: settings.clone() },
        ])
        .when(change())
        .then_nothing();
}

#[test]
fn a_path_and_an_id_belong_to_one_mount() {
    let (a, b) = (mount(1, "/live.mp3", 128), mount(2, "/live.mp3", 320));
    let station = ygg().when(add(&a)).then(&[StationEvent::MountAdded { mount: a.clone() }]);
    let station = station.when(add(&a)).then_nothing();
    let message = station.when(add(&b)).rejected("mount_path_taken");
    assert!(message.contains(&a.id.to_string()), "{message}");
    let added = [created(), StationEvent::MountAdded { mount: a }];
    given::<Station>(&added).when(add(&mount(1, "/other", 128))).rejected("mount_exists");
    let remove = || StationCommand::RemoveMount { mount_id: MountId([1; 16]) };
    let removed = StationEvent::MountRemoved { mount_id: MountId([1; 16]) };
    given::<Station>(&added)
        .when(remove())
        .then(&[removed])
        .when(remove())
        .rejected("mount_not_found");
}

#[test]
fn mount_paths_and_bit_rates_are_checked() {
    let long = format!("/{}", "x".repeat(PATH_MAX));
    let bad =
        ["", "/", "live", "/a b", "/a?b", "/ä", "/a//b", "/a/", "/../x", "/./x", "/%41", &long];
    for path in bad {
        ygg().when(add(&mount(1, path, 128))).rejected("bad_mount_path");
    }
    for kbps in [0, 31, 129, 8, 384] {
        ygg().when(add(&mount(1, "/a", kbps))).rejected("bad_bitrate");
    }
    use MountFormat::{AacLc, Flac, Mp3, Opus, Vorbis};
    let of = |format, kbps| Mount { format, ..mount(1, "/a", kbps) };
    let good = [(Mp3, 320), (AacLc, 48), (AacLc, 320), (Opus, 24), (Vorbis, 224), (Flac, 0)];
    for (format, kbps) in good {
        let mount = of(format, kbps);
        ygg().when(add(&mount)).then(&[StationEvent::MountAdded { mount }]);
    }
    for (format, kbps) in [(AacLc, 32), (Opus, 8), (Vorbis, 256), (Flac, 128), (Opus, 0)] {
        let message = ygg().when(add(&of(format, kbps))).rejected("bad_bitrate");
        assert!(message.contains(&format!("of {format:?} is {kbps} ")), "{message}");
    }
    ygg().when(add(&mount(0, "/a", 128))).rejected("nil_id");
    let full = (1..=u8::try_from(MOUNTS_MAX).expect("fits"))
        .fold(ygg(), |station, n| station.when(add(&mount(n, &format!("/{n}"), 128))).given);
    full.when(add(&mount(99, "/99", 128))).rejected("too_many_mounts");
}

#[test]
fn sign_on_and_sign_off_happen_once_each() {
    ygg()
        .when(StationCommand::Stop {})
        .then_nothing()
        .when(StationCommand::Start {})
        .then(&[StationEvent::Started {}])
        .when(StationCommand::Start {})
        .then_nothing()
        .when(StationCommand::Stop {})
        .then(&[StationEvent::Stopped {}]);
}

#[test]
fn the_last_rung_is_chosen_and_given_up() {
    let choose = |media_id| StationCommand::ChooseFallback { media_id };
    let media_id = Some(MediaId([4; 16]));
    ygg()
        .when(choose(None))
        .then_nothing()
        .when(choose(media_id))
        .then(&[StationEvent::FallbackChanged { media_id }])
        .when(choose(None))
        .then(&[StationEvent::FallbackChanged { media_id: None }]);
    ygg().when(choose(Some(MediaId::default()))).rejected("nil_id");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_station_panic(name in ".{0,120}", slug in ".{0,70}", zone in ".{0,90}") {
        let command = create(&name, &slug, &zone, StationSettings::default());
        let _ = given::<Station>(&[]).when(command).result;
        let _ = ygg().when(add(&mount(1, &name, 128))).result;
    }
}
