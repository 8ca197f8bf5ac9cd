//! Password hashing: argon2id, in PHC strings that name their own parameters.

use super::{SecretsError, random};
use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use grimnir_events::{ContentHash, envelope};

/// Hashes a password with a fresh salt (argon2id, 19 MiB, 2 passes: OWASP's first choice).
pub(super) fn hash(password: &str) -> Result<String, SecretsError> {
    let failed = |reason: String| SecretsError::Crypto { reason };
    let salt = SaltString::encode_b64(&random::<16>()?).map_err(|e| failed(e.to_string()))?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|e| failed(e.to_string()))
}

/// Whether a password is the one behind a stored hash.
pub(super) fn matches(password: &str, stored: &str) -> bool {
    PasswordHash::new(stored)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// What a ledger may say about a stored hash: enough to see that it changed.
pub(super) fn fingerprint(stored: &str) -> ContentHash {
    envelope::hash(stored.as_bytes())
}
