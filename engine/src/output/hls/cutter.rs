//! The programme, encoded at every bit rate and cut into segments that hold the same frames.
//!
//! All encoders are given the same sound from the same frame on, so that their frames, and the
//! segments made of equal numbers of them, are alike to the sample. Not here: threads, disks.

use super::super::codec::Codec;
use super::{fmp4, packed};
use grimnir_events::AirFrame;
use grimnir_events::output::HlsContainer;
use grimnir_events::station::MountFormat;
use grimnir_mix::Frame;
use std::collections::VecDeque;

/// Samples of an AAC-LC frame; the encoder is behind by one.
pub const SAMPLES: i64 = 1_024;

/// What a segment is made of.
pub struct Frames<'a> {
    /// First frame of the air that a decoder gets from it.
    pub first: AirFrame,
    /// Encoded frames.
    pub coded: &'a [Vec<u8>],
    /// Titles, each with the encoded frame it begins with; the first is at 0.
    pub titles: &'a [(usize, String)],
}

impl Frames<'_> {
    /// What is heard at its start.
    pub fn title_at_start(&self) -> &str {
        self.titles.first().map_or("", |(_, title)| title.as_str())
    }
    /// The title that begins with a later encoded frame.
    pub fn title_from(&self, n: usize) -> Option<&str> {
        self.titles.iter().skip(1).find(|(at, _)| *at == n).map(|(_, title)| title.as_str())
    }
}

/// A segment in all bit rates.
pub struct Segment {
    /// First frame of the air in it.
    pub first: AirFrame,
    /// Frames of the air in it.
    pub frames: i64,
    /// Its bytes, in the order of the bit rates.
    pub variants: Vec<Vec<u8>>,
}

struct Variant {
    codec: Codec,
    coded: VecDeque<Vec<u8>>,
}

/// One stream without a gap, from its first frame on.
pub struct Cutter {
    container: HlsContainer,
    variants: Vec<Variant>,
    /// Encoded frames of a segment.
    length: usize,
    /// First frame of the air that the next segment gives.
    next: AirFrame,
    /// Titles by the encoded frame of the stream that they begin with; the first is on now.
    titles: VecDeque<(u64, String)>,
    /// Encoded frames that were cut off so far.
    cut: u64,
}

impl Cutter {
    /// Begins with what is at `first`.
    pub fn new(
        container: HlsContainer,
        bitrates_kbps: &[u16],
        segment_ms: u32,
        first: AirFrame,
        title: &str,
    ) -> Result<Self, String> {
        let variant = |kbps: &u16| {
            let codec = Codec::new(MountFormat::AacLc, *kbps)?;
            Ok(Variant { codec, coded: VecDeque::new() })
        };
        let variants = bitrates_kbps.iter().map(variant).collect::<Result<_, String>>()?;
        let length = (i64::from(segment_ms) * 48 + SAMPLES / 2) / SAMPLES;
        Ok(Self {
            container,
            variants,
            length: usize::try_from(length).unwrap_or(1).max(1),
            // The first encoded frame holds what was before the first sample.
            next: first.plus(-SAMPLES),
            titles: VecDeque::from([(0, title.to_owned())]),
            cut: 0,
        })
    }

    /// Another item is heard from what is given next.
    pub fn set_title(&mut self, title: &str) {
        let given = self.variants.first().map_or(0, |variant| variant.codec.frames());
        let at = given as u64 / SAMPLES as u64 + 1;
        // Of two titles in one encoded frame only the last is heard.
        self.titles.retain(|(before, _)| *before < at);
        self.titles.push_back((at, title.to_owned()));
    }

    /// Takes sound; answers the segments that it completes, `number` being the first one's.
    pub fn push(&mut self, frames: &[Frame], number: u64) -> Result<Vec<Segment>, String> {
        for variant in &mut self.variants {
            let taken = variant.codec.encode(frames.iter())?;
            variant.coded.extend(taken.packets.into_iter().map(|packet| packet.bytes));
        }
        let mut segments = Vec::new();
        while self.variants.iter().all(|variant| variant.coded.len() >= self.length) {
            segments.push(self.cut_off(self.length, number + segments.len() as u64)?);
        }
        Ok(segments)
    }

    /// The stream ends: a shorter segment of what there is.
    pub fn end(mut self, number: u64) -> Result<Option<Segment>, String> {
        let length = self.variants.iter().map(|variant| variant.coded.len()).min().unwrap_or(0);
        if length == 0 {
            return Ok(None);
        }
        self.cut_off(length, number).map(Some)
    }

    fn cut_off(&mut self, length: usize, number: u64) -> Result<Segment, String> {
        let end = self.cut + length as u64;
        while self.titles.get(1).is_some_and(|(at, _)| *at <= self.cut) {
            self.titles.pop_front();
        }
        let now = self.titles.iter().take_while(|(at, _)| *at < end);
        let titles: Vec<(usize, String)> =
            now.map(|(at, title)| (at.saturating_sub(self.cut) as usize, title.clone())).collect();
        let mut variants = Vec::new();
        for variant in &mut self.variants {
            let coded: Vec<Vec<u8>> = variant.coded.drain(..length).collect();
            let frames = Frames { first: self.next, coded: &coded, titles: &titles };
            variants.push(match self.container {
                HlsContainer::PackedAac => packed::segment(&frames)?,
                HlsContainer::Fmp4 => fmp4::segment(number as u32, &frames),
            });
        }
        let (first, frames) = (self.next, length as i64 * SAMPLES);
        self.next = first.plus(frames);
        self.cut = end;
        Ok(Segment { first, frames, variants })
    }
}

#[cfg(test)]
mod tests;
