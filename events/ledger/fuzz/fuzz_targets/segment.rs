//! Any bytes as a segment, read offline.
#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

use std::sync::LazyLock;

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(targets::folder);

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::segment(FOLDER.path(), data));
