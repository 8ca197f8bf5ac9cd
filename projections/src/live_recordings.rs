//! Files of live sessions: what each source sent, and which of it was on air.

use crate::decoded::Place;
use crate::model::Model;
use crate::rows::LiveRecordingRow;
use crate::words;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::live::LiveAirEvent;
use grimnir_events::live_recording::LiveRecordingReport;
use grimnir_events::{ContentHash, LiveSessionId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Dozens a day for half a year; the ledger has them all.
const ROWS_MAX: usize = 5_000;

/// The files of one station, in the order in which they were begun.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct LiveRecordings {
    rows: VecDeque<LiveRecordingRow>,
}

impl LiveRecordings {
    /// Folds one report; the same again changes nothing but the position.
    pub fn apply(&mut self, seq: u64, session_id: LiveSessionId, report: &LiveRecordingReport) {
        match report {
            LiveRecordingReport::Begun { file, encoding, first } => {
                let (encoding, first, file) = (*encoding, *first, file.clone());
                let row = LiveRecordingRow::begun(seq, session_id, file, encoding, first);
                self.row(row).seq = seq;
            }
            LiveRecordingReport::Finished { recorded, aired } => {
                // The report of its beginning may have died with an engine.
                let (encoding, first) = (recorded.encoding, recorded.first);
                let file = recorded.file.clone();
                let row = LiveRecordingRow::begun(seq, session_id, file, encoding, first);
                let row = self.row(row);
                (row.seq, row.closed) = (seq, Some(recorded.clone()));
                row.aired.clone_from(aired);
            }
            // Told by whichever session of the name began a file.
            LiveRecordingReport::Removed { file, reason } => {
                let mut rows = self.rows.iter_mut().rev();
                if let Some(row) = rows.find(|row| row.file == *file) {
                    (row.seq, row.removed) = (seq, Some(*reason));
                }
            }
            LiveRecordingReport::Failed { .. } => {}
        }
        while self.rows.len() > ROWS_MAX {
            self.rows.pop_front();
        }
    }

    fn row(&mut self, new: LiveRecordingRow) -> &mut LiveRecordingRow {
        let same = |row: &LiveRecordingRow| row.file == new.file && row.removed.is_none();
        let at = self.rows.iter().rposition(same).unwrap_or_else(|| {
            self.rows.push_back(new);
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }

    /// Files that hold something of `from..to`; one that is written may reach as far as may be.
    pub fn between(&self, from: UtcMicros, to: UtcMicros) -> Vec<LiveRecordingRow> {
        let touches = |row: &&LiveRecordingRow| {
            let end = row.closed.as_ref().map(|closed| closed.first.plus(closed.frames).utc());
            row.first.utc() < to && end.is_none_or(|end| end > from)
        };
        let mut rows: Vec<_> = self.rows.iter().filter(touches).cloned().collect();
        rows.sort_by_key(|row| row.first);
        rows
    }

    /// The complete file with these bytes that is there.
    pub fn of_hash(&self, hash: ContentHash) -> Option<LiveRecordingRow> {
        let is = |row: &&LiveRecordingRow| {
            row.removed.is_none() && row.closed.as_ref().is_some_and(|closed| closed.hash == hash)
        };
        self.rows.iter().rev().find(is).cloned()
    }
}

/// Folds one fact.
pub(crate) fn witnessed(model: &mut Model, place: &Place, fact: &AirFact) {
    if let AirEvent::Live(event) = &fact.event
        && let LiveAirEvent::Recording { session_id, report } = &**event
    {
        let recordings = model.live_recordings.entry(place.station()).or_default();
        recordings.apply(place.seq, *session_id, report);
    }
}

/// In words, for the as-run log.
pub(crate) fn told(session_id: LiveSessionId, report: &LiveRecordingReport) -> String {
    match report {
        LiveRecordingReport::Begun { file, .. } => format!("recording: {session_id}: {file}"),
        LiveRecordingReport::Finished { recorded, aired } => {
            let (file, frames, hash) = (&recorded.file, recorded.frames, recorded.hash);
            let on_air: i64 = aired.iter().map(|aired| aired.frames).sum();
            let end = words::of(&recorded.end);
            format!(
                "recorded: {session_id}: {file}: {frames} frames, {on_air} on air, \
                 sha256 {hash}, {end}"
            )
        }
        LiveRecordingReport::Removed { file, reason } => {
            format!("recording_removed: {session_id}: {file}: {}", words::of(reason))
        }
        LiveRecordingReport::Failed { reason } => {
            format!("recording_failed: {session_id}: {reason}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::AirFrame;
    use grimnir_events::live_recording::Aired;
    use grimnir_events::output::Encoding;
    use grimnir_events::recording::{Recorded, RecordingEnd, RemovalReason};
    use grimnir_events::station::MountFormat;

    const SESSION: LiveSessionId = LiveSessionId([1; 16]);
    const ENCODING: Encoding = Encoding { format: MountFormat::Flac, bitrate_kbps: 0 };

    fn begun(second: i64) -> LiveRecordingReport {
        let (file, first) = (format!("{second}.flac"), AirFrame(second * 48_000));
        LiveRecordingReport::Begun { file, encoding: ENCODING, first }
    }

    fn finished(second: i64) -> LiveRecordingReport {
        let recorded = Recorded {
            file: format!("{second}.flac"),
            encoding: ENCODING,
            first: AirFrame(second * 48_000),
            frames: 96_000,
            lead: 0,
            bytes: 9,
            hash: ContentHash([second as u8; 32]),
            end: RecordingEnd::Stopped,
        };
        let first = recorded.first.plus(48_000);
        let aired = vec![Aired { first, frames: 30_000, offset: 48_000 }];
        LiveRecordingReport::Finished { recorded, aired }
    }

    #[test]
    fn a_file_is_one_row_found_by_its_time_and_its_hash_until_it_is_removed() {
        let mut all = LiveRecordings::default();
        all.apply(1, SESSION, &begun(10));
        all.apply(2, SESSION, &finished(10));
        all.apply(3, SESSION, &begun(20));
        // Told by the next run alone, and told twice.
        all.apply(4, SESSION, &finished(5));
        let once = all.clone();
        all.apply(4, SESSION, &finished(5));
        assert_eq!(all, once);
        let at = |second: i64| AirFrame(second * 48_000).utc();
        let names = |rows: Vec<LiveRecordingRow>| -> Vec<String> {
            rows.into_iter().map(|row| row.file).collect()
        };
        assert_eq!(names(all.between(at(0), at(99))), ["5.flac", "10.flac", "20.flac"]);
        assert_eq!(names(all.between(at(11), at(12))), ["10.flac"]);
        assert_eq!(names(all.between(at(50), at(99))), ["20.flac"], "it still grows");
        let found = all.of_hash(ContentHash([10; 32])).expect("there");
        assert_eq!((found.seq, found.aired[0].offset), (2, 48_000));
        assert!(all.of_hash(ContentHash([20; 32])).is_none(), "it has no hash yet");
        let (file, reason) = ("10.flac".to_owned(), RemovalReason::Age);
        all.apply(5, SESSION, &LiveRecordingReport::Removed { file, reason });
        assert!(all.of_hash(ContentHash([10; 32])).is_none());
        assert_eq!(all.between(at(10), at(11))[0].removed, Some(RemovalReason::Age));
    }

    #[test]
    fn the_as_run_log_names_the_file_its_hash_and_how_much_of_it_was_heard() {
        let line = told(SESSION, &finished(7));
        assert!(line.contains("7.flac: 96000 frames, 30000 on air"), "{line}");
        assert!(line.contains(&"07".repeat(32)) && line.ends_with("stopped"), "{line}");
    }
}
