//! What the leases of a site say, as bytes and together.

use super::Unit;
use grimnir_ledger::Lease;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a node says of itself in its lease.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct NodeWord {
    pub instance: String,
    pub url: String,
    /// Name of its host.
    #[serde(default)]
    pub host: String,
    /// It closes in order: nothing is its share any more.
    pub gone: bool,
}

/// What the holder of a unit says in its lease.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct UnitWord {
    pub node: String,
    pub instance: String,
    pub epoch: u64,
    /// Let go: whoever is next may have it at once.
    pub released: bool,
}

/// What all leases say at one time.
pub(super) struct View {
    pub nodes: BTreeMap<String, NodeWord>,
    pub units: BTreeMap<Unit, (u64, UnitWord)>,
    pub own: Option<(u64, NodeWord)>,
}

impl View {
    /// What these leases say to the node `me`; what cannot be read says nothing.
    pub fn of(leases: Vec<Lease>, me: &str) -> Self {
        let mut view = Self { nodes: BTreeMap::new(), units: BTreeMap::new(), own: None };
        for Lease { key, value, revision } in leases {
            if let Some(name) = key.strip_prefix("node.") {
                let Ok(word) = serde_json::from_slice::<NodeWord>(&value) else { continue };
                if name == me {
                    view.own = Some((revision, word));
                } else if !word.gone {
                    view.nodes.insert(name.to_owned(), word);
                }
            } else if let Some(unit) = unit_of(&key)
                && let Ok(word) = serde_json::from_slice::<UnitWord>(&value)
            {
                view.units.insert(unit, (revision, word));
            }
        }
        view
    }
    /// Whether another node is known to be on another host than this one.
    pub fn is_elsewhere(&self, node: &str, host: &str) -> bool {
        let known = |name: &str| !name.is_empty();
        let of = self.nodes.get(node).map(|word| word.host.as_str()).unwrap_or_default();
        known(of) && known(host) && of != host
    }
    /// Address of another node; empty where not known.
    pub fn url_of(&self, node: &str) -> String {
        self.nodes.get(node).map(|word| word.url.clone()).unwrap_or_default()
    }
}

pub(super) fn key_of(unit: Unit) -> String {
    format!("unit.{}", hex::encode(unit))
}

fn unit_of(key: &str) -> Option<Unit> {
    raw(key.strip_prefix("unit.")?)
}

pub(super) fn raw(text: &str) -> Option<Unit> {
    let mut unit = [0; 16];
    hex::decode_to_slice(text, &mut unit).ok().map(|()| unit)
}

pub(super) fn bytes_of<T: Serialize>(word: &T) -> Vec<u8> {
    serde_json::to_vec(word).unwrap_or_default()
}
