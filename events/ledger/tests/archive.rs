//! Sealed segments copied elsewhere: each once, read back, and never taken on trust.

mod support;

use grimnir_events::ContentHash;
use grimnir_ledger::archive::{Archive, ArchiveError, Archiver, Pace, Place};
use grimnir_ledger::{Identity, Ledger, ReadError};
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
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
        let segment_of = |seq: u64| dir.path().join("segments").join(format!("{seq:020}.seg"));
        let damaged = matches!(&refused, Err(ArchiveError::Damaged(ReadError::Corrupt { .. })));
        assert!(damaged, "flip at {at}: {refused:?}");
        let log_id = Identity::load(dir.path()).expect("reads").log_id;
        let archived = archive.manifest(log_id).await.expect("reads").segments;
        assert_eq!(archived.len(), sealed(dir.path()).len() - 1, "the others are");
        assert!(archived.iter().all(|archived| segment_of(archived.first_seq) != *path));
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

/// Quick, so that a test need not wait.
fn pace() -> Pace {
    let (first, most) = (Duration::from_millis(5), Duration::from_millis(20));
    Pace { first, most, look: Duration::from_secs(3_600) }
}

#[tokio::test]
async fn a_ledger_is_archived_at_the_start_and_whenever_something_is_sealed() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}", at.path().join("archive").display());
    filled(dir.path(), COUNT).await;
    let already = sealed(dir.path()).len() as u64;
    let ledger = open(dir.path());
    let place = Place { url: url.clone(), options: Vec::new() };
    let archiver = Archiver::spawn(dir.path(), place, pace(), ledger.sealed()).expect("spawns");
    let mut status = archiver.status();
    let reached = status.wait_for(|status| status.segments == already).await.expect("goes on");
    assert_eq!((reached.fault.clone(), reached.behind), (None, 0));
    drop(reached);
    for number in COUNT + 1..=3 * COUNT {
        ledger.append(varied(number), grimnir_ledger::Expected::Any).await.expect("appends");
    }
    let last =
        *ledger.sealed().expect("is told").wait_for(|seq| *seq > 2 * COUNT).await.expect("a seq");
    status.wait_for(|status| status.archived >= last).await.expect("goes on");
    assert!(ledger.close());
    let log_id = Identity::load(dir.path()).expect("reads").log_id;
    Archive::open(&url, &[]).expect("opens").verify(log_id).await.expect("verifies");
}

#[tokio::test]
async fn what_fails_is_told_and_tried_again_while_appends_go_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = tempfile::tempdir().expect("a folder");
    let folder = at.path().join("archive");
    // A file where the folder has to be: whoever runs the test, nothing can be written there.
    fs::write(&folder, "in the way").expect("writes");
    filled(dir.path(), COUNT).await;
    let ledger = open(dir.path());
    let place = Place { url: format!("file://{}", folder.display()), options: Vec::new() };
    let archiver = Archiver::spawn(dir.path(), place, pace(), ledger.sealed()).expect("spawns");
    let mut status = archiver.status();
    let failed = status.wait_for(|status| status.failures >= 3).await.expect("goes on").clone();
    assert!(failed.fault.is_some() && failed.segments == 0, "{failed:?}");
    ledger.append(varied(COUNT + 1), grimnir_ledger::Expected::Any).await.expect("appends");
    fs::remove_file(&folder).expect("removes");
    let done = status.wait_for(|status| status.fault.is_none()).await.expect("goes on").clone();
    assert_eq!((done.segments, done.behind), (sealed(dir.path()).len() as u64, 0), "{done:?}");
    assert!(done.failures >= 3);
}

#[test]
fn a_place_tells_no_secret() {
    let url = "https://user:secret@archive.example/x".to_owned();
    let options = vec![("aws_secret_access_key".to_owned(), "secret".to_owned())];
    let shown = format!("{:?}", Place { url, options });
    assert!(shown.contains("https") && !shown.contains("secret"), "{shown}");
}
