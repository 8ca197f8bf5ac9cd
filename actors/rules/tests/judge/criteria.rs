//! The grammar of blocks, rule by rule, for one item at one instant.

use super::credit::{normal, texts};
use super::play::{Asked, Complaint, Take};
use super::world::World;
use grimnir_events::clock::{ImagingRole, StopsetSource};
use grimnir_events::details::MediaDetails;
use grimnir_events::library::{ItemKind, MediaItem};
use grimnir_events::smart_block::{
    BlockRules, Field, ItemSource, Logic, Op, Rule, RuleGroup, Span, SpanUnit, Value,
};
use grimnir_events::{MediaId, UtcMicros};
use jiff::tz::TimeZoneDatabase;
use jiff::{Timestamp, ToSpan};

/// The play is none that its source takes.
pub fn criteria(world: &World, takes: &[Take], at: usize) -> Vec<Complaint> {
    let (take, id) = (&takes[at], takes[at].media_id);
    let asking = Asking { world, before: &takes[..at], at: take.at };
    let item = take.item(world);
    let programme = item.is_some_and(is_programme);
    let of_list = |list| world.playlists.get(list).is_some_and(|(_, items)| items.contains(&id));
    let block = |id| world.blocks.get(id).map(|block| &block.rules);
    let taken = match &take.asked {
        // What a show lists is held against its list.
        Asked::Before | Asked::Show(_) => true,
        Asked::Voice(own) => *own == id,
        Asked::Break(stopset) => match &stopset.from {
            StopsetSource::Category(name) => item.is_some_and(|item| same(&item.category, name)),
            StopsetSource::SmartBlock(of) => {
                block(of).is_some_and(|rules| asking.takes(rules, id, false))
            }
        },
        Asked::Imaging(role, category) => is_imaging(world, *role, category, id),
        Asked::Id => world
            .orders
            .legal_id
            .as_ref()
            .is_some_and(|rule| is_imaging(world, ImagingRole::LegalId, &rule.category, id)),
        Asked::Library => programme,
        Asked::Category(name) => item.is_some_and(|item| item.category == *name),
        Asked::List(list, _) => of_list(list),
        Asked::Item(own) => *own == id,
        Asked::Block(of) => block(of).is_some_and(|rules| asking.takes(rules, id, false)),
        Asked::Bumper(of) => block(of)
            .and_then(|rules| rules.bumpers.source.as_ref())
            .is_some_and(|source| asking.source(source, id)),
        Asked::Interstitial(of, at) => block(of)
            .and_then(|rules| rules.interstitials.sources.get(*at))
            .is_some_and(|source| asking.source(source, id)),
    };
    // What only an exclusion keeps out may be let in, and the notes say so.
    let rules = super::apart::block_of(world, take);
    let excluded = rules.is_some_and(|rules| asking.takes(rules, id, true));
    let rule = if excluded { "exclude" } else { "criteria" };
    let what = || format!("{:?} does not take it", take.asked);
    (!taken).then(|| Complaint::new(rule, take, what())).into_iter().collect()
}

fn same(one: &str, other: &str) -> bool {
    normal(one) == normal(other)
}

/// The item is for a role: of its kind, and of the category or known for the role.
pub fn is_imaging(world: &World, role: ImagingRole, category: &str, id: MediaId) -> bool {
    let Some(item) = world.media.get(&id) else { return false };
    let tags = world.details.get(&id).map_or(&[][..], |details| &details.tags);
    match role {
        ImagingRole::LegalId => {
            item.kind == ItemKind::LegalId
                && (category.is_empty() || same(&item.category, category))
        }
        ImagingRole::Sweeper | ImagingRole::Bumper => {
            let word = if category.is_empty() { role.word() } else { category };
            let tagged = category.is_empty() && tags.iter().any(|tag| same(tag, word));
            item.kind == ItemKind::Imaging && (same(&item.category, word) || tagged)
        }
    }
}

fn is_programme(item: &MediaItem) -> bool {
    matches!(item.kind, ItemKind::Music | ItemKind::Feature)
}

/// When and for whom a rule is asked.
pub struct Asking<'a> {
    pub world: &'a World,
    /// What started before.
    pub before: &'a [Take],
    pub at: UtcMicros,
}

impl Asking<'_> {
    /// The block takes the item; without its exclusions where they are relaxed.
    pub fn takes(&self, rules: &BlockRules, id: MediaId, relaxed: bool) -> bool {
        let Some(item) = self.world.media.get(&id) else { return false };
        let named = [Field::Kind, Field::Category, Field::Playlist];
        let mut rules_of = rules.include.iter().flat_map(|group| &group.rules);
        let names_kinds = rules_of.any(|rule| named.contains(&rule.field));
        let excluded = |group: &RuleGroup| {
            let explicit = group.rules.iter().any(|rule| rule.field == Field::Explicit);
            (!relaxed || explicit) && self.group(group, id)
        };
        (names_kinds || is_programme(item))
            && rules.include.iter().all(|group| self.group(group, id))
            && !rules.exclude.iter().any(excluded)
    }

    /// The plain source holds the item.
    pub fn source(&self, source: &ItemSource, id: MediaId) -> bool {
        match source {
            ItemSource::Playlist(list) => {
                self.world.playlists.get(list).is_some_and(|(_, items)| items.contains(&id))
            }
            ItemSource::Match(rule) => self.rule(rule, id),
        }
    }

    fn group(&self, group: &RuleGroup, id: MediaId) -> bool {
        match group.logic {
            Logic::All => group.rules.iter().all(|rule| self.rule(rule, id)),
            Logic::Any => group.rules.iter().any(|rule| self.rule(rule, id)),
        }
    }

    /// The rule holds of the item.
    pub fn rule(&self, rule: &Rule, id: MediaId) -> bool {
        let Some(item) = self.world.media.get(&id) else { return false };
        let details = self.world.details.get(&id).cloned().unwrap_or_default();
        match (&rule.field, &rule.value) {
            (Field::Explicit, Value::Flag(wanted)) => {
                (details.explicit == *wanted) == (rule.op == Op::Is)
            }
            (Field::Added, Value::Span(span)) => self.time(rule.op, *span, details.added_at),
            (Field::LastPlayed, Value::Span(span)) => self.time(rule.op, *span, self.last(id)),
            (Field::Playlist, value) => {
                let lists = words(value);
                let holds = self.world.playlists.iter().any(|(list, (_, items))| {
                    lists.contains(&list.to_string()) && items.contains(&id)
                });
                holds == matches!(rule.op, Op::Is | Op::In)
            }
            (Field::TextSearch, value) => {
                let said = search_text(item, &details);
                let all = words(value)[0].split(' ').all(|word| said.contains(word));
                all == (rule.op == Op::Contains)
            }
            (field, _) if field.is_text() => {
                let said = texts(item, &details, field);
                let found = words(&rule.value)
                    .iter()
                    .any(|word| said.iter().any(|text| text_op(rule.op, text, word)));
                found != matches!(rule.op, Op::IsNot | Op::NotIn | Op::NotContains)
            }
            (field, value) => {
                let number = self.number(field, item, &details, id);
                number.map_or(rule.op == Op::IsNot, |number| number_op(rule.op, number, value))
            }
        }
    }

    /// Starts of the item before now.
    pub fn plays(&self, id: MediaId) -> u32 {
        let tally = self.world.tally.get(&id).map_or(0, |tally| tally.plays);
        tally + self.before.iter().filter(|take| take.media_id == id).count() as u32
    }

    /// The last start of the item before now.
    pub fn last(&self, id: MediaId) -> Option<UtcMicros> {
        let tally = self.world.tally.get(&id).and_then(|tally| tally.last_at);
        let takes = self.before.iter().filter(|take| take.media_id == id).map(|take| take.at);
        takes.chain(tally).max()
    }

    fn number(
        &self,
        field: &Field,
        item: &MediaItem,
        details: &MediaDetails,
        id: MediaId,
    ) -> Option<i64> {
        match field {
            Field::Bpm => bpm(details),
            Field::Energy => Some(energy(details)),
            Field::Year => item.tags.year.map(i64::from),
            Field::DurationSec => Some((item.cues.segue - item.cues.cue_in) / 48_000),
            Field::SampleRate => Some(i64::from(item.source_rate_hz)),
            Field::Loudness => item.loudness_lufs_x100.map(i64::from),
            Field::PlayCount => Some(i64::from(self.plays(id))),
            other => panic!("{other:?} is no number"),
        }
    }

    fn time(&self, op: Op, span: Span, when: Option<UtcMicros>) -> bool {
        let newer = when.is_some_and(|when| when >= ago(self.at, span, &self.world.time_zone));
        newer == (op == Op::Within)
    }
}

pub fn bpm(details: &MediaDetails) -> Option<i64> {
    details.bpm_x100.map(|bpm| i64::from(bpm / 100))
}

/// Energy as judged, else the beats a minute; 100 where nothing is known, as Grimnir always had it.
pub fn energy(details: &MediaDetails) -> i64 {
    details.energy.map(i64::from).or_else(|| bpm(details)).unwrap_or(100)
}

/// So long before: calendar days of the station.
fn ago(at: UtcMicros, span: Span, time_zone: &str) -> UtcMicros {
    let amount = i64::from(span.amount);
    let span = match span.unit {
        SpanUnit::Minutes => amount.minutes(),
        SpanUnit::Hours => amount.hours(),
        SpanUnit::Days => amount.days(),
        SpanUnit::Weeks => amount.weeks(),
        SpanUnit::Months => amount.months(),
    };
    let zone = TimeZoneDatabase::bundled().get(time_zone).expect("a zone");
    let at = Timestamp::from_microsecond(at.0).expect("a time").to_zoned(zone);
    UtcMicros(at.checked_sub(span).expect("a time").timestamp().as_microsecond())
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Text(text) => vec![normal(text)],
        Value::Texts(texts) => texts.iter().map(|text| normal(text)).collect(),
        other => panic!("{other:?} is no text"),
    }
}

fn search_text(item: &MediaItem, details: &MediaDetails) -> String {
    let of = |field| texts(item, details, &field).into_iter().collect::<Vec<_>>().join("\n");
    let fields =
        [Field::Title, Field::Artist, Field::Album, Field::Genre, Field::Label, Field::Tag];
    fields.map(of).join("\n")
}

fn text_op(op: Op, text: &str, word: &str) -> bool {
    match op {
        Op::Is | Op::IsNot | Op::In | Op::NotIn => text == word,
        Op::Contains | Op::NotContains => text.contains(word),
        Op::StartsWith => text.starts_with(word),
        Op::EndsWith => text.ends_with(word),
        other => panic!("{other:?} of a text"),
    }
}

fn number_op(op: Op, number: i64, value: &Value) -> bool {
    match (op, value) {
        (Op::Between, Value::Range(low, high)) => (*low..=*high).contains(&number),
        (Op::Is, Value::Number(wanted)) => number == *wanted,
        (Op::IsNot, Value::Number(wanted)) => number != *wanted,
        (Op::Lt, Value::Number(limit)) => number < *limit,
        (Op::Lte, Value::Number(limit)) => number <= *limit,
        (Op::Gt, Value::Number(limit)) => number > *limit,
        (Op::Gte, Value::Number(limit)) => number >= *limit,
        other => panic!("{other:?} of a number"),
    }
}
