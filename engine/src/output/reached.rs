//! How far what listeners were handed reaches: the air that died in an encoder was not heard.
//!
//! Hubs note it as their listeners take it; a page beside the position page keeps it, so that after
//! kill -9 the next run knows what listeners have missed and takes up the programme there.

use crate::position::{Position, PositionPage};
use grimnir_events::{AirFrame, EngineRunId, MountId};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// An encoder and a socket hold less than this back: 500 ms. What is further behind tells of a
/// listener that stands still, not of the air.
const HELD_BACK_FRAMES: i64 = 24_000;

/// What listeners of this run were handed.
pub struct Reached {
    run: EngineRunId,
    kept: Mutex<Kept>,
}

struct Kept {
    page: PositionPage,
    /// First frame that was not taken yet, by mount.
    mounts: BTreeMap<MountId, AirFrame>,
}

impl Reached {
    /// Nobody was handed anything yet.
    pub fn new(run: EngineRunId, page: PositionPage) -> Self {
        Self { run, kept: Mutex::new(Kept { page, mounts: BTreeMap::new() }) }
    }

    /// Listeners of a mount have taken everything before `frame`.
    pub fn note(&self, mount: MountId, frame: AirFrame) {
        self.change(|mounts| {
            mounts.insert(mount, frame);
        });
    }

    /// A mount gives nothing any more.
    pub fn leave(&self, mount: MountId) {
        self.change(|mounts| {
            mounts.remove(&mount);
        });
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<MountId, AirFrame>)) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut kept.mounts);
        // Whoever heard least decides: nobody is to miss a part of the programme.
        let air_frame = kept.mounts.values().min().copied().unwrap_or_default();
        kept.page.write(&Position { run: self.run, air_frame, ..Position::default() });
    }
}

/// Where the air was for its listeners: the last block mixed, less what did not leave an encoder.
pub fn heard(mixed: Position, reached: Option<Position>) -> Position {
    let unheard = reached
        .filter(|reached| reached.run == mixed.run)
        .map(|reached| mixed.air_frame.since(reached.air_frame))
        .filter(|unheard| (0..=HELD_BACK_FRAMES).contains(unheard))
        .unwrap_or(0);
    Position {
        air_frame: mixed.air_frame.plus(-unheard),
        file_frame: (mixed.file_frame - unheard).max(0),
        ..mixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: EngineRunId = EngineRunId([3; 16]);

    fn mixed() -> Position {
        Position { run: RUN, air_frame: AirFrame(1_000_000), play: 4, file_frame: 50_000 }
    }

    fn at(frame: i64) -> Option<Position> {
        Some(Position { run: RUN, air_frame: AirFrame(frame), ..Position::default() })
    }

    #[test]
    fn what_died_in_an_encoder_was_not_heard() {
        let heard = heard(mixed(), at(996_000));
        assert_eq!((heard.air_frame, heard.file_frame), (AirFrame(996_000), 46_000));
    }

    #[test]
    fn without_a_listeners_page_of_the_same_run_the_mix_is_believed() {
        let foreign = Some(Position { run: EngineRunId([9; 16]), ..at(996_000).expect("made") });
        for page in [None, foreign, at(0), at(1_000_001)] {
            assert_eq!(heard(mixed(), page), mixed(), "{page:?}");
        }
    }

    #[test]
    fn the_mount_furthest_behind_is_the_one_that_counts() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("reached.page");
        let reached = Reached::new(RUN, PositionPage::open(&path).expect("opens"));
        reached.note(MountId([1; 16]), AirFrame(500));
        reached.note(MountId([2; 16]), AirFrame(400));
        assert_eq!(crate::position::read(&path), at(400));
        reached.leave(MountId([2; 16]));
        assert_eq!(crate::position::read(&path), at(500));
    }
}
