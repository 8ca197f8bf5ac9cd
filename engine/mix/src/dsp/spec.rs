//! What can be asked of a chain: node types, their parameters, ranges and usual values.
//!
//! A node is a word and a list of named texts, as it comes over the wire. Other words that are in
//! use for the same thing are understood (`threshold` for `threshold_db`); nothing is guessed.

use super::compressor::CompressorSettings;
use super::duck::DuckSettings;
use super::equalizer::Band;
use super::factor;
use super::gate::GateSettings;
use super::leveller::LevellerSettings;
use super::silence::{Exempt, SilenceAction, SilenceSettings, SilenceWatch};
use crate::{MixGains, RATE};
use equalizer::equalizer;
use std::borrow::Cow;
use std::collections::BTreeMap;

mod equalizer;

/// Most parametric bands of one equaliser.
pub const MOST_BANDS: usize = 16;
/// Most nodes of a chain.
pub const MOST_NODES: usize = 32;

/// Why a node is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{what}")]
pub struct SpecError {
    what: String,
}

fn no<T>(what: String) -> Result<T, SpecError> {
    Err(SpecError { what })
}

/// One node.
#[derive(Clone, PartialEq, Debug)]
pub enum NodeSpec {
    /// A fixed gain in dB.
    Gain(f64),
    /// An AGC.
    Leveller(LevellerSettings),
    /// Loudness normalisation.
    Normalizer {
        /// How it levels.
        settings: LevellerSettings,
        /// The limiter's ceiling is not above this, in dBTP.
        true_peak_limit_db: Option<f64>,
    },
    /// A compressor.
    Compressor(CompressorSettings),
    /// The limiter at the end: ceiling in dBTP, release in ms.
    Limiter {
        /// Ceiling in dBTP.
        ceiling_db: f64,
        /// Time constant of the way back, in ms.
        release_ms: f64,
    },
    /// Ten fixed bands.
    TenBands([f64; 10]),
    /// Bands of any place and width.
    Parametric(Vec<Band>),
    /// A gate.
    Gate(GateSettings),
    /// Takes away what is below, in Hz.
    HighPass(f64),
    /// 0 is mono, 1 as it is, 2 twice the difference.
    Width(f64),
    /// Silence sense on what leaves the station; `None`: there is none.
    Silence(Option<SilenceWatch>),
    /// Silence sense on each source, before its gain; `None`: there is none.
    SourceSilence(Option<SilenceWatch>),
    /// Levels of programme and talk-over in the sum, in the mix itself.
    Mix(MixGains),
    /// How the programme makes way for what is spoken over it, in the mix itself.
    Duck(DuckSettings),
    /// How often levels are shown to who does not ask for a time of their own, in ms.
    Meter {
        /// Between two readings.
        interval_ms: u32,
    },
    /// Switched off by its own parameter.
    Off,
}

/// Node types that stand between INPUT and OUTPUT.
pub const TYPES: [&str; 13] = [
    "MIX",
    "DUCK",
    "GAIN",
    "LOUDNESS_NORMALIZE",
    "AGC",
    "COMPRESSOR",
    "LIMITER",
    "EQUALIZER",
    "GATE",
    "HIGH_PASS",
    "STEREO_WIDTH",
    "SILENCE_DETECTOR",
    "LEVEL_METER",
];

/// Parameters that are read one by one; what is left over was not known.
struct Params<'a> {
    kind: &'a str,
    left: BTreeMap<&'a str, &'a str>,
    known: Vec<&'static str>,
}

impl<'a> Params<'a> {
    fn take(
        &mut self,
        names: &[&'static str],
    ) -> Result<Option<(&'static str, &'a str)>, SpecError> {
        self.known.push(names[0]);
        let mut found = None;
        for name in names {
            if let Some(text) = self.left.remove(name) {
                if let Some((other, _)) = found {
                    return no(format!("{}: {other} and {name} are the same", self.kind));
                }
                found = Some((*name, text));
            }
        }
        Ok(found)
    }

    /// A number within a range, by its first name or another.
    fn number(
        &mut self,
        names: &[&'static str],
        range: (f64, f64),
        usual: f64,
    ) -> Result<f64, SpecError> {
        let Some((name, text)) = self.take(names)? else { return Ok(usual) };
        let (least, most) = range;
        match text.trim().parse::<f64>() {
            Ok(value) if (least..=most).contains(&value) => Ok(value),
            _ => no(format!("{}: {name} is {:?}, allowed {least} to {most}", self.kind, cut(text))),
        }
    }

    fn word(&mut self, name: &'static str, allowed: &[&str]) -> Result<usize, SpecError> {
        let Some((_, text)) = self.take(&[name])? else { return Ok(0) };
        match allowed.iter().position(|word| word.eq_ignore_ascii_case(text.trim())) {
            Some(place) => Ok(place),
            None => {
                let allowed = allowed.join(", ");
                no(format!("{}: {name} is {:?}, allowed {allowed}", self.kind, cut(text)))
            }
        }
    }

    fn end(self) -> Result<(), SpecError> {
        let Some(name) = self.left.keys().next() else { return Ok(()) };
        let allowed = if self.known.is_empty() { "none".to_owned() } else { self.known.join(", ") };
        no(format!("{} has no parameter {:?}, allowed {allowed}", self.kind, cut(name)))
    }
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A type as it is written here: in any case, and as the enum of another proto has it.
pub fn kind_of(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    let upper = match text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        true => Cow::Owned(text.to_ascii_uppercase()),
        false => Cow::Borrowed(text),
    };
    match upper.strip_prefix("NODE_TYPE_") {
        Some(rest) => Cow::Owned(rest.to_owned()),
        None => upper,
    }
}

impl NodeSpec {
    /// Reads a node; says what is wrong, with the value found and what is allowed.
    pub fn parse(kind: &str, params: &BTreeMap<String, String>) -> Result<Self, SpecError> {
        let kind = kind_of(kind);
        let kind = &*kind;
        let left = params.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let mut p = Params { kind, left, known: Vec::new() };
        let node = match kind {
            "DUCK" => duck(&mut p)?,
            "GAIN" => Self::Gain(p.number(&["gain_db"], (-24.0, 24.0), 0.0)?),
            "LOUDNESS_NORMALIZE" => normalizer(&mut p)?,
            "AGC" => agc(&mut p)?,
            "COMPRESSOR" => Self::Compressor(CompressorSettings {
                threshold_db: p.number(&["threshold_db", "threshold"], (-60.0, 0.0), -20.0)?,
                ratio: p.number(&["ratio"], (1.0, 20.0), 3.0)?,
                knee_db: p.number(&["knee_db", "knee"], (0.0, 24.0), 6.0)?,
                attack_ms: p.number(&["attack_ms", "attack"], (0.1, 500.0), 5.0)?,
                release_ms: p.number(&["release_ms", "release"], (5.0, 5_000.0), 50.0)?,
                makeup_gain_db: p.number(&["makeup_gain_db", "makeup_db"], (-12.0, 24.0), 0.0)?,
            }),
            "LIMITER" => limiter(&mut p)?,
            "EQUALIZER" => equalizer(&mut p)?,
            "GATE" => Self::Gate(GateSettings {
                threshold_db: p.number(&["threshold_db", "threshold"], (-96.0, 0.0), -60.0)?,
                range_db: p.number(&["range_db", "range"], (-96.0, 0.0), -20.0)?,
                attack_ms: p.number(&["attack_ms", "attack"], (0.1, 500.0), 1.0)?,
                hold_ms: p.number(&["hold_ms", "hold"], (0.0, 5_000.0), 50.0)?,
                release_ms: p.number(&["release_ms", "release"], (5.0, 5_000.0), 200.0)?,
            }),
            "HIGH_PASS" => {
                Self::HighPass(p.number(&["frequency_hz", "cutoff_hz"], (10.0, 2_000.0), 40.0)?)
            }
            "STEREO_WIDTH" => Self::Width(p.number(&["width"], (0.0, 2.0), 1.0)?),
            "SILENCE_DETECTOR" => silence(&mut p)?,
            "LEVEL_METER" => {
                let interval_ms = p.number(&["interval_ms"], (20.0, 10_000.0), 100.0)? as u32;
                Self::Meter { interval_ms }
            }
            "MIX" => {
                let range = (-24.0, 12.0);
                let mut gain = |name| p.number(&[name], range, 0.0).map(|db| factor(db) as f32);
                let (programme, over) = (gain("programme_gain_db")?, gain("over_gain_db")?);
                Self::Mix(MixGains { programme, over })
            }
            other => {
                let allowed = TYPES.join(", ");
                return no(format!("type {:?} is not known, allowed {allowed}", cut(other)));
            }
        };
        p.end()?;
        Ok(node)
    }
}

fn normalizer(p: &mut Params<'_>) -> Result<NodeSpec, SpecError> {
    // The limiter holds it: what levels has no look-ahead.
    let limit = p.number(&["true_peak_limit_dbtp", "true_peak_limit"], (-12.0, 0.0), f64::NAN)?;
    let window_s = p.number(&["integrated_window_sec"], (0.4, 10.0), 3.0)?;
    let settings = LevellerSettings {
        target_lufs: p.number(&["target_lufs"], (-36.0, -8.0), -16.0)?,
        max_gain_db: p.number(&["max_gain_db", "max_gain"], (0.0, 24.0), 12.0)?,
        max_cut_db: p.number(&["max_cut_db"], (0.0, 24.0), 12.0)?,
        gate_lufs: p.number(&["gate_lufs"], (-90.0, -20.0), -50.0)?,
        window_ms: window_s * 1_000.0,
        attack_ms: p.number(&["attack_ms", "attack"], (10.0, 60_000.0), 2_000.0)?,
        release_ms: p.number(&["release_ms", "release"], (10.0, 60_000.0), 4_000.0)?,
    };
    let true_peak_limit_db = Some(limit).filter(|limit| limit.is_finite());
    Ok(NodeSpec::Normalizer { settings, true_peak_limit_db })
}

fn agc(p: &mut Params<'_>) -> Result<NodeSpec, SpecError> {
    let off = p.word("enabled", &["true", "false"])? == 1;
    let settings = LevellerSettings {
        target_lufs: p.number(&["target_level_db", "target_level"], (-36.0, -6.0), -14.0)?,
        max_gain_db: p.number(&["max_gain_db", "max_gain"], (0.0, 24.0), 12.0)?,
        max_cut_db: p.number(&["max_cut_db"], (0.0, 24.0), 12.0)?,
        gate_lufs: p.number(&["gate_db", "gate_lufs"], (-90.0, -20.0), -45.0)?,
        window_ms: p.number(&["window_ms"], (10.0, 10_000.0), 400.0)?,
        attack_ms: p.number(&["attack_ms", "attack"], (10.0, 60_000.0), 500.0)?,
        release_ms: p.number(&["release_ms", "release"], (10.0, 60_000.0), 3_000.0)?,
    };
    Ok(if off { NodeSpec::Off } else { NodeSpec::Leveller(settings) })
}

fn limiter(p: &mut Params<'_>) -> Result<NodeSpec, SpecError> {
    // The delay of the programme is the same whatever is loaded.
    p.number(&["lookahead_ms"], (5.0, 5.0), 5.0)?;
    Ok(NodeSpec::Limiter {
        ceiling_db: p.number(
            &["ceiling_db", "threshold_db", "threshold"],
            (-12.0, 0.0),
            f64::from(crate::limiter::CEILING_DB),
        )?,
        release_ms: p.number(&["release_ms", "release"], (1.0, 2_000.0), 100.0)?,
    })
}

fn duck(p: &mut Params<'_>) -> Result<NodeSpec, SpecError> {
    let usual = DuckSettings::default();
    Ok(NodeSpec::Duck(DuckSettings {
        threshold_db: p.number(&["threshold_db", "threshold"], (-60.0, 0.0), usual.threshold_db)?,
        reduction_db: p.number(
            &["reduction_db", "depth_db", "reduction"],
            (-60.0, 0.0),
            usual.reduction_db,
        )?,
        attack_ms: p.number(&["attack_ms", "attack"], (0.1, 1_000.0), usual.attack_ms)?,
        hold_ms: p.number(&["hold_ms", "hold"], (0.0, 10_000.0), usual.hold_ms)?,
        release_ms: p.number(&["release_ms", "release"], (5.0, 10_000.0), usual.release_ms)?,
    }))
}

fn silence(p: &mut Params<'_>) -> Result<NodeSpec, SpecError> {
    let frames = |seconds: f64| (seconds * f64::from(RATE)) as u64;
    let threshold_db = p.number(&["threshold_db", "threshold"], (-96.0, -10.0), -50.0)?;
    let in_ms = p.left.contains_key("min_duration_ms");
    let duration_s = match in_ms {
        true => p.number(&["min_duration_ms"], (100.0, 600_000.0), 5_000.0)? / 1_000.0,
        false => p.number(&["duration_sec"], (0.1, 600.0), 5.0)?,
    };
    let restore_s = p.number(&["restore_sec"], (0.0, 600.0), 1.0)?;
    let either_channel = p.word("channels", &["both", "either"])? == 1;
    let action = match p.word("action", &["alarm", "failover_to_fallback"])? {
        0 => SilenceAction::Alarm,
        _ => SilenceAction::FailOver,
    };
    let off = p.word("enabled", &["true", "false"])? == 1;
    let of_sources = p.word("listens", &["programme", "sources"])? == 1;
    let settings = SilenceSettings {
        threshold_db,
        duration_frames: frames(duration_s),
        restore_frames: frames(restore_s),
        either_channel,
    };
    let exempt = match p.take(&["exempt"])? {
        None => Exempt::default(),
        Some(_) if !of_sources => {
            return no("SILENCE_DETECTOR: exempt goes with listens = sources".into());
        }
        Some((_, text)) => Exempt::parse(text).ok_or_else(|| {
            let (allowed, found) = (Exempt::words(), cut(text));
            let what =
                format!("SILENCE_DETECTOR: exempt is {found:?}, allowed by commas {allowed}");
            SpecError { what }
        })?,
    };
    let watch = (!off).then_some(SilenceWatch { settings, exempt, action });
    Ok(if of_sources { NodeSpec::SourceSilence(watch) } else { NodeSpec::Silence(watch) })
}
