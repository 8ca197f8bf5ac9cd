//! Signed notes (C2SP signed-note): a text and who signed it, with Ed25519; and cosignatures
//! (C2SP tlog-cosignature), which carry the time at which a witness saw it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::str::FromStr;

/// Longest note that is read.
pub const MAX_NOTE_BYTES: usize = 64 << 10;
/// Most signatures that are read in a note.
pub const MAX_SIGNATURES: usize = 100;
const MARK: &str = "\u{2014} ";

/// Why a note says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is not a note.
    #[error("not a signed note: {0}")]
    Malformed(String),
    /// A key's text is not one.
    #[error("not a key: {0}")]
    Key(String),
    /// A key that is known did not make the signature that bears its name.
    #[error("signature of {name} (key {id:08x}) is wrong")]
    WrongSignature {
        /// The key's name.
        name: String,
        /// The key's id.
        id: u32,
    },
    /// Nobody known has signed it.
    #[error("none of its {found} signatures is by a known key")]
    Unsigned {
        /// How many there are.
        found: usize,
    },
}

/// What a key signs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum KeyKind {
    /// The note's text.
    Note = 1,
    /// The note's text and the time (`cosignature/v1`).
    Cosignature = 4,
}

/// A public key with its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    key: VerifyingKey,
}

impl VerifierKey {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// What it signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }
    /// First four bytes of SHA-256 over name, newline, kind and key.
    pub fn id(&self) -> u32 {
        key_id(&self.name, self.kind, self.key.as_bytes())
    }
    /// Whether this line is a signature of this key over `text`; `None`: it is another key's.
    pub fn verify(&self, text: &str, line: &SignatureLine) -> Option<bool> {
        if line.name != self.name || line.id != self.id() {
            return None;
        }
        let verified = |message: &[u8], bytes: &[u8]| {
            let signature = Signature::from_slice(bytes).ok();
            signature.is_some_and(|s| self.key.verify_strict(message, &s).is_ok())
        };
        Some(match self.kind {
            KeyKind::Note => verified(text.as_bytes(), &line.bytes),
            KeyKind::Cosignature => line
                .time()
                .is_some_and(|time| verified(cosigned(text, time).as_bytes(), &line.bytes[8..])),
        })
    }
}

/// `<name>+<id>+<base64 of kind and key>`.
impl std::fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = vec![self.kind as u8];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id(), BASE64.encode(bytes))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, id, kind, bytes) = parse_key(text)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|e| NoteError::Key(e.to_string()))?;
        let found = Self { name, kind, key };
        if found.id() != id {
            return Err(NoteError::Key(format!("its id is {id:08x}, computed {:08x}", found.id())));
        }
        Ok(found)
    }
}

/// A secret key with its name.
#[derive(Clone)]
pub struct SignerKey {
    name: String,
    kind: KeyKind,
    key: SigningKey,
}

impl SignerKey {
    /// The key with this seed.
    pub fn from_seed(name: &str, kind: KeyKind, seed: [u8; 32]) -> Result<Self, NoteError> {
        check_name(name).map_err(NoteError::Key)?;
        Ok(Self { name: name.to_owned(), kind, key: SigningKey::from_bytes(&seed) })
    }
    /// A key by the machine's randomness.
    pub fn fresh(name: &str, kind: KeyKind) -> Result<Self, NoteError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|e| NoteError::Key(e.to_string()))?;
        Self::from_seed(name, kind, seed)
    }
    /// `PRIVATE+KEY+<name>+<id>+<base64 of kind and seed>`; a secret.
    pub fn to_secret_text(&self) -> String {
        let mut bytes = vec![self.kind as u8];
        bytes.extend_from_slice(self.key.as_bytes());
        let id = self.verifier().id();
        format!("PRIVATE+KEY+{}+{id:08x}+{}\n", self.name, BASE64.encode(bytes))
    }
    /// The key in such a text.
    pub fn from_secret_text(text: &str) -> Result<Self, NoteError> {
        let rest = text.trim_end().strip_prefix("PRIVATE+KEY+");
        let rest = rest.ok_or_else(|| NoteError::Key("it is not a private key".into()))?;
        let (name, id, kind, seed) = parse_key(rest)?;
        let found = Self { name, kind, key: SigningKey::from_bytes(&seed) };
        let computed = found.verifier().id();
        if computed != id {
            return Err(NoteError::Key(format!("its id is {id:08x}, computed {computed:08x}")));
        }
        Ok(found)
    }
    /// Its public half.
    pub fn verifier(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), kind: self.kind, key: self.key.verifying_key() }
    }
    /// Signs a note's text; `time_s` (POSIX seconds) is what a cosignature carries.
    pub fn sign(&self, text: &str, time_s: u64) -> SignatureLine {
        let bytes = match self.kind {
            KeyKind::Note => self.key.sign(text.as_bytes()).to_bytes().to_vec(),
            KeyKind::Cosignature => {
                let signature = self.key.sign(cosigned(text, time_s).as_bytes());
                [&time_s.to_be_bytes()[..], &signature.to_bytes()[..]].concat()
            }
        };
        SignatureLine { name: self.name.clone(), id: self.verifier().id(), bytes }
    }
}

/// Never shows the secret.
impl std::fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SignerKey({})", self.verifier())
    }
}

fn cosigned(text: &str, time_s: u64) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

fn key_id(name: &str, kind: KeyKind, key: &[u8; 32]) -> u32 {
    let hash = Sha256::new()
        .chain_update(name.as_bytes())
        .chain_update([b'\n', kind as u8])
        .chain_update(key)
        .finalize();
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
        let shown: String = name.chars().take(80).collect();
        return Err(format!("name \"{shown}\" is empty or has blanks or plus signs"));
    }
    Ok(())
}

fn parse_key(text: &str) -> Result<(String, u32, KeyKind, [u8; 32]), NoteError> {
    let wrong = |reason: &str| NoteError::Key(reason.to_owned());
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong("expected <name>+<id>+<key>"));
    };
    check_name(name).map_err(NoteError::Key)?;
    let id = (id.len() == 8).then(|| u32::from_str_radix(id, 16).ok()).flatten();
    let id = id.ok_or_else(|| wrong("its id is not eight hexadecimal digits"))?;
    let bytes = BASE64.decode(key).map_err(|e| NoteError::Key(e.to_string()))?;
    let (kind, key) = bytes.split_first().ok_or_else(|| wrong("it is empty"))?;
    let kind = match kind {
        1 => KeyKind::Note,
        4 => KeyKind::Cosignature,
        other => return Err(NoteError::Key(format!("kind {other} is not known, expected 1 or 4"))),
    };
    let length = key.len();
    let key = key.try_into();
    let key = key.map_err(|_| NoteError::Key(format!("it is {length} bytes, expected 32")))?;
    Ok((name.to_owned(), id, kind, key))
}

/// One signature of a note.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignatureLine {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub id: u32,
    /// The signature; of a cosignature the time before it.
    pub bytes: Vec<u8>,
}

impl SignatureLine {
    /// The time that a cosignature carries, in POSIX seconds.
    pub fn time(&self) -> Option<u64> {
        let time = self.bytes.first_chunk::<8>().filter(|_| self.bytes.len() == 72)?;
        Some(u64::from_be_bytes(*time))
    }
}

/// The line with its end.
impl std::fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = [&self.id.to_be_bytes()[..], &self.bytes[..]].concat();
        writeln!(f, "{MARK}{} {}", self.name, BASE64.encode(bytes))
    }
}

impl FromStr for SignatureLine {
    type Err = NoteError;

    fn from_str(line: &str) -> Result<Self, NoteError> {
        let wrong = |reason: String| NoteError::Malformed(reason);
        let (name, bytes) = line
            .strip_prefix(MARK)
            .and_then(|rest| rest.split_once(' '))
            .ok_or_else(|| wrong("a signature line is not \u{2014}, name, signature".into()))?;
        check_name(name).map_err(wrong)?;
        let bytes = BASE64.decode(bytes).map_err(|e| wrong(format!("signature of {name}: {e}")))?;
        let (id, bytes) = bytes
            .split_first_chunk::<4>()
            .filter(|(_, bytes)| !bytes.is_empty())
            .ok_or_else(|| wrong(format!("signature of {name} is too short")))?;
        Ok(Self { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
    }
}

/// A text and its signatures, not verified yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    text: String,
    /// Its signatures, in order.
    pub signatures: Vec<SignatureLine>,
}

impl Note {
    /// A text that nobody has signed yet; it ends with a newline.
    pub fn new(text: String) -> Self {
        Self { text, signatures: Vec::new() }
    }
    /// The text; trusted only once it is verified.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// Adds a signature by `key`.
    pub fn sign(mut self, key: &SignerKey, time_s: u64) -> Self {
        self.signatures.push(key.sign(&self.text, time_s));
        self
    }
    /// The keys of these that have signed it. A wrong signature under a known key is an error, and
    /// so is none at all.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let mut signed = Vec::new();
        for line in &self.signatures {
            for key in keys {
                match key.verify(&self.text, line) {
                    Some(true) if !signed.contains(&key) => signed.push(key),
                    Some(false) => {
                        let (name, id) = (line.name.clone(), line.id);
                        return Err(NoteError::WrongSignature { name, id });
                    }
                    Some(true) | None => {}
                }
            }
        }
        if signed.is_empty() {
            return Err(NoteError::Unsigned { found: self.signatures.len() });
        }
        Ok(signed)
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| write!(f, "{line}"))
    }
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        let wrong = |reason: &str| NoteError::Malformed(reason.to_owned());
        if note.len() > MAX_NOTE_BYTES {
            let found = note.len();
            return Err(NoteError::Malformed(format!("{found} bytes, limit {MAX_NOTE_BYTES}")));
        }
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(wrong("it has control characters"));
        }
        // The text may have blank lines of its own: the last one parts it from the signatures.
        let at = note.rfind("\n\n").ok_or_else(|| wrong("no blank line before signatures"))?;
        let (text, lines) = (&note[..=at], &note[at + 2..]);
        let lines = lines.strip_suffix('\n').ok_or_else(|| wrong("no signature line, or cut"))?;
        let signatures: Vec<_> = lines.split('\n').map(str::parse).collect::<Result<_, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            let found = signatures.len();
            let reason = format!("{found} signatures, limit {MAX_SIGNATURES}");
            return Err(NoteError::Malformed(reason));
        }
        Ok(Self { text: text.to_owned(), signatures })
    }
}

#[cfg(test)]
mod tests;
