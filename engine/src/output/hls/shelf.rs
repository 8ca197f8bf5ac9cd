//! The folder of an HLS output, and what outlives the process: written by a thread of its own.
//!
//! Files appear whole, playlists after the segments that they name. A disk that stands still or is
//! full loses the folder, not the streams over HTTP.

use super::window::{Entry, Kept};
use super::{playlist, window::Window};
use crate::held;
use bytes::Bytes;
use grimnir_events::OutputId;
use grimnir_events::output::HlsOutput;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// Segments that may wait for the disk.
const QUEUE: usize = 8;

/// Where an HLS output is kept.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// The folder that everything is written to; `None` keeps only what a restart needs.
    folder: Option<PathBuf>,
    state: PathBuf,
    hls: HlsOutput,
}

/// What one segment changes on disk.
pub struct Change {
    /// Files to be written, in order.
    pub files: Vec<(String, Bytes)>,
    /// Files to be removed after that.
    pub gone: Vec<String>,
    /// What is to outlive the process.
    pub kept: Kept,
}

impl Shelf {
    /// The shelf of an output in the engine's folder.
    pub fn new(engine: &Path, output: OutputId, hls: &HlsOutput) -> Self {
        let folder = hls.folder.as_ref().map(|folder| engine.join("hls").join(folder));
        Self { folder, state: engine.join(format!("{output}.hls")), hls: hls.clone() }
    }

    /// The window that goes on after the last run's.
    pub fn window(&self) -> Window {
        let read = || serde_json::from_slice(&std::fs::read(&self.state).ok()?).ok();
        let kept: Option<Kept> = read();
        let found = |entry: &Entry| {
            let folder = self.folder.as_ref()?;
            let read = |kbps: &u16| {
                let name = playlist::segment_name(self.hls.container, *kbps, entry.number);
                std::fs::read(folder.join(name)).ok().map(Bytes::from)
            };
            self.hls.bitrates_kbps.iter().map(read).collect()
        };
        Window::after(self.hls.window.into(), kept, found)
    }

    /// The change that a new segment makes.
    pub fn change(
        &self,
        window: &Window,
        entry: &Entry,
        variants: Vec<Bytes>,
        gone: &[Entry],
    ) -> Change {
        let HlsOutput { container, bitrates_kbps, .. } = &self.hls;
        let mut files = Vec::new();
        if self.folder.is_some() {
            let (cuts, listed) = window.listed();
            for (kbps, bytes) in bitrates_kbps.iter().zip(variants) {
                files.push((playlist::segment_name(*container, *kbps, entry.number), bytes));
            }
            for kbps in bitrates_kbps {
                let text = playlist::media(&self.hls, *kbps, cuts, &listed);
                files.push((playlist::media_name(*kbps), text.into()));
            }
        }
        let name = |entry: &Entry| {
            let kbps = bitrates_kbps.iter();
            let number = entry.number;
            kbps.map(move |kbps| playlist::segment_name(*container, *kbps, number))
                .collect::<Vec<_>>()
        };
        Change { files, gone: gone.iter().flat_map(name).collect(), kept: window.kept() }
    }

    /// What does not change, and no segment that is not held any more.
    fn begin(&self, kept: &Kept) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        std::fs::create_dir_all(folder)?;
        let HlsOutput { container, bitrates_kbps, .. } = &self.hls;
        for (name, bytes) in super::serve::unchanging(*container, bitrates_kbps) {
            write(folder, &name, &bytes)?;
        }
        let held = |number: u64| kept.entries.iter().any(|entry| entry.number == number);
        for file in std::fs::read_dir(folder)?.flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let number =
                name.split_once('-').and_then(|(_, rest)| rest.split('.').next()?.parse().ok());
            if number.is_some_and(|number| !held(number)) {
                std::fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }

    fn carry_out(&self, change: &Change) -> io::Result<()> {
        if let Some(folder) = &self.folder {
            for (name, bytes) in &change.files {
                write(folder, name, bytes)?;
            }
            for name in &change.gone {
                match std::fs::remove_file(folder.join(name)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        let state = serde_json::to_vec(&change.kept).map_err(io::Error::other)?;
        held::replace(&self.state, &state)
    }
}

/// Whole or not at all. Not made durable: after a power cut nobody asks for old segments.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let next = folder.join(format!(".{name}.next"));
    std::fs::write(&next, bytes)?;
    std::fs::rename(&next, folder.join(name))
}

/// Gives the writer work; it ends when this is dropped.
pub struct Writer {
    tx: SyncSender<Change>,
}

impl Writer {
    /// Starts one; `told` hears how each change went.
    pub fn start(
        shelf: Shelf,
        kept: Kept,
        told: impl Fn(Result<(), String>) + Send + 'static,
    ) -> io::Result<Self> {
        let (tx, rx) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("hls-disk".into())
            .spawn(move || write_all(&shelf, &kept, &rx, told))?;
        Ok(Self { tx })
    }

    /// False where the disk is so far behind that the change is lost to the folder.
    pub fn send(&self, change: Change) -> bool {
        !matches!(self.tx.try_send(change), Err(TrySendError::Full(_)))
    }
}

fn write_all(shelf: &Shelf, kept: &Kept, rx: &Receiver<Change>, told: impl Fn(Result<(), String>)) {
    let mut begun = false;
    // What failed is tried again with the next change: a playlist names it.
    let mut failed: Vec<Change> = Vec::new();
    for change in rx.iter() {
        failed.push(change);
        let done = (if begun { Ok(()) } else { shelf.begin(kept) }).and_then(|()| {
            begun = true;
            while let Some(change) = failed.first() {
                shelf.carry_out(change)?;
                failed.remove(0);
            }
            Ok(())
        });
        if failed.len() > QUEUE {
            failed.remove(0);
        }
        told(done.map_err(|error| format!("the folder: {error}")));
    }
}
