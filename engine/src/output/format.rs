//! What a format means to whoever listens: its name over HTTP, and how much is kept for a player.

use grimnir_events::station::{Mount, MountFormat};

/// The programme's sample rate and channels, in every format.
pub const SOUND: &str = "samplerate=48000;channels=2";

/// How much a hub keeps, and for how many.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// What a new listener is given at once, so that a player can begin.
    pub burst: usize,
    /// A listener that lets this much pile up is dropped.
    pub queue: usize,
    /// Listeners at once.
    pub listeners: usize,
}

impl Room {
    /// 2 s and 16 s of 128 kbit/s; of FLAC, which takes five to eight times the bits, more.
    pub fn of(format: MountFormat, listeners: usize) -> Self {
        let times = if format == MountFormat::Flac { 6 } else { 1 };
        Self { burst: times * 32 * 1024, queue: times * 256 * 1024, listeners }
    }
}

/// The media type.
pub fn content_type(format: MountFormat) -> &'static str {
    match format {
        MountFormat::Mp3 => "audio/mpeg",
        MountFormat::AacLc => "audio/aac",
        MountFormat::Opus | MountFormat::Vorbis | MountFormat::Flac => "audio/ogg",
    }
}

/// The codec in an Ogg stream.
pub fn subtype(format: MountFormat) -> Option<&'static str> {
    match format {
        MountFormat::Mp3 | MountFormat::AacLc => None,
        MountFormat::Opus => Some("Opus"),
        MountFormat::Vorbis => Some("Vorbis"),
        MountFormat::Flac => Some("FLAC"),
    }
}

/// True where title blocks may stand between the bytes. In Ogg they would break the pages.
pub fn takes_titles(format: MountFormat) -> bool {
    subtype(format).is_none()
}

/// For people: `aac_lc 128 kbit/s`.
pub fn shown(mount: &Mount) -> String {
    let name = match mount.format {
        MountFormat::Mp3 => "mp3",
        MountFormat::AacLc => "aac_lc",
        MountFormat::Opus => "opus",
        MountFormat::Vorbis => "vorbis",
        MountFormat::Flac => return "flac".to_owned(),
    };
    format!("{name} {} kbit/s", mount.bitrate_kbps)
}
