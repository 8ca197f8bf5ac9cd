//! Whether a ledger is whole.

use crate::house::*;
use grimnir_ledger::SEGMENT_HEADER_BYTES;
use grimnir_replay::{Fault, verify};
use std::path::PathBuf;

async fn played() -> House {
    let mut house = House::new().await;
    for n in 0..5 {
        house.play(utc("2026-11-21T13:00:00Z").plus(n * 60 * SECOND), 60, "Song").await;
    }
    house
}

fn segment(house: &House) -> PathBuf {
    let mut files = std::fs::read_dir(house.path().join("segments")).expect("reads");
    files.next().expect("is one").expect("reads").path()
}

#[tokio::test]
async fn a_whole_ledger_is_whole_while_it_is_open() {
    let house = played().await;
    let found = verify(house.path()).expect("reads");
    assert_eq!((found.commits, found.streams, found.position), (11, 2, 11));
    assert_eq!((found.fault, found.torn), (None, None));
}

#[tokio::test]
async fn a_flipped_byte_is_the_first_fault() {
    let house = played().await;
    house.ledger.close();
    let path = segment(&house);
    let mut bytes = std::fs::read(&path).expect("reads");
    bytes[SEGMENT_HEADER_BYTES as usize + 60] ^= 1;
    std::fs::write(&path, bytes).expect("writes");
    let found = verify(house.path()).expect("reads");
    let Some(Fault { seq, reason }) = found.fault else { panic!("unnoticed") };
    assert_eq!((found.commits, seq), (0, 1));
    assert!(reason.contains("checksum"), "{reason}");
}

#[tokio::test]
async fn a_torn_end_is_told_and_is_no_fault() {
    let house = played().await;
    house.ledger.close();
    let path = segment(&house);
    let mut bytes = std::fs::read(&path).expect("reads");
    let end = bytes.iter().rposition(|b| *b != 0).expect("is not empty");
    bytes.truncate(end - 20);
    std::fs::write(&path, bytes).expect("writes");
    let found = verify(house.path()).expect("reads");
    assert_eq!((found.commits, found.fault.clone()), (10, None));
    assert!(found.torn.is_some());
}
