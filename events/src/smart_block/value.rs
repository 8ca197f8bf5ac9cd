//! What a rule compares with. A person reads and writes the bare value; stored bytes say which
//! kind it is.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a rule compares with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A flag.
    Flag(bool),
    /// A number.
    Number(i64),
    /// A text, or an id.
    Text(String),
    /// Several texts, or ids.
    Texts(Vec<String>),
    /// Two numbers, both in the range.
    Range(i64, i64),
    /// A length of time before the air time.
    Span(Span),
}

/// A length of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// How many.
    pub amount: u32,
    /// Of what.
    pub unit: SpanUnit,
}

/// A unit of time. Days and longer are those of the station's calendar.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanUnit {
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days.
    Days,
    /// Weeks.
    Weeks,
    /// Months.
    Months,
}

/// As stored: bytes have no field tags, so the kind stands in front.
#[derive(Serialize, Deserialize)]
enum Stored {
    Flag(bool),
    Number(i64),
    Text(String),
    Texts(Vec<String>),
    Range(i64, i64),
    Span(Span),
}

/// As read from people: the kind is that of the value.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Plain {
    Flag(bool),
    Number(i64),
    Text(String),
    Range([i64; 2]),
    Bounds { min: i64, max: i64 },
    Texts(Vec<String>),
    Span(Span),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let value = self.clone();
        if s.is_human_readable() {
            let plain = match value {
                Self::Flag(flag) => Plain::Flag(flag),
                Self::Number(number) => Plain::Number(number),
                Self::Text(text) => Plain::Text(text),
                Self::Texts(texts) => Plain::Texts(texts),
                Self::Range(min, max) => Plain::Range([min, max]),
                Self::Span(span) => Plain::Span(span),
            };
            return plain.serialize(s);
        }
        let stored = match value {
            Self::Flag(flag) => Stored::Flag(flag),
            Self::Number(number) => Stored::Number(number),
            Self::Text(text) => Stored::Text(text),
            Self::Texts(texts) => Stored::Texts(texts),
            Self::Range(min, max) => Stored::Range(min, max),
            Self::Span(span) => Stored::Span(span),
        };
        stored.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            return Ok(match Plain::deserialize(d)? {
                Plain::Flag(flag) => Self::Flag(flag),
                Plain::Number(number) => Self::Number(number),
                Plain::Text(text) => Self::Text(text),
                Plain::Range([min, max]) | Plain::Bounds { min, max } => Self::Range(min, max),
                Plain::Texts(texts) => Self::Texts(texts),
                Plain::Span(span) => Self::Span(span),
            });
        }
        Ok(match Stored::deserialize(d)? {
            Stored::Flag(flag) => Self::Flag(flag),
            Stored::Number(number) => Self::Number(number),
            Stored::Text(text) => Self::Text(text),
            Stored::Texts(texts) => Self::Texts(texts),
            Stored::Range(min, max) => Self::Range(min, max),
            Stored::Span(span) => Self::Span(span),
        })
    }
}
