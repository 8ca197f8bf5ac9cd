//! Journal: gapless numbers over runs, torn tails, a disk that fails and comes back.

use super::*;
use grimnir_events::air::{EndReason, ItemStarted};
use grimnir_events::codec::decode_bytes;
use grimnir_events::ladder::{AUTOMATION_CLAIM, Tier};
use grimnir_events::{ContentHash, MediaId};

fn run(n: u8) -> EngineRunId {
    EngineRunId([n; 16])
}

fn wait_head(journal: &Journal, head: u64) {
    let mut follow = journal.follow();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    runtime.block_on(follow.wait_for(|seq| *seq >= head)).expect("writer lives");
}

fn started(play: u64) -> AirEvent {
    AirEvent::ItemStarted(Box::new(ItemStarted {
        play,
        claim_id: AUTOMATION_CLAIM,
        tier: Tier::Automation,
        line_id: None,
        media_id: MediaId([1; 16]),
        play_hash: ContentHash([2; 32]),
        title: "T".into(),
        artist: "A".into(),
        kind: grimnir_events::library::ItemKind::Music,
        planned_at: None,
        from_frame: 0,
        expected_frames: 48_000,
        gain_db_x100: 0,
    }))
}

#[test]
fn numbers_are_gapless_over_runs_and_a_torn_tail_is_cut() {
    let dir = tempfile::tempdir().expect("dir");
    let (journal, recovered, guard) = Journal::open(dir.path(), run(1));
    assert_eq!(recovered.next_seq, 1);
    for n in 0..5 {
        journal.record(AirFrame(n * 480), started(n as u64 + 1));
    }
    wait_head(&journal, 5);
    guard.close();

    let (_, path) = files::list(dir.path()).pop().expect("a file");
    let whole = std::fs::read(&path).expect("reads");
    let mut torn = whole.clone();
    torn.extend_from_slice(&whole[..40]);
    std::fs::write(&path, &torn).expect("writes");

    let (journal, recovered, guard) = Journal::open(dir.path(), run(2));
    assert_eq!(recovered.next_seq, 6);
    assert_eq!(recovered.open.len(), 5);
    assert_eq!(std::fs::read(&path).expect("reads"), whole);
    journal.record(
        AirFrame(9_600),
        AirEvent::ItemEnded { play: 5, frames: 480, reason: EndReason::EngineLost },
    );
    wait_head(&journal, 6);
    let all = journal.read(1).expect("reads");
    let seqs: Vec<u64> = all.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6]);
    let last: AirFact = decode_bytes(&all[5].1).expect("decodes");
    assert_eq!((last.run, last.journal_seq), (run(2), 6));
    guard.close();
    let (_, recovered, guard) = Journal::open(dir.path(), run(3));
    assert_eq!(recovered.open.len(), 4);
    guard.close();
}

#[test]
fn facts_wait_in_memory_while_the_disk_refuses() {
    let dir = tempfile::tempdir().expect("dir");
    let blocked = dir.path().join("journal");
    std::fs::write(&blocked, b"not a folder").expect("writes");
    let (journal, _, guard) = Journal::open(&blocked, run(1));
    journal.record(AirFrame(1), AirEvent::EngineStopped {});
    std::fs::remove_file(&blocked).expect("removes");
    journal.record(AirFrame(2), AirEvent::SilenceLeft {});
    wait_head(&journal, 2);
    assert_eq!(journal.read(1).expect("reads").len(), 2);
    guard.close();
}

#[test]
fn acknowledged_files_go_but_the_last_stays() {
    let dir = tempfile::tempdir().expect("dir");
    for first in [1u64, 4, 9] {
        std::fs::write(files::path_of(dir.path(), first), b"").expect("writes");
    }
    files::remove_before(dir.path(), 7);
    let left: Vec<u64> = files::list(dir.path()).into_iter().map(|(first, _)| first).collect();
    assert_eq!(left, [4, 9]);
    files::remove_before(dir.path(), 1_000);
    assert_eq!(files::list(dir.path()).len(), 1);
}
