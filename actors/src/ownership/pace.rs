//! How fast ownership moves: the pauses of the keeper, and what follows from them.

use grimnir_ledger::jetstream::LEASE_TTL;
use std::time::Duration;

/// How often leases are looked at: with their time to live, it bounds how long nobody decides.
pub(crate) const TICK: Duration = Duration::from_millis(400);
/// How often a lease is renewed: three times in its time to live.
pub(crate) const RENEW_EVERY: Duration = Duration::from_secs(1);
/// A node has to live for so long before a unit is handed to it: one that comes and goes moves
/// nothing.
pub(crate) const SETTLED: Duration = Duration::from_secs(2);
/// A holder that does not answer any more ended so long at least before its lease was last seen.
pub(crate) const DEAD_AT_LEAST: Duration =
    LEASE_TTL.saturating_sub(RENEW_EVERY).saturating_sub(TICK);
/// And so long at most: servers end leases by the second, and it is looked at now and then.
pub(crate) const DEAD_AT_MOST: Duration =
    LEASE_TTL.saturating_add(Duration::from_secs(1)).saturating_add(TICK);
/// Within 5 s of its end another node owns what it had; what remains is for taking the streams.
const _: () = assert!(DEAD_AT_MOST.as_millis() < 4_500);
/// How long the streams of one round may take to be taken; what is left is taken in the next.
pub(crate) const TAKE_PATIENCE: Duration = Duration::from_millis(1_500);
