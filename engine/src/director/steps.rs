//! Steps of UTC: the sample clock runs on, what is planned by the clock moves.
//!
//! A frame stands for an instant of UTC from the start of the run on. When UTC is set, lines with
//! a time, and windows, move on the sample clock at once; sound that is on air, and the line that
//! the mixer holds already, do not. A step of 50 ms or more is a fact, and from the next item on
//! facts carry the new UTC. Upstream: [`clock`].

use super::Director;
use crate::air::clock;
use grimnir_events::air::AirEvent;
use grimnir_events::sound::SoundEvent;
use grimnir_events::timeline::{Anchor, Line};

/// Less is what reading two clocks one after the other costs: 1 ms.
const LEAST_US: i64 = 1_000;
/// From here on a step is told: 50 ms.
const LARGE_US: i64 = 50_000;

/// What is known of UTC against the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Steps {
    origin: Option<i64>,
    ahead: i64,
    told: i64,
    /// Facts stand on a new anchor from the next item on.
    pub(super) anchor: Option<i64>,
}

/// What a look at the clocks showed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    /// They run as before.
    Nothing,
    /// A step that nobody is told of.
    Small,
    /// One that is a fact.
    Large {
        /// Since the last that was told.
        by_us: i64,
    },
}

impl Steps {
    /// Takes UTC less the monotonic clock, in µs; both run at the same rate, whoever disciplines
    /// them.
    pub(super) fn look(&mut self, offset: i64) -> Seen {
        let ahead = offset - *self.origin.get_or_insert(offset);
        if (ahead - self.ahead).abs() < LEAST_US {
            return Seen::Nothing;
        }
        self.ahead = ahead;
        let by_us = ahead - self.told;
        if by_us.abs() < LARGE_US {
            return Seen::Small;
        }
        (self.told, self.anchor) = (ahead, Some(ahead));
        Seen::Large { by_us }
    }

    /// How far UTC is ahead of the sample clock, in µs.
    pub(super) fn ahead(&self) -> i64 {
        self.ahead
    }
}

/// Lines as the sample clock sees them.
pub(super) fn moved(mut lines: Vec<Line>, ahead: i64) -> Vec<Line> {
    for line in &mut lines {
        line.planned_at = line.planned_at.plus(-ahead);
        match &mut line.anchor {
            Anchor::Soft { at, .. } | Anchor::Hard { at } => *at = at.plus(-ahead),
            Anchor::AfterPrevious => {}
        }
    }
    lines
}

impl Director {
    /// Looks whether UTC was set.
    pub(super) fn look_at_clocks(&mut self) {
        let seen = self.steps.look(clock::utc_over_monotonic_us());
        if seen == Seen::Nothing {
            return;
        }
        let ahead_us = self.steps.ahead();
        if let Seen::Large { by_us } = seen {
            tracing::warn!(by_us, ahead_us, "UTC was set");
            self.fact(AirEvent::Sound(SoundEvent::ClockStepped { by_us, ahead_us }));
        }
        for raised in self.claims.raised.values_mut() {
            raised.ahead_us = ahead_us;
        }
        self.lines = moved(self.held.lines(), ahead_us);
        self.rechain();
    }

    /// An item begins: facts stand on the new anchor, if there is one.
    pub(super) fn anchor_here(&mut self) {
        if let Some(ahead_us) = self.steps.anchor.take() {
            self.journal.anchor(ahead_us);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::library::{CueMarks, ItemKind};
    use grimnir_events::timeline::Transition;
    use grimnir_events::{ContentHash, LineId, MediaId, UtcMicros};
    use grimnir_rules::timeline::resolve::{Cursor, ResolveSettings, resolve};

    #[test]
    fn small_steps_move_the_plan_and_large_ones_are_told_too() {
        let mut steps = Steps::default();
        let start = 1_790_000_000_000_000;
        assert_eq!(steps.look(start), Seen::Nothing);
        assert_eq!(steps.look(start + 900), Seen::Nothing, "reading costs as much");
        assert_eq!((steps.look(start - 40_000), steps.ahead()), (Seen::Small, -40_000));
        assert_eq!((steps.anchor, steps.look(start - 40_100)), (None, Seen::Nothing));
        // Two small ones make a large one.
        assert_eq!(steps.look(start - 60_000), Seen::Large { by_us: -60_000 });
        assert_eq!(steps.anchor.take(), Some(-60_000));
        assert_eq!(steps.look(start - 20_000), Seen::Small);
        let leap = Seen::Large { by_us: 3_600_000_000 + 60_000 };
        assert_eq!(steps.look(start + 3_600_000_000), leap);
        assert_eq!((steps.ahead(), steps.anchor), (3_600_000_000, Some(3_600_000_000)));
    }

    #[test]
    fn a_hard_start_stays_on_its_second_of_utc_whatever_the_clock_did() {
        let noon = UtcMicros(1_790_000_000_000_000);
        let line = Line {
            id: LineId([1; 16]),
            media_id: MediaId([2; 16]),
            play_hash: ContentHash([3; 32]),
            title: "Noon".into(),
            artist: String::new(),
            kind: ItemKind::Music,
            planned_at: noon,
            anchor: Anchor::Hard { at: noon },
            cues: CueMarks { cue_out: 4_800_000, segue: 4_800_000, ..CueMarks::default() },
            gain_db_x100: 0,
            transition: Transition::Segue,
            min_airtime: 0,
            must_air: false,
            long_form: false,
        };
        for ahead in [0, 40_000, -40_000, 7_200_000_000] {
            let lines = moved(vec![line.clone()], ahead);
            let at = noon.plus(-ahead - 60_000_000).frame();
            let settings = ResolveSettings {
                crossfade_frames: 0,
                curve: Default::default(),
                anchor_fade_frames: 0,
            };
            let resolved = resolve(&lines, &Cursor { at, playing: None }, &settings);
            // That frame of the sample clock is noon by the UTC that is ahead of it.
            let start = resolved.lines[0].start;
            assert_eq!(start.utc().plus(ahead), noon, "{ahead}");
        }
    }
}
