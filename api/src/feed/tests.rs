//! What a feed client hears, and when it is let go.

use super::*;
use axum::Router;
use axum::routing::get;
use futures_util::SinkExt;
use futures_util::stream;
use grimnir_events::UtcMicros;
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite;

type Client =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

fn change(seq: u64, index: u32, kind: &str, payload: serde_json::Value) -> Change {
    let (kind, payload) = (kind.to_owned(), payload.to_string().into());
    Change { seq, index, kind, station_id: None, at: UtcMicros(0), payload }
}

/// Serves one feed of these changes; answers the client's end, and later why it ended.
async fn feed(
    changes: BoxStream<'static, Change>,
    filter: Filter,
    closing: watch::Receiver<bool>,
    stall: Duration,
) -> (Client, oneshot::Receiver<Ended>) {
    feed_with(changes, stream::pending().boxed(), filter, closing, stall).await
}

async fn feed_with(
    changes: BoxStream<'static, Change>,
    readings: BoxStream<'static, String>,
    filter: Filter,
    closing: watch::Receiver<bool>,
    stall: Duration,
) -> (Client, oneshot::Receiver<Ended>) {
    let (told, ended) = oneshot::channel();
    let once = Arc::new(Mutex::new(Some((changes, readings, filter, closing, told))));
    let serve = move |upgrade: WebSocketUpgrade| async move {
        upgrade.on_upgrade(move |mut socket| async move {
            let taken = once.lock().expect("not poisoned").take();
            let (changes, readings, filter, mut closing, told) = taken.expect("asked once");
            let sources = (changes, readings);
            let ended = pump(&mut socket, sources, &filter, || true, &mut closing, stall).await;
            if let Some((code, reason)) = ended.farewell() {
                close(&mut socket, stall, code, reason).await;
            }
            let _ = told.send(ended);
        })
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let url = format!("ws://{}/", listener.local_addr().expect("has an address"));
    let router = Router::new().route("/", get(serve));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let (client, _) = tokio_tungstenite::connect_async(url).await.expect("connects");
    (client, ended)
}

async fn heard(client: &mut Client) -> serde_json::Value {
    let message = client.next().await.expect("comes").expect("is a message");
    serde_json::from_str(message.to_text().expect("is text")).expect("is JSON")
}

async fn close_code_of(client: &mut Client) -> u16 {
    loop {
        match client.next().await {
            Some(Ok(tungstenite::Message::Close(Some(frame)))) => return frame.code.into(),
            Some(Ok(_)) => {}
            other => panic!("no close frame but {other:?}"),
        }
    }
}

const PATIENT: Duration = Duration::from_secs(60);

fn open() -> (watch::Sender<bool>, watch::Receiver<bool>) {
    watch::channel(false)
}

#[tokio::test]
async fn a_client_hears_what_it_asked_for_in_order_and_what_its_role_may_hear() {
    let changes = stream::iter(vec![
        change(7, 0, "now_playing", json!({"title": "A"})),
        change(7, 1, "as_run", json!({})),
        change(8, 0, "access.update", json!({})),
        change(9, 0, "now_playing", json!({"title": "B"})),
    ]);
    let filter = Filter {
        types: Some(vec!["now_playing".into(), "access.update".into()]),
        ..Filter::default()
    };
    let (_open, closing) = open();
    let (mut client, ended) = feed(changes.boxed(), filter, closing, PATIENT).await;
    let first = heard(&mut client).await;
    assert_eq!(first["type"], "now_playing");
    assert_eq!(first["cursor"], "7.0");
    assert_eq!(first["seq"], 7);
    assert_eq!(first["at"], "1970-01-01T00:00:00.000000Z");
    assert_eq!(first["payload"]["title"], "A");
    assert_eq!(heard(&mut client).await["cursor"], "9.0");
    assert_eq!(close_code_of(&mut client).await, close_code::RESTART);
    assert_eq!(ended.await, Ok(Ended::Over));
}

#[tokio::test]
async fn readings_come_between_changes_and_hold_up_none() {
    let readings = stream::iter((0..3).map(|n| json!({ "type": "telemetry", "n": n }).to_string()));
    let (sends, mut sent) = tokio::sync::mpsc::unbounded_channel();
    let changes = stream::poll_fn(move |context| sent.poll_recv(context)).boxed();
    let readings = readings.chain(stream::pending()).boxed();
    let (_open, closing) = open();
    let all = Filter::default();
    let (mut client, ended) = feed_with(changes, readings, all, closing, PATIENT).await;
    for n in 0..3 {
        assert_eq!(heard(&mut client).await["n"], n);
    }
    sends.send(change(7, 0, "now_playing", json!({}))).expect("is taken");
    assert_eq!(heard(&mut client).await["cursor"], "7.0");
    drop(sends);
    assert_eq!(close_code_of(&mut client).await, close_code::RESTART);
    assert_eq!(ended.await, Ok(Ended::Over));
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_let_go() {
    let long = "x".repeat(64 * 1024);
    let endless = stream::iter(1u64..).map(move |seq| change(seq, 0, "as_run", json!(long)));
    let (_open, closing) = open();
    let stall = Duration::from_millis(50);
    let (client, ended) = feed(endless.boxed(), Filter::default(), closing, stall).await;
    assert_eq!(ended.await, Ok(Ended::Slow));
    drop(client);
}

#[tokio::test]
async fn a_closing_api_says_so() {
    let (closes, closing) = open();
    let silent = stream::pending().boxed();
    let (mut client, ended) = feed(silent, Filter::default(), closing, PATIENT).await;
    closes.send_replace(true);
    assert_eq!(close_code_of(&mut client).await, close_code::AWAY);
    assert_eq!(ended.await, Ok(Ended::Closing));
}

#[tokio::test]
async fn a_client_that_goes_ends_its_feed() {
    let (_open, closing) = open();
    let silent = stream::pending().boxed();
    let (mut client, ended) = feed(silent, Filter::default(), closing, PATIENT).await;
    client.send(tungstenite::Message::text("hello")).await.expect("is sent");
    client.close(None).await.expect("closes");
    assert_eq!(ended.await, Ok(Ended::Gone));
}

#[test]
fn a_cursor_is_a_position_and_a_place_in_it() {
    assert_eq!(parse_cursor("7.2"), Ok((7, 2)));
    assert_eq!(parse_cursor("7"), Ok((7, u32::MAX)));
    for text in ["", ".", "7.", ".2", "-1", "7.2.1", "99999999999999999999", "a"] {
        assert_eq!(parse_cursor(text).expect_err("is refused").code(), "invalid_cursor", "{text}");
    }
}

#[test]
fn a_station_filter_leaves_other_stations_and_the_site_out() {
    let station = StationId([1; 16]);
    let filter = Filter { station: Some(station), admin: true, ..Filter::default() };
    let mut told = change(1, 0, "now_playing", json!({}));
    assert!(!filter.takes(&told));
    told.station_id = Some(StationId([2; 16]));
    assert!(!filter.takes(&told));
    told.station_id = Some(station);
    assert!(filter.takes(&told));
}
