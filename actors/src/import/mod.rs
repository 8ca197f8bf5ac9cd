//! Takes folders in and follows them: one importer for each station, where the station is owned.
//!
//! Level-triggered: it compares what lies in a folder with what the ledger says of it and takes in
//! the difference. A watch, a restart or an overflow only make it look again. Reading order:
//! [`roots`] (which folders), `walk` (what lies there), `scan` (what it says about itself), `take`
//! (the difference), `measure` (the queue behind it), `watch`.

mod handle;
mod measure;
pub mod roots;
mod scan;
mod take;
mod walk;
mod watch;

pub use handle::{Imports, Progress};

use crate::error::CommandError;
use crate::site::Shared;
use grimnir_events::stock::Folder;
use grimnir_events::{ImportId, StationId, StreamId, StreamKind};
use grimnir_rules::Library;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::warn;

/// How often a watched folder is looked at without a reason: some file systems tell of nothing.
const ROUND: Duration = Duration::from_secs(60);
/// How soon a file that was being written is looked at again.
const SOON: Duration = Duration::from_millis(300);
/// How long changes are gathered before a folder is looked at.
const GATHER: Duration = Duration::from_millis(150);
/// Looking takes at most one part in so many and one of the time.
const SHARE: u32 = 3;
/// How soon a folder is looked at again that could not be.
const AGAIN: Duration = Duration::from_secs(5);

/// What an importer is started with.
pub struct ImporterArgs {
    /// The site.
    pub shared: Arc<Shared>,
    /// The station.
    pub station: StationId,
}

/// The importer ended, which it never does by itself.
pub struct Ended;

/// The actor.
pub struct Importer;

impl Actor for Importer {
    type Msg = Ended;
    type State = tokio::task::AbortHandle;
    type Arguments = ImporterArgs;

    async fn pre_start(
        &self,
        me: ActorRef<Ended>,
        args: ImporterArgs,
    ) -> Result<Self::State, ActorProcessingErr> {
        let running = tokio::spawn(run(args.shared, args.station));
        let handle = running.abort_handle();
        tokio::spawn(async move {
            let _ = running.await;
            let _ = me.cast(Ended);
        });
        Ok(handle)
    }

    async fn handle(
        &self,
        _me: ActorRef<Ended>,
        _ended: Ended,
        _state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        Err("the importer ended".into())
    }

    async fn post_stop(
        &self,
        _me: ActorRef<Ended>,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        state.abort();
        Ok(())
    }
}

/// A folder that is to be looked at.
#[derive(Clone)]
struct Open {
    id: ImportId,
    folder: Folder,
    done: bool,
}

async fn run(shared: Arc<Shared>, station: StationId) {
    let handle = shared.imports.of(station);
    let mut tasks = JoinSet::new();
    tasks.spawn(measure::run(shared.clone(), station, handle.clone()));
    let mut watches = watch::Watches::default();
    let mut looked = BTreeSet::new();
    let mut round = Instant::now() + ROUND;
    loop {
        let all = Instant::now() >= round;
        if all {
            round = Instant::now() + ROUND;
        }
        let mut next = ROUND;
        let begun = Instant::now();
        match open_folders(&shared, station).await {
            Ok(open) => {
                watches.keep(&handle, &open);
                handle.keep(open.iter().map(|open| open.id).collect());
                for open in open {
                    let touched = handle.take_touched(open.id);
                    let first = looked.insert(open.id);
                    if !(all || touched || first || !open.done) {
                        continue;
                    }
                    next = next.min(look(&shared, station, &handle, &open).await);
                }
            }
            Err(error) => {
                warn!(station.id = %station, %error, "the folders of the library are not known");
                next = AGAIN;
            }
        }
        // A large folder in which much changes must not keep a core busy with looking at it.
        let pause = (begun.elapsed() * SHARE).min(AGAIN);
        tokio::select! {
            () = handle.woken() => tokio::time::sleep(GATHER.max(pause)).await,
            () = tokio::time::sleep(next.max(pause)) => {}
            // It never ends by itself.
            _ = tasks.join_next() => return,
        }
    }
}

/// Looks at a folder; answers when it wants to be looked at again.
async fn look(
    shared: &Arc<Shared>,
    station: StationId,
    handle: &handle::Handle,
    open: &Open,
) -> Duration {
    match take::look(shared, station, handle, open).await {
        Ok(take::Looked { busy: 0, waits: false }) => ROUND,
        Ok(take::Looked { .. }) => {
            handle.touch(open.id);
            SOON
        }
        Err(error) => {
            let reason = error.to_string();
            warn!(station.id = %station, import.id = %open.id, reason, "a folder is not looked at");
            handle.change(open.id, |progress| progress.fault = Some(reason));
            handle.touch(open.id);
            AGAIN
        }
    }
}

async fn open_folders(shared: &Shared, station: StationId) -> Result<Vec<Open>, CommandError> {
    let stream = StreamId::of_station(StreamKind::Library, station);
    let library = shared.directory.inspect::<Library>(stream).await?;
    let open = library.state.folders.iter().filter(|(_, held)| held.folder.watch || !held.done);
    let open =
        open.map(|(id, held)| Open { id: *id, folder: held.folder.clone(), done: held.done });
    Ok(open.collect())
}
