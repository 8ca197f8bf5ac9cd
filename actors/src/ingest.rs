//! Takes files in: measured by a child of the engine, stored by content, entered in the library.
//!
//! No decoder touches the bytes in this process. What cannot be played is refused, and the refusal
//! is an event with its reason.

use crate::error::CommandError;
use crate::meta::{Meta, Receipt};
use crate::site::{Ingest, Shared};
use grimnir_engine_proto::report::{AnalysisRefusal, AnalysisReport};
use grimnir_events::library::{CueMarks, LibraryEvent, MediaItem, Tags};
use grimnir_events::{CommitId, ContentHash, MediaId, StationId, StreamId, StreamKind, derive_id};
use grimnir_rules::Library;
use grimnir_rules::library::command::LibraryCommand;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// Longest time one file may take to be measured.
const PATIENCE: Duration = Duration::from_secs(900);

/// Measures a file and takes it in.
pub async fn ingest(
    shared: &Shared,
    station: StationId,
    ingest: Ingest,
    meta: Meta,
) -> Result<MediaItem, CommandError> {
    let copy = shared.upload_dir().join(format!("{}.play", hex::encode(crate::clock::fresh_id())));
    let outcome = take_in(shared, station, &ingest, &copy, meta).await;
    let _ = tokio::fs::remove_file(&copy).await;
    if !ingest.keep {
        let _ = tokio::fs::remove_file(&ingest.path).await;
    }
    outcome
}

async fn take_in(
    shared: &Shared,
    station: StationId,
    ingest: &Ingest,
    copy: &Path,
    meta: Meta,
) -> Result<MediaItem, CommandError> {
    let permit = shared.analysis_permit().await?;
    let analysed = analyse(&shared.engine_program, &ingest.path, copy).await;
    drop(permit);
    let report = match analysed {
        Ok(report) => report,
        Err(Refused::File(reason)) => {
            return refuse(shared, station, ingest, reason, meta).await;
        }
        Err(Refused::World(reason)) => {
            return Err(CommandError::Failed { what: "measuring the file", reason });
        }
    };
    let item = describe(ingest, &report, meta.commit_id)?;
    let played = if report.play_copy { copy } else { ingest.path.as_path() };
    store(shared, played, item.play_hash).await?;
    if report.play_copy {
        store(shared, &ingest.path, item.hash).await?;
    }
    let stream = StreamId::of_station(StreamKind::Library, station);
    let command = LibraryCommand::AddMedia { item: Box::new(item.clone()) };
    let receipt: Receipt<_> = shared.directory.decide::<Library>(stream, command, meta).await?;
    for event in receipt.events {
        match event {
            LibraryEvent::MediaAdded { item } => return Ok(*item),
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

async fn refuse(
    shared: &Shared,
    station: StationId,
    ingest: &Ingest,
    reason: String,
    meta: Meta,
) -> Result<MediaItem, CommandError> {
    let file_name = clean_name(&ingest.file_name);
    let command = LibraryCommand::RefuseMedia {
        file_name: file_name.clone(),
        hash: None,
        reason: reason.chars().take(500).collect(),
    };
    let stream = StreamId::of_station(StreamKind::Library, station);
    shared.directory.decide::<Library>(stream, command, meta).await?;
    Err(CommandError::invalid("media_not_playable", "file", format!("{file_name}: {reason}")))
}

enum Refused {
    /// The file is at fault.
    File(String),
    /// The measuring failed.
    World(String),
}

async fn analyse(program: &Path, file: &Path, copy: &Path) -> Result<AnalysisReport, Refused> {
    let world = |reason: String| Refused::World(reason);
    let child = Command::new(program)
        .arg("analyze")
        .arg("--file")
        .arg(file)
        .arg("--play-copy")
        .arg(copy)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| world(format!("{}: {e}", program.display())))?;
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .map_err(|_| Refused::File(format!("took over {} s to measure", PATIENCE.as_secs())))?
        .map_err(|e| world(e.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    match output.status.code() {
        Some(0) => serde_json::from_str(line).map_err(|e| world(format!("report: {e}"))),
        Some(2) => {
            let refusal: AnalysisRefusal =
                serde_json::from_str(line).map_err(|e| world(format!("refusal: {e}")))?;
            Err(Refused::File(refusal.error))
        }
        // A file that crashes its decoder is at fault, and touched nothing but its own child.
        None => Err(Refused::File("its decoder crashed".into())),
        Some(code) => Err(world(format!("exit code {code}"))),
    }
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
    let mut title = pick(&ingest.title, &report.title);
    if title.is_empty() {
        title = Path::new(&file_name)
            .file_stem()
            .map_or_else(|| file_name.clone(), |stem| stem.to_string_lossy().into_owned());
    }
    Ok(MediaItem {
        id: MediaId(derive_id("media", &[&commit_id.0, &hash.0])),
        hash,
        play_hash: report.play_hash.parse().map_err(bad)?,
        file_name,
        codec: report.codec.clone(),
        size_bytes: report.size_bytes,
        duration_frames: report.duration_frames,
        source_rate_hz: report.source_rate_hz,
        channels: report.channels,
        loudness_lufs_x100: report.loudness_lufs_x100,
        true_peak_dbtp_x100: report.true_peak_dbtp_x100,
        cues: CueMarks { cue_in: report.cue_in, segue: report.segue, cue_out: report.cue_out },
        tags: Tags {
            title,
            artist: pick(&ingest.artist, &report.artist),
            album: pick(&ingest.album, &report.album),
            genre: clean_tag(&report.genre),
            year: report.year,
            isrc: clean_tag(&report.isrc),
        },
        category: ingest.category.as_deref().map(clean_tag).unwrap_or_default().to_lowercase(),
        kind: ingest.kind.unwrap_or_default(),
        must_air: ingest.must_air,
        long_form: ingest.long_form,
    })
}

/// Copies a file to its place by content; what lies there already and is not the same (damaged,
/// cut off) is replaced.
async fn store(shared: &Shared, from: &Path, hash: ContentHash) -> Result<(), CommandError> {
    let failed = |e: std::io::Error| CommandError::Failed {
        what: "storing the file",
        reason: e.to_string(),
    };
    let to = media_path(&shared.media_dir(), hash);
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

async fn holds(path: PathBuf, hash: ContentHash) -> bool {
    let read = tokio::task::spawn_blocking(move || {
        let mut hasher = Sha256::new();
        std::io::copy(&mut std::fs::File::open(&path)?, &mut hasher)?;
        Ok::<_, std::io::Error>(<[u8; 32]>::from(hasher.finalize()))
    });
    matches!(read.await, Ok(Ok(found)) if found == hash.0)
}

/// Where the bytes of a hash lie in a media store.
pub fn media_path(media: &Path, hash: ContentHash) -> PathBuf {
    let name = hash.to_string();
    media.join(&name[..2]).join(name)
}

/// A file's name without folders and control characters, at most 200 characters.
fn clean_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let clean: String = base.chars().filter(|c| !c.is_control()).take(200).collect();
    if clean.trim().is_empty() { "unnamed".into() } else { clean }
}

/// A tag without control characters, at most 300 characters.
fn clean_tag(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(300).collect()
}
