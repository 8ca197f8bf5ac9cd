//! Sealed segments copied elsewhere: each once, read back, and never taken on trust.

mod support;

use grimnir_events::ContentHash;
use grimnir_ledger::archive::{Archive, ArchiveError};
use grimnir_ledger::{Identity, ReadError};
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use support::segments::*;

const COUNT: u64 = 60;

fn sealed(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut paths = segments(dir);
    paths.pop();
    paths
}

#[tokio::test]
async fn each_sealed_segment_is_archived_once_as_it_is() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), COUNT).await;
    let log_id = Identity::load(dir.path()).expect("reads").log_id;
    let store = Arc::new(InMemory::new());
    let archive = Archive::new(store.clone());
    let added = archive.add_from(dir.path()).await.expect("archives");
    assert_eq!(added.len(), sealed(dir.path()).len());
    for (archived, path) in added.iter().zip(sealed(dir.path())) {
        let bytes = fs::read(&path).expect("reads");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let key = Key::from(format!("{log_id}/segments/{name}"));
        let copy = store.get(&key).await.expect("is there").bytes().await.expect("reads");
        assert_eq!(copy, bytes, "{key}");
        assert_eq!(archived.sha256, ContentHash(Sha256::digest(&bytes).into()));
        assert_eq!(archived.bytes, bytes.len() as u64);
    }
    assert_eq!(archive.add_from(dir.path()).await.expect("archives"), [], "nothing is new");
    // Another sixty commits, and only what they filled is added.
    let ledger = open(dir.path());
    for number in COUNT + 1..=2 * COUNT {
        let any = grimnir_ledger::Expected::Any;
        grimnir_ledger::Ledger::append(&ledger, varied(number), any).await.expect("appends");
    }
    assert!(ledger.close());
    let more = archive.add_from(dir.path()).await.expect("archives");
    assert_eq!(more[0].first_seq, added[added.len() - 1].last_seq + 1);
    let manifest = archive.verify(log_id).await.expect("verifies");
    assert_eq!(manifest.segments, [added, more].concat());
}

#[tokio::test]
async fn an_archive_in_a_folder_reads_like_a_ledger() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = filled(dir.path(), COUNT).await;
    let log_id = Identity::load(dir.path()).expect("reads").log_id;
    let at = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", at.path().join("archive").display());
    let archive = Archive::open(&url, &[]).expect("opens");
    let added = archive.add_from(dir.path()).await.expect("archives");
    let read = offline(&at.path().join("archive").join(log_id.to_string()));
    let last = added[added.len() - 1].last_seq as usize;
    assert!(read.iter().eq(history[..last].iter().map(|r| &**r)));
    let back = at.path().join("back.seg");
    archive.fetch(log_id, &added[0], &back).await.expect("fetches");
    assert_eq!(fs::read(back).expect("reads"), fs::read(&segments(dir.path())[0]).expect("reads"));
}

#[tokio::test]
async fn what_is_damaged_here_is_not_archived() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), COUNT).await;
    let path = &segments(dir.path())[1];
    let good = fs::read(path).expect("reads");
    for at in [97, 200, 1_000, 3_000] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        rewrite(path, &bad);
        let store = Arc::new(InMemory::new());
        let archive = Archive::new(store.clone());
        let refused = archive.add_from(dir.path()).await;
        let damaged = matches!(&refused, Err(ArchiveError::Damaged(ReadError::Corrupt { .. })));
        assert!(damaged, "flip at {at}: {refused:?}");
        let log_id = Identity::load(dir.path()).expect("reads").log_id;
        assert_eq!(archive.manifest(log_id).await.expect("reads").segments.len(), 1);
    }
}

#[tokio::test]
async fn what_is_archived_is_never_overwritten_and_its_loss_is_noticed() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path(), COUNT).await;
    let log_id = Identity::load(dir.path()).expect("reads").log_id;
    let store = Arc::new(InMemory::new());
    let archive = Archive::new(store.clone());
    let added = archive.add_from(dir.path()).await.expect("archives");
    let key = Key::from(format!("{log_id}/segments/{:020}.seg", added[1].first_seq));
    let good = store.get(&key).await.expect("is there").bytes().await.expect("reads");
    // Rot in the archive: the same length, another byte.
    let mut bad = good.to_vec();
    bad[500] ^= 1;
    store.put(&key, bad.clone().into()).await.expect("puts");
    let found = archive.verify(log_id).await.expect_err("is damaged");
    assert!(matches!(&found, ArchiveError::Differs { key: k, .. } if *k == key.to_string()));
    let into = dir.path().join("back.seg");
    assert!(archive.fetch(log_id, &added[1], &into).await.is_err() && !into.exists());
    // Another length is seen without reading it; it is still not replaced.
    store.put(&key, bad[..700].to_vec().into()).await.expect("puts");
    let refused = archive.add_from(dir.path()).await;
    assert!(matches!(refused, Err(ArchiveError::Differs { .. })), "{refused:?}");
    // Lost altogether, it is archived again.
    store.delete(&key).await.expect("deletes");
    assert!(archive.verify(log_id).await.is_err());
    assert_eq!(archive.add_from(dir.path()).await.expect("archives"), added[1..2]);
    assert_eq!(archive.verify(log_id).await.expect("verifies").segments, added);
    // A manifest of something else is not taken for none.
    let manifest = Key::from(format!("{log_id}/manifest.json"));
    store.put(&manifest, b"{}".to_vec().into()).await.expect("puts");
    let refused = archive.add_from(dir.path()).await;
    assert!(matches!(refused, Err(ArchiveError::Manifest { .. })), "{refused:?}");
}

#[test]
fn an_archive_that_cannot_be_is_named() {
    for url in ["no url", "gopher://archive/x"] {
        match Archive::open(url, &[]).err() {
            Some(ArchiveError::Url { url: named, .. }) => assert_eq!(named, url),
            other => panic!("{url}: {other:?}"),
        }
    }
}
