//! Webstreams as they are asked for, and as they are shown.

use crate::http::live::TakeBody;
use grimnir_actors::webstream::WebstreamStatus;
use grimnir_events::webstream::{FailoverSettings, ProbeSettings, WebstreamHealth};
use grimnir_events::{ClaimId, UtcMicros, WebstreamId};
use grimnir_rules::webstream::{Address, Sight};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How addresses are tried out while they are not heard; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeBody {
    /// Seconds between two, 5 to 86400; 0 for none but those that are asked for. 30 at first.
    interval_s: Option<u32>,
    /// An address has so long to give sound, in milliseconds. 4000 at first.
    timeout_ms: Option<u32>,
    /// Bytes that it has to give beside. 16384 at first.
    min_bytes: Option<u32>,
}

/// When another address is heard; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailoverBody {
    /// No sound for so long is a stall, in milliseconds. 1500 at first.
    stall_ms: Option<u32>,
    /// Nothing but silence for so long is a fault, in milliseconds; 0 for never. 10000 at first.
    silence_ms: Option<u32>,
    /// What is in trouble may come back within so long, in milliseconds. 800 at first.
    grace_ms: Option<u32>,
    /// An earlier address is heard again once it is well. True at first.
    recover: Option<bool>,
    /// Once it was well for so long, in milliseconds; twice as long after each relapse. 15000 at
    /// first.
    recover_after_ms: Option<u32>,
}

/// A webstream that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebstreamBody {
    /// What people see.
    pub(super) name: String,
    /// Its addresses, the first one first, the others where it fails.
    pub(super) urls: Vec<String>,
    /// It may be heard, and is tried out; true where not given.
    pub(super) enabled: Option<bool>,
    /// How it takes the air at a slot of a clock; at once, with a fade of 500 ms, where not given.
    pub(super) take: Option<TakeBody>,
    /// What it says that it plays is told to listeners; true where not given.
    pub(super) passthrough_metadata: Option<bool>,
    /// How its addresses are tried out.
    #[serde(default)]
    pub(super) probe: ProbeBody,
    /// When another address is heard.
    #[serde(default)]
    pub(super) failover: FailoverBody,
}

/// Changes to a webstream; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebstreamPatch {
    /// What people see.
    pub(super) name: Option<String>,
    /// Its addresses, the first one first.
    pub(super) urls: Option<Vec<String>>,
    /// It may be heard, and is tried out.
    pub(super) enabled: Option<bool>,
    /// How it takes the air at a slot of a clock.
    pub(super) take: Option<TakeBody>,
    /// What it says that it plays is told to listeners.
    pub(super) passthrough_metadata: Option<bool>,
    /// How its addresses are tried out.
    #[serde(default)]
    pub(super) probe: ProbeBody,
    /// When another address is heard.
    #[serde(default)]
    pub(super) failover: FailoverBody,
}

/// A webstream.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebstreamView {
    /// Its id.
    #[schema(value_type = String)]
    id: WebstreamId,
    /// What people see.
    name: String,
    /// Its addresses, in order, and how they are.
    urls: Vec<AddressView>,
    /// It may be heard, and is tried out.
    enabled: bool,
    /// How it takes the air at a slot of a clock.
    take: TakeBody,
    /// What it says that it plays is told to listeners.
    passthrough_metadata: bool,
    /// How its addresses are tried out.
    probe: ProbeBody,
    /// When another address is heard.
    failover: FailoverBody,
    /// `unknown`, `healthy`, `degraded` (another than the first address gives sound) or
    /// `unhealthy` (none does).
    health: &'static str,
    /// Since when it is.
    #[schema(value_type = Option<String>)]
    health_since: Option<UtcMicros>,
    /// The address that gives its sound; null while none does, or it is not open.
    current_url: Option<String>,
    /// The place of that address, from 0.
    current_index: Option<usize>,
    /// Times that another address was heard.
    switches: u64,
    /// Codec and container; empty while it is not known.
    format: String,
    /// What it said last that it plays.
    title: String,
    /// What it claims the air with.
    #[schema(value_type = Option<String>)]
    claim_id: Option<ClaimId>,
    /// It owns the air.
    on_air: bool,
}

/// An address of a webstream.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddressView {
    /// The address.
    url: String,
    /// `unknown`, `healthy`, `degraded` (it failed once) or `unhealthy` (it failed again).
    health: &'static str,
    /// Since when it is.
    #[schema(value_type = Option<String>)]
    since: Option<UtcMicros>,
    /// What was found: what it sends, or what is wrong.
    found: String,
}

impl ProbeBody {
    pub(super) fn over(self, before: ProbeSettings) -> ProbeSettings {
        ProbeSettings {
            interval_s: self.interval_s.unwrap_or(before.interval_s),
            timeout_ms: self.timeout_ms.unwrap_or(before.timeout_ms),
            min_bytes: self.min_bytes.unwrap_or(before.min_bytes),
        }
    }
    fn of(settings: ProbeSettings) -> Self {
        let ProbeSettings { interval_s, timeout_ms, min_bytes } = settings;
        Self {
            interval_s: Some(interval_s),
            timeout_ms: Some(timeout_ms),
            min_bytes: Some(min_bytes),
        }
    }
}

impl FailoverBody {
    pub(super) fn over(self, before: FailoverSettings) -> FailoverSettings {
        FailoverSettings {
            stall_ms: self.stall_ms.unwrap_or(before.stall_ms),
            silence_ms: self.silence_ms.unwrap_or(before.silence_ms),
            grace_ms: self.grace_ms.unwrap_or(before.grace_ms),
            recover: self.recover.unwrap_or(before.recover),
            recover_after_ms: self.recover_after_ms.unwrap_or(before.recover_after_ms),
        }
    }
    fn of(settings: FailoverSettings) -> Self {
        let FailoverSettings { stall_ms, silence_ms, grace_ms, recover, recover_after_ms } =
            settings;
        Self {
            stall_ms: Some(stall_ms),
            silence_ms: Some(silence_ms),
            grace_ms: Some(grace_ms),
            recover: Some(recover),
            recover_after_ms: Some(recover_after_ms),
        }
    }
}

pub(super) fn view(status: WebstreamStatus) -> WebstreamView {
    let WebstreamStatus { webstream, sight, on_air } = status;
    let Sight { health, since, addresses, current, switches, format, title, claim_id, .. } = sight;
    let known = health != WebstreamHealth::Unknown;
    let address = |url: &String| {
        let seen = addresses.get(url);
        let Address { health, found, .. } = seen.cloned().unwrap_or_default();
        let since = seen.map(|seen| seen.since);
        AddressView { url: url.clone(), health: health.word(), since, found }
    };
    WebstreamView {
        id: webstream.id,
        urls: webstream.urls.iter().map(address).collect(),
        current_index: webstream.urls.iter().position(|url| *url == current),
        name: webstream.name,
        enabled: webstream.enabled,
        take: webstream.take.into(),
        passthrough_metadata: webstream.passthrough,
        probe: ProbeBody::of(webstream.probe),
        failover: FailoverBody::of(webstream.failover),
        health: health.word(),
        health_since: known.then_some(since),
        current_url: Some(current).filter(|url| !url.is_empty()),
        switches,
        format,
        title,
        claim_id,
        on_air,
    }
}
