//! A mirror on another server: where its origin was made again it is refused, where its origin was
//! restored from segments it is gone on with.

use crate::backends::site_on;
use crate::nodes::node;
use crate::support::nats::{self, Servers, Setup};
use crate::support::*;
use async_nats::jetstream::stream::{Config, External, Source};
use async_nats::jetstream::{self, Context};
use futures_util::StreamExt;
use grimnir_ledger::jetstream::{Names, NatsAddress, Provision, provision, restore};
use grimnir_ledger::{JetStreamLedger, JetStreamOptions, Ledger, OpenError, ReadError};
use std::time::{Duration, Instant};

/// Two servers, joined by a leaf connection: a site's own, and one that mirrors its stream.
struct Joined {
    hub: Servers,
    at_site: JetStreamOptions,
    at_hub: JetStreamOptions,
    name: String,
    _site: Servers,
}

async fn context(url: &str) -> Context {
    jetstream::new(async_nats::connect(url).await.expect("connects"))
}

impl Joined {
    async fn start() -> Self {
        let [leaf] = nats::free_ports();
        let more = format!("leafnodes {{ listen: \"127.0.0.1:{leaf}\" }}\n");
        let site = Servers::one(&Setup { domain: Some("site"), more, ..Setup::default() });
        let more =
            format!("leafnodes {{ remotes: [ {{ url: \"nats-leaf://127.0.0.1:{leaf}\" }} ] }}\n");
        let hub = Servers::one(&Setup { domain: Some("hub"), more, ..Setup::default() });
        let at_site = site_on(&site, 1).await;
        let name = Names::of(at_site.site_id.expect("a site")).stream;
        let address =
            NatsAddress { url: hub.url(), monitors: hub.monitors(), ..NatsAddress::default() };
        // A mirror has no subjects of its own, and is weaker in that.
        let at_hub = JetStreamOptions { address, accept_weaker: true, ..at_site.clone() };
        Self { hub, at_site, at_hub, name, _site: site }
    }
    /// Mirrors the stream under its own name, as an operator does who copies its configuration.
    async fn mirror(&self) {
        let origin = context(&self.at_site.address.url).await;
        let origin = origin.get_stream(&self.name).await.expect("is there");
        let external = External { api_prefix: "$JS.site.API".into(), delivery_prefix: None };
        let source =
            Source { name: self.name.clone(), external: Some(external), ..Source::default() };
        let config = Config {
            subjects: Vec::new(),
            mirror: Some(source),
            ..origin.cached_info().config.clone()
        };
        context(&self.at_hub.address.url).await.create_stream(config).await.expect("is made");
    }
    /// Waits until the mirror ends at `last`.
    async fn mirrored(&self, last: u64) {
        let hub = context(&self.at_hub.address.url).await;
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let mirror = hub.get_stream(&self.name).await.expect("is there");
            let state = mirror.cached_info().state.clone();
            if state.last_sequence == last {
                assert_eq!((state.messages, state.deleted_count.unwrap_or(0)), (last, 0));
                return;
            }
            assert!(Instant::now() < deadline, "the mirror stands at {}", state.last_sequence);
            nats::pause().await;
        }
    }
    /// Deletes the origin; the mirror keeps what it has.
    async fn delete_origin(&self) {
        let context = context(&self.at_site.address.url).await;
        context.delete_stream(&self.name).await.expect("deletes");
    }
    /// The mirror looks for its origin anew, at once: by itself it does so after some time.
    fn restart_hub(&mut self) {
        self.hub.servers[0].kill();
        self.hub.servers[0].start();
    }
    fn wish(&self) -> Provision {
        let site_id = self.at_site.site_id.expect("a site");
        Provision { address: self.at_site.address.clone(), site_id, replicas: 1 }
    }
}

/// The position at which an opening is refused as corruption, and why.
async fn refused(dir: &std::path::Path, options: &JetStreamOptions) -> (u64, String) {
    match JetStreamLedger::open(dir, options.clone()).await.err() {
        Some(OpenError::Damaged(ReadError::Corrupt { seq, reason })) => (seq, reason),
        other => panic!("answered {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_whose_origin_was_deleted_and_made_again_is_refused() {
    let mut joined = Joined::start().await;
    let (_first, ledger) = node(&joined.at_site).await;
    for number in 1..=5 {
        put(&*ledger, number, stream(1)).await;
    }
    let before = all(&*ledger).await;
    drop(ledger);
    joined.mirror().await;
    joined.mirrored(5).await;
    let (replica, mirrored) = node(&joined.at_hub).await;
    assert!(all(&*mirrored).await == before, "a mirror is followed");
    let named = mirrored.deviations();
    assert!(named.iter().any(|deviation| deviation.name == "mirror"), "{named:?}");

    joined.delete_origin().await;
    provision(&joined.wish()).await.expect("is made again");
    let (_second, ledger) = node(&joined.at_site).await;
    for number in 1..=8 {
        put(&*ledger, number, stream(1)).await;
    }
    joined.restart_hub();
    // The server joins two histories, and finds nothing wrong with that.
    joined.mirrored(8).await;
    let mut follower = mirrored.follow(6);
    let error = follower.next().await.expect("an end that says why").expect_err("no commit");
    assert_eq!(mirrored.incident(), Some(error));
    assert!(all(&*mirrored).await == before, "what was followed is still read");
    drop(mirrored);
    let fresh = tempfile::tempdir().expect("a folder");
    for dir in [replica.path(), fresh.path()] {
        let (seq, reason) = refused(dir, &joined.at_hub).await;
        assert_eq!(seq, 6, "{reason}");
        assert!(reason.contains("commit belongs to"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_whose_origin_was_restored_from_segments_goes_on() {
    let mut joined = Joined::start().await;
    let (segments, ledger) = node(&joined.at_site).await;
    for number in 1..=5 {
        put(&*ledger, number, stream(1)).await;
    }
    assert!(ledger.close());
    drop(ledger);
    joined.mirror().await;
    joined.mirrored(5).await;
    let (replica, mirrored) = node(&joined.at_hub).await;

    joined.delete_origin().await;
    let restored = restore(&joined.wish(), segments.path()).await.expect("restores");
    assert_eq!((restored.commits, restored.stream.incarnation), (5, 2));
    let again = JetStreamLedger::open(segments.path(), joined.at_site.clone()).await;
    let again = again.expect("a restored stream is accepted");
    for number in 6..=8 {
        put(&again, number, stream(1)).await;
    }
    let whole = all(&again).await;
    joined.restart_hub();
    joined.mirrored(8).await;
    let mut follower = mirrored.follow(8);
    assert_eq!(follower.next().await.expect("one").expect("follows").seq, 8);
    drop(follower);
    assert_eq!(mirrored.incident(), None);
    assert!(all(&*mirrored).await == whole, "times of record included");
    assert!(mirrored.close());
    drop(mirrored);
    let fresh = tempfile::tempdir().expect("a folder");
    for dir in [replica.path(), fresh.path()] {
        let opened = JetStreamLedger::open(dir, joined.at_hub.clone()).await.expect("is accepted");
        assert!(all(&opened).await == whole);
    }
}
