//! Test sound: tones, a tone code per track, the detector for both, and a WAV writer.
//!
//! For tests, scenes and the demo. No frequency here is one of the emergency alert system's
//! (853 and 960 Hz attention signal; 1562.5 and 2083.3 Hz codes).

use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::{Frame, FrameSource, Got, RATE, SourceState};

/// Tracks that have a tone code of their own.
pub const CODES: u32 = 13 * 11;

/// A sine on both sides, at 48 kHz, without end.
#[derive(Clone, Copy, Debug)]
pub struct Tone {
    /// Its frequency.
    pub hz: f64,
    /// Its peak level in dBFS.
    pub level_db: f64,
    /// The next frame.
    pub next: i64,
}

impl Tone {
    /// A tone from its frame 0.
    pub fn new(hz: f64, level_db: f64) -> Self {
        Self { hz, level_db, next: 0 }
    }

    /// Its value at frame `index` at `rate`, in full precision.
    pub fn sample(&self, rate: u32, index: i64) -> f64 {
        let turns = self.hz * index as f64 / f64::from(rate);
        let phase = turns - libm::floor(turns);
        amplitude(self.level_db) * libm::sin(phase * core::f64::consts::TAU)
    }

    /// Its first `frames` frames at `rate`.
    pub fn frames(&self, rate: u32, frames: usize) -> Vec<Frame> {
        (0..frames as i64).map(|index| [self.sample(rate, index) as f32; 2]).collect()
    }
}

impl FrameSource for Tone {
    fn read(&mut self, out: &mut [Frame]) -> Got {
        for frame in out.iter_mut() {
            *frame = [self.sample(RATE, self.next) as f32; 2];
            self.next += 1;
        }
        Got { frames: out.len(), state: SourceState::More }
    }
}

/// The two frequencies of track `track`: a low one (400 to 820 Hz) and a high one (2600 to
/// 3700 Hz). The next track differs in both; [`CODES`] tracks have different pairs.
pub fn code_pair(track: u32) -> (f64, f64) {
    // 35 Hz apart, and 33 Hz from the attention signal.
    let low = 400.0 + 35.0 * f64::from(track % 13);
    let high = 2_600.0 + 110.0 * f64::from(track % 11);
    (low, high)
}

/// The sound of track `track`: both of its tones, −12 dBFS each, `frames` frames at `rate`.
pub fn code_track(track: u32, rate: u32, frames: usize) -> Vec<Frame> {
    let (low, high) = code_pair(track);
    let (low, high) = (Tone::new(low, -12.0), Tone::new(high, -12.0));
    (0..frames as i64)
        .map(|index| [(low.sample(rate, index) + high.sample(rate, index)) as f32; 2])
        .collect()
}

/// Which of the first `tracks` tracks sounds in `frames` (48 kHz, 100 ms or more): the one whose
/// quieter tone is loudest, if that is above −40 dBFS.
pub fn heard_track(frames: &[Frame], tracks: u32) -> Option<u32> {
    let level = |track| {
        let (low, high) = code_pair(track);
        tone_level(frames, low).min(tone_level(frames, high))
    };
    (0..tracks.min(CODES))
        .map(|track| (level(track), track))
        .filter(|(level, _)| *level > -40.0)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, track)| track)
}

/// Peak level in dBFS of a tone of `hz` in `frames` at 48 kHz, the louder side (−200 if none).
///
/// Goertzel's filter over a Hann window: other tones count as nothing from 4 / duration off.
pub fn tone_level(frames: &[Frame], hz: f64) -> f32 {
    let length = frames.len() as f64;
    let coefficient = 2.0 * libm::cos(core::f64::consts::TAU * hz / f64::from(RATE));
    let (mut window_sum, mut state) = (0.0, [[0.0_f64; 2]; 2]);
    for (index, frame) in frames.iter().enumerate() {
        let turn = core::f64::consts::TAU * (index as f64 + 0.5) / length;
        let window = 0.5 - 0.5 * libm::cos(turn);
        window_sum += window;
        for (state, sample) in state.iter_mut().zip(frame) {
            let next = f64::from(*sample) * window + coefficient * state[0] - state[1];
            *state = [next, state[0]];
        }
    }
    let power = state.iter().fold(0.0_f64, |most, [last, before]| {
        most.max(last * last + before * before - coefficient * last * before)
    });
    let amplitude = 2.0 * libm::sqrt(power.max(0.0)) / f64::max(window_sum, 1e-9);
    (20.0 * libm::log10(amplitude.max(1e-10))) as f32
}

/// Writes a 16-bit stereo WAV.
pub fn write_wav(path: &Path, rate: u32, frames: &[Frame]) -> io::Result<()> {
    write(path, rate, 1, 2, frames, |sample, out| {
        let value = libm::rint(f64::from(sample) * 32_768.0).clamp(-32_768.0, 32_767.0) as i16;
        out.write_all(&value.to_le_bytes())
    })
}

/// Writes a 32-bit float stereo WAV: the very samples.
pub fn write_wav_f32(path: &Path, rate: u32, frames: &[Frame]) -> io::Result<()> {
    write(path, rate, 3, 4, frames, |sample, out| out.write_all(&sample.to_le_bytes()))
}

#[expect(clippy::disallowed_methods, reason = "test material is written here only")]
fn write(
    path: &Path,
    rate: u32,
    format: u16,
    bytes: u16,
    frames: &[Frame],
    mut sample: impl FnMut(f32, &mut BufWriter<std::fs::File>) -> io::Result<()>,
) -> io::Result<()> {
    let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "longer than a WAV can be");
    let block = bytes * 2;
    let data = u32::try_from(frames.len() * usize::from(block)).map_err(too_long)?;
    let riff = u32::try_from(u64::from(data) + 36).map_err(too_long)?;
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    out.write_all(b"RIFF")?;
    out.write_all(&riff.to_le_bytes())?;
    out.write_all(b"WAVEfmt ")?;
    out.write_all(&16_u32.to_le_bytes())?;
    for value in [format, 2] {
        out.write_all(&value.to_le_bytes())?;
    }
    for value in [rate, rate * u32::from(block)] {
        out.write_all(&value.to_le_bytes())?;
    }
    for value in [block, bytes * 8] {
        out.write_all(&value.to_le_bytes())?;
    }
    out.write_all(b"data")?;
    out.write_all(&data.to_le_bytes())?;
    for frame in frames {
        sample(frame[0], &mut out)?;
        sample(frame[1], &mut out)?;
    }
    out.flush()
}

fn amplitude(level_db: f64) -> f64 {
    libm::pow(10.0, level_db / 20.0)
}
