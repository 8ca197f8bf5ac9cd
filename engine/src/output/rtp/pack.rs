//! Sound into the payloads of RTP packets: L16 (RFC 3551), L24 (RFC 3190), MPEG audio (RFC 2250),
//! Opus (RFC 7587).

use crate::output::codec::to_i16;
use crate::output::mp3;
use crate::output::ogg;
use crate::output::target::Encoded;
use grimnir_events::AirFrame;
use grimnir_events::rtp::RtpPayload;
use grimnir_mix::Frame;
use std::collections::VecDeque;

/// Frames of a millisecond.
const MS: usize = 48;
/// Largest value of 24 bits.
const FULL_24: f32 = 8_388_607.0;
/// Before the frames of MPEG audio: none is cut.
const WHOLE: [u8; 4] = [0; 4];

/// What a packet carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// Its first frame of the air.
    pub at: AirFrame,
    /// The same by the clock of the payload.
    pub time: i64,
    /// It begins where the one before ended.
    pub follows: bool,
    /// The payload.
    pub payload: Vec<u8>,
}

/// Packs one stream.
pub struct Packer {
    payload: RtpPayload,
    /// Samples that are short of a packet, of the frames up to `next`.
    held: Vec<u8>,
    /// Where what comes now begins, if nothing is missing.
    next: Option<AirFrame>,
}

impl Packer {
    /// A stream that has not begun.
    pub fn new(payload: RtpPayload) -> Self {
        Self { payload, held: Vec::new(), next: None }
    }

    /// Bytes of one frame of samples; 0 of what is encoded.
    pub fn frame_bytes(&self) -> u64 {
        match self.payload {
            RtpPayload::L16 { .. } => 4,
            RtpPayload::L24 { .. } => 6,
            RtpPayload::Mp3 { .. } | RtpPayload::Opus { .. } => 0,
        }
    }

    /// Packs samples that begin at `at`.
    pub fn samples(&mut self, at: AirFrame, frames: &[Frame], out: &mut VecDeque<Packet>) {
        let (RtpPayload::L16 { packet_ms } | RtpPayload::L24 { packet_ms }) = self.payload else {
            return;
        };
        let bytes = self.frame_bytes() as usize;
        let size = usize::from(packet_ms) * MS;
        // The frames of a packet are in a row: where some are missing, what was held is short.
        let mut follows = self.next == Some(at);
        if !follows {
            self.flush(self.next, true, out);
        }
        let mut next = at;
        for frame in frames {
            for sample in frame {
                match self.payload {
                    RtpPayload::L16 { .. } => {
                        self.held.extend_from_slice(&to_i16(*sample).to_be_bytes());
                    }
                    _ => self.held.extend_from_slice(&to_i24(*sample)),
                }
            }
            next = next.plus(1);
            if self.held.len() == size * bytes {
                self.flush(Some(next), follows, out);
                follows = true;
            }
        }
        self.next = Some(next);
    }

    /// What is held is a packet that ends before `end`.
    fn flush(&mut self, end: Option<AirFrame>, follows: bool, out: &mut VecDeque<Packet>) {
        let Some(end) = end.filter(|_| !self.held.is_empty()) else { return };
        let payload = std::mem::take(&mut self.held);
        let at = end.plus(-((payload.len() as u64 / self.frame_bytes()) as i64));
        out.push_back(Packet { at, time: at.0, follows, payload });
    }

    /// Packs encoded sound: a frame or a packet of it in each.
    pub fn encoded(&mut self, sound: &Encoded, out: &mut VecDeque<Packet>) {
        let parts = match self.payload {
            RtpPayload::Mp3 { .. } => mp3_frames(&sound.bytes),
            RtpPayload::Opus { .. } => opus_packets(&sound.bytes),
            RtpPayload::L16 { .. } | RtpPayload::L24 { .. } => return,
        };
        let length: i64 = parts.iter().map(|(frames, _)| frames).sum();
        // By its end: of the first sound of a stream a decoder throws some away.
        let mut at = sound.until.plus(-length);
        for (frames, payload) in parts {
            let follows = self.next == Some(at);
            let time = match self.payload {
                // The clock of MPEG audio has 90 kHz.
                RtpPayload::Mp3 { .. } => at.0 * 15 / 8,
                _ => at.0,
            };
            out.push_back(Packet { at, time, follows, payload });
            at = at.plus(frames);
            self.next = Some(at);
        }
    }
}

/// Frames of the programme in each whole frame of MP3, and its payload.
fn mp3_frames(mut bytes: &[u8]) -> Vec<(i64, Vec<u8>)> {
    let mut all = Vec::new();
    while let Some(head) = mp3::header(bytes).filter(|head| head.length <= bytes.len()) {
        let (frame, rest) = bytes.split_at(head.length);
        let frames = head.samples * mp3::RATE / head.rate;
        all.push((frames as i64, [&WHOLE[..], frame].concat()));
        bytes = rest;
    }
    all
}

/// Frames of the programme in each packet of Opus, and the packet.
fn opus_packets(pages: &[u8]) -> Vec<(i64, Vec<u8>)> {
    let packets = ogg::read(pages).into_iter().flat_map(|page| page.packets);
    packets.map(|packet| (ogg::OPUS_SAMPLES as i64, packet)).collect()
}

/// Nearest value of 24 bits, as the network has it.
fn to_i24(sample: f32) -> [u8; 3] {
    let [_, a, b, c] = ((sample.clamp(-1.0, 1.0) * FULL_24).round() as i32).to_be_bytes();
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(packer: &mut Packer, at: i64, frames: &[Frame]) -> Vec<Packet> {
        let mut out = VecDeque::new();
        packer.samples(AirFrame(at), frames, &mut out);
        out.into()
    }

    #[test]
    fn samples_are_packed_by_their_frames_and_what_is_missing_is_a_gap_in_time() {
        let mut packer = Packer::new(RtpPayload::L16 { packet_ms: 5 });
        let frames: Vec<Frame> = (0..480).map(|n| [n as f32 / 32_767.0, -0.5]).collect();
        let first = packed(&mut packer, 1_000, &frames[..300]);
        assert_eq!((first.len(), first[0].at, first[0].follows), (1, AirFrame(1_000), false));
        assert_eq!(first[0].payload.len(), 960);
        assert_eq!(first[0].payload[4..8], [0, 1, 0xC0, 0], "highest byte first");
        let more = packed(&mut packer, 1_300, &frames[300..]);
        assert_eq!((more.len(), more[0].at, more[0].follows), (1, AirFrame(1_240), true));
        // 480 of the next are missing, and 60 that were held are a packet of their own.
        packed(&mut packer, 1_480, &frames[..60]);
        let after = packed(&mut packer, 2_020, &frames);
        let places: Vec<_> = after
            .iter()
            .map(|packet| (packet.at.0, packet.payload.len(), packet.follows))
            .collect();
        assert_eq!(places, [(1_480, 240, true), (2_020, 960, false), (2_260, 960, true)]);
    }

    #[test]
    fn samples_of_24_bits_keep_them() {
        let mut packer = Packer::new(RtpPayload::L24 { packet_ms: 1 });
        let mut frames = vec![[0.0; 2]; 48];
        frames[1] = [1.0, -1.0];
        let packets = packed(&mut packer, 0, &frames);
        assert_eq!(packets[0].payload.len(), 288);
        assert_eq!(packets[0].payload[6..12], [0x7F, 0xFF, 0xFF, 0x80, 0, 1]);
    }

    #[test]
    fn frames_of_mp3_have_a_packet_each_by_a_clock_of_90_khz() {
        let mut frame = vec![0u8; 384];
        frame[..4].copy_from_slice(&[0xFF, 0xFB, 0x94, 0x00]);
        let mut packer = Packer::new(RtpPayload::Mp3 { bitrate_kbps: 128 });
        let mut out = VecDeque::new();
        let until = AirFrame(96_000 + 2_304);
        let bytes = frame.repeat(2).into();
        packer.encoded(&Encoded { bytes, from: AirFrame(96_000), until }, &mut out);
        let times: Vec<_> = out.iter().map(|packet| (packet.time, packet.follows)).collect();
        assert_eq!(times, [(180_000, false), (182_160, true)]);
        assert!(out[0].payload[..4] == [0; 4] && out[0].payload[4..] == frame, "whole");
    }
}
