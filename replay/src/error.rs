//! Why there is no answer.

use grimnir_ledger::ReadError;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// There is no ledger, it cannot be read, or it contradicts itself.
    #[error(transparent)]
    Ledger(#[from] ReadError),
    /// No station goes by that name.
    #[error("station \"{found}\" is not in this ledger; {}", list(.known))]
    Station {
        /// The name as given.
        found: String,
        /// The stations there are.
        known: Vec<String>,
    },
    /// Several stations go by that name.
    #[error("\"{found}\" names {} stations; give slug or id: {}", .known.len(), .known.join(", "))]
    Ambiguous {
        /// The name as given.
        found: String,
        /// The stations it names.
        known: Vec<String>,
    },
    /// The station keeps the time of a zone that is not in the time-zone data.
    #[error("station keeps the time of \"{found}\", which is not in the time-zone data")]
    Zone {
        /// The zone.
        found: String,
    },
    /// The text is not an hour.
    #[error(
        "\"{found}\" is not an hour: expected e.g. 2026-11-21T14 in the station's own time, or \
         with an offset, 2026-11-21T14+01:00 or 2026-11-21T13Z"
    )]
    Hour {
        /// The text as given.
        found: String,
    },
    /// The text is not an instant.
    #[error(
        "\"{found}\" is not a time: expected e.g. 2026-11-21T14:03:05 in the station's own time, \
         or with an offset, 2026-11-21T14:03:05.250+01:00 or 2026-11-21T13:03:05Z"
    )]
    Time {
        /// The text as given.
        found: String,
    },
    /// The station's clocks never showed that time.
    #[error("{found} was skipped in {zone}: its clocks went from {from} to {to}")]
    Skipped {
        /// The hour or time.
        found: String,
        /// The zone.
        zone: String,
        /// Last before the gap, local.
        from: String,
        /// First after it, local.
        to: String,
    },
    /// The station's clocks did not show that hour at that offset.
    #[error("{zone} was not at {found} in that hour; it was at {}", .kept.join(" and "))]
    Offset {
        /// The offset as given.
        found: String,
        /// The zone.
        zone: String,
        /// The offsets it had.
        kept: Vec<String>,
    },
    /// The format is none of ours.
    #[error("format \"{found}\" is not known: expected table, json or csv")]
    Format {
        /// The format as given.
        found: String,
    },
    /// The ledger does not reach that far.
    #[error("position {found} is beyond the ledger's last, {last}")]
    Position {
        /// The position as given.
        found: u64,
        /// The last one.
        last: u64,
    },
    /// The answer could not be written.
    #[error("answer cannot be written: {reason}")]
    Write {
        /// Why.
        reason: String,
    },
}

fn list(names: &[String]) -> String {
    match names {
        [] => "it has no station".to_owned(),
        names => format!("it has {}", names.join(", ")),
    }
}

impl ReplayError {
    pub(crate) fn write(error: impl std::fmt::Display) -> Self {
        Self::Write { reason: error.to_string() }
    }
}
