//! What of a live session's sound was on air, as the director tells it to whoever records it.

use grimnir_events::AirFrame;
use grimnir_events::live_recording::Aired;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Stretches of one connection that are noted: a report has to hold them.
const STRETCHES: usize = 200;

/// The stretches of one connection.
#[derive(Default)]
pub struct AiredLog(Mutex<Vec<Stretch>>);

#[derive(Clone, Copy)]
struct Stretch {
    voice: u64,
    /// Its first frame of the programme.
    first: AirFrame,
    /// The frame of what came in that was heard then.
    from: i64,
    /// Frames of the programme; none while it goes on.
    frames: Option<i64>,
}

impl AiredLog {
    fn stretches(&self) -> MutexGuard<'_, Vec<Stretch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A play begins at `first` with frame `from` of what came in.
    pub fn began(&self, voice: u64, first: AirFrame, from: i64) {
        let mut stretches = self.stretches();
        if stretches.len() < STRETCHES {
            stretches.push(Stretch { voice, first, from, frames: None });
        }
    }

    /// It is over.
    pub fn ended(&self, voice: u64, at: AirFrame) {
        let mut stretches = self.stretches();
        let running = |s: &&mut Stretch| s.voice == voice && s.frames.is_none();
        if let Some(stretch) = stretches.iter_mut().find(running) {
            stretch.frames = Some(at.since(stretch.first));
        }
    }

    /// Something of it is heard now.
    pub fn on_air(&self) -> bool {
        self.stretches().iter().any(|stretch| stretch.frames.is_none())
    }

    /// What was heard of a file that begins with frame `from` of what came in. One that goes on is
    /// as long as can be: where the file ends is known to whoever closes it.
    pub fn of_file(&self, from: i64) -> Vec<Aired> {
        let of_file = |stretch: &Stretch| {
            let skipped = (from - stretch.from).max(0);
            let frames = stretch.frames.map_or(i64::MAX, |frames| frames - skipped);
            let first = stretch.first.plus(skipped);
            let offset = (stretch.from - from).max(0);
            (frames > 0).then_some(Aired { first, frames, offset })
        };
        self.stretches().iter().filter_map(of_file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_what_was_on_air_from_its_own_first_frame_on() {
        let log = AiredLog::default();
        assert!(!log.on_air());
        log.began(7, AirFrame(1_000), 100);
        log.ended(7, AirFrame(1_050));
        log.began(8, AirFrame(2_000), 300);
        assert!(log.on_air());
        let aired = |first, frames, offset| Aired { first: AirFrame(first), frames, offset };
        let on = i64::MAX;
        assert_eq!(log.of_file(0), [aired(1_000, 50, 100), aired(2_000, on, 300)]);
        assert_eq!(log.of_file(120), [aired(1_020, 30, 0), aired(2_000, on, 180)]);
        assert_eq!(log.of_file(150), [aired(2_000, on, 150)]);
        // Another play that ends is none of it.
        log.ended(9, AirFrame(2_400));
        assert!(log.on_air());
        log.ended(8, AirFrame(2_400));
        assert_eq!(log.of_file(500), [aired(2_200, 200, 0)]);
        assert_eq!(log.of_file(700), []);
    }
}
