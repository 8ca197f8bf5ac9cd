//! Leases: short claims on a name that end by themselves when nobody renews them.
//!
//! A lease says who should decide; it cannot stop who decides still, because nobody can know
//! whether a silent holder is dead or slow. What stops a former owner is the commit by which the
//! new one takes each stream. So a lease may be wrong for a while and nothing breaks.

use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A lease that is held now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// What is claimed.
    pub key: String,
    /// What the holder says about itself.
    pub value: Vec<u8>,
    /// Rises with every claim and renewal of any key.
    pub revision: u64,
}

/// Why a claim was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else was first: the lease is not at the revision that was named.
    #[error("{key} is held at another revision")]
    Taken {
        /// What was claimed.
        key: String,
    },
    /// Nothing is known: whoever keeps the leases does not answer.
    #[error("leases are not kept now: {reason}")]
    Away {
        /// What was found.
        reason: String,
    },
}

/// Where the nodes of a site claim what they own.
pub trait Leases: Send + Sync + 'static {
    /// Every lease that is held now.
    fn all(&self) -> BoxFuture<'_, Result<Vec<Lease>, LeaseError>>;
    /// Claims or renews, if the lease is at `revision` (0: nobody holds it); answers the revision
    /// after it. It ends by itself some seconds after its last renewal.
    fn claim<'a>(
        &'a self,
        key: &'a str,
        value: Vec<u8>,
        revision: u64,
    ) -> BoxFuture<'a, Result<u64, LeaseError>>;
}

/// Leases in memory that end only when they are told to: for tests.
#[derive(Default)]
pub struct MemoryLeases {
    held: Mutex<(u64, BTreeMap<String, Lease>)>,
    away: std::sync::atomic::AtomicBool,
}

impl MemoryLeases {
    /// Ends the lease on a key, as time does.
    pub fn expire(&self, key: &str) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).1.remove(key);
    }
    /// From now on nobody answers, or somebody does again.
    pub fn set_away(&self, away: bool) {
        self.away.store(away, std::sync::atomic::Ordering::Relaxed);
    }
    fn answers(&self) -> Result<(), LeaseError> {
        if self.away.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(LeaseError::Away { reason: "told to be away".into() });
        }
        Ok(())
    }
}

impl Leases for MemoryLeases {
    fn all(&self) -> BoxFuture<'_, Result<Vec<Lease>, LeaseError>> {
        Box::pin(async move {
            self.answers()?;
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(held.1.values().cloned().collect())
        })
    }
    fn claim<'a>(
        &'a self,
        key: &'a str,
        value: Vec<u8>,
        revision: u64,
    ) -> BoxFuture<'a, Result<u64, LeaseError>> {
        Box::pin(async move {
            self.answers()?;
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let found = held.1.get(key).map_or(0, |lease| lease.revision);
            if found != revision {
                return Err(LeaseError::Taken { key: key.into() });
            }
            held.0 += 1;
            let lease = Lease { key: key.into(), value, revision: held.0 };
            held.1.insert(key.into(), lease);
            Ok(held.0)
        })
    }
}
