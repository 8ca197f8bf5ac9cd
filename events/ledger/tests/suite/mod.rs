//! The contract that every backend keeps. `contract.rs` runs it on each of them.
#![allow(dead_code, reason = "each test binary uses its own part")]

mod basics;
mod writers;
mod following;

#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use basics::*;
#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use following::*;
#[allow(unused_imports, reason = "each test binary uses its own part")]
pub use writers::*;

use grimnir_events::UtcMicros;
use grimnir_ledger::{Ledger, ManualClock, Recorded};
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One backend under test, its clock, and whatever must live as long as it.
pub struct Bench {
    pub ledger: Arc<dyn Ledger>,
    /// The clock of the stamps.
    pub clock: Arc<ManualClock>,
    /// The time of record is this clock's too, not a server's.
    pub own_time: bool,
    pub _kept: Box<dyn Any + Send>,
}

/// Order, versions, previous hashes and times of a whole ledger.
pub fn check_history(recorded: &[Arc<Recorded>]) {
    let mut tails = BTreeMap::new();
    let mut before = UtcMicros(i64::MIN);
    for (at, r) in recorded.iter().enumerate() {
        assert_eq!(r.seq, at as u64 + 1, "gapless");
        assert!(r.recorded_at > before, "seq {} rises", r.seq);
        before = r.recorded_at;
        let header = &r.commit.header;
        let (version, previous) =
            tails.insert(header.stream, (header.version, r.hash)).unwrap_or_default();
        assert_eq!((header.version, header.previous), (version + 1, previous), "seq {}", r.seq);
    }
}

/// Makes one test of every rule, on each of these backends.
#[allow(unused_macros, reason = "each test binary uses its own part")]
macro_rules! contract {
    ($($backend:ident)*) => {
        $(contract! { @ $backend
            an_empty_ledger_reads_as_empty
            a_commit_reads_back_with_what_the_ledger_added
            positions_and_versions_are_gapless_and_chained
            the_wrong_expected_version_is_a_conflict_that_stores_nothing
            any_extends_whatever_there_is
            the_same_commit_again_answers_what_was_stored
            the_same_id_with_another_body_is_refused
            a_repeated_command_may_have_decided_otherwise
            a_repeated_fact_must_be_the_same_fact
            what_cannot_be_stored_is_refused_and_leaves_no_trace
            recorded_at_rises_even_when_the_clock_steps_back
            position_of_a_time_is_the_first_commit_at_or_after_it
            a_commit_holds_one_event_or_many_in_order
            reads_keep_their_limits_and_ends
            an_append_that_is_never_polled_stores_nothing
            eight_racing_writers_lose_and_repeat_nothing
            eight_writers_racing_on_one_aggregate_store_exactly_their_successes
            one_of_many_writers_wins_each_version
            follow_joins_past_and_present_without_hole_or_repeat
            a_slow_follower_loses_nothing
            follow_from_beyond_the_head_waits_for_it
            follow_ends_when_the_ledger_is_gone
        })*
    };
    (@ $backend:ident $($name:ident)*) => {
        mod $backend {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let bench = crate::backends::$backend().await;
                crate::suite::$name(bench).await;
            })*
        }
    };
}
#[allow(unused_imports, reason = "each test binary uses its own part")]
pub(crate) use contract;
