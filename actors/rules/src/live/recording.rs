//! How a session can be recorded: in what a file that nobody closed can be closed in.

use super::decide::LiveRejection;
use crate::station::bitrates_kbps;
use grimnir_events::output::Encoding;
use grimnir_events::station::MountFormat;

/// Below, LAME takes a lower sample rate than the air's, and frames do not tell its time.
const LEAST_MP3_KBPS: u16 = 128;

/// Checks an encoding that is wanted.
pub fn check(encoding: Encoding) -> Result<(), LiveRejection> {
    let Encoding { format, bitrate_kbps } = encoding;
    let (least, expected) = match format {
        MountFormat::Flac => (0, "0 of flac, which has none"),
        MountFormat::Mp3 => (LEAST_MP3_KBPS, "a bit rate of mp3, 128 kbit/s or more"),
        MountFormat::Opus => (0, "a bit rate of opus, 24 to 320 kbit/s"),
        MountFormat::AacLc | MountFormat::Vorbis => {
            let (found, expected) = (format!("{format:?}"), "flac, mp3 or opus");
            return Err(LiveRejection::Recording { field: "format", found, expected });
        }
    };
    if bitrate_kbps >= least && bitrates_kbps(format).contains(&bitrate_kbps) {
        return Ok(());
    }
    let found = bitrate_kbps.to_string();
    Err(LiveRejection::Recording { field: "bitrate_kbps", found, expected })
}
