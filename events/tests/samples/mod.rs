//! One value for every word of the language: each variant of each event, with each field set to
//! something that no other field has, so that two swapped fields show; and the golden files that
//! hold their bytes.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(unused_imports, reason = "each test binary uses its own part")]

mod aggregates;
mod blocks;
mod broadcast;
mod clocks;
mod commits;
mod frozen;
mod live;
mod measured;
mod outputs;
mod register;
mod rolled;
mod shows;
mod stock;
mod webstreams;

pub use aggregates::*;
pub use blocks::*;
pub use broadcast::*;
pub use clocks::*;
pub use commits::*;
pub use frozen::*;
pub use live::*;
pub use measured::*;
pub use outputs::*;
pub use register::*;
pub use rolled::*;
pub use shows::*;
pub use stock::*;
pub use webstreams::*;

use grimnir_events::{ContentHash, UtcMicros};

/// Samples with the label that names them in a golden file.
pub type Labelled<T> = Vec<(String, T)>;

/// Sixteen bytes that say which id they are.
pub fn raw(number: u8) -> [u8; 16] {
    let mut bytes = [number; 16];
    bytes[0] = 0xA0;
    bytes[15] = number.wrapping_add(1);
    bytes
}

pub fn hash(number: u8) -> ContentHash {
    ContentHash([number; 32])
}

/// 2026-11-21T14:00:00Z and so many microseconds.
pub fn at(micros: i64) -> UtcMicros {
    UtcMicros(1_795_269_600_000_000 + micros)
}

/// Every variant of `$enum` that has no fields, and that they are all there are of it.
macro_rules! words {
    ($enum:ident: $($variant:ident),* $(,)?) => {{
        // A new variant does not compile here until it stands in the list.
        fn listed(word: $enum) -> bool {
            match word { $($enum::$variant => true),* }
        }
        let all = [$((stringify!($variant), $enum::$variant)),*];
        all.into_iter().filter(|(_, word)| listed(word.clone()))
    }};
}

/// Labels samples by their variant, and asserts that every variant there is has one.
macro_rules! labelled {
    ($enum:ident: [$($variant:ident),* $(,)?], $samples:expr) => {{
        // A new variant does not compile here until it stands in the list.
        fn variant(sample: &$enum) -> &'static str {
            match sample { $($enum::$variant { .. } => stringify!($variant)),* }
        }
        let samples: Vec<(String, $enum)> = $samples;
        let out: crate::samples::Labelled<$enum> = samples
            .into_iter()
            .map(|(detail, sample)| {
                let dot = if detail.is_empty() { "" } else { "." };
                (format!("{}{dot}{detail}", variant(&sample)), sample)
            })
            .collect();
        $(assert!(
            out.iter().any(|(_, sample)| variant(sample) == stringify!($variant)),
            "{} has no sample", stringify!($variant)
        );)*
        out
    }};
}

pub(crate) use {labelled, words};

/// A sample that its variant alone names.
pub fn plain<T>(sample: T) -> (String, T) {
    (String::new(), sample)
}
