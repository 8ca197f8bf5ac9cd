//! How far apart alike lines are, how many of a kind there are, and the performance complement.

use super::{Severity, Stood, Violation};
use crate::planner::PlanInputs;
use crate::planner::hours::{hour_of, ruling_clock, slots_in};
use crate::planner::v2::text::{each_artist, normal};
use grimnir_events::details::MediaDetails;
use grimnir_events::library::{ItemKind, MediaItem};
use grimnir_events::smart_block::{Field, Quota};
use grimnir_events::timeline::{HourPlan, SlotSource};
use grimnir_events::{MediaId, UtcMicros};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

const SECOND_US: i64 = 1_000_000;
/// Time of the performance complement.
const THREE_HOURS_US: i64 = 3 * 3_600 * SECOND_US;

/// Judges the line at `at` by those before it.
pub fn check(inputs: &PlanInputs<'_>, all: &[Stood<'_>], at: usize, found: &mut Vec<Violation>) {
    let (settings, apart) = (inputs.settings, &inputs.rules.separation);
    let of = |own: Option<u32>, general| own.unwrap_or(general);
    let mut rules = vec![
        (Field::Artist, "artist_separation", of(apart.artist_sec, settings.artist_separation_s)),
        (Field::Title, "title_separation", of(apart.title_sec, settings.title_separation_s)),
        (Field::Album, "album_separation", of(apart.album_sec, 0)),
        (Field::Label, "label_separation", of(apart.label_sec, 0)),
    ];
    let fields = apart.fields.iter();
    rules.extend(fields.map(|own| (own.field.clone(), "field_separation", own.sec)));
    for (field, code, seconds) in rules.into_iter().filter(|(_, _, seconds)| *seconds > 0) {
        separation(inputs, all, at, (&field, code, seconds), found);
    }
    if inputs.rules.performance_complement {
        complement(inputs, all, at, found);
    }
}

fn separation(
    inputs: &PlanInputs<'_>,
    all: &[Stood<'_>],
    at: usize,
    (field, code, seconds): (&Field, &'static str, u32),
    found: &mut Vec<Violation>,
) {
    let stood = all[at];
    let own = of_line(inputs, &stood, field);
    if own.is_empty() {
        return;
    }
    let when = stood.line.planned_at;
    let earliest = when.plus(-i64::from(seconds) * SECOND_US);
    let before = all[..at].iter().rev().take_while(|other| other.line.planned_at > earliest);
    let shared = |texts: BTreeSet<String>| own.intersection(&texts).next().cloned();
    let planned = before
        .filter_map(|other| Some((other.line.planned_at, shared(of_line(inputs, other, field))?)));
    let aired = inputs.played.iter().filter(|play| play.at > earliest && play.at <= when);
    let aired = aired.filter_map(|play| {
        let texts = of_media(inputs, play.media_id, &play.artist, &play.title, field);
        Some((play.at, shared(texts)?))
    });
    if let Some((last, what)) = planned.chain(aired).max() {
        let (gap, title) = (when.since(last) / SECOND_US, &stood.line.title);
        let detail = format!("\"{title}\" comes {gap} s after \"{what}\", asked are {seconds} s");
        found.push(stood.breaks(code, Severity::Soft, detail));
    }
}

/// Most tracks of one value in three hours, and most of them in a row.
fn complement(inputs: &PlanInputs<'_>, all: &[Stood<'_>], at: usize, found: &mut Vec<Violation>) {
    let stood = all[at];
    if stood.line.kind != ItemKind::Music {
        return;
    }
    let earliest = stood.line.planned_at.plus(-THREE_HOURS_US);
    for (field, most, row) in
        [(Field::Album, 3, 2), (Field::Artist, 4, 3), (Field::Compilation, 4, 3)]
    {
        for value in of_line(inputs, &stood, &field) {
            let tracks = all[..at].iter().rev().filter(|s| s.line.kind == ItemKind::Music);
            let tracks: Vec<_> =
                tracks.take_while(|other| other.line.planned_at > earliest).collect();
            let same = |other: &&&Stood<'_>| of_line(inputs, other, &field).contains(&value);
            let count = 1 + tracks.iter().filter(same).count();
            let in_row = 1 + tracks.iter().take_while(same).count();
            if count > most || in_row > row {
                let word = crate::planner::v2::field_word(&field);
                let detail = format!(
                    "{word} \"{value}\" would air {count} times in three hours, {in_row} in a \
                     row; limits {most} and {row}"
                );
                found.push(stood.breaks("performance_complement", Severity::Hard, detail));
            }
        }
    }
}

/// Judges the lines of block slots by the quotas of their blocks.
pub fn quotas<'a>(
    inputs: &PlanInputs<'_>,
    zone: &TimeZone,
    all: &[Stood<'_>],
    hours: impl Iterator<Item = (&'a UtcMicros, &'a HourPlan)>,
    found: &mut Vec<Violation>,
) {
    for (start, _) in hours {
        let hour = hour_of(zone, *start);
        let ruling = ruling_clock(inputs.grid, inputs.clock, inputs.clocks, &hour);
        let Some(clock) = ruling else { continue };
        let slots = slots_in(clock, &hour);
        for (n, slot) in slots.iter().enumerate() {
            let SlotSource::SmartBlock { block_id } = slot.source else { continue };
            let Some(block) = inputs.blocks.get(&block_id) else { continue };
            // Slots by position begin where the ones before them end: nobody knows when.
            let Some(from) = slot.offset_ms else { continue };
            let at = |ms: u32| start.plus(i64::from(ms) * 1_000);
            let until = match slots.get(n + 1).map(|next| next.offset_ms) {
                Some(Some(next)) => at(next),
                Some(None) => continue,
                None => hour.until,
            };
            let from = at(from);
            let of_slot = |s: &Stood<'_>| {
                s.hour == *start && s.line.planned_at >= from && s.line.planned_at < until
            };
            for quota in &block.rules.quotas {
                judge(inputs, all, &of_slot, (quota, &block.name), found);
            }
        }
    }
}

fn judge(
    inputs: &PlanInputs<'_>,
    all: &[Stood<'_>],
    of_slot: &impl Fn(&Stood<'_>) -> bool,
    (quota, block): (&Quota, &str),
    found: &mut Vec<Violation>,
) {
    let values: BTreeSet<String> = quota.values.iter().map(|value| normal(value)).collect();
    let counts = |stood: &Stood<'_>| !values.is_disjoint(&of_line(inputs, stood, &quota.field));
    let window = i64::from(quota.window_sec) * SECOND_US;
    let run: Vec<usize> = (0..all.len()).filter(|at| of_slot(&all[*at])).collect();
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
    let shown = quota.values.join(", ");
    let mut soft = |stood: &Stood<'_>, found_count: usize, bound: &str, limit: u32| {
        let detail = format!("{found_count} of {shown} in block {block}, {bound} {limit}");
        found.push(stood.breaks("quota", Severity::Soft, detail));
    };
    let in_window = |at: usize| {
        let from = if window == 0 {
            all[*first].line.planned_at
        } else {
            all[at].line.planned_at.plus(1 - window)
        };
        all[..=at].iter().filter(|s| s.line.planned_at >= from && counts(s)).count()
    };
    if let Some(max) = quota.max {
        for at in run.iter().filter(|at| counts(&all[**at])) {
            let count = in_window(*at);
            if count > max as usize {
                soft(&all[*at], count, "at most", max);
            }
        }
    }
    if let Some(min) = quota.min {
        let count = in_window(*last);
        if count < min as usize {
            soft(&all[*last], count, "at least", min);
        }
    }
}

fn of_line(inputs: &PlanInputs<'_>, stood: &Stood<'_>, field: &Field) -> BTreeSet<String> {
    let line = stood.line;
    of_media(inputs, line.media_id, &line.artist, &line.title, field)
}

fn of_media(
    inputs: &PlanInputs<'_>,
    id: MediaId,
    artist: &str,
    title: &str,
    field: &Field,
) -> BTreeSet<String> {
    let empty = MediaDetails::default();
    let details = inputs.details.get(&id).unwrap_or(&empty);
    let texts = match (inputs.media.get(id), field) {
        (Some(item), _) => texts(item, details, field),
        (None, Field::Artist) => artists(artist),
        (None, Field::Title) => vec![title],
        (None, _) => Vec::new(),
    };
    texts.into_iter().map(normal).filter(|text| !text.is_empty()).collect()
}

fn artists(credit: &str) -> Vec<&str> {
    let mut out = Vec::new();
    each_artist(credit, |name| out.push(name));
    out
}

/// What an item says in a field that holds text.
fn texts<'a>(item: &'a MediaItem, details: &'a MediaDetails, field: &Field) -> Vec<&'a str> {
    let each = |texts: &'a [String]| texts.iter().map(String::as_str).collect();
    match field {
        Field::Artist => artists(&item.tags.artist),
        Field::Title => vec![&item.tags.title],
        Field::AlbumArtist => vec![&details.album_artist],
        Field::Album => vec![&item.tags.album],
        Field::Genre => {
            let own = std::iter::once(item.tags.genre.as_str());
            own.chain(details.genres.iter().map(String::as_str)).collect()
        }
        Field::Mood => each(&details.moods),
        Field::Language => vec![&details.language],
        Field::Label => vec![&details.label],
        Field::Composer => vec![&details.composer],
        Field::Publisher => vec![&details.publisher],
        Field::Isrc => vec![&item.tags.isrc],
        Field::Key => vec![&details.key],
        Field::Compilation => vec![&details.compilation],
        Field::Category => vec![&item.category],
        Field::Tag => each(&details.tags),
        Field::FileName => vec![&item.file_name],
        Field::Codec => vec![&item.codec],
        Field::Explicit => vec![if details.explicit { "true" } else { "false" }],
        Field::Custom(name) => {
            let own = details.custom.iter().filter(|custom| custom.name == *name);
            own.map(|custom| custom.value.as_str()).collect()
        }
        Field::Kind
        | Field::TextSearch
        | Field::Bpm
        | Field::Energy
        | Field::Year
        | Field::DurationSec
        | Field::SampleRate
        | Field::Loudness
        | Field::PlayCount
        | Field::Added
        | Field::LastPlayed
        | Field::Playlist => Vec::new(),
    }
}
