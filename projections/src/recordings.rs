//! Files of recordings: which holds which frames of the programme, and what its hash is.

use crate::decoded::Place;
use crate::model::Model;
use crate::rows::RecordingRow;
use crate::words;
use grimnir_events::air::{AirEvent, AirFact};
use grimnir_events::output::OutputReport;
use grimnir_events::recording::RecordingReport;
use grimnir_events::{OutputId, UtcMicros};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A year of hours, and some; the ledger has them all.
const ROWS_MAX: usize = 10_000;

/// The files of one station, in the order in which they were begun.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Recordings {
    rows: VecDeque<RecordingRow>,
}

impl Recordings {
    /// Folds one report; the same again changes nothing but the position.
    pub fn apply(&mut self, seq: u64, output_id: OutputId, report: &RecordingReport) {
        match report {
            RecordingReport::Opened { file, encoding, first } => {
                let (closed, removed) = (None, None);
                let (file, encoding, first) = (file.clone(), *encoding, *first);
                let row = RecordingRow { seq, output_id, file, encoding, first, closed, removed };
                self.row(row).seq = seq;
            }
            RecordingReport::Closed(recorded) => {
                // The report of its beginning may have died with an engine.
                let row = self.row(RecordingRow {
                    seq,
                    output_id,
                    file: recorded.file.clone(),
                    encoding: recorded.encoding,
                    first: recorded.first,
                    closed: None,
                    removed: None,
                });
                (row.seq, row.closed) = (seq, Some(recorded.clone()));
            }
            RecordingReport::Removed { file, reason } => {
                let mut rows = self.rows.iter_mut().rev();
                if let Some(row) = rows.find(|r| r.output_id == output_id && r.file == *file) {
                    (row.seq, row.removed) = (seq, Some(*reason));
                }
            }
        }
        while self.rows.len() > ROWS_MAX {
            self.rows.pop_front();
        }
    }

    fn row(&mut self, new: RecordingRow) -> &mut RecordingRow {
        let same = |row: &RecordingRow| row.output_id == new.output_id && row.file == new.file;
        let at = self.rows.iter().rposition(same).unwrap_or_else(|| {
            self.rows.push_back(new);
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }

    /// Files that hold something of `from..to`; one that is written may reach as far as may be.
    pub fn between(&self, from: UtcMicros, to: UtcMicros) -> Vec<RecordingRow> {
        let touches = |row: &&RecordingRow| {
            let end = row.closed.as_ref().map(|closed| closed.first.plus(closed.frames).utc());
            row.first.utc() < to && end.is_none_or(|end| end > from)
        };
        let mut rows: Vec<_> = self.rows.iter().filter(touches).cloned().collect();
        rows.sort_by_key(|row| row.first);
        rows
    }
}

/// Folds one fact.
pub(crate) fn witnessed(model: &mut Model, place: &Place, fact: &AirFact) {
    if let AirEvent::OutputReported { output_id, report } = &fact.event
        && let OutputReport::Recording(report) = &**report
    {
        let recordings = model.recordings.entry(place.station()).or_default();
        recordings.apply(place.seq, *output_id, report);
    }
}

/// What an output has to tell.
pub(crate) fn told_of_output(output_id: OutputId, report: &OutputReport) -> (&'static str, String) {
    match report {
        OutputReport::Health { health, reason } => {
            let colon = if reason.is_empty() { "" } else { ": " };
            ("output", format!("{}: {output_id}{colon}{reason}", health.word()))
        }
        OutputReport::Recording(report) => ("recording", told(report)),
    }
}

/// In words, for the as-run log.
pub(crate) fn told(report: &RecordingReport) -> String {
    match report {
        RecordingReport::Opened { file, .. } => format!("begun: {file}"),
        RecordingReport::Closed(recorded) => {
            let (file, frames) = (&recorded.file, recorded.frames);
            let end = words::of(&recorded.end);
            format!("closed: {file}: {frames} frames, sha256 {}, {end}", recorded.hash)
        }
        RecordingReport::Removed { file, reason } => {
            format!("removed: {file}: {}", words::of(reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimnir_events::output::Encoding;
    use grimnir_events::recording::{Recorded, RecordingEnd, RemovalReason};
    use grimnir_events::station::MountFormat;
    use grimnir_events::{AirFrame, ContentHash};

    const OUTPUT: OutputId = OutputId([1; 16]);
    const ENCODING: Encoding = Encoding { format: MountFormat::Flac, bitrate_kbps: 0 };

    fn opened(hour: i64) -> RecordingReport {
        let (file, first) = (format!("{hour}.flac"), AirFrame(hour * 3_600 * 48_000));
        RecordingReport::Opened { file, encoding: ENCODING, first }
    }

    fn closed(hour: i64) -> RecordingReport {
        RecordingReport::Closed(Recorded {
            file: format!("{hour}.flac"),
            encoding: ENCODING,
            first: AirFrame(hour * 3_600 * 48_000),
            frames: 3_600 * 48_000,
            lead: 0,
            bytes: 9,
            hash: ContentHash([7; 32]),
            end: RecordingEnd::HourTurn,
        })
    }

    #[test]
    fn a_file_is_one_row_from_its_first_report_to_its_removal() {
        let mut recordings = Recordings::default();
        recordings.apply(1, OUTPUT, &opened(3));
        recordings.apply(2, OUTPUT, &closed(3));
        recordings.apply(3, OUTPUT, &opened(4));
        // Told by the next run alone, and told twice.
        recordings.apply(4, OUTPUT, &closed(2));
        let once = recordings.clone();
        recordings.apply(4, OUTPUT, &closed(2));
        assert_eq!(recordings, once);
        let hour = |n: i64| AirFrame(n * 3_600 * 48_000).utc();
        let names = |rows: Vec<RecordingRow>| -> Vec<String> {
            rows.into_iter().map(|row| row.file).collect()
        };
        assert_eq!(names(recordings.between(hour(0), hour(9))), ["2.flac", "3.flac", "4.flac"]);
        assert_eq!(names(recordings.between(hour(3), hour(4))), ["3.flac"]);
        assert_eq!(names(recordings.between(hour(8), hour(9))), ["4.flac"], "it still grows");
        let (file, reason) = ("2.flac".to_owned(), RemovalReason::Age);
        recordings.apply(5, OUTPUT, &RecordingReport::Removed { file, reason });
        let row = recordings.between(hour(2), hour(3)).remove(0);
        assert_eq!((row.seq, row.removed), (5, Some(RemovalReason::Age)));
        assert!(row.closed.is_some());
    }

    #[test]
    fn the_as_run_log_names_the_file_and_its_hash() {
        let line = told(&closed(3));
        assert!(line.contains("3.flac") && line.contains(&"07".repeat(32)), "{line}");
        assert!(line.ends_with("hour_turn"), "{line}");
    }
}
