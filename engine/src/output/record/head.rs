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
/// Bytes of the facts: name, flags, frames, bytes, version of LAME, nine bytes of its settings,
/// bit rate, delay and padding.
const FACTS: usize = 4 + 4 + 4 + 4 + 9 + 11 + 1 + 3;
/// LAME's delay is told without the decoder's part of it.
const LAME_DELAY: usize = 576;

/// What a file says about itself.
#[derive(Clone, Debug)]
pub struct Label {
    /// The station's name.
    pub station: String,
    /// The output that made it.
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

/// The frame of facts that stands before the first frame of sound, which begins with `first`: a
/// decoder learns from it how much to leave out at the start and, where `whole` says how many frames
/// there are and how much of the last is padding, at the end.
pub fn mp3_facts(first: &[u8], whole: Option<(usize, usize)>) -> Option<Vec<u8>> {
    let header = mp3::header(first)?;
    let mut frame = vec![0; header.length];
    frame[..4].copy_from_slice(&first[..4]);
    // No checksum behind the header.
    frame[1] |= 1;
    let at = 4 + SIDE[usize::from(header.samples == 576)];
    let facts = frame.get_mut(at..at + FACTS)?;
    facts[..4].copy_from_slice(b"Info");
    let (frames, padding) = whole.unwrap_or_default();
    facts[7] = 3;
    facts[8..12].copy_from_slice(&(frames as u32).to_be_bytes());
    facts[12..16].copy_from_slice(&(((frames + 1) * header.length) as u32).to_be_bytes());
    if whole.is_none() {
        // Neither the frames nor the bytes are known yet: their room stays, unnamed.
        facts[7] = 0;
        facts[8..16].fill(0);
    }
    // Without these two numbers what follows them moves up.
    let rest = if whole.is_some() { &mut facts[16..] } else { &mut facts[8..] };
    rest[..9].copy_from_slice(b"LAME3.100");
    let delay = (LAME_DELAY << 12 | padding.min(4_095)) as u32;
    rest[21..24].copy_from_slice(&delay.to_be_bytes()[1..]);
    Some(frame)
}

/// Padding of the last of `frames` frames, where a file is to end `sound` samples after its start.
pub fn mp3_padding(header: &mp3::Header, frames: usize, sound: usize) -> usize {
    (frames * header.samples).saturating_sub(LAME_DELAY + sound)
}
