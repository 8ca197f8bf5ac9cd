//! When the mix thread wakes up: for some blocks at a time, and while something was ordered for
//! each of them.
//!
//! A block has its deadline, 10 ms after the one before; what is ordered before a deadline is for
//! its block, whenever that is rendered.

use super::clock::BLOCK_NS;
use grimnir_events::AirFrame;
use grimnir_events::units::{BLOCK_FRAMES, FRAMES_PER_SECOND};

/// Blocks of one wake-up where nothing was ordered, 40 ms: waking a thread and filling its caches
/// again costs more than rendering a block. Encoders gather more.
const GATHERED: i64 = 4;
/// Blocks leave one by one for so long after an order, until every encoder has passed it on: none
/// holds more than 96 ms back.
pub const PROMPT_MS: u32 = 300;
const PROMPT_FOR: i64 = PROMPT_MS as i64 * FRAMES_PER_SECOND / 1_000;
/// How far the mix may be behind before the air moves on: 2 s.
const CATCH_UP_BLOCKS: i64 = 200;

/// What a wake-up finds to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Due {
    /// Blocks that the air moves on over: they are too late to be rendered.
    pub passed: i64,
    /// Blocks to render.
    pub blocks: i64,
    /// Those of them that should have been rendered by an earlier wake-up.
    pub late: i64,
}

/// The pace of one mix thread. Times are nanoseconds on CLOCK_MONOTONIC.
pub struct Pace {
    /// Deadline of the next block.
    deadline: i64,
    prompt_until: AirFrame,
}

impl Pace {
    /// The block at `start` is due at once, and is waited for.
    pub fn begin(start: AirFrame, now_ns: i64) -> Self {
        Self { deadline: now_ns, prompt_until: start.plus(PROMPT_FOR) }
    }

    /// When to wake up, with the next block at `position`, unless something is ordered.
    pub fn wake_at(&self, position: AirFrame) -> i64 {
        let gathered = if position < self.prompt_until { 1 } else { GATHERED };
        self.deadline + (gathered - 1) * BLOCK_NS
    }

    /// Something was ordered that is to be heard soon.
    pub fn hurry(&mut self, position: AirFrame) {
        self.prompt_until = position.plus(PROMPT_FOR);
    }

    /// What is due by now; its deadlines have passed then.
    pub fn due(&mut self, position: AirFrame, now_ns: i64) -> Due {
        if now_ns < self.deadline {
            return Due::default();
        }
        let reached = (now_ns - self.deadline) / BLOCK_NS;
        let late = ((now_ns - self.wake_at(position)) / BLOCK_NS).max(0);
        let passed = if late > CATCH_UP_BLOCKS { reached } else { 0 };
        self.deadline += (reached + 1) * BLOCK_NS;
        let blocks = reached + 1 - passed;
        Due { passed, blocks, late: late.min(blocks - 1) }
    }
}

/// First frame of the next block at `now_ns` that orders can still be for: the one that was
/// rendered last may have gathered some since.
pub fn position(rendered: AirFrame, deadline: i64, now_ns: i64) -> AirFrame {
    if now_ns < deadline {
        return rendered;
    }
    let reached = ((now_ns - deadline) / BLOCK_NS + 1).min(GATHERED);
    rendered.plus(reached * BLOCK_FRAMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: AirFrame = AirFrame(PROMPT_FOR);

    fn quiet() -> Pace {
        Pace::begin(AirFrame(0), 0)
    }

    #[test]
    fn blocks_are_gathered_unless_something_was_ordered() {
        let mut pace = quiet();
        assert_eq!(pace.wake_at(AirFrame(0)), 0, "the first is waited for");
        assert_eq!(pace.wake_at(QUIET), 3 * BLOCK_NS);
        assert_eq!(pace.due(QUIET, 3 * BLOCK_NS), Due { passed: 0, blocks: 4, late: 0 });
        assert_eq!(pace.deadline, 4 * BLOCK_NS);
        pace.hurry(QUIET);
        assert_eq!(pace.wake_at(QUIET), 4 * BLOCK_NS);
        assert_eq!(pace.wake_at(QUIET.plus(PROMPT_FOR)), 7 * BLOCK_NS);
    }

    #[test]
    fn woken_by_an_order_only_what_is_due_is_rendered() {
        let mut pace = quiet();
        assert_eq!(pace.due(QUIET, BLOCK_NS + 1), Due { passed: 0, blocks: 2, late: 0 });
        assert_eq!(pace.due(QUIET, 2 * BLOCK_NS - 1), Due::default(), "none before its deadline");
        assert_eq!(pace.due(QUIET, 2 * BLOCK_NS).blocks, 1);
    }

    #[test]
    fn what_an_earlier_wake_up_should_have_rendered_is_late() {
        let mut pace = quiet();
        assert_eq!(pace.due(QUIET, 4 * BLOCK_NS - 1).late, 0);
        let mut pace = quiet();
        assert_eq!(pace.due(QUIET, 5 * BLOCK_NS), Due { passed: 0, blocks: 6, late: 2 });
        let mut pace = quiet();
        assert_eq!(pace.due(AirFrame(0), BLOCK_NS), Due { passed: 0, blocks: 2, late: 1 });
    }

    #[test]
    fn a_mix_that_is_too_far_behind_moves_on() {
        let mut pace = quiet();
        let most = (CATCH_UP_BLOCKS + GATHERED - 1) * BLOCK_NS;
        assert_eq!(pace.due(QUIET, most).passed, 0, "all of it is rendered");
        let mut pace = quiet();
        let due = pace.due(QUIET, most + BLOCK_NS);
        let passed = CATCH_UP_BLOCKS + GATHERED;
        assert_eq!(due, Due { passed, blocks: 1, late: 0 });
        assert_eq!(pace.deadline, (passed + 1) * BLOCK_NS);
    }

    #[test]
    fn orders_are_for_the_first_block_whose_deadline_is_to_come() {
        let rendered = AirFrame(4_800);
        let at = |now| position(rendered, 100 * BLOCK_NS, now).0;
        assert_eq!(at(100 * BLOCK_NS - 1), 4_800);
        assert_eq!(at(100 * BLOCK_NS), 4_800 + 480);
        assert_eq!(at(102 * BLOCK_NS + 1), 4_800 + 3 * 480);
        assert_eq!(at(900 * BLOCK_NS), 4_800 + 4 * 480, "a thread that hangs is not believed");
    }
}
