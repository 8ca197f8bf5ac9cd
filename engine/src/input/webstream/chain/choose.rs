//! What is heard: leaving one that is in trouble, opening others in time, and going back.

use super::{Act, Chain, ENOUGH, MS, Now, Switch, Why};
use grimnir_events::webstream::SwitchReason;

/// Less than this held, and no frame for [`DOUBT_MS`], is doubt: others are opened.
const DOUBT_HELD: u64 = 1_600 * MS;
const DOUBT_MS: i64 = 350;
/// With less than this held nobody is waited for any more.
const URGENT_HELD: u64 = 950 * MS;
/// A sender that lets the held fall below this is slower than what is heard.
const THIN_HELD: u64 = 450 * MS;
/// Nothing is held any more.
const DRY_HELD: u64 = 100 * MS;
/// Others are opened so long one after the other.
const STAGGER_MS: i64 = 250;
/// What was opened in doubt is closed once there was none for so long.
const WARM_MS: i64 = 5_000;
/// A return waits so long for a quiet moment.
pub(super) const QUIET_WAIT_MS: i64 = 4_000;

impl Chain {
    /// It could be heard now.
    pub(super) fn good(&self, place: usize, now: &Now<'_>) -> bool {
        let look = now.looks.get(place).and_then(Option::as_ref);
        let enough = look.is_some_and(|look| look.held >= ENOUGH && look.fault.is_none());
        self.all[place].open.is_some() && self.all[place].well_since.is_some() && enough
    }

    /// What is wrong with the one that is heard.
    pub(super) fn trouble(&self, now: &Now<'_>) -> Option<(SwitchReason, String)> {
        let Some(active) = self.active() else {
            return Some((SwitchReason::Opened, String::new()));
        };
        let one = &self.all[active];
        let look = now.looks.get(active).and_then(Option::as_ref);
        let Some(look) = look.filter(|_| one.open.is_some()) else {
            return Some(one.lost.clone());
        };
        if self.is_silent(look) && look.frames > ENOUGH {
            let detail = format!("nothing but silence for {} ms", look.silent / MS);
            return Some((SwitchReason::Silent, detail));
        }
        let stalls = look.idle_ms >= i64::from(self.laws.stall_ms);
        let runs_out = look.idle_ms >= DOUBT_MS && now.held < URGENT_HELD;
        if (stalls && now.held < DOUBT_HELD) || runs_out {
            return Some((SwitchReason::Stalled, format!("no sound for {} ms", look.idle_ms)));
        }
        let thin = now.held < THIN_HELD && look.frames > 2_000 * MS;
        thin.then(|| (SwitchReason::Stalled, "slower than what is heard".to_owned()))
    }

    /// The one that is heard, or another in its place.
    pub(super) fn choose(&mut self, now: &Now<'_>, acts: &mut Vec<Act>) {
        let trouble = self.trouble(now);
        let look = self.active.and_then(|active| now.looks.get(active)?.as_ref());
        let slow = look.is_some_and(|look| look.idle_ms >= DOUBT_MS && now.held < DOUBT_HELD);
        if trouble.is_none() && !slow {
            return self.calm_down(now.ms, acts);
        }
        let since = *self.doubt_since.get_or_insert(now.ms);
        self.warm_another(now.ms, acts);
        let Some((reason, detail)) = trouble else { return };
        let first = (0..self.all.len()).find(|place| {
            // One that is silent has sound, but none that is wanted.
            let same = self.active == Some(*place);
            self.good(*place, now) && !(same && reason == SwitchReason::Silent)
        });
        let patient = now.ms - since < i64::from(self.laws.grace_ms);
        // At the beginning nothing is held that could run out.
        let urgent = now.held < URGENT_HELD && self.active.is_some();
        let best = first == Some(0) || first == self.active;
        match first {
            Some(to) if best || urgent || !patient => self.switch(to, (reason, detail), now, acts),
            Some(_) => {}
            None => self.exhaust((reason, detail), now, acts),
        }
    }

    fn switch(
        &mut self,
        to: usize,
        (reason, detail): (SwitchReason, String),
        now: &Now<'_>,
        acts: &mut Vec<Act>,
    ) {
        let from = self.active.filter(|_| !self.exhausted);
        let (reason, detail) = match self.exhausted {
            true => (SwitchReason::Recovered, String::new()),
            false => (reason, detail),
        };
        self.doubt_since = None;
        self.calm_since = now.ms;
        (self.active, self.exhausted) = (Some(to), false);
        if from == Some(to) {
            return;
        }
        if let Some(from) = from {
            let stalled = self.all[from].open.is_some();
            if stalled && reason != SwitchReason::Recovered {
                self.fail(from, now.ms, (reason, detail.clone()), acts);
            } else {
                self.close(from, acts);
            }
        }
        acts.push(Act::Switch(Switch { from, to: Some(to), reason, detail }));
    }

    /// None gives sound; told once, when nothing is held any more.
    fn exhaust(&mut self, why: (SwitchReason, String), now: &Now<'_>, acts: &mut Vec<Act>) {
        let Some(from) = self.active.filter(|_| now.held < DRY_HELD && !self.exhausted) else {
            return;
        };
        self.exhausted = true;
        let (reason, detail) = why;
        acts.push(Act::Switch(Switch { from: Some(from), to: None, reason, detail }));
    }

    /// Opens one that is not open: the one that was heard first, then the others in order.
    fn warm_another(&mut self, now: i64, acts: &mut Vec<Act>) {
        if now < self.next_warm {
            return;
        }
        let again = self.active.filter(|_| !self.exhausted);
        let order = again.into_iter().chain(0..self.all.len());
        let may = |place: &usize| {
            let one = &self.all[*place];
            one.open.is_none() && one.next_try <= now
        };
        if let Some(place) = order.into_iter().find(may) {
            self.open(place, Why::Play, now, acts);
            self.next_warm = now + STAGGER_MS;
        }
    }

    /// What was opened in doubt is closed after a while.
    fn calm_down(&mut self, now: i64, acts: &mut Vec<Act>) {
        if self.doubt_since.take().is_some() {
            self.calm_since = now;
        }
        if now - self.calm_since < WARM_MS {
            return;
        }
        let Some(active) = self.active else { return };
        let recovers = if self.laws.recover { active } else { 0 };
        for place in recovers..self.all.len() {
            let warm = self.all[place].open.is_some_and(|(why, _)| why == Why::Play);
            if place != active && warm {
                self.close(place, acts);
            }
        }
    }

    /// Earlier ones of the chain are watched, and returned to at a quiet moment.
    pub(super) fn recover(&mut self, now: &Now<'_>, acts: &mut Vec<Act>) {
        let Some(active) = self.active.filter(|_| self.laws.recover && !self.exhausted) else {
            return;
        };
        if self.doubt_since.is_some() {
            return;
        }
        for place in 0..active {
            let one = &mut self.all[place];
            match &mut one.open {
                // It is watched from now on.
                Some((why, _)) => *why = Why::Play,
                None => {
                    if one.next_try <= now.ms {
                        self.open(place, Why::Play, now.ms, acts);
                    }
                    continue;
                }
            }
            let one = &self.all[place];
            let well = one.well_since.is_some_and(|since| now.ms - since >= self.needs_well(place));
            if !well || !self.good(place, now) {
                continue;
            }
            let since = *self.return_since.get_or_insert(now.ms);
            if now.quiet || now.ms - since >= QUIET_WAIT_MS {
                self.return_since = None;
                let detail = format!("well for {} ms", self.needs_well(place));
                self.all[place].returned_at = Some(now.ms);
                self.switch(place, (SwitchReason::Recovered, detail), now, acts);
            }
            return;
        }
        self.return_since = None;
    }
}
