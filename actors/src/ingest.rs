//! Takes files in: measured by a child of the engine, stored by content, entered in the library.
//!
//! No decoder touches the bytes in this process. What cannot be played is refused, and the refusal
//! is an event with its reason.

use crate::analysis::child::Refused;
use crate::analysis::{self, Outputs};
use crate::error::CommandError;
use crate::media::{self, Beside};
use crate::meta::{Meta, Receipt};
use crate::site::{Ingest, Shared};
use grimnir_engine_proto::report::{AnalysisReport, TagReport};
use grimnir_events::details::MediaDetails;
use grimnir_events::library::{LibraryEvent, MediaItem, Tags};
use grimnir_events::{CommitId, ContentHash, MediaId, StationId, StreamId, StreamKind, derive_id};
use grimnir_rules::Library;
use grimnir_rules::library::command::LibraryCommand;
use grimnir_rules::library::stock::command::StockCommand;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

mod replace;

pub use replace::AsItem;

/// Measures a file and takes it in.
pub async fn ingest(
    shared: &Shared,
    station: StationId,
    ingest: Ingest,
    meta: Meta,
) -> Result<MediaItem, CommandError> {
    let outputs = Outputs::in_folder(&shared.upload_dir());
    let outcome = take_in(shared, station, &ingest, &outputs, meta).await;
    outputs.remove().await;
    if !ingest.keep {
        let _ = tokio::fs::remove_file(&ingest.path).await;
    }
    outcome
}

async fn take_in(
    shared: &Shared,
    station: StationId,
    ingest: &Ingest,
    outputs: &Outputs,
    meta: Meta,
) -> Result<MediaItem, CommandError> {
    let failed = |reason| CommandError::Failed { what: "measuring the file", reason };
    let report = match analysis::measure(shared, &ingest.path, outputs).await {
        Ok(report) => report,
        Err(Refused::File(_, reason)) => {
            return refuse(shared, station, ingest, reason, meta).await;
        }
        Err(Refused::World(reason)) => return Err(failed(reason)),
    };
    let mut item = describe(ingest, &report, meta.commit_id)?;
    if let Some(as_item) = &ingest.as_item {
        if as_item.hash.is_some_and(|hash| hash != item.hash) {
            return Err(failed("the file changed meanwhile".into()));
        }
        item = replace::as_known(shared, station, item, as_item).await?;
    }
    let played = if report.play_copy { &outputs.play_copy } else { &ingest.path };
    store(shared, played, item.play_hash).await?;
    for (from, what) in [(&outputs.waveform, Beside::Waveform), (&outputs.artwork, Beside::Artwork)]
    {
        media::place(from, &what.path(&shared.media_dir(), item.hash)).await?;
    }
    if report.play_copy {
        store(shared, &ingest.path, item.hash).await?;
    }
    let stream = StreamId::of_station(StreamKind::Library, station);
    if let Some(as_item) = &ingest.as_item {
        let item = replace::enter(shared, stream, item, as_item, &report.tags, meta).await?;
        let subject = (item.id, item.hash);
        analysis::record(shared, stream, subject, &report.analysis, meta).await?;
        return Ok(item);
    }
    let command = LibraryCommand::AddMedia { item: Box::new(item.clone()) };
    let receipt: Receipt<_> = shared.directory.decide::<Library>(stream, command, meta).await?;
    for event in receipt.events {
        match event {
            LibraryEvent::MediaAdded { item } => {
                detail(shared, stream, item.id, &report.tags, meta).await?;
                let subject = (item.id, item.hash);
                analysis::record(shared, stream, subject, &report.analysis, meta).await?;
                return Ok(*item);
            }
            LibraryEvent::MediaFound { media_id } => {
                let library = shared.directory.inspect::<Library>(stream).await?;
                let held = library.state.media.get(&media_id);
                return Ok(held.map_or(item, |entry| entry.item.clone()));
            }
            _ => {}
        }
    }
    Ok(item)
}

/// Keeps what the file says beyond its tags. Asked again, it is the same commit with the same
/// instant.
async fn detail(
    shared: &Shared,
    stream: StreamId,
    media_id: MediaId,
    tags: &TagReport,
    meta: Meta,
) -> Result<(), CommandError> {
    let commit_id = CommitId(derive_id("details", &[&meta.commit_id.0, &media_id.0]));
    let unreadable =
        |e: grimnir_ledger::ReadError| CommandError::Unavailable { reason: e.to_string() };
    // A person may have said more since: what is recorded is not said again.
    if shared.ledger.find(commit_id).await.map_err(unreadable)?.is_some() {
        return Ok(());
    }
    let added = shared.ledger.find(meta.commit_id).await.map_err(unreadable)?;
    let mut details = more(tags);
    details.added_at = added.map(|recorded| recorded.commit.header.occurred_at);
    let command = LibraryCommand::DetailMedia { media_id, details: Box::new(details) };
    let meta = Meta { commit_id, causation: meta.commit_id, ..meta };
    shared.directory.decide::<Library>(stream, command, meta).await.map(drop)
}

/// What a file says about itself beyond its tags, within the limits of a description.
pub(crate) fn more(tags: &TagReport) -> MediaDetails {
    let mood = clean_tag(&tags.mood);
    MediaDetails {
        album_artist: clean_tag(&tags.album_artist),
        label: clean_tag(&tags.label),
        moods: if mood.is_empty() { Vec::new() } else { vec![mood] },
        language: clean_tag(&tags.language),
        composer: clean_tag(&tags.composer),
        publisher: clean_tag(&tags.publisher),
        key: clean_tag(&tags.key),
        compilation: clean_tag(&tags.compilation),
        explicit: tags.explicit,
        bpm_x100: tags.bpm_x100.filter(|bpm| (100..=100_000).contains(bpm)),
        ..MediaDetails::default()
    }
}

async fn refuse(
    shared: &Shared,
    station: StationId,
    ingest: &Ingest,
    reason: String,
    meta: Meta,
) -> Result<MediaItem, CommandError> {
    let file_name = clean_name(&ingest.file_name);
    let short: String = reason.chars().take(500).collect();
    let command = match &ingest.as_item {
        Some(AsItem { media_id, hash: Some(hash), .. }) => {
            let (media_id, hash) = (*media_id, *hash);
            let failed = StockCommand::FailMeasuring { media_id, hash, reason: short };
            LibraryCommand::Stock(failed)
        }
        Some(_) | None => {
            LibraryCommand::RefuseMedia { file_name: file_name.clone(), hash: None, reason: short }
        }
    };
    let stream = StreamId::of_station(StreamKind::Library, station);
    shared.directory.decide::<Library>(stream, command, meta).await?;
    Err(CommandError::invalid("media_not_playable", "file", format!("{file_name}: {reason}")))
}

fn describe(
    ingest: &Ingest,
    report: &AnalysisReport,
    commit_id: CommitId,
) -> Result<MediaItem, CommandError> {
    let bad = |e: grimnir_events::IdError| CommandError::Failed {
        what: "reading the report",
        reason: e.to_string(),
    };
    let hash: ContentHash = report.hash.parse().map_err(bad)?;
    let file_name = clean_name(&ingest.file_name);
    let pick = |given: &Option<String>, tag: &str| match given {
        Some(text) if !text.trim().is_empty() => clean_tag(text),
        _ => clean_tag(tag),
    };
    let said = tags(&report.tags, &file_name);
    Ok(MediaItem {
        id: MediaId(derive_id("media", &[&commit_id.0, &hash.0])),
        hash,
        play_hash: report.play_hash.parse().map_err(bad)?,
        file_name,
        codec: report.codec.clone(),
        size_bytes: report.size_bytes,
        duration_frames: report.analysis.duration_frames,
        source_rate_hz: report.source_rate_hz,
        channels: report.channels,
        loudness_lufs_x100: report.analysis.loudness_lufs_x100,
        true_peak_dbtp_x100: report.analysis.true_peak_dbtp_x100,
        cues: report.analysis.cues,
        tags: Tags {
            title: pick(&ingest.title, &said.title),
            artist: pick(&ingest.artist, &said.artist),
            album: pick(&ingest.album, &said.album),
            ..said
        },
        category: ingest.category.as_deref().map(clean_tag).unwrap_or_default().to_lowercase(),
        kind: ingest.kind.unwrap_or_default(),
        must_air: ingest.must_air,
        long_form: ingest.long_form,
    })
}

/// The tags of a file within their limits; its name stands in for a title.
pub(crate) fn tags(tags: &TagReport, file_name: &str) -> Tags {
    let mut title = clean_tag(&tags.title);
    if title.is_empty() {
        let stem = Path::new(file_name).file_stem();
        title = stem.map_or_else(|| file_name.into(), |stem| stem.to_string_lossy().into_owned());
    }
    Tags {
        title,
        artist: clean_tag(&tags.artist),
        album: clean_tag(&tags.album),
        genre: clean_tag(&tags.genre),
        year: tags.year,
        isrc: clean_tag(&tags.isrc),
    }
}

/// Copies a file to its place by content; what lies there already and is not the same (damaged,
/// cut off) is replaced.
async fn store(shared: &Shared, from: &Path, hash: ContentHash) -> Result<(), CommandError> {
    let failed = |e: std::io::Error| CommandError::Failed {
        what: "storing the file",
        reason: e.to_string(),
    };
    let to = media::path(&shared.media_dir(), hash);
    if holds(to.clone(), hash).await {
        return Ok(());
    }
    let Some(folder) = to.parent() else { return Ok(()) };
    tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    let partial = to.with_extension("part");
    tokio::fs::copy(from, &partial).await.map_err(failed)?;
    let file = tokio::fs::File::open(&partial).await.map_err(failed)?;
    file.sync_all().await.map_err(failed)?;
    tokio::fs::rename(&partial, &to).await.map_err(failed)
}

/// The file there has these bytes.
pub(crate) async fn holds(path: PathBuf, hash: ContentHash) -> bool {
    let read = tokio::task::spawn_blocking(move || {
        let mut hasher = Sha256::new();
        std::io::copy(&mut std::fs::File::open(&path)?, &mut hasher)?;
        Ok::<_, std::io::Error>(<[u8; 32]>::from(hasher.finalize()))
    });
    matches!(read.await, Ok(Ok(found)) if found == hash.0)
}

/// A file's name without folders and control characters, at most 200 characters.
pub(crate) fn clean_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let clean: String = base.chars().filter(|c| !c.is_control()).take(200).collect();
    if clean.trim().is_empty() { "unnamed".into() } else { clean }
}

/// A tag without control characters, at most 300 characters.
fn clean_tag(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(300).collect()
}
