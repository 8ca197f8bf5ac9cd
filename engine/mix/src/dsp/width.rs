//! Stereo width: how much the sides differ.

use crate::Frame;

/// Scales the difference of the channels; their sum stays.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Width {
    /// 0 is mono, 1 leaves all as it is, 2 doubles the difference.
    pub width: f64,
}

impl Width {
    /// Widens `frames` in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        for frame in frames {
            let (left, right) = (f64::from(frame[0]), f64::from(frame[1]));
            let (mid, side) = ((left + right) / 2.0, (left - right) / 2.0 * self.width);
            *frame = [(mid + side) as f32, (mid - side) as f32];
        }
    }
}
