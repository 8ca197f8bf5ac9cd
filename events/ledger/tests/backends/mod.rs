//! The backends that the contract is run on; servers are started once for all tests.
#![allow(dead_code, reason = "each test binary uses its own part")]

use crate::suite::Bench;
use crate::support::faults::{FaultyLedger, FaultyWire};
use crate::support::nats::{Servers, Setup};
use crate::support::*;
use grimnir_events::SiteId;
use grimnir_ledger::jetstream::{NatsAddress, Provision, provision};
use grimnir_ledger::{
    EmbeddedLedger, JetStreamLedger, JetStreamOptions, ManualClock, MemoryLedger, Options,
};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub async fn memory() -> Bench {
    let clock = Arc::new(ManualClock::at(START));
    let ledger = Arc::new(MemoryLedger::with_clock(LOG, clock.clone()));
    Bench { ledger, clock, own_time: true, _kept: Box::new(()) }
}

pub async fn embedded() -> Bench {
    on_disk(Options::default())
}

/// Bytes after which the next group goes to another segment: almost every time.
const SMALL: u64 = 600;

pub async fn embedded_rotating() -> Bench {
    on_disk(Options { rotate_bytes: SMALL, ..Options::default() })
}

fn on_disk(options: Options) -> Bench {
    let clock = Arc::new(ManualClock::at(START));
    let dir = tempfile::tempdir().expect("a folder");
    let options = Options { clock: clock.clone(), ..options };
    let ledger = Arc::new(EmbeddedLedger::open(dir.path(), options).expect("opens"));
    Bench { ledger, clock, own_time: true, _kept: Box::new(dir) }
}

pub async fn faulty_memory() -> Bench {
    faulty(memory().await)
}

pub async fn faulty_embedded() -> Bench {
    faulty(embedded().await)
}

fn faulty(bench: Bench) -> Bench {
    Bench { ledger: Arc::new(FaultyLedger::around(bench.ledger.clone())), ..bench }
}

pub async fn jetstream_r1() -> Bench {
    jetstream(one_server(), 1, false).await
}

/// The replica begins a new segment for almost every batch.
pub async fn jetstream_rotating() -> Bench {
    let options = site_on(one_server(), 1).await;
    joined(JetStreamOptions { rotate_bytes: SMALL, ..options }).await
}

pub async fn jetstream_r3() -> Bench {
    jetstream(three_servers(), 3, false).await
}

pub async fn faulty_jetstream_r1() -> Bench {
    jetstream(one_server(), 1, true).await
}

pub async fn faulty_jetstream_r3() -> Bench {
    jetstream(three_servers(), 3, true).await
}

pub fn one_server() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(|| Servers::one(&Setup::default()))
}

pub fn three_servers() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(|| Servers::three(&Setup::default()))
}

/// A site that no other test has.
pub fn fresh_site() -> SiteId {
    static COUNT: AtomicU8 = AtomicU8::new(1);
    SiteId([COUNT.fetch_add(1, Ordering::Relaxed); 16])
}

/// Provisions a site's stream there; answers the options of a node.
pub async fn site_on(servers: &Servers, replicas: usize) -> JetStreamOptions {
    let address =
        NatsAddress { url: servers.url(), monitors: servers.monitors(), ..NatsAddress::default() };
    let site_id = fresh_site();
    let wish = Provision { address: address.clone(), site_id, replicas };
    provision(&wish).await.expect("is made");
    JetStreamOptions {
        site_id: Some(site_id),
        // A test machine at its limit is slow, not broken.
        ack_wait: Duration::from_secs(5),
        patience: Duration::from_secs(60),
        ..JetStreamOptions::at(address)
    }
}

async fn jetstream(servers: &Servers, replicas: usize, faulty: bool) -> Bench {
    let mut options = site_on(servers, replicas).await;
    if faulty {
        options.wrap = Some(Arc::new(|wire| Arc::new(FaultyWire::around(wire))));
    }
    joined(options).await
}

async fn joined(options: JetStreamOptions) -> Bench {
    let clock = Arc::new(ManualClock::at(START));
    let dir = tempfile::tempdir().expect("a folder");
    let options = JetStreamOptions { clock: clock.clone(), ..options };
    let ledger = Arc::new(JetStreamLedger::open(dir.path(), options).await.expect("opens"));
    Bench { ledger, clock, own_time: false, _kept: Box::new(dir) }
}
