//! The secrets store: what must not stand in a ledger, beside it in one private file.
//!
//! Password hashes, the keys that personal fields are sealed with, what outputs sign in with, and
//! the secret that tokens are signed with. A commit holds only a credential's id and fingerprint,
//! and sealed fields. Unlike the ledger this file forgets: erasing a person destroys the key, and
//! every sealed field of that person with it. Back it up apart from the ledger, and not for longer
//! than erasure may take.
//!
//! The functions that hash a password take some 20 ms of processor time: call them off the runtime.

mod kept;
mod passwords;
mod sealing;

use crate::files;
use grimnir_events::sealed::Sealed;
use grimnir_events::{ContentHash, CredentialId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Longest password in bytes: hashing time must not be the caller's to choose.
pub const MAX_PASSWORD_BYTES: usize = 1_024;
const FORMAT: u32 = 1;

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// The file system said no; what was asked was not done.
    #[error("{}: {reason}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// The file is not a secrets store of this program.
    #[error("{}: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The sign-in name belongs to somebody else.
    #[error("the sign-in name is taken")]
    NameTaken,
    /// The password is empty or too long.
    #[error("password is {found} bytes, allowed are 1 to {MAX_PASSWORD_BYTES}")]
    Password {
        /// Its length in bytes.
        found: usize,
    },
    /// The person was erased: there is no key to seal with, and there will be none.
    #[error("{person} was erased")]
    Erased {
        /// Who.
        person: UserId,
    },
    /// Hashing, sealing or the random source failed.
    #[error("secret could not be made: {reason}")]
    Crypto {
        /// What was said.
        reason: String,
    },
}

/// Who a name and a password belong to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignedIn {
    /// The user.
    pub user_id: UserId,
    /// The credential that was matched.
    pub credential_id: CredentialId,
}

#[derive(Clone, Serialize, Deserialize)]
struct Content {
    format: u32,
    /// Hex of 32 bytes.
    token_secret: String,
    /// A hash that no password matches, checked for names that nobody has.
    decoy: String,
    /// By lower-case name.
    users: BTreeMap<String, Credential>,
    /// Hex of each person's key.
    keys: BTreeMap<UserId, String>,
    erased: BTreeSet<UserId>,
    /// What outputs sign in with.
    #[serde(default)]
    kept: BTreeMap<CredentialId, kept::Kept>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Credential {
    user_id: UserId,
    credential_id: CredentialId,
    /// PHC string: algorithm, parameters, salt, hash.
    hash: String,
}

/// The secrets store. Nodes of one host may share it: each sees what another has changed, and only
/// the one that owns the site changes it.
pub struct Secrets {
    path: PathBuf,
    token_secret: [u8; 32],
    content: Mutex<Content>,
    /// Which file the content was read from: a change makes another one of the same name.
    read_from: Mutex<Option<(u64, u64)>>,
}

impl Secrets {
    /// Opens the store in `dir`, and makes one there if there is none.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, SecretsError> {
        let dir = dir.as_ref();
        files::make_dir(dir).and_then(|()| restrict(dir, 0o700)).map_err(io_error(dir))?;
        let path = dir.join("secrets.json");
        let content = match files::read_if_there(&path).map_err(io_error(&path))? {
            Some(bytes) => {
                restrict(&path, 0o600).map_err(io_error(&path))?;
                parse(&path, &bytes)?
            }
            None => {
                let content = Content {
                    format: FORMAT,
                    token_secret: hex::encode(random::<32>()?),
                    decoy: passwords::hash(&hex::encode(random::<32>()?))?,
                    users: BTreeMap::new(),
                    keys: BTreeMap::new(),
                    erased: BTreeSet::new(),
                    kept: BTreeMap::new(),
                };
                store(&path, &content)?;
                content
            }
        };
        let token_secret = key_of(&content.token_secret).ok_or_else(|| SecretsError::Foreign {
            path: path.clone(),
            reason: "the token secret is not 32 bytes".into(),
        })?;
        let read_from = Mutex::new(file_of(&path));
        Ok(Self { path, token_secret, content: Mutex::new(content), read_from })
    }

    /// The secret that tokens are signed with; the same for the life of the store.
    pub fn token_secret(&self) -> [u8; 32] {
        self.token_secret
    }

    /// Sets the password of a user under a sign-in name (any case) and answers its fingerprint.
    /// A user has one name: an earlier one of the same user is gone.
    pub fn set_password(
        &self,
        name: &str,
        user_id: UserId,
        credential_id: CredentialId,
        password: &str,
    ) -> Result<ContentHash, SecretsError> {
        if password.is_empty() || password.len() > MAX_PASSWORD_BYTES {
            return Err(SecretsError::Password { found: password.len() });
        }
        let name = folded(name);
        let hash = passwords::hash(password)?;
        let fingerprint = passwords::fingerprint(&hash);
        self.change(|content| {
            if content.erased.contains(&user_id) {
                return Err(SecretsError::Erased { person: user_id });
            }
            if content.users.get(&name).is_some_and(|other| other.user_id != user_id) {
                return Err(SecretsError::NameTaken);
            }
            content.users.retain(|_, credential| credential.user_id != user_id);
            content.users.insert(name, Credential { user_id, credential_id, hash });
            Ok(())
        })?;
        Ok(fingerprint)
    }

    /// Whose name and password these are. A name that nobody has takes as long as one that has.
    pub fn verify(&self, name: &str, password: &str) -> Option<SignedIn> {
        let (known, hash) = {
            let content = self.content();
            match content.users.get(&folded(name)) {
                Some(Credential { user_id, credential_id, hash }) => {
                    let (user_id, credential_id) = (*user_id, *credential_id);
                    (Some(SignedIn { user_id, credential_id }), hash.clone())
                }
                None => (None, content.decoy.clone()),
            }
        };
        // Hashed outside the lock: sign-ins do not queue behind each other.
        let fits = password.len() <= MAX_PASSWORD_BYTES;
        let matches = passwords::matches(if fits { password } else { "" }, &hash) & fits;
        known.filter(|_| matches)
    }

    /// The user with this sign-in name.
    pub fn user_named(&self, name: &str) -> Option<SignedIn> {
        let content = self.content();
        let Credential { user_id, credential_id, .. } = content.users.get(&folded(name))?;
        Some(SignedIn { user_id: *user_id, credential_id: *credential_id })
    }

    /// The sign-in name of a user.
    pub fn name_of(&self, user: UserId) -> Option<String> {
        let content = self.content();
        let mut named = content.users.iter().filter(|(_, credential)| credential.user_id == user);
        named.next().map(|(name, _)| name.clone())
    }

    /// Fingerprint of a user's stored password hash, to hold against the ledger's.
    pub fn fingerprint_of(&self, user: UserId) -> Option<ContentHash> {
        let content = self.content();
        let mut found = content.users.values().filter(|credential| credential.user_id == user);
        found.next().map(|credential| passwords::fingerprint(&credential.hash))
    }

    /// Seals a personal field under the person's key, which is made if there is none.
    pub fn seal(&self, person: UserId, text: &str) -> Result<Sealed, SecretsError> {
        let known = self.content().keys.get(&person).cloned();
        let key = match known {
            Some(key) => key,
            None => {
                let fresh = hex::encode(random::<32>()?);
                // Durable before anything is sealed with it; another caller may have been first.
                self.change(|content| {
                    if content.erased.contains(&person) {
                        return Err(SecretsError::Erased { person });
                    }
                    Ok(content.keys.entry(person).or_insert(fresh).clone())
                })?
            }
        };
        let broken = || SecretsError::Crypto { reason: format!("the key of {person} is broken") };
        sealing::seal(&key_of(&key).ok_or_else(broken)?, person, text)
    }

    /// The text of a sealed field; `None` once the person is erased, or if it was changed.
    pub fn unseal(&self, sealed: &Sealed) -> Option<String> {
        let key = key_of(self.content().keys.get(&sealed.person)?)?;
        sealing::unseal(&key, sealed)
    }

    /// Forgets a person for good: password, name and key. Sealing for them is refused after it.
    pub fn erase(&self, person: UserId) -> Result<(), SecretsError> {
        self.change(|content| {
            content.users.retain(|_, credential| credential.user_id != person);
            content.keys.remove(&person);
            content.erased.insert(person);
            Ok(())
        })
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = self.read_from.lock().unwrap_or_else(PoisonError::into_inner);
        let found = file_of(&self.path);
        if found != *known
            && let Ok(Some(bytes)) = files::read_if_there(&self.path)
            && let Ok(changed) = parse(&self.path, &bytes)
        {
            (*content, *known) = (changed, found);
        }
        drop(known);
        content
    }

    /// Changes the content, on disk before in memory.
    fn change<T>(
        &self,
        edit: impl FnOnce(&mut Content) -> Result<T, SecretsError>,
    ) -> Result<T, SecretsError> {
        let mut content = self.content();
        let mut next = content.clone();
        let answer = edit(&mut next)?;
        store(&self.path, &next)?;
        *content = next;
        *self.read_from.lock().unwrap_or_else(PoisonError::into_inner) = file_of(&self.path);
        Ok(answer)
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").field("path", &self.path).finish_non_exhaustive()
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Number and time of the file: replaced as a whole, it is another.
fn file_of(path: &Path) -> Option<(u64, u64)> {
    let meta = fs::metadata(path).ok()?;
    Some((meta.ino(), u64::try_from(meta.mtime_nsec()).unwrap_or(0)))
}

fn key_of(text: &str) -> Option<[u8; 32]> {
    let mut key = [0u8; 32];
    hex::decode_to_slice(text, &mut key).ok().map(|()| key)
}

fn random<const N: usize>() -> Result<[u8; N], SecretsError> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(|e| SecretsError::Crypto { reason: e.to_string() })?;
    Ok(bytes)
}

fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> SecretsError + use<> {
    let path = path.to_owned();
    move |error| SecretsError::Io { path, reason: error.to_string() }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Content, SecretsError> {
    let foreign = |reason| SecretsError::Foreign { path: path.to_owned(), reason };
    // The parser's own words could quote the content.
    let content: Content = serde_json::from_slice(bytes).map_err(|e| {
        foreign(format!("not a secrets store: line {}, column {}", e.line(), e.column()))
    })?;
    if content.format != FORMAT {
        return Err(foreign(format!("format {}, this program knows {FORMAT}", content.format)));
    }
    Ok(content)
}

fn store(path: &Path, content: &Content) -> Result<(), SecretsError> {
    let bytes = serde_json::to_vec_pretty(content)
        .map_err(|e| SecretsError::Crypto { reason: e.to_string() })?;
    files::replace(path, &bytes).map_err(io_error(path))
}

#[cfg(test)]
mod tests;
