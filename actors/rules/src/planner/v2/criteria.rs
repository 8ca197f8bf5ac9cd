//! Rules as they are asked of an item: read once from a block, asked as often as needed.

use super::catalogue::{Catalogue, Entry, for_each_text, kind_word};
use super::history::History;
use super::text::{normal, plain, same};
use grimnir_events::smart_block::{Field, Logic, Op, Rule, RuleGroup, Span, SpanUnit, Value};
use grimnir_events::{PlaylistId, UtcMicros};
use jiff::tz::TimeZone;

/// When and against what a rule is asked.
pub struct Moment<'a> {
    /// What aired and is planned.
    pub history: &'a History,
    /// The instants that the spans of the rules reach back to.
    pub thresholds: &'a [i64],
}

/// One rule, read.
#[derive(Debug)]
pub struct Criterion {
    field: Field,
    test: Test,
    /// The test must not hold.
    negative: bool,
}

#[derive(Debug)]
enum Test {
    Same(Vec<String>),
    Contains(String),
    Starts(String),
    Ends(String),
    Words(Vec<String>),
    Number(i64, i64),
    Flag(bool),
    Places(Vec<u32>),
    /// Since the threshold of this number.
    Since(usize),
    /// The rule makes no sense: it holds of nothing. Validation refuses it before.
    Never,
}

/// Rules that stand together, read.
#[derive(Debug)]
pub struct Group {
    logic: Logic,
    criteria: Vec<Criterion>,
}

impl Group {
    /// Reads a group. `spans` collects the times that its rules look back.
    pub fn read(group: &RuleGroup, spans: &mut Vec<Span>, places: &PlaylistPlaces<'_>) -> Self {
        let read = |rule| Criterion::read(rule, spans, places);
        Self { logic: group.logic, criteria: group.rules.iter().map(read).collect() }
    }
    /// Its answer changes from pick to pick.
    pub fn moves(&self) -> bool {
        self.criteria.iter().any(Criterion::moves)
    }
    /// It speaks of explicit words.
    pub fn on_explicit(&self) -> bool {
        self.criteria.iter().any(|criterion| criterion.field == Field::Explicit)
    }
    /// It holds of the item.
    pub fn holds(&self, entry: &Entry<'_>, place: usize, moment: &Moment<'_>) -> bool {
        let mut each = self.criteria.iter().map(|criterion| criterion.holds(entry, place, moment));
        match self.logic {
            Logic::All => each.all(|holds| holds),
            Logic::Any => each.any(|holds| holds),
        }
    }
}

/// Where the items of playlists stand in the catalogue.
pub struct PlaylistPlaces<'a> {
    /// The catalogue.
    pub catalogue: &'a Catalogue<'a>,
    /// The playlists.
    pub playlists: &'a super::super::Playlists,
}

impl PlaylistPlaces<'_> {
    /// Places of a playlist's items, sorted.
    fn of(&self, id: &str) -> Vec<u32> {
        let Ok(id) = id.parse::<PlaylistId>() else { return Vec::new() };
        let Some((_, items)) = self.playlists.get(&id) else { return Vec::new() };
        let mut places: Vec<u32> =
            items.iter().filter_map(|id| self.catalogue.place(*id)).map(|at| at as u32).collect();
        places.sort_unstable();
        places
    }
}

impl Criterion {
    /// Reads a rule.
    pub fn read(rule: &Rule, spans: &mut Vec<Span>, places: &PlaylistPlaces<'_>) -> Self {
        let negative = matches!(rule.op, Op::IsNot | Op::NotContains | Op::NotIn | Op::LongerAgo);
        let text = |value: &Value| match value {
            Value::Text(text) => normal(text),
            Value::Flag(_)
            | Value::Number(_)
            | Value::Texts(_)
            | Value::Range(..)
            | Value::Span(_) => String::new(),
        };
        let test = match (&rule.field, &rule.op, &rule.value) {
            (Field::Playlist, _, Value::Text(id)) => Test::Places(places.of(id)),
            (Field::Playlist, _, Value::Texts(ids)) => {
                let mut all: Vec<u32> = ids.iter().flat_map(|id| places.of(id)).collect();
                all.sort_unstable();
                Test::Places(all)
            }
            (Field::TextSearch, _, Value::Text(words)) => {
                Test::Words(normal(words).split(' ').map(str::to_owned).collect())
            }
            (_, _, Value::Flag(flag)) => Test::Flag(*flag),
            (_, _, Value::Span(span)) => {
                spans.push(*span);
                Test::Since(spans.len() - 1)
            }
            (_, Op::Between, Value::Range(min, max)) => Test::Number(*min, *max),
            (_, Op::Is | Op::IsNot, Value::Number(n)) => Test::Number(*n, *n),
            (_, Op::Lt, Value::Number(n)) => Test::Number(i64::MIN, n.saturating_sub(1)),
            (_, Op::Lte, Value::Number(n)) => Test::Number(i64::MIN, *n),
            (_, Op::Gt, Value::Number(n)) => Test::Number(n.saturating_add(1), i64::MAX),
            (_, Op::Gte, Value::Number(n)) => Test::Number(*n, i64::MAX),
            (_, Op::Is | Op::IsNot, value @ Value::Text(_)) => Test::Same(vec![text(value)]),
            (_, Op::In | Op::NotIn, Value::Texts(all)) => {
                Test::Same(all.iter().map(|text| normal(text)).collect())
            }
            (_, Op::Contains | Op::NotContains, value) => Test::Contains(text(value)),
            (_, Op::StartsWith, value) => Test::Starts(text(value)),
            (_, Op::EndsWith, value) => Test::Ends(text(value)),
            _ => Test::Never,
        };
        Self { field: rule.field.clone(), test, negative }
    }

    /// Its answer changes from pick to pick.
    pub fn moves(&self) -> bool {
        matches!(self.test, Test::Since(_)) || self.field == Field::PlayCount
    }

    /// It holds of the item.
    pub fn holds(&self, entry: &Entry<'_>, place: usize, moment: &Moment<'_>) -> bool {
        self.tested(entry, place, moment) != self.negative
    }

    fn tested(&self, entry: &Entry<'_>, place: usize, moment: &Moment<'_>) -> bool {
        match &self.test {
            Test::Same(wanted) => {
                if wanted.iter().any(String::is_empty) && !self.says(entry) {
                    return true;
                }
                self.any(entry, |text| wanted.iter().any(|wanted| same(text, wanted)))
            }
            Test::Contains(part) => self.any(entry, |text| normal(text).contains(part.as_str())),
            Test::Starts(part) => self.any(entry, |text| {
                let mut found = plain(text);
                part.chars().all(|c| found.next() == Some(c))
            }),
            Test::Ends(part) => self.any(entry, |text| normal(text).ends_with(part.as_str())),
            Test::Words(words) => words.iter().all(|word| has_word(entry, word)),
            Test::Number(min, max) => self
                .number(entry, place, moment)
                .is_some_and(|number| (*min..=*max).contains(&number)),
            Test::Flag(flag) => entry.details.explicit == *flag,
            Test::Places(places) => places.binary_search(&(place as u32)).is_ok(),
            Test::Since(at) => self
                .instant(entry, place, moment)
                .is_some_and(|instant| instant >= moment.thresholds[*at]),
            Test::Never => false,
        }
    }

    fn says(&self, entry: &Entry<'_>) -> bool {
        self.any(entry, |text| plain(text).next().is_some())
    }

    fn any(&self, entry: &Entry<'_>, holds: impl Fn(&str) -> bool) -> bool {
        let mut found = false;
        for_each_text(entry, &self.field, |text| found = found || holds(text));
        // A credit is also a name of its own.
        found || (self.field == Field::Artist && holds(&entry.item.tags.artist))
    }

    fn number(&self, entry: &Entry<'_>, place: usize, moment: &Moment<'_>) -> Option<i64> {
        match self.field {
            Field::Bpm => entry.bpm(),
            Field::Energy => Some(entry.energy()),
            Field::Year => entry.item.tags.year.map(i64::from),
            Field::DurationSec => Some(entry.seconds()),
            Field::SampleRate => Some(i64::from(entry.item.source_rate_hz)),
            Field::Loudness => entry.item.loudness_lufs_x100.map(i64::from),
            Field::PlayCount => Some(i64::from(moment.history.count(place))),
            // These hold texts and times: validation refuses a number with them.
            Field::Title
            | Field::Artist
            | Field::AlbumArtist
            | Field::Album
            | Field::Genre
            | Field::Mood
            | Field::Language
            | Field::Label
            | Field::Composer
            | Field::Publisher
            | Field::Isrc
            | Field::Key
            | Field::Compilation
            | Field::Category
            | Field::Kind
            | Field::Tag
            | Field::FileName
            | Field::Codec
            | Field::TextSearch
            | Field::Explicit
            | Field::Added
            | Field::LastPlayed
            | Field::Playlist
            | Field::Custom(_) => None,
        }
    }

    fn instant(&self, entry: &Entry<'_>, place: usize, moment: &Moment<'_>) -> Option<i64> {
        if self.field == Field::Added {
            return entry.details.added_at.map(|at| at.0);
        }
        moment.history.item(place).map(|at| at.0)
    }
}

/// A word begins somewhere in what people look for an item by.
fn has_word(entry: &Entry<'_>, word: &str) -> bool {
    let fields =
        [Field::Title, Field::Artist, Field::Album, Field::Genre, Field::Label, Field::Tag];
    let begins = |text: &str| normal(text).split(' ').any(|found| found.starts_with(word));
    let mut found = kind_word(entry.item.kind) == word;
    for field in &fields {
        for_each_text(entry, field, |text| found = found || begins(text));
    }
    found
}

/// The instant a span reaches back to from `at`, by the station's calendar.
pub fn threshold(at: UtcMicros, span: Span, zone: &TimeZone) -> i64 {
    let amount = i64::from(span.amount);
    let length = match span.unit {
        SpanUnit::Minutes => return at.plus(amount.saturating_mul(-60_000_000)).0,
        SpanUnit::Hours => return at.plus(amount.saturating_mul(-3_600_000_000)).0,
        SpanUnit::Days => jiff::Span::new().try_days(amount),
        SpanUnit::Weeks => jiff::Span::new().try_weeks(amount),
        SpanUnit::Months => jiff::Span::new().try_months(amount),
    };
    let now = jiff::Timestamp::from_microsecond(at.0).map(|at| at.to_zoned(zone.clone()));
    let then = now.and_then(|now| now.checked_sub(length?));
    // Before the calendar begins is as long ago as it gets.
    then.map_or(i64::MIN, |then| then.timestamp().as_microsecond())
}
