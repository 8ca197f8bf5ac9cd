//! Takes the fingerprint of the sources that fold, so that no snapshot outlives the code it came
//! from, also while that code bears the same version.

use std::fs;
use std::path::{Path, PathBuf};

/// This crate, and the events it folds.
const SOURCES: [&str; 2] = ["src", "../../events/src"];

fn main() {
    let mut files = Vec::new();
    for folder in SOURCES {
        println!("cargo::rerun-if-changed={folder}");
        find(Path::new(folder), &mut files);
    }
    files.sort();
    // FNV-1a, 32 bits: against mistakes, not against attackers.
    let mut hash = 0x811C_9DC5u32;
    for path in files {
        let text = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for byte in path.to_string_lossy().bytes().chain(text) {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    }
    println!("cargo::rustc-env=GRIMNIR_FOLD_FINGERPRINT={hash}");
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
