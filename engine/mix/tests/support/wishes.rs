//! What voices are to sound like by the commands they were given, in double precision and apart
//! from the mixer: an oracle of every frame.

use std::f64::consts::PI;

use grimnir_mix::dsp::duck::{Duck, DuckSettings};
use grimnir_mix::{BLOCK, EndCause, FadeCurve, Frame, Role};

/// Frames over which a gain moves.
const MOVE: i64 = 480;

/// A fade's gain at `x` of the way in, written from the documents of the curves.
pub fn law(curve: FadeCurve, x: f64) -> f64 {
    match curve {
        FadeCurve::Linear => x,
        FadeCurve::EqualPower => (0.5 * PI * x).sin(),
        FadeCurve::Logarithmic => 9.0f64.mul_add(x, 1.0).ln() / 10f64.ln(),
        FadeCurve::Exponential => (10f64.powf(x) - 1.0) / 9.0,
        FadeCurve::SCurve => (0.5 * PI * x).sin().powi(2),
    }
}

/// A voice as it was ordered.
#[derive(Clone, Debug)]
pub struct Wish {
    /// First frame on air, where it is not over before.
    pub at: i64,
    /// First frame of the clip.
    pub from: usize,
    /// The clip begins again at its end.
    pub looping: bool,
    pub role: Role,
    pub gain: f64,
    pub fade_in: i64,
    pub curve: FadeCurve,
    pub length: i64,
    /// Frame and gain, in order.
    pub moves: Vec<(i64, f64)>,
    pub fades: Vec<(i64, i64, FadeCurve)>,
    pub stop: Option<i64>,
}

impl Wish {
    /// The frame after its last, and why: the earliest of all reasons.
    pub fn end(&self, clip: usize) -> (i64, EndCause) {
        let stop = self.stop.map(|at| (at, EndCause::Stopped));
        let fades = self.fades.iter().map(|(at, frames, _)| (at + frames, EndCause::FadedOut));
        let source = (self.at + (clip - self.from) as i64, EndCause::SourceEnded);
        let source = (!self.looping).then_some(source);
        let length = (self.at + self.length, EndCause::LengthReached);
        let all = stop.into_iter().chain(fades).chain([length]).chain(source);
        all.min_by_key(|(at, _)| *at).unwrap_or(length)
    }

    /// Its gain moves to another.
    pub fn set_gain(&mut self, at: i64, gain: f64) {
        let place = self.moves.partition_point(|(other, _)| *other <= at);
        self.moves.insert(place, (at, gain));
    }

    /// What was ordered for `now` or later is taken back.
    pub fn forget_from(&mut self, now: i64) {
        self.moves.retain(|(at, _)| *at < now);
        self.fades.retain(|(at, ..)| *at < now);
        self.stop = self.stop.filter(|at| *at < now);
    }

    /// The gain before fades.
    fn level(&self, frame: i64) -> f64 {
        let line = |(at, from, to): (i64, f64, f64), frame: i64| {
            from + (to - from) * ((frame - at + 1).clamp(0, MOVE) as f64 / MOVE as f64)
        };
        let begun = self.moves.iter().take_while(|(at, _)| *at <= frame);
        let stands = (frame - 2 * MOVE, self.gain, self.gain);
        let moved = begun.fold(stands, |now, (at, to)| (*at, line(now, at - 1), *to));
        line(moved, frame)
    }

    /// Its whole gain.
    fn whole(&self, frame: i64) -> f64 {
        let mut gain = self.level(frame);
        let index = frame - self.at;
        if index < self.fade_in {
            gain *= law(self.curve, index as f64 / self.fade_in as f64);
        }
        for (at, frames, curve) in &self.fades {
            if frame > *at {
                gain *= law(*curve, 1.0 - (frame - at) as f64 / *frames as f64);
            }
        }
        gain
    }

    /// Nothing of its gain changes within these frames.
    fn stands(&self, from: i64, to: i64) -> bool {
        self.moves.last().is_none_or(|(at, _)| at + MOVE <= from)
            && from - self.at >= self.fade_in
            && self.fades.iter().all(|(at, ..)| *at >= to)
    }

    /// Adds what is to be heard of it in the block that begins at `block`.
    pub fn add(&mut self, block: i64, clip: &[Frame], sum: &mut [[f64; 2]; BLOCK]) {
        let from = self.at.max(block);
        let to = self.end(clip.len()).0.min(block + BLOCK as i64);
        let steady = self.stands(from, to);
        if steady && let Some((_, gain)) = self.moves.last() {
            self.gain = *gain;
            self.moves.clear();
        }
        for frame in from..to {
            let gain = if steady { self.gain } else { self.whole(frame) };
            let sound = clip[(self.from + (frame - self.at) as usize) % clip.len()];
            let out = &mut sum[(frame - block) as usize];
            out[0] += f64::from(sound[0]) * gain;
            out[1] += f64::from(sound[1]) * gain;
        }
    }
}

/// What is to be heard of all together. How far the programme makes way is the ducker's own law,
/// which has its own tests; that all of it makes way by that, and nothing else, is seen here.
pub struct Expected {
    duck: Duck,
    pub sum: [[f64; 2]; BLOCK],
}

impl Expected {
    pub fn new() -> Self {
        Self { duck: Duck::new(DuckSettings::default()), sum: [[0.0; 2]; BLOCK] }
    }

    /// The block that begins at `block`.
    pub fn block<'a>(
        &mut self,
        block: i64,
        clip: &[Frame],
        wishes: impl Iterator<Item = &'a mut Wish>,
    ) {
        let (mut programme, mut over) = ([[0.0; 2]; BLOCK], [[0.0; 2]; BLOCK]);
        for wish in wishes {
            match wish.role {
                Role::Programme => wish.add(block, clip, &mut programme),
                Role::Over => wish.add(block, clip, &mut over),
            }
        }
        let (mut gains, spoken) = ([[1f32; 2]; BLOCK], over.map(|frame| frame.map(|s| s as f32)));
        self.duck.process(&mut gains, &spoken);
        for (n, sum) in self.sum.iter_mut().enumerate() {
            let gain = f64::from(gains[n][0]);
            *sum = [0, 1].map(|side| programme[n][side] * gain + over[n][side]);
        }
    }
}
