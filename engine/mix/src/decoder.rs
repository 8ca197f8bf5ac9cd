//! From a file to frames at the file's own rate, at exactly known positions (symphonia).
//!
//! What the bytes are decides, never the file's name. A fault in a packet becomes silence of the
//! same length, so that what follows keeps its place; a panic in a decoder becomes a failure.
//! Downstream: [`crate::file`]. Not here: resampling.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_FLAC, CODEC_ID_MP3, CODEC_ID_VORBIS,
};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Symphonia;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, SeekMode, SeekTo, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::Timestamp;

use crate::Frame;
use crate::decode::{DecodeError, FileInfo};
use crate::downmix::Downmix;
use crate::resample::{MAX_RATE, MIN_RATE};

/// Most channels taken.
pub(crate) const MAX_CHANNELS: u32 = 32;
/// Undecodable packets in a row after which the rest of a file is given up (2.6 s of MP3).
const MAX_FAULTS: u32 = 100;
/// Longest hole in a file that silence may fill, in frames.
const MAX_HOLE: i64 = 480_000;

/// What a step of decoding brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    More,
    Ended,
    Failed(String),
}

/// A file being decoded at its own rate.
pub(crate) struct Decoder {
    path: PathBuf,
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    info: FileInfo,
    kind: Kind,
    downmix: Downmix,
    /// Frames that the file's header states, if it states them exactly.
    stated: Option<i64>,
    samples: Vec<f32>,
    /// Position of the next frame decoded; unknown just after a seek.
    position: Option<i64>,
    /// Time of the file's first packet, where packets carry a frame number.
    base: i64,
    /// Frames before this one are not handed out.
    goal: i64,
    /// Decoded while opening, handed out first.
    opening: Vec<Frame>,
    faults: u32,
    over: Option<Step>,
}

/// What differs between codecs.
struct Kind {
    /// Encoder delay and padding are cut here, by packet time, not in the decoder.
    cut_by_time: bool,
    /// Packet times are frame numbers that the packets themselves carry.
    numbered: bool,
    /// Packet times count frames of sound.
    seekable: bool,
    /// Frames decoded ahead of a seek's goal until the decoder's memory is as from the start.
    preroll: i64,
}

impl Kind {
    fn of(params: &AudioCodecParameters, track: &Track, format: &str) -> Self {
        let counts_frames = params.sample_rate.is_some_and(|rate| {
            track.time_base.is_some_and(|base| base.numer.get() == 1 && base.denom.get() == rate)
        });
        Self {
            cut_by_time: params.codec == CODEC_ID_MP3,
            numbered: params.codec == CODEC_ID_FLAC && format == "flac",
            seekable: counts_frames,
            preroll: match params.codec {
                // The bit reservoir reaches back 511 bytes, 22 frames at the lowest bitrate, and
                // the filters two more.
                CODEC_ID_MP3 => 32 * 1_152,
                CODEC_ID_VORBIS => 4 * 8_192,
                CODEC_ID_AAC => 8 * 1_024,
                _ => 0,
            },
        }
    }
}

impl Decoder {
    #[expect(clippy::disallowed_methods, reason = "the adapter that opens what is to be played")]
    pub(crate) fn open(path: &Path) -> Result<Self, DecodeError> {
        let file =
            File::open(path).map_err(|source| DecodeError::Io { path: path.to_owned(), source })?;
        let opened = catch_unwind(AssertUnwindSafe(|| Self::open_file(path, file)));
        opened.unwrap_or_else(|_| {
            Err(DecodeError::NotAudio {
                path: path.to_owned(),
                reason: "the decoder panicked while opening it".into(),
            })
        })
    }

    fn open_file(path: &Path, file: File) -> Result<Self, DecodeError> {
        let not_audio = |error: Symphonia| DecodeError::NotAudio {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let unsupported =
            |reason: String| DecodeError::Unsupported { path: path.to_owned(), reason };
        let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
        let reader = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(not_audio)?;
        let format = reader.format_info().short_name;
        let track = reader
            .default_track(TrackType::Audio)
            .ok_or_else(|| unsupported(format!("no audio track of a known codec in {format}")))?;
        let params = track
            .codec_params
            .as_ref()
            .and_then(|params| params.audio())
            .ok_or_else(|| unsupported(format!("no audio parameters in {format}")))?
            .clone();
        let is_mp3 = params.codec == CODEC_ID_MP3;
        let options = AudioDecoderOptions::default().gapless(!is_mp3);
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(&params, &options)
            .map_err(|error| unsupported(format!("codec of {format} not decoded: {error}")))?;
        let kind = Kind::of(&params, track, format);
        // Without a LAME tag the length of an MP3 is an estimate from its bitrate.
        let exact = !is_mp3 || track.padding.is_some();
        let stated = track.num_frames.filter(|_| exact).and_then(|n| i64::try_from(n).ok());
        let frame_bits =
            i64::from(params.bits_per_coded_sample.or(params.bits_per_sample).unwrap_or(16))
                * params.channels.as_ref().map_or(1, |channels| channels.count() as i64);
        // The header of a WAV that was written to a pipe holds the largest length there is.
        let endless = format == "wave"
            && stated.is_some_and(|n| n.saturating_mul(frame_bits) / 8 > 0xffff_0000);
        let stated = stated.filter(|_| !endless);
        let mut opened = Self {
            path: path.to_owned(),
            track: track.id,
            info: FileInfo { codec: decoder.codec_info().short_name.into(), rate: 0, channels: 0 },
            reader,
            decoder,
            kind,
            downmix: Downmix::none(),
            stated,
            samples: Vec::new(),
            position: Some(0),
            base: 0,
            goal: 0,
            opening: Vec::new(),
            faults: 0,
            over: None,
        };
        opened.decode_first_packet()?;
        Ok(opened)
    }

    /// A file counts as sound once some of it has been decoded.
    fn decode_first_packet(&mut self) -> Result<(), DecodeError> {
        let mut opening = Vec::new();
        while self.info.rate == 0 {
            match self.step(&mut opening) {
                Step::More => {}
                Step::Ended => return Err(self.not_audio("it holds no sound".into())),
                Step::Failed(reason) => return Err(self.not_audio(reason)),
            }
        }
        self.opening = opening;
        let FileInfo { rate, channels, .. } = self.info;
        if !(MIN_RATE..=MAX_RATE).contains(&rate) {
            return Err(DecodeError::Rate { path: self.path.clone(), rate });
        }
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(DecodeError::Channels { path: self.path.clone(), channels });
        }
        Ok(())
    }

    fn not_audio(&self, reason: String) -> DecodeError {
        DecodeError::NotAudio { path: self.path.clone(), reason }
    }

    pub(crate) fn info(&self) -> &FileInfo {
        &self.info
    }

    /// Frames at the file's rate, where its header states them exactly.
    pub(crate) fn stated_frames(&self) -> Option<i64> {
        self.stated
    }

    /// The next frame handed out is frame `goal`.
    pub(crate) fn seek(&mut self, goal: i64) -> Result<(), DecodeError> {
        self.goal = goal;
        let start = goal - self.kind.preroll;
        // Nearer than a second: decoding on is as quick and needs no trust in an index.
        let near = start - self.position.unwrap_or(0) < i64::from(self.info.rate);
        if near || !self.kind.seekable {
            return Ok(());
        }
        let ts = Timestamp::new(start + self.base);
        let to = SeekTo::Timestamp { ts, track_id: self.track };
        let sought = catch_unwind(AssertUnwindSafe(|| {
            let sought = self.reader.seek(SeekMode::Accurate, to);
            self.decoder.reset();
            sought
        }));
        match sought {
            Ok(Ok(place)) if place.actual_ts.get() <= ts.get() => {
                self.position = None;
                self.opening.clear();
                self.over = None;
            }
            // What cannot be sought is decoded from its start and thrown away.
            _ => {
                *self = Self::open(&self.path)?;
                self.goal = goal;
            }
        }
        Ok(())
    }

    /// Decodes a packet; its frames from the goal on are appended to `out`.
    pub(crate) fn next(&mut self, out: &mut Vec<Frame>) -> Step {
        if !self.opening.is_empty() {
            let from = usize::try_from(self.goal).unwrap_or(usize::MAX).min(self.opening.len());
            out.extend_from_slice(&self.opening[from..]);
            self.opening = Vec::new();
            return Step::More;
        }
        self.step(out)
    }

    fn step(&mut self, out: &mut Vec<Frame>) -> Step {
        if let Some(over) = &self.over {
            return over.clone();
        }
        let step = catch_unwind(AssertUnwindSafe(|| self.step_inner(out)))
            .unwrap_or_else(|_| Step::Failed("the decoder panicked".into()));
        if step != Step::More {
            self.over = Some(step.clone());
        }
        step
    }

    fn step_inner(&mut self, out: &mut Vec<Frame>) -> Step {
        let packet = match self.reader.next_packet() {
            Ok(Some(packet)) if packet.track_id != self.track => return Step::More,
            Ok(Some(packet)) => packet,
            Ok(None) => return self.end(),
            Err(Symphonia::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return self.end();
            }
            Err(Symphonia::ResetRequired) => {
                return Step::Failed("a second stream follows the first in the same file".into());
            }
            Err(error) => return Step::Failed(error.to_string()),
        };
        let decoded = match self.decoder.decode(&packet) {
            Ok(decoded) => decoded,
            Err(Symphonia::DecodeError(reason)) => return self.fault(&packet, reason, out),
            Err(Symphonia::IoError(_)) => {
                return self.fault(&packet, "a packet ends early", out);
            }
            Err(error) => return Step::Failed(error.to_string()),
        };
        let frames = decoded.frames() as i64;
        if frames == 0 {
            return Step::More;
        }
        let rate = decoded.spec().rate();
        let channels = decoded.spec().channels().count() as u32;
        if self.info.rate == 0 {
            self.info.rate = rate;
            self.info.channels = channels;
            self.downmix = Downmix::new(decoded.spec().channels());
            // A FLAC cut out of a stream begins with a later number.
            self.base = if self.kind.numbered { packet.pts.get() } else { 0 };
        }
        if (rate, channels) != (self.info.rate, self.info.channels) {
            let FileInfo { rate: old_rate, channels: old_channels, .. } = self.info;
            return Step::Failed(format!(
                "changes from {old_rate} Hz × {old_channels} to {rate} Hz × {channels} channels"
            ));
        }
        decoded.copy_to_vec_interleaved(&mut self.samples);
        self.faults = 0;
        let time = packet.pts.get() - self.base;
        let place = match self.position {
            Some(position) if !self.kind.numbered && !self.kind.cut_by_time => position,
            _ => time,
        };
        if let Err(failed) = self.fill_hole(place, out) {
            return failed;
        }
        let begin = out.len();
        self.downmix.append(&self.samples, channels as usize, out);
        self.cut(place, begin, out);
        self.position = Some(self.position.unwrap_or(place).max(place + frames));
        Step::More
    }

    /// Drops the frames appended from `begin` on (at `place`) that nobody is to hear: before the
    /// goal, already there, or encoder padding.
    fn cut(&self, place: i64, begin: usize, out: &mut Vec<Frame>) {
        if let Some(stated) = self.stated.filter(|_| self.kind.cut_by_time) {
            let keep = (stated - place).clamp(0, (out.len() - begin) as i64) as usize;
            out.truncate(begin + keep);
        }
        let from = self.goal.max(self.position.unwrap_or(place)).max(0);
        let drop = (from - place).clamp(0, (out.len() - begin) as i64) as usize;
        out.drain(begin..begin + drop);
    }

    /// Silence for frames that the file lost, so that `place` stays where it was.
    fn fill_hole(&mut self, place: i64, out: &mut Vec<Frame>) -> Result<(), Step> {
        let Some(position) = self.position.filter(|&position| position < place) else {
            return Ok(());
        };
        let hole = place - position;
        if hole > MAX_HOLE {
            return Err(Step::Failed(format!(
                "{hole} frames are missing at frame {position}, at most {MAX_HOLE} can be"
            )));
        }
        self.silence(position, hole, out);
        Ok(())
    }

    fn silence(&mut self, place: i64, frames: i64, out: &mut Vec<Frame>) {
        let begin = out.len();
        out.resize(begin + frames.max(0) as usize, [0.0; 2]);
        self.cut(place, begin, out);
        self.position = Some(place + frames);
    }

    fn fault(&mut self, packet: &Packet, reason: &str, out: &mut Vec<Frame>) -> Step {
        self.faults += 1;
        if self.faults > MAX_FAULTS {
            return Step::Failed(format!(
                "more than {MAX_FAULTS} packets in a row cannot be decoded: {reason}"
            ));
        }
        // A numbered packet's loss shows as a hole when the next one comes.
        if let Some(place) = self.position.filter(|_| self.kind.seekable && !self.kind.numbered) {
            let place = if self.kind.cut_by_time { packet.pts.get() } else { place };
            let frames = i64::try_from(packet.block_dur().get()).unwrap_or(0).min(MAX_HOLE);
            self.silence(place, frames, out);
        }
        Step::More
    }

    fn end(&self) -> Step {
        let position = self.position.unwrap_or(0);
        // Some MP3 encoders count the packet that holds the tag, and one that is only padding.
        let slack = if self.kind.cut_by_time { 2 * 1_152 } else { 0 };
        match self.stated {
            Some(stated) if position < stated - slack => Step::Failed(format!(
                "breaks off at frame {position} of {stated} (at {} Hz)",
                self.info.rate
            )),
            _ => Step::Ended,
        }
    }
}
