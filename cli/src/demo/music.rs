//! Taking in a folder of music: whatever can be played; the rest is reported and skipped.

use grimnir_actors::site::Ingest;
use grimnir_actors::{CommandError, Site};
use grimnir_events::library::ItemKind;
use grimnir_events::{Actor, MediaId, StationId};
use std::path::{Path, PathBuf};

/// Endings of files that lie beside music and are none.
const NOT_AUDIO: [&str; 16] = [
    "jpg", "jpeg", "png", "gif", "webp", "txt", "nfo", "md", "cue", "log", "m3u", "m3u8", "pls",
    "pdf", "db", "ini",
];

/// Takes in every file below `folder`; answers the items that can play.
pub async fn import(
    site: &Site,
    station: StationId,
    folder: &Path,
) -> Result<Vec<MediaId>, String> {
    let mut files = Vec::new();
    collect(folder, &mut files).map_err(|e| format!("{}: {e}", folder.display()))?;
    files.sort();
    println!("Taking in {} files from {} …", files.len(), folder.display());
    let mut taken = Vec::new();
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ingest = Ingest {
            path: path.clone(),
            keep: true,
            kind: kind_of(&name),
            file_name: name.clone(),
            ..Ingest::default()
        };
        match site.ingest(station, ingest, site.fresh_meta(Actor::Local)).await {
            Ok(item) => {
                let seconds = item.duration_frames / 48_000;
                println!(
                    "  + {} – {}  ({}, {}:{:02})",
                    item.tags.artist,
                    item.tags.title,
                    item.codec,
                    seconds / 60,
                    seconds % 60
                );
                taken.push(item.id);
            }
            Err(error @ CommandError::Rejected { .. }) => println!("  - skipped {error}"),
            Err(error) => return Err(format!("{name}: {error}")),
        }
    }
    Ok(taken)
}

fn kind_of(name: &str) -> Option<ItemKind> {
    name.to_lowercase().contains("station id").then_some(ItemKind::LegalId)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let kind = entry.file_type()?;
        if hidden {
            continue;
        }
        if kind.is_dir() {
            // A folder that cannot be read is no reason to skip its siblings.
            if let Err(error) = collect(&path, files) {
                println!("  - skipped {}: {error}", path.display());
            }
        } else if path.is_file() && !beside_music(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn beside_music(path: &Path) -> bool {
    path.extension()
        .map(|ending| ending.to_string_lossy().to_lowercase())
        .is_some_and(|ending| NOT_AUDIO.contains(&ending.as_str()))
}
