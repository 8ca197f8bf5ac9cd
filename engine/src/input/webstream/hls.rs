//! HLS: pieces of a stream, fetched one after the other and put together.
//!
//! Pieces of packed audio, of transport streams, and fragments of MP4; not encrypted ones.

use super::fetch::{parsed, whole};
use super::pipe::{Fault, Outlet};
use super::playlist::{self, Listing, Media, Segment, Variant};
use super::reach::Reach;
use crate::input::harbor::sniff::tag_length;
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
/// A playlist that names no new piece more than so many times in a row has stopped.
const STOPPED: u32 = 8;

/// The quality that is taken: the best of those up to 352 kbit/s (320 of sound and a tenth for what
/// carries it), else the least.
pub(super) fn best(variants: &[Variant]) -> Option<&Variant> {
    const ENOUGH: u64 = 352_000;
    let fits = |variant: &&Variant| variant.bandwidth <= ENOUGH;
    let most = variants.iter().filter(fits).max_by_key(|variant| variant.bandwidth);
    most.or_else(|| variants.iter().min_by_key(|variant| variant.bandwidth))
}

/// Which pieces are fetched: each once, in their order.
struct Place {
    next: u64,
}

impl Place {
    /// Shortly before the newest piece.
    fn of(media: &Media) -> Self {
        let first = media.segments.len().saturating_sub(BEHIND);
        Self { next: media.segments.get(first).map_or(0, |segment| segment.number) }
    }

    /// The pieces that are new; a playlist that began anew is followed from its beginning.
    fn fresh(&mut self, media: &Media) -> Vec<Segment> {
        let newest = media.segments.last().map_or(0, |segment| segment.number);
        if newest.saturating_add(ENTRIES_BACK) < self.next {
            self.next = media.segments.first().map_or(0, |segment| segment.number);
        }
        media.segments.iter().filter(|segment| segment.number >= self.next).cloned().collect()
    }

    /// A piece was fetched, or given up.
    fn behind(&mut self, segment: &Segment) {
        self.next = segment.number.saturating_add(1);
    }
}

/// Runs until there is no more of it; why.
pub(super) async fn run(url: Url, reach: Reach, mut media: Media, outlet: &Outlet) -> Fault {
    let (mut from, mut place) = ((url.clone(), reach), Place::of(&media));
    let (mut map, mut misses, mut stale) = (None, 0, 0);
    loop {
        let fresh = place.fresh(&media);
        stale = if fresh.is_empty() { stale + 1 } else { 0 };
        for segment in fresh {
            match piece(&from, &segment, &mut map, outlet).await {
                Ok(()) => misses = 0,
                Err(fault) if misses >= MISSES => return fault,
                Err(Fault::Closed) => return Fault::Closed,
                Err(_) => misses += 1,
            }
            place.behind(&segment);
        }
        if media.ended {
            return Fault::Ended("its playlist has ended".into());
        }
        if stale > STOPPED {
            return Fault::Ended("its playlist names no new piece".into());
        }
        let pause = Duration::from_millis(media.target_ms / 2).clamp(SHORTEST, LONGEST);
        tokio::time::sleep(pause).await;
        match again(&url, reach).await {
            Ok((newer, at)) => (media, from, misses) = (newer, at, 0),
            Err(fault) if misses >= MISSES => return fault,
            Err(_) => misses += 1,
        }
    }
}

/// Numbers that a playlist may fall back by without having begun anew.
const ENTRIES_BACK: u64 = 1_000;

/// The playlist once more, and from where its pieces are named.
async fn again(url: &Url, reach: Reach) -> Result<(Media, (Url, Reach)), Fault> {
    let (text, url, reach) = whole(url.clone(), reach, playlist::LIMIT).await?;
    match playlist::read(&String::from_utf8_lossy(&text)).map_err(Fault::NotSound)? {
        Listing::Media(media) => Ok((media, (url, reach))),
        Listing::Streams(_) | Listing::Master(_) => {
            Err(Fault::NotSound("its playlist became another".into()))
        }
    }
}

/// A piece, with what stands before it where that is new.
async fn piece(
    (url, reach): &(Url, Reach),
    segment: &Segment,
    map: &mut Option<String>,
    outlet: &Outlet,
) -> Result<(), Fault> {
    if segment.map != *map {
        if let Some(uri) = &segment.map {
            let (bytes, ..) = whole(parsed(Some(url), uri)?, *reach, PIECE_LIMIT).await?;
            outlet.send(bytes.into()).await?;
        }
        map.clone_from(&segment.map);
    }
    let (bytes, ..) = whole(parsed(Some(url), &segment.uri)?, *reach, PIECE_LIMIT).await?;
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
    fn numbers_at_their_end_are_followed_no_further() {
        let text = |number: u64| {
            format!("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{number}\n#EXTINF:1,\na\n#EXTINF:1,\nb\n")
        };
        let media = |number| match playlist::read(&text(number)) {
            Ok(Listing::Media(media)) => media,
            other => panic!("{other:?}"),
        };
        let last = media(u64::MAX);
        let mut place = Place::of(&media(7));
        assert_eq!(place.fresh(&media(7)).len(), 2);
        assert_eq!(place.fresh(&last).len(), 2);
        place.behind(&last.segments[1]);
        assert_eq!(place.next, u64::MAX);
        assert_eq!(place.fresh(&last).len(), 2, "it goes nowhere");
        assert_eq!(place.fresh(&media(7)).len(), 2, "it began anew");
        assert_eq!(place.next, 7);
    }

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
