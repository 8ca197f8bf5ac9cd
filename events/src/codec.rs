//! Payload bytes: bincode 2 in its standard configuration, behind a codec number.
//!
//! Every payload carries its type name and schema version, because bincode has no field tags:
//! a changed shape needs a new version, a frozen struct and an upcaster ([`crate::schema`]).

use serde::{Serialize, de::DeserializeOwned};

/// Codec number of bincode 2, standard configuration (little endian, variable integers).
pub const CODEC_BINCODE2: u8 = 1;
/// Largest payload in bytes; a commit as a whole is bounded by `envelope::MAX_COMMIT_BYTES`.
pub const MAX_PAYLOAD_BYTES: usize = 60 * 1024;

/// A type that may stand in a commit.
pub trait Payload: Serialize + DeserializeOwned {
    /// Stored type name, e.g. `ladder.event`; never changed once released.
    const NAME: &'static str;
    /// Schema version of the shape that is written today.
    const VERSION: u16;

    /// Reads a shape that was written before today's; a type with one version has none.
    ///
    /// Written with [`crate::schema::frozen`] and the frozen shapes' upcasters, one arm a version.
    fn upcast(stored: &Encoded) -> Result<Self, CodecError> {
        Err(unknown::<Self>(stored))
    }
}

/// Why payload bytes cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The value does not fit, or serde refused it.
    #[error("payload {name} v{version} cannot be encoded: {reason}")]
    Encode {
        /// Type name.
        name: String,
        /// Schema version.
        version: u16,
        /// What the codec said.
        reason: String,
    },
    /// The bytes are not this type.
    #[error("payload {name} v{version} cannot be decoded: {reason}")]
    Decode {
        /// Type name.
        name: String,
        /// Schema version.
        version: u16,
        /// What the codec said.
        reason: String,
    },
    /// The stored name or version is not the one asked for, and no upcaster knows it.
    #[error("found payload {found} v{found_version}, expected {expected} v{expected_version}")]
    Unknown {
        /// Stored type name.
        found: String,
        /// Stored schema version.
        found_version: u16,
        /// Wanted type name.
        expected: &'static str,
        /// Wanted schema version.
        expected_version: u16,
    },
}

/// One payload as stored: type name, schema version, bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Encoded {
    /// Stored type name.
    pub name: String,
    /// Schema version.
    pub version: u16,
    /// Codec bytes.
    pub bytes: Vec<u8>,
}

const fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<MAX_PAYLOAD_BYTES>()
}

/// Encodes `value` under its name and version.
pub fn encode<P: Payload>(value: &P) -> Result<Encoded, CodecError> {
    let bytes = bincode::serde::encode_to_vec(value, config()).map_err(|e| CodecError::Encode {
        name: P::NAME.into(),
        version: P::VERSION,
        reason: e.to_string(),
    })?;
    if bytes.len() > MAX_PAYLOAD_BYTES {
        return Err(CodecError::Encode {
            name: P::NAME.into(),
            version: P::VERSION,
            reason: format!("{} bytes, limit {MAX_PAYLOAD_BYTES}", bytes.len()),
        });
    }
    Ok(Encoded { name: P::NAME.into(), version: P::VERSION, bytes })
}

/// Decodes a stored payload of any version this program knows; bytes left over are an error.
pub fn decode<P: Payload>(stored: &Encoded) -> Result<P, CodecError> {
    if stored.name != P::NAME || stored.version > P::VERSION {
        return Err(unknown::<P>(stored));
    }
    if stored.version < P::VERSION {
        return P::upcast(stored);
    }
    decode_bytes(&stored.bytes)
}

/// The answer to a stored payload that `P` cannot be read from.
pub fn unknown<P: Payload>(stored: &Encoded) -> CodecError {
    CodecError::Unknown {
        found: stored.name.clone(),
        found_version: stored.version,
        expected: P::NAME,
        expected_version: P::VERSION,
    }
}

/// Decodes codec bytes of today's shape of a type known from elsewhere.
pub fn decode_bytes<P: Payload>(bytes: &[u8]) -> Result<P, CodecError> {
    decode_shape(P::NAME, P::VERSION, bytes)
}

/// Decodes codec bytes of a shape; name and version are for the answer alone.
pub(crate) fn decode_shape<T: DeserializeOwned>(
    name: &str,
    version: u16,
    bytes: &[u8],
) -> Result<T, CodecError> {
    let fail = |reason: String| CodecError::Decode { name: name.into(), version, reason };
    let (value, used) = bincode::serde::decode_from_slice::<T, _>(bytes, config())
        .map_err(|e| fail(e.to_string()))?;
    if used != bytes.len() {
        return Err(fail(format!("{} bytes left over", bytes.len() - used)));
    }
    Ok(value)
}
