//! What of recordings goes, and when: those of live sessions also while nobody records.
//!
//! A note for each name, beside its files, says how much is kept of them. Not here: which files
//! are too many (`rotate`).

use super::keeper::{Limits, Told};
use super::place::Place;
use super::rotate::{self, Kept};
use grimnir_events::recording::{RecordingReport, RemovalReason};
use grimnir_events::{AirFrame, EngineRunId, LiveSessionId};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Files of live sessions are looked at this often, and whenever one is complete.
pub const EVERY: Duration = Duration::from_secs(3_600);

/// Removes what is over the limits as a file begins that is written on from now on.
pub fn as_one_begins(place: &Place, limits: Limits, now: AirFrame, told: &Told) {
    if limits.any() {
        let gone = rotate::to_remove(place.kept(), now, limits.days, limits.bytes);
        remove(place, gone, told);
    }
}

/// Removes what is over the limits of any name of live sessions. The newest of a name goes by its
/// age alone: a session is not lost for its own length.
pub fn live(engine: &Path, run: EngineRunId, now: AirFrame, told: impl Fn(LiveSessionId) -> Told) {
    for (session_id, place, limits) in Place::noted(engine, run) {
        let mut files = place.kept();
        files.sort();
        let Some(newest) = files.pop().filter(|_| limits.any()) else { continue };
        let left = match limits.bytes {
            0 => 0,
            bytes => bytes.saturating_sub(newest.bytes).max(1),
        };
        let mut gone = rotate::to_remove(files, now, limits.days, left);
        gone.extend(rotate::to_remove(vec![newest], now, limits.days, 0));
        remove(&place, gone, &told(session_id));
    }
}

fn remove(place: &Place, gone: Vec<(Kept, RemovalReason)>, told: &Told) {
    for (Kept { file, .. }, reason) in gone {
        match place.remove(&file) {
            Ok(()) => (told.files)(RecordingReport::Removed { file, reason }, Vec::new()),
            // Somebody else was quicker, and told.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(file, %error, "a recording cannot be removed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::UtcMicros;
    use std::sync::{Arc, Mutex};

    const RUN: EngineRunId = EngineRunId([1; 16]);
    const DAY: i64 = 24 * 3_600 * 1_000_000;

    /// A file of ten bytes that began so many days after the first of all.
    fn file(root: &Path, name: &str, day: i64) -> String {
        let at = UtcMicros(1_795_269_600_000_000 + day * DAY);
        let shown = jiff::Timestamp::from_microsecond(at.0).expect("a time");
        let (day, second) = (shown.strftime("%Y-%m-%d"), shown.strftime("%Y%m%dT%H%M%SZ"));
        let file = format!("{day}/{name}_{second}.flac");
        std::fs::create_dir_all(root.join(day.to_string())).expect("made");
        std::fs::write(root.join(&file), [0; 10]).expect("written");
        file
    }

    #[test]
    fn what_is_too_old_or_too_much_goes_while_nobody_records() {
        let dir = tempfile::tempdir().expect("dir");
        let root = dir.path().join("live-recordings");
        let (anna, bert, carl) =
            (LiveSessionId([1; 16]), LiveSessionId([2; 16]), LiveSessionId([3; 16]));
        for (id, name, days, bytes) in [
            (anna, "Anna", 0, 5),
            (anna, "Anna", 3, 0),
            (bert, "Bert", 0, 15),
            (carl, "Carl", 0, 0),
        ] {
            let place = Place::of_session(dir.path(), RUN, id, name);
            place.note(Limits { days, bytes }).expect("noted");
        }
        let files = |name| [0, 2, 4].map(|day| file(&root, name, day));
        let ([a, b, c], [d, e, f], [g, h, i]) = (files("anna"), files("bert"), files("carl"));
        let gone = Arc::new(Mutex::new(Vec::new()));
        let tidy = |day: i64| {
            let now = UtcMicros(1_795_269_600_000_001 + day * DAY).frame();
            live(dir.path(), RUN, now, |id| {
                let gone = gone.clone();
                let files = move |report, _| match report {
                    RecordingReport::Removed { file, reason } => {
                        gone.lock().expect("whole").push((id, file, reason));
                    }
                    other => panic!("{other:?}"),
                };
                Told { health: Arc::new(|_, _| {}), files: Arc::new(files) }
            });
            std::mem::take(&mut *gone.lock().expect("whole"))
        };
        use RemovalReason::{Age, Size};
        let (by_age, by_size) =
            (|f: &String| (anna, f.clone(), Age), |f: &String| (bert, f.clone(), Size));
        assert_eq!(
            tidy(4),
            [by_age(&a), by_size(&d), by_size(&e)],
            "by the last word on each name"
        );
        assert_eq!(tidy(4), [], "what is gone is gone");
        let left = |files: &[&String]| files.iter().all(|file| root.join(file).exists());
        assert!(left(&[&b, &c, &f, &g, &h, &i]) && !left(&[&a]) && !left(&[&d]) && !left(&[&e]));
        assert_eq!(tidy(100), [by_age(&b), by_age(&c)], "the newest goes by its age alone");
        assert!(left(&[&f, &g, &h, &i]), "what has no limit stays");
    }
}
