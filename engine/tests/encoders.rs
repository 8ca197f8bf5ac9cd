//! The encoders that people have, at the harbor: every one is let in, recognised, and fit for air.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use grimnir_events::air::AirFact;
use grimnir_events::live::{LiveAirEvent, LiveGrant, TakePolicy};
use std::path::Path;
use support::live::*;
use support::*;

/// What fills a variable bitrate.
const NOISE: &str = "aeval=random(0)-0.5:c=same";

/// What each sends, by its session.
const EXPECTED: [(u8, &str); 11] = [
    (1, "mp3"),
    (2, "aac"),
    (3, "vorbis"),
    (4, "opus"),
    (5, "flac"),
    (6, "mp3"),
    (7, "mp3"),
    (8, "mp3"),
    (9, "mp3"),
    (10, "mp3"),
    (11, "vorbis"),
];
/// Gets as far as the answer: it has no sound card here.
const DARKICE: u8 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn the_encoders_that_people_have_are_let_in_and_recognised() {
    let grants: Vec<LiveGrant> = (1..=12).map(|number| grant(number, TakePolicy::OnCue)).collect();
    let (rig, mut client, _) = on_air(&grants).await;
    let (base, dir) = (rig.harbor(), rig.dir.path());
    let mut encoders = of_ffmpeg(base);
    encoders.extend(of_libshout(base, dir));
    encoders.extend(of_liquidsoap(base, dir));
    encoders.push(Encoder::start("darkice", &["-c", &darkice(base, dir)]));
    let shook = |facts: &[AirFact]| {
        live_facts(facts).iter().any(|event| match event {
            LiveAirEvent::Connected { session_id, protocol, .. } => {
                session_id.0 == [DARKICE; 16] && protocol == "source"
            }
            _ => false,
        })
    };
    let all = |facts: &[AirFact]| {
        shook(facts) && EXPECTED.iter().all(|(number, _)| is_ready(facts, *number).is_some())
    };
    // Liquidsoap takes its time to begin.
    let facts = facts_within(&mut client, 1, 120, all).await;
    for (number, codec) in EXPECTED {
        let format = is_ready(&facts, number).unwrap();
        assert!(format.starts_with(codec), "{number}: {format}");
    }
    drop(encoders);
}

/// Both of its modes, every codec; what it says of them is not always true.
fn of_ffmpeg(base: u16) -> Vec<Encoder> {
    let options: [&[&str]; 5] = [
        &["-b:a", "128k", "-f", "mp3"],
        &["-legacy_icecast", "1", "-c:a", "aac", "-f", "adts"],
        &["-af", NOISE, "-c:a", "libvorbis", "-f", "ogg", "-content_type", "audio/mpeg"],
        &["-c:a", "libopus", "-f", "ogg", "-content_type", "application/ogg"],
        &["-c:a", "flac", "-f", "ogg", "-content_type", "audio/ogg"],
    ];
    let start = |(n, options): (usize, &&[&str])| {
        let n = n + 1;
        let to = format!("icecast://source:secret-{n}@127.0.0.1:{base}/mount-{n}");
        Encoder::ffmpeg(500, &[options, &[to.as_str()][..]].concat())
    };
    options.iter().enumerate().map(start).collect()
}

/// GStreamer in both protocols (Shoutcast's goes to the next port by itself), ezstream, ices.
fn of_libshout(base: u16, dir: &Path) -> Vec<Encoder> {
    let shout = |n: u8, protocol: &str| {
        let line = format!(
            "audiotestsrc is-live=true freq=550 ! audio/x-raw,rate=44100,channels=2 ! \
             lamemp3enc bitrate=128 target=bitrate cbr=true ! shout2send ip=127.0.0.1 \
             port={base} password=secret-{n} mount=/mount-{n} protocol={protocol}"
        );
        Encoder::start("gst-launch-1.0", &line.split_whitespace().collect::<Vec<_>>())
    };
    let (ezstream, ices) = (ezstream(base, dir), ices(base, dir));
    vec![
        shout(6, "http"),
        shout(7, "icy"),
        Encoder::start("ezstream", &["-c", &ezstream]),
        Encoder::start("ices2", &[&ices]),
    ]
}

fn of_liquidsoap(base: u16, dir: &Path) -> Vec<Encoder> {
    let start = |n: u8, output: &str, more: &str| {
        let script = format!(
            "settings.init.allow_root.set(true)\ns = sine(523.)\n\
             output.{output}(%mp3, fallible=true, host=\"127.0.0.1\", port={base}, \
             password=\"secret-{n}\", {more}s)\n"
        );
        Encoder::start("liquidsoap", &[&write(dir, &format!("dj{n}.liq"), &script)])
    };
    vec![start(9, "icecast", "mount=\"mount-9\", "), start(10, "shoutcast", "")]
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    std::fs::write(dir.join(name), text).unwrap();
    dir.join(name).to_string_lossy().into_owned()
}

/// Half a minute of sound, and a list that holds it.
fn music(dir: &Path, codec: &[&str], name: &str) -> String {
    let file = dir.join(name);
    let source = ["-f", "lavfi", "-i", "sine=660:duration=30", "-ac", "2", "-af", NOISE];
    ffmpeg(&[&source[..], codec].concat(), &file);
    write(dir, &format!("{name}.list"), &format!("{}\n", file.display()))
}

fn ezstream(port: u16, dir: &Path) -> String {
    let list = music(dir, &["-b:a", "128k"], "music.mp3");
    std::fs::rename(&list, format!("{list}.m3u")).unwrap();
    let text = format!(
        "<ezstream><servers><server><hostname>127.0.0.1</hostname><port>{port}</port>\
         <password>secret-8</password></server></servers><streams><stream>\
         <mountpoint>/mount-8</mountpoint><format>mp3</format></stream></streams>\
         <intakes><intake><type>playlist</type><filename>{list}.m3u</filename></intake></intakes>\
         </ezstream>"
    );
    write(dir, "ezstream.xml", &text)
}

fn ices(port: u16, dir: &Path) -> String {
    let list = music(dir, &["-c:a", "libvorbis"], "music.ogg");
    let logs = dir.display();
    let text = format!(
        "<ices><background>0</background><logpath>{logs}</logpath><logfile>ices.log</logfile>\
         <loglevel>2</loglevel><consolelog>0</consolelog><stream><metadata><name>x</name>\
         <genre>x</genre><description>x</description></metadata><input><module>playlist</module>\
         <param name=\"type\">basic</param><param name=\"file\">{list}</param>\
         <param name=\"random\">0</param><param name=\"once\">0</param></input>\
         <instance><hostname>127.0.0.1</hostname><port>{port}</port>\
         <password>secret-11</password><mount>/mount-11</mount><reconnectdelay>1</reconnectdelay>\
         <reconnectattempts>5</reconnectattempts></instance></stream></ices>"
    );
    write(dir, "ices.xml", &text)
}

fn darkice(port: u16, dir: &Path) -> String {
    let text = format!(
        "[general]\nduration = 5\nbufferSecs = 1\nreconnect = no\n[input]\ndevice = default\n\
         sampleRate = 44100\nbitsPerSample = 16\nchannel = 2\n[icecast2-0]\nformat = vorbis\n\
         bitrateMode = vbr\nquality = 0.4\nserver = 127.0.0.1\nport = {port}\n\
         password = secret-12\nmountPoint = mount-12\n"
    );
    write(dir, "darkice.cfg", &text)
}
