//! From an address to the bytes of its sound: redirects and playlists are followed, HLS is put
//! together, titles are taken out.

use super::answer::Answer;
use super::client::{self, Body};
use super::hls;
use super::icy::Demux;
use super::kind::{Kind, kind};
use super::pipe::{Fault, Outlet};
use super::playlist::{self, Listing};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// Redirects and playlists that are followed, together.
const HOPS: usize = 6;
/// What it is has to be known by then.
const FIRST: Duration = Duration::from_secs(5);
/// A connection without a byte for so long is dead, whatever else is held.
const DEAD: Duration = Duration::from_secs(20);

/// Runs until there is no more of it; why.
pub(super) async fn run(address: &str, outlet: &Outlet) -> Fault {
    match follow(address, outlet).await {
        Ok(never) => never,
        Err(fault) => fault,
    }
}

/// An address that a webstream may be at.
pub(super) fn parsed(base: Option<&Url>, text: &str) -> Result<Url, Fault> {
    let url = match base {
        Some(base) => base.join(text),
        None => Url::parse(text),
    };
    let shown: String = text.chars().filter(|c| !c.is_control()).take(120).collect();
    let url = url.map_err(|error| Fault::NotSound(format!("the address {shown:?}: {error}")))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(Fault::NotSound(format!("an address with {other:?}, not http or https"))),
    }
}

async fn follow(address: &str, outlet: &Outlet) -> Result<Fault, Fault> {
    let mut url = parsed(None, address)?;
    for _ in 0..HOPS {
        let (answer, mut body) = client::get(&url).await.map_err(Fault::Ended)?;
        match answer.status {
            301 | 302 | 303 | 307 | 308 => {
                let to = answer.header("location");
                let to = to.ok_or_else(|| Fault::Ended("a redirect to nowhere".into()))?;
                url = parsed(Some(&url), to)?;
                continue;
            }
            200..=299 => {}
            status => return Err(Fault::Ended(format!("the server answers {status}"))),
        }
        let (first, kind) = first_of(&mut body).await?;
        match kind {
            Kind::Bytes => return Ok(sound(&answer, body, first, outlet).await),
            Kind::Page => return Err(Fault::NotSound("it gives a page, not sound".into())),
            Kind::Text => return Err(Fault::NotSound("it gives text, not sound".into())),
            Kind::Playlist => {}
        }
        let told = |why: String| Fault::NotSound(format!("its playlist: {why}"));
        let text = body.whole(&first, playlist::LIMIT).await.map_err(told)?;
        match playlist::read(&String::from_utf8_lossy(&text)).map_err(told)? {
            Listing::Streams(streams) => {
                let one = streams.into_iter().next().unwrap_or_default();
                url = parsed(Some(&url), &one)?;
            }
            Listing::Master(variants) => {
                let best = hls::best(&variants).map(|variant| variant.uri.clone());
                url = parsed(Some(&url), &best.unwrap_or_default())?;
            }
            Listing::Media(media) => return Ok(hls::run(url, media, outlet).await),
        }
    }
    Err(Fault::Ended(format!("more than {HOPS} redirects and playlists")))
}

/// As many bytes as tell what a body is.
async fn first_of(body: &mut Body) -> Result<(Vec<u8>, Kind), Fault> {
    let mut first = Vec::new();
    let reading = async {
        loop {
            let next = body.next().await.map_err(Fault::Ended)?;
            let ended = next.is_none();
            first.extend_from_slice(&next.unwrap_or_default());
            if let Some(kind) = kind(&first, ended) {
                return Ok(kind);
            }
        }
    };
    match timeout(FIRST, reading).await {
        Ok(kind) => kind.map(|kind| (first, kind)),
        Err(_) => Err(Fault::Ended(format!("it gives nothing for {} s", FIRST.as_secs()))),
    }
}

/// Sound as it comes, with titles in it where the server said so.
async fn sound(answer: &Answer, mut body: Body, first: Vec<u8>, outlet: &Outlet) -> Fault {
    let interval = answer.header("icy-metaint").and_then(|text| text.parse().ok());
    let mut demux = interval.and_then(Demux::new);
    let mut next = Bytes::from(first);
    loop {
        let bytes = match &mut demux {
            Some(demux) => {
                let mut plain = Vec::with_capacity(next.len());
                if let Some(title) = demux.take(&next, &mut plain) {
                    outlet.titled(title);
                }
                Bytes::from(plain)
            }
            None => next,
        };
        if let Err(fault) = outlet.send(bytes).await {
            return fault;
        }
        next = match timeout(DEAD, body.next()).await {
            Ok(Ok(Some(bytes))) => bytes,
            Ok(Ok(None)) => return Fault::Ended("the server ended the stream".into()),
            Ok(Err(reason)) => return Fault::Ended(reason),
            Err(_) => return Fault::Ended(format!("nothing came for {} s", DEAD.as_secs())),
        };
    }
}
