//! One voice of the mix: its source, its gain over time, and when it ends.
//!
//! Every gain is a function of the air frame alone, so that it does not depend on how a programme
//! is cut into blocks, nor on an underrun. Nothing here allocates.

use crate::command::{EndCause, MixError, Report, Role, Start, VoiceEvent};
use crate::dsp::silence::{SilenceSense, SilenceSettings, SilenceWord};
use crate::fade::{fade_in_gain, fade_out_gain};
use crate::{AirFrame, BLOCK, FadeCurve, Frame, Got, SourceState};

/// Frames over which a gain moves (10 ms): soon enough to follow, slow enough not to click.
const GAIN_RAMP: i64 = 480;
/// Fade-outs that may be open on a voice (planned, skipped, taken over, emergency).
const MAX_FADES: usize = 4;
/// Gain moves that may be planned ahead on a voice.
const MAX_GAINS: usize = 8;

#[derive(Clone, Copy)]
struct FadeOut {
    at: AirFrame,
    frames: i64,
    curve: FadeCurve,
}

#[derive(Clone, Copy)]
struct GainMove {
    at: AirFrame,
    gain: f32,
}

/// The gain before fades: in a straight line from `from` to `to`, beginning at frame `at`.
#[derive(Clone, Copy)]
struct Ramp {
    at: AirFrame,
    from: f32,
    to: f32,
}

impl Ramp {
    fn gain(&self, frame: AirFrame) -> f32 {
        let index = frame.since(self.at).saturating_add(1);
        if index >= GAIN_RAMP {
            return self.to;
        }
        self.from + (self.to - self.from) * (index.max(0) as f32 / GAIN_RAMP as f32)
    }
}

/// What a block left of a voice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rendered {
    Waiting,
    Sounding,
    Over,
}

/// Room that all voices share while they render.
pub(crate) struct Scratch {
    frames: [Frame; BLOCK],
    gains: [f32; BLOCK],
}

impl Scratch {
    pub(crate) const fn new() -> Self {
        Self { frames: [[0.0; 2]; BLOCK], gains: [0.0; BLOCK] }
    }
}

pub(crate) struct Voice {
    start: Box<Start>,
    begun: Option<AirFrame>,
    aired: i64,
    ramp: Ramp,
    /// Planned gain moves in order of time; the first `planned` count.
    moves: [GainMove; MAX_GAINS],
    planned: usize,
    fades: [Option<FadeOut>; MAX_FADES],
    stop: Option<AirFrame>,
    sense: Option<SilenceSense>,
    /// A silence was told, and is over without the sense's word.
    unsaid: bool,
}

impl Voice {
    pub(crate) fn new(start: Box<Start>, silence: Option<SilenceSettings>) -> Self {
        let ramp = Ramp { at: AirFrame(i64::MIN), from: start.gain, to: start.gain };
        let start_watched = start.watched;
        Self {
            start,
            begun: None,
            aired: 0,
            ramp,
            moves: [GainMove { at: AirFrame(0), gain: 0.0 }; MAX_GAINS],
            planned: 0,
            fades: [None; MAX_FADES],
            stop: None,
            sense: silence.filter(|_| start_watched).map(SilenceSense::new),
            unsaid: false,
        }
    }

    pub(crate) fn role(&self) -> Role {
        self.start.role
    }

    /// Listens for silence in another way from here on.
    pub(crate) fn watch(&mut self, silence: Option<SilenceSettings>) {
        self.unsaid |= self.is_silent();
        self.sense = silence.filter(|_| self.start.watched).map(SilenceSense::new);
    }

    fn is_silent(&self) -> bool {
        self.sense.as_ref().is_some_and(SilenceSense::is_silent)
    }

    pub(crate) fn id(&self) -> u64 {
        self.start.voice
    }

    pub(crate) fn begun(&self) -> bool {
        self.begun.is_some()
    }

    pub(crate) fn into_start(self) -> Box<Start> {
        self.start
    }

    pub(crate) fn fade_out(
        &mut self,
        at: AirFrame,
        frames: i64,
        curve: FadeCurve,
    ) -> Result<(), MixError> {
        let voice = self.id();
        let Some(free) = self.fades.iter_mut().find(|fade| fade.is_none()) else {
            return Err(MixError::TooManyCommands { voice, what: "FadeOut", limit: MAX_FADES });
        };
        *free = Some(FadeOut { at, frames, curve });
        Ok(())
    }

    pub(crate) fn stop(&mut self, at: AirFrame) {
        self.stop = Some(self.stop.map_or(at, |earlier| earlier.min(at)));
    }

    pub(crate) fn set_gain(&mut self, at: AirFrame, gain: f32) -> Result<(), MixError> {
        if self.planned == MAX_GAINS {
            let voice = self.id();
            return Err(MixError::TooManyCommands { voice, what: "SetGain", limit: MAX_GAINS });
        }
        let place = self.moves[..self.planned].partition_point(|other| other.at <= at);
        self.moves.copy_within(place..self.planned, place + 1);
        self.moves[place] = GainMove { at, gain };
        self.planned += 1;
        Ok(())
    }

    /// Takes back every command for `now` or later.
    pub(crate) fn forget_from(&mut self, now: AirFrame) {
        self.planned = self.moves[..self.planned].partition_point(|planned| planned.at < now);
        for fade in &mut self.fades {
            if fade.is_some_and(|fade| fade.at >= now) {
                *fade = None;
            }
        }
        if self.stop.is_some_and(|at| at >= now) {
            self.stop = None;
        }
    }

    /// The timeline moves from `now` on to `to`: fades planned in between begin at `to`.
    pub(crate) fn jump(&mut self, now: AirFrame, to: AirFrame) {
        for fade in self.fades.iter_mut().flatten() {
            if fade.at >= now {
                fade.at = fade.at.max(to);
            }
        }
    }

    /// Adds the block that begins at `block` to `out`.
    pub(crate) fn render(
        &mut self,
        block: AirFrame,
        out: &mut [Frame; BLOCK],
        scratch: &mut Scratch,
        report: &mut Report,
    ) -> Rendered {
        let block_end = block.plus(BLOCK as i64);
        let first = self.begun.unwrap_or(self.start.at.max(block));
        let from = first.max(block);
        let end = self.end(first);
        if std::mem::take(&mut self.unsaid) {
            report.events.push(VoiceEvent::Heard { voice: self.id(), at: from });
        }
        if let Some((at, cause)) = end
            && at <= from
        {
            return self.over_unheard(at.max(block), block_end, cause, report);
        }
        if from >= block_end {
            return Rendered::Waiting;
        }
        let voice = self.id();
        if self.begun.is_none() {
            self.begun = Some(from);
            report.events.push(VoiceEvent::Started { voice, at: from });
        }
        let to = end.map_or(block_end, |(at, _)| at.min(block_end));
        let asked = to.since(from) as usize;
        let got = self.read(from, asked, scratch, report);
        self.add(from, first, &mut out[from.since(block) as usize..], got.frames, scratch);
        self.aired += got.frames as i64;
        report.active_voices += 1;
        let held = self.start.source.buffered();
        report.buffered = report.buffered.into_iter().chain(held).min();
        let reached = end.filter(|&(at, _)| at <= block_end);
        let over = match got.state {
            SourceState::More => reached,
            _ if got.frames == asked && reached.is_some() => reached,
            SourceState::Ended => Some((from.plus(got.frames as i64), EndCause::SourceEnded)),
            SourceState::Failed => Some((from.plus(got.frames as i64), EndCause::SourceFailed)),
        };
        let Some((at, cause)) = over else { return Rendered::Sounding };
        self.end_silence(at, report);
        report.events.push(VoiceEvent::Ended { voice, at, frames: self.aired, cause });
        Rendered::Over
    }

    /// The voice's end falls on or before its next frame.
    fn over_unheard(
        &self,
        at: AirFrame,
        block_end: AirFrame,
        cause: EndCause,
        report: &mut Report,
    ) -> Rendered {
        if at >= block_end {
            return Rendered::Waiting;
        }
        let (voice, frames) = (self.id(), self.aired);
        self.end_silence(at, report);
        report.events.push(VoiceEvent::Ended { voice, at, frames, cause });
        Rendered::Over
    }

    /// A silence that was told ends with the voice.
    fn end_silence(&self, at: AirFrame, report: &mut Report) {
        if self.is_silent() {
            report.events.push(VoiceEvent::Heard { voice: self.id(), at });
        }
    }

    /// The frame after the last by command or length, whichever comes first.
    fn end(&self, first: AirFrame) -> Option<(AirFrame, EndCause)> {
        let stop = self.stop.map(|at| (at, EndCause::Stopped));
        let length = self.start.length.map(|n| (first.plus(n), EndCause::LengthReached));
        let fades = self.fades.iter().flatten().map(|f| (f.at.plus(f.frames), EndCause::FadedOut));
        stop.into_iter().chain(fades).chain(length).min_by_key(|&(at, _)| at)
    }

    /// Reads into the scratch, with what is not finite zeroed and what is missing reported.
    fn read(
        &mut self,
        from: AirFrame,
        asked: usize,
        scratch: &mut Scratch,
        report: &mut Report,
    ) -> Got {
        let mut got = self.start.source.read(&mut scratch.frames[..asked]);
        got.frames = got.frames.min(asked);
        let voice = self.id();
        let count = self.start.source.take_non_finite()
            + zero_non_finite(&mut scratch.frames[..got.frames]);
        if count > 0 {
            report.events.push(VoiceEvent::NonFinite { voice, count });
        }
        let end = from.plus(got.frames as i64);
        match self.sense.as_mut().and_then(|sense| sense.listen(&scratch.frames[..got.frames])) {
            Some(SilenceWord::Silent { since_frames }) => {
                let since = end.plus(-i64::try_from(since_frames).unwrap_or(0));
                report.events.push(VoiceEvent::Silent { voice, since });
            }
            Some(SilenceWord::Restored) => report.events.push(VoiceEvent::Heard { voice, at: end }),
            None => {}
        }
        if got.state == SourceState::More && got.frames < asked {
            let at = from.plus(got.frames as i64);
            let frames = (asked - got.frames) as i64;
            report.events.push(VoiceEvent::Underrun { voice, at, frames });
        }
        got
    }

    fn add(
        &mut self,
        from: AirFrame,
        first: AirFrame,
        out: &mut [Frame],
        frames: usize,
        scratch: &mut Scratch,
    ) {
        let to = from.plus(frames as i64);
        let sound = &scratch.frames[..frames];
        if let Some(gain) = self.steady_gain(from, to, first) {
            for (sum, frame) in out.iter_mut().zip(sound) {
                sum[0] += frame[0] * gain;
                sum[1] += frame[1] * gain;
            }
            return;
        }
        let gains = &mut scratch.gains[..frames];
        self.fill_gains(from, first, gains);
        for ((sum, frame), gain) in out.iter_mut().zip(sound).zip(gains) {
            sum[0] += frame[0] * *gain;
            sum[1] += frame[1] * *gain;
        }
    }

    /// The gain, if it is the same for all frames of `from..to`.
    fn steady_gain(&self, from: AirFrame, to: AirFrame, first: AirFrame) -> Option<f32> {
        let moving = from.since(self.ramp.at) < GAIN_RAMP
            || self.moves[..self.planned].first().is_some_and(|planned| planned.at < to)
            || from.since(first) < self.start.fade_in
            || self.fades.iter().flatten().any(|fade| fade.at < to);
        (!moving).then_some(self.ramp.to)
    }

    fn fill_gains(&mut self, from: AirFrame, first: AirFrame, gains: &mut [f32]) {
        for (index, gain) in gains.iter_mut().enumerate() {
            let frame = from.plus(index as i64);
            while self.planned > 0 && self.moves[0].at <= frame {
                let due = self.moves[0];
                // Where the gain stood one frame before, so that the move is without a step.
                let stood = self.ramp.gain(due.at.plus(-1));
                self.ramp = Ramp { at: due.at, from: stood, to: due.gain };
                self.moves.copy_within(1..self.planned, 0);
                self.planned -= 1;
            }
            *gain = self.ramp.gain(frame);
        }
        let (fade_in, curve) = (self.start.fade_in, self.start.curve);
        if from.since(first) < fade_in {
            for (index, gain) in gains.iter_mut().enumerate() {
                *gain *= fade_in_gain(curve, from.since(first) + index as i64, fade_in);
            }
        }
        for fade in self.fades.iter().flatten() {
            for (index, gain) in gains.iter_mut().enumerate() {
                let since = from.plus(index as i64).since(fade.at);
                *gain *= fade_out_gain(fade.curve, since, fade.frames);
            }
        }
    }
}

/// Replaces what is not finite by zero; the number of samples replaced.
pub(crate) fn zero_non_finite(frames: &mut [Frame]) -> u64 {
    // Magnitude bits rise with the magnitude and end in infinity, then NaN: one pass of integers.
    const INFINITY: i32 = f32::INFINITY.to_bits() as i32;
    let largest = frames
        .iter()
        .flatten()
        .fold(0, |largest: i32, sample| largest.max((sample.to_bits() & 0x7fff_ffff) as i32));
    if largest < INFINITY {
        return 0;
    }
    let mut count = 0;
    for sample in frames.iter_mut().flatten().filter(|sample| !sample.is_finite()) {
        *sample = 0.0;
        count += 1;
    }
    count
}
