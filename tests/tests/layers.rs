//! Holds the direction of the layers: what `cargo metadata` says against the table in
//! `docs/architecture.md`, which is the only place where the order is written down by hand.

mod tracked;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use tracked::{files, root};

/// Folders beside the crates; a new one is a decision, so it is written here.
const OTHER_FOLDERS: [&str; 3] = ["deploy", "docs", "target"];
/// What the pure crates may never name, whatever the table says.
const NOT_PURE: [&str; 9] =
    ["axum", "futures-util", "getrandom", "gstreamer", "hyper", "rand", "ractor", "tokio", "tonic"];
const PURE: [&str; 3] = ["grimnir-events", "grimnir-rules", "grimnir-mix"];

struct Layer {
    number: usize,
    folder: String,
    package: String,
}

/// Rows of the form `| 4 | `events/ledger` | `grimnir-ledger` | ...`.
fn table() -> Vec<Layer> {
    let text = std::fs::read_to_string(root().join("docs/architecture.md")).expect("readable");
    let mut layers = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(Ok(number)) = cells.get(1).map(|cell| cell.parse::<usize>()) else { continue };
        let word = |at: usize| cells[at].trim_matches('`').to_owned();
        layers.push(Layer { number, folder: word(2), package: word(3) });
    }
    layers
}

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

fn words<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("cargo metadata has {key}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("cargo metadata has {key}"))
}

#[test]
fn the_table_numbers_its_rows_and_names_every_crate_once() {
    let layers = table();
    assert!(!layers.is_empty(), "docs/architecture.md has no layer table");
    for (at, layer) in layers.iter().enumerate() {
        assert_eq!(layer.number, at + 1, "row of {}", layer.package);
    }
    let named: BTreeSet<&str> = layers.iter().map(|layer| layer.package.as_str()).collect();
    assert_eq!(named.len(), layers.len(), "a crate stands in two rows");
}

#[test]
fn members_stand_in_the_order_of_the_table() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("readable");
    let (_, rest) = manifest.split_once("members = [").expect("a list of members");
    let (inner, _) = rest.split_once(']').expect("the list ends");
    let members: Vec<&str> = inner
        .split(',')
        .map(|word| word.trim().trim_matches('"'))
        .filter(|w| !w.is_empty())
        .collect();
    let layers = table();
    let folders: Vec<&str> = layers.iter().map(|layer| layer.folder.as_str()).collect();
    assert_eq!(members, folders, "members in Cargo.toml, then rows in docs/architecture.md");

    let metadata = metadata();
    let by_folder: BTreeMap<String, &str> = list(&metadata, "packages")
        .iter()
        .map(|package| {
            let manifest = Path::new(words(package, "manifest_path"));
            let folder = manifest.parent().and_then(|dir| dir.strip_prefix(root()).ok());
            (folder.expect("inside the root").display().to_string(), words(package, "name"))
        })
        .collect();
    for layer in &layers {
        assert_eq!(by_folder.get(&layer.folder).copied(), Some(layer.package.as_str()));
    }
}

#[test]
fn every_dependency_inside_the_workspace_points_upwards() {
    let row: BTreeMap<String, usize> =
        table().into_iter().map(|layer| (layer.package, layer.number)).collect();
    let mut wrong = Vec::new();
    for package in list(&metadata(), "packages") {
        let name = words(package, "name");
        for dependency in list(package, "dependencies") {
            let used = words(dependency, "name");
            if row.get(used).is_some_and(|used_row| *used_row >= row[name]) {
                wrong.push(format!("{name} (row {}) uses {used} (row {})", row[name], row[used]));
            }
        }
    }
    assert!(wrong.is_empty(), "dependencies that point downwards:\n{}", wrong.join("\n"));
}

#[test]
fn pure_crates_name_nothing_that_waits_listens_or_draws_lots() {
    let mut wrong = Vec::new();
    for package in list(&metadata(), "packages") {
        let name = words(package, "name");
        for dependency in list(package, "dependencies") {
            let used = words(dependency, "name");
            // A test may use what it likes.
            let shipped = dependency["kind"].is_null();
            if PURE.contains(&name) && shipped && NOT_PURE.contains(&used) {
                wrong.push(format!("{name} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_in_the_workspace_uses_the_tests_crate() {
    for package in list(&metadata(), "packages") {
        let used = list(package, "dependencies").iter().map(|dependency| words(dependency, "name"));
        assert!(used.clone().all(|used| used != "grimnir-tests"), "{}", words(package, "name"));
    }
}

#[test]
fn top_level_folders_are_the_crates_and_the_named_others() {
    let layers = table();
    let mut allowed: BTreeSet<&str> =
        layers.iter().filter_map(|layer| layer.folder.split('/').next()).collect();
    allowed.extend(OTHER_FOLDERS);
    let mut found = BTreeSet::new();
    for file in files("") {
        if let Some((folder, _)) = file.split_once('/') {
            found.insert(folder.to_owned());
        }
    }
    found.retain(|folder| !folder.starts_with('.') && !allowed.contains(folder.as_str()));
    assert!(found.is_empty(), "folders that no document knows: {found:?}");
}
