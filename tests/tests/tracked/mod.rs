//! The checkout as git knows it: its root and the files under version control.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the root").into()
}

/// Files under version control whose name ends with `extension`, sorted.
pub fn files(extension: &str) -> Vec<String> {
    let mut files = listed_by_git().unwrap_or_else(|| {
        // A checkout that came without its history: everything but what was built in it.
        let mut found = Vec::new();
        walk(&root(), "", &mut found);
        found
    });
    // A file that is deleted and not yet committed is still listed.
    files.retain(|path| path.ends_with(extension) && root().join(path).is_file());
    files.sort();
    files
}

fn listed_by_git() -> Option<Vec<String>> {
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .current_dir(root())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).expect("paths are UTF-8");
    let paths: Vec<String> =
        text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    (output.status.success() && !paths.is_empty()).then_some(paths)
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("readable").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            if !["target", "demo", ".git"].contains(&path.as_str()) {
                walk(&entry.path(), &format!("{path}/"), found);
            }
        } else {
            found.push(path);
        }
    }
}
