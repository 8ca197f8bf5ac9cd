//! The desk of outputs: brings encoders, hubs and the offer to what the configuration says.
//!
//! Upstream: the director. One encoder serves every mount of the same format and bit rate.

use super::around::Surroundings;
use super::client::SourceClient;
use super::encoder::{Encoder, EncoderKey};
use super::format::Room;
use super::hls::serve::Live;
use super::hls::target::Hls;
use super::hub::Hub;
use super::monitor::Monitor;
use super::reached::Reached;
use super::record::live::Records;
use super::record::target::Recording;
use super::rtp::Rtp;
use super::sessions::{Count, tally};
use super::srt::Srt;
use super::target::{Sink, Target};
use super::withheld::Withheld;
use crate::director::status::{OutputView, TargetView};
use grimnir_events::handover::EngineConfig;
use grimnir_events::listening::{MountListened, OutputListened};
use grimnir_events::output::{EngineOutput, EngineOutputs, OFF_AIR, OutputKind, REMOVED};
use grimnir_events::station::Mount;
use grimnir_events::{AirFrame, MountId, OutputId};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

/// All outputs of the station.
pub struct Desk {
    around: Surroundings,
    records: Arc<Records>,
    reached: Arc<Reached>,
    /// Listeners that a mount takes.
    listeners: usize,
    /// Where connections are kept.
    runtime: tokio::runtime::Handle,
    encoders: BTreeMap<EncoderKey, Encoder>,
    mounts: Vec<(Mount, Arc<Hub>)>,
    /// Of mounts that were removed or changed: who was there is still to be counted.
    past: Vec<Arc<Hub>>,
    /// The same of outputs in segments.
    past_live: Vec<Arc<Live>>,
    targets: BTreeMap<OutputId, (EngineOutput, Box<dyn Target>)>,
    on_air: bool,
    title: String,
}

impl Desk {
    /// No outputs yet.
    pub fn new(
        around: Surroundings,
        reached: Arc<Reached>,
        listeners: usize,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        let of = around.clone();
        let lost = around.lost.unwrap_or_default();
        let tell = around.tell.clone();
        let records = Records::new(&around.dir, (around.run, lost), move || of.station(), tell);
        Self {
            around,
            records,
            reached,
            listeners,
            runtime,
            encoders: BTreeMap::new(),
            mounts: Vec::new(),
            past: Vec::new(),
            past_live: Vec::new(),
            targets: BTreeMap::new(),
            on_air: false,
            title: String::new(),
        }
    }

    /// Where what live sessions send is written down.
    pub fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// Offers what `config` names; sound flows only while `on_air`.
    pub fn apply(&mut self, config: &EngineConfig, on_air: bool) {
        let mut before: BTreeMap<MountId, (Mount, Arc<Hub>)> =
            self.mounts.drain(..).map(|(mount, hub)| (mount.id, (mount, hub))).collect();
        for mount in &config.mounts {
            let as_it_was = |(old, _): &(Mount, Arc<Hub>)| {
                (old.format, old.bitrate_kbps, &old.path)
                    == (mount.format, mount.bitrate_kbps, &mount.path)
            };
            let kept = before.get(&mount.id).is_some_and(as_it_was);
            let kept = kept.then(|| before.remove(&mount.id)).flatten();
            let room = Room::of(mount.format, self.listeners);
            let reached = Some(self.reached.clone());
            let new = || Hub::new(mount.id, reached, room, self.around.tell.clone());
            let hub = kept.map_or_else(new, |(_, hub)| hub);
            self.mounts.push((mount.clone(), hub));
        }
        for (_, hub) in before.into_values() {
            hub.close(REMOVED);
            if !hub.is_forgotten() {
                self.past.push(hub);
            }
        }
        {
            let mut offer = self.around.offer.write().unwrap_or_else(PoisonError::into_inner);
            offer.name.clone_from(&config.name);
            offer.mounts.clone_from(&self.mounts);
        }
        self.set_on_air(on_air);
    }

    /// Sends out what is handed over; an output that is as it was goes on undisturbed.
    pub fn apply_targets(&mut self, handed: &EngineOutputs) {
        let wanted: BTreeMap<OutputId, &EngineOutput> = handed
            .outputs
            .iter()
            .filter(|handed| handed.output.enabled)
            .map(|handed| (handed.output.id, handed))
            .collect();
        self.targets.retain(|id, (held, target)| {
            let kept = wanted.get(id) == Some(&&*held);
            if !kept {
                target.pulse().leave();
                let live = target.live().filter(|live| !live.audience.is_forgotten());
                self.past_live.extend(live);
            }
            kept
        });
        for (id, handed) in wanted {
            if self.targets.contains_key(&id) {
                continue;
            }
            if let Some(target) = self.make(handed) {
                target.set_title(&self.title);
                self.targets.insert(id, (handed.clone(), target));
            }
        }
        self.set_on_air(self.on_air);
    }

    /// The target of one output.
    fn make(&self, handed: &EngineOutput) -> Option<Box<dyn Target>> {
        if let Some(shut) = Withheld::of(handed, self.around.tell.clone()) {
            tracing::warn!(output.id = %handed.output.id, "an output's password is missing");
            return Some(Box::new(shut));
        }
        match &handed.output.kind {
            OutputKind::Recording(recording) => {
                Some(Box::new(Recording::new(&handed.output, recording, self.around.clone())))
            }
            OutputKind::Hls(hls) => {
                Some(Box::new(Hls::new(&handed.output, hls, self.around.clone())))
            }
            OutputKind::Srt(to) => {
                let secret = handed.secret.as_deref();
                Some(Box::new(Srt::new(&handed.output, to, secret, self.around.clone())))
            }
            OutputKind::Rtp(to) => {
                Some(Box::new(Rtp::new(&handed.output, to, self.around.clone())))
            }
            OutputKind::Monitor(monitor) => {
                let (secret, around) = (handed.secret.as_deref(), self.around.clone());
                let seats = self.listeners;
                Some(Box::new(Monitor::new(&handed.output, monitor, secret, seats, around)))
            }
            OutputKind::Icecast(_) | OutputKind::Shoutcast(_) => {
                let (offer, tell) = (self.around.offer.clone(), self.around.tell.clone());
                let client = SourceClient::start(handed, offer, tell, &self.runtime)?;
                Some(Box::new(client))
            }
        }
    }

    /// Opens or closes every mount, and tells every other output.
    pub fn set_on_air(&mut self, on_air: bool) {
        self.on_air = on_air;
        for (_, target) in self.targets.values() {
            target.set_on_air(on_air);
        }
        if !on_air {
            self.encoders.clear();
            for (_, hub) in &self.mounts {
                hub.close(OFF_AIR);
            }
            return;
        }
        let mut wanted: BTreeMap<EncoderKey, Vec<Arc<dyn Sink>>> = BTreeMap::new();
        for (mount, hub) in &self.mounts {
            hub.open();
            hub.set_title(&self.title);
            wanted.entry((mount.format, mount.bitrate_kbps)).or_default().push(hub.clone());
        }
        for (key, sink) in self.targets.values().flat_map(|(_, target)| target.wants()) {
            wanted.entry(key).or_default().push(sink);
        }
        self.encoders.retain(|key, _| wanted.contains_key(key));
        for (key, sinks) in wanted {
            match self.encoders.get(&key) {
                Some(encoder) => encoder.feed(sinks),
                None => {
                    let encoder = Encoder::start(key, self.around.fanout.clone(), sinks);
                    self.encoders.insert(key, encoder);
                }
            }
        }
    }

    /// Another item is heard.
    pub fn set_title(&mut self, title: &str) {
        if self.title != title {
            title.clone_into(&mut self.title);
            for (_, hub) in &self.mounts {
                hub.set_title(title);
            }
            for (_, target) in self.targets.values() {
                target.set_title(title);
            }
        }
    }

    /// How many were handed frames from `from` to before `to`, by mount; what is before `keep` is
    /// counted no more.
    pub fn listened(&mut self, from: AirFrame, to: AirFrame, keep: AirFrame) -> Vec<MountListened> {
        let of = |hub: &Arc<Hub>| hub.listened(from, to, keep);
        let mut all: Vec<MountListened> = self.mounts.iter().map(|(_, hub)| of(hub)).collect();
        for past in self.past.iter().map(of).filter(|past| past.sessions > 0) {
            match all.iter_mut().find(|now| now.mount_id == past.mount_id) {
                Some(now) => {
                    // One was closed before the other was opened.
                    now.most = now.most.max(past.most);
                    now.sessions += past.sessions;
                    now.frames += past.frames;
                }
                None => all.push(past),
            }
        }
        self.past.retain(|hub| !hub.is_forgotten());
        all
    }

    /// How long after a frame those who are behind have its segment, in frames; `None` where
    /// nothing is served in segments.
    pub fn behind(&self) -> Option<i64> {
        let lives = self.lives();
        lives.iter().map(|live| live.grace().as_millis() as i64 * 48).max()
    }

    /// How many were handed frames from `from` to before `to` in segments, by output; what is
    /// before `keep` is counted no more.
    pub fn streamed(
        &mut self,
        from: AirFrame,
        to: AirFrame,
        keep: AirFrame,
    ) -> Vec<OutputListened> {
        let mut spans: BTreeMap<OutputId, Vec<(i64, i64)>> = BTreeMap::new();
        for live in self.lives() {
            let of = spans.entry(live.output_id).or_default();
            of.extend(live.audience.spans(from, to, keep));
        }
        self.past_live.retain(|live| !live.audience.is_forgotten());
        let of = |(output_id, spans): (OutputId, Vec<(i64, i64)>)| {
            let Count { sessions, most, frames } = tally(&spans);
            OutputListened { output_id, sessions, most, frames }
        };
        spans.into_iter().map(of).collect()
    }

    /// What is served in segments, and was.
    fn lives(&self) -> Vec<Arc<Live>> {
        let now = self.targets.values().filter_map(|(_, target)| target.live());
        now.chain(self.past_live.iter().cloned()).collect()
    }

    /// How the outputs are.
    pub fn views(&self) -> Vec<OutputView> {
        let view = |(mount, hub): &(Mount, Arc<Hub>)| OutputView {
            mount_id: mount.id,
            path: mount.path.clone(),
            up: hub.is_up(),
            listeners: hub.listeners() as u32,
            bytes_sent: hub.sent(),
        };
        self.mounts.iter().map(view).collect()
    }

    /// How the outputs beside the mounts are.
    pub fn target_views(&self) -> Vec<TargetView> {
        let view = |(handed, target): &(EngineOutput, Box<dyn Target>)| TargetView {
            id: handed.output.id,
            name: handed.output.name.clone(),
            kind: handed.output.kind.word(),
            state: target.state(),
        };
        self.targets.values().map(view).collect()
    }
}
