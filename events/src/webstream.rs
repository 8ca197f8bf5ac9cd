//! The words of webstreams: streams from elsewhere, each an ordered chain of addresses, of which
//! the first that gives sound is heard.
//!
//! What a station decides about them is [`WebstreamEvent`]; what its engine saw of them is
//! [`WebstreamAirEvent`]. Going on air raises a claim, as a live input does ([`crate::live`]).
//! Not here: sockets, sound.

use crate::codec::Payload;
use crate::ids::{ClaimId, ContentHash, LiveSessionId, StationId, WebstreamId, derive_id};
use crate::ladder::{Claim, Tier};
use crate::live::{LiveMode, LiveSession, LiveValidity, TakePolicy};
use crate::units::UtcMicros;
use serde::{Deserialize, Serialize};

/// Fade of what plays where a slot of a clock begins.
const SLOT_FADE_MS: u32 = 500;

/// How the addresses of a webstream are tried out while it is not heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProbeSettings {
    /// Seconds between two; 0 for none but those that a person asks for.
    pub interval_s: u32,
    /// It has so long to give sound, in milliseconds.
    pub timeout_ms: u32,
    /// Bytes that it has to give beside.
    pub min_bytes: u32,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self { interval_s: 30, timeout_ms: 4_000, min_bytes: 16_384 }
    }
}

/// When another address is heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FailoverSettings {
    /// No sound for so long is a stall, in milliseconds.
    pub stall_ms: u32,
    /// Nothing but silence for so long is a fault, in milliseconds; 0 for never.
    pub silence_ms: u32,
    /// What is in trouble may come back within so long, as long as enough is held, in milliseconds.
    pub grace_ms: u32,
    /// An earlier address of the chain is heard again once it is well.
    pub recover: bool,
    /// Once it was well for so long, in milliseconds; twice as long after each relapse.
    pub recover_after_ms: u32,
}

impl Default for FailoverSettings {
    fn default() -> Self {
        Self {
            stall_ms: 1_500,
            silence_ms: 10_000,
            grace_ms: 800,
            recover: true,
            recover_after_ms: 15_000,
        }
    }
}

/// A stream from elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Webstream {
    /// Its id.
    pub id: WebstreamId,
    /// What people see.
    pub name: String,
    /// Its addresses, the first one first, the others where it fails.
    pub urls: Vec<String>,
    /// It may be heard, and is probed.
    pub enabled: bool,
    /// How it takes the air.
    pub take: TakePolicy,
    /// What it says that it plays is told to listeners.
    pub passthrough: bool,
    /// How it is tried out.
    pub probe: ProbeSettings,
    /// When another address is heard.
    pub failover: FailoverSettings,
}

impl Webstream {
    /// The webstream of a slot of a clock that names addresses only: the same addresses are the
    /// same webstream. It is not probed before its time.
    pub fn of_slot(urls: &[String]) -> Self {
        let parts: Vec<&[u8]> = urls.iter().map(String::as_bytes).collect();
        Self {
            id: WebstreamId(derive_id("webstream of a slot", &parts)),
            name: urls.first().map(|url| host_of(url).to_owned()).unwrap_or_default(),
            urls: urls.to_vec(),
            enabled: true,
            take: TakePolicy::Faded { fade_ms: SLOT_FADE_MS },
            passthrough: true,
            probe: ProbeSettings { interval_s: 0, ..ProbeSettings::default() },
            failover: FailoverSettings::default(),
        }
    }

    /// Who it is among live inputs: the same sixteen bytes.
    pub fn session_id(&self) -> LiveSessionId {
        LiveSessionId(self.id.0)
    }

    /// As a live input: what it takes the air as, at a tier.
    pub fn session(&self, tier: Tier, take: TakePolicy) -> LiveSession {
        LiveSession {
            id: self.session_id(),
            name: self.name.clone(),
            username: String::new(),
            digest: ContentHash::default(),
            mount: String::new(),
            validity: LiveValidity::Shows { show_id: None },
            tier,
            take,
            mode: LiveMode::Replace,
        }
    }
}

/// What stands between the scheme and the path of an address.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// What happened to the webstreams of a station, by decision.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebstreamEvent {
    /// It exists, or is another from now on.
    Set {
        /// The webstream.
        webstream: Box<Webstream>,
    },
    /// It is no more; where it is heard, it ends.
    Removed {
        /// Which.
        webstream_id: WebstreamId,
    },
    /// A person wants it on air.
    StartRequested {
        /// Which.
        webstream_id: WebstreamId,
        /// The request.
        start: WebstreamStart,
    },
    /// A person wants it off the air.
    StopRequested {
        /// Which.
        webstream_id: WebstreamId,
        /// This request, among the station's.
        number: u64,
    },
    /// A person wants all its addresses tried out now.
    ProbeRequested {
        /// Which.
        webstream_id: WebstreamId,
        /// This request, among the station's.
        number: u64,
    },
}

impl Payload for WebstreamEvent {
    const NAME: &'static str = "webstream.event";
    const VERSION: u16 = 1;
}

/// A person's wish to have a webstream on air.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WebstreamStart {
    /// This request, among the station's; 0 for none.
    pub number: u64,
    /// From when on.
    pub from: UtcMicros,
    /// Until when at the latest.
    pub until: UtcMicros,
    /// How it takes the air.
    pub take: TakePolicy,
}

/// A webstream as an engine needs it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WebstreamGrant {
    /// The webstream.
    pub webstream: Webstream,
    /// When it is to be on air by the plan, from and until, in order.
    pub windows: Vec<(UtcMicros, UtcMicros)>,
    /// A person wants it on air.
    pub start: WebstreamStart,
    /// A person wanted it off the air: the number of the request, 0 for none.
    pub stop: u64,
    /// A person wanted it tried out: the number of the request, 0 for none.
    pub probe: u64,
}

/// The webstreams of a station; handed over to an engine whole.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EngineWebstreams {
    /// Ledger position it was read at: a lower one never replaces a higher one.
    pub revision: u64,
    /// The station.
    pub station_id: StationId,
    /// All of them.
    pub grants: Vec<WebstreamGrant>,
}

impl Payload for EngineWebstreams {
    const NAME: &'static str = "handover.webstreams";
    const VERSION: u16 = 1;
}

/// How well a webstream is, or one address of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebstreamHealth {
    /// It was not tried yet.
    #[default]
    Unknown,
    /// An address gives sound. A webstream: its first one does.
    Healthy,
    /// An address failed once. A webstream: another address than its first one gives sound.
    Degraded,
    /// An address failed again. A webstream: none of its addresses gives sound.
    Unhealthy,
}

impl WebstreamHealth {
    /// The health as it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// Why another address of a chain is heard, or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchReason {
    /// It was opened.
    Opened,
    /// The one before gave no sound for too long, or less than was heard.
    Stalled,
    /// The one before gave nothing but silence.
    Silent,
    /// The one before ended, or its connection broke.
    Ended,
    /// The one before gave something else than sound.
    NotSound,
    /// The one before is not in the chain any more.
    Removed,
    /// An earlier one of the chain is well again.
    Recovered,
}

/// What the engine saw of a webstream. Witnessed, never rejected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebstreamAirEvent {
    /// An address was tried out, or heard, and is as well as this from now on.
    Probed {
        /// Which webstream.
        webstream_id: WebstreamId,
        /// Its place in the chain.
        place: u16,
        /// The address.
        url: String,
        /// How well it is.
        health: WebstreamHealth,
        /// What was found: what it sends, or what is wrong.
        found: String,
    },
    /// The webstream as a whole is as well as this from now on.
    HealthChanged {
        /// Which.
        webstream_id: WebstreamId,
        /// Before.
        from: WebstreamHealth,
        /// Now.
        to: WebstreamHealth,
    },
    /// Another address gives the sound from now on, or none does.
    Switched {
        /// Which webstream.
        webstream_id: WebstreamId,
        /// The place before; none where there was none.
        from: Option<u16>,
        /// The place now; none where all have failed.
        to: Option<u16>,
        /// The address now; empty for none.
        url: String,
        /// Why.
        reason: SwitchReason,
        /// What was seen.
        detail: String,
    },
    /// It can go on air: enough is held, and something was heard.
    Ready {
        /// Which.
        webstream_id: WebstreamId,
        /// Codec and container.
        format: String,
    },
    /// It claims the air; the ladder accepts it as a fact.
    Claimed {
        /// Which.
        webstream_id: WebstreamId,
        /// The wish of a person that it follows; 0 for the plan.
        start: u64,
        /// What with.
        claim: Box<Claim>,
    },
    /// It told what it plays.
    Titled {
        /// Which.
        webstream_id: WebstreamId,
        /// What.
        title: String,
    },
    /// Its sound ran out on air; its claim is kept for a while.
    RanDry {
        /// Which.
        webstream_id: WebstreamId,
        /// Its claim.
        claim_id: ClaimId,
    },
    /// It is not held any more.
    Closed {
        /// Which.
        webstream_id: WebstreamId,
        /// Why.
        reason: String,
        /// Bytes that came.
        bytes: u64,
    },
}

impl WebstreamAirEvent {
    /// The webstream that it is about.
    pub fn webstream_id(&self) -> WebstreamId {
        match self {
            Self::Probed { webstream_id, .. }
            | Self::HealthChanged { webstream_id, .. }
            | Self::Switched { webstream_id, .. }
            | Self::Ready { webstream_id, .. }
            | Self::Claimed { webstream_id, .. }
            | Self::Titled { webstream_id, .. }
            | Self::RanDry { webstream_id, .. }
            | Self::Closed { webstream_id, .. } => *webstream_id,
        }
    }
}
