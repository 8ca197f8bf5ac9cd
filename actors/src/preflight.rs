//! Looks ahead: the sound of every line of the coming half hour is there and whole, or it is said
//! while there is time to plan something else.
//!
//! Upstream: the plan and the media store. Downstream: the library, which loses an item whose sound
//! is gone and finds it when it is back; the planner mends the plan from that.

use crate::clock;
use crate::error::CommandError;
use crate::media;
use crate::meta::Meta;
use crate::site::Shared;
use grimnir_events::timeline::Line;
use grimnir_events::{ContentHash, MediaId, StationId, StreamId, StreamKind};
use grimnir_rules::library::LibraryState;
use grimnir_rules::library::command::LibraryCommand;
use grimnir_rules::process::FILE_MISSING;
use grimnir_rules::{Library, Timeline};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::task::JoinHandle;
use tracing::{info, warn};

/// How far ahead is looked: 30 minutes.
const AHEAD_US: i64 = 30 * 60 * 1_000_000;
/// Behind it a line may still play.
const BEHIND_US: i64 = 3_600_000_000;
/// How often.
const TURN: Duration = Duration::from_secs(5);
/// What is said of a file whose bytes are not those that were taken in.
const FILE_CHANGED: &str = "its file holds other bytes than were taken in";

/// What a preflight is started with.
pub struct PreflightArgs {
    /// The site.
    pub shared: Arc<Shared>,
    /// The station.
    pub station: StationId,
}

/// Look now.
pub struct Look;

/// The actor.
pub struct Preflight;

/// What a running preflight holds.
pub struct PreflightState {
    shared: Arc<Shared>,
    station: StationId,
    ticker: JoinHandle<()>,
    /// Files that were read whole and found right, as they were then.
    whole: BTreeMap<ContentHash, Marks>,
}

/// What changes when a file does.
type Marks = (u64, Option<SystemTime>);

impl Actor for Preflight {
    type Msg = Look;
    type State = PreflightState;
    type Arguments = PreflightArgs;

    async fn pre_start(
        &self,
        me: ActorRef<Look>,
        args: PreflightArgs,
    ) -> Result<PreflightState, ActorProcessingErr> {
        let ticker = tokio::spawn(async move {
            while me.cast(Look).is_ok() {
                tokio::time::sleep(TURN).await;
            }
        });
        let (shared, station) = (args.shared, args.station);
        Ok(PreflightState { shared, station, ticker, whole: BTreeMap::new() })
    }

    async fn handle(
        &self,
        _me: ActorRef<Look>,
        _look: Look,
        state: &mut PreflightState,
    ) -> Result<(), ActorProcessingErr> {
        if let Err(error) = state.look().await {
            warn!(station.id = %state.station, %error, "the coming half hour was not looked at");
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _me: ActorRef<Look>,
        state: &mut PreflightState,
    ) -> Result<(), ActorProcessingErr> {
        state.ticker.abort();
        Ok(())
    }
}

impl PreflightState {
    async fn look(&mut self) -> Result<(), CommandError> {
        if self.shared.is_closing() {
            return Ok(());
        }
        let directory = &self.shared.directory;
        let stream = |kind| StreamId::of_station(kind, self.station);
        let timeline = directory.inspect::<Timeline>(stream(StreamKind::Timeline)).await?;
        let library = directory.inspect::<Library>(stream(StreamKind::Library)).await?;
        let now = clock::now();
        let (from, until) = (now.plus(-BEHIND_US), now.plus(AHEAD_US));
        let near = |line: &&Line| line.planned_at >= from && line.planned_at < until;
        let lines = timeline.state.hours.values().flat_map(|hour| &hour.lines).filter(near);
        let mut asked: BTreeMap<MediaId, ContentHash> = BTreeMap::new();
        for line in lines {
            // A line may hold bytes that the item has no more; the engine says if they are gone.
            let entry = library.state.media.get(&line.media_id);
            if entry.is_some_and(|e| e.lost.is_none() && e.item.play_hash == line.play_hash) {
                asked.insert(line.media_id, line.play_hash);
            }
        }
        for (media_id, hash) in asked {
            if let Err(reason) = self.check(hash).await {
                let id = self.station;
                warn!(station.id = %id, %media_id, reason, "an item is lost ahead of air");
                let reason = reason.to_owned();
                self.tell(LibraryCommand::LoseMedia { media_id, reason }).await?;
            }
        }
        for (media_id, hash) in missed(&library.state) {
            if self.check(hash).await.is_ok() {
                info!(station.id = %self.station, %media_id, "an item is found again");
                self.tell(LibraryCommand::FindMedia { media_id }).await?;
            }
        }
        Ok(())
    }

    /// Whether the bytes of a hash are there and whole. A file is read once, and again when it has
    /// changed.
    async fn check(&mut self, hash: ContentHash) -> Result<(), &'static str> {
        let path = media::path(&self.shared.media_dir(), hash);
        let Ok(meta) = tokio::fs::metadata(&path).await else { return Err(FILE_MISSING) };
        let marks = (meta.len(), meta.modified().ok());
        if self.whole.get(&hash) == Some(&marks) {
            return Ok(());
        }
        self.whole.remove(&hash);
        let read = tokio::task::spawn_blocking(move || hash_of(&path)).await;
        match read {
            Ok(Ok(found)) if found == hash => {
                self.whole.insert(hash, marks);
                Ok(())
            }
            Ok(Ok(_)) => Err(FILE_CHANGED),
            Ok(Err(_)) | Err(_) => Err(FILE_MISSING),
        }
    }

    async fn tell(&self, command: LibraryCommand) -> Result<(), CommandError> {
        let stream = StreamId::of_station(StreamKind::Library, self.station);
        self.shared.directory.decide::<Library>(stream, command, Meta::own()).await.map(|_| ())
    }
}

/// Items that were lost because their bytes were gone or others: these can be found.
fn missed(library: &LibraryState) -> Vec<(MediaId, ContentHash)> {
    let bytes = |reason: &str| [FILE_MISSING, FILE_CHANGED].contains(&reason);
    let found = library.media.values();
    let found = found.filter(|entry| entry.lost.as_deref().is_some_and(bytes));
    found.map(|entry| (entry.item.id, entry.item.play_hash)).collect()
}

fn hash_of(path: &Path) -> std::io::Result<ContentHash> {
    let mut file = std::fs::File::open(path)?;
    let (mut hasher, mut part) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut part)? {
            0 => return Ok(ContentHash(hasher.finalize().into())),
            read => hasher.update(&part[..read]),
        }
    }
}
