//! Brings the ledger up to what lies in a folder: new, changed, moved and gone files.

use super::Open;
use super::handle::Handle;
use super::measure::{Job, jobs_of};
use super::scan::Scan;
use super::walk::{self, Listing, Lying};
use crate::clock;
use crate::error::CommandError;
use crate::ingest;
use crate::meta::Meta;
use crate::site::Shared;
use grimnir_engine_proto::report::ScanReport;
use grimnir_events::library::{LibraryEvent, Tags};
use grimnir_events::stock::{PendingItem, StockEvent};
use grimnir_events::{
    Actor, CommitId, ContentHash, CorrelationId, MediaId, StationId, StreamId, StreamKind,
};
use grimnir_rules::Library;
use grimnir_rules::library::command::LibraryCommand;
use grimnir_rules::library::stock::command::{FoundContent, FoundFile, StockCommand};
use grimnir_rules::library::stock::state::FolderState;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file is left alone for so long after it was written last.
const QUIET_US: i64 = 500_000;
/// Bytes of the files in one commit: it holds them twice, and the refusals again.
const BATCH_BYTES: usize = 16 * 1024;
/// Files that may vanish at once without a second look: more may be a disk that is away.
const FEW: usize = 10;
/// How long all files of a folder must be gone before that is believed.
const BELIEVED_US: i64 = 60_000_000;

/// What a look came to.
pub struct Looked {
    /// Files that are still being written.
    pub busy: usize,
    /// Everything is gone, which is not believed yet.
    pub waits: bool,
}

/// What differs between a folder and the ledger.
#[derive(Default)]
struct Difference {
    new: Vec<(String, Lying)>,
    gone: BTreeSet<String>,
    /// Gone files that were items' own, by their bytes.
    gone_bytes: BTreeMap<ContentHash, String>,
    busy: usize,
}

/// Looks at a folder once.
pub async fn look(
    shared: &Arc<Shared>,
    station: StationId,
    handle: &Handle,
    open: &Open,
) -> Result<Looked, CommandError> {
    let failed = |reason: String| CommandError::Failed { what: "reading a folder", reason };
    let (root, recursive) = (PathBuf::from(&open.folder.path), open.folder.recursive);
    let roots = shared.config.import_roots.clone();
    super::roots::resolve(&roots, &open.folder.path)?;
    let folder = root.clone();
    let listing = tokio::task::spawn_blocking(move || walk::list(&folder, recursive, &roots))
        .await
        .map_err(|e| failed(e.to_string()))?
        .map_err(failed)?;
    let stream = StreamId::of_station(StreamKind::Library, station);
    let difference = {
        let library = shared.directory.inspect::<Library>(stream).await?;
        let Some(held) = library.state.folders.get(&open.id) else {
            return Ok(Looked { busy: 0, waits: false });
        };
        let hash_of = |id: MediaId| library.state.media.get(&id).map(|entry| entry.item.hash);
        differ(held, &listing, &hash_of)
    };
    let vanished = listing.files.is_empty() && difference.gone.len() > FEW;
    handle.change(open.id, |progress| {
        progress.found = listing.files.len();
        progress.left = difference.new.len();
        progress.busy = difference.busy;
        progress.unnamable = listing.unnamable;
        progress.fault = vanished.then(|| "every file is gone; is the disk away?".to_owned());
    });
    if vanished && handle.vanished_for(open.id, clock::now()) < BELIEVED_US {
        return Ok(Looked { busy: 0, waits: true });
    }
    handle.is_here(open.id);
    let mut taking = Taking { shared, stream, open, root: &root, handle, batch: Batch::default() };
    let busy = taking.take(difference).await?;
    if busy == 0 && !open.done {
        taking.send(StockCommand::FinishFolder { import_id: open.id }).await?;
    }
    handle.change(open.id, |progress| (progress.busy, progress.left) = (busy, 0));
    Ok(Looked { busy, waits: false })
}

fn differ(
    held: &FolderState,
    listing: &Listing,
    hash_of: &dyn Fn(MediaId) -> Option<ContentHash>,
) -> Difference {
    let mut difference = Difference::default();
    let now = clock::now();
    for (path, lying) in &listing.files {
        let before = held.files.get(path.as_str());
        let same = before.is_some_and(|before| {
            (before.size_bytes, before.modified_at) == (lying.size_bytes, lying.modified_at)
        });
        if same {
            continue;
        }
        // A time to come is a wrong clock, not a file in the making.
        if (0..QUIET_US).contains(&now.0.saturating_sub(lying.modified_at.0)) {
            difference.busy += 1;
        } else {
            difference.new.push((path.clone(), *lying));
        }
    }
    for (path, before) in &*held.files {
        if listing.files.contains_key(&**path) {
            continue;
        }
        difference.gone.insert(path.to_string());
        if let Some(hash) = before.what.own().and_then(hash_of) {
            difference.gone_bytes.insert(hash, path.to_string());
        }
    }
    difference
}

/// Files that go into one commit.
#[derive(Default)]
struct Batch {
    files: Vec<FoundFile>,
    bytes: usize,
}

struct Taking<'a> {
    shared: &'a Arc<Shared>,
    stream: StreamId,
    open: &'a Open,
    root: &'a Path,
    handle: &'a Handle,
    batch: Batch,
}

impl Taking<'_> {
    /// Takes the difference in; answers how many files are still being written.
    async fn take(&mut self, mut difference: Difference) -> Result<usize, CommandError> {
        let mut busy = difference.busy;
        let inside = difference.new.iter().filter(|(_, lying)| !lying.leads_out);
        let paths = inside.map(|(path, _)| self.root.join(path));
        let mut scan = Scan::of(&self.shared.engine_program, paths);
        for (path, lying) in std::mem::take(&mut difference.new) {
            let report = if lying.leads_out {
                let error = Some("it is a link that leads out of the import roots".into());
                ScanReport { error, ..ScanReport::default() }
            } else {
                let Some(report) = scan.answer().await? else { break };
                report
            };
            self.handle.change(self.open.id, |p| p.left = p.left.saturating_sub(1));
            if report.busy || self.moved_on(&path, &lying) {
                busy += 1;
                continue;
            }
            let mut file = self.found(&path, &lying, &report);
            if let FoundContent::Sound { item } = &file.content {
                file.instead_of = difference.gone_bytes.remove(&item.hash);
            }
            if let Some(from) = &file.instead_of {
                difference.gone.remove(from);
            }
            self.add(file).await?;
        }
        self.commit().await?;
        let gone: Vec<String> = difference.gone.into_iter().collect();
        for paths in chunks(gone) {
            self.send(StockCommand::MissFiles { import_id: self.open.id, paths }).await?;
        }
        Ok(busy)
    }

    /// The file is not any more what was listed.
    fn moved_on(&self, path: &str, before: &Lying) -> bool {
        let path = self.root.join(path);
        let link = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        walk::lying(&path, link, &self.shared.config.import_roots) != Some(*before)
    }

    fn found(&self, path: &str, lying: &Lying, report: &ScanReport) -> FoundFile {
        let hash: Option<ContentHash> = report.hash.parse().ok();
        let content = match (&report.error, hash) {
            (None, Some(hash)) => {
                FoundContent::Sound { item: Box::new(self.pending(path, lying, report, hash)) }
            }
            (error, hash) => {
                let reason = error.clone().unwrap_or_else(|| "it cannot be read".into());
                FoundContent::Unfit { hash, reason }
            }
        };
        FoundFile {
            path: path.to_owned(),
            size_bytes: lying.size_bytes,
            modified_at: lying.modified_at,
            instead_of: None,
            content,
        }
    }

    fn pending(
        &self,
        path: &str,
        lying: &Lying,
        report: &ScanReport,
        hash: ContentHash,
    ) -> PendingItem {
        let file_name = ingest::clean_name(path);
        let mut details = ingest::more(&report.tags);
        details.added_at = Some(clock::now());
        let tags: Tags = ingest::tags(&report.tags, &file_name);
        PendingItem {
            id: MediaId(clock::fresh_id()),
            hash,
            file_name,
            size_bytes: lying.size_bytes,
            tags,
            category: self.open.folder.category.clone(),
            kind: self.open.folder.kind,
            details,
        }
    }

    async fn add(&mut self, file: FoundFile) -> Result<(), CommandError> {
        self.batch.bytes += weight(&file);
        self.batch.files.push(file);
        if self.batch.bytes >= BATCH_BYTES { self.commit().await } else { Ok(()) }
    }

    async fn commit(&mut self) -> Result<(), CommandError> {
        let Batch { files, .. } = std::mem::take(&mut self.batch);
        if files.is_empty() {
            return Ok(());
        }
        let all = StockCommand::TakeFiles { import_id: self.open.id, files: files.clone() };
        match self.send(all).await {
            Err(CommandError::Rejected { code, .. }) if code != "import_not_found" => {}
            other => return other,
        }
        // One that cannot be recorded as it is must not hold up the others.
        for file in files {
            let command =
                |file| StockCommand::TakeFiles { import_id: self.open.id, files: vec![file] };
            let Err(CommandError::Rejected { message, .. }) =
                self.send(command(file.clone())).await
            else {
                continue;
            };
            let content = FoundContent::Unfit { hash: None, reason: message };
            self.send(command(FoundFile { content, ..file })).await?;
        }
        Ok(())
    }

    /// Carries a command out, and has what follows from it measured.
    async fn send(&self, command: StockCommand) -> Result<(), CommandError> {
        let meta = fresh_meta();
        let command = LibraryCommand::Stock(command);
        let receipt = self.shared.directory.decide::<Library>(self.stream, command, meta).await?;
        let mut jobs: Vec<Job> = Vec::new();
        for event in &receipt.events {
            if let LibraryEvent::Stock(StockEvent::FilesTaken { files, .. }) = event {
                jobs.extend(files.iter().filter_map(|f| jobs_of(self.open.id, self.root, f)));
            }
        }
        self.handle.push(jobs);
        Ok(())
    }
}

/// What the system does by itself.
pub(super) fn fresh_meta() -> Meta {
    let commit_id = CommitId(clock::fresh_id());
    Meta {
        actor: Actor::System,
        correlation: CorrelationId(commit_id.0),
        causation: CommitId::default(),
        commit_id,
    }
}

/// At least the bytes that a file takes in a commit.
fn weight(file: &FoundFile) -> usize {
    let names = file.path.len() + file.instead_of.as_ref().map_or(0, String::len);
    let content = match &file.content {
        FoundContent::Sound { item } => {
            let (tags, more) = (&item.tags, &item.details);
            let lists = [&more.genres, &more.moods, &more.tags].into_iter().flatten();
            let texts = [
                &item.file_name,
                &item.category,
                &tags.title,
                &tags.artist,
                &tags.album,
                &tags.genre,
                &tags.isrc,
                &more.album_artist,
                &more.label,
                &more.language,
                &more.composer,
                &more.publisher,
                &more.key,
                &more.compilation,
            ];
            texts.into_iter().chain(lists).map(|text| text.len() + 3).sum::<usize>() + 120
        }
        FoundContent::Unfit { reason, .. } => 2 * reason.len() + 80,
    };
    names + content + 40
}

/// Paths in commits of bounded size.
fn chunks(paths: Vec<String>) -> Vec<Vec<String>> {
    let (mut all, mut bytes) = (Vec::<Vec<String>>::new(), usize::MAX);
    for path in paths {
        let more = 2 * path.len() + 60;
        if bytes.saturating_add(more) > BATCH_BYTES {
            all.push(Vec::new());
            bytes = 0;
        }
        bytes += more;
        if let Some(last) = all.last_mut() {
            last.push(path);
        }
    }
    all
}
