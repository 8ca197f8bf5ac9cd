//! The proof over HTTP: checkpoint and tiles for everybody, cosignatures for other sites.

mod common;

use axum::http::StatusCode;
use common::House;
use grimnir_actors::site::ProofConfig;
use grimnir_events::access::Role;
use grimnir_ledger::proof::checkpoint::SignedCheckpoint;
use grimnir_ledger::proof::folder::ProofFolder;
use grimnir_ledger::proof::keys::Keys;
use grimnir_ledger::proof::path::root_at;
use grimnir_ledger::proof::request::AddCheckpoint;
use grimnir_ledger::proof::tile::{TileId, TileNodes};

#[tokio::test(flavor = "multi_thread")]
async fn checkpoint_and_tiles_are_public_and_agree() {
    let mut house = House::open().await;
    let none = house.ask("GET", "/tlog/checkpoint", None, &[], None).await;
    assert_eq!((none.status, &none.body["code"]), (StatusCode::NOT_FOUND, &"no_checkpoint".into()));
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    // The last checkpoint comes with the end.
    house.reopen(ProofConfig::default()).await;
    let reply = house.ask("GET", "/tlog/checkpoint", None, &[], None).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert_eq!(reply.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(reply.headers["cache-control"], "public, max-age=5");
    let signed: SignedCheckpoint = reply.body.as_str().expect("text").parse().expect("is one");
    let folder = ProofFolder::of(&house.site.config().data_dir.join("ledger"));
    let keys = Keys::load_history(folder.dir()).expect("reads").expect("are there");
    keys.verify(&signed).expect("is signed");
    let size = signed.checkpoint.size;
    assert!(size >= 2, "the user and the station");
    for id in TileId::partials(size) {
        let path = format!("/tlog/tile/{id}");
        let tile = house.ask_raw("GET", &path, Vec::new()).await;
        assert_eq!(tile.0, StatusCode::OK, "{path}");
        assert_eq!(tile.1["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(tile.1["content-type"], "application/octet-stream");
        assert_eq!(tile.2.len(), id.bytes());
    }
    let nodes = TileNodes::new(&folder, size);
    assert_eq!(root_at(&nodes, size), Ok(signed.checkpoint.root));
    for path in ["0/001", "0/../../key", "0/%2e%2e/key", "entries/000", "0/000/000", "9/000"] {
        let path = format!("/tlog/tile/{path}");
        let reply = house.ask("GET", &path, None, &[], None).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}: {reply:?}");
    }
    let ready = house.ask("GET", "/readyz", None, &[], None).await;
    assert_eq!(ready.body["checkpoint"]["size"], size, "{ready:?}");
    assert!(ready.body["checkpoint"]["age_s"].is_i64(), "{ready:?}");
    let metrics = house.ask("GET", "/metrics", None, &[], None).await;
    let text = metrics.body.as_str().expect("is text").to_owned();
    assert!(text.contains(&format!("grimnir_checkpoint_size {size}\n")), "{text}");
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_a_witness_for_the_logs_it_was_told_of() {
    let mut house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    let refused = house.ask_raw("POST", "/tlog/add-checkpoint", b"old 0\n\nx\n".to_vec()).await;
    assert_eq!(refused.0, StatusCode::NOT_FOUND, "it is no witness yet");
    house.site.close(true).await;
    let folder = ProofFolder::of(&house.site.config().data_dir.join("ledger"));
    let keys = Keys::load_history(folder.dir()).expect("reads").expect("are there");
    let witnessed = vec![keys.entries()[0].key.clone()];
    house.reopen(ProofConfig { witnessed, ..ProofConfig::default() }).await;
    let signed = folder.newest().expect("reads").expect("is there");
    let request = AddCheckpoint::new(&folder, 0, &signed).expect("proves").to_string();
    let first = house.ask_raw("POST", "/tlog/add-checkpoint", request.clone().into()).await;
    assert_eq!(first.0, StatusCode::OK);
    let line = String::from_utf8(first.2).expect("text").trim_end().parse().expect("a line");
    let key = house.site.witness_key().expect("is a witness");
    assert_eq!(key.verify(signed.note.text(), &line), Some(true));
    let again = house.ask_raw("POST", "/tlog/add-checkpoint", request.into()).await;
    assert_eq!(again.0, StatusCode::CONFLICT);
    assert_eq!(again.1["content-type"], "text/x.tlog.size");
    assert_eq!(String::from_utf8(again.2), Ok(format!("{}\n", signed.checkpoint.size)));
    let long = vec![b'x'; 1 << 20];
    let long = house.ask_raw("POST", "/tlog/add-checkpoint", long).await;
    assert_eq!(long.0, StatusCode::PAYLOAD_TOO_LARGE);
    house.site.close(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_whose_ledger_was_made_anew_beside_its_proof_does_not_open() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    house.station(&token, "Nord").await;
    house.site.close(true).await;
    let ledger = house.site.config().data_dir.join("ledger");
    for name in ["segments", "store"] {
        std::fs::remove_dir_all(ledger.join(name)).expect("removes");
    }
    for name in ["clean", "epoch"] {
        std::fs::remove_file(ledger.join(name)).expect("removes");
    }
    let found = grimnir_actors::Site::open(house.site.config().clone()).await;
    let error = found.err().expect("is refused").to_string();
    assert!(error.contains("ledger ends at seq 0, its last checkpoint covers"), "{error}");
}
