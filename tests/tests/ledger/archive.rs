//! `grimnir ledger archive`: what is copied, skipped, refused, and what an audit makes of a copy.

use crate::house::*;
use grimnir_ledger::{Expected, Identity, Ledger};
use std::path::{Path, PathBuf};

const COUNT: u64 = 60;

fn archived(ledger: &Path, to: &Path, more: &[&str]) -> Said {
    let to = url(to);
    let args = ["ledger", "archive", "--ledger", text(ledger), "--to", &to, "--format", "json"];
    grimnir(&[&args, more].concat())
}

fn count(said: &Said, what: &str) -> usize {
    said.json()[what].as_array().expect("a list").len()
}

fn copy_of(to: &Path, dir: &Path) -> PathBuf {
    to.join(Identity::load(dir).expect("reads").log_id.to_string())
}

#[tokio::test]
async fn sealed_segments_are_copied_once_and_an_audit_reads_the_copy() {
    let (dir, to) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
    filled(dir.path(), COUNT).await;
    let sealed = segments(dir.path()).len() - 1;
    let first = archived(dir.path(), to.path(), &[]);
    assert!(first.ok, "{first:?}");
    assert_eq!((count(&first, "copied"), count(&first, "open")), (sealed, 1));
    for path in &segments(dir.path())[..sealed] {
        let name = path.file_name().expect("a name");
        let copy = copy_of(to.path(), dir.path()).join("segments").join(name);
        assert_eq!(std::fs::read(path).expect("reads"), std::fs::read(copy).expect("reads"));
    }
    let again = archived(dir.path(), to.path(), &["--verify"]);
    assert!(again.ok, "{again:?}");
    assert_eq!((count(&again, "copied"), count(&again, "kept")), (0, sealed));
    assert_eq!(again.json()["verified"], sealed);
    let table = ["ledger", "archive", "--ledger", text(dir.path()), "--to", &url(to.path())];
    let table = grimnir(&table);
    assert!(table.ok && table.out.contains("not sealed yet"), "{table:?}");
    // While a server has it open too.
    let ledger = open(dir.path());
    for number in COUNT + 1..=2 * COUNT {
        ledger.append(commit(number), Expected::Any).await.expect("appends");
    }
    let more = archived(dir.path(), to.path(), &[]);
    assert!(more.ok && count(&more, "copied") > 0, "{more:?}");
    assert!(ledger.close());

    let last = more.json()["copied"].as_array().expect("a list").last().expect("one").clone();
    let last = last["last_seq"].as_u64().expect("a seq");
    let signed = sign(dir.path(), last);
    let (file, key) = (kept(to.path(), "kept.checkpoint", &signed), key_of(dir.path()));
    let held = ["--checkpoint", text(&file), "--key", &key];
    let copy = copy_of(to.path(), dir.path());
    let bare = tempfile::tempdir().expect("dir");
    for path in segments(&copy) {
        std::fs::copy(&path, bare.path().join(path.file_name().expect("a name"))).expect("copies");
    }
    let places =
        [url(to.path()), text(to.path()).into(), text(&copy).into(), text(bare.path()).into()];
    for place in &places {
        let (ok, found) = verify(&[&[place.as_str()], &held[..]].concat());
        assert!(ok, "{place}: {found}");
        let seen = (&found["commits"], &found["covered"], &found["checkpoints"]);
        assert_eq!(seen, (&last.into(), &last.into(), &1.into()), "{place}");
    }
    // Rot in the copy: the same length, another byte, in the second segment.
    let second = &segments(&copy)[1];
    let begins: u64 =
        second.file_stem().and_then(|s| s.to_str()).expect("a name").parse().expect("seq");
    flip(second, 200);
    std::fs::copy(second, bare.path().join(second.file_name().expect("a name"))).expect("copies");
    for place in &places {
        let (ok, found) = verify(&[&[place.as_str()], &held[..]].concat());
        let seq = found["fault"]["seq"].as_u64().expect("a seq");
        assert!(!ok && seq == begins, "{place}: {found}");
        let affected = &found["fault"]["affected"];
        assert_eq!(affected["to_seq"], last, "{place}: {found}");
        assert_eq!(affected["streams"].as_array().map(Vec::len), Some(3), "{place}: {found}");
    }
    let rotten = archived(dir.path(), to.path(), &["--verify"]);
    let fault = rotten.json()["fault"].to_string();
    assert!(!rotten.ok && fault.contains("is archived with SHA-256"), "{rotten:?}");
}

#[tokio::test]
async fn what_is_refused_is_named_and_the_exit_says_so() {
    let (dir, to) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
    filled(dir.path(), COUNT).await;
    let sealed = segments(dir.path()).len() - 1;
    let bad = &segments(dir.path())[1];
    flip(bad, 300);
    let said = archived(dir.path(), to.path(), &[]);
    assert!(!said.ok, "{said:?}");
    assert_eq!((count(&said, "copied"), count(&said, "refused")), (sealed - 1, 1));
    assert_eq!(said.json()["refused"][0]["file"], text(bad));
    flip(bad, 300);
    assert!(archived(dir.path(), to.path(), &[]).ok, "mended, it is archived");
    // A copy that was cut is not what is here, and is not written over.
    let cut = segments(&copy_of(to.path(), dir.path())).remove(2);
    let bytes = std::fs::read(&cut).expect("reads");
    std::fs::write(&cut, &bytes[..700]).expect("writes");
    let said = archived(dir.path(), to.path(), &[]);
    let reason = said.json()["refused"][0]["reason"].to_string();
    assert!(!said.ok && reason.contains("is archived with SHA-256"), "{said:?}");
    assert_eq!(std::fs::metadata(&cut).expect("is there").len(), 700);
    let said = grimnir(&["ledger", "archive", "--ledger", text(dir.path()), "--to", "no url"]);
    assert!(!said.ok && said.err.contains("is no archive"), "{said:?}");
}

#[tokio::test]
async fn another_copy_of_the_ledger_cut_otherwise_is_kept_out_of_an_archive() {
    let (dir, to) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
    filled(dir.path(), COUNT).await;
    assert!(archived(dir.path(), to.path(), &[]).ok);
    // The second segment begins with another commit, as on a node that was cut at another place.
    let manifest = copy_of(to.path(), dir.path()).join("manifest.json");
    let words = std::fs::read_to_string(&manifest).expect("reads");
    let mut value: serde_json::Value = serde_json::from_str(&words).expect("is JSON");
    let first = value["segments"][1]["first_seq"].as_u64().expect("a seq");
    value["segments"][1]["first_seq"] = (first + 1).into();
    std::fs::write(&manifest, value.to_string()).expect("writes");
    let said = archived(dir.path(), to.path(), &[]);
    let reason = said.json()["refused"][0]["reason"].to_string();
    assert!(!said.ok && reason.contains("needs an archive of its own"), "{said:?}");
}
