//! `analyze`: what a file is, how long, how loud, where it begins and ends; or why it is refused.

use super::levels::{Levels, Meter};
use super::tags;
use super::transcode::refuse;
use crate::air::feeder::explain;
use grimnir_engine_proto::report::{AnalysisRefusal, AnalysisReport};
use grimnir_mix::{
    CueFinder, CueSettings, DecodeError, FileSource, Frame, FrameSource, SourceState,
};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Codecs that the playing decoder gives sample by sample as they were encoded.
const EXACT: [&str; 4] = ["mp3", "flac", "vorbis", "alac"];
/// Shortest sound that is an item: 100 ms.
const SHORTEST: i64 = 4_800;
/// Longest: 12 h.
const LONGEST: i64 = 12 * 3_600 * 48_000;
/// Frames read at a time.
const CHUNK: usize = 9_600;

/// Where the parts of an answer go that are no line of text.
#[derive(clap::Args)]
pub struct Outputs {
    /// Where a play copy goes, if the file needs one.
    #[arg(long)]
    pub play_copy: Option<PathBuf>,
    /// Where the waveform goes.
    #[arg(long)]
    pub waveform: Option<PathBuf>,
    /// Where the picture in the file's tags goes, if it has one.
    #[arg(long)]
    pub artwork: Option<PathBuf>,
}

/// Runs the command: the report and exit code 0, or a refusal and 2.
pub fn print(file: &Path, outputs: &Outputs) -> ExitCode {
    // Programme goes first; a refusal to be nice is no reason not to measure.
    let _ = rustix::process::nice(10);
    match analyze(file, outputs) {
        Ok(report) => match serde_json::to_string(&report) {
            Ok(line) => {
                println!("{line}");
                ExitCode::SUCCESS
            }
            Err(error) => refuse(format!("report cannot be printed: {error}")),
        },
        Err(error) => refuse(error),
    }
}

fn analyze(file: &Path, outputs: &Outputs) -> Result<AnalysisReport, String> {
    let (hash, size_bytes) = digest(file)?;
    if size_bytes == 0 {
        return Err("the file is empty".into());
    }
    let direct = open(file);
    let exact = direct.as_ref().is_ok_and(|source| is_exact(&source.info().codec));
    let (measured, play_hash, codec, copied) = match direct {
        Ok(source) if exact => {
            let codec = source.info().codec.clone();
            (measure(source)?, hash.clone(), codec, false)
        }
        other => {
            let found = other.as_ref().ok().map(|source| source.info().clone());
            let Some(copy) = &outputs.play_copy else {
                let why = other.err().unwrap_or_else(|| {
                    let codec = found.map(|info| info.codec).unwrap_or_default();
                    format!("{codec} needs a play copy, and none was asked for")
                });
                return Err(why);
            };
            let direct_error = other.err();
            transcode(file, copy).map_err(|error| match &direct_error {
                Some(direct) => format!("{direct}; decoder: {error}"),
                None => error,
            })?;
            let source = open(copy)?;
            let mut measured = measure(source)?;
            let codec = match found {
                Some(info) => {
                    (measured.rate, measured.channels) = (info.rate, info.channels);
                    info.codec
                }
                None => sniff(file),
            };
            (measured, digest(copy)?.0, codec, true)
        }
    };
    let (tags, picture) = tags::read(file);
    keep(outputs.waveform.as_deref(), Some(&measured.waveform))?;
    keep(outputs.artwork.as_deref(), picture.as_deref())?;
    Ok(AnalysisReport {
        codec: plain_codec(&codec),
        hash,
        play_hash,
        play_copy: copied,
        size_bytes,
        duration_frames: measured.frames,
        source_rate_hz: measured.rate,
        channels: measured.channels.min(u32::from(u16::MAX)) as u16,
        loudness_lufs_x100: hundredths(measured.levels.loudness),
        loudness_range_lu_x100: hundredths(measured.levels.range),
        true_peak_dbtp_x100: hundredths(measured.levels.true_peak),
        cue_in: measured.cue_in,
        segue: measured.segue,
        cue_out: measured.cue_out,
        tags,
    })
}

/// Writes what there is to where it was asked for.
fn keep(to: Option<&Path>, bytes: Option<&[u8]>) -> Result<(), String> {
    let (Some(to), Some(bytes)) = (to, bytes) else { return Ok(()) };
    std::fs::write(to, bytes).map_err(|e| format!("{}: {e}", to.display()))
}

fn open(file: &Path) -> Result<FileSource, String> {
    FileSource::open(file, 0, None).map_err(|error: DecodeError| explain(&error))
}

fn is_exact(codec: &str) -> bool {
    EXACT.contains(&codec) || codec.starts_with("pcm")
}

fn plain_codec(codec: &str) -> String {
    if codec.starts_with("pcm") { "pcm".into() } else { codec.to_owned() }
}

fn hundredths(value: Option<f64>) -> Option<i32> {
    value.map(|value| (value * 100.0).round() as i32)
}

/// SHA-256 of a file, and its bytes.
pub(super) fn digest(file: &Path) -> Result<(String, u64), String> {
    let text = |e: std::io::Error| format!("{}: {e}", file.display());
    let mut input = std::fs::File::open(file).map_err(text)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    let mut size = 0u64;
    loop {
        let count = input.read(&mut buffer).map_err(text)?;
        if count == 0 {
            return Ok((hex::encode(hasher.finalize()), size));
        }
        hasher.update(&buffer[..count]);
        size += count as u64;
    }
}

struct Measured {
    frames: i64,
    rate: u32,
    channels: u32,
    levels: Levels,
    waveform: Vec<u8>,
    cue_in: i64,
    segue: i64,
    cue_out: i64,
}

/// Plays the whole file into the meters.
fn measure(mut source: FileSource) -> Result<Measured, String> {
    let info = source.info().clone();
    let stated = source.duration_frames();
    let mut meter = Meter::new()?;
    let mut cues = CueFinder::new(CueSettings::default());
    let mut chunk: Vec<Frame> = vec![[0.0; 2]; CHUNK];
    let mut frames = 0i64;
    loop {
        let got = source.read(&mut chunk);
        let heard = &mut chunk[..got.frames];
        for sample in heard.iter_mut().flatten() {
            *sample = if sample.is_finite() { *sample } else { 0.0 };
        }
        meter.push(heard)?;
        cues.push(heard);
        frames += got.frames as i64;
        if frames > LONGEST {
            return Err(format!("longer than {} h, the limit", LONGEST / 48_000 / 3_600));
        }
        match got.state {
            SourceState::More => {}
            SourceState::Ended => break,
            SourceState::Failed => {
                let reason = source.failure().unwrap_or("no reason known").to_owned();
                return Err(format!("cannot be decoded after {frames} frames: {reason}"));
            }
        }
    }
    if frames < SHORTEST {
        return Err(format!(
            "{} ms of sound, at least {} ms are needed",
            frames / 48,
            SHORTEST / 48
        ));
    }
    // A header that promises much more than there is belongs to a file that was cut.
    if let Some(stated) = stated.filter(|stated| *stated - frames > 48_000.max(stated / 50)) {
        return Err(format!(
            "truncated: {} s of sound, the header states {} s",
            frames / 48_000,
            stated / 48_000
        ));
    }
    let marks = cues.finish();
    let (levels, waveform) = meter.finish();
    Ok(Measured {
        frames,
        rate: info.rate,
        channels: info.channels,
        levels,
        waveform,
        cue_in: marks.cue_in,
        segue: marks.segue,
        cue_out: marks.cue_out,
    })
}

/// Has a child process write the play copy.
fn transcode(file: &Path, out: &Path) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|e| format!("own program: {e}"))?;
    let output = Command::new(program)
        .arg("transcode")
        .arg("--file")
        .arg(file)
        .arg("--out")
        .arg(out)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|e| format!("decoder process cannot start: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let _ = std::fs::remove_file(out);
    match serde_json::from_slice::<AnalysisRefusal>(&output.stdout) {
        Ok(refusal) => Err(refusal.error),
        Err(_) => Err(format!("the decoder process ended with {}", output.status)),
    }
}

/// The codec of a file that only GStreamer decodes, by its first bytes.
fn sniff(file: &Path) -> String {
    let mut head = Vec::new();
    let read = std::fs::File::open(file).and_then(|f| f.take(4_096).read_to_end(&mut head));
    let has = |mark: &[u8]| head.windows(mark.len()).any(|window| window == mark);
    match read {
        Ok(_) if has(b"OpusHead") => "opus",
        Ok(_) if has(b"MAC ") => "ape",
        Ok(_) if has(b"wvpk") => "wavpack",
        Ok(_) if head.starts_with(&[0x30, 0x26, 0xB2, 0x75]) => "wma",
        Ok(_) if has(b"ftyp") || head.starts_with(&[0xFF, 0xF1]) => "aac",
        _ => "other",
    }
    .into()
}
