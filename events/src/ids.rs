//! Typed identifiers: sixteen bytes with a printed prefix, so that no id is taken for another.
//!
//! Upstream: whoever mints them (callers hand in random bytes; nothing here is random).
//! Text form is `<prefix>_<32 hex digits>`; in stored bytes an id is its sixteen raw bytes.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Why a text is not the id it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{found}\" is not a {expected} id: expected \"{expected}_\" and 32 hexadecimal digits")]
pub struct IdError {
    /// The text as given (cut at 80 characters).
    pub found: String,
    /// The prefix that was wanted.
    pub expected: &'static str,
}

fn parse(text: &str, prefix: &'static str) -> Result<[u8; 16], IdError> {
    let wrong = || IdError { found: text.chars().take(80).collect(), expected: prefix };
    let digits = text.strip_prefix(prefix).and_then(|t| t.strip_prefix('_')).ok_or_else(wrong)?;
    let mut bytes = [0u8; 16];
    if digits.len() != 32 || hex::decode_to_slice(digits, &mut bytes).is_err() {
        return Err(wrong());
    }
    Ok(bytes)
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// The printed prefix, without the underscore.
            pub const PREFIX: &'static str = $prefix;
            /// The id with these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self { Self(bytes) }
            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] { &self.0 }
            /// True for the all-zero id, which names nothing.
            pub fn is_nil(&self) -> bool { self.0 == [0; 16] }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}_{}", $prefix, hex::encode(self.0))
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> { parse(text, $prefix).map(Self) }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() { s.collect_str(self) } else { self.0.serialize(s) }
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if d.is_human_readable() {
                    let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    <[u8; 16]>::deserialize(d).map(Self)
                }
            }
        }
    )*};
}

typed_ids! {
    /// One ledger, from its creation on.
    LogId = "log";
    /// One site: the owner of a ledger.
    SiteId = "sit";
    /// One programme identity with its own schedule and audio chain.
    StationId = "sta";
    /// A named listening point.
    MountId = "mnt";
    /// A library item.
    MediaId = "med";
    /// A reusable ordered list of items.
    PlaylistId = "pls";
    /// A format clock.
    ClockId = "clk";
    /// A smart block.
    SmartBlockId = "sbk";
    /// A template of a day or a week.
    TemplateId = "tpl";
    /// A show.
    ShowId = "shw";
    /// One instance of a show, by its original start.
    InstanceId = "ins";
    /// One line of the programme log.
    LineId = "lin";
    /// One claim to the air: what a source raised on the ladder holds.
    ClaimId = "clm";
    /// One user account.
    UserId = "usr";
    /// One stored credential; the secret itself is never in the ledger.
    CredentialId = "crd";
    /// One commit.
    CommitId = "cmt";
    /// One whole conversation, from the request that began it.
    CorrelationId = "cor";
    /// One run of an engine process.
    EngineRunId = "run";
    /// One folder that a library takes in.
    ImportId = "imp";
    /// One start of the next line by a person.
    StartId = "stt";
    /// One output beside the mounts.
    OutputId = "out";
    /// One permission to go live.
    LiveSessionId = "liv";
    /// One stream from elsewhere.
    WebstreamId = "wst";
}

/// A content address: SHA-256 of the bytes named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ContentHash(pub [u8; 32]);

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl std::fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
impl std::str::FromStr for ContentHash {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| IdError { found: text.chars().take(80).collect(), expected: "sha256" })?;
        Ok(Self(bytes))
    }
}
impl Serialize for ContentHash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(self) } else { self.0.serialize(s) }
    }
}
impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
            text.parse().map_err(D::Error::custom)
        } else {
            <[u8; 32]>::deserialize(d).map(Self)
        }
    }
}

/// A 16-byte id derived from a domain word and parts: the first half of a SHA-256.
///
/// Used wherever an id must come out the same when the same thing is done again.
pub fn derive_id(domain: &str, parts: &[&[u8]]) -> [u8; 16] {
    use sha2::{Digest, Sha256};
    let mut hasher = Sha256::new();
    // Lengths are hashed too, so that ("ab","c") and ("a","bc") differ.
    for part in std::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    let mut id = [0u8; 16];
    id.copy_from_slice(&digest[..16]);
    id
}
