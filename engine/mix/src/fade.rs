//! Fade gains, computed for each frame from its index alone.

use crate::FadeCurve;

/// Gain of a fade-in at frame `index` of `frames`: 0 at frame 0, 1 from frame `frames` on.
pub fn fade_in_gain(curve: FadeCurve, index: i64, frames: i64) -> f32 {
    if index >= frames {
        return 1.0;
    }
    if index <= 0 {
        return 0.0;
    }
    let part = index as f64 / frames as f64;
    match curve {
        FadeCurve::Linear => part as f32,
        FadeCurve::EqualPower => libm::sin(part * core::f64::consts::FRAC_PI_2) as f32,
    }
}

/// Gain of a fade-out at frame `index` of `frames`: 1 up to frame 0, 0 from frame `frames` on.
///
/// With a fade-in of the same curve, start and length, gains (linear) or their squares (equal
/// power) add up to 1 at every frame.
pub fn fade_out_gain(curve: FadeCurve, index: i64, frames: i64) -> f32 {
    if index >= frames {
        return 0.0;
    }
    if index <= 0 {
        return 1.0;
    }
    let part = index as f64 / frames as f64;
    match curve {
        FadeCurve::Linear => (1.0 - part) as f32,
        FadeCurve::EqualPower => libm::cos(part * core::f64::consts::FRAC_PI_2) as f32,
    }
}
