//! A whole chain as it is asked for, read: the nodes in order, and the limiter that ends it.

use super::chain::Chain;
use super::duck::DuckSettings;
use super::silence::SourceSilence;
use super::spec::{MOST_NODES, NodeSpec};
use crate::limiter::{CEILING_DB, RELEASE_MS};
use std::collections::BTreeMap;

/// What may stand behind the limiter.
const LISTENS: [&str; 2] = ["SILENCE_DETECTOR", "LEVEL_METER"];

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
    /// How sources are listened to for silence.
    pub source_silence: Option<SourceSilence>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            ceiling_db: CEILING_DB,
            release_ms: RELEASE_MS,
            duck: DuckSettings::default(),
            source_silence: None,
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
        let (mut limited, mut ducked) = (false, false);
        for (place, (kind, params)) in asked.iter().enumerate() {
            let spec = NodeSpec::parse(kind, params).map_err(|e| (place, e.to_string()))?;
            let (ceiling_db, release_ms) = match spec {
                NodeSpec::Limiter { ceiling_db, release_ms } => (ceiling_db, release_ms),
                // It acts in the mix, before all of the chain; its place says nothing.
                NodeSpec::Duck(settings) => {
                    if std::mem::replace(&mut ducked, true) {
                        return Err((place, "a second DUCK, one is allowed".into()));
                    }
                    plan.duck = settings;
                    continue;
                }
                NodeSpec::SourceSilence(silence) => {
                    if plan.source_silence.replace(silence).is_some() {
                        let what = "a second SILENCE_DETECTOR that listens to sources, one is";
                        return Err((place, format!("{what} allowed")));
                    }
                    continue;
                }
                _ => {
                    plan.nodes.push(spec);
                    continue;
                }
            };
            if limited {
                return Err((place, "a second LIMITER, one is allowed".into()));
            }
            if asked[place + 1..].iter().any(|(kind, _)| !LISTENS.contains(kind)) {
                let behind = LISTENS.join(" and ");
                let what = format!(
                    "LIMITER stands before a node that changes the sound; behind it only {behind} \
                     may stand"
                );
                return Err((place, what));
            }
            limited = true;
            (plan.ceiling_db, plan.release_ms) = (ceiling_db as f32, release_ms);
        }
        Ok(plan)
    }

    /// The nodes, at rest.
    pub fn chain(&self) -> Chain {
        Chain::of(&self.nodes)
    }
}
