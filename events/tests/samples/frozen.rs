//! Golden files: lines of a label and stored bytes in hex, held against what is encoded today.

use super::Labelled;
use grimnir_events::codec::{Payload, decode, decode_bytes, encode};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::PathBuf;

/// The golden files of the crate that is tested.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn path_of(name: &str) -> PathBuf {
    folder().join(format!("{name}.hex"))
}

/// The lines of a golden file, by label.
pub fn golden(name: &str) -> BTreeMap<String, Vec<u8>> {
    lines(&std::fs::read_to_string(path_of(name)).unwrap_or_default())
}

/// The lines of a golden file's text, by label.
pub fn lines(text: &str) -> BTreeMap<String, Vec<u8>> {
    let mut lines = BTreeMap::new();
    for line in text.lines() {
        let (label, bytes) = line.split_once(' ').expect("label and bytes");
        let known = lines.insert(label.to_owned(), hex::decode(bytes).expect("hex"));
        assert!(known.is_none(), "{label} is there twice");
    }
    lines
}

/// What a golden file lacks of what is encoded today; a line that differs is a changed encoding.
pub fn differences(
    name: &str,
    mut known: BTreeMap<String, Vec<u8>>,
    today: &[(String, Vec<u8>)],
) -> Result<String, String> {
    let mut new = String::new();
    for (label, bytes) in today {
        match known.remove(label) {
            Some(frozen) if frozen != *bytes => {
                let (found, expected) = (hex::encode(bytes), hex::encode(&frozen));
                let what = format!("{name}: {label} is encoded in another way now");
                return Err(format!("{what}: {found}, frozen as {expected}"));
            }
            Some(_) => {}
            None => new += &format!("{label} {}\n", hex::encode(bytes)),
        }
    }
    if known.is_empty() {
        Ok(new)
    } else {
        Err(format!("{name}: no sample for {:?}", known.keys()))
    }
}

/// Holds what is encoded today against the file, line by line, both ways.
pub fn check(name: &str, today: &[(String, Vec<u8>)]) {
    let new = differences(name, golden(name), today).unwrap_or_else(|what| panic!("{what}"));
    if new.is_empty() {
        return;
    }
    assert!(
        std::env::var_os("GRIMNIR_WRITE_GOLDEN").is_some_and(|on| on == "1"),
        "{name}: not frozen yet: {new}"
    );
    let text = std::fs::read_to_string(path_of(name)).unwrap_or_default() + &new;
    std::fs::write(path_of(name), text).expect("writes");
}

/// Every sample of one payload type: same bytes as ever, and the same value back from them.
pub fn check_payload<P: Payload + PartialEq + Debug>(samples: Labelled<P>) {
    let labels: BTreeSet<_> = samples.iter().map(|(label, _)| label.clone()).collect();
    assert_eq!(labels.len(), samples.len(), "{}: each label is there once", P::NAME);
    let name = format!("{}.v{}", P::NAME, P::VERSION);
    let today: Vec<_> = samples
        .iter()
        .map(|(label, sample)| {
            let stored = encode(sample).expect("encodes");
            assert_eq!((stored.name.as_str(), stored.version), (P::NAME, P::VERSION));
            assert_eq!(decode::<P>(&stored).as_ref(), Ok(sample), "{name}: {label} comes back");
            (label.clone(), stored.bytes)
        })
        .collect();
    check(&name, &today);
    let frozen = golden(&name);
    for (label, sample) in &samples {
        let read = decode_bytes::<P>(&frozen[label]);
        assert_eq!(read.as_ref(), Ok(sample), "{name}: {label} is read in another way now");
    }
}
