//! Keys on disk: made once, rotated under the old key's signature, never readable by others.

use super::*;
use crate::proof::checkpoint::Checkpoint;

const ORIGIN: &str = "grimnir/test";
const NOW: UtcMicros = UtcMicros(1_790_000_000_000_000);

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn signed(keys: &Keys, size: u64) -> SignedCheckpoint {
    Checkpoint { origin: ORIGIN.into(), size, root: [1; 32] }.sign(keys.signer())
}

#[test]
fn a_key_is_made_at_the_first_start_and_only_its_owner_reads_it() {
    let dir = folder();
    let first = Keys::open(dir.path(), ORIGIN, NOW).expect("opens").signer().verifier();
    let again = Keys::open(dir.path(), ORIGIN, NOW).expect("opens").signer().verifier();
    assert_eq!(first, again);
    let path = dir.path().join("key");
    let mode = std::fs::metadata(&path).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("changes");
    let error = Keys::open(dir.path(), ORIGIN, NOW).expect_err("is refused");
    assert!(error.to_string().contains("mode 0640, expected 0600"), "{error}");
}

#[test]
fn a_rotation_is_signed_by_the_old_key_and_each_key_signs_its_own_sizes() {
    let dir = folder();
    let mut keys = Keys::open(dir.path(), ORIGIN, NOW).expect("opens");
    let old = signed(&keys, 10);
    let old_beyond = signed(&keys, 11);
    keys.rotate(10, NOW.plus(1)).expect("rotates");
    let new = signed(&keys, 10);
    let new_before = signed(&keys, 9);
    let history = Keys::load_history(dir.path()).expect("reads").expect("is there");
    assert_eq!(history.entries().len(), 2);
    assert_eq!((history.verify(&old), history.verify(&new)), (Ok(()), Ok(())));
    assert!(history.verify(&old_beyond).is_err(), "the old key signed after its time");
    assert!(history.verify(&new_before).is_err(), "the new key signed before its time");
    let reopened = Keys::open(dir.path(), ORIGIN, NOW).expect("opens");
    assert_eq!(reopened.signer().verifier(), keys.signer().verifier());
}

#[test]
fn a_rotation_that_was_cut_off_is_finished_or_never_was() {
    let dir = folder();
    let mut keys = Keys::open(dir.path(), ORIGIN, NOW).expect("opens");
    let (secret, history) = (dir.path().join("key"), dir.path().join("keys"));
    let old_secret = std::fs::read(&secret).expect("reads");
    let old_history = std::fs::read(&history).expect("reads");
    keys.rotate(5, NOW).expect("rotates");
    let new = keys.signer().verifier();
    // The history was written, the secret was not put in its place yet.
    std::fs::rename(&secret, dir.path().join("key.next")).expect("renames");
    files::replace(&secret, &old_secret).expect("writes");
    let finished = Keys::open(dir.path(), ORIGIN, NOW).expect("opens").signer().verifier();
    assert_eq!(finished, new);
    // Only the new secret was written.
    files::replace(&secret, &old_secret).expect("writes");
    files::replace(&history, &old_history).expect("writes");
    let before = Keys::open(dir.path(), ORIGIN, NOW).expect("opens").signer().verifier();
    assert_ne!(before, new);
}

#[test]
fn no_byte_of_a_history_can_be_changed_and_no_entry_left_out() {
    let dir = folder();
    let mut keys = Keys::open(dir.path(), ORIGIN, NOW).expect("opens");
    keys.rotate(5, NOW).expect("rotates");
    keys.rotate(9, NOW).expect("rotates");
    let text = keys.history().text().to_owned();
    assert_eq!(KeyHistory::parse(&text).as_ref(), Ok(keys.history()));
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        assert!(KeyHistory::parse(&changed).is_err(), "byte {at} went unnoticed");
    }
    let (notes, _) = split_notes(&text);
    let without = |left_out: usize| -> String {
        let kept = notes.iter().enumerate().filter(|(at, _)| *at != left_out);
        kept.map(|(_, note)| format!("{note}\n")).collect()
    };
    assert!(KeyHistory::parse(&without(0)).is_err());
    assert!(KeyHistory::parse(&without(1)).is_err());
    assert_eq!(KeyHistory::parse(&without(2)).map(|h| h.entries().len()), Ok(2));
}

#[test]
fn a_key_that_the_old_one_did_not_sign_is_no_key_of_the_log() {
    let dir = folder();
    let keys = Keys::open(dir.path(), ORIGIN, NOW).expect("opens");
    let thief = SignerKey::from_seed(ORIGIN, KeyKind::Note, [9; 32]).expect("is a key");
    let mut history = keys.history().clone();
    let error = history.add(&thief, None, 5, NOW).expect_err("is refused");
    assert!(error.to_string().contains("is not signed by"), "{error}");
    let other = Keys::open(dir.path(), "grimnir/other", NOW).expect_err("is refused");
    assert!(other.to_string().contains("grimnir/other"), "{other}");
}
