//! Items that are to be measured again, one after the other, also after a restart.

use super::child::Refused;
use super::{Outputs, measure, record, record_failure, say};
use crate::error::CommandError;
use crate::ingest;
use crate::media::{self, Beside};
use crate::meta::Meta;
use crate::site::Shared;
use grimnir_engine_proto::report::{ANALYSER_VERSION, AnalysisReport};
use grimnir_events::analysis::{AnalysisFailure, FailureKind};
use grimnir_events::library::MediaItem;
use grimnir_events::{Actor, CommitId, CorrelationId, MediaId, StationId, StreamId, StreamKind};
use grimnir_rules::library::analysis::AnalysisCommand;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::warn;

/// How often is looked whether something waits; a request looks at once.
const TURN: Duration = Duration::from_secs(2);
/// After a failure that was not the file's, the item is left for so long.
const REST: Duration = Duration::from_secs(60);

/// Measures what waits until the site ends.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut resting: BTreeMap<MediaId, Instant> = BTreeMap::new();
    loop {
        let asked = shared.analysis_asked.notified();
        resting.retain(|_, since| since.elapsed() < REST);
        for (station, media_id) in shared.views.to_analyse() {
            let ours = shared.ownership.decides(station.0).is_ok();
            if !ours || resting.contains_key(&media_id) || shared.is_closing() {
                continue;
            }
            if let Err(error) = one(&shared, station, media_id).await {
                warn!(station.id = %station, media.id = %media_id, %error, "not measured again");
                resting.insert(media_id, Instant::now());
            }
        }
        let _ = tokio::time::timeout(TURN, asked).await;
    }
}

async fn one(shared: &Shared, station: StationId, media_id: MediaId) -> Result<(), CommandError> {
    let Some(row) = shared.views.media_item(media_id) else { return Ok(()) };
    let stream = StreamId::of_station(StreamKind::Library, station);
    let begun = meta();
    say(shared, stream, AnalysisCommand::Begin { media_id }, begun).await?;
    let outputs = Outputs::in_folder(&shared.upload_dir());
    let outcome = remeasure(shared, &row.item, &outputs).await;
    let subject = (media_id, row.item.hash);
    let meta = Meta { commit_id: CommitId(crate::clock::fresh_id()), ..begun };
    let recorded = match outcome {
        Ok(report) => {
            for (from, what) in
                [(&outputs.waveform, Beside::Waveform), (&outputs.artwork, Beside::Artwork)]
            {
                media::place(from, &what.path(&shared.media_dir(), row.item.hash)).await?;
            }
            record(shared, stream, subject, &report.analysis, meta).await
        }
        Err(Refused::File(kind, reason)) => {
            let failure = AnalysisFailure { analyser_version: ANALYSER_VERSION, kind, reason };
            record_failure(shared, stream, subject, failure, meta).await
        }
        Err(Refused::World(reason)) => {
            Err(CommandError::Failed { what: "measuring the file", reason })
        }
    };
    outputs.remove().await;
    // The list of what waits is a read model: it is asked again once it knows of this.
    if recorded.is_ok() {
        let head = shared.ledger.head().await.map(|head| head.seq).unwrap_or_default();
        shared.views.wait_for(head).await;
    }
    recorded
}

/// Measures an item's file as it came, or its play copy where that was not kept.
async fn remeasure(
    shared: &Shared,
    item: &MediaItem,
    outputs: &Outputs,
) -> Result<AnalysisReport, Refused> {
    let at = |hash| media::path(&shared.media_dir(), hash);
    let there = |path: &PathBuf| path.is_file();
    let Some(file) = [at(item.hash), at(item.play_hash)].into_iter().find(there) else {
        let reason = format!("there is no file of {} in the media store", item.hash);
        return Err(Refused::File(FailureKind::Missing, reason));
    };
    let report = measure(shared, &file, outputs).await?;
    if ![item.hash, item.play_hash].iter().any(|hash| hash.to_string() == report.hash) {
        let reason = format!("the file in the store has SHA-256 {}, not its own", report.hash);
        return Err(Refused::File(FailureKind::Changed, reason));
    }
    if item.play_hash != item.hash && !ingest::holds(at(item.play_hash), item.play_hash).await {
        let reason = format!("the play copy in the store is not {}", item.play_hash);
        return Err(Refused::File(FailureKind::Changed, reason));
    }
    Ok(report)
}

fn meta() -> Meta {
    let commit_id = CommitId(crate::clock::fresh_id());
    Meta {
        actor: Actor::System,
        correlation: CorrelationId(commit_id.0),
        causation: CommitId::default(),
        commit_id,
    }
}
