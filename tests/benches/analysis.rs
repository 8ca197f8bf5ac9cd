//! How fast files are measured: sound a second of one core, the engine's whole child process,
//! beside decoding (symphonia) and loudness (ebur128: integrated, range, true peak) alone over the
//! same files in the same run.

use ebur128::{EbuR128, Mode};
use grimnir_tests::figure::{Figure, median};
use grimnir_tests::programs::program;
use grimnir_tests::tracks;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

/// Length of each file: the start of a process is a small part of it.
const SECONDS: f64 = 300.0;
/// Measured so often; the middle one counts.
const ROUNDS: usize = 3;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, file) in files(folder.path()) {
        let (mut whole, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            whole.push(SECONDS / analyse(&file, folder.path()));
            bare.push(SECONDS / decode_and_measure(&file));
        }
        let beside = ("symphonia+ebur128", median(bare));
        Figure::beside(&format!("analysis of {name}"), median(whole), "x real time", beside)
            .report();
    }
}

fn files(folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let wav = tracks::write_music(folder, 0, SECONDS, 44_100);
    let other = tracks::write_music(folder, 1, SECONDS, 48_000);
    let encode = |name: &str, arguments: &[&str]| {
        let to = folder.join(name);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-y", "-i"]).arg(&wav).args(arguments).arg(&to);
        assert!(ffmpeg.status().expect("ffmpeg starts").success(), "{name}");
        to
    };
    let mp3 = encode("a.mp3", &["-c:a", "libmp3lame", "-b:a", "192k"]);
    let flac = encode("a.flac", &["-c:a", "flac", "-sample_fmt", "s32"]);
    vec![("mp3", mp3), ("flac 24 bit", flac), ("wav 44.1 kHz", wav), ("wav 48 kHz", other)]
}

/// Processor seconds of the engine's child over one file.
fn analyse(file: &Path, folder: &Path) -> f64 {
    let before = children_cpu();
    let status = Command::new(program("grimnir-engine"))
        .args(["analyze", "--file"])
        .arg(file)
        .arg("--play-copy")
        .arg(folder.join("copy"))
        .arg("--waveform")
        .arg(folder.join("waveform"))
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("the engine's program starts").success());
    children_cpu() - before
}

/// Processor seconds of children that have ended.
fn children_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("our own figures");
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |n: usize| fields[n].parse::<f64>().unwrap_or(0.0);
    (ticks(13) + ticks(14)) / 100.0
}

/// Processor seconds of decoding and measuring alone.
fn decode_and_measure(path: &Path) -> f64 {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let before = now();
    let file = File::open(path).expect("opens");
    let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
    let mut reader = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        .expect("a known format");
    let track = reader.default_track(TrackType::Audio).expect("has sound");
    let (id, params) = (track.id, track.codec_params.clone().expect("is described"));
    let params = params.audio().expect("is sound").clone();
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(&params, &AudioDecoderOptions::default())
        .expect("a known codec");
    let rate = params.sample_rate.expect("has a rate");
    let mode = Mode::I | Mode::LRA | Mode::TRUE_PEAK;
    let mut meter = EbuR128::new(2, rate, mode).expect("a meter");
    let mut samples: Vec<f32> = Vec::new();
    while let Ok(Some(packet)) = reader.next_packet() {
        if packet.track_id != id {
            continue;
        }
        let Ok(decoded) = decoder.decode(&packet) else { continue };
        decoded.copy_to_vec_interleaved(&mut samples);
        meter.add_frames_f32(&samples).expect("takes them");
    }
    let loudness = meter.loudness_global().expect("is measured");
    let range = meter.loudness_range().expect("is measured");
    let peak = meter.true_peak(0).expect("is measured");
    assert!(loudness.is_finite() && range.is_finite() && peak > 0.0);
    now() - before
}
