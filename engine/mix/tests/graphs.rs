//! Damaged graphs: each of the corpus, cut and turned, is refused or sounds.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/graph.rs"]
mod graph;

#[test]
fn the_committed_corpus_holds_and_so_does_every_part_of_it() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/graph");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        (0..=bytes.len()).for_each(|cut| graph::hold(&bytes[..cut]));
        let mut turned = bytes.clone();
        for place in 0..turned.len() {
            for other in [b'9', b'-', b'.', b'e', b'\n', bytes[place] ^ 1] {
                turned[place] = other;
                graph::hold(&turned);
            }
            turned[place] = bytes[place];
        }
        count += 1;
    }
    assert!(count >= 8, "{count} files in {folder}");
}
