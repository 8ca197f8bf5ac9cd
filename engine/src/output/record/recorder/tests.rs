//! An hour turn and a gap, by the files that come of them.

use super::super::keeper::Limits;
use super::super::place::Place;
use super::*;
use grimnir_events::output::{Output, OutputKind, RecordingOutput};
use grimnir_events::recording::{Recorded, RecordingReport};
use grimnir_events::station::MountFormat;
use grimnir_events::{EngineRunId, OutputId};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// 2026-11-21T14:00:00Z.
const TURN: i64 = 1_795_269_600 * 48_000;

const OUTPUT: OutputId = OutputId([3; 16]);

type Reports = Arc<Mutex<Vec<RecordingReport>>>;
type Healths = Arc<Mutex<Vec<OutputHealth>>>;

struct Desk {
    dir: tempfile::TempDir,
    reports: Reports,
    healths: Healths,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    fn new() -> Self {
        gstreamer::init().expect("GStreamer is installed");
        let dir = tempfile::tempdir().expect("dir");
        Self { dir, reports: Reports::default(), healths: Healths::default() }
    }

    fn told(&self) -> Told {
        let (reports, healths) = (self.reports.clone(), self.healths.clone());
        Told {
            health: Arc::new(move |health, _| locked(&healths).push(health)),
            files: Arc::new(move |report, _| locked(&reports).push(report)),
        }
    }

    fn place(&self, run: u8, encoding: Encoding) -> Place {
        let recording =
            RecordingOutput { encoding, folder: "a".into(), keep_days: 0, keep_bytes: 0 };
        let kind = OutputKind::Recording(recording);
        let output = Output { id: OUTPUT, name: "Archive".into(), kind, enabled: true };
        Place::new(self.dir.path(), "a", EngineRunId([run; 16]), &output)
    }

    fn hours(&self, run: u8, encoding: Encoding) -> Hours {
        let place = self.place(run, encoding);
        let keeper = Keeper::start(place, encoding, Limits::default(), self.told());
        let label = Label {
            station: "Test FM".into(),
            output: OUTPUT.to_string(),
            run: String::new(),
            first: AirFrame(0),
        };
        Hours::new(encoding, label, keeper, self.told())
    }

    fn closed(&self) -> Vec<Recorded> {
        let reports = locked(&self.reports);
        let closed = reports.iter().filter_map(|report| match report {
            RecordingReport::Closed(recorded) => Some(recorded.clone()),
            RecordingReport::Opened { .. } | RecordingReport::Removed { .. } => None,
        });
        closed.collect()
    }

    fn path(&self, recorded: &Recorded) -> std::path::PathBuf {
        self.dir.path().join("recordings/a").join(&recorded.file)
    }
}

const FLAC: Encoding = Encoding { format: MountFormat::Flac, bitrate_kbps: 0 };

/// A code for each frame of the air, exact in 16 bits.
fn code(frame: i64) -> Frame {
    let n = frame.rem_euclid(1 << 30);
    [(n % 32_768) as f32 / 32_767.0, (n / 32_768) as f32 / 32_767.0]
}

fn blocks(from: i64, count: i64) -> impl Iterator<Item = Block> {
    (0..count).map(move |block| {
        let at = AirFrame(from + block * BLOCK as i64);
        let mut frames = [[0.0; 2]; BLOCK];
        for (n, frame) in frames.iter_mut().enumerate() {
            *frame = code(at.0 + n as i64);
        }
        Block { at, sudden: false, frames }
    })
}

/// Codes that ffmpeg hears in a file.
pub fn codes(path: &Path) -> Vec<i64> {
    let out = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(path)
        .args(["-f", "s16le", "-"])
        .output()
        .expect("ffmpeg is installed");
    assert!(out.status.success() && out.stderr.is_empty());
    let sample = |bytes: &[u8]| i64::from(i16::from_le_bytes([bytes[0], bytes[1]]));
    out.stdout.chunks_exact(4).map(|f| sample(f) + sample(&f[2..]) * 32_768).collect()
}

/// The same as frames of the air near `first`.
fn heard(path: &Path, first: AirFrame) -> Vec<i64> {
    let base = first.0 - first.0.rem_euclid(1 << 30);
    codes(path).into_iter().map(|code| base + code).collect()
}

#[test]
fn an_hour_turn_lies_between_two_samples_and_neither_file_lacks_one() {
    let desk = Desk::new();
    let mut hours = desk.hours(1, FLAC);
    // The turn falls within a block.
    let from = TURN - 200 * 480 - 13;
    for (n, block) in blocks(from, 500).enumerate() {
        hours.take(&block);
        if n % 7 == 0 {
            hours.flush();
        }
    }
    hours.stop();
    let closed = desk.closed();
    assert_eq!(closed.len(), 2);
    assert_eq!((closed[0].first, closed[0].frames), (AirFrame(from), 200 * 480 + 13));
    assert_eq!((closed[1].first, closed[1].frames), (AirFrame(TURN), 300 * 480 - 13));
    assert_eq!((&closed[0].end, &closed[1].end), (&RecordingEnd::HourTurn, &RecordingEnd::Stopped));
    assert_eq!(closed[1].file, "2026-11-21/archive_20261121T140000Z.flac");
    let mut all = Vec::new();
    for recorded in &closed {
        let path = desk.path(recorded);
        let frames = heard(&path, recorded.first);
        assert_eq!(frames.len() as i64, recorded.frames, "{}", recorded.file);
        all.extend(frames);
        let bytes = std::fs::read(&path).expect("there");
        assert_eq!(bytes.len() as u64, recorded.bytes);
        assert_eq!(recorded.hash.0, <[u8; 32]>::from(Sha256::digest(&bytes)));
    }
    assert!(all.iter().copied().eq(from..from + 500 * 480), "every frame once, in order");
    assert_eq!(*locked(&desk.healths), [OutputHealth::Up, OutputHealth::Up]);
    let left = std::fs::read_dir(desk.dir.path()).expect("there").count();
    assert_eq!(left, 1, "no marker stays");
}

#[test]
fn a_gap_in_the_programme_begins_a_new_file() {
    let desk = Desk::new();
    let mut hours = desk.hours(1, FLAC);
    let from = TURN + 5 * 48_000;
    blocks(from, 100).chain(blocks(from + 150 * 480, 50)).for_each(|block| hours.take(&block));
    hours.stop();
    let told: Vec<_> =
        desk.closed().into_iter().map(|r| (r.first.0 - from, r.frames, r.end)).collect();
    assert_eq!(
        told,
        [(0, 100 * 480, RecordingEnd::Gap), (150 * 480, 50 * 480, RecordingEnd::Stopped)]
    );
}

#[test]
fn a_folder_that_is_away_costs_the_recording_until_it_is_back() {
    let desk = Desk::new();
    // Where the folder is to be there is a file.
    std::fs::write(desk.dir.path().join("recordings"), "").expect("written");
    let mut hours = desk.hours(1, FLAC);
    let mut stream = blocks(TURN + 480, 2_000);
    let until = std::time::Instant::now() + Duration::from_secs(20);
    let mut taken = 0;
    while locked(&desk.healths).is_empty() && std::time::Instant::now() < until {
        if taken < 500 {
            hours.take(&stream.next().expect("more"));
            taken += 1;
        }
        hours.flush();
        std::thread::yield_now();
    }
    assert_eq!(locked(&desk.healths).first(), Some(&OutputHealth::Down));
    std::fs::remove_file(desk.dir.path().join("recordings")).expect("there");
    for block in stream {
        hours.take(&block);
        hours.flush();
        taken += 1;
    }
    assert_eq!(taken, 2_000);
    hours.stop();
    let closed = desk.closed();
    assert_eq!(closed.len(), 1, "{closed:?}");
    let end = closed[0].first.plus(closed[0].frames);
    assert_eq!(end.0, TURN + 480 + 2_000 * 480, "it goes on to the end");
    assert_eq!(locked(&desk.healths).last(), Some(&OutputHealth::Up));
}

/// Difference in dB below what was given.
fn difference(heard: &[f32], given: &[f32]) -> f64 {
    let square = |x: f32| f64::from(x) * f64::from(x);
    let all: f64 = given.iter().map(|g| square(*g)).sum();
    let off: f64 = heard.iter().zip(given).map(|(h, g)| square(h - g)).sum();
    10.0 * (off / all).log10()
}

#[test]
fn the_lead_of_mp3_is_what_a_decoder_gives_first_that_is_told_of_no_delay() {
    let desk = Desk::new();
    let mut hours = desk.hours(1, Encoding { format: MountFormat::Mp3, bitrate_kbps: 128 });
    // A tone that glides: no stretch of it is like another.
    let tone = |n: f64| (n * (0.03 + n * 1e-7)).sin() as f32 * 0.4;
    let given: Vec<f32> = (0..144_000).map(|n| tone(f64::from(n))).collect();
    for (n, part) in given.chunks_exact(BLOCK).enumerate() {
        let mut block = blocks(TURN + 480 + n as i64 * BLOCK as i64, 1).next().expect("one");
        block.frames.iter_mut().zip(part).for_each(|(frame, sample)| *frame = [*sample; 2]);
        hours.take(&block);
        hours.flush();
    }
    hours.stop();
    let recorded = desk.closed().remove(0);
    assert_eq!(recorded.frames, 144_000);
    // Without its tag and its first frame, which tells of the delay, it is a bare stream.
    let bytes = std::fs::read(desk.path(&recorded)).expect("there");
    let facts = bytes.windows(4).position(|at| at == b"Info" || at == b"Xing").expect("facts");
    let sound = &bytes[facts - 36 + 384..];
    assert!(sound.starts_with(&[0xFF, 0xFB]), "{:x?}", &sound[..4]);
    let bare = desk.dir.path().join("bare.mp3");
    std::fs::write(&bare, sound).expect("written");
    let out = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&bare)
        .args(["-f", "f32le", "-"])
        .output()
        .expect("ffmpeg is installed");
    let heard: Vec<f32> = out
        .stdout
        .chunks_exact(8)
        .map(|frame| f32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]))
        .collect();
    let off = |lead: usize| difference(&heard[lead..], &given[..140_000]);
    let lead = recorded.lead as usize;
    let around = [off(lead - 1), off(lead), off(lead + 1)];
    assert!(around[1] < -20.0 && around[1] < around[0].min(around[2]) - 3.0, "{around:?}");
}

/// An engine that was killed leaves a file whose head is all there is: it is no recording.
#[test]
fn of_a_file_without_sound_nothing_stays_and_nothing_is_told() {
    let desk = Desk::new();
    for head in [&b"fLaC"[..], b""] {
        let (mut file, marker) = desk.place(1, FLAC).make(FLAC, AirFrame(TURN)).expect("made");
        std::io::Write::write_all(&mut file, head).expect("written");
        let path = marker.root.join(&marker.file);
        assert!(path.exists());
        desk.hours(2, FLAC).stop();
        assert!(!path.exists());
        let left = std::fs::read_dir(desk.dir.path()).expect("there").count();
        assert_eq!(left, 1, "no marker stays");
    }
    assert_eq!(*locked(&desk.reports), []);
}
