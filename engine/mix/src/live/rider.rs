//! The slow hand on a live input's fader: ±6 dB towards the station's loudness.

use crate::dsp::leveller::{Leveller, LevellerSettings};

/// Most that the rider moves a live input, in dB, up or down.
pub const RIDER_DB: f64 = 6.0;

/// A rider towards `target_lufs`; pauses move nothing.
pub fn rider(target_lufs: f64) -> Leveller {
    Leveller::new(LevellerSettings {
        target_lufs,
        max_gain_db: RIDER_DB,
        max_cut_db: RIDER_DB,
        gate_lufs: -45.0,
        window_ms: 3_000.0,
        attack_ms: 4_000.0,
        release_ms: 12_000.0,
    })
}
