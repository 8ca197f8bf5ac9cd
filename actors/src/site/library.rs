//! A site's libraries: folders taken in, audio replaced, many items changed at once.

use crate::error::CommandError;
use crate::import::{Progress, roots};
use crate::ingest::{self, AsItem};
use crate::meta::{Meta, Receipt};
use crate::site::{Ingest, Site};
use grimnir_events::envelope::MAX_COMMIT_BYTES;
use grimnir_events::library::{ItemKind, LibraryEvent, MediaItem};
use grimnir_events::stock::{Folder, StockEvent};
use grimnir_events::{CommitId, ImportId, MediaId, StationId, codec, derive_id};
use grimnir_rules::library::LibraryState;
use grimnir_rules::library::command::LibraryCommand;
use grimnir_rules::library::stock::command::StockCommand;
use grimnir_rules::library::stock::state::{FileIs, FolderState, FolderTally, Stage};
use grimnir_rules::{Aggregate, Context, Library};
use std::collections::BTreeMap;

/// A folder to take in.
#[derive(Clone, Debug)]
pub struct FolderRequest {
    /// Where it lies.
    pub path: String,
    /// Category of its items.
    pub category: String,
    /// What its items are.
    pub kind: ItemKind,
    /// With the folders in it.
    pub recursive: bool,
    /// Follow its changes.
    pub watch: bool,
}

/// How far a folder is taken in.
#[derive(Clone, Debug)]
pub struct ImportStatus {
    /// Its id.
    pub id: ImportId,
    /// The folder.
    pub folder: Folder,
    /// Everything that was there has been looked at.
    pub done: bool,
    /// What its files came to.
    pub tally: FolderTally,
    /// Items of it that wait for their measuring.
    pub pending: usize,
    /// Items of it that could not be measured.
    pub failed: usize,
    /// What goes on now.
    pub progress: Progress,
    /// Files that are no items of their own, by path.
    pub files: Vec<ImportFile>,
}

/// A file that is no item of its own.
#[derive(Clone, Debug)]
pub struct ImportFile {
    /// Its path in the folder.
    pub path: String,
    /// The item that has its bytes, or that could not be measured.
    pub media_id: Option<MediaId>,
    /// Why it was refused; `None` for a duplicate.
    pub reason: Option<String>,
}

/// What a change of one item came to: whether something changed, or why it cannot be.
pub type ItemAnswer = Result<bool, CommandError>;

/// Most files that a status lists.
const LISTED: usize = 1_000;
/// Most bytes of commands and events in one commit of many changes.
const BULK_BYTES: usize = MAX_COMMIT_BYTES * 3 / 4;

impl Site {
    /// Takes a folder in; answers as soon as that is recorded.
    pub async fn take_folder(
        &self,
        station: StationId,
        import_id: ImportId,
        request: FolderRequest,
        meta: Meta,
    ) -> Result<Receipt<LibraryEvent>, CommandError> {
        self.ours(station)?;
        let (allowed, path) = (self.config().import_roots.clone(), request.path.clone());
        let real = tokio::task::spawn_blocking(move || roots::resolve(&allowed, &path))
            .await
            .map_err(|e| CommandError::Failed { what: "a look", reason: e.to_string() })??;
        let folder = Folder {
            path: real.to_string_lossy().into_owned(),
            category: request.category,
            kind: request.kind,
            recursive: request.recursive,
            watch: request.watch,
        };
        let command = LibraryCommand::Stock(StockCommand::TakeFolder { import_id, folder });
        let receipt = self.command::<Library>(station, command, meta).await?;
        self.shared.imports.wake(station);
        Ok(receipt)
    }

    /// Looks at a folder no more.
    pub async fn leave_folder(
        &self,
        station: StationId,
        import_id: ImportId,
        meta: Meta,
    ) -> Result<Receipt<LibraryEvent>, CommandError> {
        let command = LibraryCommand::Stock(StockCommand::LeaveFolder { import_id });
        let receipt = self.command::<Library>(station, command, meta).await?;
        self.shared.imports.wake(station);
        Ok(receipt)
    }

    /// How far a station's folders are taken in, without their files.
    pub async fn imports(&self, station: StationId) -> Result<Vec<ImportStatus>, CommandError> {
        let library = self.inspect::<Library>(station).await?;
        let short = |(id, held): (&ImportId, &FolderState)| ImportStatus {
            files: Vec::new(),
            ..self.status(station, &library.state, *id, held)
        };
        Ok(library.state.folders.iter().map(short).collect())
    }

    /// How far a folder is taken in.
    pub async fn import(
        &self,
        station: StationId,
        id: ImportId,
    ) -> Result<Option<ImportStatus>, CommandError> {
        let library = self.inspect::<Library>(station).await?;
        let held = library.state.folders.get(&id);
        Ok(held.map(|held| self.status(station, &library.state, id, held)))
    }

    fn status(
        &self,
        station: StationId,
        state: &LibraryState,
        id: ImportId,
        held: &FolderState,
    ) -> ImportStatus {
        let (mut pending, mut failed, mut files) = (0, 0, Vec::new());
        for (path, file) in &*held.files {
            let (media_id, reason) = match &file.what {
                FileIs::Own(own) | FileIs::Changed(own, _) => {
                    match state.media.get(own).map(|entry| &entry.stage) {
                        Some(Stage::Failed(reason)) => {
                            failed += 1;
                            (Some(*own), Some(reason.to_string()))
                        }
                        Some(Stage::Pending) => {
                            pending += 1;
                            continue;
                        }
                        Some(Stage::Measured) | None => continue,
                    }
                }
                FileIs::Known(known) => (Some(*known), None),
                FileIs::Refused(reason) => (None, Some(reason.to_string())),
            };
            if files.len() < LISTED {
                files.push(ImportFile { path: path.to_string(), media_id, reason });
            }
        }
        let progress = self.shared.imports.progress(station, id).unwrap_or_default();
        let (folder, tally) = (held.folder.clone(), held.tally());
        ImportStatus { id, folder, done: held.done, tally, pending, failed, progress, files }
    }

    /// Gives an item other audio under the same id.
    pub async fn replace_audio(
        &self,
        station: StationId,
        media_id: MediaId,
        reread_tags: bool,
        file: Ingest,
        meta: Meta,
    ) -> Result<MediaItem, CommandError> {
        self.ours(station)?;
        let as_item = Some(AsItem::replaced(media_id, reread_tags));
        ingest::ingest(&self.shared, station, Ingest { as_item, ..file }, meta).await
    }

    /// Changes many items, each wholly or not at all; answers for each. Commits are of bounded
    /// size, and what one holds is recorded together.
    pub async fn change_items(
        &self,
        station: StationId,
        items: Vec<(MediaId, Vec<LibraryCommand>)>,
        meta: Meta,
    ) -> Result<(Vec<(MediaId, ItemAnswer)>, u64), CommandError> {
        self.ours(station)?;
        let mut answers = BTreeMap::new();
        let order: Vec<MediaId> = items.iter().map(|(id, _)| *id).collect();
        let (mut batch, mut bytes, mut batches) = (Vec::new(), 0, Vec::new());
        {
            let library = self.inspect::<Library>(station).await?;
            for (id, commands) in items {
                match tried(&library.state, &commands) {
                    Err(error) => {
                        answers.insert(id, Err(error));
                    }
                    Ok(0) => {
                        answers.insert(id, Ok(false));
                    }
                    Ok(more) => {
                        if bytes + more > BULK_BYTES && !batch.is_empty() {
                            batches.push(std::mem::take(&mut batch));
                            bytes = 0;
                        }
                        bytes += more;
                        batch.extend(commands);
                        answers.insert(id, Ok(false));
                    }
                }
            }
        }
        batches.push(batch);
        let mut seq = 0;
        for commands in batches.into_iter().filter(|commands| !commands.is_empty()) {
            let command = LibraryCommand::Stock(StockCommand::Several { commands });
            // Asked again, what is left to do may be less: then it is another commit.
            let bytes = codec::encode(&command).map(|encoded| encoded.bytes).unwrap_or_default();
            let id = derive_id("bulk", &[&meta.commit_id.0, &bytes]);
            let meta = Meta { commit_id: CommitId(id), ..meta };
            let receipt = self.command::<Library>(station, command, meta).await?;
            seq = receipt.seq;
            for event in &receipt.events {
                if let Some(id) = changed(event) {
                    answers.insert(id, Ok(true));
                }
            }
        }
        let answer = |id: MediaId| answers.get(&id).cloned().map(|answer| (id, answer));
        Ok((order.into_iter().filter_map(answer).collect(), seq))
    }
}

/// Bytes that the commands and their events take in a commit; 0 where nothing follows.
fn tried(state: &LibraryState, commands: &[LibraryCommand]) -> Result<usize, CommandError> {
    let (mut bytes, mut follows) = (0, false);
    for command in commands {
        let events = Library::decide(state, command, &Context::default())
            .map_err(|rejection| CommandError::rejected(&rejection))?;
        follows |= !events.is_empty();
        let length = |result: Result<codec::Encoded, _>| result.map_or(0, |e| e.bytes.len() + 40);
        bytes += length(codec::encode(command));
        bytes += events.iter().map(|event| length(codec::encode(event))).sum::<usize>();
    }
    Ok(if follows { bytes } else { 0 })
}

fn changed(event: &LibraryEvent) -> Option<MediaId> {
    match event {
        LibraryEvent::MediaDescribed { media_id, .. }
        | LibraryEvent::MediaDetailed { media_id, .. }
        | LibraryEvent::Stock(
            StockEvent::MediaDeleted { media_id, .. } | StockEvent::MediaRestored { media_id },
        ) => Some(*media_id),
        _ => None,
    }
}
