//! What may come often is told seldom: titles at most once a second, and those who were turned
//! away ever more seldom while they go on.
//!
//! Pure: the time is given. Not here: what is told, and to whom.

use super::TELL;
use grimnir_events::AirFrame;

/// Longest pause between two that were turned away and are told: a minute.
const REFUSED_MOST: i64 = 60 * TELL;

/// What somebody says that they play.
pub(in crate::director) struct Titles {
    text: String,
    told_at: AirFrame,
    /// It could not be told yet.
    pending: bool,
}

impl Default for Titles {
    fn default() -> Self {
        Self { text: String::new(), told_at: AirFrame(0), pending: false }
    }
}

impl Titles {
    /// The last one; empty before the first.
    pub(super) fn last(&self) -> &str {
        &self.text
    }

    /// Another is played; true where that is to be told now.
    pub(super) fn hear(&mut self, title: &str, now: AirFrame) -> bool {
        title.clone_into(&mut self.text);
        let tells = now.since(self.told_at) >= TELL;
        self.pending = !tells;
        if tells {
            self.told_at = now;
        }
        tells
    }

    /// The last one, where it could not be told before and can now.
    pub(super) fn due(&mut self, now: AirFrame) -> Option<String> {
        if !self.pending || now.since(self.told_at) < TELL {
            return None;
        }
        (self.pending, self.told_at) = (false, now);
        Some(self.text.clone())
    }
}

/// Those who were turned away.
pub(in crate::director) struct Refusals {
    told_at: AirFrame,
    last_at: AirFrame,
    /// The least time to the next that is told.
    pause: i64,
    /// How many were not told since.
    others: u64,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { told_at: AirFrame(0), last_at: AirFrame(0), pause: TELL, others: 0 }
    }
}

impl Refusals {
    /// One more; how many came since the last that was told, where this one is to be told.
    pub(super) fn another(&mut self, now: AirFrame) -> Option<u64> {
        let quiet = now.since(std::mem::replace(&mut self.last_at, now)) >= REFUSED_MOST;
        if quiet {
            self.pause = TELL;
        }
        if !quiet && now.since(self.told_at) < self.pause {
            self.others += 1;
            return None;
        }
        if !quiet {
            self.pause = (2 * self.pause).min(REFUSED_MOST);
        }
        self.told_at = now;
        Some(std::mem::take(&mut self.others))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: AirFrame = AirFrame(1 << 40);

    #[test]
    fn the_last_of_several_titles_within_a_second_is_told_after_it() {
        let mut titles = Titles::default();
        assert!(titles.hear("A", BEGIN));
        assert!(!titles.hear("B", BEGIN.plus(TELL / 4)));
        assert!(!titles.hear("C", BEGIN.plus(TELL / 2)));
        assert_eq!((titles.due(BEGIN.plus(TELL - 1)), titles.last()), (None, "C"));
        assert_eq!(titles.due(BEGIN.plus(TELL)), Some("C".into()));
        assert_eq!(titles.due(BEGIN.plus(3 * TELL)), None, "once");
        assert!(titles.hear("D", BEGIN.plus(3 * TELL)));
        assert_eq!(titles.due(BEGIN.plus(9 * TELL)), None, "it was told");
    }

    #[test]
    fn who_is_turned_away_for_a_day_is_told_hardly_more_than_once_a_minute() {
        let (mut refusals, mut told, mut counted) = (Refusals::default(), vec![], 0);
        let day = 24 * 3_600 * TELL;
        for at in (0..day).step_by(TELL as usize / 2) {
            if let Some(others) = refusals.another(BEGIN.plus(at)) {
                told.push(at / TELL);
                counted += 1 + others;
            }
        }
        assert_eq!(told[..5], [0, 1, 3, 7, 15], "seconds");
        assert!(told.len() <= 24 * 60 + 6, "{} are told", told.len());
        let last = told.last().expect("some are told");
        assert!(*last > 24 * 3_600 - 61, "to the last");
        assert_eq!(counted, 1 + 2 * *last as u64, "all are counted");
        let later = BEGIN.plus(day + REFUSED_MOST);
        assert!(refusals.another(later).is_some(), "the first after a minute without any");
        assert_eq!(refusals.another(later.plus(TELL)), Some(0), "it begins anew");
    }
}
