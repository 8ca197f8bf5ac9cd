//! Equalisers: parametric bands, ten fixed ones, and the high-pass.

use super::biquad::{Biquad, Coefficients};
use crate::Frame;

/// Centres of the ten bands, an octave apart.
pub const TEN_BANDS_HZ: [f64; 10] =
    [31.25, 62.5, 125.0, 250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0, 16_000.0];
/// An octave wide.
const OCTAVE_Q: f64 = std::f64::consts::SQRT_2;
/// Neither peak nor sag at the corner.
pub(crate) const BUTTERWORTH_Q: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// How a band acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BandKind {
    /// Around its frequency.
    Peak,
    /// Below it.
    LowShelf,
    /// Above it.
    HighShelf,
}

/// One band.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Band {
    /// How it acts.
    pub kind: BandKind,
    /// Where, in Hz.
    pub hertz: f64,
    /// How much, in dB.
    pub gain_db: f64,
    /// How narrow.
    pub q: f64,
}

impl Band {
    fn coefficients(&self) -> Coefficients {
        let Self { kind, hertz, gain_db, q } = *self;
        match kind {
            BandKind::Peak => Coefficients::peaking(hertz, gain_db, q),
            BandKind::LowShelf => Coefficients::low_shelf(hertz, gain_db, q),
            BandKind::HighShelf => Coefficients::high_shelf(hertz, gain_db, q),
        }
    }
}

/// Filters one after the other.
#[derive(Clone, Debug)]
pub struct Equalizer {
    filters: Vec<Biquad>,
}

impl Equalizer {
    /// Of these bands; one at 0 dB costs nothing.
    pub fn parametric(bands: &[Band]) -> Self {
        let heard = bands.iter().filter(|band| band.gain_db != 0.0);
        Self { filters: heard.map(|band| Biquad::new(band.coefficients())).collect() }
    }

    /// Of ten gains in dB.
    pub fn ten_bands(gains_db: &[f64; 10]) -> Self {
        let band = |(hertz, gain_db): (&f64, &f64)| Band {
            kind: BandKind::Peak,
            hertz: *hertz,
            gain_db: *gain_db,
            q: OCTAVE_Q,
        };
        let bands: Vec<Band> = TEN_BANDS_HZ.iter().zip(gains_db).map(band).collect();
        Self::parametric(&bands)
    }

    /// That takes away what is below `hertz`, 12 dB an octave.
    pub fn high_pass(hertz: f64) -> Self {
        Self { filters: vec![Biquad::new(Coefficients::high_pass(hertz, BUTTERWORTH_Q))] }
    }

    /// Filters `frames` in place.
    pub fn process(&mut self, frames: &mut [Frame]) {
        for filter in &mut self.filters {
            filter.process(frames);
        }
    }
}
