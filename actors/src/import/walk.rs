//! What lies in a folder: audio files by their names, with size and time.

use super::roots;
use grimnir_events::UtcMicros;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Endings of audio files; everything else that lies in a folder is none of ours.
const ENDINGS: [&str; 24] = [
    "aac", "aif", "aifc", "aiff", "alac", "ape", "caf", "flac", "m4a", "m4b", "mka", "mp2", "mp3",
    "mp4", "mpc", "oga", "ogg", "opus", "spx", "wav", "wave", "webm", "wma", "wv",
];
/// Folders within folders that are looked into.
const DEPTH: usize = 64;

/// A file that lies there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lying {
    /// Its bytes.
    pub size_bytes: u64,
    /// When it was written last.
    pub modified_at: UtcMicros,
    /// A link that leads out of the roots.
    pub leads_out: bool,
}

/// What lies in a folder.
#[derive(Default, Debug)]
pub struct Listing {
    /// By path in the folder.
    pub files: BTreeMap<String, Lying>,
    /// Names that cannot be recorded.
    pub unnamable: usize,
}

/// Lists a folder; the folder itself must be readable, what is in it may not be.
pub fn list(root: &Path, recursive: bool, allowed: &[PathBuf]) -> Result<Listing, String> {
    let mut listing = Listing::default();
    let failed = |e: std::io::Error| format!("{}: {e}", root.display());
    let entries = std::fs::read_dir(root).map_err(failed)?;
    let mut folders = vec![(String::new(), 0, entries)];
    while let Some((prefix, depth, entries)) = folders.pop() {
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_str().filter(|name| !name.chars().any(char::is_control));
            let Some(name) = name else {
                listing.unnamable += 1;
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let Ok(kind) = entry.file_type() else { continue };
            let path = format!("{prefix}{name}");
            if kind.is_dir() {
                if recursive
                    && depth < DEPTH
                    && let Ok(inner) = std::fs::read_dir(entry.path())
                {
                    folders.push((format!("{path}/"), depth + 1, inner));
                }
            } else if is_audio(name)
                && let Some(lying) = lying(&entry.path(), kind.is_symlink(), allowed)
            {
                listing.files.insert(path, lying);
            }
        }
    }
    Ok(listing)
}

/// A file as it lies there; folders behind links are not followed.
pub fn lying(path: &Path, link: bool, allowed: &[PathBuf]) -> Option<Lying> {
    let found = std::fs::metadata(path).ok()?;
    if !found.is_file() {
        return None;
    }
    let micros = found.mtime().saturating_mul(1_000_000).saturating_add(found.mtime_nsec() / 1_000);
    Some(Lying {
        size_bytes: found.len(),
        modified_at: UtcMicros(micros),
        leads_out: link && !roots::holds(allowed, path),
    })
}

fn is_audio(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.binary_search(&&*ending).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_files_are_listed_hidden_ones_and_others_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("is there");
        std::fs::create_dir_all(root.join("sub/deeper")).expect("makes");
        for name in ["a.mp3", ".b.mp3", "cover.jpg", "sub/C.FLAC", "sub/deeper/d.opus", "mp3"] {
            std::fs::write(root.join(name), "x").expect("writes");
        }
        std::os::unix::fs::symlink("/etc/hostname", root.join("out.wav")).expect("links");
        std::os::unix::fs::symlink(root.join("sub"), root.join("sub.mp3")).expect("links");
        let names = |recursive| {
            let listing = list(&root, recursive, std::slice::from_ref(&root)).expect("lists");
            listing.files.into_iter().map(|(path, f)| (path, f.leads_out)).collect::<Vec<_>>()
        };
        let own = |path: &str| (path.to_owned(), false);
        assert_eq!(
            names(true),
            [own("a.mp3"), ("out.wav".into(), true), own("sub/C.FLAC"), own("sub/deeper/d.opus")]
        );
        assert_eq!(names(false), [own("a.mp3"), ("out.wav".into(), true)]);
        assert!(list(&root.join("gone"), true, &[]).is_err());
    }
}
