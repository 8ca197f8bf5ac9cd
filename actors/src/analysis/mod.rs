//! Measures sounds: what is taken in, and items that are to be measured again.
//!
//! What is asked for is an event, so that a restart goes on with it. Upstream: uploads, people.
//! Downstream: the library. Not here: the decoder (the engine's process).

pub(crate) mod child;
mod again;

pub(crate) use again::run;

use crate::error::CommandError;
use crate::meta::Meta;
use crate::site::Shared;
use child::Refused;
use grimnir_engine_proto::bounds;
use grimnir_engine_proto::report::AnalysisReport;
use grimnir_events::analysis::{Analysis, AnalysisFailure};
use grimnir_events::{CommitId, ContentHash, MediaId, StreamId, derive_id};
use grimnir_rules::Library;
use grimnir_rules::library::analysis::AnalysisCommand;
use grimnir_rules::library::command::LibraryCommand;
use std::path::{Path, PathBuf};

/// What an analysis writes beside its report, under names of its own.
pub(crate) struct Outputs {
    /// The copy that plays, where the file needs one.
    pub play_copy: PathBuf,
    /// The waveform.
    pub waveform: PathBuf,
    /// The picture in its tags.
    pub artwork: PathBuf,
}

impl Outputs {
    /// Fresh names in a folder.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let name = hex::encode(crate::clock::fresh_id());
        let at = |what: &str| folder.join(format!("{name}.{what}"));
        Self { play_copy: at("play"), waveform: at("waveform"), artwork: at("artwork") }
    }
    /// Removes what was written and not moved to its place.
    pub(crate) async fn remove(&self) {
        for path in [&self.play_copy, &self.waveform, &self.artwork] {
            let _ = tokio::fs::remove_file(path).await;
        }
    }
}

/// Measures a file when it is its turn.
pub(crate) async fn measure(
    shared: &Shared,
    file: &Path,
    outputs: &Outputs,
) -> Result<AnalysisReport, Refused> {
    let permit = shared.analysis_permit().await;
    let _permit = permit.map_err(|error| Refused::World(error.to_string()))?;
    let size = tokio::fs::metadata(file).await.map_or(0, |data| data.len());
    child::analyse(&shared.engine_program, file, outputs, bounds::patience(size)).await
}

/// Records what was measured in an item's file. Asked again, it is the same commit.
pub(crate) async fn record(
    shared: &Shared,
    stream: StreamId,
    (media_id, hash): (MediaId, ContentHash),
    analysis: &Analysis,
    meta: Meta,
) -> Result<(), CommandError> {
    let analysis = Box::new(analysis.clone());
    say(shared, stream, AnalysisCommand::Measure { media_id, hash, analysis }, meta).await
}

/// Records that an item's file cannot be measured.
async fn record_failure(
    shared: &Shared,
    stream: StreamId,
    (media_id, hash): (MediaId, ContentHash),
    failure: AnalysisFailure,
    meta: Meta,
) -> Result<(), CommandError> {
    say(shared, stream, AnalysisCommand::Fail { media_id, hash, failure }, meta).await
}

async fn say(
    shared: &Shared,
    stream: StreamId,
    command: AnalysisCommand,
    meta: Meta,
) -> Result<(), CommandError> {
    let media_id = match &command {
        AnalysisCommand::Queue { media_id }
        | AnalysisCommand::Begin { media_id }
        | AnalysisCommand::Measure { media_id, .. }
        | AnalysisCommand::Fail { media_id, .. }
        | AnalysisCommand::ReturnMarks { media_id } => *media_id,
    };
    let commit_id = CommitId(derive_id("analysis", &[&meta.commit_id.0, &media_id.0]));
    let meta = Meta { commit_id, causation: meta.commit_id, ..meta };
    let command = LibraryCommand::Analysis(command);
    shared.directory.decide::<Library>(stream, command, meta).await.map(drop)
}
