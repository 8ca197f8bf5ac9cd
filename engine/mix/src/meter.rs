//! A live meter: loudness as EBU Tech 3341 asks of one, true peak, and both for each item.
//!
//! One block is one part of 10 ms: momentary loudness is the mean of the last 40, short-term of
//! the last 300, and gated blocks of 400 ms begin every 100 ms. Items overlap, so each has a span
//! of its own over the same parts. Nothing here allocates once [`Meter::new`] has returned.
//! Upstream: blocks as they leave the bus. Downstream: telemetry, and a summary per item.

use crate::dsp::loudness::{PART, Weighting, lufs};
use crate::true_peak::TruePeak;
use crate::{BLOCK, Frame, MAX_VOICES};

/// Parts of momentary loudness, and of a gated block.
const MOMENTARY: usize = 40;
/// Parts of short-term loudness.
const SHORT_TERM: usize = 300;
/// Parts from one gated block to the next: they overlap by three quarters.
const HOP: u64 = 10;
/// Spans that are open at once: every voice that can sound, and what has just ended.
pub const MOST_SPANS: usize = MAX_VOICES + 4;
/// Blocks below are not counted at all.
const ABSOLUTE_GATE_LUFS: f64 = -70.0;
/// Nor are those so far below the mean of the others.
const RELATIVE_GATE_LU: f64 = -10.0;
/// Classes of block loudness: a tenth of a LU each, from the absolute gate to +10 LUFS.
const CLASSES: usize = 800;
const CLASSES_PER_LU: f64 = 10.0;
/// What is shown for digital silence, in LUFS and dBTP.
pub const FLOOR: f64 = -200.0;

const _: () = assert!(PART == BLOCK);

/// What the meter shows after a block.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reading {
    /// Loudness of the last 400 ms, in LUFS.
    pub momentary: f64,
    /// Loudness of the last 3 s, in LUFS.
    pub short_term: f64,
    /// True peak of this block, as a factor.
    pub true_peak: f32,
}

/// What was measured over a span.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Measured {
    /// Integrated loudness in LUFS; `None` where no block was above the gates.
    pub loudness: Option<f64>,
    /// True peak, as a factor.
    pub true_peak: f32,
}

/// Blocks of one class: how many, and the sum of their powers, so that the mean is exact and the
/// classes only round where the relative gate falls.
#[derive(Clone, Copy, Default)]
struct Class {
    count: u64,
    power: f64,
}

struct Span {
    id: u64,
    /// Part it began at.
    begun: u64,
    classes: Box<[Class; CLASSES]>,
    true_peak: f32,
}

impl Span {
    fn new() -> Self {
        Self { id: 0, begun: 0, classes: Box::new([Class::default(); CLASSES]), true_peak: 0.0 }
    }

    fn begin(&mut self, id: u64, begun: u64) {
        (self.id, self.begun, self.true_peak) = (id, begun, 0.0);
        self.classes.fill(Class::default());
    }

    fn block(&mut self, power: f64) {
        let above = lufs(power) - ABSOLUTE_GATE_LUFS;
        if above > 0.0 {
            let class = &mut self.classes[((above * CLASSES_PER_LU) as usize).min(CLASSES - 1)];
            class.count += 1;
            class.power += power;
        }
    }

    fn measured(&self) -> Measured {
        let mean = |gate: f64| {
            let (mut count, mut power) = (0, 0.0);
            for class in self.classes.iter().filter(|class| class.count > 0) {
                if class.power / class.count as f64 >= gate {
                    (count, power) = (count + class.count, power + class.power);
                }
            }
            (count > 0).then(|| power / count as f64)
        };
        let relative = |all: f64| all * libm::pow(10.0, RELATIVE_GATE_LU / 10.0);
        let loudness = mean(0.0).and_then(|all| mean(relative(all))).map(lufs);
        Measured { loudness, true_peak: self.true_peak }
    }
}

/// The meter.
pub struct Meter {
    weighting: Weighting,
    parts: Box<[f64; SHORT_TERM]>,
    /// Parts that were taken.
    count: u64,
    peaks: TruePeak,
    open: Vec<Span>,
    free: Vec<Span>,
}

impl Meter {
    /// That has heard nothing yet.
    pub fn new() -> Self {
        Self {
            weighting: Weighting::new(),
            parts: Box::new([0.0; SHORT_TERM]),
            count: 0,
            peaks: TruePeak::new(),
            open: Vec::with_capacity(MOST_SPANS),
            free: (0..MOST_SPANS).map(|_| Span::new()).collect(),
        }
    }

    /// A span begins with the next block; false where too many are open.
    pub fn begin(&mut self, id: u64) -> bool {
        let Some(mut span) = self.free.pop() else { return false };
        span.begin(id, self.count);
        self.open.push(span);
        true
    }

    /// A span ends with the last block; what was measured over it, if it was open.
    pub fn end(&mut self, id: u64) -> Option<Measured> {
        let place = self.open.iter().position(|span| span.id == id)?;
        let span = self.open.remove(place);
        let measured = span.measured();
        self.free.push(span);
        Some(measured)
    }

    /// What is measured so far over an open span.
    pub fn so_far(&self, id: u64) -> Option<Measured> {
        self.open.iter().find(|span| span.id == id).map(Span::measured)
    }

    /// Takes the next block.
    pub fn take(&mut self, block: &[Frame; BLOCK]) -> Reading {
        let power = self.weighting.power(block);
        self.parts[(self.count % SHORT_TERM as u64) as usize] = power;
        self.count += 1;
        let true_peak = self.peaks.highest(block);
        let momentary = self.mean(MOMENTARY);
        for span in &mut self.open {
            span.true_peak = span.true_peak.max(true_peak);
            let held = self.count - span.begun;
            if held >= MOMENTARY as u64 && held.is_multiple_of(HOP) {
                span.block(momentary);
            }
        }
        Reading { momentary: lufs(momentary), short_term: lufs(self.mean(SHORT_TERM)), true_peak }
    }

    /// Mean power of the last parts. Added up anew: a running sum would drift over the years.
    fn mean(&self, parts: usize) -> f64 {
        let next = (self.count % SHORT_TERM as u64) as usize;
        let (newer, older) = self.parts.split_at(next);
        let from_newer = parts.min(next);
        let sum: f64 = newer[next - from_newer..].iter().sum::<f64>()
            + older[older.len() - (parts - from_newer)..].iter().sum::<f64>();
        sum / parts as f64
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}
