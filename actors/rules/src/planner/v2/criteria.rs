//! Rules as they are asked of an item: read once from a block, asked as often as needed.
//!
//! A rule on texts is asked of every known text once; after that an item is a look at its numbers.

use super::catalogue::{Catalogue, Details, Entry};
use super::column::{Key, for_each_text, kind_word};
use super::history::History;
use super::set::Set;
use super::text::{normal, same};
use crate::planner::Playlists;
use crate::planner::media::Media;
use grimnir_events::details::MediaDetails;
use grimnir_events::library::MediaItem;
use grimnir_events::smart_block::{Field, Logic, Op, Rule, RuleGroup, Span, SpanUnit, Value};
use grimnir_events::{PlaylistId, UtcMicros};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

/// When and against what a rule is asked.
pub struct Moment<'a> {
    /// The library.
    pub catalogue: &'a Catalogue,
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
    /// One of these columns holds a value that passes.
    Texts(Vec<Passing>),
    /// Of each word, one of its columns does.
    Words(Vec<Vec<Passing>>),
    /// It is one of these items.
    Places(Set),
    Number(i64, i64),
    Flag(bool),
    /// Since the threshold of this number.
    Since(usize),
    /// The rule makes no sense: it holds of nothing. Validation refuses it before.
    Never,
}

/// The values of a column that pass.
#[derive(Debug)]
struct Passing {
    column: usize,
    values: Set,
}

impl Passing {
    fn holds(&self, catalogue: &Catalogue, place: usize) -> bool {
        catalogue.dims[self.column].of(place).iter().any(|value| self.values.holds(*value as usize))
    }
}

/// How texts are compared with what a rule names.
enum Pattern {
    Same(Vec<String>),
    Contains(String),
    Starts(String),
    Ends(String),
}

impl Pattern {
    /// It passes a text that is [`normal`].
    fn passes(&self, text: &str) -> bool {
        match self {
            Self::Same(wanted) => wanted.iter().any(|wanted| wanted == text),
            Self::Contains(part) => text.contains(part.as_str()),
            Self::Starts(part) => text.starts_with(part.as_str()),
            Self::Ends(part) => text.ends_with(part.as_str()),
        }
    }
    /// It passes an empty text, which no column holds.
    fn passes_nothing(&self) -> bool {
        self.passes("")
    }
}

/// Rules that stand together, read.
#[derive(Debug)]
pub struct Group {
    logic: Logic,
    criteria: Vec<Criterion>,
}

impl Group {
    /// Reads a group. `spans` collects the times that its rules look back.
    pub fn read(group: &RuleGroup, spans: &mut Vec<Span>, sight: &Sight<'_>) -> Self {
        let read = |rule| Criterion::read(rule, spans, sight);
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
    /// The items that it holds of.
    pub fn all(&self, moment: &Moment<'_>) -> Set {
        let count = moment.catalogue.entries.len();
        let each = self.criteria.iter().map(|criterion| criterion.all(moment));
        Set::joined(count, each, self.logic == Logic::All)
    }
    /// It holds of the item.
    pub fn holds(&self, place: usize, moment: &Moment<'_>) -> bool {
        let mut each = self.criteria.iter().map(|criterion| criterion.holds(place, moment));
        match self.logic {
            Logic::All => each.all(|holds| holds),
            Logic::Any => each.any(|holds| holds),
        }
    }
}

/// What rules are read against.
pub struct Sight<'a> {
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// The items that it was made of.
    pub media: Media<'a>,
    /// Their descriptions.
    pub details: &'a Details,
    /// The playlists.
    pub playlists: &'a Playlists,
}

impl Sight<'_> {
    /// Places of playlists' items, as bits.
    fn playlists<'t>(&self, ids: impl Iterator<Item = &'t String>) -> Test {
        let mut set = Set::none(self.catalogue.entries.len());
        let known = ids.filter_map(|id| id.parse::<PlaylistId>().ok());
        let items = known.filter_map(|id| self.playlists.get(&id)).flat_map(|(_, items)| items);
        for place in items.filter_map(|id| self.catalogue.place(*id)) {
            set.add(place);
        }
        Test::Places(set)
    }

    /// Items that `holds` of, as bits: for what the columns do not tell.
    fn places(&self, holds: impl Fn(&MediaItem, &MediaDetails) -> bool) -> Test {
        let mut set = Set::none(self.catalogue.entries.len());
        self.catalogue.walk(self.media, self.details, |place, item, details| {
            if holds(item, details) {
                set.add(place);
            }
        });
        Test::Places(set)
    }

    fn texts(&self, field: &Field, pattern: &Pattern) -> Test {
        let passing = |key: Key| {
            let column = self.catalogue.column(&key)?;
            let values = self.catalogue.dims[column].passing(|text| pattern.passes(text));
            Some(Passing { column, values })
        };
        let columns: Option<Vec<Passing>> = keys_of(field).into_iter().map(passing).collect();
        match columns {
            Some(columns) if !pattern.passes_nothing() => Test::Texts(columns),
            // What an item does not say counts too.
            _ => self.places(|item, details| {
                let (mut found, mut says) = (false, false);
                let mut each = |text: &str| {
                    let text = normal(text);
                    says |= !text.is_empty();
                    found |= pattern.passes(&text);
                };
                for_each_text(item, details, field, &mut each);
                // A credit is also a name of its own.
                if *field == Field::Artist {
                    each(&item.tags.artist);
                }
                found || (matches!(pattern, Pattern::Same(_)) && !says && pattern.passes_nothing())
            }),
        }
    }

    /// A word begins somewhere in what people look for an item by.
    fn words(&self, words: &str) -> Test {
        let words = normal(words);
        // Every item has a title, be it an empty one: a word without letters begins there.
        let words = words.split(' ').filter(|word| !word.is_empty());
        let begins = |text: &str, word: &str| text.split(' ').any(|found| found.starts_with(word));
        let word_in = |word: &str| {
            let mut columns = Vec::new();
            for field in LOOKED_FOR {
                let column = self.catalogue.dim(&field)?;
                let values = self.catalogue.dims[column].passing(|text| begins(text, word));
                columns.push(Passing { column, values });
            }
            let column = self.catalogue.dim(&Field::Kind)?;
            let values = self.catalogue.dims[column].passing(|text| text == word);
            columns.push(Passing { column, values });
            Some(columns)
        };
        let columns: Option<Vec<Vec<Passing>>> = words.clone().map(word_in).collect();
        columns.map_or_else(
            || {
                self.places(|item, details| {
                    let said = |word: &str| {
                        let mut found = kind_word(item.kind) == word;
                        for field in &LOOKED_FOR {
                            let mut each = |text: &str| found |= begins(&normal(text), word);
                            for_each_text(item, details, field, &mut each);
                        }
                        found
                    };
                    words.clone().all(said)
                })
            },
            Test::Words,
        )
    }
}

/// What people look for an item by.
const LOOKED_FOR: [Field; 6] =
    [Field::Title, Field::Artist, Field::Album, Field::Genre, Field::Label, Field::Tag];

/// The columns that a rule on texts of a field looks at.
fn keys_of(field: &Field) -> Vec<Key> {
    let own = Key::Of(field.clone());
    // A credit is also a name of its own.
    if *field == Field::Artist { vec![own, Key::Credit] } else { vec![own] }
}

/// Adds the columns that a rule looks at.
pub fn add_keys(rule: &Rule, keys: &mut BTreeSet<Key>) {
    if rule.field == Field::TextSearch {
        keys.extend(LOOKED_FOR.map(Key::Of));
        keys.insert(Key::Of(Field::Kind));
    } else if rule.field.is_text() {
        keys.extend(keys_of(&rule.field));
    }
}

impl Criterion {
    /// Reads a rule.
    pub fn read(rule: &Rule, spans: &mut Vec<Span>, sight: &Sight<'_>) -> Self {
        let negative = matches!(rule.op, Op::IsNot | Op::NotContains | Op::NotIn | Op::LongerAgo);
        let text = |value: &Value| {
            if let Value::Text(text) = value { normal(text) } else { String::new() }
        };
        let texts = |pattern| sight.texts(&rule.field, &pattern);
        let test = match (&rule.field, &rule.op, &rule.value) {
            (Field::Playlist, _, Value::Text(id)) => sight.playlists(std::iter::once(id)),
            (Field::Playlist, _, Value::Texts(ids)) => sight.playlists(ids.iter()),
            (Field::TextSearch, _, Value::Text(words)) => sight.words(words),
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
            (_, Op::Is | Op::IsNot, value @ Value::Text(_)) => {
                texts(Pattern::Same(vec![text(value)]))
            }
            (_, Op::In | Op::NotIn, Value::Texts(all)) => {
                texts(Pattern::Same(all.iter().map(|text| normal(text)).collect()))
            }
            (_, Op::Contains | Op::NotContains, value) => texts(Pattern::Contains(text(value))),
            (_, Op::StartsWith, value) => texts(Pattern::Starts(text(value))),
            (_, Op::EndsWith, value) => texts(Pattern::Ends(text(value))),
            _ => Test::Never,
        };
        Self { field: rule.field.clone(), test, negative }
    }

    /// The category of this name, which is [`normal`].
    pub fn category(name: &str, sight: &Sight<'_>) -> Self {
        let test = if name.is_empty() {
            sight.places(|item, _| same(&item.category, name))
        } else {
            sight.texts(&Field::Category, &Pattern::Same(vec![name.into()]))
        };
        Self { field: Field::Category, test, negative: false }
    }

    /// Its answer changes from pick to pick.
    pub fn moves(&self) -> bool {
        matches!(self.test, Test::Since(_)) || self.field == Field::PlayCount
    }

    fn all(&self, moment: &Moment<'_>) -> Set {
        let count = moment.catalogue.entries.len();
        // The usual rule, without a look at what kind it is for every item.
        if let Test::Texts(columns) = &self.test
            && let [passing] = columns.as_slice()
        {
            return Set::of(count, |at| passing.holds(moment.catalogue, at) != self.negative);
        }
        Set::of(count, |at| self.holds(at, moment))
    }

    /// It holds of the item.
    pub fn holds(&self, place: usize, moment: &Moment<'_>) -> bool {
        self.tested(place, moment) != self.negative
    }

    fn tested(&self, place: usize, moment: &Moment<'_>) -> bool {
        let catalogue = moment.catalogue;
        let any = |all: &[Passing]| all.iter().any(|passing| passing.holds(catalogue, place));
        match &self.test {
            Test::Texts(columns) => any(columns),
            Test::Words(words) => words.iter().all(|columns| any(columns)),
            Test::Places(set) => set.holds(place),
            Test::Number(min, max) => {
                let number = self.number(&catalogue.entries[place], place, moment);
                number.is_some_and(|number| (*min..=*max).contains(&number))
            }
            Test::Flag(flag) => catalogue.entries[place].explicit == *flag,
            Test::Since(at) => self
                .instant(&catalogue.entries[place], place, moment)
                .is_some_and(|instant| instant >= moment.thresholds[*at]),
            Test::Never => false,
        }
    }

    fn number(&self, entry: &Entry, place: usize, moment: &Moment<'_>) -> Option<i64> {
        match self.field {
            Field::Bpm => entry.bpm(),
            Field::Energy => Some(entry.energy()),
            Field::Year => entry.year.map(i64::from),
            Field::DurationSec => Some(entry.seconds()),
            Field::SampleRate => Some(i64::from(entry.rate)),
            Field::Loudness => entry.loudness.map(i64::from),
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

    fn instant(&self, entry: &Entry, place: usize, moment: &Moment<'_>) -> Option<i64> {
        if self.field == Field::Added {
            return entry.added_at;
        }
        moment.history.item(place).map(|at| at.0)
    }
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
