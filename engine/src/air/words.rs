//! What the mix thread is told, and what it says.

use super::bus::Shape;
use grimnir_events::AirFrame;
use grimnir_mix::dsp::Chain;
use grimnir_mix::dsp::silence::SilenceWord;
use grimnir_mix::meter::Measured;
use grimnir_mix::{Command, MixError, Start, VoiceEvent};

/// What the mix thread is told.
pub enum AirCommand {
    /// A voice that begins in its file at `from_frame`.
    Start {
        /// First frame of the file.
        from_frame: i64,
        /// It enters behind everything that delays.
        urgent: bool,
        /// The voice.
        start: Box<Start>,
    },
    /// Anything else for the mixer.
    Mix(Command),
    /// Takes back what is planned for a voice.
    Cancel(u64),
    /// Shapes the programme in another way.
    Bus(Shape),
    /// Ends the thread.
    Quit,
}

/// What the mix thread says.
pub enum AirReport {
    /// Something happened to a voice.
    Voice {
        /// What.
        event: VoiceEvent,
        /// CLOCK_MONOTONIC when the block was rendered.
        mixed_ns: i64,
    },
    /// A command was refused.
    Refused {
        /// Why, and which voice.
        error: MixError,
    },
    /// A voice that is over, to be dropped where it does not matter; `failure` says why it failed.
    Finished {
        /// The voice with its source.
        start: Box<Start>,
    },
    /// A chain that is over, to be dropped where it does not matter.
    Retired {
        /// The chain.
        chain: Box<Chain>,
    },
    /// A silence sense of the programme spoke up.
    Silence {
        /// What it said.
        word: SilenceWord,
        /// Frame behind the block it said it at.
        at: AirFrame,
    },
    /// A voice that is over was measured as it left.
    Measured {
        /// The voice.
        voice: u64,
        /// Frame after its last.
        at: AirFrame,
        /// What was measured.
        measured: Measured,
    },
    /// The air moved on over a stall.
    Stalled {
        /// First frame that was not rendered.
        from: AirFrame,
        /// Frame it went on at.
        to: AirFrame,
    },
}
