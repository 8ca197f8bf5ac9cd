//! What is ordered all of a sudden: it is to reach listeners soon, so encoders are woken for it.
//!
//! What was planned ahead comes at their own pace. Upstream: the mix thread, which asks of each
//! command. Downstream: the fan-out, whose blocks say it.

use super::words::AirCommand;
use grimnir_events::AirFrame;

/// What takes effect within 40 ms: the 10 ms that the director gives the mixer for what it has
/// just decided, and the order's way.
const SOON: i64 = 1_920;

/// Whether a command, taken before the block at `now`, is heard all of a sudden.
pub(super) fn is_sudden(command: &AirCommand, now: AirFrame) -> bool {
    let at = match command {
        AirCommand::Start { start, .. } => start.at,
        AirCommand::Mix(command) => command.at(),
        AirCommand::Cancel(_) | AirCommand::Bus(_) | AirCommand::Quit => return false,
    };
    at < now.plus(SOON)
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_mix::Command;

    #[test]
    fn an_order_for_now_is_sudden_and_one_that_was_planned_ahead_is_not() {
        let now = AirFrame(480_000);
        let stop = |at: AirFrame| AirCommand::Mix(Command::Stop { voice: 1, at });
        for soon in [AirFrame(i64::MIN), now.plus(-1), now, now.plus(960), now.plus(SOON - 1)] {
            assert!(is_sudden(&stop(soon), now), "{soon:?}");
        }
        for planned in [now.plus(SOON), now.plus(24_000)] {
            assert!(!is_sudden(&stop(planned), now), "{planned:?}");
        }
        assert!(!is_sudden(&AirCommand::Cancel(1), now));
    }
}
