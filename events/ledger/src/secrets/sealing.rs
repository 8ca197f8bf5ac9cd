//! Sealing of personal fields: XChaCha20-Poly1305, bound to the person.

use super::{SecretsError, random};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use grimnir_events::UserId;
use grimnir_events::sealed::Sealed;

/// Encrypts `text` under `key`; a ciphertext moved to another person does not open.
pub(super) fn seal(key: &[u8; 32], person: UserId, text: &str) -> Result<Sealed, SecretsError> {
    // 24 random bytes never repeat, whatever else forgets what was used.
    let nonce = random::<24>()?;
    let payload = Payload { msg: text.as_bytes(), aad: &person.0 };
    let ciphertext = XChaCha20Poly1305::new(key.into())
        .encrypt(XNonce::from_slice(&nonce), payload)
        .map_err(|e| SecretsError::Crypto { reason: e.to_string() })?;
    Ok(Sealed { person, nonce, ciphertext })
}

/// Decrypts a sealed field; `None` if key, person or bytes are not those it was sealed with.
pub(super) fn unseal(key: &[u8; 32], sealed: &Sealed) -> Option<String> {
    let payload = Payload { msg: sealed.ciphertext.as_slice(), aad: &sealed.person.0 };
    let nonce = XNonce::from_slice(&sealed.nonce);
    let text = XChaCha20Poly1305::new(key.into()).decrypt(nonce, payload).ok()?;
    String::from_utf8(text).ok()
}
