//! What aired in an hour of a station's own time.

use crate::air::Air;
use crate::entry::Entry;
use crate::local_time::{Span, Zone};
use crate::source::{Basis, Source, StationName};
use crate::table::{self, left, right};
use crate::{Format, ReplayError};
use grimnir_events::UtcMicros;
use grimnir_events::ladder::Tier;
use grimnir_projections::rows::AsRunRow;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// What aired in an hour.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AsRunAnswer {
    /// What it was computed from.
    pub basis: Basis,
    /// The station.
    pub station: StationName,
    /// The hour: one, or two where the clocks were set back and no offset was given.
    pub hours: Vec<HourAnswer>,
}

/// One hour.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct HourAnswer {
    /// Its first instant in the station's own time.
    pub hour: String,
    /// Its first instant.
    pub from: UtcMicros,
    /// The instant after its last.
    pub to: UtcMicros,
    /// Everything in it is known; else only what is before `known_until`.
    pub complete: bool,
    /// The station's last fact, where it is within the hour; `None` where nothing is known.
    pub known_until: Option<UtcMicros>,
    /// What touches the hour, by start on air.
    pub entries: Vec<Entry>,
    /// Sums over the hour.
    pub totals: Totals,
}

/// Sums over an hour; only what lies within it counts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Totals {
    /// Plays that touch it.
    pub items: u64,
    /// Lines that were dropped.
    pub dropped: u64,
    /// Lines that were moved.
    pub moved: u64,
    /// Time with at least one item on air.
    pub on_air_us: i64,
    /// Time in which nothing was heard, with an event that says so.
    pub interrupted_us: i64,
    /// Time of digital silence.
    pub silence_us: i64,
    /// Time in which the mix stood still.
    pub stalled_us: i64,
    /// Time of which nothing is known, up to the station's last fact.
    pub unaccounted_us: i64,
    /// Plays and time of each tier.
    pub tiers: Vec<TierTotal>,
}

/// One tier's share.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TierTotal {
    /// The tier.
    pub tier: Tier,
    /// Its plays.
    pub items: u64,
    /// Time with at least one of them on air.
    pub on_air_us: i64,
}

/// What aired on a station (id, slug or name) in an hour of its own time, e.g. `2026-11-21T14`
/// or, for one of a doubled hour, `2026-10-25T02+01:00`; `2026-11-21T13Z` is an hour of UTC.
pub fn as_run(
    dir: &Path,
    station: &str,
    hour: &str,
    format: Format,
) -> Result<String, ReplayError> {
    let answer = as_run_answer(dir, station, hour, None)?;
    match format {
        Format::Table => Ok(text(&answer)),
        Format::Json => table::json(&answer),
        Format::Csv => csv(&answer),
    }
}

/// The same as data; with `position`, as if nothing had been recorded after it.
pub fn as_run_answer(
    dir: &Path,
    station: &str,
    hour: &str,
    position: Option<u64>,
) -> Result<AsRunAnswer, ReplayError> {
    let source = Source::open(dir, position)?;
    let station = source.station(station)?;
    let zone = Zone::named(&station.time_zone)?;
    let spans = zone.hour(hour)?;
    let mut hours = Vec::new();
    for span in spans {
        let air = Air::read(&source, station.id, span.from, span.to, 0)?;
        hours.push(answer(&air, span, &zone));
    }
    Ok(AsRunAnswer { basis: source.basis, station, hours })
}

fn answer(air: &Air, span: Span, zone: &Zone) -> HourAnswer {
    let Span { from, to, .. } = span;
    let until = air.until.filter(|until| *until > from).map(|until| until.min(to));
    let rows = air.as_run.between(from, to);
    HourAnswer {
        hour: zone.text(from),
        from,
        to,
        complete: until == Some(to),
        known_until: until,
        entries: rows.iter().map(|row| Entry::of(row, zone)).collect(),
        totals: totals(
            &rows,
            air.first.map_or(from, |first| first.max(from)),
            until.unwrap_or(from),
        ),
    }
}

fn totals(rows: &[AsRunRow], from: UtcMicros, to: UtcMicros) -> Totals {
    let count = |entry: &str| rows.iter().filter(|r| r.entry == entry).count() as u64;
    let span = |row: &AsRunRow| (row.started_at, row.ended_at.unwrap_or(to));
    let covered = |of: &dyn Fn(&AsRunRow) -> bool| {
        table::covered(rows.iter().filter(|r| of(r)).map(span), from, to)
    };
    let tier = |tier: Tier| {
        let of = |row: &AsRunRow| row.entry == "item" && row.tier == Some(tier);
        let items = rows.iter().filter(|r| of(r)).count() as u64;
        TierTotal { tier, items, on_air_us: covered(&of) }
    };
    let accounted = |row: &AsRunRow| {
        ["item", "interrupted", "silence", "stalled"].contains(&row.entry.as_str())
    };
    Totals {
        items: count("item"),
        dropped: count("dropped"),
        moved: count("moved"),
        on_air_us: covered(&|r| r.entry == "item"),
        interrupted_us: covered(&|r| r.entry == "interrupted"),
        silence_us: covered(&|r| r.entry == "silence"),
        stalled_us: covered(&|r| r.entry == "stalled"),
        unaccounted_us: (to.since(from) - covered(&accounted)).max(0),
        tiers: Tier::ALL.into_iter().map(tier).filter(|t| t.items > 0).collect(),
    }
}

fn text(answer: &AsRunAnswer) -> String {
    let AsRunAnswer { basis, station, hours } = answer;
    let mut out = String::new();
    let _ = writeln!(out, "as-run of {} ({}, {})", station.name, station.slug, station.id);
    let _ = writeln!(out, "ledger {} at position {}", basis.log_id, basis.position);
    for hour in hours {
        let _ = writeln!(out, "\nhour {} of {}", hour.hour, station.time_zone);
        match hour.known_until {
            None => out.push_str("nothing is known of this hour\n"),
            Some(until) if !hour.complete => {
                let _ = writeln!(out, "known until {until}");
            }
            Some(_) => {}
        }
        if !hour.entries.is_empty() {
            out.push('\n');
            write_entries(&mut out, &hour.entries, &hour.hour[..10]);
        }
        out.push('\n');
        write_totals(&mut out, &hour.totals);
    }
    out
}

/// Appends entries as a table; `date` is left out of their times.
pub(crate) fn write_entries(out: &mut String, entries: &[Entry], date: &str) {
    let columns = [
        left("start"),
        right("length"),
        left("entry"),
        left("tier"),
        left("title"),
        left("artist"),
        right("deviation"),
        left("reason"),
    ];
    let row = |entry: &Entry| {
        let length = match entry.length_us {
            None => "on air".to_owned(),
            Some(0) if entry.entry != "item" => String::new(),
            Some(us) => format!("{}{}", if entry.inferred { "~" } else { "" }, table::length(us)),
        };
        vec![
            table::time_of_day(&entry.started_local, date),
            length,
            entry.entry.clone(),
            table::word(entry.tier),
            entry.title.clone(),
            entry.artist.clone(),
            entry.deviation_us.map(table::deviation).unwrap_or_default(),
            format!("{}{}", entry.reason, if entry.inferred { " (inferred)" } else { "" }),
        ]
    };
    table::write(out, &columns, &entries.iter().map(row).collect::<Vec<_>>());
}

fn write_totals(out: &mut String, totals: &Totals) {
    let Totals { items, dropped, moved, .. } = totals;
    let _ = writeln!(
        out,
        "total: {items} items on air for {}; {dropped} dropped, {moved} moved",
        table::length(totals.on_air_us)
    );
    for tier in &totals.tiers {
        let (word, length) = (table::word(Some(tier.tier)), table::length(tier.on_air_us));
        let _ = writeln!(out, "  {word}: {} items, {length}", tier.items);
    }
    let others = [
        ("interrupted", totals.interrupted_us),
        ("silence", totals.silence_us),
        ("stalled", totals.stalled_us),
        ("unaccounted for", totals.unaccounted_us),
    ];
    for (name, us) in others.into_iter().filter(|(_, us)| *us > 0) {
        let _ = writeln!(out, "  {name}: {}", table::length(us));
    }
}

const CSV_HEADER: [&str; 23] = [
    "hour",
    "started_at",
    "started_local",
    "ended_at",
    "frames",
    "length_us",
    "entry",
    "tier",
    "title",
    "artist",
    "kind",
    "planned_at",
    "deviation_us",
    "reason",
    "inferred",
    "claim_id",
    "line_id",
    "media_id",
    "play_hash",
    "run",
    "play",
    "seq",
    "basis",
];

/// One line per entry, and one `total` line per hour.
fn csv(answer: &AsRunAnswer) -> Result<String, ReplayError> {
    let basis = format!("{}@{}", answer.basis.log_id, answer.basis.position);
    let mut rows = Vec::new();
    for hour in &answer.hours {
        rows.extend(hour.entries.iter().map(|entry| csv_entry(hour, entry, &basis)));
        rows.push(csv_total(hour, &basis));
    }
    table::csv(&CSV_HEADER, &rows)
}

fn csv_entry(hour: &HourAnswer, e: &Entry, basis: &str) -> Vec<String> {
    vec![
        hour.hour.clone(),
        e.started_at.to_string(),
        e.started_local.clone(),
        table::some(e.ended_at),
        table::some(e.frames),
        table::some(e.length_us),
        e.entry.clone(),
        table::word(e.tier),
        e.title.clone(),
        e.artist.clone(),
        table::word(e.kind),
        table::some(e.planned_at),
        table::some(e.deviation_us),
        e.reason.clone(),
        e.inferred.to_string(),
        table::some(e.claim_id),
        table::some(e.line_id),
        table::some(e.media_id),
        table::some(e.play_hash),
        e.run.to_string(),
        e.play.to_string(),
        e.seq.to_string(),
        basis.to_owned(),
    ]
}

fn csv_total(hour: &HourAnswer, basis: &str) -> Vec<String> {
    let Totals { items, dropped, moved, .. } = hour.totals;
    let mut row = vec![String::new(); CSV_HEADER.len()];
    row[0].clone_from(&hour.hour);
    row[3] = table::some(hour.known_until);
    row[5] = hour.totals.on_air_us.to_string();
    row[6] = "total".to_owned();
    row[13] = format!("items {items}, dropped {dropped}, moved {moved}");
    row[22] = basis.to_owned();
    row
}
