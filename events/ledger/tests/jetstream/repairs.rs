//! A damaged replica: its times are the server's, and the server has what is not on its disk.

use crate::backends::{one_server, site_on};
use crate::nodes::node;
use crate::support::segments::{offline, rewrite, segments, unclean};
use crate::support::*;
use grimnir_events::frame::HEADER_BYTES;
use grimnir_ledger::repair::{Segments, StoreCopy, examine, repair};
use grimnir_ledger::{
    Identity, JetStreamLedger, JetStreamOptions, Ledger, ManualClock, Recorded,
    SEGMENT_HEADER_BYTES,
};
use std::fs;
use std::path::Path;
use std::sync::Arc;

const COUNT: u64 = 30;

/// Damages the record of `seq`, in a replica of one segment or many.
fn damage(dir: &Path, history: &[Recorded], seq: u64) {
    let first_of = |path: &Path| -> u64 {
        path.file_stem().and_then(|s| s.to_str()).and_then(|s| s.parse().ok()).expect("a seq")
    };
    let path = segments(dir).into_iter().rfind(|path| first_of(path) <= seq).expect("a segment");
    let before = &history[first_of(&path) as usize - 1..seq as usize - 1];
    let at: usize = before.iter().map(|recorded| HEADER_BYTES + recorded.bytes.len()).sum();
    let mut bytes = fs::read(&path).expect("reads");
    bytes[SEGMENT_HEADER_BYTES as usize + at + 60] ^= 1;
    rewrite(&path, &bytes);
}

/// A closed replica whose stamps are far from the server's times, on either side.
async fn replica(options: &JetStreamOptions) -> (tempfile::TempDir, Vec<Recorded>) {
    let (dir, ledger) = node(options).await;
    for number in 0..COUNT {
        put(&*ledger, number, stream((number % 3) as u8)).await;
    }
    let history: Vec<Recorded> = all(&*ledger).await.iter().map(|r| Recorded::clone(r)).collect();
    assert!(ledger.close());
    let stamp = history[0].commit.header.stamped_at;
    assert!(history[0].recorded_at.0.abs_diff(stamp.0) > 1_000_000, "they are far apart");
    (dir, history)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_in_what_was_not_synced_is_no_loss_and_is_followed_again() {
    for stamps in [START, START.plus(-1_000_000_000_000_000)] {
        let clock = Arc::new(ManualClock::at(stamps));
        let options = JetStreamOptions { clock, ..site_on(one_server(), 1).await };
        let (dir, history) = replica(&options).await;
        damage(dir.path(), &history, COUNT - 5);
        // After an orderly close everything was on the disk: then it is damage.
        let found = examine(dir.path()).expect("examines");
        assert_eq!(found.iter().map(|loss| loss.seqs.clone()).collect::<Vec<_>>(), [25..=25]);
        unclean(dir.path());
        assert_eq!(examine(dir.path()), Ok(vec![]), "stamped {stamps}");
        let ledger = JetStreamLedger::open(dir.path(), options).await.expect("opens");
        let again: Vec<_> = all(&ledger).await.iter().map(|r| Recorded::clone(r)).collect();
        assert_eq!(again, history);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_comes_back_from_another_nodes_and_never_with_times_made_up() {
    let clock = Arc::new(ManualClock::at(START));
    let options = JetStreamOptions { clock, rotate_bytes: 2_000, ..site_on(one_server(), 1).await };
    let (dir, history) = replica(&options).await;
    let (other, ledger) = node(&options).await;
    assert!(ledger.close());
    assert!(segments(dir.path()).len() > 2);
    damage(dir.path(), &history, 2);
    damage(dir.path(), &history, COUNT);
    // The store knows the commits, and not when they were recorded: it is not asked.
    assert!(dir.path().join("store").is_dir());
    assert!(StoreCopy::of(dir.path()).expect("looks").is_none());
    let log_id = Identity::load(dir.path()).expect("reads").log_id;
    let mut copies = Segments::in_dir(other.path(), log_id).expect("lists");
    let report = repair(dir.path(), &mut [&mut copies], false).expect("repairs");
    let seqs: Vec<_> = report.recovered.iter().map(|(seq, _)| *seq).collect();
    assert_eq!((seqs, report.repaired), (vec![2, COUNT], true));
    assert_eq!(offline(dir.path()), history);
}
