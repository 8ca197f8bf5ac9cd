//! Notes of the specification, our own, and everything near them.

use super::*;

/// The example key and note of Go's `golang.org/x/mod/sumdb/note`.
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZIn\
    NIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn key(kind: KeyKind) -> SignerKey {
    SignerKey::from_seed("grimnir/test", kind, [7; 32]).expect("is a key")
}

#[test]
fn a_note_made_by_another_implementation_verifies() {
    let key: VerifierKey = GO_KEY.parse().expect("is a key");
    assert_eq!(key.to_string(), GO_KEY);
    let note: Note = GO_NOTE.parse().expect("is a note");
    assert_eq!(note.verify(std::slice::from_ref(&key)).map(|keys| keys.len()), Ok(1));
    assert_eq!(note.to_string(), GO_NOTE);
}

#[test]
fn no_byte_of_a_note_can_be_changed() {
    let signer = key(KeyKind::Note);
    let keys = [signer.verifier()];
    let note = Note::new("origin\n5\nroot\n".into()).sign(&signer, 0).to_string();
    assert!(note.parse::<Note>().expect("is a note").verify(&keys).is_ok());
    for at in 0..note.len() {
        for bit in [1u8, 0x20] {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= bit;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            let verified = changed.parse::<Note>().is_ok_and(|note| note.verify(&keys).is_ok());
            assert!(!verified, "byte {at} changed by {bit:#x} went unnoticed");
        }
    }
}

#[test]
fn a_cosignature_covers_its_time() {
    let signer = key(KeyKind::Cosignature);
    let note = Note::new("origin\n5\nroot\n".into()).sign(&signer, 1_679_315_147);
    let keys = [signer.verifier()];
    assert!(note.verify(&keys).is_ok());
    assert_eq!(note.signatures[0].time(), Some(1_679_315_147));
    let mut later = note.clone();
    later.signatures[0].bytes[7] ^= 1;
    assert!(matches!(later.verify(&keys), Err(NoteError::WrongSignature { .. })));
    // The same secret as a log's key has another id: one is never taken for the other.
    assert_ne!(key(KeyKind::Note).verifier().id(), keys[0].id());
}

#[test]
fn unknown_signatures_count_for_nothing() {
    let other = SignerKey::from_seed("grimnir/other", KeyKind::Note, [8; 32]).expect("is a key");
    let signer = key(KeyKind::Note);
    let keys = [signer.verifier()];
    let note = Note::new("text\n".into()).sign(&other, 0);
    assert_eq!(note.verify(&keys), Err(NoteError::Unsigned { found: 1 }));
    assert_eq!(note.sign(&signer, 0).verify(&keys).map(|keys| keys.len()), Ok(1));
}

#[test]
fn a_secret_key_is_written_and_read_and_never_shown() {
    let signer = key(KeyKind::Note);
    let text = signer.to_secret_text();
    let again = SignerKey::from_secret_text(&text).expect("is a key");
    assert_eq!(again.verifier(), signer.verifier());
    let seed = BASE64.encode([&[1u8][..], &[7; 32]].concat());
    assert!(text.contains(&seed) && !format!("{signer:?}").contains(&seed));
    assert!(SignerKey::from_secret_text(&text.replace("test", "best")).is_err());
}

#[test]
fn what_is_no_note_or_key_is_refused() {
    for text in ["", "\n", "a\n\n", "a\n\nb\n", "a\n\n\u{2014} b\n", "a\n\n\u{2014} b AAAA\n"] {
        assert!(text.parse::<Note>().is_err(), "{text:?}");
    }
    for text in ["", "a+b+c", "a b+00000000+AQ==", "a+c74f20a3+AQ==", "+c74f20a3+AQ=="] {
        assert!(text.parse::<VerifierKey>().is_err(), "{text:?}");
    }
}
