//! Sound that comes as a stream of bytes, at 48 kHz: what symphonia decodes, without an end.
//!
//! A stream says nothing true about its length, may change its rate, and may begin anew (a chained
//! Ogg): all of it goes on. Not here: sockets; what symphonia lacks.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource};
use symphonia::core::meta::MetadataOptions;

use crate::downmix::Downmix;
use crate::resample::{MAX_RATE, MIN_RATE, Resampler};
use crate::{Frame, RATE};

/// Packets in a row that cannot be decoded, after which a stream is given up.
const MAX_FAULTS: u32 = 200;
/// Most bytes between two packets of sound. What a stream says of itself, pictures among it, is
/// held meanwhile, and nothing else bounds it.
const SILENT_BYTES: usize = 8 << 20;
/// Frames taken out of the resampler at a time.
const CHUNK: usize = 4_096;

/// What a step of decoding brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StreamStep {
    /// More may follow; no frame need have come.
    More,
    /// The bytes are over.
    Ended,
    /// It cannot be decoded on.
    Failed(String),
}

/// Bytes as they come, as long as there is sound among them.
struct Bounded {
    bytes: Box<dyn Read + Send + Sync>,
    read: Arc<AtomicUsize>,
}

impl Read for Bounded {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.read.load(Ordering::Relaxed) >= SILENT_BYTES {
            let told = format!("more than {} MiB without sound", SILENT_BYTES >> 20);
            return Err(std::io::Error::other(told));
        }
        let count = self.bytes.read(out)?;
        self.read.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }
}

/// A stream being decoded.
pub struct StreamDecoder {
    /// Bytes that were read since the last packet.
    read: Arc<AtomicUsize>,
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    codec: String,
    rate: u32,
    channels: usize,
    downmix: Downmix,
    resampler: Option<Resampler>,
    samples: Vec<f32>,
    frames: Vec<Frame>,
    faults: u32,
}

impl StreamDecoder {
    /// Reads as much of `bytes` as it takes to know what they are.
    pub fn open(bytes: Box<dyn Read + Send + Sync>) -> Result<Self, String> {
        let opened = catch_unwind(AssertUnwindSafe(|| Self::open_inner(bytes)));
        opened.unwrap_or_else(|_| Err("the decoder panicked at the beginning".into()))
    }

    fn open_inner(bytes: Box<dyn Read + Send + Sync>) -> Result<Self, String> {
        let read = Arc::new(AtomicUsize::new(0));
        let source = Box::new(ReadOnlySource::new(Bounded { bytes, read: read.clone() }));
        let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
        let reader = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| error.to_string())?;
        let (track, decoder) = decoder_of(reader.as_ref())?;
        Ok(Self {
            read,
            codec: decoder.codec_info().short_name.into(),
            reader,
            decoder,
            track,
            rate: 0,
            channels: 0,
            downmix: Downmix::none(),
            resampler: None,
            samples: Vec::new(),
            frames: Vec::new(),
            faults: 0,
        })
    }

    /// What it is, e.g. `mp3 44100 Hz 2 ch`; rate and channels once a packet was decoded.
    pub fn format(&self) -> String {
        format!("{} {} Hz {} ch", self.codec, self.rate, self.channels)
    }

    /// Decodes a packet and appends its frames.
    pub fn next(&mut self, out: &mut Vec<Frame>) -> StreamStep {
        catch_unwind(AssertUnwindSafe(|| self.step(out)))
            .unwrap_or_else(|_| StreamStep::Failed("the decoder panicked".into()))
    }

    fn step(&mut self, out: &mut Vec<Frame>) -> StreamStep {
        let next = self.reader.next_packet();
        if matches!(next, Ok(Some(_))) {
            self.read.store(0, Ordering::Relaxed);
        }
        let packet = match next {
            Ok(Some(packet)) if packet.track_id != self.track => return StreamStep::More,
            Ok(Some(packet)) => packet,
            Ok(None) => return StreamStep::Ended,
            Err(Symphonia::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return StreamStep::Ended;
            }
            Err(Symphonia::ResetRequired) => return self.begin_anew(),
            Err(Symphonia::DecodeError(reason)) => return self.fault(reason),
            Err(error) => return StreamStep::Failed(error.to_string()),
        };
        let decoded = match self.decoder.decode(&packet) {
            Ok(decoded) => decoded,
            Err(Symphonia::DecodeError(reason)) => return self.fault(reason),
            Err(Symphonia::IoError(_)) => return self.fault("a packet ends early"),
            Err(Symphonia::ResetRequired) => return self.begin_anew(),
            Err(error) => return StreamStep::Failed(error.to_string()),
        };
        if decoded.frames() == 0 {
            return StreamStep::More;
        }
        let (rate, channels) = (decoded.spec().rate(), decoded.spec().channels().count());
        if (rate, channels) != (self.rate, self.channels) {
            if !(MIN_RATE..=MAX_RATE).contains(&rate) {
                let told = format!("{rate} Hz, {MIN_RATE} to {MAX_RATE} can be heard");
                return StreamStep::Failed(told);
            }
            (self.rate, self.channels) = (rate, channels);
            self.downmix = Downmix::new(decoded.spec().channels());
            self.resampler = if rate == RATE { None } else { Resampler::new(rate) };
        }
        decoded.copy_to_vec_interleaved(&mut self.samples);
        self.faults = 0;
        let Some(resampler) = &mut self.resampler else {
            self.downmix.append(&self.samples, channels, out);
            return StreamStep::More;
        };
        self.frames.clear();
        self.downmix.append(&self.samples, channels, &mut self.frames);
        resampler.push(&self.frames);
        loop {
            let begin = out.len();
            out.resize(begin + CHUNK, [0.0; 2]);
            let count = resampler.pull(&mut out[begin..]);
            out.truncate(begin + count);
            if count < CHUNK {
                return StreamStep::More;
            }
        }
    }

    /// Another stream follows in the same connection.
    fn begin_anew(&mut self) -> StreamStep {
        // What the streams before said of themselves would be kept as long as the connection.
        let _ = self.reader.metadata().skip_to_latest();
        match decoder_of(self.reader.as_ref()) {
            Ok((track, decoder)) => {
                (self.track, self.decoder) = (track, decoder);
                self.codec = self.decoder.codec_info().short_name.into();
                self.fault("a stream follows the one before")
            }
            Err(reason) => StreamStep::Failed(reason),
        }
    }

    fn fault(&mut self, reason: &str) -> StreamStep {
        self.faults += 1;
        if self.faults > MAX_FAULTS {
            let told = format!("more than {MAX_FAULTS} packets in a row are bad: {reason}");
            return StreamStep::Failed(told);
        }
        StreamStep::More
    }
}

fn decoder_of(reader: &dyn FormatReader) -> Result<(u32, Box<dyn AudioDecoder>), String> {
    let format = reader.format_info().short_name;
    let track = reader
        .default_track(TrackType::Audio)
        .ok_or_else(|| format!("no audio of a known codec in {format}"))?;
    let params = track.codec_params.as_ref().and_then(|params| params.audio());
    let params = params.ok_or_else(|| format!("no audio parameters in {format}"))?;
    // A stream has no beginning or end to cut.
    let options = AudioDecoderOptions::default().gapless(false);
    let decoder = symphonia::default::get_codecs()
        .make_audio_decoder(params, &options)
        .map_err(|error| format!("codec of {format} not decoded: {error}"))?;
    Ok((track.id, decoder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;
    use std::process::Command;

    /// The same Ogg file over and over, as a sender chains streams.
    struct Chained {
        file: Cursor<Vec<u8>>,
        left: usize,
    }

    impl Read for Chained {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let count = self.file.read(out)?;
            if count > 0 || self.left == 0 {
                return Ok(count);
            }
            self.left -= 1;
            self.file.set_position(0);
            self.file.read(out)
        }
    }

    /// A tenth of a second of Vorbis with a comment of so many bytes.
    fn vorbis(comment: usize) -> Vec<u8> {
        let comment = format!("comment={}", "x".repeat(comment));
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", "sine=duration=0.1:sample_rate=48000"])
            .args(["-c:a", "libvorbis", "-metadata", &comment, "-f", "ogg", "-"])
            .output()
            .expect("ffmpeg runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        made.stdout
    }

    /// FLAC whose comments never end, within 64 MiB.
    struct Chatter {
        next: Vec<u8>,
        read: Arc<AtomicUsize>,
    }

    impl Read for Chatter {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            if self.next.is_empty() && self.read.load(Ordering::Relaxed) < 64 << 20 {
                let comment = [4, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
                self.next = comment.repeat(1_000);
            }
            let count = out.len().min(self.next.len());
            out[..count].copy_from_slice(&self.next[..count]);
            self.next.drain(..count);
            self.read.fetch_add(count, Ordering::Relaxed);
            Ok(count)
        }
    }

    #[test]
    fn a_stream_that_only_speaks_of_itself_is_given_up() {
        let mut next = b"fLaC\0\0\0\x22\x10\0\x10\0\0\0\0\0\0\0\x0b\xb8\x02\xf0".to_vec();
        next.resize(4 + 4 + 34, 0);
        let read = Arc::new(AtomicUsize::new(0));
        let opened = StreamDecoder::open(Box::new(Chatter { next, read: read.clone() }));
        assert!(opened.is_err_and(|reason| reason.contains("8 MiB")));
        let read = read.load(Ordering::Relaxed);
        assert!((SILENT_BYTES..2 * SILENT_BYTES).contains(&read), "{read} bytes");
    }

    #[test]
    fn what_a_thousand_chained_streams_say_of_themselves_is_not_kept() {
        let (comment, streams) = (100_000, 1_000);
        let file = vorbis(comment);
        assert!(file.len() > comment);
        let chained = Chained { file: Cursor::new(file), left: streams - 1 };
        let mut decoder = StreamDecoder::open(Box::new(chained)).expect("is known");
        let (mut frames, mut heard) = (Vec::new(), 0);
        loop {
            frames.clear();
            let step = decoder.next(&mut frames);
            heard += frames.len();
            match step {
                StreamStep::More => {}
                StreamStep::Ended => break,
                StreamStep::Failed(reason) => panic!("{reason}"),
            }
        }
        assert!(heard > streams * 4_000, "{heard} frames");
        let mut kept = 0;
        while decoder.reader.metadata().pop().is_some() {
            kept += 1;
        }
        assert!(kept <= 1, "{kept} comments are kept");
    }
}
