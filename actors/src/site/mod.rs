//! A site: the handle that everything above the actors uses.

mod air;
mod control;
mod archive;
mod close;
mod ledger;
mod levels;
mod library;
mod open;
pub(crate) mod outputs;
mod proof;
mod readiness;
mod shared;
mod signin;

use crate::clock;
use crate::media::Beside;
use crate::ownership::Node;
use crate::{CommandError, Meta, Receipt};
use grimnir_events::library::{ItemKind, MediaItem};
use grimnir_events::{
    Actor, ClaimId, CommitId, ContentHash, CorrelationId, MediaId, PlaylistId, SiteId, StationId,
    StreamId, StreamKind, UserId, derive_id,
};
use grimnir_ledger::{Deviation, Durability, Head, JetStreamOptions, Ledger, Secrets};
use grimnir_projections::Views;
use grimnir_rules::station::command::StationCommand;
use grimnir_rules::{Aggregate, Context, Station};
use std::any::Any;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

pub use crate::ingest::AsItem;
pub(crate) use air::claim_item;
pub use archive::{ArchivePlace, ArchiveReadiness};
pub use control::{ModeWanted, NextLine};
pub use grimnir_ledger::proof::tile::TileId;
pub use library::{FolderRequest, ImportFile, ImportStatus, ItemAnswer};
pub use outputs::{ListenerState, OutputState, Password};
pub use proof::{
    CheckpointReadiness, MAX_REQUEST_BYTES, ProofConfig, Refusal, SiteProof, VerifierKey,
    WitnessPeer,
};
pub use shared::{Parts, Shared};

/// How a site is opened.
#[derive(Clone, Debug)]
pub struct SiteConfig {
    /// Everything the site keeps: ledger, secrets, media, stations.
    pub data_dir: PathBuf,
    /// How the other nodes of the site see this one; only on a ledger that is shared.
    pub node: Node,
    /// Folder of what nodes of one host share (media, secrets, engines); the site's own where not
    /// given.
    pub common_dir: Option<PathBuf>,
    /// Where the ledger of record is.
    pub ledger: LedgerPlace,
    /// The engine's program; found beside our own where not given.
    pub engine_program: Option<PathBuf>,
    /// Address the engines' HTTP mounts listen on.
    pub listen_ip: IpAddr,
    /// Port of the first station's mounts; 0 takes free ones.
    pub mount_port: u16,
    /// Largest upload in bytes.
    pub upload_limit_bytes: u64,
    /// Who countersigns the ledger.
    pub proof: ProofConfig,
    /// Where sealed segments are copied to.
    pub archive: Option<ArchivePlace>,
    /// Folders of this host that libraries may be filled from.
    pub import_roots: Vec<PathBuf>,
    /// Where alarms are posted to; may hold a secret.
    pub alarm_url: Option<String>,
}

impl SiteConfig {
    /// Folder of what nodes of one host share.
    pub fn common_dir(&self) -> &std::path::Path {
        self.common_dir.as_deref().unwrap_or(&self.data_dir)
    }

    /// Whoever opened it took a weaker ledger upon themselves.
    pub(crate) fn accepts_weaker(&self) -> bool {
        match &self.ledger {
            LedgerPlace::Here => false,
            LedgerPlace::JetStream(options) => options.accept_weaker,
        }
    }
}

/// Where a site's ledger of record is.
#[derive(Clone, Debug, Default)]
pub enum LedgerPlace {
    /// In the site's own folder.
    #[default]
    Here,
    /// On JetStream; the site's folder holds a replica.
    JetStream(Box<JetStreamOptions>),
}

/// An open site; cheap to clone.
#[derive(Clone)]
pub struct Site {
    shared: Arc<Shared>,
}

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
    /// The item that the file is, where it is one already.
    pub as_item: Option<AsItem>,
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
    /// In what the ledger's store is less than it has to be.
    pub deviations: Vec<Deviation>,
    /// The ledger takes commits.
    pub ledger_writable: bool,
    /// Why not.
    pub ledger_reason: Option<String>,
    /// Ledger position.
    pub head_seq: u64,
    /// Position of the read models.
    pub projected_seq: u64,
    /// What is signed of the ledger.
    pub checkpoint: CheckpointReadiness,
    /// How far the archive is; nothing where none was named.
    pub archive: Option<ArchiveReadiness>,
    /// The engines.
    pub engines: Vec<EngineReadiness>,
    /// Name of this node; empty where it shares its ledger with no other.
    pub node: String,
    /// Who owns each station.
    pub owners: Vec<Owner>,
}

/// Who owns a station.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Owner {
    /// The station.
    pub station_id: StationId,
    /// Name of the node; empty where nobody is known.
    pub node: String,
    /// Its epoch, where it is this node.
    pub epoch: Option<u64>,
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

impl Site {
    /// Its id.
    pub fn id(&self) -> SiteId {
        self.shared.site_id
    }
    /// How it was opened.
    pub fn config(&self) -> &SiteConfig {
        &self.shared.config
    }
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
    /// The ledger.
    pub fn ledger(&self) -> &Arc<dyn Ledger> {
        &self.shared.ledger
    }
    /// The read models.
    pub fn views(&self) -> &Arc<Views> {
        &self.shared.views
    }
    /// Secrets kept beside the ledger.
    pub fn secrets(&self) -> &Arc<Secrets> {
        &self.shared.secrets
    }
    /// How far the ledger reaches.
    pub async fn head(&self) -> Head {
        self.shared.ledger.head().await.unwrap_or_default()
    }
    /// Derives a commit id from (log id, principal, route, key).
    pub fn commit_id_for(&self, actor: Actor, route: &str, key: &str) -> CommitId {
        let (kind, id) = actor.to_parts();
        let log = self.shared.ledger.log_id();
        CommitId(derive_id("request", &[&log.0, &[kind], &id, route.as_bytes(), key.as_bytes()]))
    }
    /// A meta with fresh ids.
    pub fn fresh_meta(&self, actor: Actor) -> Meta {
        Meta {
            actor,
            correlation: CorrelationId(clock::fresh_id()),
            causation: CommitId::default(),
            commit_id: CommitId(clock::fresh_id()),
        }
    }
    /// Fresh random id bytes.
    pub fn fresh_id(&self) -> [u8; 16] {
        clock::fresh_id()
    }
    /// Sends a command to the aggregate `A` of a station (or of the site, for access).
    pub async fn command<A: Aggregate>(
        &self,
        station: StationId,
        command: A::Command,
        meta: Meta,
    ) -> Result<Receipt<A::Event>, CommandError> {
        let stream = self.stream::<A>(station);
        if A::KIND == StreamKind::Station && self.shared.views.station(station).is_none() {
            let creates = (&command as &dyn Any).downcast_ref::<StationCommand>();
            if let Some(create @ StationCommand::Create { .. }) = creates {
                // Refused here, so that a bad request starts no actors.
                let context = Context { now: clock::now(), ..Context::default() };
                Station::decide(&Default::default(), create, &context)
                    .map_err(|rejection| CommandError::rejected(&rejection))?;
                if !self.shared.directory.knows(stream) {
                    self.shared.add_station(station).await?;
                }
                self.shared.begin_station(station).await?;
            }
        }
        self.shared.directory.decide::<A>(stream, command, meta).await
    }
    /// Shows an aggregate's state.
    pub async fn inspect<A: Aggregate>(
        &self,
        station: StationId,
    ) -> Result<crate::shell::Snapshot<A>, CommandError> {
        self.shared.directory.inspect::<A>(self.stream::<A>(station)).await
    }
    fn stream<A: Aggregate>(&self, station: StationId) -> StreamId {
        if A::KIND == StreamKind::Access {
            StreamId::access(self.shared.site_id)
        } else {
            StreamId::of_station(A::KIND, station)
        }
    }
    /// Whether this node decides for a station that is there. Asked before work that would be in
    /// vain; the shell asks again.
    pub(crate) fn ours(&self, station: StationId) -> Result<(), CommandError> {
        match self.shared.views.station(station) {
            Some(_) => self.shared.ownership.decides(station.0).map(drop),
            None => Ok(()),
        }
    }
    /// Measures a file and takes it in; the refusal is recorded too.
    pub async fn ingest(
        &self,
        station: StationId,
        ingest: Ingest,
        meta: Meta,
    ) -> Result<MediaItem, CommandError> {
        self.ours(station)?;
        crate::ingest::ingest(&self.shared, station, ingest, meta).await
    }
    /// Items that are to be measured again are looked at now.
    pub fn analyse_now(&self) {
        self.shared.analysis_asked.notify_one();
    }
    /// What lies beside an item's sound: its waveform, drawn now where it is not there, or the
    /// picture in its tags.
    pub async fn beside(
        &self,
        item: &MediaItem,
        what: Beside,
    ) -> Result<Option<Vec<u8>>, CommandError> {
        crate::media::beside(&self.shared, item, what).await
    }
    /// Where the bytes of a hash lie.
    pub fn media_path(&self, hash: ContentHash) -> PathBuf {
        crate::media::path(&self.shared.media_dir(), hash)
    }
    /// Plans again from the next hour on, and the running hour where it is empty.
    pub async fn replan(&self, station: StationId, meta: Meta) -> Result<u64, CommandError> {
        self.ours(station)?;
        self.shared.replan(station, meta).await
    }
    /// Uploads may be written here before they are taken in.
    pub fn upload_dir(&self) -> PathBuf {
        self.shared.upload_dir()
    }
}
