//! Sealed personal fields: ciphertext in the commit, the key elsewhere.
//!
//! Destroying a person's key erases the field while every hash over the commit still holds.
//! Sealing and opening need a random nonce and a key, so they live with the secrets store.

use crate::ids::UserId;
use serde::{Deserialize, Serialize};

/// One personal field, encrypted with XChaCha20-Poly1305 under the person's own key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sealed {
    /// Whose key opens it.
    pub person: UserId,
    /// The nonce.
    pub nonce: [u8; 24],
    /// Ciphertext and tag.
    pub ciphertext: Vec<u8>,
}
