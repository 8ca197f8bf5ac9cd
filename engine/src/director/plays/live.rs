//! Plays of live inputs.

use super::{NOW, PlayState, Plays, Spec};
use crate::air::guarded::Guarded;
use grimnir_events::station::FadeCurve;
use grimnir_mix::live::LiveTap;

impl Plays {
    /// Prepares what a live input holds: it is ready at once.
    pub fn prepare_live(&mut self, spec: Spec, tap: &LiveTap) -> u64 {
        self.add(spec, PlayState::Ready, Box::new(Guarded::new(tap.source())))
    }

    /// Hands a play over the programme to the mixer, whose sidechain it is.
    pub fn commit_over(&mut self, voice: u64) {
        self.commit(voice, NOW, None, 0, FadeCurve::Linear);
    }
}
