//! The desk of outputs: brings encoders, hubs and the offer to what the configuration says.
//!
//! Upstream: the director. One encoder serves every mount of the same format and bit rate.

use super::encoder::{Encoder, EncoderKey, Tell};
use super::fanout::FanoutHandle;
use super::format::Room;
use super::http::SharedOffer;
use super::hub::Hub;
use super::reached::Reached;
use crate::director::status::OutputView;
use grimnir_events::MountId;
use grimnir_events::air::AirEvent;
use grimnir_events::handover::EngineConfig;
use grimnir_events::station::Mount;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

/// All outputs of the station.
pub struct Desk {
    fanout: FanoutHandle,
    offer: SharedOffer,
    reached: Arc<Reached>,
    tell: Tell,
    /// Listeners that a mount takes.
    listeners: usize,
    encoders: BTreeMap<EncoderKey, Encoder>,
    mounts: Vec<(Mount, Arc<Hub>)>,
    title: String,
}

impl Desk {
    /// No outputs yet.
    pub fn new(
        fanout: FanoutHandle,
        offer: SharedOffer,
        reached: Arc<Reached>,
        tell: Tell,
        listeners: usize,
    ) -> Self {
        Self {
            fanout,
            offer,
            reached,
            tell,
            listeners,
            encoders: BTreeMap::new(),
            mounts: Vec::new(),
            title: String::new(),
        }
    }

    /// Offers what `config` names; sound flows only while `on_air`.
    pub fn apply(&mut self, config: &EngineConfig, on_air: bool) {
        let mut before: BTreeMap<MountId, (Mount, Arc<Hub>)> =
            self.mounts.drain(..).map(|(mount, hub)| (mount.id, (mount, hub))).collect();
        for mount in &config.mounts {
            let kept = before.remove(&mount.id).filter(|(old, _)| {
                (old.format, old.bitrate_kbps, &old.path)
                    == (mount.format, mount.bitrate_kbps, &mount.path)
            });
            let room = Room::of(mount.format, self.listeners);
            let new = || Hub::new(mount.id, self.reached.clone(), room);
            let hub = kept.map_or_else(new, |(_, hub)| hub);
            self.mounts.push((mount.clone(), hub));
        }
        for (_, hub) in before.values() {
            self.close(hub, "the mount was removed or changed");
        }
        {
            let mut offer = self.offer.write().unwrap_or_else(PoisonError::into_inner);
            offer.name.clone_from(&config.name);
            offer.mounts.clone_from(&self.mounts);
        }
        self.set_on_air(on_air);
    }

    /// Opens or closes every mount.
    pub fn set_on_air(&mut self, on_air: bool) {
        if !on_air {
            self.encoders.clear();
            for (_, hub) in &self.mounts {
                self.close(hub, "the station is off air");
            }
            return;
        }
        let mut wanted: BTreeMap<EncoderKey, Vec<Arc<Hub>>> = BTreeMap::new();
        for (mount, hub) in &self.mounts {
            hub.open();
            hub.set_title(&self.title);
            wanted.entry((mount.format, mount.bitrate_kbps)).or_default().push(hub.clone());
        }
        self.encoders.retain(|key, _| wanted.contains_key(key));
        for (key, hubs) in wanted {
            match self.encoders.get(&key) {
                Some(encoder) => encoder.feed(hubs),
                None => {
                    let encoder = Encoder::start(key, self.fanout.tap(), hubs, self.tell.clone());
                    self.encoders.insert(key, encoder);
                }
            }
        }
    }

    fn close(&self, hub: &Arc<Hub>, reason: &str) {
        if hub.is_up() {
            let down = AirEvent::OutputDown { mount_id: hub.mount_id, reason: reason.into() };
            (self.tell)(down);
        }
        hub.close();
    }

    /// Another item is heard.
    pub fn set_title(&mut self, title: &str) {
        if self.title != title {
            title.clone_into(&mut self.title);
            for (_, hub) in &self.mounts {
                hub.set_title(title);
            }
        }
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
}
