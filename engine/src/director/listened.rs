//! How many heard an item: counted a moment after it is over, once its last frames have left the
//! encoders and been taken; those who listen by segments later.

use super::Director;
use super::plays::PlayState;
use grimnir_events::AirFrame;
use grimnir_events::air::AirEvent;
use grimnir_events::sound::SoundEvent;

/// An item is counted this long after its last frame: 1 s.
const AFTER: i64 = 48_000;

/// A play that is over.
pub(super) struct Over {
    play: u64,
    from: AirFrame,
    to: AirFrame,
}

impl Director {
    /// A play that began at `from` was heard to its last frame, before `to`.
    pub(super) fn note_over(&mut self, play: u64, from: AirFrame, to: AirFrame) {
        self.over.push_back(Over { play, from, to });
    }

    /// Tells of those that have been over for long enough, or of all.
    pub(super) fn count_listeners(&mut self, all: bool) {
        let now = self.now();
        let due = |over: &Over| all || now.since(over.to) >= AFTER;
        while self.over.front().is_some_and(due) {
            let Some(over) = self.over.pop_front() else { return };
            let mounts = self.outputs.listened(over.from, over.to, self.still_counted());
            let event = SoundEvent::ItemListened { play: over.play, mounts };
            self.fact(AirEvent::Sound(event));
            if self.outputs.behind().is_some() {
                self.over_behind.push_back(over);
            }
        }
        self.count_behind(all);
    }

    /// The same of those who listen by segments, and are behind.
    fn count_behind(&mut self, all: bool) {
        if self.over_behind.is_empty() {
            return;
        }
        let Some(behind) = self.outputs.behind() else { return self.over_behind.clear() };
        let now = self.now();
        let due = |over: &Over| all || now.since(over.to) >= behind;
        while self.over_behind.front().is_some_and(due) {
            let Some(over) = self.over_behind.pop_front() else { return };
            let waiting = self.over_behind.iter().map(|over| over.from);
            let keep = waiting.chain([self.still_counted()]).min().unwrap_or(over.from);
            let outputs = self.outputs.streamed(over.from, over.to, keep);
            let event = SoundEvent::ItemStreamed { play: over.play, outputs };
            self.fact(AirEvent::Sound(event));
        }
    }

    /// Nothing before this frame is to be counted any more.
    fn still_counted(&self) -> AirFrame {
        let sounding = self.plays.in_mixer().into_iter().filter_map(|voice| {
            match self.plays.get(voice).map(|play| &play.state) {
                Some(PlayState::Sounding { at }) => Some(*at),
                _ => None,
            }
        });
        let over = self.over.iter().map(|over| over.from);
        sounding.chain(over).min().unwrap_or(self.now())
    }
}
