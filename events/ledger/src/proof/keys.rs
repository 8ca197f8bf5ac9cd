//! The log's keys: the secret one that signs now, and the public history of all of them.
//!
//! The history is a row of signed notes. The first is signed by the first key alone, every later
//! one by the key before it and by the new key. So whoever trusts one key trusts those after it.
//!
//! ```text
//! grimnir-key-history/v1
//! <origin>
//! key <number, from 1>
//! <verifier key>
//! from <tree size from which on it signs>
//! at <µs since 1970>
//! previous <SHA-256 of the note before, 64 zeros for the first>
//! ```

use super::checkpoint::{SignedCheckpoint, parse_size, split_notes};
use super::error::ProofError;
use super::note::{KeyKind, Note, SignerKey, VerifierKey};
use crate::files;
use grimnir_events::UtcMicros;
use sha2::{Digest, Sha256};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const HEADING: &str = "grimnir-key-history/v1";
const HISTORY: &str = "keys";
const SECRET: &str = "key";
const NEXT: &str = "key.next";

/// One key, from when on it signs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyEntry {
    /// The key.
    pub key: VerifierKey,
    /// It signs trees of this size and larger ones, until the next key takes over.
    pub from_size: u64,
    /// When it was made.
    pub made_at: UtcMicros,
}

/// Every key a log has had, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyHistory {
    origin: String,
    entries: Vec<KeyEntry>,
    text: String,
}

impl KeyHistory {
    fn of(origin: &str) -> Self {
        Self { origin: origin.to_owned(), entries: Vec::new(), text: String::new() }
    }

    /// Reads and verifies a history; every signature in it must hold.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        let (notes, whole) = split_notes(text);
        if whole != text.len() || notes.is_empty() {
            let reason = format!("{whole} of {} bytes are notes", text.len());
            return Err(ProofError::malformed("key history", reason));
        }
        let mut history: Option<Self> = None;
        for (at, note) in notes.into_iter().enumerate() {
            let parsed: Note = note.parse()?;
            let wrong = |reason: &str| {
                let reason = format!("entry {}: {reason}", at + 1);
                ProofError::malformed("key history", reason)
            };
            let lines: Vec<&str> = parsed.text().lines().collect();
            let [HEADING, origin, number, key, from, made, previous] = lines[..] else {
                return Err(wrong("its lines are others"));
            };
            let history = history.get_or_insert_with(|| Self::of(origin));
            let key: VerifierKey = key.parse()?;
            let from_size = from.strip_prefix("from ").and_then(parse_size);
            let from_size = from_size.ok_or_else(|| wrong("it does not say from which size"))?;
            let made_at = made.strip_prefix("at ").and_then(|at| at.parse().ok());
            let made_at = UtcMicros(made_at.ok_or_else(|| wrong("it does not say when"))?);
            let entry = KeyEntry { key, from_size, made_at };
            if origin != history.origin || parsed.text() != history.entry_text(&entry) {
                return Err(wrong(&format!("it does not follow: {number}, {previous}")));
            }
            history.admit(entry, &parsed)?;
        }
        history.ok_or_else(|| ProofError::malformed("key history", "it is empty"))
    }

    /// Takes an entry whose note bears the signatures it needs.
    fn admit(&mut self, entry: KeyEntry, note: &Note) -> Result<(), ProofError> {
        if entry.key.name() != self.origin || entry.key.kind() != KeyKind::Note {
            return Err(ProofError::key(format!("{} is not a key of {}", entry.key, self.origin)));
        }
        let mut needed = vec![entry.key.clone()];
        if let Some(last) = self.entries.last() {
            if entry.from_size < last.from_size {
                let (found, least) = (entry.from_size, last.from_size);
                let reason = format!("it signs from size {found} on, the key before from {least}");
                return Err(ProofError::key(reason));
            }
            needed.push(last.key.clone());
        }
        let signed = note.verify(&needed)?;
        if let Some(missing) = needed.iter().find(|key| !signed.contains(key)) {
            let reason = format!("key {} is not signed by {missing}", entry.key);
            return Err(ProofError::key(reason));
        }
        self.entries.push(entry);
        self.text += &format!("{note}\n");
        Ok(())
    }

    fn entry_text(&self, entry: &KeyEntry) -> String {
        let (notes, _) = split_notes(&self.text);
        let previous = notes.last().map_or([0; 32], |note| Sha256::digest(note).into());
        let KeyEntry { key, from_size, made_at: UtcMicros(at) } = entry;
        let (origin, number) = (&self.origin, self.entries.len() + 1);
        let previous = hex::encode(previous);
        format!(
            "{HEADING}\n{origin}\nkey {number}\n{key}\nfrom {from_size}\nat {at}\n\
             previous {previous}\n"
        )
    }

    /// Adds a key; `before` is the one that signs now.
    fn add(
        &mut self,
        key: &SignerKey,
        before: Option<&SignerKey>,
        from_size: u64,
        made_at: UtcMicros,
    ) -> Result<(), ProofError> {
        let entry = KeyEntry { key: key.verifier(), from_size, made_at };
        let note = Note::new(self.entry_text(&entry)).sign(key, 0);
        let note = before.map_or(note.clone(), |before| note.sign(before, 0));
        self.admit(entry, &note)
    }

    /// Whose keys they are.
    pub fn origin(&self) -> &str {
        &self.origin
    }
    /// The keys, the first one first.
    pub fn entries(&self) -> &[KeyEntry] {
        &self.entries
    }
    /// As it is kept and handed out.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the log has signed this: with the key that its size belongs to.
    pub fn verify(&self, signed: &SignedCheckpoint) -> Result<(), ProofError> {
        let found = &signed.checkpoint;
        if found.origin != self.origin {
            let reason = format!("it is of {}, expected {}", found.origin, self.origin);
            return Err(ProofError::wrong("checkpoint", reason));
        }
        let keys: Vec<VerifierKey> = self.entries.iter().map(|e| e.key.clone()).collect();
        let by = signed.note.verify(&keys)?;
        let in_force = |at: usize| {
            let until = self.entries.get(at + 1).map_or(u64::MAX, |next| next.from_size);
            (self.entries[at].from_size..=until).contains(&found.size)
        };
        if keys.iter().enumerate().any(|(at, key)| by.contains(&key) && in_force(at)) {
            return Ok(());
        }
        let reason = format!("a tree of {} was not that key's to sign", found.size);
        Err(ProofError::wrong("checkpoint", reason))
    }
}

/// The keys of a running log.
#[derive(Debug)]
pub struct Keys {
    dir: PathBuf,
    history: KeyHistory,
    signer: SignerKey,
}

impl Keys {
    /// Reads the history in a proof folder; `None` where no key was made yet.
    pub fn load_history(dir: &Path) -> Result<Option<KeyHistory>, ProofError> {
        let path = dir.join(HISTORY);
        let Some(bytes) = files::read_if_there(&path).map_err(ProofError::io(&path))? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes)
            .map_err(|_| ProofError::malformed("key history", "it is not text"))?;
        KeyHistory::parse(&text).map(Some)
    }

    /// Opens the keys of the log `origin`; makes the first one where there is none.
    pub fn open(dir: &Path, origin: &str, now: UtcMicros) -> Result<Self, ProofError> {
        let Some(history) = Self::load_history(dir)? else { return Self::begin(dir, origin, now) };
        if history.origin != origin {
            let reason = format!("the keys are of {}, the log is {origin}", history.origin);
            return Err(ProofError::key(reason));
        }
        let wanted = history.entries.last().map(|entry| entry.key.clone());
        let holds = |signer: &SignerKey| Some(signer.verifier()) == wanted;
        if let Some(signer) = load_secret(&dir.join(SECRET))?.filter(holds) {
            return Ok(Self { dir: dir.to_owned(), history, signer });
        }
        // A rotation was cut off between its two steps: the history has it, so it counts.
        let next = dir.join(NEXT);
        let Some(signer) = load_secret(&next)?.filter(holds) else {
            let reason = format!("the secret of {} is not in {}", origin, dir.display());
            return Err(ProofError::key(reason));
        };
        put_in_place(&next, &dir.join(SECRET))?;
        Ok(Self { dir: dir.to_owned(), history, signer })
    }

    fn begin(dir: &Path, origin: &str, now: UtcMicros) -> Result<Self, ProofError> {
        let path = dir.join(SECRET);
        // A first start that was cut off may have left a secret without its history.
        let signer = match load_secret(&path)? {
            Some(signer) if signer.verifier().name() == origin => signer,
            Some(signer) => {
                let found = signer.verifier();
                return Err(ProofError::key(format!("{found} is not a key of {origin}")));
            }
            None => {
                let signer = SignerKey::fresh(origin, KeyKind::Note)?;
                store_secret(&path, &signer)?;
                signer
            }
        };
        let mut history = KeyHistory::of(origin);
        history.add(&signer, None, 0, now)?;
        let keys = Self { dir: dir.to_owned(), history, signer };
        keys.store_history()?;
        Ok(keys)
    }

    fn store_history(&self) -> Result<(), ProofError> {
        let path = self.dir.join(HISTORY);
        files::replace(&path, self.history.text.as_bytes()).map_err(ProofError::io(&path))
    }

    /// Makes a new key that signs trees from `from_size` on; the old one signs that it does, and
    /// its secret is gone after it.
    pub fn rotate(&mut self, from_size: u64, now: UtcMicros) -> Result<(), ProofError> {
        let signer = SignerKey::fresh(&self.history.origin, KeyKind::Note)?;
        let mut history = self.history.clone();
        history.add(&signer, Some(&self.signer), from_size, now)?;
        let next = self.dir.join(NEXT);
        store_secret(&next, &signer)?;
        let keys = Self { dir: self.dir.clone(), history, signer };
        keys.store_history()?;
        put_in_place(&next, &self.dir.join(SECRET))?;
        *self = keys;
        Ok(())
    }

    /// The key that signs now.
    pub fn signer(&self) -> &SignerKey {
        &self.signer
    }
    /// All of them.
    pub fn history(&self) -> &KeyHistory {
        &self.history
    }
}

/// A secret key kept in a file of its own; made where there is none.
pub fn open_secret(path: &Path, name: &str, kind: KeyKind) -> Result<SignerKey, ProofError> {
    if let Some(signer) = load_secret(path)? {
        let found = signer.verifier();
        if found.name() != name || found.kind() != kind {
            return Err(ProofError::key(format!("{found} is not a key of {name}")));
        }
        return Ok(signer);
    }
    let signer = SignerKey::fresh(name, kind)?;
    store_secret(path, &signer)?;
    Ok(signer)
}

fn load_secret(path: &Path) -> Result<Option<SignerKey>, ProofError> {
    let Some(bytes) = files::read_if_there(path).map_err(ProofError::io(path))? else {
        return Ok(None);
    };
    let mode = std::fs::metadata(path).map_err(ProofError::io(path))?.permissions().mode();
    if mode & 0o077 != 0 {
        let (path, mode) = (path.display(), mode & 0o777);
        return Err(ProofError::key(format!("{path} has mode {mode:04o}, expected 0600")));
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(SignerKey::from_secret_text(&text)?))
}

fn store_secret(path: &Path, key: &SignerKey) -> Result<(), ProofError> {
    files::replace(path, key.to_secret_text().as_bytes()).map_err(ProofError::io(path))
}

fn put_in_place(from: &Path, to: &Path) -> Result<(), ProofError> {
    std::fs::rename(from, to).map_err(ProofError::io(from))?;
    files::sync_parent(to).map_err(ProofError::io(to))
}

#[cfg(test)]
mod tests;
