//! What a recording begins with: its container's head, with labels that name the programme.

use super::super::{id3::Tag, mp3};
use grimnir_events::AirFrame;

/// Bytes of a FLAC stream's description.
pub const STREAMINFO: usize = 34;
/// Where it stands in a FLAC file, behind the marker and its block's header.
const STREAMINFO_AT: u64 = 8;
/// Type of a block of comments, and the mark of the last block.
const LAST_COMMENTS: u8 = 0x84;
/// Side information of a stereo frame, which a frame of facts leaves empty: MPEG-1 and MPEG-2.
const SIDE: [usize; 2] = [32, 17];
/// Bytes of the facts: name, flags, frames, bytes, a table of places, quality; then LAME's own.
const FACTS: usize = 4 + 4 + 4 + 4 + 100 + 4 + LAME;
/// Bytes of LAME's part, its checksum last.
const LAME: usize = 36;
/// Where delay and padding stand in it.
const DELAY_AT: usize = 21;
/// Frames, bytes, table and quality are there.
const ALL: u8 = 15;
/// LAME's delay is told without the decoder's part of it.
const LAME_DELAY: usize = 576;
/// Index of 64 kbit/s, the lowest rate at which the facts fit a frame: MPEG-1 and MPEG-2.
const ROOMY: [u8; 2] = [5, 8];

/// What a file says about itself.
#[derive(Clone, Debug)]
pub struct Label {
    /// The station's name.
    pub station: String,
    /// The output or the live session that made it.
    pub output: String,
    /// The run of the engine.
    pub run: String,
    /// Its first frame.
    pub first: AirFrame,
}

impl Label {
    fn title(&self) -> String {
        format!("{} {}", self.station, self.first.utc())
    }

    /// Names and values.
    fn own(&self) -> [(&'static str, String); 3] {
        [
            ("GRIMNIR_FIRST_FRAME", self.first.0.to_string()),
            ("GRIMNIR_OUTPUT", self.output.clone()),
            ("GRIMNIR_RUN", self.run.clone()),
        ]
    }
}

/// Comments as FLAC and Opus carry them.
pub fn comments(label: &Label) -> Vec<u8> {
    let vendor = concat!("Grimnir ", env!("CARGO_PKG_VERSION"));
    let mut pairs = vec![
        ("TITLE", label.title()),
        ("ARTIST", label.station.clone()),
        ("DATE", label.first.utc().to_string()),
    ];
    pairs.extend(label.own());
    let mut out = Vec::new();
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    };
    text(&mut out, vendor);
    out.extend_from_slice(&(pairs.len() as u32).to_le_bytes());
    for (name, value) in pairs {
        text(&mut out, &format!("{name}={value}"));
    }
    out
}

/// A FLAC file up to its first frame.
pub fn flac(streaminfo: &[u8; STREAMINFO], label: &Label) -> Vec<u8> {
    let comments = comments(label);
    let mut out = b"fLaC".to_vec();
    out.extend_from_slice(&[0, 0, 0, STREAMINFO as u8]);
    out.extend_from_slice(streaminfo);
    out.push(LAST_COMMENTS);
    out.extend_from_slice(&(comments.len() as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&comments);
    out
}

/// Where a FLAC file tells its length, and the bytes that do: 48 kHz, 2 channels of 16 bit, then 36
/// bits of frames.
pub fn flac_length(frames: i64) -> (u64, Vec<u8>) {
    let told = 48_000u64 << 44 | 1 << 41 | 15 << 36 | (frames as u64 & 0xF_FFFF_FFFF);
    (STREAMINFO_AT + 10, told.to_be_bytes().to_vec())
}

/// The label of an MP3 file.
pub fn mp3_label(label: &Label) -> Vec<u8> {
    let tag = Tag::default()
        .text(b"TIT2", &label.title())
        .text(b"TPE1", &label.station)
        .text(b"TDRC", &label.first.utc().to_string());
    label.own().iter().fold(tag, |tag, (name, value)| tag.named(name, value)).bytes()
}

/// What is known of an MP3 file when it ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whole {
    /// Frames of sound.
    pub frames: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Samples at the end that are not sound.
    pub padding: usize,
}

/// The frame of facts that stands before the first frame of sound, which begins with `first`: a
/// decoder learns from it how much to leave out at the start and, once the file is whole, at the
/// end.
pub fn mp3_facts(first: &[u8], whole: Whole) -> Option<Vec<u8>> {
    let mut head: [u8; 4] = first.get(..4)?.try_into().ok()?;
    let later = usize::from(mp3::header(&head)?.samples == 576);
    let side = 4 + SIDE[later];
    // No checksum behind the header, and room for everything.
    head[1] |= 1;
    if mp3::header(&head)?.length < side + FACTS {
        head[2] = head[2] & 0x0F | ROOMY[later] << 4;
    }
    let mut frame = vec![0; mp3::header(&head)?.length];
    frame[..4].copy_from_slice(&head);
    let all = if whole.frames == 0 { 0 } else { whole.bytes + frame.len() };
    let facts = frame.get_mut(side..side + FACTS)?;
    facts[..4].copy_from_slice(b"Info");
    facts[7] = ALL;
    facts[8..12].copy_from_slice(&(whole.frames as u32).to_be_bytes());
    facts[12..16].copy_from_slice(&(all as u32).to_be_bytes());
    // At a constant rate every place is where its share of the time is.
    for (n, place) in facts[16..116].iter_mut().enumerate() {
        *place = (n * 256 / 100) as u8;
    }
    let lame = &mut facts[120..];
    lame[..9].copy_from_slice(b"LAME3.100");
    // The first revision, a constant rate.
    lame[9] = 1;
    let delay = (LAME_DELAY << 12 | whole.padding.min(4_095)) as u32;
    lame[DELAY_AT..DELAY_AT + 3].copy_from_slice(&delay.to_be_bytes()[1..]);
    lame[28..32].copy_from_slice(&(all as u32).to_be_bytes());
    let end = side + FACTS - 2;
    let sum = crc16(&frame[..end]);
    frame[end..end + 2].copy_from_slice(&sum.to_be_bytes());
    Some(frame)
}

/// Padding of the last of `frames` frames, where a file is to end `sound` samples after its start.
pub fn mp3_padding(header: &mp3::Header, frames: usize, sound: usize) -> usize {
    (frames * header.samples).saturating_sub(LAME_DELAY + sound)
}

/// CRC-16 with the polynomial 0x8005, lowest bit first.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |mut sum, byte| {
        sum ^= u16::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 0 { sum >> 1 } else { sum >> 1 ^ 0xA001 };
        }
        sum
    })
}
