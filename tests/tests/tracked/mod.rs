//! The checkout as git knows it: its root and the files under version control.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the root").into()
}

/// Files under version control whose name ends with `extension`, sorted.
pub fn files(extension: &str) -> Vec<String> {
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("paths are UTF-8");
    // A file that is deleted and not yet committed is still listed.
    text.split('\0')
        .filter(|path| !path.is_empty() && path.ends_with(extension) && root().join(path).is_file())
        .map(str::to_owned)
        .collect()
}
