//! HLS: pieces of a stream, fetched one after the other and put together.
//!
//! Pieces of packed audio, of transport streams, and fragments of MP4; not encrypted ones.

use super::client;
use super::fetch::parsed;
use super::kind::tag_length;
use super::pipe::{Fault, Outlet};
use super::playlist::{self, Listing, Media, Segment, Variant};
use bytes::Bytes;
use std::time::Duration;
use url::Url;

/// Pieces before the newest that it begins with: what is heard has a start of so many.
const BEHIND: usize = 3;
/// Longest piece, in bytes.
const PIECE_LIMIT: usize = 16 << 20;
/// Times in a row that a playlist or a piece cannot be had.
const MISSES: u32 = 3;
/// A playlist is asked for again after half its longest piece, within these.
const SHORTEST: Duration = Duration::from_millis(400);
const LONGEST: Duration = Duration::from_secs(5);
/// A playlist without a new piece for so many times the longest one has stopped.
const STOPPED: u32 = 8;

/// The quality that is taken: the best of those up to 320 kbit/s, else the least.
pub(super) fn best(variants: &[Variant]) -> Option<&Variant> {
    const ENOUGH: u64 = 352_000;
    let fits = |variant: &&Variant| variant.bandwidth <= ENOUGH;
    let most = variants.iter().filter(fits).max_by_key(|variant| variant.bandwidth);
    most.or_else(|| variants.iter().min_by_key(|variant| variant.bandwidth))
}

/// Runs until there is no more of it; why.
pub(super) async fn run(url: Url, mut media: Media, outlet: &Outlet) -> Fault {
    let first = media.segments.len().saturating_sub(BEHIND);
    let mut next = media.segments.get(first).map_or(0, |segment| segment.number);
    let (mut map, mut misses, mut stale) = (None, 0, 0);
    loop {
        // A playlist that began anew is followed from its beginning.
        let newest = media.segments.last().map_or(0, |segment| segment.number);
        if newest + ENTRIES_BACK < next {
            next = media.segments.first().map_or(0, |segment| segment.number);
        }
        let fresh: Vec<Segment> =
            media.segments.iter().filter(|segment| segment.number >= next).cloned().collect();
        stale = if fresh.is_empty() { stale + 1 } else { 0 };
        for segment in fresh {
            match piece(&url, &segment, &mut map, outlet).await {
                Ok(()) => misses = 0,
                Err(fault) if misses >= MISSES => return fault,
                Err(Fault::Closed) => return Fault::Closed,
                Err(_) => misses += 1,
            }
            next = segment.number + 1;
        }
        if media.ended {
            return Fault::Ended("its playlist has ended".into());
        }
        if stale > STOPPED {
            return Fault::Ended("its playlist names no new piece".into());
        }
        let pause = Duration::from_millis(media.target_ms / 2).clamp(SHORTEST, LONGEST);
        tokio::time::sleep(pause).await;
        match again(&url).await {
            Ok(newer) => (media, misses) = (newer, 0),
            Err(fault) if misses >= MISSES => return fault,
            Err(_) => misses += 1,
        }
    }
}

/// Numbers that a playlist may fall back by without having begun anew.
const ENTRIES_BACK: u64 = 1_000;

async fn again(url: &Url) -> Result<Media, Fault> {
    let text = whole(url, playlist::LIMIT).await?;
    match playlist::read(&String::from_utf8_lossy(&text)).map_err(Fault::NotSound)? {
        Listing::Media(media) => Ok(media),
        Listing::Streams(_) | Listing::Master(_) => {
            Err(Fault::NotSound("its playlist became another".into()))
        }
    }
}

async fn whole(url: &Url, limit: usize) -> Result<Vec<u8>, Fault> {
    let (answer, mut body) = client::get(url).await.map_err(Fault::Ended)?;
    match answer.status {
        200..=299 => body.whole(&[], limit).await.map_err(Fault::Ended),
        status => Err(Fault::Ended(format!("the server answers {status} for a piece"))),
    }
}

/// A piece, with what stands before it where that is new.
async fn piece(
    url: &Url,
    segment: &Segment,
    map: &mut Option<String>,
    outlet: &Outlet,
) -> Result<(), Fault> {
    if segment.map != *map {
        if let Some(uri) = &segment.map {
            let bytes = whole(&parsed(Some(url), uri)?, PIECE_LIMIT).await?;
            outlet.send(bytes.into()).await?;
        }
        map.clone_from(&segment.map);
    }
    let bytes = whole(&parsed(Some(url), &segment.uri)?, PIECE_LIMIT).await?;
    // Packed audio says in a tag when it is to be played; a decoder would stumble over it.
    let from = tag_length(&bytes).unwrap_or(0).min(bytes.len());
    let mut rest = Bytes::from(bytes).slice(from..);
    while !rest.is_empty() {
        // Small ones, so that whoever is not heard holds little.
        let part = rest.split_to(rest.len().min(8 * 1024));
        outlet.send(part).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_quality_that_is_no_waste_is_taken() {
        let of = |rates: &[u64]| {
            let variant = |rate: &u64| Variant { bandwidth: *rate, uri: rate.to_string() };
            let all: Vec<Variant> = rates.iter().map(variant).collect();
            best(&all).map(|variant| variant.bandwidth)
        };
        assert_eq!(of(&[64_000, 320_000, 900_000]), Some(320_000));
        assert_eq!(of(&[900_000, 500_000]), Some(500_000));
        assert_eq!(of(&[]), None);
    }
}
