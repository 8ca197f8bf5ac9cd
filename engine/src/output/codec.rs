//! An encoder element of GStreamer, driven like a function: samples in, encoded packets out.
//!
//! The element stands between two pads of ours and runs on the caller's thread: no queue, no
//! thread and no clock of its own, so that one wake-up of the caller is all it costs.
//! Upstream: `encoder`. Not here: which mounts get the bytes.

use super::ogg::Packet;
use grimnir_events::station::MountFormat;
use grimnir_mix::Frame;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

/// Sample rate of the programme.
const RATE: i32 = 48_000;

/// Room for what an encoder gathers at a time: fifteen blocks of 480 frames in 32 bit stereo.
const USUAL_BYTES: usize = 15 * 480 * 8;

/// What came out of an element.
#[derive(Default)]
pub struct Taken {
    /// Packets that the stream begins with; only once, before the first of `packets`.
    pub head: Vec<Vec<u8>>,
    /// Encoded packets, as the element cut them.
    pub packets: Vec<Packet>,
}

/// A running encoder element; shut down when dropped.
pub struct Codec {
    element: gst::Element,
    /// Ours, feeding the element.
    feed: gst::Pad,
    /// Ours, taking what it makes; held so that it stays linked.
    _taken: gst::Pad,
    out: Arc<Mutex<Taken>>,
    bus: gst::Bus,
    floats: bool,
    /// What samples are multiplied by, so that they come out as they went in.
    gain: f32,
    frames: u64,
}

impl Codec {
    /// The encoder of `format` at a bit rate, which FLAC does not have.
    pub fn new(format: MountFormat, kbps: u16) -> Result<Self, String> {
        ready()?;
        let bits = i32::from(kbps) * 1_000;
        let make = gst::ElementFactory::make;
        let (element, floats) = match format {
            MountFormat::Mp3 => {
                let lame = make("lamemp3enc").property_from_str("target", "bitrate");
                (lame.property("cbr", true).property("bitrate", i32::from(kbps)), false)
            }
            MountFormat::AacLc => (make("avenc_aac").property("bitrate", bits), true),
            MountFormat::Opus => {
                let opus = make("opusenc").property_from_str("bitrate-type", "constrained-vbr");
                (opus.property("bitrate", bits), false)
            }
            MountFormat::Vorbis => (make("vorbisenc").property("bitrate", bits), true),
            // A stream has no end, and so no table of places to seek to.
            MountFormat::Flac => (make("flacenc").property("seekpoints", 0), false),
        };
        let mut codec = Self::start(element.build().map_err(|error| error.to_string())?, floats)?;
        if format == MountFormat::Mp3 {
            codec.gain = 1.0 / lame_scale(kbps);
        }
        Ok(codec)
    }

    fn start(element: gst::Element, floats: bool) -> Result<Self, String> {
        let name = element.name().to_string();
        let out = Arc::new(Mutex::new(Taken::default()));
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
        let codec = Self { element, feed, _taken: taken, out, bus, floats, gain: 1.0, frames: 0 };
        codec.element.set_state(gst::State::Playing).map_err(|error| error.to_string())?;
        codec.announce()?;
        Ok(codec)
    }

    /// What every stream begins with: its id, its format, its time.
    fn announce(&self) -> Result<(), String> {
        let caps = gst::Caps::builder("audio/x-raw")
            .field("format", if self.floats { "F32LE" } else { "S16LE" })
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

    /// Encodes these frames; answers what they complete.
    pub fn encode<'a>(&mut self, frames: impl Iterator<Item = &'a Frame>) -> Result<Taken, String> {
        let mut bytes = Vec::with_capacity(USUAL_BYTES);
        let mut count = 0;
        // By one closure: of many blocks in a row a loop over the iterator asks at every frame
        // which block it is in.
        frames.for_each(|frame| {
            count += 1;
            if self.floats {
                frame.iter().for_each(|sample| bytes.extend_from_slice(&sample.to_le_bytes()));
            } else {
                let [[a, b], [c, d]] = frame.map(|s| to_i16(s * self.gain).to_le_bytes());
                bytes.extend_from_slice(&[a, b, c, d]);
            }
        });
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

    /// Says that nothing follows; answers what the element still held.
    pub fn finish(&mut self) -> Result<Taken, String> {
        let drained = self.feed.push_event(gst::event::Eos::new());
        match self.failure() {
            Some(reason) => Err(reason),
            None if !drained => Err("the encoder did not take its end".to_owned()),
            None => {
                Ok(std::mem::take(&mut *self.out.lock().unwrap_or_else(PoisonError::into_inner)))
            }
        }
    }

    /// Frames of sound that were given to it so far.
    pub fn frames(&self) -> i64 {
        self.frames as i64
    }

    /// What the element itself says went wrong.
    fn failure(&self) -> Option<String> {
        failure_of(&self.bus)
    }
}

/// Waits until GStreamer has started, which whoever needs it first has it do: neither the mix nor
/// listeners wait for it.
pub fn ready() -> Result<(), String> {
    gst::init().map_err(|error| format!("GStreamer cannot start: {error}"))
}

/// GStreamer starts beside the programme, which does not wait for it: encoders do.
pub fn warm_up() {
    let start = || {
        if let Err(reason) = ready() {
            tracing::error!(reason, "no output will give sound");
        }
    };
    // Without a thread of its own it starts with the first encoder.
    let _ = std::thread::Builder::new().name("gstreamer".into()).spawn(start);
}

/// What LAME 3.100 itself multiplies samples by at a bit rate, against decoders that clip: the
/// programme is limited before, and a mount is to sound as loud as the others.
fn lame_scale(kbps: u16) -> f32 {
    match kbps {
        ..=160 => 0.95,
        192 => 0.97,
        224 => 0.98,
        _ => 1.0,
    }
}

/// The first thing that an element says went wrong.
pub(crate) fn failure_of(bus: &gst::Bus) -> Option<String> {
    match bus.pop_filtered(&[gst::MessageType::Error])?.view() {
        gst::MessageView::Error(error) => Some(error.error().to_string()),
        _ => None,
    }
}

impl Drop for Codec {
    fn drop(&mut self) {
        let _ = self.feed.set_active(false);
        let _ = self.element.set_state(gst::State::Null);
    }
}

/// A pad that keeps what is pushed to it in `out`.
fn taking_pad(out: Arc<Mutex<Taken>>) -> gst::Pad {
    let told = out.clone();
    gst::Pad::builder(gst::PadDirection::Sink)
        .name("taken")
        .chain_function(move |_, _, buffer| {
            // Vorbis and FLAC push their headers as well as naming them, FLAC not as Ogg has them.
            if buffer.flags().contains(gst::BufferFlags::HEADER) {
                return Ok(gst::FlowSuccess::Ok);
            }
            let map = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
            let packet = Packet { bytes: map.to_vec(), granule: buffer.offset_end() };
            out.lock().unwrap_or_else(PoisonError::into_inner).packets.push(packet);
            Ok(gst::FlowSuccess::Ok)
        })
        .event_function(move |_, _, event| {
            if let gst::EventView::Caps(caps) = event.view() {
                let head = stream_head(caps.caps());
                told.lock().unwrap_or_else(PoisonError::into_inner).head = head;
            }
            true
        })
        .build()
}

/// The packets that a format's description says a stream begins with.
fn stream_head(caps: &gst::CapsRef) -> Vec<Vec<u8>> {
    let named = caps.structure(0).and_then(|s| s.get::<gst::Array>("streamheader").ok());
    let bytes = |value: &gst::glib::SendValue| {
        let buffer = value.get::<gst::Buffer>().ok()?;
        Some(buffer.map_readable().ok()?.to_vec())
    };
    named.map(|array| array.as_slice().iter().filter_map(bytes).collect()).unwrap_or_default()
}

/// Nearest 16-bit value. The programme is limited before, so that only a fault would clip here.
pub(super) fn to_i16(sample: f32) -> i16 {
    let scaled = sample * 32_767.0;
    // `as` saturates, and takes what is not a number for zero.
    if scaled >= 0.0 { (scaled + 0.5) as i16 } else { (scaled - 0.5) as i16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_that_takes_nothing_is_an_error_not_a_silence() {
        gst::init().expect("GStreamer is installed");
        let mut codec = Codec::new(MountFormat::Mp3, 128).expect("LAME is installed");
        codec.element.set_state(gst::State::Null).expect("it stops");
        assert!(codec.encode([[0.0; 2]; 480].iter()).is_err());
    }
}
