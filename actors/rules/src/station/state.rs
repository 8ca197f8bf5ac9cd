//! The fold of a station's stream.

use grimnir_events::MediaId;
use grimnir_events::dsp::DspGraph;
use grimnir_events::output::Output;
use grimnir_events::station::{Mount, StationSettings, TransitionMode};
use serde::{Deserialize, Serialize};

/// What a station is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct StationState {
    /// It was created.
    pub exists: bool,
    /// Name shown to people.
    pub name: String,
    /// Name in paths.
    pub slug: String,
    /// IANA time zone.
    pub time_zone: String,
    /// How it plays.
    pub settings: StationSettings,
    /// Where it can be listened to, in the order they were added.
    pub mounts: Vec<Mount>,
    /// It is to be on air.
    pub on_air: bool,
    /// The last rung; `None` is digital silence.
    pub fallback: Option<MediaId>,
    /// What shapes the programme.
    pub dsp: DspGraph,
    /// How the planner joins items.
    pub transitions: TransitionMode,
    /// Where the programme goes beside the mounts, in the order they were added.
    pub outputs: Vec<Output>,
}
