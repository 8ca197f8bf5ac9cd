//! What must hold of a register of stored types and its golden files.

use super::{folder, golden};
use grimnir_events::codec::Encoded;
use grimnir_events::schema::{Registered, find};
use std::collections::BTreeSet;
use std::path::Path;

/// Types that the sources below `folder` declare as payloads.
pub fn declared(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("lists") {
        let path = entry.expect("lists").path();
        if path.is_dir() {
            found.append(&mut declared(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("reads");
            let types = text.lines().filter_map(|line| line.strip_prefix("impl Payload for "));
            found.extend(types.map(|rest| rest.trim_end_matches(" {").to_owned()));
        }
    }
    found
}

/// Every version of every entry has golden lines, and all of them read with today's types; what
/// was written under today's version is written so again. Answers how many lines there are.
pub fn check_register(register: &[Registered]) -> usize {
    let names: BTreeSet<_> = register.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), register.len(), "a name is registered once");
    let mut count = 0;
    for entry in register {
        assert!(entry.version >= 1, "{entry:?}: versions count from 1");
        for version in 1..=entry.version {
            let file = format!("{}.v{version}", entry.name);
            let lines = golden(&file);
            assert!(!lines.is_empty(), "{file}: no golden line");
            for (label, bytes) in lines {
                let stored = Encoded { name: entry.name.into(), version, bytes };
                let today = entry.rewrite(&stored);
                let today = today.unwrap_or_else(|e| panic!("{file}: {label} is not read: {e}"));
                assert_eq!(today.version, entry.version, "{file}: {label}");
                if version == entry.version {
                    assert_eq!(today, stored, "{file}: {label}");
                }
                count += 1;
            }
        }
    }
    count
}

/// Golden files that no entry of `register` accounts for, without those in `others`.
pub fn orphans(register: &[Registered], others: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder()).expect("lists") {
        let name = entry.expect("lists").file_name().into_string().expect("a name");
        let stem = name.strip_suffix(".hex").unwrap_or(&name);
        let known = stem.rsplit_once(".v").is_some_and(|(name, version)| {
            let version: Option<u16> = version.parse().ok();
            find(register, name).is_some_and(|e| version.is_some_and(|v| v <= e.version))
        });
        if !known && !others.contains(&stem) {
            found.push(stem.to_owned());
        }
    }
    found
}
