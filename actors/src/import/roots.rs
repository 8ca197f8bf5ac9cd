//! Which folders may be taken in: those under a configured root, whatever links lead elsewhere.

use crate::error::CommandError;
use std::path::{Component, Path, PathBuf};

fn refused(detail: String) -> CommandError {
    CommandError::invalid("import_path_refused", "path", detail)
}

/// The folder that a request names, without links.
pub fn resolve(roots: &[PathBuf], path: &str) -> Result<PathBuf, CommandError> {
    if roots.is_empty() {
        return Err(refused("no import root is configured (--import-root)".into()));
    }
    let given = Path::new(path);
    let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    if !given.is_absolute() || !given.components().all(plain) {
        return Err(refused(format!("found \"{path}\", expected an absolute path without ..")));
    }
    let outside = || refused(format!("\"{path}\" is not under an import root"));
    let real_roots: Vec<PathBuf> =
        roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
    // What is outside as it is written is not even looked at.
    if !roots.iter().chain(&real_roots).any(|root| given.starts_with(root)) {
        return Err(outside());
    }
    let real = given.canonicalize().map_err(|e| refused(format!("\"{path}\": {e}")))?;
    if !real_roots.iter().any(|root| real.starts_with(root)) {
        return Err(outside());
    }
    if !real.is_dir() {
        return Err(refused(format!("\"{path}\" is not a folder")));
    }
    match real.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Ok(real),
        Some(_) | None => Err(refused(format!("\"{path}\" is not plain UTF-8"))),
    }
}

/// A file behind a link is under a root too.
pub(super) fn holds(roots: &[PathBuf], path: &Path) -> bool {
    let Ok(real) = path.canonicalize() else { return false };
    roots.iter().filter_map(|root| root.canonicalize().ok()).any(|root| real.starts_with(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_under_a_root_are_taken_in_wherever_links_lead() {
        let folder = tempfile::tempdir().expect("a folder");
        let base = folder.path().canonicalize().expect("is there");
        let (root, other) = (base.join("root"), base.join("root2"));
        std::fs::create_dir_all(root.join("in")).expect("makes");
        std::fs::create_dir_all(other.join("secret")).expect("makes");
        std::fs::write(root.join("file"), "x").expect("writes");
        std::os::unix::fs::symlink(&other, root.join("out")).expect("links");
        std::os::unix::fs::symlink(root.join("in"), root.join("link")).expect("links");
        let roots = [root.clone()];
        let take = |path: &Path| resolve(&roots, path.to_str().expect("UTF-8"));
        assert_eq!(take(&root.join("in")).expect("is under it"), root.join("in"));
        assert_eq!(take(&root).expect("is it"), root);
        assert_eq!(take(&root.join("link")).expect("stays under it"), root.join("in"));
        for path in [
            other.clone(),
            root.join("out"),
            root.join("out/secret"),
            root.join("../root2"),
            root.join("in/../../root2/secret"),
            root.join("file"),
            root.join("not there"),
            PathBuf::from("in"),
            PathBuf::from("/"),
            PathBuf::new(),
        ] {
            let error = take(&path).expect_err("is refused");
            assert!(
                matches!(error, CommandError::Rejected { code: "import_path_refused", .. }),
                "{path:?}: {error}"
            );
        }
        let none = resolve(&[], root.to_str().expect("UTF-8")).expect_err("is refused");
        assert!(none.to_string().contains("--import-root"), "{none}");
        assert!(!holds(&roots, &root.join("out/secret")));
        assert!(holds(&roots, &root.join("link")));
    }
}
