//! One file of a recording as it is encoded: exact from its first frame to its last.
//!
//! The encoder is new with each file, so that its first sample is the file's first frame and an
//! hour turn costs nothing. Upstream: `recorder`. Downstream: the bytes, for `keeper`. Not here:
//! disks.

use super::super::codec::{Codec, Taken};
use super::super::mp3::{self, Framer};
use super::super::ogg::{self, OPUS_SAMPLES};
use super::head::{self, Label, Whole};
use grimnir_events::station::MountFormat;
use grimnir_mix::Frame;

/// Silence that drives out what an encoder holds back, at a time.
const DRIVE: [Frame; 960] = [[0.0; 2]; 960];
/// So often it is given at most: no encoder holds 200 ms back.
const DRIVES: usize = 10;
/// Below, LAME takes a lower sample rate, and frames do not tell the programme's any more.
const MP3_LEAST_KBPS: u16 = 128;
/// A frame of FLAC in blocks of one size begins so.
const FLAC_FRAME: [u8; 2] = [0xFF, 0xF8];

/// Bytes for the file, in order.
#[derive(Default)]
pub struct Piece {
    /// What is to be written behind what was before.
    pub bytes: Vec<u8>,
    /// Frames that the file then holds whole.
    pub whole: i64,
}

/// What closes a file.
#[derive(Default)]
pub struct Ending {
    /// The last bytes.
    pub piece: Piece,
    /// Bytes that are known only now, and where they belong.
    pub patches: Vec<(u64, Vec<u8>)>,
}

/// A file that is being encoded.
pub struct Take {
    codec: Codec,
    label: Label,
    form: Form,
    given: i64,
}

enum Form {
    /// Positions are those of the encoder.
    Flac { whole: i64 },
    /// `skip` is what a decoder leaves out first.
    Opus { writer: ogg::Writer, skip: u64, granule: u64 },
    /// `facts` is where the frame of facts stands, 0 while there is none.
    Mp3 { framer: Framer, first: Vec<u8>, facts: u64, bytes: usize },
}

impl Take {
    /// Begins a file.
    pub fn begin(format: MountFormat, kbps: u16, label: Label) -> Result<Self, String> {
        if format == MountFormat::Mp3 && kbps < MP3_LEAST_KBPS {
            return Err(format!("MP3 of {kbps} kbit/s, recorded is {MP3_LEAST_KBPS} or more"));
        }
        let form = match format {
            MountFormat::Flac => Form::Flac { whole: 0 },
            MountFormat::Opus => {
                // One stream in a file: nothing to tell it from.
                Form::Opus { writer: ogg::Writer::new(1), skip: 0, granule: 0 }
            }
            MountFormat::Mp3 => {
                Form::Mp3 { framer: Framer::default(), first: Vec::new(), facts: 0, bytes: 0 }
            }
            MountFormat::AacLc | MountFormat::Vorbis => {
                return Err(format!("found {format:?}, recorded are FLAC, MP3 and Opus"));
            }
        };
        Ok(Self { codec: Codec::new(format, kbps)?, label, form, given: 0 })
    }

    /// Takes more of the programme.
    pub fn push(&mut self, frames: &[Frame]) -> Result<Piece, String> {
        let taken = self.codec.encode(frames.iter())?;
        self.given += frames.len() as i64;
        self.piece(taken)
    }

    /// Takes no more: the file then holds exactly what it was given.
    pub fn end(mut self) -> Result<Ending, String> {
        let given = self.given;
        match self.form {
            Form::Flac { .. } => {
                let taken = self.codec.finish()?;
                let piece = self.piece(taken)?;
                let patches = vec![head::flac_length(given)];
                Ok(Ending { piece: Piece { whole: given, ..piece }, patches })
            }
            Form::Opus { .. } => self.end_opus(),
            Form::Mp3 { .. } => self.end_mp3(),
        }
    }

    fn piece(&mut self, taken: Taken) -> Result<Piece, String> {
        let mut bytes = Vec::new();
        match &mut self.form {
            Form::Flac { whole } => {
                if let Some(first) = taken.head.first() {
                    bytes = head::flac(&streaminfo(first)?, &self.label);
                }
                // What is no frame is the head, written again.
                let frames = taken.packets.iter().filter(|p| p.bytes.starts_with(&FLAC_FRAME));
                for packet in frames {
                    bytes.extend_from_slice(&packet.bytes);
                    *whole = packet.granule as i64;
                }
                Ok(Piece { bytes, whole: *whole })
            }
            Form::Opus { writer, skip, granule } => {
                let mut packets = taken.packets;
                if let Some(first) = taken.head.first() {
                    bytes = begin_opus(writer, first, skip, &self.label)?;
                }
                for packet in &mut packets {
                    *granule += OPUS_SAMPLES;
                    packet.granule = *granule;
                }
                bytes.extend(writer.sound(&packets)?);
                Ok(Piece { bytes, whole: granule.saturating_sub(*skip) as i64 })
            }
            Form::Mp3 { framer, first, facts, bytes: so_far } => {
                let coded: Vec<u8> = taken.packets.into_iter().flat_map(|p| p.bytes).collect();
                let coded = framer.push(&coded);
                if *facts == 0 && !coded.is_empty() {
                    bytes = head::mp3_label(&self.label);
                    *facts = bytes.len() as u64;
                    *first = coded[..4.min(coded.len())].to_vec();
                    bytes.extend(
                        head::mp3_facts(first, Whole::default())
                            .ok_or("the first frame is no MP3")?,
                    );
                }
                *so_far += coded.len();
                bytes.extend_from_slice(&coded);
                Ok(Piece { bytes, whole: framer.sound().max(0) })
            }
        }
    }

    /// The last packet is cut by the position of its page.
    fn end_opus(mut self) -> Result<Ending, String> {
        let mut packets = Vec::new();
        let given = self.given as u64;
        let mut bytes = Vec::new();
        for _ in 0..DRIVES {
            let taken = self.codec.encode(DRIVE.iter())?;
            let Form::Opus { writer, skip, granule } = &mut self.form else { break };
            if let Some(first) = taken.head.first() {
                bytes = begin_opus(writer, first, skip, &self.label)?;
            }
            for mut packet in taken.packets {
                if *granule < given + *skip {
                    *granule += OPUS_SAMPLES;
                    packet.granule = (*granule).min(given + *skip);
                    packets.push(packet);
                }
            }
            if *granule >= given + *skip && *skip > 0 {
                bytes.extend(writer.end(&packets)?);
                let piece = Piece { bytes, whole: self.given };
                return Ok(Ending { piece, patches: Vec::new() });
            }
        }
        Err(format!("the encoder held back more than {} ms", 20 * DRIVES))
    }

    /// What is too much of the last frame is named as padding.
    fn end_mp3(mut self) -> Result<Ending, String> {
        let mut piece = Piece::default();
        for _ in 0..DRIVES {
            let taken = self.codec.encode(DRIVE.iter())?;
            let more = self.piece(taken)?;
            piece.bytes.extend(more.bytes);
            if more.whole >= self.given {
                break;
            }
        }
        let Form::Mp3 { first, facts, bytes, .. } = &self.form else {
            return Err("no MP3".into());
        };
        let header = mp3::header(first).ok_or("the encoder gave no MP3 frame")?;
        let frames = bytes / header.length;
        let sound = self.given as usize * header.rate / mp3::RATE;
        let padding = head::mp3_padding(&header, frames, sound);
        let whole = head::mp3_facts(first, Whole { frames, bytes: *bytes, padding })
            .ok_or("no room for facts")?;
        piece.whole = self.given;
        Ok(Ending { piece, patches: vec![(*facts, whole)] })
    }
}

/// The stream's description, out of the first packet of FLAC in Ogg.
fn streaminfo(first: &[u8]) -> Result<[u8; head::STREAMINFO], String> {
    // Marker, version and count of nine bytes, the native marker, the header of the block.
    let info = first.get(9 + 4 + 4..).filter(|_| first.starts_with(b"\x7FFLAC"));
    info.and_then(|info| info.get(..head::STREAMINFO)?.try_into().ok())
        .ok_or_else(|| format!("{} bytes of a FLAC description, expected 51", first.len()))
}

fn begin_opus(
    writer: &mut ogg::Writer,
    first: &[u8],
    skip: &mut u64,
    label: &Label,
) -> Result<Vec<u8>, String> {
    let told = first.get(10..12).ok_or("the Opus head is cut short")?;
    *skip = u64::from(u16::from_le_bytes([told[0], told[1]]));
    let mut tags = b"OpusTags".to_vec();
    tags.extend(head::comments(label));
    writer.head(&[first.to_vec(), tags])
}

#[cfg(test)]
mod tests;
