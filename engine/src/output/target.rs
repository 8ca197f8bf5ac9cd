//! What an output is to the desk and to its encoders.
//!
//! Upstream: the desk, which makes targets from what is handed over. Downstream: the targets
//! themselves. A sink is called on an encoder's thread and never waits.

use super::encoder::{EncoderKey, Tell};
use super::hls::serve::Live;
use crate::air::clock;
use bytes::Bytes;
use grimnir_events::air::AirEvent;
use grimnir_events::output::{OutputHealth, OutputReport, REMOVED};
use grimnir_events::{AirFrame, OutputId, UtcMicros};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Encoded sound: whole frames or pages.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// Its bytes.
    pub bytes: Bytes,
    /// First frame of the air that a decoder gets from it, the encoder's delay taken off.
    pub from: AirFrame,
    /// First frame of the air that is not in it any more.
    pub until: AirFrame,
}

/// Where encoded sound goes.
pub trait Sink: Send + Sync {
    /// A stream begins: `head` belongs before its sound, and is empty where the format has none.
    fn begin(&self, head: &Bytes);
    /// Sound, gapless but for what an encoder that was behind lost.
    fn push(&self, sound: &Encoded);
    /// The encoder failed; it is built again, and a stream begins anew.
    fn failed(&self, reason: &str);
}

/// An output beside the mounts; ends when dropped.
pub trait Target: Send + Sync {
    /// What it wants encoded, and where that goes.
    fn wants(&self) -> Vec<(EncoderKey, Arc<dyn Sink>)>;
    /// The station goes on air or leaves it.
    fn set_on_air(&self, on_air: bool);
    /// Another item is heard.
    fn set_title(&self, title: &str);
    /// What keeps its state.
    fn pulse(&self) -> &Pulse;
    /// What of it is served by the engine in segments.
    fn live(&self) -> Option<Arc<Live>> {
        None
    }
    /// How it is doing.
    fn state(&self) -> TargetState {
        let here = self.live().map_or(0, |live| live.audience.now(Instant::now()).len());
        TargetState { listeners: here as u32, ..self.pulse().state() }
    }
}

/// How an output is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TargetState {
    /// In a word.
    pub health: OutputHealth,
    /// Why it is not up.
    pub reason: String,
    /// Since when.
    pub since: UtcMicros,
    /// Encoded bytes that left.
    pub bytes_sent: u64,
    /// Encoded bytes that its queue dropped.
    pub lost_bytes: u64,
    /// Connections after the first.
    pub reconnects: u32,
    /// Who listens to its segments.
    pub listeners: u32,
}

/// Keeps the state of one output, and tells the journal where its health changes.
pub struct Pulse {
    id: OutputId,
    tell: Tell,
    beat: Mutex<Beat>,
}

struct Beat {
    state: TargetState,
    /// What the journal was told last.
    told: Option<OutputHealth>,
    /// Its output is removed: what its threads say yet is of nothing that is.
    left: bool,
}

impl Pulse {
    /// Of an output that is down because of `reason`, which is no news.
    pub fn new(id: OutputId, reason: &str, tell: Tell) -> Self {
        let (reason, since) = (reason.to_owned(), clock::utc_now());
        let state = TargetState { reason, since, ..TargetState::default() };
        Self { id, tell, beat: Mutex::new(Beat { state, told: None, left: false }) }
    }

    /// It is doing like this; told where that is another health than was told before.
    pub fn set(&self, health: OutputHealth, reason: &str) {
        let mut beat = self.lock();
        if beat.left {
            return;
        }
        reason.clone_into(&mut beat.state.reason);
        if beat.state.health != health {
            (beat.state.health, beat.state.since) = (health, clock::utc_now());
        }
        if beat.told.replace(health) != Some(health) {
            drop(beat);
            self.report(health, reason);
        }
    }

    /// Its output is removed or changed: told where anything was, for an alarm to end.
    pub fn leave(&self) {
        let mut beat = self.lock();
        beat.left = true;
        if beat.told.take().is_some() {
            drop(beat);
            self.report(OutputHealth::Down, REMOVED);
        }
    }

    fn report(&self, health: OutputHealth, reason: &str) {
        tracing::info!(output.id = %self.id, health = health.word(), reason, "output");
        let report = Box::new(OutputReport::Health { health, reason: reason.into() });
        (self.tell)(AirEvent::OutputReported { output_id: self.id, report });
    }

    /// Counts along.
    pub fn count(&self, count: impl FnOnce(&mut TargetState)) {
        count(&mut self.lock().state);
    }

    /// How it is now.
    pub fn state(&self) -> TargetState {
        self.lock().state.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Beat> {
        self.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_of_health_is_told_once_and_the_last_reason_is_shown() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = told.clone();
        let tell: Tell = Arc::new(move |event| {
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        });
        let pulse = Pulse::new(OutputId([1; 16]), "off air", tell);
        assert_eq!(
            (pulse.state().reason.as_str(), told.lock().expect("whole").len()),
            ("off air", 0)
        );
        for reason in ["refused", "refused again"] {
            pulse.set(OutputHealth::Down, reason);
            assert_eq!(told.lock().expect("whole").len(), 1, "the first failure is news");
        }
        pulse.set(OutputHealth::Up, "");
        pulse.set(OutputHealth::Up, "");
        pulse.set(OutputHealth::Down, "reset");
        pulse.set(OutputHealth::Down, "refused");
        assert_eq!(told.lock().expect("whole").len(), 3);
        assert_eq!(pulse.state().reason, "refused");
        pulse.leave();
        pulse.set(OutputHealth::Up, "");
        let told = told.lock().expect("whole");
        let last = told.last().expect("what was told");
        let AirEvent::OutputReported { report, .. } = last else { panic!("{last:?}") };
        let gone = OutputReport::Health { health: OutputHealth::Down, reason: REMOVED.into() };
        assert_eq!((told.len(), &**report), (4, &gone), "who was removed says no more");
    }

    #[test]
    fn one_of_which_nothing_was_told_leaves_without_a_word() {
        let tell: Tell = Arc::new(|event| panic!("{event:?}"));
        Pulse::new(OutputId([1; 16]), "off air", tell).leave();
    }
}
