//! When a show comes, by the calendar alone: no zone, no clocks that change.

use crate::recurrence::{Recurrence, RuleFault, YEARS};
use grimnir_events::show::{Exception, KeptShow, LocalTime, Show};
use jiff::civil::DateTime;

/// A show with its rule read.
#[derive(Clone, Debug)]
pub struct Coming<'a> {
    /// The show.
    pub kept: &'a KeptShow,
    rule: Option<Recurrence>,
}

/// One time that a show comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Airing<'a> {
    /// When it comes by its rule.
    pub original: LocalTime,
    /// When it comes.
    pub start: DateTime,
    /// How long it is, in seconds.
    pub duration_s: u32,
    /// What is different about it.
    pub exception: Option<&'a Exception>,
}

impl Airing<'_> {
    /// It does not air.
    pub fn cancelled(&self) -> bool {
        self.exception.is_some_and(|exception| exception.cancelled)
    }

    /// Its end by the calendar.
    pub fn end(&self) -> DateTime {
        let span = jiff::Span::new().seconds(i64::from(self.duration_s));
        self.start.checked_add(span).unwrap_or(DateTime::MAX)
    }
}

/// The rule of a show; `None` for one that comes once.
pub fn rule(show: &Show) -> Result<Option<Recurrence>, RuleFault> {
    let text = show.rrule.trim();
    (!text.is_empty()).then(|| Recurrence::parse(text)).transpose()
}

impl<'a> Coming<'a> {
    /// Reads a show; one whose rule cannot be read, which no ledger holds, comes once.
    pub fn of(kept: &'a KeptShow) -> Self {
        Self { kept, rule: rule(&kept.show).unwrap_or_default() }
    }

    /// Its starts by its rule in `from..until`, in order, `most` at most.
    pub fn originals(&self, from: DateTime, until: DateTime, most: usize) -> Vec<DateTime> {
        let Some(start) = self.kept.show.start.civil() else { return Vec::new() };
        match &self.rule {
            Some(rule) => rule.between(start, from, until, most),
            None => [start].into_iter().filter(|at| (from..until).contains(at)).collect(),
        }
    }

    /// Whether it comes then by its rule.
    pub fn holds(&self, original: LocalTime) -> bool {
        let Some(at) = original.civil() else { return false };
        let after = at.checked_add(jiff::Span::new().seconds(1));
        after.is_ok_and(|after| !self.originals(at, after, 1).is_empty())
    }

    /// Whether it comes at all.
    pub fn comes(&self) -> bool {
        let bound = |year| DateTime::constant(year, 1, 1, 0, 0, 0, 0);
        !self.originals(bound(*YEARS.start()), bound(*YEARS.end() + 1), 1).is_empty()
    }

    /// The times it comes whose start is in `from..until`, cancelled ones too, in order.
    pub fn airings(&self, from: DateTime, until: DateTime, most: usize) -> Vec<Airing<'a>> {
        let KeptShow { show, exceptions } = self.kept;
        let mut airings = Vec::new();
        for start in self.originals(from, until, most) {
            let original = LocalTime::from(start);
            let exception = exceptions.get(&original);
            // One that is moved is found where it is moved to.
            if exception.is_none_or(|exception| exception.moved.is_none()) {
                let duration_s = show.duration_s;
                airings.push(Airing { original, start, duration_s, exception });
            }
        }
        for (original, exception) in exceptions {
            let moved = exception.moved.and_then(|moved| Some((moved, moved.to.civil()?)));
            let Some((moved, start)) = moved else { continue };
            if (from..until).contains(&start) && self.holds(*original) {
                let (original, duration_s) = (*original, moved.duration_s);
                airings.push(Airing { original, start, duration_s, exception: Some(exception) });
            }
        }
        airings.sort_by_key(|airing| (airing.start, airing.original));
        airings
    }
}
