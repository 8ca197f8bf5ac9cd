//! Where the files of a recording lie, and what they are called.
//!
//! A folder for each day, a file for each hour: `2026-11-21/archive_20261121T140000Z.flac`. A file
//! that is being written has a marker in the engine's folder, so that the next run finds it.

use super::keeper::Limits;
use super::rotate::Kept;
use grimnir_events::live_recording::Aired;
use grimnir_events::output::{Encoding, Output};
use grimnir_events::station::MountFormat;
use grimnir_events::{AirFrame, EngineRunId, LiveSessionId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Files that may begin in the same second.
const SAME_SECOND: usize = 100;
/// Where the files of live sessions lie, in the engine's folder.
pub const LIVE_FOLDER: &str = "live-recordings";
/// Longest name of an output that is taken into a file's name.
const NAME_LIMIT: usize = 40;

/// The folder of one recording.
#[derive(Clone, Debug)]
pub struct Place {
    /// The engine's folder; markers lie there.
    engine: PathBuf,
    /// The recording's.
    root: PathBuf,
    run: EngineRunId,
    owner: Owner,
    prefix: String,
}

/// Whose files they are.
#[derive(Clone, Debug)]
struct Owner {
    /// As it is printed: an output's or a session's.
    id: String,
    session: Option<LiveSessionId>,
}

/// What is kept of the files of one name, and whose the last of them was.
#[derive(Serialize, Deserialize)]
struct Note {
    session: LiveSessionId,
    prefix: String,
    limits: Limits,
}

/// What a marker says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Marker {
    /// Whose file it is: an output, or a live session.
    #[serde(alias = "output")]
    pub owner: String,
    /// The session, where it is one.
    #[serde(default)]
    pub session: Option<LiveSessionId>,
    /// The run that writes it.
    pub run: EngineRunId,
    /// The recording's folder.
    pub root: PathBuf,
    /// The file below it.
    pub file: String,
    /// How it is encoded.
    pub encoding: Encoding,
    /// Its first frame.
    pub first: AirFrame,
    /// What of it was on air so far, where it is a session's.
    #[serde(default)]
    pub aired: Vec<Aired>,
}

impl Place {
    /// The place of an output in `folder` below the recordings of the engine, in this run.
    pub fn new(engine: &Path, folder: &str, run: EngineRunId, output: &Output) -> Self {
        let root = engine.join("recordings").join(folder);
        let prefix = prefix(&output.name);
        let owner = Owner { id: output.id.to_string(), session: None };
        Self { engine: engine.to_path_buf(), root, run, owner, prefix }
    }

    /// The place of a live session: its files are named after it, in a folder of all of them.
    pub fn of_session(engine: &Path, run: EngineRunId, id: LiveSessionId, name: &str) -> Self {
        let root = engine.join(LIVE_FOLDER);
        let owner = Owner { id: id.to_string(), session: Some(id) };
        Self { engine: engine.to_path_buf(), root, run, owner, prefix: prefix(name) }
    }

    /// Whose place it is.
    pub fn owner(&self) -> &str {
        &self.owner.id
    }

    /// Makes the file of an hour, and its marker first.
    pub fn make(&self, encoding: Encoding, first: AirFrame) -> io::Result<(File, Marker)> {
        let (day, second) = stamps(first);
        std::fs::create_dir_all(self.root.join(&day))?;
        let extension = match encoding.format {
            MountFormat::Flac => "flac",
            MountFormat::Opus => "opus",
            _ => "mp3",
        };
        for n in 1..=SAME_SECOND {
            let again = if n == 1 { String::new() } else { format!("-{n}") };
            let file = format!("{day}/{}_{second}{again}.{extension}", self.prefix);
            let path = self.root.join(&file);
            if path.exists() {
                continue;
            }
            let root = self.root.clone();
            let (Owner { id: owner, session }, run) = (self.owner.clone(), self.run);
            let aired = Vec::new();
            let marker = Marker { owner, session, run, root, file, encoding, first, aired };
            self.mark(&marker)?;
            let made = File::options().read(true).write(true).create_new(true).open(&path)?;
            // The names too are to be there after a power cut.
            File::open(self.root.join(&day))?.sync_all()?;
            File::open(&self.root)?.sync_all()?;
            return Ok((made, marker));
        }
        Err(io::Error::other(format!("{SAME_SECOND} files begin at {second}")))
    }

    /// Says on disk what is known of a file that is being written.
    pub fn mark(&self, marker: &Marker) -> io::Result<()> {
        let text = serde_json::to_vec(marker).map_err(io::Error::other)?;
        crate::held::replace(&self.marker(marker.first), &text)
    }

    /// The file of `marker` is closed.
    pub fn unmark(&self, marker: &Marker) {
        let path = self.marker(marker.first);
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "a recording's marker stays");
        }
    }

    fn marker(&self, first: AirFrame) -> PathBuf {
        self.engine.join(format!("{}-{}.recording", self.owner.id, first.0))
    }

    /// Says beside the files how much is kept of them, where they are a live session's: nobody
    /// hands it over while the session is away.
    pub fn note(&self, limits: Limits) -> io::Result<()> {
        let Some(session) = self.owner.session else { return Ok(()) };
        let note = Note { session, prefix: self.prefix.clone(), limits };
        let text = serde_json::to_vec(&note).map_err(io::Error::other)?;
        std::fs::create_dir_all(&self.root)?;
        crate::held::replace(&self.root.join(format!("{}.kept", self.prefix)), &text)
    }

    /// Every name that live sessions had, with what is kept of its files.
    pub fn noted(engine: &Path, run: EngineRunId) -> Vec<(LiveSessionId, Self, Limits)> {
        let Ok(entries) = std::fs::read_dir(engine.join(LIVE_FOLDER)) else { return Vec::new() };
        let read = |entry: io::Result<std::fs::DirEntry>| {
            let path = entry.ok()?.path();
            let note = (path.extension()? == "kept").then(|| std::fs::read(&path).ok())??;
            let Note { session, prefix, limits } = serde_json::from_slice(&note).ok()?;
            Some((session, Self::of_session(engine, run, session, &prefix), limits))
        };
        let mut noted: Vec<_> = entries.filter_map(read).collect();
        noted.sort_by(|(_, one, _), (_, other, _)| one.prefix.cmp(&other.prefix));
        noted
    }

    /// What an earlier run left open of an output's; who closes a session's is [`live_left_open`].
    pub fn left_open(&self) -> Vec<Marker> {
        let own = |marker: &Marker| marker.session.is_none() && marker.owner == self.owner.id;
        let mut left = left_open(&self.engine, self.run);
        left.retain(own);
        left
    }

    /// Files of this recording that are there, but for those that somebody writes.
    pub fn kept(&self) -> Vec<Kept> {
        let mut kept = Vec::new();
        let written: Vec<PathBuf> =
            markers(&self.engine).into_iter().map(|m| m.root.join(m.file)).collect();
        for day in std::fs::read_dir(&self.root).into_iter().flatten().flatten() {
            for file in std::fs::read_dir(day.path()).into_iter().flatten().flatten() {
                let name = file.file_name().to_string_lossy().into_owned();
                if written.contains(&file.path()) {
                    continue;
                }
                let first = name.strip_prefix(&format!("{}_", self.prefix)).and_then(second_of);
                if let (Some(first), Ok(about)) = (first, file.metadata()) {
                    let file = format!("{}/{name}", day.file_name().to_string_lossy());
                    kept.push(Kept { first, file, bytes: about.len() });
                }
            }
        }
        kept
    }

    /// Removes one of them, and its day's folder with the last.
    pub fn remove(&self, file: &str) -> io::Result<()> {
        let path = self.root.join(file);
        std::fs::remove_file(&path)?;
        if let Some(day) = path.parent() {
            // Refused while anything is in it.
            let _ = std::fs::remove_dir(day);
        }
        Ok(())
    }
}

/// What earlier runs left open of live sessions, each with its place.
pub fn live_left_open(engine: &Path, run: EngineRunId) -> Vec<(LiveSessionId, Place, Marker)> {
    let of_session = |marker: Marker| {
        let id = marker.session?;
        Some((id, Place::of_session(engine, run, id, ""), marker))
    };
    left_open(engine, run).into_iter().filter_map(of_session).collect()
}

/// Files that other runs were writing.
fn left_open(engine: &Path, run: EngineRunId) -> Vec<Marker> {
    let mut left = markers(engine);
    left.retain(|marker| marker.run != run);
    left
}

/// Files that are being written, or were when their run ended.
fn markers(engine: &Path) -> Vec<Marker> {
    let Ok(entries) = std::fs::read_dir(engine) else { return Vec::new() };
    let read = |entry: io::Result<std::fs::DirEntry>| -> Option<Marker> {
        let path = entry.ok()?.path();
        if path.extension()? != "recording" {
            return None;
        }
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    };
    entries.filter_map(read).collect()
}

/// Letters, digits and hyphens of a name.
fn prefix(name: &str) -> String {
    let mut prefix = String::new();
    for c in name.chars().take(NAME_LIMIT) {
        if c.is_ascii_alphanumeric() {
            prefix.push(c.to_ascii_lowercase());
        } else if !prefix.is_empty() && !prefix.ends_with('-') {
            prefix.push('-');
        }
    }
    let prefix = prefix.trim_end_matches('-');
    if prefix.is_empty() { "recording".to_owned() } else { prefix.to_owned() }
}

/// The day and the second of a frame, in UTC.
fn stamps(first: AirFrame) -> (String, String) {
    let at = jiff::Timestamp::from_microsecond(first.utc().0).unwrap_or_default();
    (at.strftime("%Y-%m-%d").to_string(), at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// The second at which a file begins, by what of its name is behind the prefix; files of the same
/// second are a frame apart, in their order.
fn second_of(rest: &str) -> Option<AirFrame> {
    let (second, extension) = rest.get(..16).zip(rest.rsplit_once('.').map(|(_, e)| e))?;
    if !["flac", "opus", "mp3"].contains(&extension) {
        return None;
    }
    let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", second).ok()?;
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    let again = rest[16..].strip_prefix('-').and_then(|n| n.split('.').next()?.parse().ok());
    Some(UtcMicros(at.timestamp().as_microsecond()).frame().plus(again.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::OutputId;
    use grimnir_events::output::{OutputKind, RecordingOutput};

    fn place(dir: &Path, run: u8, output: u8, name: &str) -> Place {
        let encoding = Encoding { format: MountFormat::Flac, bitrate_kbps: 0 };
        let folder = "archive".to_owned();
        let recording = RecordingOutput { encoding, folder, keep_days: 0, keep_bytes: 0 };
        let kind = OutputKind::Recording(recording);
        let id = OutputId([output; 16]);
        let output = Output { id, name: name.into(), kind, enabled: true };
        Place::new(dir, "archive", EngineRunId([run; 16]), &output)
    }

    #[test]
    fn files_are_named_after_their_first_second_and_found_again() {
        let dir = tempfile::tempdir().expect("dir");
        let mine = place(dir.path(), 1, 3, "Händel & Söhne!");
        let encoding = Encoding { format: MountFormat::Flac, bitrate_kbps: 0 };
        let first = UtcMicros(1_795_269_600_500_000).frame();
        let (_, one) = mine.make(encoding, first).expect("made");
        let (_, two) = mine.make(encoding, first.plus(480)).expect("made");
        assert_eq!(one.file, "2026-11-21/h-ndel-s-hne_20261121T140000Z.flac");
        assert_eq!(two.file, "2026-11-21/h-ndel-s-hne_20261121T140000Z-2.flac");
        assert!(mine.left_open().is_empty(), "it writes them itself");
        let next_run = place(dir.path(), 2, 3, "Händel & Söhne!");
        let mut open = next_run.left_open();
        open.sort_by_key(|marker| marker.first);
        assert_eq!(open, [one.clone(), two.clone()]);
        let other = place(dir.path(), 2, 4, "Händel");
        assert!(other.left_open().is_empty() && other.kept().is_empty());
        let stray = dir.path().join("recordings/archive/2026-11-21/h-ndel-s-hne_notes.txt");
        std::fs::write(stray, "x").expect("written");
        assert!(mine.kept().is_empty(), "what is being written does not go");
        mine.unmark(&one);
        let kept = mine.kept();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].first, UtcMicros(1_795_269_600_000_000).frame());
        assert_eq!(next_run.left_open(), std::slice::from_ref(&two));
        mine.unmark(&two);
        assert_eq!(mine.kept().len(), 2);
        mine.remove(&two.file).expect("there");
        assert_eq!(mine.kept().len(), 1);
    }
}
