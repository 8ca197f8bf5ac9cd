//! Who decides for which station: what this node knows of it, and what it refuses because of it.
//!
//! Alone, the process lock of the ledger makes this node the owner of everything. On a ledger that
//! is shared, the [`keeper`] claims leases and takes the streams of what it won; the shells ask
//! here before they decide. A standing may be out of date: what stops a former owner for certain
//! is the commit by which its streams were taken, not this.

pub mod rendezvous;
pub mod take;
mod words;
pub mod memory;
pub(crate) mod pace;
pub mod host;
pub mod keeper;

use crate::error::CommandError;
use grimnir_events::{StationId, UtcMicros};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// What is owned as a whole: the id of a station, or of the site for its own stream.
pub type Unit = [u8; 16];

/// A node as the others see it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Address of its API; empty where not known.
    pub url: String,
}

/// Who decides for a unit, as far as this node knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// This node, under this epoch.
    Own {
        /// Stamped into its commits.
        epoch: u64,
    },
    /// Another node.
    Other(Node),
    /// Nobody that is known.
    Nobody,
}

/// Who decides for which station.
pub struct Ownership {
    node: Node,
    /// The epoch of a node that owns everything.
    alone: Option<u64>,
    standings: Mutex<BTreeMap<Unit, watch::Sender<Standing>>>,
    /// When another node was last seen to own a unit.
    seen: Mutex<BTreeMap<Unit, UtcMicros>>,
}

impl Ownership {
    /// Of a node whose process lock keeps everybody else out.
    pub fn alone(epoch: u64) -> Self {
        Self { alone: Some(epoch), ..Self::shared(Node::default()) }
    }
    /// Of a node that shares its ledger; it owns nothing yet.
    pub fn shared(node: Node) -> Self {
        Self { node, alone: None, standings: Mutex::default(), seen: Mutex::default() }
    }
    /// This node; without a name where it is alone.
    pub fn node(&self) -> &Node {
        &self.node
    }
    /// True where nobody else can own anything.
    pub fn is_alone(&self) -> bool {
        self.alone.is_some()
    }

    /// Another node owns a unit at this time.
    pub(crate) fn saw_owner(&self, unit: Unit, at: UtcMicros) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(unit, at);
    }
    /// When another node was last seen to own it.
    pub(crate) fn last_seen(&self, unit: Unit) -> Option<UtcMicros> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&unit).copied()
    }

    /// Follows the standing of a unit.
    pub fn watch(&self, unit: Unit) -> watch::Receiver<Standing> {
        self.with(unit, watch::Sender::subscribe)
    }
    /// Who decides for it.
    pub fn standing(&self, unit: Unit) -> Standing {
        self.with(unit, |sender| sender.borrow().clone())
    }
    /// Epoch under which this node owns it.
    pub fn epoch(&self, unit: Unit) -> Option<u64> {
        match self.standing(unit) {
            Standing::Own { epoch } => Some(epoch),
            Standing::Other(_) | Standing::Nobody => None,
        }
    }
    /// Everything this node owns, under which epochs.
    pub fn owned(&self) -> BTreeMap<Unit, u64> {
        let standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        let epochs = standings.iter().filter_map(|(unit, sender)| match *sender.borrow() {
            Standing::Own { epoch } => Some((*unit, epoch)),
            Standing::Other(_) | Standing::Nobody => None,
        });
        epochs.collect()
    }
    /// Why this node does not decide for it; answers the epoch where it does.
    pub fn decides(&self, unit: Unit) -> Result<u64, CommandError> {
        match self.standing(unit) {
            Standing::Own { epoch } => Ok(epoch),
            Standing::Other(node) => Err(CommandError::NotOwner { node: node.name, url: node.url }),
            Standing::Nobody => Err(CommandError::NoOwner),
        }
    }

    /// Notes who decides for a unit; true when that is news.
    pub fn set(&self, unit: Unit, standing: Standing) -> bool {
        let changed = self.with(unit, |sender| {
            sender.send_if_modified(|known| {
                let news = *known != standing;
                known.clone_from(&standing);
                news
            })
        });
        if changed && !self.is_alone() {
            let unit = StationId(unit);
            tracing::info!(unit = %unit, ?standing, "ownership changed");
        }
        changed
    }

    /// The log says that a node took a stream of this unit: whoever had a lower epoch is out.
    pub fn taken(&self, unit: Unit, epoch: u64, node: &str) {
        let lost = matches!(self.standing(unit), Standing::Own { epoch: own } if own < epoch);
        if lost && node != self.node.name {
            let node = Node { name: node.into(), url: self.url_of(node) };
            self.set(unit, Standing::Other(node));
        }
    }

    /// Address of a node, as far as it is known from anything it owns.
    fn url_of(&self, name: &str) -> String {
        let standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        let urls = standings.values().filter_map(|sender| match &*sender.borrow() {
            Standing::Other(node) if node.name == name => Some(node.url.clone()),
            Standing::Other(_) | Standing::Own { .. } | Standing::Nobody => None,
        });
        urls.max().unwrap_or_default()
    }

    fn with<T>(&self, unit: Unit, look: impl FnOnce(&watch::Sender<Standing>) -> T) -> T {
        let first = || match self.alone {
            Some(epoch) => watch::Sender::new(Standing::Own { epoch }),
            None => watch::Sender::new(Standing::Nobody),
        };
        let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        look(standings.entry(unit).or_insert_with(first))
    }
}
