//! What sound is by its first bytes; what an encoder says of it is not believed.

/// Bytes that are looked at; a tag in front of the sound may be as long.
pub const SNIFF_LIMIT: usize = 256 * 1024;

/// Tags that may stand in front of the sound.
const TAGS: usize = 8;

/// So many frames that are alike are no chance; of 64 KiB of noise one in fifty has two heads in a
/// row, of whatever rates.
const IN_A_ROW: usize = 3;

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sound {
    /// MPEG audio, layer 1 to 3.
    Mpeg,
    /// AAC in ADTS frames, at this rate.
    Adts {
        /// The rate of its core.
        rate: u32,
    },
    /// Vorbis or FLAC in Ogg.
    Ogg,
    /// Opus in Ogg.
    Opus,
    /// FLAC on its own.
    Flac,
}

impl Sound {
    /// Only a decoder in C makes all of it: it goes through a process of its own. Half the usual
    /// rate in AAC is the core of HE-AAC, which carries the rest beside it.
    pub fn needs_child(self) -> bool {
        match self {
            Self::Opus => true,
            Self::Adts { rate } => rate <= 24_000,
            Self::Mpeg | Self::Ogg | Self::Flac => false,
        }
    }
}

/// What the bytes are: `None` while more are needed, `Some(None)` for nothing that is known.
pub fn sniff(bytes: &[u8]) -> Option<Option<Sound>> {
    let (mut rest, mut tags) = (bytes, 0);
    while rest.starts_with(b"ID3") {
        tags += 1;
        if tags > TAGS {
            return Some(None);
        }
        // None while the tag goes on.
        match tag_length(rest).and_then(|length| rest.get(length..)) {
            Some(behind) => rest = behind,
            None => return (bytes.len() >= SNIFF_LIMIT).then_some(None),
        }
    }
    let found = match rest.first_chunk() {
        None => None,
        Some(b"OggS") => ogg(rest),
        Some(b"fLaC") => Some(Some(Sound::Flac)),
        Some(_) => framed(rest),
    };
    found.or_else(|| (tags > 0 && bytes.len() >= SNIFF_LIMIT).then_some(None))
}

/// The length of an ID3v2 tag in front, as far as its head is there.
pub fn tag_length(bytes: &[u8]) -> Option<usize> {
    let head: &[u8; 10] = bytes.first_chunk()?;
    head.starts_with(b"ID3").then(|| {
        let size = &head[6..];
        10 + size.iter().fold(0usize, |sum, byte| sum << 7 | usize::from(byte & 0x7f))
    })
}

/// The first page's packet names its codec.
fn ogg(bytes: &[u8]) -> Option<Option<Sound>> {
    let segments = usize::from(*bytes.get(26)?);
    let packet = bytes.get(27 + segments..)?;
    if packet.len() < 8 {
        return None;
    }
    Some(match packet {
        packet if packet.starts_with(b"OpusHead") => Some(Sound::Opus),
        packet if packet.starts_with(b"\x01vorbis") => Some(Sound::Ogg),
        packet if packet.starts_with(b"\x7fFLAC") => Some(Sound::Ogg),
        _ => None,
    })
}

/// Frames in a row, the first within the first 64 KiB: an encoder may join mid-frame.
fn framed(bytes: &[u8]) -> Option<Option<Sound>> {
    let reach = bytes.len().min(64 * 1024);
    for at in 0..reach.saturating_sub(7) {
        // None while the row goes on.
        if let Some(sound) = row(&bytes[at..])? {
            return Some(Some(sound));
        }
    }
    (bytes.len() >= 64 * 1024).then_some(None)
}

/// What frames in a row are alike; `None` while more bytes are needed, `Some(None)` for no row.
fn row(mut bytes: &[u8]) -> Option<Option<Sound>> {
    let mut first = None;
    for _ in 0..IN_A_ROW {
        let Some((like, length)) = frame(bytes) else {
            return (bytes.len() >= 7).then_some(None);
        };
        if first.is_some_and(|first| first != like) {
            return Some(None);
        }
        first = Some(like);
        bytes = bytes.get(length..).unwrap_or_default();
    }
    Some(first.map(|(sound, _)| sound))
}

/// What frames of one stream have in common: their kind, and bits of a head of MPEG audio.
type Like = (Sound, [u8; 2]);

/// What a frame has in common with the others of its stream, and its length in bytes.
fn frame(bytes: &[u8]) -> Option<(Like, usize)> {
    let head: &[u8; 7] = bytes.first_chunk()?;
    if head[0] != 0xff || head[1] & 0xe0 != 0xe0 {
        return None;
    }
    if head[1] & 0xf6 == 0xf0 {
        return adts(head);
    }
    let version = head[1] >> 3 & 3;
    let layer = head[1] >> 1 & 3;
    let (bitrate, rate) = (usize::from(head[2] >> 4), usize::from(head[2] >> 2 & 3));
    if version == 1 || layer == 0 || bitrate == 0 || bitrate == 15 || rate == 3 {
        return None;
    }
    const V1: [[usize; 14]; 3] = [
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    ];
    const V2: [[usize; 14]; 3] = [
        [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    ];
    let first = version == 3;
    let table = if first { V1 } else { V2 };
    let bits = table[usize::from(layer) - 1][bitrate - 1] * 1_000;
    let hertz = [44_100, 48_000, 32_000][rate] >> (3 - usize::from(version)).min(2);
    let padding = usize::from(head[2] >> 1 & 1);
    let length = match (layer, first) {
        (3, _) => (12 * bits / hertz + padding) * 4,
        (1, false) => 72 * bits / hertz + padding,
        _ => 144 * bits / hertz + padding,
    };
    // Version, layer and rate.
    Some(((Sound::Mpeg, [head[1] & 0x1e, head[2] & 0x0c]), length))
}

fn adts(head: &[u8; 7]) -> Option<(Like, usize)> {
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
        8_000, 7_350,
    ];
    let rate = *RATES.get(usize::from(head[2] >> 2 & 15))?;
    let length =
        usize::from(head[3] & 3) << 11 | usize::from(head[4]) << 3 | usize::from(head[5]) >> 5;
    (length >= 7).then_some(((Sound::Adts { rate }, [0; 2]), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MPEG 1 layer 3, 128 kbit/s, 44.1 kHz: 417 bytes.
    fn mp3() -> Vec<u8> {
        let mut frame = vec![0; 417];
        frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x00]);
        frame.repeat(4)
    }

    #[test]
    fn what_the_bytes_are_is_found_behind_tags_and_broken_frames() {
        assert_eq!(sniff(&mp3()), Some(Some(Sound::Mpeg)));
        let tagged = [b"ID3\x04\0\0\0\0\0\x05hello".as_slice(), &mp3()].concat();
        assert_eq!(sniff(&tagged), Some(Some(Sound::Mpeg)));
        assert_eq!(sniff(&tagged[..12]), None, "the tag goes on");
        assert_eq!(tag_length(b"ID3\x04\0\0\0\0\x01\x02xxxx"), Some(140));
        assert_eq!(tag_length(b"\xff\xf1........"), None);
        let joined = [&mp3()[300..], &[0xff, 0xfb]].concat();
        assert_eq!(sniff(&joined), Some(Some(Sound::Mpeg)));
        assert_eq!(sniff(&mp3()[..2 * 417]), None, "two frames prove nothing");
        let adts = [0xff, 0xf1, 0x58, 0x80, 0x01, 0x1f, 0xfc, 0].repeat(9);
        assert_eq!(sniff(&adts), Some(Some(Sound::Adts { rate: 24_000 })));
        assert!(Sound::Adts { rate: 24_000 }.needs_child());
        assert!(!Sound::Adts { rate: 44_100 }.needs_child());
        assert_eq!(sniff(b"fLaC"), Some(Some(Sound::Flac)));
    }

    #[test]
    fn ogg_is_told_apart_by_its_first_packet() {
        let page = |packet: &[u8]| {
            let mut page = b"OggS".to_vec();
            page.extend([0; 22]);
            page.extend([1, packet.len() as u8]);
            page.extend(packet);
            page
        };
        assert_eq!(sniff(&page(b"OpusHead\x01")), Some(Some(Sound::Opus)));
        assert_eq!(sniff(&page(b"\x01vorbis\0\0")), Some(Some(Sound::Ogg)));
        assert_eq!(sniff(&page(b"\x7fFLAC\x01\0\0\0")), Some(Some(Sound::Ogg)));
        assert_eq!(sniff(&page(b"\x80theora\0\0")), Some(None));
        assert_eq!(sniff(&page(b"OpusHead")[..20]), None);
    }

    /// On a stack as threads of this process have: 2 MiB.
    #[test]
    fn any_number_of_tags_is_nothing_and_takes_no_stack() {
        let tag = b"ID3\x04\0\0\0\0\0\0";
        let small = std::thread::Builder::new().stack_size(2 << 20);
        let found = small.spawn(|| sniff(&tag.repeat(26_000))).expect("starts").join();
        assert_eq!(found.expect("ends"), Some(None));
        let some = |count| [tag.repeat(count), mp3()].concat();
        assert_eq!(sniff(&some(TAGS)), Some(Some(Sound::Mpeg)));
        assert_eq!(sniff(&some(TAGS + 1)), Some(None));
    }

    #[test]
    fn garbage_is_nothing_at_last() {
        let noise: Vec<u8> =
            (0..70_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8 & 0x7f).collect();
        assert_eq!(sniff(&noise[..1_000]), None);
        assert_eq!(sniff(&noise), Some(None));
    }

    #[test]
    fn noise_is_not_taken_for_frames() {
        // xorshift64*
        let mut state = 0x9E37_79B9_7F4A_7C15u64;
        let mut noise = vec![0; 80 * 1024];
        for turn in 0..3_000 {
            for bytes in noise.chunks_exact_mut(8) {
                state ^= state >> 12;
                state ^= state << 25;
                state ^= state >> 27;
                let drawn = state.wrapping_mul(0x2545_F491_4F6C_DD1D);
                bytes.copy_from_slice(&drawn.to_le_bytes());
            }
            assert_eq!(sniff(&noise), Some(None), "turn {turn}");
        }
    }
}
