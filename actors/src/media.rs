//! The media store: sound by content hash, and what was drawn from it beside it.

use crate::analysis::child::Refused;
use crate::analysis::{self, Outputs};
use crate::error::CommandError;
use crate::site::Shared;
use grimnir_events::ContentHash;
use grimnir_events::library::MediaItem;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What lies beside a sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beside {
    /// Its peaks, as `grimnir-engine analyze` writes them.
    Waveform,
    /// The picture in its tags.
    Artwork,
}

impl Beside {
    /// Where it lies for the sound of a hash.
    pub fn path(self, media: &Path, hash: ContentHash) -> PathBuf {
        path(media, hash).with_extension(match self {
            Self::Waveform => "waveform",
            Self::Artwork => "artwork",
        })
    }
}

/// Where the bytes of a hash lie in a media store.
pub fn path(media: &Path, hash: ContentHash) -> PathBuf {
    let name = hash.to_string();
    media.join(&name[..2]).join(name)
}

/// What lies beside an item's sound. A waveform that is not there is drawn now; `None` for an item
/// without a picture, and for one whose sound is gone.
pub async fn beside(
    shared: &Shared,
    item: &MediaItem,
    what: Beside,
) -> Result<Option<Vec<u8>>, CommandError> {
    let media = shared.media_dir();
    let at = what.path(&media, item.hash);
    if let Some(bytes) = read(&at).await? {
        return Ok(Some(bytes));
    }
    let sound = path(&media, item.play_hash);
    if what == Beside::Artwork || !sound.is_file() {
        return Ok(None);
    }
    let outputs = Outputs::in_folder(&shared.upload_dir());
    let drawn = analysis::measure(shared, &sound, &outputs).await;
    let drawn = match drawn {
        Ok(_) => place(&outputs.waveform, &at).await,
        Err(Refused::File(_, reason) | Refused::World(reason)) => {
            Err(CommandError::Failed { what: "drawing the waveform", reason })
        }
    };
    outputs.remove().await;
    drawn?;
    read(&at).await
}

async fn read(path: &Path) -> Result<Option<Vec<u8>>, CommandError> {
    match tokio::fs::read(path).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(CommandError::Failed { what: "reading the media store", reason: error.to_string() })
        }
    }
}

/// Moves a file to its place in the store, if it was made; nothing that lies there is half a file.
pub(crate) async fn place(from: &Path, to: &Path) -> Result<(), CommandError> {
    let failed = |e: std::io::Error| CommandError::Failed {
        what: "storing the file",
        reason: e.to_string(),
    };
    let Some(folder) = to.parent() else { return Ok(()) };
    tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    match tokio::fs::rename(from, to).await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
