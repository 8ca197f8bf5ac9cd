//! Whether a ledger is what was signed.

use crate::house::*;
use grimnir_events::frame;
use grimnir_events::{StreamId, StreamKind, UtcMicros};
use grimnir_ledger::proof::checkpoint::origin_of;
use grimnir_ledger::proof::folder::ProofFolder;
use grimnir_ledger::proof::keys::Keys;
use grimnir_ledger::proof::notary::Notary;
use grimnir_ledger::proof::tile::TileId;
use grimnir_ledger::{Identity, SEGMENT_HEADER_BYTES, SegmentReader};
use grimnir_replay::audit::{Audit, Evidence, LedgerSource, audit};
use std::path::{Path, PathBuf};

/// Reads the whole ledger and signs it.
pub fn sign(dir: &Path) -> u64 {
    let identity = Identity::load(dir).expect("is a ledger");
    let origin = origin_of(identity.site_id, identity.log_id);
    let mut notary = Notary::open(dir, &origin, UtcMicros(1)).expect("opens");
    for recorded in SegmentReader::open(dir).expect("opens") {
        notary.admit(&recorded.expect("reads")).expect("admits");
    }
    notary.sign().expect("signs");
    notary.size()
}

async fn played(items: i64) -> House {
    let mut house = House::new().await;
    for n in 0..items {
        house.play(utc("2026-11-21T13:00:00Z").plus(n * 60 * SECOND), 60, "Song").await;
    }
    house
}

pub fn look(dir: &Path) -> Audit {
    look_with(dir, &Evidence::beside(dir))
}

fn look_with(dir: &Path, evidence: &Evidence) -> Audit {
    let mut source = LedgerSource::open(dir).expect("opens");
    audit(&mut source, evidence, |_| {}).expect("reads")
}

fn segment(dir: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(dir.join("segments")).expect("reads");
    files.next().expect("is one").expect("reads").path()
}

#[tokio::test]
async fn a_ledger_that_is_what_was_signed_holds_while_it_is_open_and_written_to() {
    let mut house = played(200).await;
    assert_eq!(sign(house.path()), 401);
    house.play(utc("2026-11-21T20:00:00Z"), 60, "Song").await;
    assert_eq!(sign(house.path()), 403);
    house.play(utc("2026-11-21T21:00:00Z"), 60, "Song").await;
    let mut last = 0;
    let mut source = LedgerSource::open(&house.path().join("segments")).expect("opens");
    let found = audit(&mut source, &Evidence::beside(house.path()), |word| {
        let (read, all) = word.bytes.expect("is known");
        assert!(read <= all && word.commits >= last);
        last = word.commits;
    });
    let found = found.expect("reads");
    assert!(found.holds, "{found:?}");
    assert_eq!((found.commits, found.covered, found.streams), (405, 403, 2));
    // Both in the row, and the newest beside it.
    assert_eq!((found.checkpoints, found.torn, last), (3, None, 405));
}

#[tokio::test]
async fn a_fault_says_where_it_is_and_what_it_touches() {
    let house = played(5).await;
    sign(house.path());
    house.ledger.close();
    let path = segment(house.path());
    let mut bytes = std::fs::read(&path).expect("reads");
    let (first, length) = frame::read(&bytes[SEGMENT_HEADER_BYTES as usize..]).expect("reads");
    assert_eq!(first.seq, 1);
    bytes[SEGMENT_HEADER_BYTES as usize + length + 60] ^= 1;
    std::fs::write(&path, bytes).expect("writes");
    let fault = look(house.path()).fault.expect("is found");
    assert_eq!(fault.seq, 2);
    assert!(fault.reason.contains("checksum"), "{}", fault.reason);
    let affected = fault.affected;
    assert_eq!((affected.from_seq, affected.to_seq), (2, Some(11)));
    assert_eq!((affected.readable, affected.missing), (9, 1));
    let air = StreamId::of_station(StreamKind::Air, STATION);
    let streams: Vec<_> =
        affected.streams.iter().map(|s| (s.stream, s.commits, s.from_version)).collect();
    assert_eq!(streams, [(air, 9, 2)]);
}

#[tokio::test]
async fn a_ledger_that_ends_before_a_checkpoint_does_not_hold_and_a_torn_tail_alone_does() {
    let house = played(5).await;
    house.ledger.close();
    let path = segment(house.path());
    let bytes = std::fs::read(&path).expect("reads");
    let end = bytes.iter().rposition(|b| *b != 0).expect("is not empty");
    std::fs::write(&path, &bytes[..end - 20]).expect("writes");
    sign(house.path());
    let found = look(house.path());
    assert!(found.holds && found.torn.is_some(), "{found:?}");
    std::fs::write(&path, &bytes).expect("writes");
    sign(house.path());
    std::fs::write(&path, &bytes[..end - 20]).expect("writes");
    let fault = look(house.path()).fault.expect("is found");
    assert_eq!((fault.seq, fault.affected.to_seq, fault.affected.missing), (11, Some(11), 1));
    assert!(fault.reason.contains("ends here"), "{}", fault.reason);
}

/// What every commit of a ledger reads as; `None` where it does not read to its end.
fn commits(dir: &Path) -> Option<Vec<(u64, Vec<u8>)>> {
    let reader = SegmentReader::open(dir).ok()?;
    reader.map(|r| r.ok().map(|r| (r.seq, r.bytes))).collect()
}

/// A small ledger, closed and signed.
struct Small {
    house: House,
    evidence: Evidence,
    /// The one file that its commits are in, and what is in it.
    path: PathBuf,
    bytes: Vec<u8>,
    good: Vec<(u64, Vec<u8>)>,
}

impl Small {
    async fn new() -> Self {
        let house = played(1).await;
        house.ledger.close();
        sign(house.path());
        let path = segment(house.path());
        let bytes = std::fs::read(&path).expect("reads");
        let good = commits(house.path()).expect("reads");
        Self { evidence: Evidence::beside(house.path()), house, path, bytes, good }
    }
    fn path(&self) -> &Path {
        self.house.path()
    }
}

/// Puts other bytes in the segment's place: found at once, or everything reads back as it was.
fn judge(house: &Small, bytes: &[u8], what: &str) -> bool {
    std::fs::write(&house.path, bytes).expect("writes");
    let source = LedgerSource::open(house.path());
    let found = source.and_then(|mut source| audit(&mut source, &house.evidence, |_| {}));
    let noticed = !found.is_ok_and(|found| found.holds);
    let same = || commits(house.path()).is_some_and(|read| read == house.good);
    assert!(noticed || same(), "{what} went unnoticed, and commits are others");
    noticed
}

#[tokio::test]
async fn no_byte_of_a_segment_can_be_flipped() {
    let house = Small::new().await;
    let (bytes, good) = (&house.bytes, &house.good);
    let mut noticed = 0;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        noticed += usize::from(judge(&house, &changed, &format!("byte {at}")));
    }
    // Whatever follows the records is no commit; a flip there changes none.
    let records = good.iter().map(|(_, body)| body.len() + frame::HEADER_BYTES).sum::<usize>();
    assert!(noticed >= records + SEGMENT_HEADER_BYTES as usize, "{noticed} of {}", bytes.len());
}

#[tokio::test]
async fn no_record_can_be_dropped_swapped_or_cut_off() {
    let house = Small::new().await;
    let (bytes, good) = (&house.bytes, &house.good);
    let (mut records, mut at) = (Vec::new(), SEGMENT_HEADER_BYTES as usize);
    while let Ok((_, length)) = frame::read(&bytes[at..]) {
        records.push(at..at + length);
        at += length;
    }
    assert_eq!(records.len(), good.len());
    let (head, tail) = (&bytes[..SEGMENT_HEADER_BYTES as usize], &bytes[at..]);
    let build = |order: &[usize]| -> Vec<u8> {
        let middle = order.iter().flat_map(|n| bytes[records[*n].clone()].to_vec());
        head.iter().copied().chain(middle).chain(tail.iter().copied()).collect()
    };
    let all: Vec<usize> = (0..records.len()).collect();
    for n in &all {
        let without: Vec<usize> = all.iter().copied().filter(|other| other != n).collect();
        assert!(judge(&house, &build(&without), &format!("record {n} dropped")));
        for m in n + 1..all.len() {
            let mut swapped = all.clone();
            swapped.swap(*n, m);
            let what = format!("records {n} and {m} swapped");
            assert!(judge(&house, &build(&swapped), &what));
        }
    }
    for cut in (0..at).step_by(7).chain(records.iter().map(|record| record.start)) {
        assert!(judge(&house, &bytes[..cut], &format!("cut at {cut}")));
    }
}

/// Writes the ledger again with another event in one commit, and everything after it made to fit:
/// checksums, chain, versions and positions are all in order.
fn rewrite(dir: &Path, path: &Path, seq: u64) {
    let all: Vec<_> =
        SegmentReader::open(dir).expect("opens").collect::<Result<_, _>>().expect("reads");
    let header = std::fs::read(path).expect("reads")[..SEGMENT_HEADER_BYTES as usize].to_vec();
    let (mut out, mut tails) = (header, std::collections::BTreeMap::new());
    for recorded in all {
        let mut commit = recorded.commit;
        if recorded.seq == seq {
            let byte = commit.events[0].bytes.last_mut().expect("has bytes");
            *byte ^= 1;
        }
        let previous = tails.get(&commit.header.stream).copied();
        commit.header.previous = previous.unwrap_or_default();
        let bytes = commit.encode().expect("encodes");
        tails.insert(commit.header.stream, grimnir_events::envelope::hash(&bytes));
        frame::write(&mut out, recorded.seq, recorded.recorded_at, &bytes);
    }
    std::fs::write(path, out).expect("writes");
}

#[tokio::test]
async fn a_ledger_that_was_rewritten_with_care_is_found_by_one_checkpoint_alone() {
    for seq in 1..=3 {
        let house = Small::new().await;
        rewrite(house.path(), &house.path, seq);
        let chain_alone = look_with(house.path(), &Evidence::default());
        assert!(chain_alone.holds, "everything but the signature is in order");
        let fault = look(house.path()).fault.expect("is found");
        assert!(fault.reason.contains("the signed checkpoint says"), "{}", fault.reason);
    }
    // Over a full tile of hashes the commit itself is named.
    let house = played(200).await;
    house.ledger.close();
    sign(house.path());
    rewrite(house.path(), &segment(house.path()), 77);
    assert_eq!(look(house.path()).fault.expect("is found").seq, 77);
}

#[tokio::test]
async fn a_checkpoint_that_the_log_did_not_sign_is_a_fault() {
    let house = Small::new().await;
    let folder = ProofFolder::of(house.path());
    let good = folder.newest().expect("reads").expect("is there");
    let mut forged = good.clone();
    forged.note.signatures[0].bytes[9] ^= 1;
    let mut evidence = Evidence::beside(house.path());
    evidence.add(forged);
    let fault = look_with(house.path(), &evidence).fault.expect("is found");
    assert!(fault.reason.contains("signature of"), "{}", fault.reason);
    let mut evidence = Evidence::beside(house.path());
    let key =
        Keys::load_history(folder.dir()).expect("reads").expect("is").entries()[0].key.clone();
    evidence.trust(&[key]).expect("is the log's");
    let other = played(1).await;
    sign(other.path());
    let foreign = Keys::load_history(ProofFolder::of(other.path()).dir());
    let foreign = foreign.expect("reads").expect("is there").entries()[0].key.clone();
    assert!(evidence.trust(&[foreign]).is_err(), "another log's key");
    std::fs::write(folder.dir().join("keys"), "nonsense").expect("writes");
    assert!(!look(house.path()).holds);
}

#[tokio::test]
async fn rotten_tiles_are_a_fault_of_the_tiles() {
    let house = played(200).await;
    sign(house.path());
    let folder = ProofFolder::of(house.path());
    let id = TileId::full(0, 0);
    let mut content = folder.find_tile(id).expect("reads").expect("is there");
    content[32 * 9] ^= 1;
    folder.put_tile(id, &content).expect("writes");
    let fault = look(house.path()).fault.expect("is found");
    assert_eq!(fault.seq, 10);
    assert!(fault.reason.contains("rotten"), "{}", fault.reason);
}
