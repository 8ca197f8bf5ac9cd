//! Small servers that lead from one to another: 127.0.0.2 stands for one of the public network.

use super::*;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::Receiver;

const OWN: [u8; 4] = [127, 0, 0, 1];
const PUBLIC: [u8; 4] = [127, 0, 0, 2];

fn reach() -> Reach {
    Reach::judged_by(|ip| ip == IpAddr::from(PUBLIC))
}

/// A server that leads to `to`, or to itself; its address, and how often its sound was asked for.
async fn server(at: [u8; 4], to: Option<&str>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((IpAddr::from(at), 0)).await.expect("binds");
    let own = format!("http://{}", listener.local_addr().expect("is bound"));
    let to = to.unwrap_or(&own).to_owned();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut head = [0; 512];
            let count = stream.read(&mut head).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..count]).into_owned();
            let path = head.split([' ', '?']).nth(1).unwrap_or_default();
            let media = |piece: &str| {
                let head = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n";
                format!("200 OK\r\n\r\n{head}{piece}\n#EXT-X-ENDLIST\n")
            };
            let told = match path {
                "/sound" => "200 OK\r\n\r\n".to_owned(),
                "/moved" => format!("302 Found\r\nLocation: {to}/sound\r\n\r\n"),
                "/around" => "302 Found\r\nLocation: /around\r\n\r\n".to_owned(),
                "/list" => format!("200 OK\r\n\r\n#EXTM3U\n{to}/sound\n"),
                "/pieces" => media(&format!("{to}/sound")),
                "/moved-pieces" => media("/moved"),
                "/endless-pieces" => media("/around"),
                _ => "404 Not Found\r\n\r\n".to_owned(),
            };
            let mut told = format!("HTTP/1.1 {told}").into_bytes();
            if path == "/sound" {
                counted.fetch_add(1, Ordering::Relaxed);
                told.extend([0xff; 1_000]);
            }
            let _ = stream.write_all(&told).await;
        }
    });
    (own, asked)
}

/// What an address leads to: bytes of sound, and why there are no more.
async fn fetched(address: &str) -> (usize, Fault) {
    let (outlet, mut sound): (Outlet, Receiver<Bytes>) = Outlet::alone();
    let counting = tokio::spawn(async move {
        let mut count = 0;
        while let Some(bytes) = sound.recv().await {
            count += bytes.len();
        }
        count
    });
    let fault = run(address, reach(), &outlet).await;
    drop(outlet);
    (counting.await.expect("counts"), fault)
}

#[tokio::test]
async fn what_a_public_server_says_leads_to_no_address_of_our_own() {
    let (own, asked) = server(OWN, None).await;
    let (public, _) = server(PUBLIC, Some(&own)).await;
    for way in ["moved", "list"] {
        let (count, fault) = fetched(&format!("{public}/{way}")).await;
        let (_, why) = fault.told();
        assert!(count == 0 && why.contains("private address 127.0.0.1"), "{way}: {why}");
    }
    let (count, _) = fetched(&format!("{public}/pieces")).await;
    assert_eq!((count, asked.load(Ordering::Relaxed)), (0, 0));
    // A redirect of our own to the public network is the last that may lead home.
    let (near, _) = server(OWN, Some(&format!("{public}/moved?"))).await;
    assert_eq!(fetched(&format!("{near}/moved")).await.0, 0);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_a_station_sets_may_be_its_own_and_lead_anywhere() {
    let (own, _) = server(OWN, None).await;
    let (public, asked) = server(PUBLIC, None).await;
    let (between, _) = server(OWN, Some(&public)).await;
    for base in [&own, &public, &between] {
        for way in ["sound", "moved", "list", "pieces", "moved-pieces"] {
            let (count, fault) = fetched(&format!("{base}/{way}")).await;
            assert_eq!(count, 1_000, "{base}/{way}: {fault:?}");
        }
    }
    assert_eq!(asked.load(Ordering::Relaxed), 5 + 4, "the last of them leads on but once");
}

#[tokio::test]
async fn redirects_without_an_end_are_given_up_of_pieces_too() {
    let (own, _) = server(OWN, None).await;
    let (count, fault) = fetched(&format!("{own}/around")).await;
    assert!(count == 0 && fault.told().1.contains("more than 6"), "{fault:?}");
    assert_eq!(fetched(&format!("{own}/endless-pieces")).await.0, 0);
}

#[test]
fn an_address_is_told_clipped() {
    for long in [format!("{}://a/", "x".repeat(9_000)), format!("http://{}/", ":".repeat(9_000))] {
        let fault = parsed(None, &long).expect_err("is none");
        let told = fault.told().1.chars().count();
        assert!((50..300).contains(&told), "{told} characters");
    }
}
