//! Bands of an equaliser as texts.

use super::{MOST_BANDS, NodeSpec, Params, SpecError, cut, no};
use crate::dsp::equalizer::{Band, BandKind};

/// `gains` as `band0=+3,band4=-2`, or `bands` as `peak 1000 3 1.4; low_shelf 120 2 0.7`.
pub(super) fn equalizer(p: &mut Params<'_>) -> Result<NodeSpec, SpecError> {
    let bands = p.take(&["bands"])?.filter(|(_, text)| text.trim() != "10");
    let gains = p.take(&["gains"])?;
    match (bands, gains) {
        (Some(_), Some(_)) => no("EQUALIZER: either gains for ten bands, or bands".into()),
        (Some((_, text)), None) => parametric(text),
        (None, gains) => ten_bands(gains.map_or("", |(_, text)| text)),
    }
}

const GAIN: (f64, f64) = (-24.0, 24.0);

fn ten_bands(text: &str) -> Result<NodeSpec, SpecError> {
    let mut all = [0.0; 10];
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let wrong = || {
            format!(
                "EQUALIZER: gains has {:?}, expected band0 to band9 = {} to {} dB",
                cut(part),
                GAIN.0,
                GAIN.1
            )
        };
        let found = part.split_once('=').and_then(|(name, gain)| {
            let place: usize = name.trim().strip_prefix("band")?.parse().ok()?;
            let gain: f64 = gain.trim().parse().ok()?;
            (place < all.len() && (GAIN.0..=GAIN.1).contains(&gain)).then_some((place, gain))
        });
        match found {
            Some((place, gain)) => all[place] = gain,
            None => return no(wrong()),
        }
    }
    Ok(NodeSpec::TenBands(all))
}

fn parametric(text: &str) -> Result<NodeSpec, SpecError> {
    let parts: Vec<&str> = text.split(';').filter(|part| !part.trim().is_empty()).collect();
    if parts.len() > MOST_BANDS {
        return no(format!("EQUALIZER: bands has {} bands, limit {MOST_BANDS}", parts.len()));
    }
    let band = |part: &&str| {
        let words: Vec<&str> = part.split_whitespace().collect();
        let [kind, hertz, gain, q] = words[..] else { return None };
        let kind = match kind {
            "peak" => BandKind::Peak,
            "low_shelf" => BandKind::LowShelf,
            "high_shelf" => BandKind::HighShelf,
            _ => return None,
        };
        let number = |text: &str, least: f64, most: f64| {
            text.parse::<f64>().ok().filter(|value| (least..=most).contains(value))
        };
        Some(Band {
            kind,
            hertz: number(hertz, 20.0, 20_000.0)?,
            gain_db: number(gain, GAIN.0, GAIN.1)?,
            q: number(q, 0.1, 20.0)?,
        })
    };
    let mut bands = Vec::with_capacity(parts.len());
    for part in &parts {
        match band(part) {
            Some(band) => bands.push(band),
            None => {
                return no(format!(
                    "EQUALIZER: bands has {:?}, expected peak, low_shelf or high_shelf, then \
                     20 to 20000 Hz, {} to {} dB, quality 0.1 to 20",
                    cut(part),
                    GAIN.0,
                    GAIN.1
                ));
            }
        }
    }
    Ok(NodeSpec::Parametric(bands))
}
