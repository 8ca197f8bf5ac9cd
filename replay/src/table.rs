//! Answers for people: columns, times, lengths.

use crate::ReplayError;
use grimnir_events::UtcMicros;
use serde::Serialize;
use std::fmt::Write;

/// Longest text in a column; longer ones end in an ellipsis.
const TEXT_MAX: usize = 60;

/// A column of a table.
pub(crate) struct Column {
    /// Its heading.
    pub(crate) name: &'static str,
    /// Numbers stand to the right.
    pub(crate) right: bool,
}

/// A column of text.
pub(crate) const fn left(name: &'static str) -> Column {
    Column { name, right: false }
}
/// A column of numbers.
pub(crate) const fn right(name: &'static str) -> Column {
    Column { name, right: true }
}

/// Appends the rows under their headings, columns as wide as what is in them.
pub(crate) fn write(out: &mut String, columns: &[Column], rows: &[Vec<String>]) {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let head = columns.iter().map(|c| c.name.to_owned()).collect();
    let width = |n: usize| {
        let widest = rows.iter().filter_map(|row| row.get(n)).map(|c| c.chars().count()).max();
        widest.unwrap_or(0).max(columns[n].name.chars().count())
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    for row in std::iter::once(&head).chain(&rows) {
        let mut line = String::new();
        for ((cell, column), width) in row.iter().zip(columns).zip(&widths) {
            let pad = " ".repeat(width - cell.chars().count().min(*width));
            let (before, after) =
                if column.right { (pad, String::new()) } else { (String::new(), pad) };
            // Writing to a string cannot fail.
            let _ = write!(line, "{before}{cell}{after}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// One line of text: what would move a terminal's cursor is shown as a space.
fn plain(text: &str) -> String {
    let mut out: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_MAX + 1).collect();
    if out.chars().count() > TEXT_MAX {
        out = out.chars().take(TEXT_MAX - 1).collect();
        out.push('…');
    }
    out
}

/// A length as `m:ss.mmm` or `h:mm:ss.mmm`.
pub(crate) fn length(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let ms = (micros.unsigned_abs() + 500) / 1_000;
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{sign}{hours}:{minutes:02}:{seconds:02}.{ms:03}")
    } else {
        format!("{sign}{minutes}:{seconds:02}.{ms:03}")
    }
}

/// A deviation in seconds, with its sign.
pub(crate) fn deviation(micros: i64) -> String {
    let sign = if micros < 0 { '-' } else { '+' };
    let ms = (micros.unsigned_abs() + 500) / 1_000;
    format!("{sign}{}.{:03} s", ms / 1_000, ms % 1_000)
}

/// Local time of day with milliseconds; with the date where it is not `date`.
///
/// `local` is a text such as `2026-11-21T14:03:05.250000+01:00`.
pub(crate) fn time_of_day(local: &str, date: &str) -> String {
    let (day, rest) = local.split_at_checked(10).unwrap_or((local, ""));
    let time = rest.get(1..13).unwrap_or(rest);
    if day == date { time.to_owned() } else { format!("{day} {time}") }
}

/// One JSON document, with a line feed at its end.
pub(crate) fn json(answer: &impl Serialize) -> Result<String, ReplayError> {
    let mut text = serde_json::to_string_pretty(answer).map_err(ReplayError::write)?;
    text.push('\n');
    Ok(text)
}

/// A CSV document with a header line. Missing values are empty.
pub(crate) fn csv(header: &[&str], rows: &[Vec<String>]) -> Result<String, ReplayError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(ReplayError::write)?;
    for row in rows {
        writer.write_record(row).map_err(ReplayError::write)?;
    }
    let bytes = writer.into_inner().map_err(ReplayError::write)?;
    String::from_utf8(bytes).map_err(ReplayError::write)
}

/// The value as text; empty where there is none.
pub(crate) fn some(value: Option<impl std::fmt::Display>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

/// The word of a value that is written as one.
pub(crate) fn word(value: Option<impl Serialize>) -> String {
    value.map(|v| grimnir_projections::words::of(&v)).unwrap_or_default()
}

/// Length of the union of these spans within `from..to`.
pub(crate) fn covered(
    spans: impl Iterator<Item = (UtcMicros, UtcMicros)>,
    from: UtcMicros,
    to: UtcMicros,
) -> i64 {
    let clipped = spans.map(|(a, b)| (a.max(from), b.min(to)));
    let mut spans: Vec<_> = clipped.filter(|(a, b)| a < b).collect();
    spans.sort();
    let (mut sum, mut reached) = (0, from);
    for (a, b) in spans {
        sum += b.since(a.max(reached)).max(0);
        reached = reached.max(b);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_deviations_read_as_people_say_them() {
        assert_eq!(length(183_000_000), "3:03.000");
        assert_eq!(length(3_723_004_600), "1:02:03.005");
        assert_eq!(
            (deviation(345_000).as_str(), deviation(-1_000).as_str()),
            ("+0.345 s", "-0.001 s")
        );
        assert_eq!(time_of_day("2026-11-21T14:03:05.250999+01:00", "2026-11-21"), "14:03:05.250");
        assert_eq!(
            time_of_day("2026-11-20T23:59:59.999999+01:00", "2026-11-21"),
            "2026-11-20 23:59:59.999"
        );
    }

    #[test]
    fn overlapping_spans_count_once() {
        let at = |n| UtcMicros(n);
        let spans = [(at(-5), at(3)), (at(2), at(4)), (at(8), at(20)), (at(9), at(10))];
        assert_eq!(covered(spans.into_iter(), at(0), at(10)), 6);
    }

    #[test]
    fn a_title_cannot_break_the_table() {
        let mut out = String::new();
        let long = "x".repeat(100);
        write(&mut out, &[left("a"), right("b")], &[vec!["one\ntwo\u{1b}[2J".into(), long]]);
        assert_eq!(out.lines().count(), 2);
        assert!(out.contains("one two [2J"));
        assert!(out.trim_end().ends_with('…'));
    }
}
