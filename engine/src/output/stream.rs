//! Encoded packets as listeners take them: MP3 and ADTS frames, Ogg pages behind their headers.
//!
//! Everything is cut where a listener may begin. Upstream: `codec`. Downstream: the hubs.

use super::codec::Taken;
use super::mp3::Framer;
use super::ogg::{OPUS_SAMPLES, Writer};
use bytes::Bytes;
use grimnir_events::station::MountFormat;

/// Samples of an AAC-LC frame; the encoder is behind by one.
const AAC_SAMPLES: i64 = 1_024;
/// Bytes before each frame, without a checksum.
const ADTS_HEADER: usize = 7;
/// Longest ADTS frame that its header can tell: 13 bits.
const ADTS_LIMIT: usize = 0x1FFF;

/// What an encoder's output has become.
#[derive(Default)]
pub struct Cut {
    /// What everybody needs before `sound`; only where it is new.
    pub head: Option<Bytes>,
    /// Whole frames or pages; may be empty.
    pub sound: Bytes,
}

/// One stream of a format, from its first frame on.
pub enum Stream {
    /// MP3 frames.
    Mp3(Framer),
    /// AAC frames, counted.
    Adts(i64),
    /// A packet for each piece of sound, in Ogg pages.
    Ogg(Ogg),
}

/// An Ogg stream of one codec.
pub struct Ogg {
    format: MountFormat,
    writer: Writer,
    /// Position at the end of the last page.
    granule: u64,
    /// Samples that decoders throw away first.
    skip: u64,
}

impl Stream {
    /// Begins one; `serial` tells its Ogg pages from those of the stream before.
    pub fn new(format: MountFormat, serial: u32) -> Self {
        match format {
            MountFormat::Mp3 => Self::Mp3(Framer::default()),
            MountFormat::AacLc => Self::Adts(0),
            MountFormat::Opus | MountFormat::Vorbis | MountFormat::Flac => {
                Self::Ogg(Ogg { format, writer: Writer::new(serial), granule: 0, skip: 0 })
            }
        }
    }

    /// True where a stream begins with packets of its own, which come with the first sound.
    pub fn has_head(&self) -> bool {
        matches!(self, Self::Ogg(_))
    }

    /// Takes what the encoder made.
    pub fn push(&mut self, taken: Taken) -> Result<Cut, String> {
        match self {
            Self::Mp3(framer) => {
                let bytes: Vec<u8> = taken.packets.into_iter().flat_map(|p| p.bytes).collect();
                Ok(Cut { head: None, sound: framer.push(&bytes) })
            }
            Self::Adts(frames) => {
                let mut sound = Vec::new();
                for packet in &taken.packets {
                    sound.extend_from_slice(&adts_header(packet.bytes.len())?);
                    sound.extend_from_slice(&packet.bytes);
                    *frames += 1;
                }
                Ok(Cut { head: None, sound: sound.into() })
            }
            Self::Ogg(ogg) => ogg.push(taken),
        }
    }

    /// Frames of sound that a decoder gets from what was cut so far.
    pub fn sound(&self) -> i64 {
        let frames = match self {
            Self::Mp3(framer) => framer.sound(),
            Self::Adts(frames) => (frames - 1) * AAC_SAMPLES,
            Self::Ogg(ogg) => ogg.granule.saturating_sub(ogg.skip) as i64,
        };
        frames.max(0)
    }
}

impl Ogg {
    fn push(&mut self, mut taken: Taken) -> Result<Cut, String> {
        let mut head = None;
        if let Some(first) = taken.head.first() {
            if self.format == MountFormat::Opus && first.len() >= 12 {
                self.skip = u64::from(u16::from_le_bytes([first[10], first[11]]));
            }
            if self.format == MountFormat::Flac {
                number_of_headers(&mut taken.head);
            }
            head = Some(Bytes::from(self.writer.head(&taken.head)?));
        }
        for packet in &mut taken.packets {
            if self.format == MountFormat::Opus {
                packet.granule = self.granule + OPUS_SAMPLES;
            }
            self.granule = packet.granule;
        }
        Ok(Cut { head, sound: self.writer.sound(&taken.packets)?.into() })
    }
}

/// The mapping's first packet tells how many header packets follow it; GStreamer counts the
/// native stream's marker along.
fn number_of_headers(head: &mut [Vec<u8>]) {
    let follow = u16::try_from(head.len() - 1).unwrap_or(0);
    if let Some(count) = head.first_mut().and_then(|first| first.get_mut(7..9)) {
        count.copy_from_slice(&follow.to_be_bytes());
    }
}

/// Header of a frame of AAC-LC, 48 kHz, two channels.
pub fn adts_header(frame: usize) -> Result<[u8; ADTS_HEADER], String> {
    let length = frame + ADTS_HEADER;
    if length > ADTS_LIMIT {
        return Err(format!("{length} bytes of an ADTS frame, limit {ADTS_LIMIT}"));
    }
    // Object type 2 (one less is written), frequency index 3, channel configuration 2; the buffer
    // fullness of all ones says that the bit rate varies.
    Ok([
        0xFF,
        0xF1,
        (1 << 6) | (3 << 2),
        (2 << 6) | (length >> 11) as u8,
        (length >> 3) as u8,
        (((length & 7) as u8) << 5) | 0x1F,
        0xFC,
    ])
}

#[cfg(test)]
mod alignment;

#[cfg(test)]
mod tests {
    use super::super::codec::Codec;
    use super::super::{mp3, ogg};
    use super::*;
    use grimnir_mix::Frame;
    use grimnir_rules::station::bitrates_kbps;

    /// A second of a tone through an encoder: its head, and the pieces of the sound.
    fn second(format: MountFormat, kbps: u16) -> (Bytes, Vec<Bytes>, i64) {
        gstreamer::init().expect("GStreamer is installed");
        let mut codec = Codec::new(format, kbps).expect("the encoder is installed");
        let mut stream = Stream::new(format, 5);
        let tone: Vec<Frame> = (0..48_000).map(|n| [(n as f32 * 0.05).sin() * 0.5; 2]).collect();
        let (mut head, mut pieces) = (Bytes::new(), Vec::new());
        for part in tone.chunks(1_920) {
            let taken = codec.encode(part.iter()).expect("it encodes");
            let cut = stream.push(taken).expect("it fits");
            if let Some(new) = cut.head {
                assert!(head.is_empty(), "one head");
                head = new;
            }
            pieces.push(cut.sound);
        }
        assert_eq!(codec.frames(), 48_000);
        pieces.retain(|piece| !piece.is_empty());
        (head, pieces, stream.sound())
    }

    #[test]
    fn every_bit_rate_that_is_offered_encodes_and_holds_little_back() {
        use MountFormat::{AacLc, Flac, Mp3, Opus, Vorbis};
        for format in [Mp3, AacLc, Opus, Vorbis, Flac] {
            let all = bitrates_kbps(format);
            for kbps in [all[0], all[all.len() / 2], all[all.len() - 1]] {
                let (head, pieces, sound) = second(format, kbps);
                let whose = format!("{format:?} at {kbps}");
                // The longest is a block of FLAC with what waits for the next one.
                assert!((38_000..=48_000).contains(&sound), "{whose}: {sound} frames");
                let ogg = !matches!(format, Mp3 | AacLc);
                assert_eq!(ogg, !head.is_empty(), "{whose}");
                for piece in &pieces {
                    let whole = match format {
                        Mp3 => mp3::frame_length(piece).is_some(),
                        AacLc => piece[..4] == [0xFF, 0xF1, 0x4C, 0x80],
                        // No page is cut, none begins within a packet or is a first one.
                        _ => {
                            ogg::pages(piece).iter().sum::<usize>() == piece.len() && piece[5] == 0
                        }
                    };
                    assert!(whole, "{whose}: {:?}", &piece[..8]);
                }
            }
        }
    }

    #[test]
    fn a_stream_begins_with_its_headers_on_pages_of_their_own() {
        for (format, kbps, count) in
            [(MountFormat::Opus, 96, 2), (MountFormat::Vorbis, 128, 3), (MountFormat::Flac, 0, 2)]
        {
            let (head, ..) = second(format, kbps);
            let pages = ogg::pages(&head);
            assert_eq!(pages.len(), count, "{format:?}");
            assert_eq!(pages.iter().sum::<usize>(), head.len());
            assert_eq!(head[5], 2, "the first of its stream");
            if format == MountFormat::Flac {
                assert_eq!(head[28..37], [0x7F, b'F', b'L', b'A', b'C', 1, 0, 0, 1]);
            }
        }
    }

    #[test]
    fn a_frame_that_no_adts_header_can_tell_is_named() {
        assert_eq!(adts_header(293).expect("fits")[3..6], [0x80, 37, 0x9F]);
        let refused = adts_header(8_185).expect_err("too long");
        assert!(refused.contains("8192") && refused.contains("8191"), "{refused}");
    }
}
