//! A stream that is weaker than a ledger has to be: named, and refused unless accepted.

use crate::backends::{fresh_site, one_server, site_on};
use crate::nodes::node;
use crate::permissions::{login, with_accounts};
use crate::support::nats::{Servers, Setup};
use crate::support::*;
use async_nats::jetstream;
use async_nats::jetstream::stream::{Compression, Config, DiscardPolicy};
use grimnir_ledger::jetstream::{Names, NatsAddress, NatsLogin, Provision, provision};
use grimnir_ledger::{Deviation, Durability, JetStreamLedger, JetStreamOptions, Ledger, OpenError};
use std::time::Duration;

fn names(found: &[Deviation]) -> Vec<&'static str> {
    found.iter().map(|deviation| deviation.name).collect()
}

/// What an opening without consent says.
async fn named(options: &JetStreamOptions) -> Vec<&'static str> {
    let dir = tempfile::tempdir().expect("a folder");
    match JetStreamLedger::open(dir.path(), options.clone()).await.err() {
        Some(OpenError::Weaker { deviations, .. }) => names(&deviations),
        other => panic!("answered {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_deviation_of_a_stream_is_named_and_start_up_refused() {
    let options = site_on(one_server(), 1).await;
    let client = async_nats::connect(&options.address.url).await.expect("connects");
    let context = jetstream::new(client);
    let name = Names::of(options.site_id.expect("a site")).stream;
    let made = context.get_stream(&name).await.expect("is there").cached_info().config.clone();
    type Change = fn(&mut Config);
    let changes: [(&str, Change); 10] = [
        ("max_age", |c| {
            c.max_age = Duration::from_secs(3_600);
            c.duplicate_window = Duration::from_secs(60);
        }),
        ("max_msgs", |c| c.max_messages = 1_000),
        ("max_bytes", |c| c.max_bytes = 1 << 20),
        ("max_msgs_per_subject", |c| c.max_messages_per_subject = 9),
        ("discard", |c| c.discard = DiscardPolicy::Old),
        ("compression", |c| c.compression = Some(Compression::S2)),
        ("allow_rollup_hdrs", |c| {
            c.allow_rollup = true;
            c.deny_purge = false;
        }),
        ("allow_msg_ttl", |c| c.allow_message_ttl = true),
        ("deny_delete", |c| c.deny_delete = false),
        ("allow_direct", |c| c.allow_direct = false),
    ];
    for (wanted, change) in changes {
        context.delete_stream(&name).await.expect("deletes");
        let mut config = made.clone();
        change(&mut config);
        context.create_stream(config).await.expect("is made");
        let found = named(&options).await;
        assert!(found.contains(&wanted), "{wanted} is not in {found:?}");
        assert!(found.len() <= 2, "{wanted}: too much in {found:?}");
    }
    context.delete_stream(&name).await.expect("deletes");
    context.create_stream(made).await.expect("is made");
    let (_dir, ledger) = node(&options).await;
    assert_eq!(ledger.deviations(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_the_server_syncs_is_read_and_unread_counts_as_weaker() {
    let servers = Servers::one(&Setup { sync: "2m", ..Setup::default() });
    let options = site_on(&servers, 1).await;
    assert_eq!(named(&options).await, ["sync"]);
    let accepted = JetStreamOptions { accept_weaker: true, ..options.clone() };
    let (_dir, ledger) = node(&accepted).await;
    assert_eq!(ledger.durability(), Durability::Weaker);
    assert_eq!(ledger.deviations()[0].found, "every 120 s");
    put(&*ledger, 1, stream(1)).await;
    let mut unread = accepted;
    unread.address.monitors.clear();
    let (_dir, ledger) = node(&unread).await;
    assert_eq!(ledger.durability(), Durability::Unverified);
    assert_eq!(names(&ledger.deviations()), ["sync"]);
    let refused = JetStreamOptions { accept_weaker: false, ..unread };
    assert_eq!(named(&refused).await, ["sync"]);
}

/// The class and what is found of `sync` by a node that asks as `system`, without monitoring.
async fn asked(
    servers: &Servers,
    options: &JetStreamOptions,
    system: NatsLogin,
) -> (Durability, Option<String>) {
    let monitors = Vec::new();
    let address = NatsAddress { monitors, system, ..options.address.clone() };
    let options = JetStreamOptions { address, accept_weaker: true, ..options.clone() };
    let (_dir, ledger) = node(&options).await;
    let named = ledger.deviations();
    assert!(named.len() <= 1, "{}: {named:?}", servers.url());
    (ledger.durability(), named.first().map(|deviation| deviation.found.clone()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_the_server_syncs_is_asked_through_the_system_account() {
    for (sync, worth, found) in [
        ("always", Durability::SyncAlways, None),
        ("2m", Durability::Weaker, Some("every 120 s".to_owned())),
    ] {
        let servers = with_accounts(sync);
        let address = |user, password| NatsAddress {
            url: servers.url(),
            login: login(user, password),
            ..NatsAddress::default()
        };
        let site_id = fresh_site();
        let admin = address("grimnir-admin", "of-admin");
        provision(&Provision { address: admin, site_id, replicas: 1 }).await.expect("is made");
        let app = address("grimnir", "of-app");
        let options = JetStreamOptions { site_id: Some(site_id), ..JetStreamOptions::at(app) };
        let told = asked(&servers, &options, login("grimnir-sync", "of-system")).await;
        assert_eq!(told, (worth, found));
        // A login that is refused, and one of a user who may not ask.
        for login in [login("grimnir-sync", "wrong"), login("grimnir", "of-app")] {
            let (worth, found) = asked(&servers, &options, login).await;
            assert_eq!(worth, Durability::Unverified, "{found:?}");
            let found = found.expect("a reason");
            assert!(found.starts_with("unverified: system account"), "{found}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_copy_in_a_cluster_is_judged_by_what_every_server_of_it_answers() {
    let users = "accounts { SYS { users: [ { user: sync, password: of-system } ] } }\n\
                 system_account: SYS\n";
    let servers = Servers::three(&Setup { more: users.into(), ..Setup::default() });
    let options = site_on(&servers, 1).await;
    let told = asked(&servers, &options, login("sync", "of-system")).await;
    assert_eq!(told, (Durability::SyncAlways, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_there_is_not_provisioned_again() {
    let options = site_on(one_server(), 1).await;
    let site_id = options.site_id.expect("a site");
    let wish = Provision { address: options.address.clone(), site_id, replicas: 1 };
    let refused = provision(&wish).await.expect_err("it is there");
    assert!(refused.contains("nothing was changed"), "{refused}");
    assert!(provision(&Provision { replicas: 2, ..wish }).await.is_err(), "two are no majority");
}

/// Found while it runs, by the look that is repeated.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_under_a_running_node_is_found() {
    let options = site_on(one_server(), 1).await;
    let (_dir, ledger) = node(&options).await;
    assert_eq!(ledger.durability(), Durability::SyncAlways);
    let client = async_nats::connect(&options.address.url).await.expect("connects");
    let context = jetstream::new(client);
    let name = Names::of(options.site_id.expect("a site")).stream;
    let mut config =
        context.get_stream(&name).await.expect("is there").cached_info().config.clone();
    config.max_age = Duration::from_secs(3_600);
    context.update_stream(config).await.expect("an administrator may");
    assert_eq!(names(&ledger.check().await), ["max_age"]);
    assert_eq!(ledger.durability(), Durability::Weaker);
}
