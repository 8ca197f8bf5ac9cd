//! From an address to the bytes of its sound: redirects and playlists are followed, HLS is put
//! together, titles are taken out.

use super::answer::Answer;
use super::client::{self, Body};
use super::hls;
use super::icy::Demux;
use super::kind::{Kind, kind};
use super::pipe::{Fault, Outlet};
use super::playlist::{self, Listing};
use super::reach::Reach;
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

/// What an address led to.
struct Found {
    answer: Answer,
    body: Body,
    /// Where it was.
    url: Url,
    /// Where it may lead on.
    reach: Reach,
}

/// Runs until there is no more of it; why.
pub(super) async fn run(address: &str, reach: Reach, outlet: &Outlet) -> Fault {
    match follow(address, reach, outlet).await {
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
        _ => Err(Fault::NotSound(format!("the address {shown:?} is not http or https"))),
    }
}

/// What is at an address, behind as many redirects as there are `hops` left.
async fn opened(mut url: Url, mut reach: Reach, hops: &mut usize) -> Result<Found, Fault> {
    while *hops > 0 {
        *hops -= 1;
        let (answer, body, behind) = client::get(&url, reach).await.map_err(Fault::Ended)?;
        reach = behind;
        match answer.status {
            301 | 302 | 303 | 307 | 308 => {
                let to = answer.header("location");
                let to = to.ok_or_else(|| Fault::Ended("a redirect to nowhere".into()))?;
                url = parsed(Some(&url), to)?;
            }
            200..=299 => return Ok(Found { answer, body, url, reach }),
            status => return Err(Fault::Ended(format!("the server answers {status}"))),
        }
    }
    Err(Fault::Ended(format!("more than {HOPS} redirects and playlists")))
}

/// All of what is at an address, where that was in the end, and where it may lead on.
pub(super) async fn whole(
    url: Url,
    reach: Reach,
    limit: usize,
) -> Result<(Vec<u8>, Url, Reach), Fault> {
    let mut hops = HOPS;
    let Found { mut body, url, reach, .. } = opened(url, reach, &mut hops).await?;
    let bytes = body.whole(&[], limit).await.map_err(Fault::Ended)?;
    Ok((bytes, url, reach))
}

async fn follow(address: &str, mut reach: Reach, outlet: &Outlet) -> Result<Fault, Fault> {
    let (mut url, mut hops) = (parsed(None, address)?, HOPS);
    loop {
        let mut found = opened(url, reach, &mut hops).await?;
        reach = found.reach;
        let (first, kind) = first_of(&mut found.body).await?;
        match kind {
            Kind::Bytes => return Ok(sound(&found.answer, found.body, first, outlet).await),
            Kind::Page => return Err(Fault::NotSound("it gives a page, not sound".into())),
            Kind::Text => return Err(Fault::NotSound("it gives text, not sound".into())),
            Kind::Playlist => {}
        }
        let told = |why: String| Fault::NotSound(format!("its playlist: {why}"));
        let text = found.body.whole(&first, playlist::LIMIT).await.map_err(told)?;
        let base = found.url;
        match playlist::read(&String::from_utf8_lossy(&text)).map_err(told)? {
            Listing::Streams(streams) => {
                let one = streams.into_iter().next().unwrap_or_default();
                url = parsed(Some(&base), &one)?;
            }
            Listing::Master(variants) => {
                let best = hls::best(&variants).map(|variant| variant.uri.clone());
                url = parsed(Some(&base), &best.unwrap_or_default())?;
            }
            Listing::Media(media) => return Ok(hls::run(base, reach, media, outlet).await),
        }
    }
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

#[cfg(test)]
mod tests;
