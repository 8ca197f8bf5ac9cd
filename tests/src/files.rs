//! Small audio files with tags, as many as one wants: MP3, FLAC and WAV made byte by byte, other
//! formats by ffmpeg.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Words of made-up titles and names.
const WORDS: [&str; 16] = [
    "night",
    "river",
    "Straße",
    "blue",
    "dance",
    "of",
    "the",
    "señorita",
    "rain",
    "city",
    "love",
    "echo",
    "north",
    "Björn",
    "train",
    "again",
];

/// What file number `n` says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// Title.
    pub title: String,
    /// Artist.
    pub artist: String,
    /// Album.
    pub album: String,
    /// Genre.
    pub genre: &'static str,
    /// Year.
    pub year: String,
}

/// What file number `n` says of itself.
pub fn said(n: u32) -> Said {
    let words = |seed: u32, count: u32| {
        let word =
            |at: u32| WORDS[(seed.wrapping_mul(2_654_435_761).rotate_left(at * 5) % 16) as usize];
        (0..count).map(word).collect::<Vec<_>>().join(" ")
    };
    Said {
        title: format!("{} {n}", words(n, 3)),
        artist: format!("{} {}", words(n % 9_000, 2), n % 9_000),
        album: format!("{} {}", words(n % 20_000, 2), n % 20_000),
        genre: ["Pop", "Rock", "Jazz", "Folk"][(n % 4) as usize],
        year: (1_950 + n % 75).to_string(),
    }
}

/// Writes files 0 to `count`, 500 in a folder, a third of each format; each sounds for about 0.3 s.
pub fn write_many(folder: &Path, count: u32) {
    for n in 0..count {
        let inner = folder.join(format!("{:04}", n / 500));
        if n % 500 == 0 {
            std::fs::create_dir_all(&inner).expect("the folder can be made");
        }
        let (ending, bytes) = match n % 3 {
            0 => ("mp3", mp3(&said(n))),
            1 => ("flac", flac(&said(n), n)),
            _ => ("wav", wav(&said(n), n)),
        };
        std::fs::write(inner.join(format!("{n:06}.{ending}")), bytes).expect("the file is written");
    }
}

/// A file that ffmpeg encodes from a tone, in the format of its name.
pub fn encode(folder: &Path, name: &str, hz: u32, title: &str) -> PathBuf {
    let path = folder.join(name);
    let tone = format!("sine=frequency={hz}:duration=1:sample_rate=48000");
    let title = format!("title={title}");
    let made = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-y", "-f", "lavfi", "-i", &tone, "-metadata", &title])
        .arg(&path)
        .status()
        .expect("ffmpeg is there: run `make setup`");
    assert!(made.success(), "{} is made", path.display());
    path
}

/// An MP3 file: tags of ID3v2.3, and twelve frames of silence at 128 kbit/s.
pub fn mp3(said: &Said) -> Vec<u8> {
    let mut frames = Vec::new();
    for (id, text) in [
        (b"TIT2", said.title.as_str()),
        (b"TPE1", &said.artist),
        (b"TALB", &said.album),
        (b"TCON", said.genre),
        (b"TYER", &said.year),
    ] {
        let text: Vec<u8> =
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        frames.extend(id);
        frames.extend((text.len() as u32 + 1).to_be_bytes());
        frames.extend([0, 0, 1]);
        frames.extend(text);
    }
    let size = frames.len() as u32;
    let seven = |shift: u32| (size >> shift & 0x7f) as u8;
    let mut bytes = b"ID3\x03\0\0".to_vec();
    bytes.extend([seven(21), seven(14), seven(7), seven(0)]);
    bytes.extend(frames);
    let mut frame = vec![0; 417];
    frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0xc0]);
    bytes.extend(frame.repeat(12));
    bytes
}

/// A FLAC file: Vorbis comments, and four constant blocks of 4,096 samples; `n` is their value.
pub fn flac(said: &Said, n: u32) -> Vec<u8> {
    const BLOCK: u16 = 4_096;
    const BLOCKS: u8 = 4;
    let mut info = Vec::new();
    info.extend(BLOCK.to_be_bytes());
    info.extend(BLOCK.to_be_bytes());
    info.extend([0; 6]);
    // 48,000 Hz in 20 bits, one channel in 3, 16 bits a sample in 5, samples in 36; no MD5.
    let samples = u64::from(BLOCK) * u64::from(BLOCKS);
    info.extend(((48_000_u64 << 44) | (15 << 36) | samples).to_be_bytes());
    info.extend([0; 16]);
    let mut comments = 0_u32.to_le_bytes().to_vec();
    let lines = [
        format!("TITLE={}", said.title),
        format!("ARTIST={}", said.artist),
        format!("ALBUM={}", said.album),
        format!("GENRE={}", said.genre),
        format!("DATE={}", said.year),
    ];
    comments.extend((lines.len() as u32).to_le_bytes());
    for line in lines {
        comments.extend((line.len() as u32).to_le_bytes());
        comments.extend(line.into_bytes());
    }
    let mut bytes = b"fLaC".to_vec();
    for (kind, block) in [(0_u8, info), (0x84, comments)] {
        bytes.push(kind);
        bytes.extend(&(block.len() as u32).to_be_bytes()[1..]);
        bytes.extend(block);
    }
    for number in 0..BLOCKS {
        // 4,096 samples at 48 kHz, one channel, 16 bits.
        let mut frame = vec![0xff, 0xf8, 0xca, 0x08, number];
        frame.push(crc8(&frame));
        frame.push(0);
        frame.extend(((n % 30_000) as i16 - 15_000).to_be_bytes());
        frame.extend(crc16(&frame).to_be_bytes());
        bytes.extend(frame);
    }
    bytes
}

/// A WAV file: a list of information, and a third of a second of a saw; `n` is its step.
pub fn wav(said: &Said, n: u32) -> Vec<u8> {
    let mut list = b"INFO".to_vec();
    for (id, text) in [
        (b"INAM", said.title.as_str()),
        (b"IART", &said.artist),
        (b"IPRD", &said.album),
        (b"IGNR", said.genre),
        (b"ICRD", &said.year),
    ] {
        let mut text = text.as_bytes().to_vec();
        text.push(0);
        list.extend(id);
        list.extend((text.len() as u32).to_le_bytes());
        text.resize(text.len().next_multiple_of(2), 0);
        list.extend(text);
    }
    let saw = (0..2_700_u32).map(|at| (at.wrapping_mul(n % 900 + 1) % 8_000) as i16 - 4_000);
    let data: Vec<u8> = saw.flat_map(i16::to_le_bytes).collect();
    let mut format = Vec::new();
    format.extend(1_u16.to_le_bytes());
    format.extend(1_u16.to_le_bytes());
    format.extend(8_000_u32.to_le_bytes());
    format.extend(16_000_u32.to_le_bytes());
    format.extend(2_u16.to_le_bytes());
    format.extend(16_u16.to_le_bytes());
    let mut body = b"WAVE".to_vec();
    for (id, chunk) in [(b"fmt ", format), (b"LIST", list), (b"data", data)] {
        body.extend(id);
        body.extend((chunk.len() as u32).to_le_bytes());
        body.extend(chunk);
    }
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend(body);
    bytes
}

fn crc8(bytes: &[u8]) -> u8 {
    let step = |crc: u8, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 };
    bytes.iter().fold(0, |crc, byte| (0..8).fold(crc ^ byte, step))
}

fn crc16(bytes: &[u8]) -> u16 {
    let step = |crc: u16, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x8005 };
    bytes.iter().fold(0, |crc, byte| (0..8).fold(crc ^ u16::from(*byte) << 8, step))
}
