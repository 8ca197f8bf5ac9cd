//! Commits on JetStream and the catch-up of a node, each beside bare async-nats in the same run.
//!
//! The bare publisher sends the same bytes with the same headers in the same mode to the same
//! servers; the bare reader is an ordered consumer on the same stream. Subject and reference
//! alternate in rounds, and medians of the rounds' ratios are compared.

#[path = "../../../tests/src/nats.rs"]
mod nats;
mod support;

use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID};
use async_nats::jetstream::consumer::{DeliverPolicy, push::OrderedConfig};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, HeaderMap};
use futures_util::StreamExt;
use futures_util::future::join_all;
use grimnir_events::{CommitId, SiteId, StationId, StreamId, StreamKind};
use grimnir_ledger::jetstream::{Names, NatsAddress, Provision, provision};
use grimnir_ledger::{Expected, JetStreamLedger, JetStreamOptions, Ledger, NewCommit};
use nats::{Servers, Setup};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use support::{Figure, commit, median};

const ROUNDS: usize = 7;
const CATCH_UP_COMMITS: u64 = 50_000;
const CATCH_UP_ROUNDS: usize = 5;

fn main() {
    // `cargo test --benches` runs this too: then it only has to start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime starts");
    let one = Servers::one(&Setup::default());
    runtime.block_on(commits("jetstream_r1", &one, 1, 1, 100));
    runtime.block_on(commits("jetstream_r1", &one, 1, 100, 10));
    drop(one);
    let three = Servers::three(&Setup::default());
    runtime.block_on(commits("jetstream_r3", &three, 3, 1, 100));
    runtime.block_on(commits("jetstream_r3", &three, 3, 100, 5));
    drop(three);
    let relaxed = Servers::one(&Setup { sync: "2m", ..Setup::default() });
    runtime.block_on(catch_up(&relaxed));
}

fn compare(
    name: &str,
    unit: &'static str,
    reference: &'static str,
    ours: Vec<f64>,
    bare: Vec<f64>,
) {
    let ratio = median(ours.iter().zip(&bare).map(|(ours, bare)| ours / bare).collect());
    let (value, reference_value) = (median(ours), median(bare));
    Figure { name: name.into(), value, unit, reference, reference_value, ratio }.report();
}

fn stream(number: u64) -> StreamId {
    StreamId::of_station(StreamKind::Executor, StationId([number as u8; 16]))
}

fn new_commit(number: u64, stream: StreamId) -> NewCommit {
    NewCommit { stream, ..commit(number) }
}

/// A provisioned site; answers the options of a node.
async fn site(servers: &Servers, number: u8, replicas: usize) -> JetStreamOptions {
    let address =
        NatsAddress { url: servers.url(), monitors: servers.monitors(), ..NatsAddress::default() };
    let site_id = SiteId([number; 16]);
    let wish = Provision { address: address.clone(), site_id, replicas };
    provision(&wish).await.expect("is made");
    JetStreamOptions {
        site_id: Some(site_id),
        accept_weaker: true,
        patience: Duration::from_secs(60),
        ..JetStreamOptions::at(address)
    }
}

async fn connected(servers: &Servers) -> Client {
    let urls: Vec<String> = servers.url().split(',').map(str::to_owned).collect();
    async_nats::connect(urls).await.expect("connects")
}

/// `together` appends at once, each to a stream of its own, so many times.
async fn commits(name: &str, servers: &Servers, replicas: usize, together: u64, times: u64) {
    let number = (together % 90) as u8 + 1;
    let options = site(servers, number, replicas).await;
    let bare_site = site(servers, number + 100, replicas).await;
    let bare_names = Names::of(bare_site.site_id.expect("a site"));
    let context = jetstream::new(connected(servers).await);
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = JetStreamLedger::open(dir.path(), options).await.expect("opens");
    let (mut count, mut tails) = (0, HashMap::new());
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    // The first round warms both up and is not counted.
    for round in 0..=ROUNDS {
        let first = ledger.head().await.expect("reads").seq + 1;
        let begun = Instant::now();
        for _ in 0..times {
            let appends = (0..together).map(|place| {
                count += 1;
                ledger.append(new_commit(count, stream(place)), Expected::Any)
            });
            for answer in join_all(appends).await {
                answer.expect("appends");
            }
        }
        let took = begun.elapsed().as_secs_f64();
        let stored = ledger.read_all(first, usize::MAX).await.expect("reads");
        let messages: Vec<_> = stored
            .iter()
            .map(|r| (r.commit.header.stream, r.commit.header.commit_id, r.bytes.clone()))
            .collect();
        let reference =
            publish(&context, &bare_names, messages, together as usize, &mut tails).await;
        if round > 0 {
            ours.push((together * times) as f64 / took);
            bare.push((together * times) as f64 / reference);
        }
    }
    let mode = if together == 1 { "in_sequence".into() } else { format!("{together}_at_once") };
    let name = format!("{name}_commits_{mode}");
    compare(&name, "commits/s", "bare_async_nats_publish", ours, bare);
}

type Stored = (StreamId, CommitId, Vec<u8>);

/// The same bytes with the same headers in the same mode; answers the seconds it took.
async fn publish(
    context: &Context,
    names: &Names,
    messages: Vec<Stored>,
    together: usize,
    tails: &mut HashMap<StreamId, u64>,
) -> f64 {
    let begun = Instant::now();
    for group in messages.chunks(together) {
        let sends = group.iter().map(|(stream, id, bytes)| {
            let after = tails.get(stream).copied().unwrap_or(0);
            async move {
                let mut headers = HeaderMap::new();
                headers.insert(NATS_MESSAGE_ID, hex::encode(id.0).as_str());
                headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, after.to_string().as_str());
                let subject = names.subject(*stream);
                let sent = context.publish_with_headers(subject, headers, bytes.clone().into());
                (*stream, sent.await.expect("sends").await.expect("is stored").sequence)
            }
        });
        tails.extend(join_all(sends).await);
    }
    begun.elapsed().as_secs_f64()
}

/// A node with nothing against a bare ordered consumer, over the same stream.
async fn catch_up(servers: &Servers) {
    let options = site(servers, 77, 1).await;
    let names = Names::of(options.site_id.expect("a site"));
    {
        let dir = tempfile::tempdir().expect("a folder");
        let ledger = JetStreamLedger::open(dir.path(), options.clone()).await.expect("opens");
        for first in (0..CATCH_UP_COMMITS).step_by(200) {
            let appends = (first..first + 200)
                .map(|n| ledger.append(new_commit(n + 1, stream(n % 200)), Expected::Any));
            for answer in join_all(appends).await {
                answer.expect("appends");
            }
        }
    }
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 0..=CATCH_UP_ROUNDS {
        let dir = tempfile::tempdir().expect("a folder");
        let begun = Instant::now();
        let ledger = JetStreamLedger::open(dir.path(), options.clone()).await.expect("opens");
        let took = begun.elapsed().as_secs_f64();
        assert_eq!(ledger.head().await.expect("reads").seq, CATCH_UP_COMMITS);
        drop(ledger);
        let begun = Instant::now();
        read_bare(servers, &names).await;
        let reference = begun.elapsed().as_secs_f64();
        if round > 0 {
            ours.push(CATCH_UP_COMMITS as f64 / took);
            bare.push(CATCH_UP_COMMITS as f64 / reference);
        }
    }
    compare("jetstream_catch_up", "commits/s", "bare_ordered_consumer", ours, bare);
}

async fn read_bare(servers: &Servers, names: &Names) {
    let client = connected(servers).await;
    let stream = jetstream::new(client.clone()).get_stream(&names.stream).await.expect("is there");
    let config = OrderedConfig {
        deliver_subject: client.new_inbox(),
        deliver_policy: DeliverPolicy::All,
        ..OrderedConfig::default()
    };
    let consumer = stream.create_consumer(config).await.expect("is made");
    let mut messages = consumer.messages().await.expect("reads");
    for seq in 1..=CATCH_UP_COMMITS {
        let message = messages.next().await.expect("one").expect("reads");
        assert_eq!(message.info().expect("says where").stream_sequence, seq);
    }
}
