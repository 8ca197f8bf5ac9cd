//! Says what of a block's rules makes no sense: which key, what was found, what is expected.

use super::{
    BlockRules, BlockSeparation, Field, Interstitials, ItemSource, Op, Quota, Rule, RuleGroup,
    SmartBlock, Value,
};

/// Most entries of any list of rules.
pub const MAX_RULES: usize = 50;
/// Longest chain of fallbacks.
pub const MAX_FALLBACK_DEPTH: usize = 3;
/// Longest text of a rule, in characters.
const MAX_TEXT: usize = 300;
/// Most values of a list.
const MAX_VALUES: usize = 200;
/// Longest time of a separation or quota: what is planned and aired is held for two days.
const MAX_SECONDS: u32 = 48 * 3_600;
/// Largest weight either way, in hundredths.
const MAX_WEIGHT: u32 = 10_000;
/// Longest target: a day.
const MAX_TARGET_MS: u32 = 24 * 3_600_000;
/// Longest curve.
const MAX_CURVE: usize = 100;

/// What of a block makes no sense.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field} is {found}, expected {expected}")]
pub struct BlockFault {
    /// Path of the key.
    pub field: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: String,
}

type Checked = Result<(), BlockFault>;

fn fault(field: impl Into<String>, found: impl ToString, expected: impl Into<String>) -> Checked {
    let (field, found, expected) = (field.into(), found.to_string(), expected.into());
    Err(BlockFault { field, found, expected })
}

fn at_most(field: impl Into<String>, found: usize, limit: usize) -> Checked {
    if found > limit { fault(field, found, format!("at most {limit}")) } else { Ok(()) }
}

impl SmartBlock {
    /// The first key that makes no sense.
    pub fn validate(&self) -> Result<(), BlockFault> {
        let name = self.name.trim().chars().count();
        if name == 0 || self.name.chars().count() > 100 {
            return fault("name", format!("{name} characters"), "1 to 100 characters");
        }
        at_most("description", self.description.chars().count(), 1_000)?;
        if self.id.is_nil() {
            return fault("id", self.id, "one that names something");
        }
        for (at, fallback) in self.rules.fallbacks.iter().enumerate() {
            if fallback.smart_block_id == self.id {
                let field = format!("rules.fallbacks[{at}].smart_block_id");
                return fault(field, self.id, "another block");
            }
        }
        self.rules.validate()
    }
}

impl BlockRules {
    /// The first key that makes no sense.
    pub fn validate(&self) -> Result<(), BlockFault> {
        groups("rules.include", &self.include)?;
        groups("rules.exclude", &self.exclude)?;
        at_most("rules.weights", self.weights.len(), MAX_RULES)?;
        for (at, weight) in self.weights.iter().enumerate() {
            let path = format!("rules.weights[{at}]");
            rule(&path, &weight.rule)?;
            if weight.weight_x100.unsigned_abs() > MAX_WEIGHT || weight.weight_x100 == 0 {
                let expected = format!("-{MAX_WEIGHT} to {MAX_WEIGHT}, not 0");
                return fault(format!("{path}.weight_x100"), weight.weight_x100, expected);
            }
        }
        at_most("rules.quotas", self.quotas.len(), MAX_RULES)?;
        for (at, quota) in self.quotas.iter().enumerate() {
            self::quota(&format!("rules.quotas[{at}]"), quota)?;
        }
        check_separations("rules.separation", &self.separation)?;
        self.check_sequence()?;
        self.check_duration()?;
        if self.rest.share_percent == 0 || self.rest.share_percent > 100 {
            return fault("rules.rest.share_percent", self.rest.share_percent, "1 to 100");
        }
        at_most("rules.rest.weight_x100", self.rest.weight_x100 as usize, MAX_WEIGHT as usize)?;
        self.check_bumpers()?;
        interstitials(&self.interstitials)?;
        at_most("rules.fallbacks", self.fallbacks.len(), 5)
    }

    fn check_sequence(&self) -> Checked {
        let sequence = &self.sequence;
        at_most("rules.sequence.curve", sequence.curve.len(), MAX_CURVE)?;
        for (at, value) in sequence.curve.iter().enumerate() {
            if !(0..=1_000).contains(value) {
                return fault(format!("rules.sequence.curve[{at}]"), value, "0 to 1000");
            }
        }
        let weight = sequence.weight_x100 as usize;
        at_most("rules.sequence.weight_x100", weight, MAX_WEIGHT as usize)?;
        if sequence.curve.is_empty() && (weight > 0 || sequence.tolerance.is_some()) {
            return fault("rules.sequence.curve", "empty", "values for its weight or tolerance");
        }
        if sequence.allow_adjacent_low && sequence.low_below == 0 {
            return fault("rules.sequence.low_below", 0, "1 or more with allow_adjacent_low");
        }
        Ok(())
    }

    fn check_duration(&self) -> Checked {
        if let Some(target) = self.duration.target_ms
            && !(1_000..=MAX_TARGET_MS).contains(&target)
        {
            let expected = format!("1000 to {MAX_TARGET_MS}");
            return fault("rules.duration.target_ms", target, expected);
        }
        let tolerance = self.duration.tolerance_ms as usize;
        at_most("rules.duration.tolerance_ms", tolerance, 600_000)?;
        if self.duration.max_items == Some(0) {
            return fault("rules.duration.max_items", 0, "1 or more");
        }
        Ok(())
    }

    fn check_bumpers(&self) -> Checked {
        let bumpers = &self.bumpers;
        if let Some(source) = &bumpers.source {
            item_source("rules.bumpers.source", source)?;
        }
        if !bumpers.enabled {
            return Ok(());
        }
        if bumpers.source.is_none() {
            return fault("rules.bumpers.source", "missing", "a source, as they are enabled");
        }
        if bumpers.max_per_gap == 0 || bumpers.max_per_gap > 50 {
            return fault("rules.bumpers.max_per_gap", bumpers.max_per_gap, "1 to 50");
        }
        if bumpers.max_duration_sec == 0 || bumpers.max_duration_sec > 3_600 {
            let found = bumpers.max_duration_sec;
            return fault("rules.bumpers.max_duration_sec", found, "1 to 3600");
        }
        Ok(())
    }
}

fn interstitials(found: &Interstitials) -> Checked {
    at_most("rules.interstitials.sources", found.sources.len(), 10)?;
    for (at, source) in found.sources.iter().enumerate() {
        item_source(&format!("rules.interstitials.sources[{at}]"), source)?;
    }
    if !found.enabled {
        return Ok(());
    }
    let numbers = [
        ("every", found.every, 100),
        ("per_break", found.per_break, 20),
        ("max_duration_sec", found.max_duration_sec, 3_600),
    ];
    for (key, value, limit) in numbers {
        if value == 0 || value > limit {
            return fault(format!("rules.interstitials.{key}"), value, format!("1 to {limit}"));
        }
    }
    if found.sources.is_empty() {
        return fault("rules.interstitials.sources", "empty", "one or more, as they are enabled");
    }
    Ok(())
}

fn groups(path: &str, groups: &[RuleGroup]) -> Checked {
    at_most(path, groups.len(), MAX_RULES)?;
    for (at, group) in groups.iter().enumerate() {
        let path = format!("{path}[{at}].rules");
        if group.rules.is_empty() {
            return fault(path, "empty", "one rule or more");
        }
        at_most(path.as_str(), group.rules.len(), MAX_RULES)?;
        for (at, found) in group.rules.iter().enumerate() {
            rule(&format!("{path}[{at}]"), found)?;
        }
    }
    Ok(())
}

fn quota(path: &str, quota: &Quota) -> Checked {
    if !quota.field.is_text() && quota.field != Field::Explicit {
        return fault(format!("{path}.field"), format!("{:?}", quota.field), "one that holds text");
    }
    if quota.values.is_empty() {
        return fault(format!("{path}.values"), "empty", "one value or more");
    }
    at_most(format!("{path}.values"), quota.values.len(), MAX_VALUES)?;
    at_most(format!("{path}.window_sec"), quota.window_sec as usize, MAX_SECONDS as usize)?;
    match (quota.min, quota.max) {
        (None, None) => fault(format!("{path}.max"), "missing", "a min, a max or both"),
        (Some(0), _) => fault(format!("{path}.min"), 0, "1 or more"),
        (Some(min), Some(max)) if min > max => {
            fault(format!("{path}.min"), min, format!("at most max, which is {max}"))
        }
        (_, Some(max)) if max > 1_000 => fault(format!("{path}.max"), max, "at most 1000"),
        _ => Ok(()),
    }
}

/// Checks separations; `path` names them.
pub fn check_separations(path: &str, separation: &BlockSeparation) -> Result<(), BlockFault> {
    let named = [
        ("artist_sec", separation.artist_sec),
        ("title_sec", separation.title_sec),
        ("album_sec", separation.album_sec),
        ("label_sec", separation.label_sec),
    ];
    for (key, seconds) in named {
        let seconds = seconds.unwrap_or_default() as usize;
        at_most(format!("{path}.{key}"), seconds, MAX_SECONDS as usize)?;
    }
    // One relaxation step each, and a step is a bit of 32.
    at_most(format!("{path}.fields"), separation.fields.len(), 16)?;
    for (at, found) in separation.fields.iter().enumerate() {
        let path = format!("{path}.fields[{at}]");
        if !found.field.is_text() {
            let name = format!("{:?}", found.field);
            return fault(format!("{path}.field"), name, "one that holds text");
        }
        let own = [Field::Artist, Field::Title, Field::Album, Field::Label];
        if own.contains(&found.field) {
            let name = format!("{:?}", found.field);
            return fault(format!("{path}.field"), name, "a field without a key of its own");
        }
        at_most(format!("{path}.sec"), found.sec as usize, MAX_SECONDS as usize)?;
    }
    Ok(())
}

fn item_source(path: &str, source: &ItemSource) -> Checked {
    match source {
        ItemSource::Playlist(id) if id.is_nil() => fault(path, id, "a playlist"),
        ItemSource::Playlist(_) => Ok(()),
        ItemSource::Match(found) => rule(&format!("{path}.match"), found),
    }
}

impl Field {
    /// It holds text.
    pub const fn is_text(&self) -> bool {
        !matches!(
            self,
            Self::Bpm
                | Self::Energy
                | Self::Year
                | Self::DurationSec
                | Self::SampleRate
                | Self::Loudness
                | Self::Explicit
                | Self::PlayCount
                | Self::Added
                | Self::LastPlayed
                | Self::Playlist
                | Self::TextSearch
        )
    }

    /// It holds a time.
    pub const fn is_time(&self) -> bool {
        matches!(self, Self::Added | Self::LastPlayed)
    }
}

fn rule(path: &str, rule: &Rule) -> Checked {
    use Op::*;
    let Rule { field, op, value } = rule;
    if let Field::Custom(name) = field
        && (name.trim().is_empty() || name.chars().count() > 100)
    {
        let found = format!("{} characters", name.trim().chars().count());
        return fault(format!("{path}.field.custom"), found, "1 to 100 characters");
    }
    let (ops, values): (&[Op], &str) = match field {
        Field::Explicit => (&[Is, IsNot], "true or false"),
        Field::Playlist => (&[Is, IsNot, In, NotIn], "ids of playlists"),
        Field::TextSearch => (&[Contains, NotContains], "words"),
        Field::Added | Field::LastPlayed => (&[Within, LongerAgo], "an amount and a unit"),
        number if !number.is_text() => (&[Is, IsNot, Lt, Lte, Gt, Gte, Between], "whole numbers"),
        _ => (&[Is, IsNot, Contains, NotContains, StartsWith, EndsWith, In, NotIn], "texts"),
    };
    if !ops.contains(op) {
        return fault(format!("{path}.op"), format!("{op:?}"), format!("one of {ops:?}"));
    }
    let fits = match (field, op, value) {
        (Field::Explicit, _, Value::Flag(_)) => true,
        (Field::Added | Field::LastPlayed, _, Value::Span(span)) => {
            (1..=10_000).contains(&span.amount)
        }
        (Field::Explicit | Field::Added | Field::LastPlayed, _, _) => false,
        (field, Between, Value::Range(min, max)) => !field.is_text() && min <= max,
        (_, In | NotIn, Value::Texts(texts)) => (1..=MAX_VALUES).contains(&texts.len()),
        (_, In | NotIn | Between, _) => false,
        (Field::Playlist, _, Value::Text(_)) => true,
        (Field::TextSearch, _, Value::Text(text)) => !text.trim().is_empty(),
        (field, _, Value::Text(_)) => field.is_text(),
        (field, _, Value::Number(_)) => !field.is_text(),
        (_, _, Value::Flag(_) | Value::Texts(_) | Value::Range(..) | Value::Span(_)) => false,
    };
    if !fits {
        return fault(
            format!("{path}.value"),
            format!("{value:?}"),
            format!("{values} for {op:?}"),
        );
    }
    let texts = match value {
        Value::Text(text) => std::slice::from_ref(text),
        Value::Texts(texts) => texts.as_slice(),
        Value::Flag(_) | Value::Number(_) | Value::Range(..) | Value::Span(_) => &[],
    };
    for text in texts {
        at_most(format!("{path}.value"), text.chars().count(), MAX_TEXT)?;
        if *field == Field::Playlist
            && let Err(error) = text.parse::<crate::ids::PlaylistId>()
        {
            return fault(format!("{path}.value"), format!("\"{text}\""), error.to_string());
        }
    }
    Ok(())
}
