//! Holds the house rules that neither the compiler nor clippy knows: sizes, tests that neither
//! wait nor hide, no path of one machine, and a README whose commands exist.

mod tracked;

use tracked::{files, root};

/// Longest file; longer asks to be split by meaning.
const MAX_LINES: usize = 400;
/// Widest line.
const MAX_COLUMNS: usize = 100;
/// Longest README, so that it stays a door and not a house.
const MAX_README_LINES: usize = 150;
/// Files that may be longer, each with its reason.
const LONG_FILES: [(&str, &str); 0] = [];

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// This file spells out what it looks for, so it leaves itself out.
fn rust_files() -> Vec<String> {
    files(".rs").into_iter().filter(|path| path != "tests/tests/house.rs").collect()
}

fn no_findings(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn every_source_file_fits_its_limits_and_begins_with_its_one_job() {
    let mut findings = Vec::new();
    for path in files(".rs") {
        let text = read(&path);
        let lines = text.lines().count();
        let excepted = LONG_FILES.iter().any(|(file, _)| *file == path);
        if lines > MAX_LINES && !excepted {
            findings.push(format!("{path}: {lines} lines, limit {MAX_LINES}"));
        }
        if !text.starts_with("//!") {
            findings.push(format!("{path}: first line does not say its job (//!)"));
        }
        for (at, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > MAX_COLUMNS && !line.contains("://") {
                let at = at + 1;
                findings.push(format!("{path}:{at}: {columns} columns, limit {MAX_COLUMNS}"));
            }
        }
    }
    no_findings(&findings);
}

#[test]
fn nothing_is_left_to_do_and_no_test_is_ignored() {
    let mut findings = Vec::new();
    for path in rust_files() {
        for (at, line) in read(&path).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in ["todo!(", "unimplemented!(", "#[ignore", "dbg!("] {
                if code.contains(word) {
                    findings.push(format!("{path}:{}: {word}", at + 1));
                }
            }
        }
    }
    no_findings(&findings);
}

#[test]
fn tests_wait_for_events_and_never_sleep() {
    let mut findings = Vec::new();
    for path in rust_files() {
        // The harness polls conditions of other processes; it is the only place that may.
        if path.starts_with("tests/src/") {
            continue;
        }
        let mut in_tests = path.starts_with("tests/")
            || path.contains("/tests/")
            || path.ends_with("/tests.rs")
            || path.ends_with("_tests.rs");
        let mut before = "";
        let text = read(&path);
        for (at, line) in text.lines().map(str::trim).enumerate() {
            in_tests |= before == "#[cfg(test)]" && line.starts_with("mod ") && line.ends_with('{');
            before = line;
            if in_tests && line.contains("sleep(") && !line.starts_with("//") {
                findings.push(format!("{path}:{}: {line}", at + 1));
            }
        }
    }
    no_findings(&findings);
}

#[test]
fn no_tracked_file_names_a_path_of_one_machine() {
    let mut findings = Vec::new();
    for path in files("") {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        if path == "tests/tests/house.rs" {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            for start in ["/work/", "/root/", "/tmp/", "/home/"] {
                let own = |before: &str| {
                    !before.ends_with(|c: char| c.is_alphanumeric() || "._-}$)*".contains(c))
                };
                if line.match_indices(start).any(|(i, _)| own(&line[..i])) {
                    findings.push(format!("{path}:{}: {start}", at + 1));
                }
            }
        }
    }
    no_findings(&findings);
}

#[test]
fn every_command_in_the_readme_exists() {
    let readme = read("README.md");
    let makefile = read("Makefile");
    let mut seen = 0;
    for (_, rest) in readme.match_indices("make ").map(|(i, word)| (i, &readme[i + word.len()..])) {
        let target: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
        if target.is_empty() {
            continue;
        }
        let rule = format!("\n{target}:");
        assert!(makefile.contains(&rule), "README.md says `make {target}`, the Makefile does not");
        seen += 1;
    }
    assert!(seen >= 2, "README.md names {seen} commands, expected at least demo and test");
    let lines = readme.lines().count();
    assert!(lines < MAX_README_LINES, "README.md: {lines} lines, limit {MAX_README_LINES}");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut findings = Vec::new();
    for path in files(".md") {
        let text = read(&path);
        let folder = root().join(&path);
        let folder = folder.parent().expect("a file has a folder");
        for (at, _) in text.match_indices("](") {
            let link: String = text[at + 2..].chars().take_while(|c| *c != ')').collect();
            let file = link.split('#').next().unwrap_or_default();
            let outside = link.contains("://") || link.starts_with("mailto:") || file.is_empty();
            if !outside && !folder.join(file).exists() {
                findings.push(format!("{path}: {link}"));
            }
        }
    }
    no_findings(&findings);
}

#[test]
fn source_files_that_documents_name_are_there() {
    let mut findings = Vec::new();
    for path in files(".md") {
        for name in read(&path).split('`').skip(1).step_by(2) {
            let is_path = name.contains('/') && name.ends_with(".rs") && !name.contains('<');
            if is_path && !root().join(name).exists() {
                findings.push(format!("{path}: {name}"));
            }
        }
    }
    no_findings(&findings);
}

#[test]
fn decisions_are_numbered_without_a_gap_and_name_their_proof() {
    let decisions: Vec<String> =
        files(".md").into_iter().filter(|path| path.starts_with("docs/adr/0")).collect();
    let mut findings = Vec::new();
    for (at, path) in decisions.iter().enumerate() {
        let number = format!("docs/adr/{:04}-", at + 1);
        if !path.starts_with(&number) {
            findings.push(format!("{path}: expected {number}…"));
        }
        if !read(path).contains("\n## Proof\n") {
            findings.push(format!("{path}: no section Proof"));
        }
    }
    no_findings(&findings);
    assert!(!decisions.is_empty(), "docs/adr has no decision");
}

#[test]
fn the_changelog_says_what_a_listener_could_hear() {
    assert!(read("CHANGELOG.md").contains("What a listener could hear"));
}

/// Names of packages with their versions, of what comes from a registry.
fn locked(path: &str) -> Vec<(String, String)> {
    let text = read(path);
    let of = |block: &str| {
        let value = |key: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(key))?;
            Some(line.trim_matches(|c| " =\"".contains(c)).to_owned())
        };
        value("source")?;
        Some((value("name")?, value("version")?))
    };
    text.split("[[package]]").filter_map(of).collect()
}

#[test]
fn what_is_fuzzed_is_built_of_the_versions_that_the_workspace_is_built_of() {
    let ours = locked("Cargo.lock");
    let mut findings = Vec::new();
    for path in files("fuzz/Cargo.lock") {
        let theirs = locked(&path);
        assert!(theirs.len() > 20, "{path}: {} packages", theirs.len());
        for (name, version) in theirs {
            let mut known = ours.iter().filter(|(ours, _)| *ours == name).peekable();
            if known.peek().is_some() && !known.any(|(_, ours)| *ours == version) {
                findings.push(format!("{path}: {name} {version} is another in Cargo.lock"));
            }
        }
    }
    no_findings(&findings);
}
