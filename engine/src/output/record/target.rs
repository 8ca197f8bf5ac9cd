//! A recording as an output: runs while the station is on air.

use super::head::Label;
use super::keeper::{Keeper, Limits, Told};
use super::place::Place;
use super::recorder::{Hours, Recorder};
use crate::output::around::Surroundings;
use crate::output::encoder::EncoderKey;
use crate::output::target::{Pulse, Sink, Target};
use grimnir_events::AirFrame;
use grimnir_events::air::AirEvent;
use grimnir_events::output::OFF_AIR;
use grimnir_events::output::{Output, OutputHealth, OutputReport, RecordingOutput};
use std::sync::{Arc, Mutex, PoisonError};

/// A recording.
pub struct Recording {
    place: Place,
    output: RecordingOutput,
    around: Surroundings,
    told: Told,
    pulse: Arc<Pulse>,
    running: Mutex<Option<Recorder>>,
}

impl Recording {
    /// One that does not run yet.
    pub fn new(output: &Output, recording: &RecordingOutput, around: Surroundings) -> Self {
        let pulse = Arc::new(Pulse::new(output.id, OFF_AIR, around.tell.clone()));
        let (beat, tell, output_id) = (pulse.clone(), around.tell.clone(), output.id);
        let told = Told {
            health: Arc::new(move |health, reason: String| beat.set(health, &reason)),
            files: Arc::new(move |report| {
                let report = Box::new(OutputReport::Recording(report));
                tell(AirEvent::OutputReported { output_id, report });
            }),
        };
        Self {
            place: Place::new(&around.dir, &recording.folder, around.run, output),
            output: recording.clone(),
            around,
            told,
            pulse,
            running: Mutex::new(None),
        }
    }

    fn start(&self) -> Recorder {
        let RecordingOutput { encoding, keep_days, keep_bytes, .. } = self.output;
        let limits = Limits { days: keep_days, bytes: keep_bytes };
        let keeper = Keeper::start(self.place.clone(), encoding, limits, self.told.clone());
        let label = Label {
            station: self.around.station(),
            output: self.place.output().to_string(),
            run: self.around.run.to_string(),
            first: AirFrame(0),
        };
        let hours = Hours::new(encoding, label, keeper, self.told.clone());
        Recorder::start(self.around.fanout.tap(), hours)
    }
}

impl Target for Recording {
    /// Its files begin with the hour's first sample, where nobody else's encoder begins a frame: it
    /// has an encoder of its own.
    fn wants(&self) -> Vec<(EncoderKey, Arc<dyn Sink>)> {
        Vec::new()
    }

    fn set_on_air(&self, on_air: bool) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match (on_air, running.is_some()) {
            (true, false) => *running = Some(self.start()),
            (false, true) => {
                *running = None;
                self.pulse.set(OutputHealth::Down, OFF_AIR);
            }
            _ => {}
        }
    }

    fn set_title(&self, _: &str) {}

    fn pulse(&self) -> &Pulse {
        &self.pulse
    }
}
