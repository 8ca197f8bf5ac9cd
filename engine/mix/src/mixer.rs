//! The mixer: up to 16 voices summed block by block, commands carried out on the exact frame.
//!
//! Nothing here allocates or frees once [`Mixer::new`] has returned: ended voices wait in
//! [`Mixer::take_finished`] to be dropped on another thread. The sum is not clipped.
//!
//! Voices stand on two buses: programme, and what speaks over it ([`Role`]). The second is the
//! sidechain that lowers the first; then both are summed.

use crate::command::{Command, MIX_SUM, MixError, Report, Role, Start, VoiceEvent};
use crate::dsp::duck::{Duck, DuckSettings};
use crate::dsp::silence::SilenceSettings;
use crate::voice::{Rendered, Scratch, Voice, zero_non_finite};
use crate::{AirFrame, BLOCK, Frame};

/// Voices that the mixer holds at once, waiting ones included.
pub const MAX_VOICES: usize = 16;
/// Ended voices that may wait to be taken: four turns of all voices.
const MAX_FINISHED: usize = 4 * MAX_VOICES;

/// The mix of one programme.
pub struct Mixer {
    position: AirFrame,
    voices: Vec<Voice>,
    #[expect(clippy::vec_box, reason = "the box itself must be freed elsewhere")]
    finished: Vec<Box<Start>>,
    scratch: Box<Scratch>,
    over: Box<[Frame; BLOCK]>,
    duck: Duck,
    silence: Option<SilenceSettings>,
}

impl Mixer {
    /// A mixer whose first block begins at `start`.
    pub fn new(start: AirFrame) -> Self {
        Self {
            position: start,
            voices: Vec::with_capacity(MAX_VOICES),
            // A refused start waits here too.
            finished: Vec::with_capacity(MAX_FINISHED + 1),
            scratch: Box::new(Scratch::new()),
            over: Box::new([[0.0; 2]; BLOCK]),
            duck: Duck::new(DuckSettings::default()),
            silence: None,
        }
    }

    /// The programme makes way for what is over it in this way from here on.
    pub fn set_duck(&mut self, settings: DuckSettings) {
        self.duck.set(settings);
    }

    /// Sources of watched voices are listened to in this way from here on; `None`: not at all.
    pub fn set_silence(&mut self, settings: Option<SilenceSettings>) {
        if self.silence != settings {
            self.silence = settings;
            self.voices.iter_mut().for_each(|voice| voice.watch(settings));
        }
    }

    /// First frame of the next block.
    pub fn position(&self) -> AirFrame {
        self.position
    }

    /// Takes a command; it is carried out while the block that holds its frame is rendered.
    pub fn command(&mut self, command: Command) -> Result<(), MixError> {
        let now = self.position;
        match command {
            Command::Start(start) => self.start(start),
            Command::FadeOut { voice, at, frames, curve } => {
                check_frames(voice, "fade-out", frames)?;
                self.voice(voice)?.fade_out(at.max(now), frames, curve)
            }
            Command::Stop { voice, at } => {
                self.voice(voice)?.stop(at.max(now));
                Ok(())
            }
            Command::SetGain { voice, at, gain } => {
                check_gain(voice, gain)?;
                self.voice(voice)?.set_gain(at.max(now), gain)
            }
        }
    }

    /// Renders the next block. `report` tells what happened in it.
    pub fn render(&mut self, out: &mut [Frame; BLOCK], report: &mut Report) {
        out.fill([0.0; 2]);
        report.clear();
        if self.voices.is_empty() && self.duck.at_rest() {
            self.position = self.position.plus(BLOCK as i64);
            return;
        }
        // The sidechain is there while somebody may speak and until the programme is back.
        let spoken = self.voices.iter().any(|voice| voice.role() == Role::Over);
        let ducked = spoken || !self.duck.at_rest();
        if ducked {
            self.over.fill([0.0; 2]);
        }
        let mut index = 0;
        while index < self.voices.len() {
            let voice = &mut self.voices[index];
            let bus = match voice.role() {
                Role::Programme => &mut *out,
                Role::Over => &mut *self.over,
            };
            if voice.render(self.position, bus, &mut self.scratch, report) == Rendered::Over {
                self.finish(index);
            } else {
                index += 1;
            }
        }
        if ducked {
            // A sum that is no number would never leave the ducker's memory.
            zero_non_finite(&mut *self.over);
            self.duck.process(out, &*self.over);
            for (sum, over) in out.iter_mut().zip(self.over.iter()) {
                *sum = [sum[0] + over[0], sum[1] + over[1]];
            }
        }
        let count = zero_non_finite(out);
        if count > 0 {
            report.events.push(VoiceEvent::NonFinite { voice: MIX_SUM, count });
        }
        self.position = self.position.plus(BLOCK as i64);
    }

    /// Moves the timeline on after a stall: the next block begins at `to`.
    ///
    /// Sounding voices go on with the next frame of their source; their fades, gains and lengths
    /// stand where the air stands. What was to happen in between happens at `to`. Never back: an
    /// earlier `to` changes nothing.
    pub fn jump(&mut self, to: AirFrame) {
        if to > self.position {
            self.voices.iter_mut().for_each(|voice| voice.jump(self.position, to));
            self.position = to;
        }
    }

    /// Takes back what is planned for a voice: a voice that has not begun is removed without an
    /// event (true); one that sounds loses the fades, stops and gain moves that have not begun.
    pub fn cancel(&mut self, voice: u64) -> bool {
        let Some(index) = self.voices.iter().position(|v| v.id() == voice) else { return false };
        if self.voices[index].begun() {
            self.voices[index].forget_from(self.position);
            return false;
        }
        self.finish(index);
        true
    }

    /// An ended, cancelled or refused voice, to be dropped off the mix thread; call until `None`.
    pub fn take_finished(&mut self) -> Option<Box<Start>> {
        self.finished.pop()
    }

    fn start(&mut self, start: Box<Start>) -> Result<(), MixError> {
        let checked = self.check_start(&start);
        match checked {
            Ok(()) => self.voices.push(Voice::new(start, self.silence)),
            Err(_) if self.finished.len() < self.finished.capacity() => self.finished.push(start),
            // Nobody takes ended voices away: dropping here is the lesser evil.
            Err(_) => drop(start),
        }
        checked
    }

    fn check_start(&self, start: &Start) -> Result<(), MixError> {
        let voice = start.voice;
        if voice == MIX_SUM || self.voices.iter().any(|v| v.id() == voice) {
            return Err(MixError::VoiceExists { voice });
        }
        check_gain(voice, start.gain)?;
        check_frames(voice, "fade-in", start.fade_in)?;
        check_frames(voice, "length", start.length.unwrap_or(0))?;
        if self.voices.len() >= MAX_VOICES {
            return Err(MixError::TooManyVoices { voice });
        }
        let waiting = self.finished.len();
        if waiting + self.voices.len() >= MAX_FINISHED {
            return Err(MixError::TooManyFinished { voice, waiting, limit: MAX_FINISHED });
        }
        Ok(())
    }

    fn voice(&mut self, voice: u64) -> Result<&mut Voice, MixError> {
        self.voices.iter_mut().find(|v| v.id() == voice).ok_or(MixError::UnknownVoice { voice })
    }

    fn finish(&mut self, index: usize) {
        // Keeps the order of the others: the sum of floats depends on it.
        let start = self.voices.remove(index).into_start();
        self.finished.push(start);
    }
}

fn check_gain(voice: u64, gain: f32) -> Result<(), MixError> {
    if gain.is_finite() && gain >= 0.0 { Ok(()) } else { Err(MixError::Gain { voice, gain }) }
}

fn check_frames(voice: u64, what: &'static str, frames: i64) -> Result<(), MixError> {
    if frames >= 0 { Ok(()) } else { Err(MixError::Frames { voice, what, frames }) }
}
