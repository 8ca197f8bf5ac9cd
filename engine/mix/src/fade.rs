//! Fade gains, computed for each frame from its index alone.
//!
//! With x the part of the way that is gone, a fade-in has the gain
//!
//! | curve | gain | middle of a junction, both at 1 |
//! |---|---|---|
//! | linear | x | gains add up to 1 |
//! | equal power | sin(πx/2) | squares add up to 1 |
//! | logarithmic | log10(1 + 9x) | each −2.6 dB: +0.4 dB of power |
//! | exponential | (10^x − 1) / 9 | each −12.4 dB: −9.4 dB of power |
//! | S-curve | (1 − cos πx) / 2 | gains add up to 1 |
//!
//! and a fade-out the same at 1 − x.

use crate::FadeCurve;
use core::f64::consts::{FRAC_PI_2, PI};

/// Gain of a fade-in at frame `index` of `frames`: 0 at frame 0, 1 from frame `frames` on.
pub fn fade_in_gain(curve: FadeCurve, index: i64, frames: i64) -> f32 {
    if index >= frames {
        return 1.0;
    }
    if index <= 0 {
        return 0.0;
    }
    rise(curve, index as f64 / frames as f64) as f32
}

/// Gain of a fade-out at frame `index` of `frames`: 1 up to frame 0, 0 from frame `frames` on.
///
/// With a fade-in of the same curve, start and length, gains (linear, S-curve) or their squares
/// (equal power) add up to 1 at every frame.
pub fn fade_out_gain(curve: FadeCurve, index: i64, frames: i64) -> f32 {
    if index >= frames {
        return 0.0;
    }
    if index <= 0 {
        return 1.0;
    }
    let part = index as f64 / frames as f64;
    match curve {
        FadeCurve::EqualPower => libm::cos(part * FRAC_PI_2) as f32,
        _ => rise(curve, 1.0 - part) as f32,
    }
}

fn rise(curve: FadeCurve, part: f64) -> f64 {
    match curve {
        FadeCurve::Linear => part,
        FadeCurve::EqualPower => libm::sin(part * FRAC_PI_2),
        FadeCurve::Logarithmic => libm::log10(1.0 + 9.0 * part),
        FadeCurve::Exponential => (libm::exp10(part) - 1.0) / 9.0,
        FadeCurve::SCurve => (1.0 - libm::cos(part * PI)) / 2.0,
    }
}
