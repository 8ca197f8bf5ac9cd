//! A mount for studios: what is mixed, before the graph shapes it and the limiter delays it.
//!
//! An encoder and a hub of its own behind a fan-out of its own. It stands in no list that listeners
//! see, and its listeners are not counted as the programme's. Upstream: the mix thread.

use super::around::Surroundings;
use super::encoder::{Encoder, EncoderKey, Tell};
use super::format::Room;
use super::hub::Hub;
use super::target::{Pulse, Sink, Target, TargetState};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use grimnir_events::air::AirEvent;
use grimnir_events::output::{MonitorOutput, OFF_AIR, Output, OutputHealth, REMOVED};
use grimnir_events::station::Mount;
use grimnir_events::{ContentHash, MountId};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};

/// What the listeners' server finds at its path.
pub struct Studio {
    /// The mount, as it would stand in a configuration.
    pub mount: Mount,
    /// Its listeners.
    pub hub: Arc<Hub>,
    /// Of the password; `None` lets everybody in, as its output says it.
    password: Option<ContentHash>,
}

impl Studio {
    /// True where an `Authorization` header, or none, lets in. The name does not matter.
    pub fn lets_in(&self, authorization: Option<&str>) -> bool {
        let Some(password) = self.password else { return true };
        let given = authorization
            .and_then(|header| header.strip_prefix("Basic "))
            .and_then(|coded| STANDARD.decode(coded.trim()).ok())
            .and_then(|pair| String::from_utf8(pair).ok());
        // Hashes are compared: how long it takes tells nothing of the password.
        given.is_some_and(|pair| pair.split_once(':').is_some_and(|(_, p)| hash(p) == password))
    }
}

fn hash(text: &str) -> ContentHash {
    ContentHash(Sha256::digest(text).into())
}

/// The output.
pub struct Monitor {
    key: EncoderKey,
    studio: Arc<Studio>,
    around: Surroundings,
    pulse: Arc<Pulse>,
    running: Mutex<Option<Encoder>>,
}

impl Monitor {
    /// One that does not run yet; at most so many listen.
    pub fn new(
        output: &Output,
        monitor: &MonitorOutput,
        secret: Option<&str>,
        listeners: usize,
        around: Surroundings,
    ) -> Self {
        let pulse = Arc::new(Pulse::new(output.id, OFF_AIR, around.tell.clone()));
        let encoding = monitor.encoding;
        let mount = Mount {
            id: MountId(output.id.0),
            name: output.name.clone(),
            path: monitor.path.clone(),
            format: encoding.format,
            bitrate_kbps: encoding.bitrate_kbps,
        };
        let room = Room::of(encoding.format, listeners);
        let hub = Hub::new(mount.id, None, room, health_into(pulse.clone()));
        let studio = Arc::new(Studio { mount, hub, password: secret.map(hash) });
        let mut offer = around.offer.write().unwrap_or_else(PoisonError::into_inner);
        offer.studios.push(studio.clone());
        drop(offer);
        let key = (encoding.format, encoding.bitrate_kbps);
        Self { key, studio, around, pulse, running: Mutex::new(None) }
    }
}

/// A hub tells how it is doing as a mount does.
fn health_into(pulse: Arc<Pulse>) -> Tell {
    Arc::new(move |event| match event {
        AirEvent::OutputUp { .. } => pulse.set(OutputHealth::Up, ""),
        AirEvent::OutputDown { reason, .. } => pulse.set(OutputHealth::Down, &reason),
        _ => {}
    })
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.studio.hub.close(REMOVED);
        let mut offer = self.around.offer.write().unwrap_or_else(PoisonError::into_inner);
        offer.studios.retain(|studio| !Arc::ptr_eq(studio, &self.studio));
    }
}

impl Target for Monitor {
    /// It hears another sound than those who share encoders.
    fn wants(&self) -> Vec<(EncoderKey, Arc<dyn Sink>)> {
        Vec::new()
    }

    fn set_on_air(&self, on_air: bool) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match (on_air, running.is_some()) {
            (true, false) => {
                self.studio.hub.open();
                let sinks: Vec<Arc<dyn Sink>> = vec![self.studio.hub.clone()];
                *running = Some(Encoder::start(self.key, self.around.mixed.clone(), sinks));
            }
            (false, true) => {
                *running = None;
                self.studio.hub.close(OFF_AIR);
            }
            _ => {}
        }
    }

    fn set_title(&self, title: &str) {
        self.studio.hub.set_title(title);
    }

    fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    fn state(&self) -> TargetState {
        TargetState { bytes_sent: self.studio.hub.sent(), ..self.pulse.state() }
    }
}
