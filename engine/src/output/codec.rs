//! An encoder element of GStreamer, driven like a function: samples in, encoded bytes out.
//!
//! The element stands between two pads of ours and runs on the caller's thread: no queue, no
//! thread and no clock of its own, so that one wake-up of the caller is all it costs.
//! Upstream: `encoder`. Not here: which mounts get the bytes.

use grimnir_mix::Frame;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

/// Sample rate of the programme.
const RATE: i32 = 48_000;

/// Room for what an encoder gathers at a time: five blocks of 480 frames in 16 bit stereo.
const USUAL_BYTES: usize = 5 * 480 * 4;
/// Samples of an MPEG-1 layer III frame.
const MP3_SAMPLES: i64 = 1_152;
/// By so much a decoder's output is behind what LAME was given: 576 samples of its own look-ahead
/// and 529 of every decoder's filter bank.
const MP3_DELAY: i64 = 576 + 529;

/// A running encoder element; shut down when dropped.
pub struct Codec {
    element: gst::Element,
    /// Ours, feeding the element.
    feed: gst::Pad,
    /// Ours, taking what it makes; held so that it stays linked.
    _taken: gst::Pad,
    out: Arc<Mutex<Vec<u8>>>,
    bus: gst::Bus,
    frames: u64,
}

impl Codec {
    /// LAME at a constant bit rate.
    pub fn mp3(kbps: u16) -> Result<Self, String> {
        let element = gst::ElementFactory::make("lamemp3enc")
            .property_from_str("target", "bitrate")
            .property("cbr", true)
            .property("bitrate", i32::from(kbps))
            .build()
            .map_err(|error| error.to_string())?;
        Self::start(element)
    }

    fn start(element: gst::Element) -> Result<Self, String> {
        let name = element.name().to_string();
        let out = Arc::new(Mutex::new(Vec::new()));
        let feed = gst::Pad::builder(gst::PadDirection::Src).name("feed").build();
        let taken = taking_pad(out.clone());
        let pad = |side: &str| element.static_pad(side).ok_or(format!("{name} has no pad {side}"));
        let link = |from: &gst::Pad, to: &gst::Pad| {
            from.link(to).map_err(|error| format!("{name} cannot be linked: {error}"))
        };
        link(&feed, &pad("sink")?)?;
        link(&pad("src")?, &taken)?;
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        let inactive = |error: gst::glib::BoolError| error.to_string();
        taken.set_active(true).map_err(inactive)?;
        feed.set_active(true).map_err(inactive)?;
        let codec = Self { element, feed, _taken: taken, out, bus, frames: 0 };
        codec.element.set_state(gst::State::Playing).map_err(|error| error.to_string())?;
        codec.announce()?;
        Ok(codec)
    }

    /// What every stream begins with: its id, its format, its time.
    fn announce(&self) -> Result<(), String> {
        let caps = gst::Caps::builder("audio/x-raw")
            .field("format", "S16LE")
            .field("layout", "interleaved")
            .field("rate", RATE)
            .field("channels", 2)
            // Stereo without a mask is not negotiated by LAME.
            .field("channel-mask", gst::Bitmask::new(3))
            .build();
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        let events = [
            gst::event::StreamStart::new("programme"),
            gst::event::Caps::new(&caps),
            gst::event::Segment::new(&segment),
        ];
        for event in events {
            let what = event.type_();
            if !self.feed.push_event(event) {
                return Err(self.failure().unwrap_or(format!("the encoder refused {what:?}")));
            }
        }
        Ok(())
    }

    /// Encodes these frames; answers the bytes that they complete.
    pub fn encode<'a>(
        &mut self,
        frames: impl Iterator<Item = &'a Frame>,
    ) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::with_capacity(USUAL_BYTES);
        for sample in frames.flatten() {
            bytes.extend_from_slice(&to_i16(*sample).to_le_bytes());
        }
        let count = (bytes.len() / 4) as u64;
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::from_nseconds(self.frames * 62_500 / 3));
            buffer.set_duration(gst::ClockTime::from_nseconds(count * 62_500 / 3));
        }
        self.frames += count;
        let pushed = self.feed.push(buffer);
        if let Some(reason) = self.failure() {
            return Err(reason);
        }
        pushed.map_err(|flow| format!("encoder takes no more: {flow}"))?;
        Ok(std::mem::take(&mut *self.out.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Frames of sound that were given to it and that its first `whole` encoded frames do not hold.
    pub fn held_back(&self, whole: u64) -> i64 {
        self.frames as i64 - (whole as i64 * MP3_SAMPLES - MP3_DELAY).max(0)
    }

    /// What the element itself says went wrong.
    fn failure(&self) -> Option<String> {
        match self.bus.pop_filtered(&[gst::MessageType::Error])?.view() {
            gst::MessageView::Error(error) => Some(error.error().to_string()),
            _ => None,
        }
    }
}

impl Drop for Codec {
    fn drop(&mut self) {
        let _ = self.feed.set_active(false);
        let _ = self.element.set_state(gst::State::Null);
    }
}

/// A pad that keeps what is pushed to it in `out`.
fn taking_pad(out: Arc<Mutex<Vec<u8>>>) -> gst::Pad {
    gst::Pad::builder(gst::PadDirection::Sink)
        .name("taken")
        .chain_function(move |_, _, buffer| {
            let map = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
            out.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&map);
            Ok(gst::FlowSuccess::Ok)
        })
        .event_function(|_, _, _| true)
        .build()
}

/// Nearest 16-bit value. The programme is limited before, so that only a fault would clip here.
fn to_i16(sample: f32) -> i16 {
    let scaled = sample * 32_767.0;
    // `as` saturates, and takes what is not a number for zero.
    if scaled >= 0.0 { (scaled + 0.5) as i16 } else { (scaled - 0.5) as i16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_sound_becomes_a_second_of_whole_frames() {
        gst::init().expect("GStreamer is installed");
        let mut codec = Codec::mp3(128).expect("LAME is installed");
        let tone: Vec<Frame> = (0..48_000).map(|n| [(n as f32 * 0.05).sin() * 0.5; 2]).collect();
        let mut bytes = Vec::new();
        for part in tone.chunks(1_920) {
            bytes.extend(codec.encode(part.iter()).expect("it encodes"));
        }
        let frames = bytes.len() / 384;
        // Up to three frames of 24 ms stay in the encoder.
        assert!((38..=42).contains(&frames), "{frames} frames of 384 bytes in {}", bytes.len());
        assert_eq!(super::super::mp3::frame_length(&bytes), Some(384));
    }

    #[test]
    fn an_encoder_that_takes_nothing_is_an_error_not_a_silence() {
        gst::init().expect("GStreamer is installed");
        let mut codec = Codec::mp3(128).expect("LAME is installed");
        codec.element.set_state(gst::State::Null).expect("it stops");
        assert!(codec.encode([[0.0; 2]; 480].iter()).is_err());
    }
}
