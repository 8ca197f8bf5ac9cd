//! `scan`: what files say about themselves, one after the other, without decoding them.
//!
//! Reads paths as JSON texts, one a line, from standard input, and prints one line of JSON for
//! each. Whoever asks sees by the missing line which file ended this process.

use super::{analyze, limits, tags};
use crate::confine::{self, Needs, Reads};
use grimnir_engine_proto::report::ScanReport;
use std::fs::File;
use std::io::{BufRead, Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::ExitCode;

/// Bytes at the beginning of a file in which its format has to show.
const HEAD: usize = 64 * 1024;

/// Answers until standard input ends.
pub fn print() -> ExitCode {
    let _ = rustix::process::nice(10);
    let needs = Needs { reads: Reads::Any, ..Needs::default() };
    if let Err(reason) = limits::set_for_stream().and_then(|()| confine::process(&needs)) {
        eprintln!("{reason}");
        return ExitCode::FAILURE;
    }
    let (input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    for line in input.lines() {
        let Ok(line) = line else { return ExitCode::FAILURE };
        let report = match serde_json::from_str::<String>(&line) {
            Ok(path) => scan(Path::new(&path)),
            Err(error) => refusal(format!("the path cannot be read: {error}")),
        };
        let written = serde_json::to_string(&report)
            .map_err(std::io::Error::from)
            .and_then(|line| writeln!(output, "{line}"))
            .and_then(|()| output.flush());
        if written.is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn refusal(error: String) -> ScanReport {
    ScanReport { error: Some(error), ..ScanReport::default() }
}

fn scan(path: &Path) -> ScanReport {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return refusal(format!("it cannot be read: {error}")),
    };
    if is_being_written(&file) {
        return ScanReport { busy: true, ..ScanReport::default() };
    }
    let (hash, size_bytes) = match analyze::digest(path) {
        Ok(found) => found,
        Err(error) => return refusal(error),
    };
    let known = ScanReport { hash, size_bytes, ..ScanReport::default() };
    if size_bytes == 0 {
        return ScanReport { error: Some("the file is empty".into()), ..known };
    }
    let mut head = Vec::with_capacity(HEAD);
    match file.take(HEAD as u64).read_to_end(&mut head) {
        Ok(_) if is_sound(&head) => ScanReport { tags: tags::read(path).0, ..known },
        Ok(_) => {
            let error = Some("no audio format that is known begins in it".into());
            ScanReport { error, ..known }
        }
        Err(error) => ScanReport { error: Some(format!("it cannot be read: {error}")), ..known },
    }
}

/// Somebody has the file open for writing. The kernel grants a read lease only where nobody has;
/// where it knows no leases the answer is no.
fn is_being_written(file: &File) -> bool {
    let fd = file.as_raw_fd();
    // SAFETY: the descriptor is open as long as `file` is, and the calls take no pointers.
    #[expect(unsafe_code, reason = "rustix has no leases")]
    unsafe {
        if libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK) == 0 {
            libc::fcntl(fd, libc::F_SETLEASE, libc::F_UNLCK);
            return false;
        }
    }
    std::io::Error::last_os_error().raw_os_error() == Some(libc::EAGAIN)
}

/// An audio format begins here. What only looks like one is found out by its analysis.
fn is_sound(head: &[u8]) -> bool {
    let at = |place: usize, mark: &[u8]| head.get(place..).is_some_and(|h| h.starts_with(mark));
    let container = at(0, b"fLaC")
        || at(0, b"OggS")
        || at(0, b"ID3")
        || at(0, b"caff")
        || at(0, b"wvpk")
        || at(0, b"MAC ")
        || at(0, b"\x1a\x45\xdf\xa3")
        || at(4, b"ftyp")
        || (at(8, b"WAVE") && (at(0, b"RIFF") || at(0, b"RF64") || at(0, b"BW64")))
        || (at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")))
        || at(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11");
    container || has_frames(head)
}

/// Three MPEG or ADTS frame headers in a row that say the same, each where the one before ends.
fn has_frames(head: &[u8]) -> bool {
    (0..head.len().saturating_sub(4)).any(|start| {
        let mut place = start;
        for _ in 0..3 {
            let Some(length) = head.get(place..).and_then(frame_length) else { return false };
            place += length;
            // A short file ends after its last frame.
            if place == head.len() && place > start {
                return true;
            }
        }
        true
    })
}

/// Bytes of the frame whose header begins here.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    const LAYER3_V1: [usize; 15] =
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const LAYER3_V2: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    const LAYER2_V1: [usize; 15] =
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
    const RATES: [usize; 3] = [44_100, 48_000, 32_000];
    let header = bytes.get(..6)?;
    if header[0] != 0xff || header[1] & 0xe0 != 0xe0 {
        return None;
    }
    if header[1] & 0xf6 == 0xf0 {
        let length = (usize::from(header[3] & 3) << 11)
            | (usize::from(header[4]) << 3)
            | usize::from(header[5] >> 5);
        return (length > 7).then_some(length);
    }
    let (version, layer) = ((header[1] >> 3) & 3, (header[1] >> 1) & 3);
    let (rate, bitrate) = (usize::from((header[2] >> 2) & 3), usize::from(header[2] >> 4));
    let padding = usize::from((header[2] >> 1) & 1);
    let divided = match version {
        3 => 1,
        2 => 2,
        0 => 4,
        _ => return None,
    };
    let hz = RATES.get(rate)? / divided;
    let (kbps, samples) = match (layer, divided) {
        (1, 1) => (LAYER3_V1.get(bitrate)?, 144),
        (1, _) => (LAYER3_V2.get(bitrate)?, 72),
        (2, 1) => (LAYER2_V1.get(bitrate)?, 144),
        (2, _) => (LAYER3_V2.get(bitrate)?, 144),
        _ => return None,
    };
    (*kbps > 0).then(|| samples * kbps * 1_000 / hz + padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("writes");
        path
    }

    fn mp3(frames: usize) -> Vec<u8> {
        // MPEG 1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes a frame.
        let mut frame = vec![0u8; 417];
        frame[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0xc0]);
        frame.repeat(frames)
    }

    #[test]
    fn what_begins_no_audio_format_is_refused_whatever_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let says = |name: &str, bytes: &[u8]| scan(&write(folder.path(), name, bytes)).error;
        assert_eq!(says("empty.mp3", b"").as_deref(), Some("the file is empty"));
        for text in [&b"just words, no sound"[..], b"<!DOCTYPE html><html></html>", b"\xff\xfb"] {
            assert!(says("text.mp3", text).is_some_and(|error| error.contains("no audio format")));
        }
        assert_eq!(says("tone.mp3", &mp3(4)), None);
        assert_eq!(says("junk before.mp3", &[&[1u8; 100][..], &mp3(3)].concat()), None);
        assert_eq!(says("short.mp3", &mp3(1)), None);
        assert!(scan(&folder.path().join("not there.mp3")).error.is_some());
    }

    #[test]
    fn a_file_that_somebody_writes_is_busy_until_it_is_closed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = write(folder.path(), "copy.mp3", &mp3(4));
        let writer = File::options().append(true).open(&path).expect("opens");
        assert!(scan(&path).busy);
        drop(writer);
        let report = scan(&path);
        assert!(!report.busy && report.size_bytes == 4 * 417, "{report:?}");
    }
}
