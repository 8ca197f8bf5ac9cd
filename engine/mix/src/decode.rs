//! What a file is, and why it could not be played: the words of [`crate::FileSource`].

use std::path::PathBuf;

use crate::decoder::MAX_CHANNELS;
use crate::resample::{MAX_RATE, MIN_RATE};

/// Why a file could not be opened for playing.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The operating system did not give the file.
    #[error("{}: cannot be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The bytes are of no known kind, or belie it.
    #[error("{}: not a known audio file: {reason}", path.display())]
    NotAudio {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// Sound of a kind that is not decoded here.
    #[error("{}: {reason}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Which kind.
        reason: String,
    },
    /// A sample rate out of range.
    #[error("{}: sample rate is {rate} Hz, it must be {MIN_RATE} to {MAX_RATE}", path.display())]
    Rate {
        /// The file.
        path: PathBuf,
        /// The rate found.
        rate: u32,
    },
    /// A channel count out of range.
    #[error("{}: {channels} channels, it must be 1 to {MAX_CHANNELS}", path.display())]
    Channels {
        /// The file.
        path: PathBuf,
        /// The count found.
        channels: u32,
    },
    /// The range asked for is not one.
    #[error("{}: range is {from} to {to:?}, it must begin at 0 and end later", path.display())]
    Range {
        /// The file.
        path: PathBuf,
        /// First frame asked for.
        from: i64,
        /// Frame after the last asked for.
        to: Option<i64>,
    },
    /// More sound than there is room for.
    #[error("{}: longer than {limit} frames", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Frames that there was room for.
        limit: usize,
    },
    /// The file broke off or could not be decoded to its end.
    #[error("{}: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
}

/// What a file is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileInfo {
    /// Short name of its codec, such as `flac` or `mp3`.
    pub codec: String,
    /// Its own sample rate in Hz.
    pub rate: u32,
    /// Its own channel count.
    pub channels: u32,
}
