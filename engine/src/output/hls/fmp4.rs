//! Fragmented MP4 (ISO/IEC 14496-12) for one track of AAC-LC: the head, and a fragment for each
//! segment, with titles in event messages.

use super::cutter::{Frames, SAMPLES};
use crate::output::id3::Tag;

/// The track's clock: one tick is one frame of the programme.
const RATE: u32 = 48_000;
/// The one track.
const TRACK: u32 = 1;
/// AAC-LC, 48 kHz, two channels (ISO/IEC 14496-3: type 2, index 3, configuration 2).
const AAC_CONFIG: [u8; 2] = [0x11, 0x90];
/// Every sample may be begun with.
const SYNC_SAMPLE: u32 = 0x0200_0000;
/// How ID3 is carried in an event message.
const ID3_SCHEME: &[u8] = b"https://aomedia.org/emsg/ID3\0\0";
/// No rotation, no scale: the matrix that headers carry.
const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// What every player needs first.
pub fn head(kbps: u16) -> Vec<u8> {
    let mut out = boxed(b"ftyp", &[&b"iso6"[..], &words(&[0]), b"iso6mp41dash"].concat());
    let timeless = [0, 0, RATE, 0];
    let mvhd = [
        words(&[0]),
        words(&timeless),
        words(&[0x1_0000, 0x0100_0000, 0, 0]),
        words(&MATRIX),
        words(&[0, 0, 0, 0, 0, 0, TRACK + 1]),
    ];
    let tkhd = [
        // Enabled, in the movie.
        words(&[3, 0, 0, TRACK, 0, 0, 0, 0, 0, 0x0100_0000]),
        words(&MATRIX),
        words(&[0, 0]),
    ];
    // "und", five bits a letter.
    let mdhd = [words(&[0]), words(&timeless), vec![0x55, 0xC4, 0, 0]];
    let hdlr = [words(&[0, 0]), b"soun".to_vec(), words(&[0, 0, 0]), b"Sound\0".to_vec()];
    let dref = boxed(b"dref", &[words(&[0, 1]), boxed(b"url ", &words(&[1]))].concat());
    let none = |name: &[u8; 4], count: usize| boxed(name, &words(&vec![0; count]));
    let stbl = [
        boxed(b"stsd", &[words(&[0, 1]), sample_entry(kbps)].concat()),
        none(b"stts", 2),
        none(b"stsc", 2),
        none(b"stsz", 3),
        none(b"stco", 2),
    ];
    let minf =
        [boxed(b"smhd", &words(&[0, 0])), boxed(b"dinf", &dref), boxed(b"stbl", &stbl.concat())];
    let mdia = [
        boxed(b"mdhd", &mdhd.concat()),
        boxed(b"hdlr", &hdlr.concat()),
        boxed(b"minf", &minf.concat()),
    ];
    let trak = [boxed(b"tkhd", &tkhd.concat()), boxed(b"mdia", &mdia.concat())];
    let trex = boxed(b"trex", &words(&[0, TRACK, 1, SAMPLES as u32, 0, SYNC_SAMPLE]));
    let moov =
        [boxed(b"mvhd", &mvhd.concat()), boxed(b"trak", &trak.concat()), boxed(b"mvex", &trex)];
    out.extend(boxed(b"moov", &moov.concat()));
    out
}

/// How the samples are encoded.
fn sample_entry(kbps: u16) -> Vec<u8> {
    let bits = u32::from(kbps) * 1_000;
    let specific = descriptor(5, &AAC_CONFIG);
    // MPEG-4 audio, an audio stream, a buffer of 1536 bytes, the bit rate twice.
    let config = [&[0x40, 0x15, 0, 6, 0][..], &words(&[bits, bits]), &specific].concat();
    let stream = [&[0, TRACK as u8, 0][..], &descriptor(4, &config), &descriptor(6, &[2])].concat();
    let esds = boxed(b"esds", &[words(&[0]), descriptor(3, &stream)].concat());
    // Data reference 1, two channels of 16 bits, the rate in 16.16.
    let entry = [words(&[0, 1, 0, 0, 2 << 16 | 16, 0, RATE << 16]), esds];
    boxed(b"mp4a", &entry.concat())
}

/// A descriptor of ISO/IEC 14496-1; none here is longer than one byte tells.
fn descriptor(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag, body.len() as u8];
    out.extend_from_slice(body);
    out
}

/// A segment: event messages, one fragment, its sound.
pub fn segment(number: u32, frames: &Frames<'_>) -> Vec<u8> {
    let time = |n: i64| frames.first.plus(n * SAMPLES).0.max(0) as u64;
    let mut out = boxed(b"styp", &[&b"msdh"[..], &words(&[0]), b"msdhiso6"].concat());
    out.extend(event(time(0), number << 8, frames.title_at_start()));
    let changes = (1..frames.coded.len()).filter_map(|n| Some((n, frames.title_from(n)?)));
    for (count, (n, title)) in changes.enumerate() {
        out.extend(event(time(n as i64), number << 8 | (count as u32 + 1) & 0xFF, title));
    }
    let moof = fragment(number, time(0), frames, 0);
    // The sound begins behind the fragment and the header of its own box.
    out.extend(fragment(number, time(0), frames, moof.len() as u32 + 8));
    out.extend(boxed(b"mdat", &frames.coded.concat()));
    out
}

fn fragment(number: u32, time: u64, frames: &Frames<'_>, data: u32) -> Vec<u8> {
    let sizes: Vec<u32> = frames.coded.iter().map(|frame| frame.len() as u32).collect();
    // Offsets count from the fragment; there are a data offset and sizes.
    let trun = [words(&[0x201, sizes.len() as u32, data]), words(&sizes)].concat();
    let traf = [
        boxed(b"tfhd", &words(&[0x2_0000, TRACK])),
        boxed(b"tfdt", &[words(&[0x0100_0000]), time.to_be_bytes().to_vec()].concat()),
        boxed(b"trun", &trun),
    ];
    let moof = [boxed(b"mfhd", &words(&[0, number])), boxed(b"traf", &traf.concat())];
    boxed(b"moof", &moof.concat())
}

/// A title from `time` on, until the next.
fn event(time: u64, id: u32, title: &str) -> Vec<u8> {
    let tag = Tag::default().text(b"TIT2", title).bytes();
    let body = [
        words(&[0x0100_0000, RATE]),
        time.to_be_bytes().to_vec(),
        // Of unknown length.
        words(&[u32::MAX, id]),
        ID3_SCHEME.to_vec(),
        tag,
    ];
    boxed(b"emsg", &body.concat())
}

fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = ((body.len() + 8) as u32).to_be_bytes().to_vec();
    out.extend_from_slice(name);
    out.extend_from_slice(body);
    out
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}
