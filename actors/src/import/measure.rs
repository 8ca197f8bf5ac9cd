//! Measures what was taken in by its tags, in the background and after whatever a person asks for.

use super::handle::Handle;
use super::take::fresh_meta;
use crate::clock;
use crate::error::CommandError;
use crate::ingest::{self, AsItem};
use crate::site::{Ingest, Shared};
use grimnir_events::stock::{FileOutcome, FileTaken};
use grimnir_events::{ContentHash, ImportId, MediaId, StationId, StreamId, StreamKind};
use grimnir_rules::Library;
use grimnir_rules::library::LibraryState;
use grimnir_rules::library::stock::state::{FileIs, Stage};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tracing::warn;

/// Files measured at once.
const AT_ONCE: usize = 2;
/// How long to wait after the measuring itself failed.
const PAUSE: Duration = Duration::from_secs(5);
/// How often a file is tried before it is left until the next start.
const TRIES: u32 = 5;

/// A file to measure.
#[derive(Clone, Debug)]
pub struct Job {
    import: ImportId,
    file: PathBuf,
    media_id: MediaId,
    /// Its bytes; not known for a copy of an item's.
    hash: Option<ContentHash>,
    tries: u32,
}

/// The job that a file makes; `None` for one that is no item.
pub fn jobs_of(import: ImportId, root: &Path, file: &FileTaken) -> Option<Job> {
    let (media_id, hash) = match &file.outcome {
        FileOutcome::Added { item } => (item.id, Some(item.hash)),
        FileOutcome::Changed { media_id, hash } => (*media_id, Some(*hash)),
        FileOutcome::Known { media_id } | FileOutcome::Moved { media_id, .. } => (*media_id, None),
        FileOutcome::Refused { .. } => return None,
    };
    Some(Job { import, file: root.join(&file.path), media_id, hash, tries: 0 })
}

/// Measures what waits, and goes on with what an earlier run left.
pub async fn run(shared: Arc<Shared>, station: StationId, handle: Arc<Handle>) {
    let stream = StreamId::of_station(StreamKind::Library, station);
    handle.clear_queue();
    loop {
        match shared.directory.inspect::<Library>(stream).await {
            Ok(library) => {
                handle.push(left(&library.state));
                break;
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    let mut running = JoinSet::new();
    loop {
        let job = handle.pop().await;
        // While a folder is looked through one core is left to that.
        while running.len() >= if handle.is_looking() { 1 } else { AT_ONCE } {
            running.join_next().await;
        }
        let (shared, handle) = (shared.clone(), handle.clone());
        running.spawn(async move {
            if let Err(error) = measure(&shared, station, &job).await {
                again(&handle, job, &error).await;
            }
        });
    }
}

async fn again(handle: &Handle, job: Job, error: &CommandError) {
    let decided = matches!(error, CommandError::Rejected { .. });
    if decided || job.tries >= TRIES {
        warn!(import.id = %job.import, media.id = %job.media_id, %error, "a file is not measured");
        return;
    }
    tokio::time::sleep(PAUSE).await;
    handle.push([Job { tries: job.tries + 1, ..job }]);
}

/// Files of every folder whose item still waits for its measuring.
fn left(state: &LibraryState) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (import, folder) in &state.folders {
        let root = Path::new(&folder.folder.path);
        for (path, file) in &*folder.files {
            let (media_id, hash) = match &file.what {
                FileIs::Own(id) | FileIs::Known(id) => (*id, None),
                FileIs::Changed(id, hash) => (*id, Some(**hash)),
                FileIs::Refused(_) => continue,
            };
            if wanted(state, media_id, hash).is_some() {
                let file = root.join(&**path);
                jobs.push(Job { import: *import, file, media_id, hash, tries: 0 });
            }
        }
    }
    jobs
}

/// How the bytes enter the library; `None` where it has no use for them.
fn wanted(state: &LibraryState, id: MediaId, hash: Option<ContentHash>) -> Option<AsItem> {
    let entry = state.media.get(&id)?;
    let expected = hash.unwrap_or(entry.item.hash);
    let same = expected == entry.item.hash;
    match (&entry.stage, same) {
        (Stage::Pending, true) => Some(AsItem::pending(id, expected)),
        (Stage::Measured | Stage::Pending | Stage::Failed(_), false) => {
            Some(AsItem::changed(id, expected))
        }
        (Stage::Measured | Stage::Failed(_), true) => None,
    }
}

async fn measure(shared: &Shared, station: StationId, job: &Job) -> Result<(), CommandError> {
    let stream = StreamId::of_station(StreamKind::Library, station);
    let as_item = {
        let library = shared.directory.inspect::<Library>(stream).await?;
        wanted(&library.state, job.media_id, job.hash)
    };
    let Some(as_item) = as_item else { return Ok(()) };
    // Measured as a copy: what lies in the folder may change at any time.
    let copy = shared.upload_dir().join(format!("{}.import", hex::encode(clock::fresh_id())));
    if let Err(error) = tokio::fs::copy(&job.file, &copy).await {
        let _ = tokio::fs::remove_file(&copy).await;
        // One that is gone is found to be gone by the next look.
        return match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()),
            _ => Err(CommandError::Failed { what: "copying a file", reason: error.to_string() }),
        };
    }
    let file_name = job.file.to_string_lossy().into_owned();
    let ingest = Ingest { path: copy, file_name, as_item: Some(as_item), ..Ingest::default() };
    match ingest::ingest(shared, station, ingest, fresh_meta()).await {
        // Recorded with its reason: nothing is left to do.
        Err(CommandError::Rejected { code: "media_not_playable", .. }) => Ok(()),
        other => other.map(drop),
    }
}
