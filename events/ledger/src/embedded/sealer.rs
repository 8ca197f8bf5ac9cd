//! The sealer: one thread that seals what the writer has closed, while appends go on.

use super::open::Wrap;
use super::shared::Shared;
use crate::segment::file::SegmentFile;
use crate::segment::seal::prepare;
use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// The file as the writer sees it, with whatever a test puts between.
pub(crate) fn wrapped(file: File, wrap: Option<&Wrap>) -> Box<dyn SegmentFile> {
    match wrap {
        Some(wrap) => wrap(file),
        None => Box::new(file),
    }
}

/// Seals whenever it is told to, until nobody can tell it any more.
pub(crate) fn run(shared: &Arc<Shared>, rotated: &Receiver<()>, wrap: Option<&Wrap>) -> bool {
    while rotated.recv().is_ok() {
        while seal_next(shared, wrap) {}
    }
    true
}

fn seal_next(shared: &Shared, wrap: Option<&Wrap>) -> bool {
    let Some(unsealed) = shared.catalog().unsealed() else { return false };
    let path = unsealed.path;
    let seal = match prepare(&path, unsealed.chain, unsealed.frontier, unsealed.until) {
        Ok((seal, _)) => seal,
        Err(error) => {
            // It stays open and in memory; the next opening says what is wrong with it.
            let (path, error) = (path.display().to_string(), error.to_string());
            tracing::error!(path, error, "a segment cannot be sealed");
            return false;
        }
    };
    let written = seal.write(&path, |file| wrapped(file, wrap));
    if let Err(error) = &written {
        let (path, error) = (path.display().to_string(), error.to_string());
        tracing::warn!(path, error, "no footer was written; the next opening makes it again");
    }
    shared.seal(seal.into_sealed(&path, written.is_ok()));
    true
}
