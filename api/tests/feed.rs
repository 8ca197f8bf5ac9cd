//! The change feed over a real connection: it resumes exactly after its cursor.

mod common;

use common::{House, PASSWORD};
use futures_util::StreamExt;
use grimnir_api::ApiConfig;
use grimnir_events::access::Role;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

type Client =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(address: &str, token: &str, cursor: Option<&str>) -> Client {
    let cursor = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    let types = "types=station.update,library.update";
    let url = format!("ws://{address}/api/v1/events?{types}&token={token}{cursor}");
    tokio_tungstenite::connect_async(url).await.expect("connects").0
}

async fn heard(client: &mut Client) -> Value {
    loop {
        match client.next().await.expect("comes").expect("is a message") {
            Message::Text(text) => {
                let frame: Value = serde_json::from_str(&text).expect("is JSON");
                if frame["type"] != "ping" {
                    return frame;
                }
            }
            Message::Close(frame) => panic!("closed: {frame:?}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_resumes_where_it_was_with_no_hole_and_no_repeat() {
    let house = House::open().await;
    let token = house.sign_in("anna", Role::Admin).await;
    assert_eq!(house.login("anna", PASSWORD).await.status, 200);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("has an address").to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(grimnir_api::serve(
        house.site.clone(),
        ApiConfig::default(),
        listener,
        async {
            let _ = stopped.await;
        },
    ));
    house.station(&token, "Nord").await;
    for n in 0..5 {
        let body = json!({ "station_id": "nord", "name": format!("list {n}"), "items": [] });
        house.ask("POST", "/api/v1/playlists", Some(&token), &[], Some(body)).await;
    }
    let mut whole = connect(&address, &token, Some("0.0")).await;
    let mut frames = Vec::new();
    while frames.last().is_none_or(|f: &Value| !f.to_string().contains("list 4")) {
        frames.push(heard(&mut whole).await);
    }
    let cursors: Vec<String> =
        frames.iter().map(|f| f["cursor"].as_str().expect("has a cursor").to_owned()).collect();
    assert!(cursors.len() >= 6, "{frames:?}");
    for (at, cursor) in cursors.iter().enumerate().take(cursors.len() - 1) {
        let mut client = connect(&address, &token, Some(cursor)).await;
        assert_eq!(heard(&mut client).await, frames[at + 1], "after {cursor}");
    }
    let mut ahead = connect(&address, &token, Some("999999.0")).await;
    let error = heard(&mut ahead).await;
    assert_eq!(
        (&error["type"], &error["payload"]["code"]),
        (&json!("error"), &json!("cursor_ahead"))
    );
    assert!(
        matches!(ahead.next().await, Some(Ok(Message::Close(Some(f)))) if u16::from(f.code) == 1008)
    );
    stop.send(()).expect("is running");
    serving.await.expect("ends").expect("serves");
    house.site.close(true).await;
}
