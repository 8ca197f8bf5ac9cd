//! What the tests of the mix share: rendering, coded material, and files of every kind.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::path::Path;
use std::process::Command as Process;

use grimnir_mix::{
    AirFrame, BLOCK, Command, FadeCurve, Frame, FrameSource, Got, Mixer, Report, Role, SourceState,
    Start, VoiceEvent,
};

/// A source over given frames that can also fall short, fail, and count what was read.
pub struct Script {
    pub frames: Vec<Frame>,
    pub next: usize,
    pub at_end: SourceState,
}

impl Script {
    pub fn new(frames: Vec<Frame>) -> Self {
        Self { frames, next: 0, at_end: SourceState::Ended }
    }
}

impl FrameSource for Script {
    fn read(&mut self, out: &mut [Frame]) -> Got {
        let frames = out.len().min(self.frames.len() - self.next);
        out[..frames].copy_from_slice(&self.frames[self.next..self.next + frames]);
        self.next += frames;
        let over = self.next == self.frames.len();
        Got { frames, state: if over { self.at_end } else { SourceState::More } }
    }
    fn failure(&self) -> Option<&str> {
        (self.at_end == SourceState::Failed).then_some("the script says so")
    }
}

/// The same value for ever.
pub struct Constant(pub f32);

impl FrameSource for Constant {
    fn read(&mut self, out: &mut [Frame]) -> Got {
        out.fill([self.0; 2]);
        Got { frames: out.len(), state: SourceState::More }
    }
}

/// A start with gain 1 and no fade.
pub fn start(voice: u64, at: i64, source: impl FrameSource + 'static) -> Box<Start> {
    Box::new(Start {
        voice,
        at: AirFrame(at),
        source: Box::new(source),
        gain: 1.0,
        fade_in: 0,
        curve: FadeCurve::EqualPower,
        length: None,
        role: Role::Programme,
        watched: false,
    })
}

pub fn fade_out(voice: u64, at: i64, frames: i64, curve: FadeCurve) -> Command {
    Command::FadeOut { voice, at: AirFrame(at), frames, curve }
}

/// Renders `blocks` blocks; the frames and all events.
pub fn render(mixer: &mut Mixer, blocks: usize) -> (Vec<Frame>, Vec<VoiceEvent>) {
    let (mut frames, mut events) = (Vec::new(), Vec::new());
    let (mut out, mut report) = ([[0.0; 2]; BLOCK], Report::new());
    for _ in 0..blocks {
        mixer.render(&mut out, &mut report);
        frames.extend_from_slice(&out);
        events.extend_from_slice(&report.events);
    }
    (frames, events)
}

/// Reads a source to its end, `step` frames at a time; the frames and how it ended.
pub fn drain(source: &mut dyn FrameSource, step: usize) -> (Vec<Frame>, SourceState) {
    let mut frames = Vec::new();
    let mut part = vec![[0.0; 2]; step];
    loop {
        let got = source.read(&mut part);
        frames.extend_from_slice(&part[..got.frames]);
        if got.state != SourceState::More {
            return (frames, got.state);
        }
        assert!(got.frames > 0, "a file never underruns");
    }
}

/// 16-bit values in which every frame differs from its neighbours and names its place: the left
/// side counts, the right side is a hash of the count and the seed.
pub fn coded(seed: u32, frames: usize) -> Vec<Frame> {
    (0..frames as u32)
        .map(|n| {
            let left = (n % 60_001) as i32 - 30_000;
            let hash = (n ^ seed.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
            let right = (hash >> 17) as i32 - 16_384;
            [left as f32 / 32_768.0, right as f32 / 32_768.0]
        })
        .collect()
}

/// Decibels of a ratio of amplitudes.
pub fn db(ratio: f64) -> f64 {
    20.0 * ratio.max(1e-15).log10()
}

/// Turns `from` into `to` with ffmpeg, which the tests' machine has (`make test` installs it).
pub fn ffmpeg(from: &Path, options: &[&str], to: &Path) {
    let output = Process::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-y", "-i"])
        .arg(from)
        .args(options)
        .arg(to)
        .output()
        .expect("ffmpeg is installed");
    assert!(output.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&output.stderr));
}

/// Writes a 16-bit stereo FLAC of verbatim blocks of 4096 frames.
pub fn write_flac(path: &Path, rate: u32, frames: &[Frame]) {
    const SIZE: usize = 4_096;
    let mut out = b"fLaC".to_vec();
    out.extend([0x80, 0, 0, 34]);
    out.extend((SIZE as u16).to_be_bytes());
    out.extend((SIZE as u16).to_be_bytes());
    out.extend([0; 6]);
    let count = frames.len() as u64;
    let packed = u64::from(rate) << 44 | 1 << 41 | 15 << 36 | count;
    out.extend(packed.to_be_bytes());
    out.extend([0; 16]);
    for (number, block) in frames.chunks(SIZE).enumerate() {
        let begin = out.len();
        // Block size in 16 bits at the header's end; rate and depth as in the stream header.
        out.extend([0xff, 0xf8, 0x70, 0x10]);
        let mut text = [0; 4];
        let number = char::from_u32(number as u32).expect("few blocks").encode_utf8(&mut text);
        out.extend(number.as_bytes());
        out.extend((block.len() as u16 - 1).to_be_bytes());
        out.push(crc8(&out[begin..]));
        for side in 0..2 {
            out.push(0x02);
            for frame in block {
                let value = (frame[side] * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
                out.extend(value.to_be_bytes());
            }
        }
        let check = crc16(&out[begin..]);
        out.extend(check.to_be_bytes());
    }
    std::fs::write(path, out).expect("written");
}

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |c, _| if c & 0x80 != 0 { c << 1 ^ 0x07 } else { c << 1 })
    })
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |c, _| {
            if c & 0x8000 != 0 { c << 1 ^ 0x8005 } else { c << 1 }
        })
    })
}

/// Loud noise with nothing above 20 kHz, in bursts of other levels every 100 ms: peaks between the
/// samples that are far above them.
pub fn band_limited(seed: u32, frames: usize) -> Vec<Frame> {
    const REACH: usize = 128;
    let kernel: Vec<f64> = (0..=2 * REACH)
        .map(|k| {
            let x = k as f64 - REACH as f64;
            windowed_sinc(x * 2.0 * 19_000.0 / 48_000.0, x / (REACH as f64 + 1.0))
        })
        .collect();
    let sum: f64 = kernel.iter().sum();
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / 8_388_608.0 - 1.0
    };
    let raw: Vec<[f64; 2]> = (0..frames + 2 * REACH)
        .map(|n| {
            let burst = [0.3, 1.4, 0.6, 2.0, 0.1][(n / 4_800) % 5];
            [next() * burst, next() * burst]
        })
        .collect();
    let filtered = |n: usize, side: usize| {
        let window = &raw[n..n + kernel.len()];
        let sum_of = window.iter().zip(&kernel).map(|(x, k)| x[side] * k).sum::<f64>();
        (sum_of / sum) as f32
    };
    (0..frames).map(|n| [filtered(n, 0), filtered(n, 1)]).collect()
}

/// The largest magnitude at sixteen times the samples, by a kernel of 128 samples.
pub fn oversampled_peak(frames: &[Frame]) -> f64 {
    const REACH: usize = 64;
    let mut peak = 0f64;
    for phase in 0..16 {
        let at = f64::from(phase) / 16.0;
        let kernel: Vec<f64> = (0..2 * REACH)
            .map(|k| {
                let x = k as f64 - (REACH as f64 - 1.0) - at;
                windowed_sinc(x, x / REACH as f64)
            })
            .collect();
        for window in frames.windows(2 * REACH) {
            let mut sums = [0f64; 2];
            for (frame, tap) in window.iter().zip(&kernel) {
                sums[0] += f64::from(frame[0]) * tap;
                sums[1] += f64::from(frame[1]) * tap;
            }
            peak = peak.max(sums[0].abs()).max(sums[1].abs());
        }
    }
    peak
}

/// A sinc under a Blackman-Harris window that reaches from −1 to 1.
fn windowed_sinc(x: f64, within: f64) -> f64 {
    if within.abs() >= 1.0 {
        return 0.0;
    }
    let turn = std::f64::consts::PI * (within + 1.0);
    let window = 0.358_75 - 0.488_29 * turn.cos() + 0.141_28 * (2.0 * turn).cos()
        - 0.011_68 * (3.0 * turn).cos();
    let x = std::f64::consts::PI * x;
    window * if x.abs() < 1e-12 { 1.0 } else { x.sin() / x }
}
