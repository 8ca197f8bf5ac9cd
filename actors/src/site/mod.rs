//! A site: the handle that everything above the actors uses.

use crate::{CommandError, Meta, Receipt};
use grimnir_events::library::{ItemKind, MediaItem};
use grimnir_events::timeline::FormatClock;
use grimnir_events::{ClaimId, MediaId, PlaylistId, SiteId, StationId, UserId};
use grimnir_ledger::{Durability, Head, Ledger};
use grimnir_rules::Aggregate;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// How a site is opened.
#[derive(Clone, Debug)]
pub struct SiteConfig {
    /// Everything the site keeps: ledger, secrets, media, stations.
    pub data_dir: PathBuf,
    /// The engine's program; found beside our own where not given.
    pub engine_program: Option<PathBuf>,
    /// Address the engines' HTTP mounts listen on.
    pub listen_ip: IpAddr,
    /// Port of the first station's mounts; 0 takes free ones.
    pub mount_port: u16,
    /// Largest upload in bytes.
    pub upload_limit_bytes: u64,
}

/// An open site; cheap to clone.
#[derive(Clone)]
pub struct Site {
    inner: Arc<Inner>,
}

struct Inner {}

/// A file to take in.
#[derive(Clone, Debug, Default)]
pub struct Ingest {
    /// Where the bytes are; moved into the media store when accepted, removed when refused.
    pub path: PathBuf,
    /// Keep the file at `path` (a folder import).
    pub keep: bool,
    /// Name it came with.
    pub file_name: String,
    /// Title instead of the tag's.
    pub title: Option<String>,
    /// Artist instead of the tag's.
    pub artist: Option<String>,
    /// Album instead of the tag's.
    pub album: Option<String>,
    /// Category.
    pub category: Option<String>,
    /// What it is.
    pub kind: Option<ItemKind>,
    /// It must air even when its time has passed.
    pub must_air: bool,
    /// It resumes where it was cut.
    pub long_form: bool,
}

/// What takes the air on tier 0 to 2.
#[derive(Clone, Debug)]
pub enum AirSource {
    /// One item.
    Media(MediaId),
    /// A playlist, in its order.
    Playlist(PlaylistId),
}

/// A request for the air.
#[derive(Clone, Debug)]
pub struct RaiseRequest {
    /// What plays.
    pub source: AirSource,
    /// Longest time; the station's own limit where not given.
    pub max_length_s: Option<u32>,
    /// Fade of what plays; the station's own where not given; at most 10 ms on tier 0.
    pub fade_ms: Option<u32>,
    /// Start over until released.
    pub repeat: bool,
    /// Take the air from an incumbent of the same tier.
    pub take: bool,
    /// When the request's connection was accepted.
    pub accepted_at: Instant,
}

/// What a request for the air led to.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Raised {
    /// The claim; release it by this id.
    pub claim_id: ClaimId,
    /// The engine plays it.
    pub on_air: bool,
    /// Why not, where it does not.
    pub reason: String,
    /// From socket accept to the first changed frame rendered, in microseconds.
    pub accept_to_mix_us: Option<i64>,
    /// Air frame of the first changed sample.
    pub first_frame: Option<i64>,
    /// It is in the ledger; an emergency acts even where it is not.
    pub recorded: bool,
    /// Ledger position; 0 where it is not recorded yet.
    pub seq: u64,
}

/// How ready the site is.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Readiness {
    /// Commands are taken and programme is on air where it should be.
    pub ready: bool,
    /// What an acknowledgement is worth.
    pub durability: Durability,
    /// The ledger takes commits.
    pub ledger_writable: bool,
    /// Why not.
    pub ledger_reason: Option<String>,
    /// Ledger position.
    pub head_seq: u64,
    /// Position of the read models.
    pub projected_seq: u64,
    /// The engines.
    pub engines: Vec<EngineReadiness>,
}

/// How ready an engine is.
#[derive(Clone, Debug, serde::Serialize)]
pub struct EngineReadiness {
    /// Its station.
    pub station_id: StationId,
    /// The control plane is connected to it.
    pub connected: bool,
    /// Its mix thread runs under SCHED_RR.
    pub realtime: bool,
    /// Programme is on air.
    pub on_air: bool,
    /// Where it is listened to.
    pub listen_urls: Vec<String>,
    /// Journal records not yet in the ledger.
    pub journal_backlog: u64,
}

/// A signed-in principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub user_id: UserId,
    /// What it may do.
    pub role: grimnir_events::access::Role,
}

// The methods below are the contract the API codes against.
#[allow(unused_variables, missing_docs, clippy::todo)]
impl Site {
    /// Opens the site: ledger, read models, actors, engines.
    pub async fn open(config: SiteConfig) -> Result<Self, CommandError> { todo!() }
    /// Closes it in order; engines go on playing unless `stop_engines`.
    pub async fn close(&self, stop_engines: bool) { todo!() }
    pub fn id(&self) -> SiteId { todo!() }
    pub fn config(&self) -> &SiteConfig { todo!() }
    pub fn ledger(&self) -> &Arc<dyn Ledger> { todo!() }
    pub async fn head(&self) -> Head { todo!() }
    /// Derives a commit id from (log id, principal, route, key).
    pub fn commit_id_for(&self, actor: grimnir_events::Actor, route: &str, key: &str) -> grimnir_events::CommitId { todo!() }
    /// A meta with fresh ids.
    pub fn fresh_meta(&self, actor: grimnir_events::Actor) -> Meta { todo!() }
    /// Fresh random id bytes.
    pub fn fresh_id(&self) -> [u8; 16] { todo!() }
    /// Sends a command to the aggregate `A` of a station (or of the site, for access).
    pub async fn command<A: Aggregate>(&self, station: StationId, command: A::Command, meta: Meta) -> Result<Receipt<A::Event>, CommandError> { todo!() }
    /// Checks a name and password.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<Option<SignedIn>, CommandError> { todo!() }
    /// Registers a user.
    pub async fn register_user(&self, name: &str, password: &str, role: grimnir_events::access::Role, meta: Meta) -> Result<UserId, CommandError> { todo!() }
    /// Secret for signing tokens, 32 bytes, kept beside the ledger.
    pub fn token_secret(&self) -> [u8; 32] { todo!() }
    /// Measures a file and takes it in; the refusal is recorded too.
    pub async fn ingest(&self, station: StationId, ingest: Ingest, meta: Meta) -> Result<MediaItem, CommandError> { todo!() }
    /// Raises tier 0: engine and ledger in parallel.
    pub async fn emergency(&self, station: StationId, request: RaiseRequest, meta: Meta) -> Result<Raised, CommandError> { todo!() }
    /// Raises tier 1.
    pub async fn override_air(&self, station: StationId, request: RaiseRequest, meta: Meta) -> Result<Raised, CommandError> { todo!() }
    /// Releases a claim.
    pub async fn release(&self, station: StationId, claim: ClaimId, meta: Meta) -> Result<u64, CommandError> { todo!() }
    /// Goes on to the next item.
    pub async fn skip(&self, station: StationId, meta: Meta) -> Result<u64, CommandError> { todo!() }
    /// Plans again from the next hour on (clock or playlist changed).
    pub async fn replan(&self, station: StationId, meta: Meta) -> Result<u64, CommandError> { todo!() }
    /// Folder uploads may be written to before `ingest`.
    pub fn upload_dir(&self) -> PathBuf { todo!() }
    pub async fn readiness(&self) -> Readiness { todo!() }
    /// Where a station is listened to.
    pub async fn listen_urls(&self, station: StationId) -> Vec<String> { todo!() }
    /// Counts for metrics: (name, help, labels, value).
    pub fn gauges(&self) -> Vec<(&'static str, &'static str, Vec<(&'static str, String)>, f64)> { todo!() }
}

#[allow(dead_code)]
fn _unused(_: FormatClock) {}
