//! The words between an engine and its mixer: commands in, a report per block out.

use crate::{AirFrame, FadeCurve, FrameSource, MAX_VOICES};

/// The voice id under which the sum itself is reported ([`VoiceEvent::NonFinite`]).
pub const MIX_SUM: u64 = u64::MAX;

/// What the mixer is told. Each takes effect on the exact frame `at`, or on the first frame of
/// the next block if that has passed.
pub enum Command {
    /// Adds a voice.
    Start(Box<Start>),
    /// Fades a voice to nothing: the gain begins to fall at `at`; the voice ends at `at + frames`.
    ///
    /// Several fades of one voice multiply, so a new one never makes the gain jump; the one that
    /// is over first ends the voice.
    FadeOut {
        /// The voice.
        voice: u64,
        /// First frame of the fade.
        at: AirFrame,
        /// Length of the fade; 0 ends the voice at `at`.
        frames: i64,
        /// Shape of the fade.
        curve: FadeCurve,
    },
    /// Ends a voice at `at` without a fade.
    Stop {
        /// The voice.
        voice: u64,
        /// The first frame that the voice no longer sounds in.
        at: AirFrame,
    },
    /// Moves a voice's gain to `gain`, in a straight line over 10 ms.
    SetGain {
        /// The voice.
        voice: u64,
        /// First frame of the move.
        at: AirFrame,
        /// The gain it arrives at, as a factor.
        gain: f32,
    },
}

impl Command {
    /// The voice that it is about.
    pub fn voice(&self) -> u64 {
        match self {
            Self::Start(start) => start.voice,
            Self::FadeOut { voice, .. }
            | Self::Stop { voice, .. }
            | Self::SetGain { voice, .. } => *voice,
        }
    }

    /// The frame that it is for.
    pub fn at(&self) -> AirFrame {
        match self {
            Self::Start(start) => start.at,
            Self::FadeOut { at, .. } | Self::Stop { at, .. } | Self::SetGain { at, .. } => *at,
        }
    }
}

/// A voice to be added.
pub struct Start {
    /// Its id; unique among the voices that the mixer holds.
    pub voice: u64,
    /// Its first frame on air.
    pub at: AirFrame,
    /// Where its frames come from.
    pub source: Box<dyn FrameSource>,
    /// Its gain, as a factor.
    pub gain: f32,
    /// Frames over which it fades in from its real first frame.
    pub fade_in: i64,
    /// Shape of the fade-in.
    pub curve: FadeCurve,
    /// It ends after so many frames on air, if the source has not ended before.
    pub length: Option<i64>,
    /// What it is to the others.
    pub role: Role,
    /// Its source is listened to, before its gain, by the silence sense that is set for sources.
    pub watched: bool,
}

/// What a voice is to the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Role {
    /// Programme; it goes down while somebody speaks over it.
    #[default]
    Programme,
    /// It speaks over the programme, which makes way while it is heard.
    Over,
}

/// Why a voice is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndCause {
    /// Its source had no more frames.
    SourceEnded,
    /// [`Start::length`] frames were on air.
    LengthReached,
    /// A fade-out came to its end.
    FadedOut,
    /// A [`Command::Stop`].
    Stopped,
    /// Its source failed; the source says why.
    SourceFailed,
}

/// What happened to a voice within a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VoiceEvent {
    /// It sounded for the first time, at this frame.
    Started {
        /// The voice.
        voice: u64,
        /// Its real first frame.
        at: AirFrame,
    },
    /// It is over.
    Ended {
        /// The voice.
        voice: u64,
        /// The frame after its last.
        at: AirFrame,
        /// Frames of its source that went on air.
        frames: i64,
        /// Why.
        cause: EndCause,
    },
    /// Samples were NaN or infinite; they were replaced by zero.
    NonFinite {
        /// The voice, or [`MIX_SUM`] when only the sum of all voices was not finite.
        voice: u64,
        /// How many samples.
        count: u64,
    },
    /// The source had no frames in time; silence took their place.
    Underrun {
        /// The voice.
        voice: u64,
        /// First missing frame.
        at: AirFrame,
        /// How many were missing.
        frames: i64,
    },
    /// Its source has been silent for the time that is set.
    Silent {
        /// The voice.
        voice: u64,
        /// First frame of the silence.
        since: AirFrame,
    },
    /// Its source is heard again.
    Heard {
        /// The voice.
        voice: u64,
        /// Frame after those it was known by.
        at: AirFrame,
    },
}

/// What one rendered block was like.
#[derive(Clone, Debug)]
pub struct Report {
    /// What happened, in the order of the voices.
    pub events: Vec<VoiceEvent>,
    /// Voices that sounded in this block.
    pub active_voices: usize,
    /// Least that a sounding source holds ready; `None` where none waits for anything.
    pub buffered: Option<i64>,
}

/// Started, NonFinite, Underrun, a word on silence and Ended once per voice and block, and one for
/// the sum.
const MAX_EVENTS: usize = 5 * MAX_VOICES + 1;

impl Report {
    /// An empty report with room for everything that a block can bring.
    pub fn new() -> Self {
        Self { events: Vec::with_capacity(MAX_EVENTS), active_voices: 0, buffered: None }
    }

    pub(crate) fn clear(&mut self) {
        self.events.clear();
        self.active_voices = 0;
        self.buffered = None;
    }
}

impl Default for Report {
    fn default() -> Self {
        Self::new()
    }
}

/// Why the mixer did not take a command. A refused [`Start`] goes to
/// [`crate::Mixer::take_finished`], so that its source is not dropped on the mix thread.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum MixError {
    /// All voices are taken.
    #[error("voice {voice}: {MAX_VOICES} voices are in use, the limit is {MAX_VOICES}")]
    TooManyVoices {
        /// The voice refused.
        voice: u64,
    },
    /// Ended voices were not taken away.
    #[error("voice {voice}: {waiting} ended voices wait to be taken, the limit is {limit}")]
    TooManyFinished {
        /// The voice refused.
        voice: u64,
        /// Ended voices that wait.
        waiting: usize,
        /// How many may wait.
        limit: usize,
    },
    /// The voice holds as many open commands of this kind as it can.
    #[error("voice {voice}: {limit} {what} commands are open, the limit is {limit}")]
    TooManyCommands {
        /// The voice.
        voice: u64,
        /// Which kind.
        what: &'static str,
        /// How many can be open.
        limit: usize,
    },
    /// The id is in use, or reserved for the sum.
    #[error("voice {voice} exists already")]
    VoiceExists {
        /// The voice refused.
        voice: u64,
    },
    /// No such voice: it has ended, or never was.
    #[error("voice {voice} is not in the mix")]
    UnknownVoice {
        /// The voice named.
        voice: u64,
    },
    /// A gain below zero or not finite.
    #[error("voice {voice}: gain is {gain}, it must be finite and at least 0")]
    Gain {
        /// The voice.
        voice: u64,
        /// The gain found.
        gain: f32,
    },
    /// A length below zero.
    #[error("voice {voice}: {what} is {frames} frames, it must be at least 0")]
    Frames {
        /// The voice.
        voice: u64,
        /// Which length.
        what: &'static str,
        /// The length found.
        frames: i64,
    },
}
