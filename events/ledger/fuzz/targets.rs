//! What the fuzz targets hold true of any bytes. Tests run the committed corpus through the same
//! functions, so a finding that was mended stays mended.

use grimnir_events::codec::Encoded;
use grimnir_events::schema::Registered;
use grimnir_events::{Commit, ContentHash, LogId, SiteId, UtcMicros, envelope, frame};
use grimnir_ledger::proof::checkpoint::{Checkpoint, SignedCheckpoint, split_notes};
use grimnir_ledger::proof::note::{KeyKind, MAX_NOTE_BYTES, SignerKey, VerifierKey};
use grimnir_ledger::proof::request::AddCheckpoint;
use grimnir_ledger::{
    DIRECTORY_FORMAT, Identity, ReadError, SEGMENT_HEADER_BYTES, SegmentHeader, SegmentReader,
};
use std::path::Path;

/// Bytes that are a commit are the only bytes of that commit.
pub fn envelope(data: &[u8]) {
    if let Ok(commit) = Commit::decode(data) {
        assert_eq!(commit.encode().as_deref(), Ok(data), "one commit, one encoding");
        assert_ne!(envelope::hash(data), ContentHash::default());
        assert!(!commit.events.is_empty(), "a commit without events decodes");
    }
}

/// Type, version, then payload bytes: what reads as a type is written as today's version of it,
/// and that reads as the same again.
pub fn codec(register: &[Registered], data: &[u8]) {
    let [entry, version, bytes @ ..] = data else { return };
    let entry = &register[usize::from(*entry) % register.len()];
    // Mostly a version there is.
    let version = if *version == 0xFF { u16::MAX } else { 1 + u16::from(*version) % entry.version };
    let stored = Encoded { name: entry.name.into(), version, bytes: bytes.to_vec() };
    if let Ok(today) = entry.rewrite(&stored) {
        assert_eq!(today.version, entry.version, "{entry:?}");
        assert_eq!(entry.rewrite(&today), Ok(today), "{entry:?}");
    }
}

/// Records one after the other: each that reads is written as it was.
pub fn records(data: &[u8]) {
    let mut rest = data;
    while let Ok((record, length)) = frame::read(rest) {
        let mut again = Vec::new();
        frame::write(&mut again, record.seq, record.recorded_at, record.body);
        assert_eq!(again, rest[..length], "one record, one encoding");
        rest = &rest[length..];
    }
}

const LOG: LogId = LogId([7; 16]);

/// A segment made of these bytes, as an auditor reads it. The first byte says how much of it is
/// well formed already, so that the rest reaches deeper than a checksum: nothing (0), the header
/// (1), or every record's frame too, of bodies that each come with two bytes of length (2).
pub fn segment(folder: &Path, data: &[u8]) {
    let [mode, rest @ ..] = data else { return };
    let header = SegmentHeader {
        log_id: LOG,
        first_seq: 1,
        created_at: UtcMicros(1),
        previous: ContentHash::default(),
    };
    let mut bytes = Vec::new();
    if mode % 3 > 0 {
        bytes.extend_from_slice(&header.encode());
    }
    if mode % 3 == 2 {
        framed(&mut bytes, rest);
    } else {
        bytes.extend_from_slice(rest);
    }
    let file = folder.join("segments").join(format!("{:020}.seg", 1));
    std::fs::write(file, &bytes).expect("writes");
    let mut reader = SegmentReader::open(folder).expect("a ledger's folder");
    let (mut seq, mut failed) = (0, false);
    for read in reader.by_ref() {
        assert!(!failed, "nothing follows an error");
        match read {
            Ok(recorded) => {
                seq += 1;
                assert_eq!(recorded.seq, seq, "gapless");
                assert_eq!(recorded.hash, envelope::hash(&recorded.bytes));
                assert_eq!(recorded.commit.header.log_id, LOG);
            }
            Err(ReadError::Corrupt { seq: at, .. }) => {
                assert_eq!(at, seq + 1, "the first that is not good");
                failed = true;
            }
            Err(ReadError::Unavailable { reason }) => panic!("{reason}"),
        }
    }
    assert_eq!(reader.end().is_some(), !failed, "an end or an error");
    assert!(seq <= bytes.len().saturating_sub(SEGMENT_HEADER_BYTES as usize) as u64 / 28);
}

fn framed(bytes: &mut Vec<u8>, mut rest: &[u8]) {
    let mut seq = 1;
    while let [high, low, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(tail.len());
        let (body, tail) = tail.split_at(length);
        frame::write(bytes, seq, UtcMicros(seq as i64), body);
        seq += 1;
        rest = tail;
    }
    bytes.extend_from_slice(rest);
}

/// What signs and cosigns checkpoints here, and in the corpus.
pub fn checkpoint_keys() -> [SignerKey; 2] {
    [("log.example", KeyKind::Note), ("witness.example", KeyKind::Cosignature)]
        .map(|(name, kind)| SignerKey::from_seed(name, kind, [9; 32]).expect("a name"))
}

/// Any bytes as what a witness or an auditor reads: a checkpoint, a request for a cosignature, a
/// key, a file of notes. What reads is written as it was, and verifying it answers.
pub fn checkpoint(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (notes, whole) = split_notes(text);
    assert!(whole <= text.len());
    for note in notes.into_iter().chain([text]) {
        if let Ok(signed) = note.parse::<SignedCheckpoint>() {
            assert_eq!(signed.to_string(), note, "one checkpoint, one text");
            signed_again(&signed);
        }
    }
    if let Ok(request) = text.parse::<AddCheckpoint>() {
        assert_eq!(request.to_string(), text, "one request, one text");
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
}

/// A signature that holds is found whatever stands beside it, and covers what it is found under.
fn signed_again(signed: &SignedCheckpoint) {
    let keys = checkpoint_keys();
    let known = keys.each_ref().map(SignerKey::verifier);
    let held = signed.note.verify(&known).map_or(0, |by| by.len());
    assert!(held <= known.len() && held <= signed.note.signatures.len());
    assert_eq!(signed.note.text().parse(), Ok(signed.checkpoint.clone()));
    let Checkpoint { origin, .. } = &signed.checkpoint;
    if origin.len() < MAX_NOTE_BYTES / 2 {
        let again = signed.checkpoint.sign(&keys[0]);
        assert_eq!(again.note.verify(&known), Ok(vec![&known[0]]));
        assert_eq!(again.to_string().parse(), Ok(again));
    }
}

/// A ledger's folder without a segment.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let dir = made.expect("a folder");
    let identity = Identity {
        format: DIRECTORY_FORMAT,
        log_id: LOG,
        site_id: SiteId([8; 16]),
        created_at: UtcMicros(1),
    };
    let text = serde_json::to_vec(&identity).expect("encodes");
    std::fs::write(dir.path().join("ledger.json"), text).expect("writes");
    std::fs::create_dir(dir.path().join("segments")).expect("makes");
    dir
}
