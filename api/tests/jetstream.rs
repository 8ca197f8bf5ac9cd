//! A site whose ledger is on JetStream: what people are told while the server is away, and what
//! probes and the ledger say of a stream that is weaker than it has to be.

mod common;

#[path = "../../tests/src/nats.rs"]
mod nats;

use axum::http::StatusCode;
use common::{House, Reply};
use grimnir_actors::LedgerPlace;
use grimnir_events::access::Role;
use grimnir_events::site::SiteEvent;
use grimnir_events::{SiteId, StreamId, codec};
use grimnir_ledger::JetStreamOptions;
use grimnir_ledger::jetstream::{NatsAddress, Provision, provision};
use nats::{Servers, Setup};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SITE: SiteId = SiteId([9; 16]);

async fn provisioned(sync: &'static str) -> (Servers, JetStreamOptions) {
    let servers = Servers::one(&Setup { sync, ..Setup::default() });
    let address =
        NatsAddress { url: servers.url(), monitors: servers.monitors(), ..NatsAddress::default() };
    let wish = Provision { address: address.clone(), site_id: SITE, replicas: 1 };
    provision(&wish).await.expect("is made");
    (servers, JetStreamOptions { site_id: Some(SITE), ..JetStreamOptions::at(address) })
}

fn place(options: &JetStreamOptions) -> LedgerPlace {
    LedgerPlace::JetStream(Box::new(options.clone()))
}

async fn until(house: &House, what: &str, right: impl Fn(&Reply) -> bool) -> Reply {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let reply = house.ask("GET", "/readyz", None, &[], None).await;
        if right(&reply) {
            return reply;
        }
        assert!(Instant::now() < deadline, "{what}: {reply:?}");
        nats::pause().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_jetstream_is_away_commands_answer_503_and_afterwards_nothing_is_doubled() {
    let (mut servers, options) = provisioned("always").await;
    let house = House::open_with(place(&options)).await.expect("opens");
    let token = house.sign_in("admin", Role::Admin).await;
    house.station(&token, "One").await;
    let ready = until(&house, "ready", |reply| reply.status == StatusCode::OK).await;
    assert_eq!(ready.body["durability"], "sync_always");
    assert_eq!(ready.body["deviations"], json!([]));

    servers.servers[0].kill();
    let away = until(&house, "noticed", |reply| reply.status != StatusCode::OK).await;
    assert_eq!(away.body["ledger_reason"], "JetStream is not connected");
    let body = || Some(json!({ "name": "Two", "time_zone": "Europe/Berlin" }));
    let key = [("idempotency-key", "two-once")];
    let make = || house.ask("POST", "/api/v1/stations", Some(&token), &key, body());
    let refused = make().await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{refused:?}");
    assert_eq!(refused.body["code"], "ledger_unavailable", "{refused:?}");
    assert!(refused.body.to_string().contains("JetStream is not connected"), "{refused:?}");
    let listed = house.ask("GET", "/api/v1/stations", Some(&token), &[], None).await;
    assert_eq!(listed.status, StatusCode::OK, "reading goes on");

    servers.servers[0].start();
    until(&house, "back", |reply| reply.status == StatusCode::OK).await;
    let made = make().await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let again = make().await;
    assert_eq!(again.body["id"], made.body["id"], "asked again it is the same station");
    assert_eq!(house.site.views().stations().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_weaker_stream_is_refused_or_accepted_on_record() {
    let (_servers, options) = provisioned("2m").await;
    let refused = House::open_with(place(&options)).await.err().expect("is refused");
    assert!(refused.contains("sync: found every 120 s, expected always"), "{refused}");

    let accepted = JetStreamOptions { accept_weaker: true, ..options };
    let house = House::open_with(place(&accepted)).await.expect("opens");
    let ready = until(&house, "ready", |reply| reply.status == StatusCode::OK).await;
    assert_eq!(ready.body["durability"], "weaker");
    assert_eq!(ready.body["deviations"][0]["name"], "sync");
    let metrics = house.ask("GET", "/metrics", None, &[], None).await;
    let Value::String(metrics) = metrics.body else { panic!("{metrics:?}") };
    assert!(metrics.contains("grimnir_ledger_deviation{name=\"sync\"} 1"), "{metrics}");
    assert!(metrics.contains("grimnir_ledger_durability{class=\"weaker\"} 1"), "{metrics}");
    let own = house.site.ledger().read(StreamId::site(SITE), 1, 9).await.expect("reads");
    let event = codec::decode(&own[0].commit.events[0]).expect("decodes");
    let SiteEvent::WeakerDurabilityAccepted { class, deviations } = event;
    assert_eq!((class.as_str(), own.len()), ("weaker", 1));
    assert_eq!(deviations[0].name, "sync");
}
