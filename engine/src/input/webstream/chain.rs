//! Which address of a chain is heard: decided from looks at those that are open, and a clock.
//!
//! A pure machine: [`Chain::step`] takes the time, what is held, and a look at each address, and
//! answers what is to be done. So it is tested without sockets or waiting. Times are milliseconds.

use super::pipe::Look;
use grimnir_events::webstream::{FailoverSettings, ProbeSettings, SwitchReason, WebstreamHealth};

/// Frames of a millisecond.
const MS: u64 = 48;
/// An address can be heard once so much waits: 200 ms.
const ENOUGH: u64 = 200 * MS;
/// Failures are forgotten once an address was well for so long.
const FORGET_MS: i64 = 3_000;
/// Longest pause before a failed address is tried again.
const PAUSE_MAX_MS: i64 = 60_000;
/// Longest time that an address that relapsed has to be well.
const WELL_MAX_MS: i64 = 600_000;
/// An address that fails within so many times the time it had to be well has relapsed.
const RELAPSE_TIMES: i64 = 4;

/// Why an address is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Why {
    /// To be heard, now or soon.
    Play,
    /// To see how it is.
    Probe,
}

/// One address.
#[derive(Debug)]
struct One {
    url: String,
    open: Option<(Why, i64)>,
    /// Since when it gives sound.
    well_since: Option<i64>,
    failures: u32,
    next_try: i64,
    next_probe: i64,
    relapses: u32,
    /// When it was returned to.
    returned_at: Option<i64>,
    health: WebstreamHealth,
    /// Why it failed last, as the reason of a switch away from it.
    lost: (SwitchReason, String),
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// Open an address.
    Open(usize),
    /// Close it.
    Close(usize),
    /// It is as well as this from now on; what was found, where that is something else than sound.
    Told(usize, WebstreamHealth, String),
    /// Let another be heard, or none.
    Switch(Switch),
    /// The whole is as well as this from now on.
    Health(WebstreamHealth, WebstreamHealth),
}

/// Another is heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Switch {
    /// Which was.
    pub from: Option<usize>,
    /// Which is.
    pub to: Option<usize>,
    /// Why.
    pub reason: SwitchReason,
    /// What was seen.
    pub detail: String,
}

/// What a step is told.
pub(super) struct Now<'a> {
    /// The time.
    pub ms: i64,
    /// Frames on their way to the air, of the address that is heard and in the ring.
    pub held: u64,
    /// What is heard just now is quiet.
    pub quiet: bool,
    /// A look at each address that is open.
    pub looks: &'a [Option<Look>],
}

/// The chain.
#[derive(Debug)]
pub(super) struct Chain {
    laws: FailoverSettings,
    probe: ProbeSettings,
    all: Vec<One>,
    wanted: bool,
    active: Option<usize>,
    /// None gives sound, and that was told.
    exhausted: bool,
    doubt_since: Option<i64>,
    calm_since: i64,
    next_warm: i64,
    return_since: Option<i64>,
    health: WebstreamHealth,
}

impl Chain {
    /// Of these addresses; all of them are to be tried out at `now`.
    pub(super) fn new(
        urls: &[String],
        laws: FailoverSettings,
        probe: ProbeSettings,
        now: i64,
    ) -> Self {
        let next_probe = if probe.interval_s == 0 { i64::MAX } else { now };
        let one = |url: &String| One {
            url: url.clone(),
            open: None,
            well_since: None,
            failures: 0,
            next_try: now,
            next_probe,
            relapses: 0,
            returned_at: None,
            health: WebstreamHealth::Unknown,
            lost: (SwitchReason::Opened, String::new()),
        };
        Self {
            laws,
            probe,
            all: urls.iter().map(one).collect(),
            wanted: false,
            active: None,
            exhausted: false,
            doubt_since: None,
            calm_since: now,
            next_warm: now,
            return_since: None,
            health: WebstreamHealth::Unknown,
        }
    }

    /// The address that is heard.
    pub(super) fn active(&self) -> Option<usize> {
        self.active.filter(|_| !self.exhausted)
    }

    /// An address, by its place.
    pub(super) fn url(&self, place: usize) -> &str {
        &self.all[place].url
    }

    /// Something may change within milliseconds.
    pub(super) fn busy(&self) -> bool {
        self.wanted || self.all.iter().any(|one| one.open.is_some())
    }

    /// It is to be heard from now on; everything may be tried at once.
    pub(super) fn want(&mut self, now: i64) {
        self.wanted = true;
        (self.active, self.exhausted, self.doubt_since) = (None, false, None);
        self.next_warm = now;
        for one in &mut self.all {
            one.next_try = now;
            if let Some((why, _)) = &mut one.open {
                *why = Why::Play;
            }
        }
    }

    /// It is not to be heard any more.
    pub(super) fn rest(&mut self) -> Vec<Act> {
        self.wanted = false;
        (self.active, self.exhausted) = (None, false);
        (self.doubt_since, self.return_since) = (None, None);
        let mut acts = Vec::new();
        for place in 0..self.all.len() {
            self.close(place, &mut acts);
        }
        acts
    }

    /// It is not looked at any more; how well it was, where that was known.
    pub(super) fn forget(&mut self) -> Option<WebstreamHealth> {
        let before = std::mem::replace(&mut self.health, WebstreamHealth::Unknown);
        (before != WebstreamHealth::Unknown).then_some(before)
    }

    /// All addresses are to be tried out.
    pub(super) fn probe_all(&mut self, now: i64) {
        self.all.iter_mut().for_each(|one| one.next_probe = now);
    }

    /// What is to be done now.
    pub(super) fn step(&mut self, now: &Now<'_>) -> Vec<Act> {
        let mut acts = Vec::new();
        for place in 0..self.all.len() {
            self.look(place, now, &mut acts);
        }
        if self.wanted {
            self.choose(now, &mut acts);
            self.recover(now, &mut acts);
        }
        self.try_out(now, &mut acts);
        self.tell_health(now, &mut acts);
        acts
    }

    fn look(&mut self, place: usize, now: &Now<'_>, acts: &mut Vec<Act>) {
        let Some((why, since)) = self.all[place].open else { return };
        let Some(look) = now.looks.get(place).and_then(Option::as_ref) else { return };
        let timeout = i64::from(self.probe.timeout_ms);
        if let Some(fault) = &look.fault {
            let (reason, detail) = fault.told();
            return self.fail(place, now.ms, (reason, detail.to_owned()), acts);
        }
        if look.frames == 0 && now.ms - since > timeout {
            let detail = format!("no sound within {timeout} ms");
            return self.fail(place, now.ms, (SwitchReason::Stalled, detail), acts);
        }
        if look.idle_ms > timeout && look.held == 0 {
            let detail = format!("no sound for {timeout} ms");
            return self.fail(place, now.ms, (SwitchReason::Stalled, detail), acts);
        }
        let stalls = look.idle_ms > i64::from(self.laws.stall_ms) && look.held == 0;
        if stalls || self.is_silent(look) || look.frames < ENOUGH {
            self.all[place].well_since = None;
            let probed = why == Why::Probe && now.ms - since > timeout;
            if probed {
                let found = match self.is_silent(look) {
                    true => (SwitchReason::Silent, "nothing but silence".to_owned()),
                    false => (SwitchReason::Stalled, "less sound than time".to_owned()),
                };
                self.fail(place, now.ms, found, acts);
            }
            return;
        }
        let one = &mut self.all[place];
        let since = *one.well_since.get_or_insert(now.ms);
        if one.health != WebstreamHealth::Healthy {
            one.health = WebstreamHealth::Healthy;
            acts.push(Act::Told(place, one.health, String::new()));
        }
        if now.ms - since >= FORGET_MS {
            one.failures = 0;
        }
        if why == Why::Probe && look.bytes >= u64::from(self.probe.min_bytes) {
            one.failures = 0;
            self.close(place, acts);
        }
    }

    /// Nothing was heard of it, or not for its time.
    fn is_silent(&self, look: &Look) -> bool {
        let limit = u64::from(self.laws.silence_ms) * MS;
        limit > 0 && (look.silent >= limit || (look.silent >= look.frames && look.frames > 0))
    }

    fn fail(&mut self, place: usize, now: i64, lost: (SwitchReason, String), acts: &mut Vec<Act>) {
        let well = self.needs_well(place);
        let one = &mut self.all[place];
        one.failures = one.failures.saturating_add(1);
        let pause = 500i64 << one.failures.min(7);
        // Once is nothing: it is tried again at once.
        one.next_try = now + if one.failures == 1 { 0 } else { pause.min(PAUSE_MAX_MS) };
        one.next_probe = next_probe(&self.probe, now);
        one.well_since = None;
        if let Some(at) = one.returned_at.take() {
            let relapsed = now - at < well.saturating_mul(RELAPSE_TIMES);
            one.relapses = if relapsed { one.relapses + 1 } else { 0 };
        }
        let health = match one.failures {
            1 => WebstreamHealth::Degraded,
            _ => WebstreamHealth::Unhealthy,
        };
        if one.health != health || one.lost.0 != lost.0 {
            one.health = health;
            acts.push(Act::Told(place, health, lost.1.clone()));
        }
        one.lost = lost;
        self.close(place, acts);
    }

    fn close(&mut self, place: usize, acts: &mut Vec<Act>) {
        let one = &mut self.all[place];
        if one.open.take().is_some() {
            one.well_since = None;
            acts.push(Act::Close(place));
        }
    }

    fn open(&mut self, place: usize, why: Why, now: i64, acts: &mut Vec<Act>) {
        self.all[place].open = Some((why, now));
        self.all[place].next_probe = next_probe(&self.probe, now);
        acts.push(Act::Open(place));
    }

    /// How long it has to be well before it is returned to.
    fn needs_well(&self, place: usize) -> i64 {
        let base = i64::from(self.laws.recover_after_ms);
        let grown = base << self.all[place].relapses.min(16);
        grown.min(WELL_MAX_MS.max(base))
    }

    /// Tries out one that is not open and whose time has come.
    fn try_out(&mut self, now: &Now<'_>, acts: &mut Vec<Act>) {
        let probing = |one: &One| one.open.is_some_and(|(why, _)| why == Why::Probe);
        if self.all.iter().any(probing) || self.doubt_since.is_some() {
            return;
        }
        // Those that are returned to are watched anyway.
        let watched = self.active.filter(|_| self.laws.recover && self.wanted).unwrap_or(0);
        let due = |place: &usize| {
            let one = &self.all[*place];
            one.open.is_none() && one.next_probe <= now.ms
        };
        if let Some(place) = (watched..self.all.len()).find(due) {
            self.open(place, Why::Probe, now.ms, acts);
        }
    }

    fn tell_health(&mut self, now: &Now<'_>, acts: &mut Vec<Act>) {
        use WebstreamHealth::{Degraded, Healthy, Unhealthy, Unknown};
        let all = |health| self.all.iter().all(|one| one.health == health);
        let first = self.all.first().map_or(Unknown, |one| one.health);
        let now_health = match (self.wanted, self.active) {
            (true, _) if self.exhausted => Unhealthy,
            (true, Some(0)) if self.trouble(now).is_none() => Healthy,
            (true, Some(0)) => self.health,
            (true, Some(_)) => Degraded,
            (_, None) | (false, _) if all(Unhealthy) => Unhealthy,
            (_, None) | (false, _) if first == Healthy => Healthy,
            (_, None) | (false, _) if all(Unknown) => self.health,
            (_, None) | (false, _) if first == Unknown => self.health,
            (_, None) | (false, _) => Degraded,
        };
        let before = std::mem::replace(&mut self.health, now_health);
        if before != now_health {
            acts.push(Act::Health(before, now_health));
        }
    }
}

fn next_probe(probe: &ProbeSettings, now: i64) -> i64 {
    match probe.interval_s {
        0 => i64::MAX,
        seconds => now + i64::from(seconds) * 1_000,
    }
}

mod choose;
#[cfg(test)]
mod tests;
