//! Sound as a pure function: what leaves depends only on the sources, the commands and the frame.
//!
//! Reading order: [`source`] (what can be mixed), [`command`] and [`mixer`] (the mix itself),
//! [`fade`], [`dsp`], [`true_peak`], [`limiter`], [`meter`], then the file path [`decode`] →
//! [`resample`] → [`mod@file`] → [`clip`], beside it [`native`], then [`live`] (from outside), and
//! the helpers [`cue`] and [`tone`].
//! Upstream: air frames and fade curves of `grimnir-events`. Downstream: the engine's mix thread
//! and offline rendering. Not here: GStreamer, async, clocks, sockets, threads.
#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod command;
pub mod dsp;
pub mod fade;
pub mod limiter;
pub mod meter;
pub mod mixer;
pub mod source;
pub mod true_peak;
mod voice;

pub mod clip;
pub mod decode;
mod decoder;
mod downmix;
pub mod file;
pub mod native;
pub mod resample;

pub mod live;

pub mod cue;
pub mod tone;

pub use clip::{Clip, ClipSource};
pub use command::{
    Command, EndCause, MIX_SUM, MixError, MixGains, Report, Role, Start, VoiceEvent,
};
pub use cue::{CueMarks, CueSettings, Ending, find_cues};
pub use decode::{DecodeError, FileInfo};
pub use file::FileSource;
pub use grimnir_events::AirFrame;
pub use grimnir_events::station::FadeCurve;
pub use limiter::{Limiter, sum_with_ceiling};
pub use mixer::{MAX_VOICES, Mixer};
pub use native::NativeFile;
pub use source::{FrameSource, Got, Silence, SourceState};

/// Frames in one block (10 ms).
pub const BLOCK: usize = grimnir_events::units::BLOCK_FRAMES as usize;
/// Frames per second of the mix.
pub const RATE: u32 = grimnir_events::units::FRAMES_PER_SECOND as u32;
/// One instant of sound: left and right, full scale ±1.0.
pub type Frame = [f32; 2];
