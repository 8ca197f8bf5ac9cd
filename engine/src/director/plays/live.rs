//! Plays of live inputs, and the bed under those that are heard over the programme.

use super::{NOW, Play, PlayState, Plays, Spec};
use crate::air::AirCommand;
use crate::air::guarded::Guarded;
use grimnir_events::station::FadeCurve;
use grimnir_mix::Command;
use grimnir_mix::live::LiveTap;

/// Gain of the programme under somebody who speaks over it: −12 dB.
const BED: f32 = 0.251_188_65;
/// Its way there and back, per turn of 20 ms: 0.8 dB, so 300 ms.
const BED_STEP: f32 = 1.096_478_2;

/// Gain of a play, as a factor.
pub(super) fn gain_of(spec: &Spec, bed: f32) -> f32 {
    let bed = if spec.over { 1.0 } else { bed };
    bed * 10f32.powf(spec.gain_db_x100 as f32 / 2_000.0)
}

impl Plays {
    /// Prepares what a live input holds: it is ready at once.
    pub fn prepare_live(&mut self, spec: Spec, tap: &LiveTap) -> u64 {
        self.add(spec, PlayState::Ready, Box::new(Guarded::new(tap.source())))
    }

    /// Hands a play over the programme to the mixer.
    pub fn commit_over(&mut self, voice: u64) {
        self.commit(voice, NOW, None, 0, FadeCurve::Linear);
    }

    /// The bed is on its way.
    pub fn bed_moves(&self) -> bool {
        self.bed < 1.0
    }

    /// Moves the bed on its way: down while something is heard over it.
    pub fn step_bed(&mut self) {
        let heard = |play: &Play| matches!(play.state, PlayState::Sounding { .. });
        let over = self.all.values().any(|play| play.spec.over && heard(play));
        let bed = match over {
            true => (self.bed / BED_STEP).max(BED),
            false => (self.bed * BED_STEP).min(1.0),
        };
        if bed == self.bed {
            return;
        }
        self.bed = bed;
        for (voice, play) in self.all.iter().filter(|(_, play)| heard(play) && !play.spec.over) {
            let (voice, gain) = (*voice, gain_of(&play.spec, bed));
            self.air.send(AirCommand::Mix(Command::SetGain { voice, at: NOW, gain }));
        }
    }
}
