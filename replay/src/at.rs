//! What was on air at an instant, who owned the air, and what was reported last before it.

use crate::air::Air;
use crate::as_run::write_entries;
use crate::entry::Entry;
use crate::local_time::Zone;
use crate::source::{Basis, Source, StationName};
use crate::table::{self, left};
use crate::{Format, ReplayError};
use grimnir_events::ladder::Tier;
use grimnir_events::units::micros_of_frames;
use grimnir_events::{ClaimId, ContentHash, LineId, MediaId, UtcMicros};
use grimnir_projections::rows::{AsRunRow, ClaimRow};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// Entries shown before the instant.
const BEFORE: usize = 5;
/// Entries kept before it: owners change less often than items.
const KEEP: usize = 512;

/// What was on air at a time.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AtAnswer {
    /// What it was computed from.
    pub basis: Basis,
    /// The station.
    pub station: StationName,
    /// The instant: one, or two where the clocks were set back and no offset was given.
    pub instants: Vec<InstantAnswer>,
}

/// One instant.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct InstantAnswer {
    /// The instant.
    pub at: UtcMicros,
    /// The same in the station's own time.
    pub local: String,
    /// The ledger says what was on air; else `note` says why not.
    pub known: bool,
    /// What there is to say beside the lists.
    pub note: String,
    /// What was heard: more than one item in a crossfade, none in silence or off air.
    pub on_air: Vec<OnAir>,
    /// Who owned the air.
    pub owner: Option<Owner>,
    /// Interruptions, silences and stalls that hold the instant.
    pub spans: Vec<Entry>,
    /// Claims that were raised and not released, highest tier first.
    pub claims: Vec<ClaimRow>,
    /// The last entries that began at or before the instant, newest last.
    pub before: Vec<Entry>,
}

/// One item on air.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct OnAir {
    /// Its tier.
    pub tier: Option<Tier>,
    /// Title.
    pub title: String,
    /// Artist.
    pub artist: String,
    /// The item.
    pub media_id: Option<MediaId>,
    /// SHA-256 of the bytes that played.
    pub play_hash: Option<ContentHash>,
    /// The timeline's line.
    pub line_id: Option<LineId>,
    /// The claim.
    pub claim_id: Option<ClaimId>,
    /// First frame on air.
    pub started_at: UtcMicros,
    /// Frame after the last; `None` where its end is not in the ledger.
    pub ended_at: Option<UtcMicros>,
    /// How far into its airtime it was.
    pub position_us: i64,
    /// Its end was inferred, or it is only expected to have been on air still.
    pub inferred: bool,
    /// Ledger position of the fact that began it.
    pub seq: u64,
}

/// Who owned the air.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Owner {
    /// The claim.
    pub claim_id: ClaimId,
    /// Its tier.
    pub tier: Option<Tier>,
    /// Since when.
    pub since: UtcMicros,
    /// Why it took over; empty where no change of owner was reported before.
    pub reason: String,
}

/// What was on air on a station (id, slug or name) at a time: RFC 3339, or the station's own time
/// without an offset.
pub fn at(dir: &Path, station: &str, time: &str, format: Format) -> Result<String, ReplayError> {
    let answer = at_answer(dir, station, time, None)?;
    match format {
        Format::Table => Ok(text(&answer)),
        Format::Json => table::json(&answer),
        Format::Csv => csv(&answer),
    }
}

/// The same as data; with `position`, as if nothing had been recorded after it.
pub fn at_answer(
    dir: &Path,
    station: &str,
    time: &str,
    position: Option<u64>,
) -> Result<AtAnswer, ReplayError> {
    let source = Source::open(dir, position)?;
    let station = source.station(station)?;
    let zone = Zone::named(&station.time_zone)?;
    let mut instants = Vec::new();
    for instant in zone.instants(time)? {
        // The span of the one microsecond: an item that starts on it is on air.
        let air = Air::read(&source, station.id, instant, instant.plus(1), KEEP)?;
        instants.push(answer(&air, instant, &zone));
    }
    Ok(AtAnswer { basis: source.basis, station, instants })
}

fn answer(air: &Air, at: UtcMicros, zone: &Zone) -> InstantAnswer {
    let begun: Vec<&AsRunRow> = air.as_run.rows().filter(|row| row.started_at <= at).collect();
    let holds = |row: &&&AsRunRow| row.ended_at.is_none_or(|end| end > at);
    let is_span = |row: &&&AsRunRow| ["interrupted", "silence", "stalled"].contains(&&*row.entry);
    let after = air.until.is_none_or(|until| until < at);
    let items = begun.iter().filter(|row| row.entry == "item").filter(holds);
    // After the last fact an item is expected to go on to its end, and not beyond.
    let items = items.filter(|row| row.ended_at.is_some() || !after || expected_end(row) > at);
    let on_air: Vec<OnAir> = items.map(|row| on_air(row, at, after)).collect();
    let spans = begun.iter().filter(is_span).filter(holds).map(|row| Entry::of(row, zone));
    let mut before: Vec<&AsRunRow> = begun.clone();
    before.sort_by_key(|row| row.started_at);
    let last = before.split_off(before.len().saturating_sub(BEFORE));
    let (known, note) = note(air, at, &on_air, after);
    InstantAnswer {
        at,
        local: zone.text(at),
        known,
        note,
        owner: owner(&begun, &on_air),
        on_air,
        spans: spans.collect(),
        claims: air.ladder.rows(),
        before: last.into_iter().map(|row| Entry::of(row, zone)).collect(),
    }
}

fn expected_end(row: &AsRunRow) -> UtcMicros {
    row.started_at.plus(micros_of_frames(row.expected_frames.unwrap_or(0)))
}

fn on_air(row: &AsRunRow, at: UtcMicros, after: bool) -> OnAir {
    OnAir {
        tier: row.tier,
        title: row.title.clone(),
        artist: row.artist.clone(),
        media_id: row.media_id,
        play_hash: row.play_hash,
        line_id: row.line_id,
        claim_id: row.claim_id,
        started_at: row.started_at,
        ended_at: row.ended_at,
        position_us: at.since(row.started_at),
        inferred: row.inferred || (row.ended_at.is_none() && after),
        seq: row.seq,
    }
}

fn owner(begun: &[&AsRunRow], on_air: &[OnAir]) -> Option<Owner> {
    let changed = begun.iter().rev().find(|row| row.entry == "owner").and_then(|row| {
        let (tier, since, reason) = (row.tier, row.started_at, row.reason.clone());
        Some(Owner { claim_id: row.claim_id?, tier, since, reason })
    });
    let heard = || {
        let best = on_air.iter().min_by_key(|item| item.tier.map(Tier::number))?;
        let (tier, since) = (best.tier, best.started_at);
        Some(Owner { claim_id: best.claim_id?, tier, since, reason: String::new() })
    };
    changed.or_else(heard)
}

fn note(air: &Air, at: UtcMicros, on_air: &[OnAir], after: bool) -> (bool, String) {
    let (Some(first), Some(until)) = (air.first, air.until) else {
        return (false, "nothing known: no engine ever reported for this station".to_owned());
    };
    if at < first {
        return (false, format!("nothing known: the station's first fact is of {first}"));
    }
    if after && on_air.is_empty() {
        return (false, format!("nothing known: the station's last fact is of {until}"));
    }
    if after {
        let note = format!("expected by what started before: the last fact is of {until}");
        return (true, note);
    }
    (true, if on_air.is_empty() { "nothing was on air".to_owned() } else { String::new() })
}

fn text(answer: &AtAnswer) -> String {
    let AtAnswer { basis, station, instants } = answer;
    let mut out = String::new();
    let _ = writeln!(out, "state of {} ({}, {})", station.name, station.slug, station.id);
    let _ = writeln!(out, "ledger {} at position {}", basis.log_id, basis.position);
    for instant in instants {
        write_instant(&mut out, instant, &station.time_zone);
    }
    out
}

fn write_instant(out: &mut String, instant: &InstantAnswer, zone: &str) {
    let _ = writeln!(out, "\nat {} of {zone}", instant.local);
    if !instant.note.is_empty() {
        let _ = writeln!(out, "{}", instant.note);
    }
    let date = &instant.local[..10];
    if !instant.on_air.is_empty() {
        out.push_str("\non air\n");
        let columns =
            [left("into"), left("tier"), left("title"), left("artist"), left("line"), left("hash")];
        let row = |item: &OnAir| {
            let mark = if item.inferred { "~" } else { "" };
            vec![
                format!("{mark}{}", table::length(item.position_us)),
                table::word(item.tier),
                item.title.clone(),
                item.artist.clone(),
                table::some(item.line_id),
                table::some(item.play_hash).chars().take(16).collect(),
            ]
        };
        table::write(out, &columns, &instant.on_air.iter().map(row).collect::<Vec<_>>());
    }
    if let Some(owner) = &instant.owner {
        let (claim, tier) = (owner.claim_id, table::word(owner.tier));
        let _ = writeln!(out, "\nowner {claim}, {tier}, since {} {}", owner.since, owner.reason);
    }
    for claim in &instant.claims {
        let (id, tier) = (claim.claim.id, table::word(Some(claim.claim.tier)));
        let failed = if claim.failed { ", failed" } else { "" };
        let label = claim.claim.label.replace(char::is_control, " ");
        let _ = writeln!(out, "claim {id}, {tier}, \"{label}\"{failed}");
    }
    for (title, entries) in [("holds", &instant.spans), ("last before", &instant.before)] {
        if !entries.is_empty() {
            let _ = writeln!(out, "\n{title}");
            write_entries(out, entries, date);
        }
    }
}

const CSV_HEADER: [&str; 15] = [
    "at",
    "local",
    "known",
    "note",
    "tier",
    "title",
    "artist",
    "media_id",
    "play_hash",
    "line_id",
    "claim_id",
    "started_at",
    "position_us",
    "inferred",
    "basis",
];

/// One line per item on air; one with no item where there is none.
fn csv(answer: &AtAnswer) -> Result<String, ReplayError> {
    let basis = format!("{}@{}", answer.basis.log_id, answer.basis.position);
    let mut rows = Vec::new();
    for instant in &answer.instants {
        let head = [
            instant.at.to_string(),
            instant.local.clone(),
            instant.known.to_string(),
            instant.note.clone(),
        ];
        let line =
            |item: [String; 10]| head.iter().cloned().chain(item).chain([basis.clone()]).collect();
        if instant.on_air.is_empty() {
            rows.push(line(Default::default()));
        }
        rows.extend(instant.on_air.iter().map(|item| {
            line([
                table::word(item.tier),
                item.title.clone(),
                item.artist.clone(),
                table::some(item.media_id),
                table::some(item.play_hash),
                table::some(item.line_id),
                table::some(item.claim_id),
                item.started_at.to_string(),
                item.position_us.to_string(),
                item.inferred.to_string(),
            ])
        }));
    }
    table::csv(&CSV_HEADER, &rows)
}
