//! What an output finds around it: folder and run of the engine, programme, listeners' server,
//! journal.

use super::encoder::Tell;
use super::fanout::FanoutHandle;
use super::http::SharedOffer;
use grimnir_events::{AirFrame, EngineRunId};
use std::path::PathBuf;
use std::sync::PoisonError;

/// Handed to every output that needs more than encoded sound.
#[derive(Clone)]
pub struct Surroundings {
    /// The engine's folder.
    pub dir: PathBuf,
    /// Its run.
    pub run: EngineRunId,
    /// What the run before it was heard up to.
    pub lost: Option<AirFrame>,
    /// Where the programme comes from.
    pub fanout: FanoutHandle,
    /// The same before it is shaped.
    pub mixed: FanoutHandle,
    /// What the listeners' server offers.
    pub offer: SharedOffer,
    /// Tells the journal.
    pub tell: Tell,
}

impl Surroundings {
    /// The station's name.
    pub fn station(&self) -> String {
        self.offer.read().unwrap_or_else(PoisonError::into_inner).name.clone()
    }
}
