//! Cuts an MP3 byte stream into frames, so that every listener begins on a frame.

use bytes::Bytes;

/// Layer III bit rates of MPEG-1 and of MPEG-2/2.5, in kbit/s.
const RATES_1: [usize; 16] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0];
const RATES_2: [usize; 16] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0];

/// Sample rate of the programme.
pub const RATE: usize = 48_000;
/// By so much a decoder's output is behind what LAME was given: 576 samples of its own look-ahead
/// and 529 of every decoder's filter bank.
pub const DELAY: usize = 576 + 529;

/// What a frame's header tells.
#[derive(Clone, Copy)]
pub struct Header {
    /// Bytes of the frame, the header among them.
    pub length: usize,
    /// Samples of each channel in it.
    pub samples: usize,
    /// Of the frame; LAME takes a lower one than it is given where the bit rate is low.
    pub rate: usize,
}

/// Collects encoder output and gives whole frames.
#[derive(Default)]
pub struct Framer {
    held: Vec<u8>,
    /// Frames of the programme that the whole frames hold, a decoder's delay among them.
    sound: usize,
    delay: usize,
}

impl Framer {
    /// Takes encoder bytes; answers the whole frames that they complete, in one piece.
    pub fn push(&mut self, bytes: &[u8]) -> Bytes {
        self.held.extend_from_slice(bytes);
        let mut whole = Vec::new();
        let mut at = 0;
        while self.held.len() - at >= 4 {
            match header(&self.held[at..]) {
                Some(frame) if self.held.len() - at >= frame.length => {
                    whole.extend_from_slice(&self.held[at..at + frame.length]);
                    at += frame.length;
                    self.sound += frame.samples * RATE / frame.rate;
                    self.delay = DELAY * RATE / frame.rate;
                }
                Some(_) => break,
                None => at += 1,
            }
        }
        self.held.drain(..at);
        whole.into()
    }

    /// Frames of sound that the whole frames so far hold.
    pub fn sound(&self) -> i64 {
        self.sound as i64 - self.delay as i64
    }
}

/// The header that is first in `bytes`; `None` where there is none.
pub fn header(bytes: &[u8]) -> Option<Header> {
    let [a, b, c, ..] = *bytes else { return None };
    if a != 0xFF || b & 0xE0 != 0xE0 {
        return None;
    }
    let version = (b >> 3) & 3;
    let layer_three = (b >> 1) & 3 == 1;
    let rate = match (c >> 2) & 3 {
        0 => 44_100,
        1 => 48_000,
        2 => 32_000,
        _ => return None,
    };
    if !layer_three || version == 1 {
        return None;
    }
    let first = version == 3;
    let table = if first { RATES_1 } else { RATES_2 };
    let kbps = table[usize::from(c >> 4)];
    if kbps == 0 {
        return None;
    }
    let sample_rate = match version {
        3 => rate,
        2 => rate / 2,
        _ => rate / 4,
    };
    let samples = if first { 1_152 } else { 576 };
    let length = samples / 8 * kbps * 1_000 / sample_rate + usize::from((c >> 1) & 1);
    Some(Header { length, samples, rate: sample_rate })
}

/// Length of the frame whose header is first in `bytes`.
#[cfg(test)]
pub fn frame_length(bytes: &[u8]) -> Option<usize> {
    header(bytes).map(|frame| frame.length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_whole_however_the_bytes_arrive() {
        // MPEG-1 layer III, 128 kbit/s, 48 kHz: 384 bytes.
        let mut frame = vec![0u8; 384];
        frame[..4].copy_from_slice(&[0xFF, 0xFB, 0x94, 0x00]);
        assert_eq!(frame_length(&frame), Some(384));
        let mut stream = vec![1, 2, 3];
        for _ in 0..4 {
            stream.extend_from_slice(&frame);
        }
        for step in [1, 7, 384, 1_000] {
            let mut framer = Framer::default();
            let frames: Vec<u8> = stream.chunks(step).flat_map(|c| framer.push(c)).collect();
            assert!(frames == frame.repeat(4), "step {step}");
        }
    }
}
