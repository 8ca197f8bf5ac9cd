//! Sources that are recorded, by the files that come of them and what is told.

use super::super::recorder::tests::codes;
use super::*;
use grimnir_events::live_recording::Aired;
use grimnir_events::output::Encoding;
use grimnir_events::recording::{Recorded, RecordingEnd};
use grimnir_events::station::MountFormat;
use sha2::{Digest, Sha256};

const SESSION: LiveSessionId = LiveSessionId([5; 16]);
const FLAC: Encoding = Encoding { format: MountFormat::Flac, bitrate_kbps: 0 };
/// Frames of a packet of MP3.
const PACKET: usize = 1_152;

type Reports = Arc<Mutex<Vec<LiveRecordingReport>>>;

struct Studio {
    dir: tempfile::TempDir,
    reports: Reports,
    records: Arc<Records>,
}

fn wish(keep_bytes: u64) -> LiveRecording {
    LiveRecording { encoding: FLAC, keep_days: 0, keep_bytes }
}

impl Studio {
    fn new() -> Self {
        gstreamer::init().expect("GStreamer is installed");
        let dir = tempfile::tempdir().expect("dir");
        let reports = Reports::default();
        let heard = reports.clone();
        let tell: Tell = Arc::new(move |event| match event {
            AirEvent::Live(event) => match *event {
                LiveAirEvent::Recording { session_id, report } => {
                    assert_eq!(session_id, SESSION);
                    heard.lock().expect("whole").push(*report);
                }
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        });
        let run = EngineRunId([1; 16]);
        let records = Records::new(dir.path(), (run, AirFrame(0)), || "Test FM".into(), tell);
        Self { dir, reports, records }
    }

    fn set(&self, wish: Option<LiveRecording>) {
        self.records.set(wish.map(|wish| (SESSION, wish)).into_iter().collect());
    }

    fn scribe(&self) -> Scribe {
        self.records.scribe(SESSION, "Anna".into())
    }

    /// What is told once `enough` is.
    fn told_once(&self, enough: impl Fn(&[LiveRecordingReport]) -> bool) -> Reported {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let reports = self.reports.lock().expect("whole").clone();
            if enough(&reports) {
                return Reported(reports);
            }
            assert!(Instant::now() < until, "{reports:?}");
            std::thread::yield_now();
        }
    }

    /// So many files are complete.
    fn finished(&self, count: usize) -> Vec<(Recorded, Vec<Aired>)> {
        self.told_once(|all| Reported(all.to_vec()).finished().len() == count).finished()
    }

    fn path(&self, recorded: &Recorded) -> PathBuf {
        self.dir.path().join("live-recordings").join(&recorded.file)
    }

    /// Numbers of the frames that ffmpeg hears in a file, whose bytes are as they were told.
    fn heard(&self, recorded: &Recorded) -> Vec<i64> {
        let path = self.path(recorded);
        let bytes = std::fs::read(&path).expect("there");
        assert_eq!(recorded.hash.0, <[u8; 32]>::from(Sha256::digest(&bytes)));
        codes(&path)
    }
}

struct Reported(Vec<LiveRecordingReport>);

impl Reported {
    fn finished(&self) -> Vec<(Recorded, Vec<Aired>)> {
        let finished = self.0.iter().filter_map(|report| match report {
            LiveRecordingReport::Finished { recorded, aired } => {
                Some((recorded.clone(), aired.clone()))
            }
            _ => None,
        });
        finished.collect()
    }
}

/// Frames whose samples say which they are, exact in 16 bits.
fn coded(from: i64, count: usize) -> Vec<Frame> {
    let code = |n: i64| [(n % 32_768) as f32 / 32_767.0, (n / 32_768) as f32 / 32_767.0];
    (from..from + count as i64).map(code).collect()
}

fn send(scribe: &mut Scribe, packets: i64) {
    for _ in 0..packets {
        let frames = coded(scribe.count, PACKET);
        scribe.take(&frames);
    }
}

#[test]
fn what_a_source_sent_is_one_file_from_its_first_frame_to_its_last() {
    let studio = Studio::new();
    studio.set(Some(wish(0)));
    let mut scribe = studio.scribe();
    let log = scribe.aired();
    send(&mut scribe, 60);
    let (first, second) = (AirFrame(70_000_000), AirFrame(80_000_000));
    log.began(3, first, 40_000);
    log.ended(3, first.plus(5_000));
    log.began(4, second, 90_000);
    send(&mut scribe, 60);
    // It is gone, and what is held of it is heard: the file waits for the end of that.
    drop(scribe);
    studio.told_once(|all| all.iter().any(|r| matches!(r, LiveRecordingReport::Begun { .. })));
    log.ended(4, second.plus(40_000));
    let (recorded, aired) = studio.finished(1).remove(0);
    assert_eq!((recorded.frames, &recorded.end), (120 * 1_152, &RecordingEnd::Stopped));
    assert!(recorded.file.contains("/anna_"), "{}", recorded.file);
    assert_eq!(
        aired,
        [
            Aired { first, frames: 5_000, offset: 40_000 },
            Aired { first: second, frames: 40_000, offset: 90_000 },
        ]
    );
    assert!(studio.heard(&recorded).into_iter().eq(0..120 * 1_152), "every frame once");
    // An encoder that comes back is another file of the session; the limit takes the first.
    studio.set(Some(wish(1)));
    let mut again = studio.scribe();
    send(&mut again, 10);
    drop(again);
    let finished = studio.finished(2);
    assert_ne!(finished[0].0.file, finished[1].0.file);
    let removed = |report: &LiveRecordingReport| match report {
        LiveRecordingReport::Removed { file, .. } => *file == recorded.file,
        _ => false,
    };
    studio.told_once(|all| all.iter().any(removed));
    assert!(!studio.path(&recorded).exists() && studio.path(&finished[1].0).exists());
    let left = std::fs::read_dir(studio.dir.path()).expect("there").count();
    assert_eq!(left, 1, "no marker stays");
}

#[test]
fn nothing_is_written_unless_it_is_wished_and_a_wish_holds_for_who_is_connected() {
    let studio = Studio::new();
    let mut scribe = studio.scribe();
    send(&mut scribe, 20);
    assert!(!studio.dir.path().join("live-recordings").exists());
    studio.set(Some(wish(0)));
    send(&mut scribe, 30);
    studio.set(None);
    send(&mut scribe, 20);
    let (recorded, aired) = studio.finished(1).remove(0);
    assert_eq!(aired, []);
    let expected = 20 * 1_152..50 * 1_152;
    assert!(studio.heard(&recorded).into_iter().eq(expected), "{recorded:?}");
}

#[test]
fn a_queue_that_is_full_costs_a_gap_between_two_files_and_nobody_waits() {
    let studio = Studio::new();
    let mut scribe = studio.scribe();
    scribe.revision = studio.records.revision.load(Ordering::Acquire);
    let (tx, rx) = sync_channel(4);
    scribe.tx = Some(tx);
    // The encoder stands still: four of ten packets are kept.
    send(&mut scribe, 10);
    let log = scribe.aired();
    log.began(3, AirFrame(1_000_000), 2_000);
    let (records, aired) = (studio.records.clone(), log.clone());
    let (name, wish) = ("Anna".to_owned(), wish(0));
    let recording = Recording { records, session_id: SESSION, name, aired, wish };
    let thread = std::thread::spawn(move || recording.run(&rx));
    let tx = scribe.tx.clone().expect("set above");
    let late = || Piece { at: 10 * 1_152, frames: coded(10 * 1_152, PACKET) };
    studio.told_once(|_| tx.try_send(late()).is_ok());
    drop(tx);
    log.ended(3, AirFrame(1_100_000));
    drop(scribe);
    thread.join().expect("ends");
    let finished = studio.finished(2);
    let ends: Vec<_> = finished.iter().map(|(recorded, _)| recorded.end.clone()).collect();
    assert_eq!(ends, [RecordingEnd::Gap, RecordingEnd::Stopped]);
    assert!(studio.heard(&finished[0].0).into_iter().eq(0..4 * 1_152));
    assert!(studio.heard(&finished[1].0).into_iter().eq(10 * 1_152..11 * 1_152));
    let aired = |n: usize| finished[n].1[0];
    assert_eq!(
        aired(0),
        Aired { first: AirFrame(1_000_000), frames: 4 * 1_152 - 2_000, offset: 2_000 }
    );
    let later = AirFrame(1_000_000 + 10 * 1_152 - 2_000);
    assert_eq!(aired(1), Aired { first: later, frames: 1_152, offset: 0 });
}

#[test]
fn a_folder_that_is_away_is_told_once_and_is_written_to_when_it_is_back() {
    let studio = Studio::new();
    let folder = studio.dir.path().join("live-recordings");
    std::fs::write(&folder, "").expect("written");
    studio.set(Some(wish(0)));
    let mut scribe = studio.scribe();
    let failed = |report: &LiveRecordingReport| match report {
        LiveRecordingReport::Failed { reason } => !reason.is_empty(),
        _ => false,
    };
    let until = Instant::now() + Duration::from_secs(20);
    while !studio.reports.lock().expect("whole").iter().any(failed) {
        assert!(Instant::now() < until, "nothing is told");
        send(&mut scribe, 1);
        std::thread::yield_now();
    }
    std::fs::remove_file(&folder).expect("there");
    let begun = |report: &LiveRecordingReport| matches!(report, LiveRecordingReport::Begun { .. });
    let (mut sent, began_at) = (0, Instant::now());
    while !studio.reports.lock().expect("whole").iter().any(begun) {
        assert!(Instant::now() < until, "it does not go on");
        // Not more than the encoder takes, 48 times as fast as it comes on air: a full queue is
        // another matter.
        if scribe.tx.is_some() && sent < 2 * began_at.elapsed().as_millis() {
            send(&mut scribe, 1);
            sent += 1;
        }
        std::thread::yield_now();
    }
    drop(scribe);
    let told = studio.told_once(|all| !Reported(all.to_vec()).finished().is_empty());
    assert_eq!(told.0.iter().filter(|report| failed(report)).count(), 1, "{:?}", told.0);
    let finished = told.finished();
    let (recorded, _) = &finished[0];
    let heard = studio.heard(recorded);
    assert!(heard.windows(2).all(|pair| pair[1] == pair[0] + 1), "no gap inside");
    assert_eq!(heard.len() as i64, recorded.frames);
}

#[test]
fn what_cannot_be_written_for_the_same_reason_again_is_no_news() {
    let studio = Studio::new();
    let told = told_of(SESSION, &studio.records.tell);
    for (word, reason) in [
        (OutputHealth::Down, "full"),
        (OutputHealth::Down, "full"),
        (OutputHealth::Degraded, "slow"),
        (OutputHealth::Up, ""),
        (OutputHealth::Down, "slow"),
    ] {
        (told.health)(word, reason.into());
    }
    let failed = |reason: &str| LiveRecordingReport::Failed { reason: reason.into() };
    let reports = studio.reports.lock().expect("whole").clone();
    assert_eq!(reports, ["full", "slow", "slow"].map(failed));
}

#[test]
fn a_file_that_a_killed_run_left_open_is_closed_by_the_next_with_what_was_heard_of_it() {
    use super::super::take::Take;
    use std::io::Write;
    let studio = Studio::new();
    let before = EngineRunId([9; 16]);
    let place = Place::of_session(studio.dir.path(), before, SESSION, "Anna");
    let first = AirFrame(86_175_674_000_000);
    let (mut file, mut marker) = place.make(FLAC, first).expect("made");
    let label = Label { station: String::new(), output: String::new(), run: String::new(), first };
    let mut take = Take::begin(FLAC.format, 0, label).expect("begun");
    let piece = take.push(&coded(0, 96_000)).expect("encoded");
    file.write_all(&piece.bytes).expect("written");
    let heard = first.plus(24_000);
    marker.aired = vec![Aired { first: heard, frames: i64::MAX, offset: 9_600 }];
    place.mark(&marker).expect("marked");
    // The run that follows knows up to where the one before was heard.
    let lost = heard.plus(30_000);
    let dir = studio.dir.path();
    let tell = studio.records.tell.clone();
    let _next = Records::new(dir, (EngineRunId([2; 16]), lost), String::new, tell);
    let (recorded, aired) = studio.finished(1).remove(0);
    assert_eq!((&recorded.file, &recorded.end), (&marker.file, &RecordingEnd::EngineLost));
    assert_eq!(recorded.frames, piece.whole);
    assert_eq!(aired, [Aired { first: heard, frames: 30_000, offset: 9_600 }]);
    assert!(studio.heard(&recorded).into_iter().eq(0..piece.whole));
}

#[test]
fn files_go_when_another_is_complete_and_when_the_engine_starts_though_nobody_comes_back() {
    let studio = Studio::new();
    let removed = |all: &[LiveRecordingReport]| -> Vec<String> {
        let of = |report: &LiveRecordingReport| match report {
            LiveRecordingReport::Removed { file, .. } => Some(file.clone()),
            _ => None,
        };
        all.iter().filter_map(of).collect()
    };
    // As the third begins, the first two have room together; when it is complete, all have not.
    let record = |bytes: u64, packets: i64| {
        studio.set(Some(wish(bytes)));
        let mut scribe = studio.scribe();
        let count = studio.told_once(|_| true).finished().len();
        send(&mut scribe, packets);
        drop(scribe);
        studio.finished(count + 1).remove(count).0
    };
    let (first, second) = (record(0, 8), record(0, 8));
    let limit = first.bytes + second.bytes + 100;
    let third = record(limit, 8);
    let gone = studio.told_once(|all| !removed(all).is_empty());
    assert_eq!(removed(&gone.0), std::slice::from_ref(&first.file));
    assert!(!studio.path(&first).exists() && studio.path(&third).exists());
    // The next run finds one that is older than what is kept of its name.
    let place = Place::of_session(studio.dir.path(), EngineRunId([1; 16]), SESSION, "Anna");
    place.note(Limits { days: 1, bytes: 0 }).expect("noted");
    let old = studio.dir.path().join("live-recordings/2020-01-01/anna_20200101T000000Z.flac");
    std::fs::create_dir_all(old.parent().expect("a day")).expect("made");
    std::fs::write(&old, "old").expect("written");
    let (dir, tell) = (studio.dir.path(), studio.records.tell.clone());
    let _next = Records::new(dir, (EngineRunId([2; 16]), AirFrame(0)), String::new, tell);
    let gone = studio.told_once(|all| removed(all).len() == 2);
    assert_eq!(removed(&gone.0)[1], "2020-01-01/anna_20200101T000000Z.flac");
    assert!(!old.exists() && studio.path(&third).exists() && studio.path(&second).exists());
}
