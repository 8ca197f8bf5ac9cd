//! The application's account as `deploy/nats` documents it: enough to serve, not to destroy.

use crate::nodes::node;
use crate::support::nats::{self, Servers, Setup};
use crate::support::*;
use async_nats::{ConnectOptions, Event, jetstream};
use grimnir_events::SiteId;
use grimnir_ledger::jetstream::{NatsAddress, NatsLogin, Provision, provision};
use grimnir_ledger::{Expected, JetStreamLedger, JetStreamOptions, Ledger};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

pub fn login(user: &str, password: &str) -> NatsLogin {
    NatsLogin::Password { user: user.into(), password: password.into() }
}

/// A server with the documented accounts.
pub fn with_accounts(sync: &'static str) -> Servers {
    let accounts = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/nats/accounts.conf");
    let more = nats::accounts(accounts.as_ref());
    Servers::one(&Setup { sync, more, ..Setup::default() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_applications_account_serves_and_cannot_destroy() {
    let servers = with_accounts("always");
    let at = |login| NatsAddress {
        url: servers.url(),
        login,
        monitors: servers.monitors(),
        ..NatsAddress::default()
    };
    let site_id = SiteId([77; 16]);
    let app = at(login("grimnir", "of-app"));
    let wish = |address| Provision { address, site_id, replicas: 1 };
    let refused = provision(&wish(app.clone())).await;
    assert!(refused.is_err(), "the application makes no stream");
    let admin = at(login("grimnir-admin", "of-admin"));
    let made = provision(&wish(admin)).await.expect("an administrator does");

    let options = JetStreamOptions { site_id: Some(site_id), ..JetStreamOptions::at(app) };
    let (dir, ledger) = node(&options).await;
    for number in 0..20 {
        put(&*ledger, number, stream((number % 4) as u8)).await;
    }
    let tail = ledger.append(commit(50, stream(1)), Expected::Version(9)).await;
    assert!(tail.is_err(), "the tail may be read, and is not there");
    assert_eq!(ledger.deviations(), []);
    let leases = ledger.leases().expect("are kept");
    let claimed = leases.claim("own.1", b"a".to_vec(), 0).await.expect("may be claimed");
    let held = leases.all().await.expect("may be read");
    assert_eq!(held.iter().map(|lease| lease.revision).collect::<Vec<_>>(), [claimed]);
    let before = all(&*ledger).await;
    assert!(ledger.close());

    let stream = &made.stream;
    let api = |word: &str| format!("$JS.API.STREAM.{word}.{stream}");
    let words = ["CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "RESTORE", "SNAPSHOT"];
    let mut subjects: Vec<_> = words.iter().map(|word| api(word)).collect();
    subjects.push("$JS.API.SERVER.REMOVE".into());
    subjects.push(format!("$JS.API.STREAM.LEADER.STEPDOWN.{stream}"));
    let (said, mut errors) = mpsc::unbounded_channel();
    let client = ConnectOptions::with_user_and_password("grimnir".into(), "of-app".into())
        .event_callback(move |event| {
            let said = said.clone();
            async move {
                if let Event::ServerError(error) = event {
                    let _ = said.send(error.to_string().to_lowercase());
                }
            }
        })
        .connect(servers.url())
        .await
        .expect("connects");
    for subject in &subjects {
        client.publish(subject.clone(), "{}".into()).await.expect("is sent");
    }
    client.flush().await.expect("is sent");
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut open: Vec<_> = subjects.iter().map(|subject| subject.to_lowercase()).collect();
    while !open.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        let error = tokio::time::timeout(left, errors.recv()).await;
        let error = error.unwrap_or_else(|_| panic!("allowed: {open:?}")).expect("a word");
        assert!(error.contains("permissions violation"), "{error}");
        open.retain(|subject| !error.contains(&format!("\"{subject}\"")));
    }
    let context = jetstream::new(client);
    let info = context.get_stream(stream).await.expect("is there").cached_info().clone();
    assert_eq!(info.state.messages, before.len() as u64);
    let again = JetStreamLedger::open(dir.path(), options).await.expect("opens");
    assert!(all(&again).await == before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_login_is_refused_and_shown_without_its_secret() {
    let servers = with_accounts("always");
    let login = login("grimnir", "a-wrong-secret");
    assert!(!format!("{login:?}").contains("secret"));
    let address = NatsAddress { url: servers.url(), login, ..NatsAddress::default() };
    let options =
        JetStreamOptions { site_id: Some(SiteId([78; 16])), ..JetStreamOptions::at(address) };
    let dir = tempfile::tempdir().expect("a folder");
    let error = JetStreamLedger::open(dir.path(), options).await.err().expect("is refused");
    let error = error.to_string();
    assert!(error.contains("authorization") && !error.contains("secret"), "{error}");
}
