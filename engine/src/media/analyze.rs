//! `analyze`: what a file is, how long, how loud, where it begins and ends; or why it is refused.

use super::levels::{Levels, Meter};
use super::transcode::refuse;
use super::{limits, tags};
use crate::air::feeder::explain;
use crate::confine::{self, Needs};
use grimnir_engine_proto::report::{ANALYSER_VERSION, AnalysisRefusal, AnalysisReport, TagReport};
use grimnir_engine_proto::{bounds, death};
use grimnir_events::analysis::{Analysis, FailureKind, Head, Tail, TailShape};
use grimnir_events::library::CueMarks;
use grimnir_mix::cue::WINDOWS_PER_SECOND;
use grimnir_mix::resample::frames_at_48k;
use grimnir_mix::{DecodeError, Ending, FileInfo, Frame, NativeFile, SourceState};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Codecs that the playing decoder gives sample by sample as they were encoded.
const EXACT: [&str; 4] = ["mp3", "flac", "vorbis", "alac"];
/// Shortest sound that is an item.
const SHORTEST_MS: i64 = 100;
/// Longest: 12 h.
const LONGEST_S: i64 = 12 * 3_600;

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
    // It has a child decode what it does not, so it may start one.
    let confined = || confine::process(&Needs { programs: true, ..Needs::default() });
    let ready = limits::set(file).and_then(|()| confined()).map_err(Refused::from);
    match ready.and_then(|()| analyze(file, outputs)) {
        Ok(report) => match serde_json::to_string(&report) {
            Ok(line) => {
                println!("{line}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                refuse(FailureKind::Crashed, format!("report cannot be printed: {error}"))
            }
        },
        Err(Refused(kind, error)) => refuse(kind, error),
    }
}

/// What is wrong with a file.
struct Refused(FailureKind, String);

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self(FailureKind::Refused, reason)
    }
}

fn analyze(file: &Path, outputs: &Outputs) -> Result<AnalysisReport, Refused> {
    let (hash, size_bytes) = digest(file).map_err(|reason| {
        let kind = if file.exists() { FailureKind::Refused } else { FailureKind::Missing };
        Refused(kind, reason)
    })?;
    if size_bytes == 0 {
        return Err("the file is empty".to_owned().into());
    }
    let direct = open(file);
    let exact = direct.as_ref().is_ok_and(|source| is_exact(&source.info().codec));
    let (measured, play_hash, info, copied) = match direct {
        Ok(source) if exact => {
            let info = source.info().clone();
            (measure(source, size_bytes)?, hash.clone(), info, false)
        }
        other => {
            let found = other.as_ref().ok().map(|source| source.info().clone());
            let Some(copy) = &outputs.play_copy else {
                let why = other.err().unwrap_or_else(|| {
                    let codec = found.map(|info| info.codec).unwrap_or_default();
                    format!("{codec} needs a play copy, and none was asked for")
                });
                return Err(why.into());
            };
            let direct_error = other.err();
            transcode(file, copy).map_err(|Refused(kind, error)| match &direct_error {
                Some(direct) => Refused(kind, format!("{direct}; decoder: {error}")),
                None => Refused(kind, error),
            })?;
            let source = open(copy)?;
            let of_copy = FileInfo { codec: sniff(file), ..source.info().clone() };
            (measure(source, size_bytes)?, digest(copy)?.0, found.unwrap_or(of_copy), true)
        }
    };
    let (tags, picture) = tags::read(file);
    keep(outputs.waveform.as_deref(), Some(&measured.waveform))?;
    keep(outputs.artwork.as_deref(), picture.as_deref())?;
    Ok(AnalysisReport {
        codec: plain_codec(&info.codec),
        hash,
        play_hash,
        play_copy: copied,
        size_bytes,
        source_rate_hz: info.rate,
        channels: info.channels.min(u32::from(u16::MAX)) as u16,
        analysis: describe(&measured, &tags),
        tags,
    })
}

/// What was measured, in frames at 48 kHz and hundredths.
fn describe(measured: &Measured, tags: &TagReport) -> Analysis {
    let Measured { frames, rate, levels, .. } = measured;
    let (duration, rate) = (frames_at_48k(*frames, *rate), i64::from(*rate));
    let window = rate / WINDOWS_PER_SECOND as i64;
    let at = |place: usize| {
        let frame = place as i64 * window * i64::from(grimnir_mix::RATE) / rate;
        frame.min(duration)
    };
    let mut analysis = Analysis {
        analyser_version: ANALYSER_VERSION,
        duration_frames: duration,
        loudness_lufs_x100: hundredths(levels.loudness),
        range_lu_x100: hundredths(levels.range),
        true_peak_dbtp_x100: hundredths(levels.true_peak),
        cues: CueMarks { cue_in: 0, segue: duration, cue_out: duration },
        leading_silence: if levels.true_peak.is_none() { duration } else { 0 },
        intro_end: tags.intro_ms.map(|ms| i64::from(ms) * 48).filter(|end| *end <= duration),
        bpm_x100: tags.bpm_x100,
        key: tags.key.clone(),
        album_place: tags.album_place,
        ..Analysis::default()
    };
    let Some(marks) = levels.marks else { return analysis };
    // The last window is shorter than the others: what ends with it ends with the file.
    let end_of = |place: usize| if place >= levels.windows { duration } else { at(place) };
    let cue_in = at(marks.cue_in);
    analysis.cues = CueMarks { cue_in, segue: end_of(marks.segue), cue_out: end_of(marks.cue_out) };
    analysis.leading_silence = at(marks.silence_before);
    analysis.trailing_silence = duration - end_of(levels.windows - marks.silence_after);
    analysis.head = Head {
        full_from: at(marks.full_from),
        level_lu_x100: hundredths(Some(f64::from(marks.opening_lu))).unwrap_or(0),
    };
    let shape = match marks.ending {
        Ending::Cold => TailShape::Cold,
        Ending::Falling => TailShape::Falling,
        Ending::Held => TailShape::Sustained,
        Ending::Long => TailShape::Long,
    };
    let fall_lu_per_s_x100 = (marks.fall_lu_per_s * 100.0).round() as u32;
    analysis.tail = Tail { shape, fall_lu_per_s_x100 };
    analysis
}

/// Writes what there is to where it was asked for.
fn keep(to: Option<&Path>, bytes: Option<&[u8]>) -> Result<(), String> {
    let (Some(to), Some(bytes)) = (to, bytes) else { return Ok(()) };
    std::fs::write(to, bytes).map_err(|e| format!("{}: {e}", to.display()))
}

fn open(file: &Path) -> Result<NativeFile, String> {
    NativeFile::open(file).map_err(|error: DecodeError| explain(&error))
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
    /// At the rate measured at.
    frames: i64,
    rate: u32,
    levels: Levels,
    waveform: Vec<u8>,
}

/// Decodes the whole file into the meters, at its own rate. What was taken in has `size_bytes`.
fn measure(mut source: NativeFile, size_bytes: u64) -> Result<Measured, String> {
    let rate = source.info().rate;
    let seconds = |frames: i64| frames / i64::from(rate);
    let stated = source.stated_frames();
    let mut meter = Meter::new(rate)?;
    let mut chunk: Vec<Frame> = Vec::new();
    let mut frames = 0i64;
    loop {
        chunk.clear();
        let state = source.read(&mut chunk);
        for sample in chunk.as_flattened_mut() {
            *sample = if sample.is_finite() { *sample } else { 0.0 };
        }
        meter.push(&chunk)?;
        frames += chunk.len() as i64;
        if seconds(frames) > LONGEST_S {
            return Err(format!("longer than {} h, the limit", LONGEST_S / 3_600));
        }
        bounds::held(seconds(frames) as u64, size_bytes)?;
        match state {
            SourceState::More => {}
            SourceState::Ended => break,
            SourceState::Failed => {
                let reason = source.failure().unwrap_or("no reason known").to_owned();
                let at = frames_at_48k(frames, rate);
                return Err(format!("cannot be decoded after {at} frames: {reason}"));
            }
        }
    }
    let ms = frames * 1_000 / i64::from(rate);
    if ms < SHORTEST_MS {
        return Err(format!("{ms} ms of sound, at least {SHORTEST_MS} ms are needed"));
    }
    // A header that promises much more than there is belongs to a file that was cut.
    let slack = |stated: i64| i64::from(rate).max(stated / 50);
    if let Some(stated) = stated.filter(|stated| *stated - frames > slack(*stated)) {
        return Err(format!(
            "truncated: {} s of sound, the header states {} s",
            seconds(frames),
            seconds(stated)
        ));
    }
    let (levels, waveform) = meter.finish()?;
    Ok(Measured { frames, rate, levels, waveform })
}

/// Has a child process write the play copy.
fn transcode(file: &Path, out: &Path) -> Result<(), Refused> {
    let program = std::env::current_exe().map_err(|e| format!("own program: {e}"))?;
    let mut child = Command::new(program)
        .arg("transcode")
        .arg("--file")
        .arg(file)
        .arg("--out")
        .arg(out)
        .env_clear()
        .envs(bounds::environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("decoder process cannot start: {e}"))?;
    // It says one line on the one, and what it dies of on the other, which is read first.
    let mut last_words = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(death::LAST_WORDS).read_to_end(&mut last_words);
    }
    let output = child.wait_with_output().map_err(|e| format!("decoder process: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let _ = std::fs::remove_file(out);
    if let Some((kind, reason)) =
        death::cause_of(output.status, &String::from_utf8_lossy(&last_words))
    {
        return Err(Refused(kind, reason));
    }
    match serde_json::from_slice::<AnalysisRefusal>(&output.stdout) {
        Ok(refusal) => Err(Refused(refusal.kind, refusal.error)),
        Err(_) => Err(format!("the decoder process ended with {}", output.status).into()),
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
