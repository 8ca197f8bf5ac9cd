//! A recording that nobody closed: what of it is whole, and what closes it.
//!
//! After kill -9 or a write that failed, the last frame or page may be cut. Everything before is
//! kept, and the file is told how long it is.

use super::super::{id3, mp3, ogg};
use super::head::{self, Whole};
use grimnir_events::station::MountFormat;

/// How a cut file is made whole.
#[derive(PartialEq, Eq, Debug, Default)]
pub struct Mended {
    /// Bytes to keep.
    pub length: u64,
    /// Frames of the programme in them.
    pub frames: i64,
    /// Bytes that are known only now, and where they belong.
    pub patches: Vec<(u64, Vec<u8>)>,
}

/// Of a file, as much as is needed: it may be larger than the memory that an engine has.
pub struct Cut<'a> {
    /// Its first bytes, up to [`HEAD`].
    pub head: &'a [u8],
    /// Its last bytes, up to [`TAIL`].
    pub tail: &'a [u8],
    /// Its length.
    pub length: usize,
}

/// No head is longer: labels are cut long before.
pub const HEAD: usize = 64 * 1024;
/// Three of the longest frames or pages are shorter.
pub const TAIL: usize = 256 * 1024;

impl<'a> Cut<'a> {
    /// Of a whole file in memory.
    #[cfg(test)]
    pub fn of(file: &'a [u8]) -> Self {
        let length = file.len();
        Self { head: &file[..HEAD.min(length)], tail: &file[length - TAIL.min(length)..], length }
    }
    /// Where the tail begins in the file.
    fn tail_at(&self) -> usize {
        self.length - self.tail.len()
    }
}

/// Finds out what of a file is whole; nothing, where not even its head is.
pub fn mend(format: MountFormat, file: &Cut<'_>) -> Mended {
    let mended = match format {
        MountFormat::Flac => flac(file),
        MountFormat::Opus => opus(file),
        MountFormat::Mp3 => mp3_file(file),
        MountFormat::AacLc | MountFormat::Vorbis => None,
    };
    mended.unwrap_or_default()
}

/// Frames of MP3 are of one length at the rates that LAME takes for 48 kHz.
fn mp3_file(file: &Cut<'_>) -> Option<Mended> {
    let facts = id3::length(file.head);
    let begin = facts + mp3::header(file.head.get(facts..)?)?.length;
    let first = file.head.get(begin..)?;
    let header = mp3::header(first)?;
    let frames = file.length.checked_sub(begin)? / header.length;
    // A decoder that is told of no padding gives everything but its own delay at the end.
    let sound = (frames * header.samples).checked_sub(mp3::DELAY)?;
    let padding = head::mp3_padding(&header, frames, sound);
    let bytes = frames * header.length;
    let told = head::mp3_facts(first, Whole { frames, bytes, padding })?;
    Some(Mended {
        length: (begin + bytes) as u64,
        frames: (sound * mp3::RATE / header.rate) as i64,
        patches: vec![(facts as u64, told)],
    })
}

/// The position of the last whole page tells it all.
fn opus(file: &Cut<'_>) -> Option<Mended> {
    let (first, _) = ogg::whole(file.head)?;
    // The head packet stands behind the header and the one entry of its table.
    let skip = file.head.get(28..first)?.get(10..12)?;
    let skip = i64::from(u16::from_le_bytes([skip[0], skip[1]]));
    let pages = (0..file.tail.len()).rev().filter(|at| file.tail[*at..].starts_with(b"OggS"));
    let found = |at: usize| Some((at, ogg::whole(&file.tail[at..])?));
    let (at, (length, granule)) = pages.filter_map(found).next()?;
    Some(Mended {
        length: (file.tail_at() + at + length) as u64,
        frames: (granule as i64 - skip).max(0),
        patches: Vec::new(),
    })
}

/// Frames of FLAC tell their number, not their length: the next one's header ends them.
fn flac(file: &Cut<'_>) -> Option<Mended> {
    let info = file.head.get(8..8 + head::STREAMINFO).filter(|_| file.head.starts_with(b"fLaC"))?;
    let block = i64::from(u16::from_be_bytes([info[2], info[3]]));
    let begin = first_frame(file.head)?;
    // No frame is longer than plain samples with a header, and the last whole one is the last or
    // the one before: more of the tail need not be looked at.
    let longest = block as usize * 4 + 64;
    let from =
        begin.saturating_sub(file.tail_at()).max(file.tail.len().saturating_sub(3 * longest));
    let tail = file.tail.get(from..)?;
    let tail_at = file.tail_at() + from;
    let heads: Vec<(usize, i64)> =
        (0..tail.len()).filter_map(|at| Some((at, number(&tail[at..])?))).collect();
    let mut ends: Vec<usize> = heads.iter().map(|(at, _)| *at).chain([tail.len()]).collect();
    ends.reverse();
    for end in ends {
        // A frame is whole where its checksum ends it.
        let before = heads.iter().rev().filter(|(at, _)| *at < end && end - at <= longest);
        if let Some((_, number)) = before.copied().find(|(at, _)| crc16(&tail[*at..end]) == 0) {
            let frames = (number + 1) * block;
            let patches = vec![head::flac_length(frames)];
            return Some(Mended { length: (tail_at + end) as u64, frames, patches });
        }
    }
    Some(Mended { length: begin as u64, frames: 0, patches: vec![head::flac_length(0)] })
}

/// Behind the last block of the head.
fn first_frame(file: &[u8]) -> Option<usize> {
    let mut at = 4;
    loop {
        let block = file.get(at..at + 4)?;
        let length = u32::from_be_bytes([0, block[1], block[2], block[3]]) as usize;
        at += 4 + length;
        if block[0] & 0x80 != 0 {
            return (at <= file.len()).then_some(at);
        }
    }
}

/// The number of the frame whose header is first in `bytes`, if its checksum is right.
fn number(bytes: &[u8]) -> Option<i64> {
    // Blocks of one size; the size, the rate and the form follow.
    let [0xFF, 0xF8, sizes, form, first, ..] = *bytes else { return None };
    if form & 1 != 0 {
        return None;
    }
    let (more, mut number) = match first.leading_ones() {
        0 => (0, i64::from(first)),
        ones @ 2..=6 => (ones as usize - 1, i64::from(first & (0x7F >> ones))),
        _ => return None,
    };
    for byte in bytes.get(5..5 + more)? {
        if byte & 0xC0 != 0x80 {
            return None;
        }
        number = number << 6 | i64::from(byte & 0x3F);
    }
    let size = match sizes >> 4 {
        6 => 1,
        7 => 2,
        _ => 0,
    };
    let rate = match sizes & 15 {
        12 => 1,
        13 | 14 => 2,
        _ => 0,
    };
    let end = 5 + more + size + rate;
    (crc8(bytes.get(..end)?) == *bytes.get(end)?).then_some(number)
}

/// CRC-8 with the polynomial 0x07.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |mut sum, byte| {
        sum ^= byte;
        for _ in 0..8 {
            sum = if sum & 0x80 == 0 { sum << 1 } else { sum << 1 ^ 0x07 };
        }
        sum
    })
}

/// CRC-16 with the polynomial 0x8005; 0 over a frame with its own checksum behind it.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |mut sum, byte| {
        sum ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            sum = if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ 0x8005 };
        }
        sum
    })
}
