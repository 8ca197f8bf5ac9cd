//! What is decided of outputs.

use super::*;
use crate::given::{Given, given};
use crate::station::Station;
use crate::station::command::StationCommand;
use grimnir_events::MountId;
use grimnir_events::output::{
    HlsContainer, IcecastOutput, MonitorOutput, OutputHealth, ShoutcastOutput, SourceMethod,
};
use grimnir_events::station::{Mount, StationSettings};

fn ygg() -> Given<Station> {
    given::<Station>(&[StationEvent::Created {
        name: "Ygg".into(),
        slug: "ygg".into(),
        time_zone: "Europe/Oslo".into(),
        settings: StationSettings::default(),
    }])
}

fn icecast() -> IcecastOutput {
    IcecastOutput {
        host: "icecast.example".into(),
        port: 8_000,
        tls: false,
        mount: "/ygg.mp3".into(),
        user: "source".into(),
        password: None,
        encoding: Encoding { format: MountFormat::Mp3, bitrate_kbps: 128 },
        method: SourceMethod::Auto,
        public: false,
        description: String::new(),
        genre: String::new(),
        url: String::new(),
        chain_titles: false,
    }
}

fn hls(path: &str, folder: Option<&str>) -> OutputKind {
    OutputKind::Hls(HlsOutput {
        path: path.into(),
        container: HlsContainer::PackedAac,
        bitrates_kbps: vec![64, 128],
        segment_ms: 4_000,
        window: 6,
        folder: folder.map(str::to_owned),
    })
}

fn recording(folder: &str) -> OutputKind {
    let encoding = Encoding { format: MountFormat::Flac, bitrate_kbps: 0 };
    OutputKind::Recording(RecordingOutput {
        encoding,
        folder: folder.into(),
        keep_days: 0,
        keep_bytes: 0,
    })
}

fn monitor(path: &str) -> OutputKind {
    let encoding = Encoding { format: MountFormat::Flac, bitrate_kbps: 0 };
    OutputKind::Monitor(MonitorOutput { path: path.into(), encoding, password: None })
}

fn output(n: u8, kind: OutputKind) -> Output {
    Output { id: OutputId([n; 16]), name: format!("Output {n}"), kind, enabled: true }
}

fn set(output: &Output) -> StationCommand {
    StationCommand::SetOutput { output: Box::new(output.clone()) }
}

fn was_set(output: &Output) -> [StationEvent; 1] {
    [StationEvent::OutputSet { output: Box::new(output.clone()) }]
}

#[test]
fn an_output_is_added_changed_and_removed_once_each() {
    let first = output(1, OutputKind::Icecast(icecast()));
    let off = Output { enabled: false, ..first.clone() };
    let output_id = first.id;
    ygg()
        .when(set(&first))
        .then(&was_set(&first))
        .when(set(&first))
        .then_nothing()
        .when(set(&off))
        .then(&was_set(&off))
        .when(StationCommand::RemoveOutput { output_id })
        .then(&[StationEvent::OutputRemoved { output_id }])
        .when(StationCommand::RemoveOutput { output_id })
        .rejected("output_not_found");
}

#[test]
fn an_output_stays_what_it_is_and_there_is_room_for_so_many() {
    let one = output(1, OutputKind::Icecast(icecast()));
    let other = output(1, recording("one"));
    ygg().when(set(&one)).given.when(set(&other)).rejected("output_exists");
    let most = u8::try_from(OUTPUTS_MAX).expect("fits");
    let many = (1..=most).fold(ygg(), |station, n| {
        station.when(set(&output(n, OutputKind::Icecast(icecast())))).given
    });
    many.when(set(&output(99, OutputKind::Icecast(icecast())))).rejected("too_many_outputs");
    ygg().when(set(&output(0, OutputKind::Icecast(icecast())))).rejected("nil_id");
}

#[test]
fn what_no_server_could_take_is_refused_by_name() {
    let of = |change: fn(&mut IcecastOutput)| {
        let mut to = icecast();
        change(&mut to);
        set(&output(1, OutputKind::Icecast(to)))
    };
    ygg().when(of(|to| to.host = "a host".into())).rejected("bad_host");
    ygg().when(of(|to| to.host = String::new())).rejected("bad_text");
    ygg().when(of(|to| to.port = 0)).rejected("setting_out_of_range");
    ygg().when(of(|to| to.mount = "ygg".into())).rejected("bad_mount_path");
    ygg().when(of(|to| to.genre = "a\r\nb".into())).rejected("bad_text");
    ygg().when(of(|to| to.encoding.bitrate_kbps = 129)).rejected("bad_bitrate");
    let shoutcast = ShoutcastOutput {
        host: "127.0.0.1".into(),
        port: 8_000,
        password: None,
        encoding: Encoding { format: MountFormat::Opus, bitrate_kbps: 96 },
        public: false,
        genre: String::new(),
        url: String::new(),
    };
    let message = ygg()
        .when(set(&output(1, OutputKind::Shoutcast(shoutcast.clone()))))
        .rejected("bad_output_format");
    assert!(message.contains("Opus") && message.contains("[Mp3, AacLc]"), "{message}");
    let encoding = Encoding { format: MountFormat::Mp3, bitrate_kbps: 128 };
    let last = ShoutcastOutput { port: u16::MAX, encoding, ..shoutcast };
    ygg().when(set(&output(1, OutputKind::Shoutcast(last)))).rejected("setting_out_of_range");
}

#[test]
fn a_recording_in_mp3_has_a_bit_rate_at_which_its_frames_are_those_of_the_air() {
    let of = |format, bitrate_kbps| {
        let encoding = Encoding { format, bitrate_kbps };
        let (folder, keep_days, keep_bytes) = ("archive".into(), 0, 0);
        let recording = RecordingOutput { encoding, folder, keep_days, keep_bytes };
        output(1, OutputKind::Recording(recording))
    };
    for low in [32, 96, 112] {
        let message = ygg().when(set(&of(MountFormat::Mp3, low))).rejected("bad_recording_bitrate");
        assert!(message.contains(&low.to_string()) && message.contains("128"), "{message}");
    }
    for fits in [of(MountFormat::Mp3, 128), of(MountFormat::Opus, 32)] {
        ygg().when(set(&fits)).then(&was_set(&fits));
    }
}

fn main_mount() -> Mount {
    Mount {
        id: MountId([8; 16]),
        name: "Main".into(),
        path: "/hls/main.mp3".into(),
        format: MountFormat::Mp3,
        bitrate_kbps: 128,
    }
}

#[test]
fn no_two_stand_in_each_others_place() {
    let mount = main_mount();
    let with = |first: OutputKind| ygg().when(set(&output(1, first))).given;
    let second = |kind| set(&output(2, kind));
    let taken = "output_place_taken";
    ygg()
        .when(StationCommand::AddMount { mount })
        .given
        .when(set(&output(1, hls("/hls", None))))
        .rejected("mount_path_taken");
    with(hls("/hls", None)).when(second(hls("/hls/low", None))).rejected(taken);
    with(hls("/hls/low", None)).when(second(hls("/hls", None))).rejected(taken);
    let beside = output(2, hls("/hls-low", None));
    with(hls("/hls", None)).when(set(&beside)).then(&was_set(&beside));
    with(hls("/hls", Some("web"))).when(second(recording("web"))).rejected(taken);
    ygg().when(set(&output(1, recording("../up")))).rejected("bad_folder");
    with(hls("/hls", None)).when(second(monitor("/hls/studio"))).rejected(taken);
    with(monitor("/studio")).when(second(monitor("/studio"))).rejected(taken);
    let mount = Mount { id: MountId([9; 16]), path: "/studio".into(), ..main_mount() };
    with(monitor("/studio")).when(StationCommand::AddMount { mount }).rejected(taken);
    ygg().when(set(&output(1, monitor("studio")))).rejected("bad_mount_path");
}

#[test]
fn a_kind_and_a_health_have_a_word_each() {
    let words = [
        OutputKind::Icecast(icecast()).word(),
        hls("/a", None).word(),
        recording("a").word(),
        monitor("/a").word(),
        OutputHealth::Up.word(),
        OutputHealth::Degraded.word(),
        OutputHealth::Down.word(),
    ];
    assert_eq!(words, ["icecast", "hls", "recording", "monitor", "up", "degraded", "down"]);
}
