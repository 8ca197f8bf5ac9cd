//! What the site knows of one engine, shared between its link and those who cannot wait for it.

use grimnir_engine_proto::{Client, v1};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// One engine, as last seen.
#[derive(Default)]
pub struct EngineHandle {
    client: RwLock<Option<Client>>,
    status: RwLock<Option<v1::StatusResponse>>,
    imported: AtomicU64,
}

impl EngineHandle {
    /// A connection, where there is one.
    pub fn client(&self) -> Option<Client> {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// The engine's last status.
    pub fn status(&self) -> Option<v1::StatusResponse> {
        self.status.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// Journal records that are in the ledger.
    pub fn imported(&self) -> u64 {
        self.imported.load(Ordering::Relaxed)
    }
    /// Journal records that are not in the ledger yet.
    pub fn backlog(&self) -> u64 {
        self.status().map_or(0, |s| s.journal_head.saturating_sub(self.imported()))
    }
    pub(crate) fn connected(&self, client: Client) {
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = Some(client);
    }
    pub(crate) fn lost(&self) {
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.status.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
    pub(crate) fn seen(&self, status: v1::StatusResponse) {
        *self.status.write().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }
    pub(crate) fn set_imported(&self, seq: u64) {
        self.imported.store(seq, Ordering::Relaxed);
    }
}
