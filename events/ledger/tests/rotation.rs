//! Segments that are closed, followed by others and sealed: nothing changes but where they are.

mod support;

use futures_util::StreamExt;
use grimnir_events::UtcMicros;
use grimnir_ledger::proof::tree::{Frontier, hash_leaf, leaf_of};
use grimnir_ledger::{
    AppendError, EmbeddedLedger, End, Expected, Footer, Ledger, ManualClock, OpenError, Options,
    ReadError, SegmentReader,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;
use support::segments::*;
use support::*;

const COUNT: u64 = 120;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_of_many_segments_answers_like_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = open(dir.path());
    for number in 1..=COUNT {
        let done = ledger.append(varied(number), Expected::Any).await.expect("appends");
        assert_eq!((done.recorded.seq, done.repeated), (number, false));
    }
    let history = all(&ledger).await;
    assert!(segments(dir.path()).len() > 6, "{} segments", segments(dir.path()).len());
    check_answers(&ledger, &history).await;
    let followed: Vec<_> = ledger.follow(1).take(COUNT as usize).collect().await;
    assert!(followed.into_iter().map(|r| r.expect("reads")).eq(history.iter().cloned()));
    drop(ledger);
    for clean in [true, false, true] {
        if !clean {
            unclean(dir.path());
        }
        let ledger = open(dir.path());
        if clean {
            // The store holds just the active segment, so it is taken as it was left.
            assert_eq!((ledger.store_head(), ledger.store_degraded()), (COUNT, None));
        }
        check_answers(&ledger, &history).await;
        assert!(ledger.close());
        assert!(offline(dir.path()).iter().eq(history.iter().map(|r| &**r)));
    }
    assert_eq!(
        SegmentReader::open(dir.path()).map(|mut r| {
            r.by_ref().for_each(drop);
            r.end().cloned()
        }),
        Ok(Some(End::Whole))
    );
}

#[tokio::test]
async fn what_a_sealed_segment_holds_is_known_again_and_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = filled(dir.path(), COUNT).await;
    let ledger = open(dir.path());
    for recorded in &history {
        let number = recorded.seq;
        let again = ledger.append(varied(number), Expected::Version(0)).await.expect("answers");
        assert!(again.repeated && again.recorded == *recorded, "commit {number}");
        let other = NewCommitOf::other(number);
        let refused = ledger.append(other, Expected::Any).await;
        assert!(matches!(refused, Err(AppendError::OtherBody { .. })), "{refused:?}");
    }
    let before = history.iter().rfind(|r| r.commit.header.stream == stream_of(1)).expect("one");
    let mut next = varied(COUNT + 1);
    next.stream = stream_of(1);
    let next = ledger.append(next, Expected::Version(before.commit.header.version)).await;
    let next = next.expect("appends").recorded;
    assert_eq!((next.seq, next.commit.header.previous), (COUNT + 1, before.hash));
}

struct NewCommitOf;

impl NewCommitOf {
    /// The same id with another body.
    fn other(number: u64) -> grimnir_ledger::NewCommit {
        let mut new = varied(number);
        new.events = vec![payload("test.event", b"another")];
        new.command = Some(payload("test.command", b"another"));
        new
    }
}

#[tokio::test]
async fn a_footer_says_what_the_segment_holds() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = filled(dir.path(), COUNT).await;
    let paths = segments(dir.path());
    let (active, sealed) = paths.split_last().expect("segments");
    assert!(Footer::load(active).expect("reads").is_none(), "the active one is not sealed");
    let mut tree = Frontier::default();
    let (mut next, mut payload, mut disk) = (0, 0, 0);
    for path in sealed {
        let footer = Footer::load(path).expect("reads").expect("is sealed");
        let own = &history[next..next + footer.count() as usize];
        let (first, last) = (&own[0], &own[own.len() - 1]);
        assert_eq!((footer.first_seq, footer.last_seq), (first.seq, last.seq));
        assert_eq!(footer.recorded, [first.recorded_at, last.recorded_at]);
        let times = |air: bool| {
            let commits = own.iter().map(|r| &r.commit.header);
            let times = commits.filter(|h| !air || h.stream.kind.is_witnessed());
            let times: Vec<UtcMicros> = times.map(|h| h.occurred_at).collect();
            times.iter().min().copied().zip(times.iter().max().copied()).map(|(a, b)| [a, b])
        };
        assert_eq!((Some(footer.occurred), footer.aired), (times(false), times(true)));
        assert_eq!((footer.last_hash, footer.log_id), (last.hash, last.commit.header.log_id));
        let mut alone = Frontier::default();
        for recorded in own {
            alone.push(hash_leaf(&leaf_of(recorded)));
            tree.push(hash_leaf(&leaf_of(recorded)));
        }
        assert_eq!((footer.root, &footer.frontier), (alone.root(), &tree));
        for range in &footer.streams {
            let of = own.iter().filter(|r| r.commit.header.stream == range.stream);
            let versions: Vec<_> = of.map(|r| r.commit.header.version).collect();
            assert_eq!((range.first, range.last), (versions[0], versions[versions.len() - 1]));
        }
        let bytes: usize = own.iter().map(|r| r.bytes.len()).sum();
        assert_eq!(footer.payload_bytes, bytes as u64);
        (payload, disk) = (payload + bytes as u64, disk + fs::metadata(path).expect("is").len());
        let mode = fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o400, "nobody writes to it");
        next += own.len();
    }
    assert!(next as u64 <= COUNT && next > 60, "most of it is sealed");
    assert!(disk > payload, "{disk} for {payload}");
}

#[tokio::test]
async fn an_old_segment_is_closed_at_the_first_commit_after_its_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(ManualClock::at(START));
    let day = Duration::from_secs(86_400);
    let options = Options { clock: clock.clone(), rotate_age: day, ..Options::default() };
    let ledger = EmbeddedLedger::open(dir.path(), options.clone()).expect("opens");
    for (number, after, expected) in [(1, 0, 1), (2, 86_399, 1), (3, 1, 2), (4, 86_399, 2)] {
        clock.advance(after * 1_000_000);
        put(&ledger, number, stream(1)).await;
        assert_eq!(segments(dir.path()).len(), expected, "commit {number}");
    }
    drop(ledger);
    // The age counts over a reopening, and an empty segment is never followed by another.
    let ledger = EmbeddedLedger::open(dir.path(), options).expect("opens");
    clock.advance(1_000_000);
    put(&ledger, 5, stream(1)).await;
    assert_eq!(segments(dir.path()).len(), 3);
    assert_eq!(all(&ledger).await.len(), 5);
}

#[tokio::test]
async fn where_no_segment_can_be_begun_the_old_one_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = open(dir.path());
    // Something else has the name of whatever segment would be next.
    for seq in 2..60 {
        fs::create_dir(dir.path().join(format!("segments/{seq:020}.seg"))).expect("makes");
    }
    for number in 1..=50 {
        ledger.append(varied(number), Expected::Any).await.expect("appends");
    }
    let history = all(&ledger).await;
    assert_eq!((history.len(), ledger.writable()), (50, Ok(())));
    assert!(ledger.close());
    for seq in 2..60 {
        fs::remove_dir(dir.path().join(format!("segments/{seq:020}.seg"))).expect("removes");
    }
    let ledger = open(dir.path());
    ledger.append(varied(51), Expected::Any).await.expect("appends");
    assert_eq!(segments(dir.path()).len(), 2, "now there is room for the next");
    assert_eq!(all(&ledger).await[..50], history);
}

#[tokio::test]
async fn a_missing_segment_is_named_wherever_it_is_missing() {
    let origin = tempfile::tempdir().expect("a folder");
    let history = filled(origin.path(), COUNT).await;
    let paths = segments(origin.path());
    for at in 0..paths.len() {
        for clean in [true, false] {
            let dir = tempfile::tempdir().expect("a folder");
            copy(origin.path(), dir.path());
            fs::remove_file(&segments(dir.path())[at]).expect("removes");
            if !clean {
                unclean(dir.path());
            }
            let opened = EmbeddedLedger::open(dir.path(), small()).map(|_| ());
            let Err(OpenError::Damaged(ReadError::Corrupt { seq, .. })) = &opened else {
                panic!("segment {at}: {opened:?}");
            };
            assert!((1..=history.len() as u64).contains(seq), "segment {at}: {opened:?}");
            if at + 1 < paths.len() {
                let read = SegmentReader::open(dir.path()).expect("opens").find_map(Result::err);
                assert!(matches!(read, Some(ReadError::Corrupt { .. })), "segment {at}: {read:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_reader_goes_on_into_segments_begun_after_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = open(dir.path());
    ledger.append(varied(1), Expected::Any).await.expect("appends");
    let mut reader = SegmentReader::open(dir.path()).expect("opens");
    let mut read = vec![reader.next().expect("one").expect("reads")];
    // What it has listed is closed, sealed, and long not the last any more.
    for number in 2..=COUNT {
        ledger.append(varied(number), Expected::Any).await.expect("appends");
    }
    read.extend(reader.by_ref().map(|r| r.expect("reads")));
    assert!(read.iter().eq(all(&ledger).await.iter().map(|r| &**r)), "{} read", read.len());
    assert_eq!(reader.end(), Some(&End::Whole));
}
