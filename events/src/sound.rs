//! The words of the sound itself: what was measured in it, what is missing in it, and the clock
//! that it runs by.

use crate::listening::{MountListened, OutputListened};
use crate::units::AirFrame;
use serde::{Deserialize, Serialize};

/// What happened to the sound on air.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundEvent {
    /// A play was measured as it left the station, with whatever else was heard meanwhile.
    ItemMeasured {
        /// Number of the play in its run.
        play: u64,
        /// Integrated loudness in hundredths of LUFS; `None` where all of it was below the gates.
        loudness_lufs_x100: Option<i32>,
        /// True peak in hundredths of dBTP; `None` for digital silence.
        true_peak_dbtp_x100: Option<i32>,
    },
    /// A play's own sound, before its gain, has been below the threshold for its time: somebody
    /// is to look.
    SourceSilent {
        /// Number of the play in its run.
        play: u64,
        /// First frame of the silence.
        since: AirFrame,
    },
    /// It is above it again.
    SourceHeard {
        /// Number of the play in its run.
        play: u64,
    },
    /// The machine's UTC was set by 50 ms or more. The sample clock runs on; from the next item
    /// on, its frames stand for the new UTC.
    ClockStepped {
        /// By how much since it was told last; above 0 where it was set forward.
        by_us: i64,
        /// How far UTC is now ahead of the sample clock of this run.
        ahead_us: i64,
    },
    /// How many heard a play that is over, by mount: what licences are paid by.
    ItemListened {
        /// Number of the play in its run.
        play: u64,
        /// All mounts there are.
        mounts: Vec<MountListened>,
    },
    /// How many heard a play that is over by segments, by output. Told after `ItemListened`:
    /// players fetch segments when they are complete, and later.
    ItemStreamed {
        /// Number of the play in its run.
        play: u64,
        /// All outputs in segments that there are.
        outputs: Vec<OutputListened>,
    },
}
