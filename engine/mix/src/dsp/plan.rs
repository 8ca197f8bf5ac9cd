//! A whole chain as it is asked for, read: the nodes in order, and the limiter that ends it.

use super::chain::Chain;
use super::duck::DuckSettings;
use super::silence::SilenceWatch;
use super::spec::{MOST_NODES, NodeSpec, kind_of};
use crate::MixGains;
use crate::limiter::{CEILING_DB, RELEASE_MS};
use std::collections::BTreeMap;

/// What may stand behind the limiter.
const LISTENS: [&str; 2] = ["SILENCE_DETECTOR", "LEVEL_METER"];

/// Levels are shown ten times a second.
const METER_MS: u32 = 100;

/// A node by its type and the texts of its parameters.
pub type Asked<'a> = (&'a str, &'a BTreeMap<String, String>);

/// What a chain asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Nodes in order, without the limiter.
    pub nodes: Vec<NodeSpec>,
    /// Ceiling of the limiter in dBTP.
    pub ceiling_db: f32,
    /// Its way back, in ms.
    pub release_ms: f64,
    /// How the programme makes way for what is over it.
    pub duck: DuckSettings,
    /// Levels of programme and talk-over in the sum.
    pub mix: MixGains,
    /// How what leaves is listened to for silence.
    pub programme_silence: Option<SilenceWatch>,
    /// How sources are listened to for silence.
    pub source_silence: Option<SilenceWatch>,
    /// Between two readings of the meters for who asks for no time, in ms.
    pub meter_ms: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            ceiling_db: CEILING_DB,
            release_ms: RELEASE_MS,
            duck: DuckSettings::default(),
            mix: MixGains::default(),
            programme_silence: Some(SilenceWatch::STANDING),
            source_silence: Some(SilenceWatch::STANDING),
            meter_ms: METER_MS,
        }
    }
}

impl Plan {
    /// Reads the nodes between input and output. Else the place of the one at fault, 0 for the
    /// first, and what is wrong.
    pub fn of(asked: &[Asked<'_>]) -> Result<Self, (usize, String)> {
        if asked.len() > MOST_NODES {
            let what = format!("the chain has {} nodes, limit {MOST_NODES}", asked.len());
            return Err((MOST_NODES, what));
        }
        let mut plan = Self::default();
        let mut once = Vec::new();
        let mut true_peak_limit = f64::INFINITY;
        for (place, (kind, params)) in asked.iter().enumerate() {
            let spec = NodeSpec::parse(kind, params).map_err(|e| (place, e.to_string()))?;
            if let Some(name) = only_one(&spec) {
                if once.contains(&name) {
                    return Err((place, format!("a second {name}, one is allowed")));
                }
                once.push(name);
            }
            match spec {
                NodeSpec::Limiter { ceiling_db, release_ms } => {
                    check_last(&asked[place + 1..]).map_err(|what| (place, what))?;
                    (plan.ceiling_db, plan.release_ms) = (ceiling_db as f32, release_ms);
                }
                // What acts in the mix or on the bus: its place says nothing.
                NodeSpec::Duck(settings) => plan.duck = settings,
                NodeSpec::Mix(gains) => plan.mix = gains,
                NodeSpec::Silence(watch) => plan.programme_silence = watch,
                NodeSpec::SourceSilence(watch) => plan.source_silence = watch,
                NodeSpec::Meter { interval_ms } => plan.meter_ms = interval_ms,
                other => {
                    if let NodeSpec::Normalizer { true_peak_limit_db: Some(limit), .. } = other {
                        true_peak_limit = true_peak_limit.min(limit);
                    }
                    plan.nodes.push(other);
                }
            }
        }
        plan.ceiling_db = plan.ceiling_db.min(true_peak_limit as f32);
        Ok(plan)
    }

    /// The nodes, at rest.
    pub fn chain(&self) -> Chain {
        Chain::of(&self.nodes)
    }
}

/// What stands once in a chain, by its name.
fn only_one(spec: &NodeSpec) -> Option<&'static str> {
    Some(match spec {
        NodeSpec::Limiter { .. } => "LIMITER",
        NodeSpec::Duck(_) => "DUCK",
        NodeSpec::Mix(_) => "MIX",
        NodeSpec::Silence(_) => "SILENCE_DETECTOR that listens to the programme",
        NodeSpec::SourceSilence(_) => "SILENCE_DETECTOR that listens to sources",
        NodeSpec::Meter { .. } => "LEVEL_METER",
        _ => return None,
    })
}

/// Nothing that changes the sound stands behind the limiter.
fn check_last(behind: &[Asked<'_>]) -> Result<(), String> {
    if behind.iter().all(|(kind, _)| LISTENS.contains(&&*kind_of(kind))) {
        return Ok(());
    }
    let behind = LISTENS.join(" and ");
    Err(format!(
        "LIMITER stands before a node that changes the sound; behind it only {behind} may stand"
    ))
}
