//! What can be asked of a station.

use grimnir_events::dsp::DspGraph;
use grimnir_events::output::Output;
use grimnir_events::station::{Mount, StationSettings, TransitionMode};
use grimnir_events::{MediaId, MountId, OutputId, Payload};
use serde::{Deserialize, Serialize};

/// A command to a station.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StationCommand {
    /// Make it exist.
    Create {
        /// Name shown to people, 1 to 100 characters.
        name: String,
        /// Name in paths, 1 to 63 of `a-z0-9-`.
        slug: String,
        /// IANA time zone.
        time_zone: String,
        /// How it plays.
        settings: StationSettings,
    },
    /// Change what is given.
    Change {
        /// New name.
        name: Option<String>,
        /// New IANA time zone.
        time_zone: Option<String>,
        /// New settings.
        settings: Option<StationSettings>,
    },
    /// Add a listening point.
    AddMount {
        /// The mount.
        mount: Mount,
    },
    /// Remove a listening point.
    RemoveMount {
        /// Which.
        mount_id: MountId,
    },
    /// Sign on.
    Start {},
    /// Sign off.
    Stop {},
    /// Choose the last rung.
    ChooseFallback {
        /// The item, `None` for digital silence.
        media_id: Option<MediaId>,
    },
    /// Shape the programme in another way.
    SetDspGraph {
        /// All of it; its nodes are known to the mix.
        graph: DspGraph,
    },
    /// Choose how items are joined.
    ChooseTransitions {
        /// In which way.
        mode: TransitionMode,
    },
    /// Add an output, or change one.
    SetOutput {
        /// All of it; a password only by name.
        output: Box<Output>,
    },
    /// Remove an output.
    RemoveOutput {
        /// Which.
        output_id: OutputId,
    },
}

impl Payload for StationCommand {
    const NAME: &'static str = "station.command";
    const VERSION: u16 = 1;
}
