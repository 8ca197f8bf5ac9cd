//! A chain in a small world: addresses that are up, stall, refuse, or are silent, and air that
//! takes its frames in time.

use super::super::pipe::Fault;
use super::choose::QUIET_WAIT_MS;
use super::*;

/// How an address is.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Way {
    Up,
    Stalls,
    Refuses,
    Page,
    Silent,
}

struct World {
    chain: Chain,
    ways: Vec<Way>,
    pipes: Vec<Option<Look>>,
    ms: i64,
    ring: u64,
    quiet: bool,
    /// Milliseconds in which nothing was held.
    dry_ms: i64,
    switches: Vec<(i64, Option<usize>, Option<usize>, SwitchReason)>,
    told: Vec<(usize, WebstreamHealth)>,
    healths: Vec<WebstreamHealth>,
}

const STEP: i64 = 10;

impl World {
    fn new(ways: &[Way], laws: FailoverSettings) -> Self {
        let urls: Vec<String> = (0..ways.len()).map(|n| format!("http://{n}/")).collect();
        let probe = ProbeSettings { interval_s: 30, timeout_ms: 2_000, min_bytes: 8_000 };
        Self {
            chain: Chain::new(&urls, laws, probe, 0),
            ways: ways.to_vec(),
            pipes: vec![None; ways.len()],
            ms: 0,
            ring: 0,
            quiet: true,
            dry_ms: 0,
            switches: vec![],
            told: vec![],
            healths: vec![],
        }
    }

    /// On air: two seconds are held before anything is taken.
    fn playing(ways: &[Way], laws: FailoverSettings) -> Self {
        let mut world = Self::new(ways, laws);
        world.chain.want(0);
        while world.ring < 96_000 {
            world.step(false);
        }
        world
    }

    fn step(&mut self, heard: bool) {
        self.ms += STEP;
        let frames = STEP as u64 * MS;
        for (way, pipe) in self.ways.iter().zip(&mut self.pipes) {
            let Some(look) = pipe else { continue };
            match way {
                Way::Up | Way::Silent => {
                    look.frames += frames;
                    look.bytes += STEP as u64 * 16;
                    look.held = (look.held + frames).min(96_000);
                    look.idle_ms = 0;
                    look.silent = if *way == Way::Up { 0 } else { look.silent + frames };
                }
                Way::Stalls => look.idle_ms += STEP,
                Way::Refuses => look.fault = Some(Fault::Ended("refused".into())),
                Way::Page => look.fault = Some(Fault::NotSound("a page".into())),
            }
        }
        if let Some(look) = self.chain.active().and_then(|place| self.pipes[place].as_mut()) {
            self.ring += std::mem::take(&mut look.held);
        }
        if heard {
            if self.ring < frames {
                self.dry_ms += STEP;
            }
            self.ring = self.ring.saturating_sub(frames);
        }
        let now = Now { ms: self.ms, held: self.ring, quiet: self.quiet, looks: &self.pipes };
        for act in self.chain.step(&now) {
            match act {
                Act::Open(place) => {
                    assert!(self.pipes[place].is_none(), "opened twice");
                    self.pipes[place] = Some(Look::default());
                }
                Act::Close(place) => {
                    assert!(self.pipes[place].take().is_some(), "closed twice");
                }
                Act::Told(place, health, _) => self.told.push((place, health)),
                Act::Switch(s) => self.switches.push((self.ms, s.from, s.to, s.reason)),
                Act::Health(_, to) => self.healths.push(to),
            }
        }
    }

    fn run(&mut self, ms: i64) {
        for _ in 0..ms / STEP {
            self.step(true);
        }
    }

    fn tos(&self) -> Vec<(Option<usize>, SwitchReason)> {
        self.switches.iter().map(|(_, _, to, reason)| (*to, *reason)).collect()
    }
}

fn laws() -> FailoverSettings {
    FailoverSettings { recover_after_ms: 5_000, silence_ms: 3_000, ..FailoverSettings::default() }
}

#[test]
fn whatever_the_first_does_the_next_is_heard_before_the_ring_is_dry() {
    for (way, reason) in [
        (Way::Stalls, SwitchReason::Stalled),
        (Way::Refuses, SwitchReason::Ended),
        (Way::Page, SwitchReason::NotSound),
        (Way::Silent, SwitchReason::Silent),
    ] {
        let mut world = World::playing(&[Way::Up, Way::Up], laws());
        world.run(2_000);
        world.ways[0] = way;
        let began = world.ms;
        world.run(10_000);
        let tos = [(Some(0), SwitchReason::Opened), (Some(1), reason)];
        assert_eq!(world.tos(), tos, "{way:?}");
        assert_eq!(world.dry_ms, 0, "{way:?}");
        let took = world.switches[1].0 - began;
        let limit = if way == Way::Silent { 4_100 } else { 1_200 };
        assert!(took <= limit, "{way:?}: {took} ms");
        assert_eq!(world.healths.last(), Some(&WebstreamHealth::Degraded));
    }
}

#[test]
fn a_first_one_that_is_down_from_the_beginning_is_skipped_and_a_second_too() {
    let world = World::playing(&[Way::Page, Way::Refuses, Way::Up], laws());
    assert_eq!(world.tos(), [(Some(2), SwitchReason::Opened)]);
    assert!(world.ms < 5_000, "{} ms", world.ms);
    assert!(world.told.contains(&(0, WebstreamHealth::Degraded)));
}

#[test]
fn grace_is_given_only_while_enough_is_held() {
    let mut world = World::playing(&[Way::Up, Way::Up], laws());
    world.chain.laws.grace_ms = 10_000;
    world.ways[0] = Way::Refuses;
    world.run(10_000);
    assert_eq!((world.switches.len(), world.dry_ms), (2, 0), "{:?}", world.switches);
    let mut impatient = World::playing(&[Way::Up, Way::Up], laws());
    (impatient.chain.laws.grace_ms, impatient.chain.laws.stall_ms) = (0, 500);
    impatient.ways[0] = Way::Stalls;
    let began = impatient.ms;
    impatient.run(5_000);
    let took = impatient.switches[1].0 - began;
    assert!((500..900).contains(&took), "{took} ms");
}

#[test]
fn one_that_is_back_within_its_grace_is_not_left() {
    let switches = |grace_ms| {
        let mut world = World::playing(&[Way::Up, Way::Up], laws());
        (world.chain.laws.grace_ms, world.chain.laws.stall_ms) = (grace_ms, 500);
        world.ways[0] = Way::Stalls;
        world.run(900);
        world.ways[0] = Way::Up;
        world.run(3_000);
        world.switches.len()
    };
    assert_eq!(switches(900), 1);
    assert!(switches(0) > 1);
}

#[test]
fn a_probe_takes_as_many_bytes_as_are_asked_for() {
    let mut world = World::new(&[Way::Up], laws());
    let mut open_ms = 0;
    while world.told.is_empty() || world.pipes[0].is_some() {
        world.step(true);
        open_ms += if world.pipes[0].is_some() { STEP } else { 0 };
    }
    // 8,000 bytes at 16,000 a second.
    assert!((490..=520).contains(&open_ms), "{open_ms} ms");
}

#[test]
fn failures_are_forgotten_only_by_one_that_is_well_for_a_while() {
    let told = |well_ms| {
        let mut world = World::playing(&[Way::Up, Way::Up], laws());
        world.ways[0] = Way::Refuses;
        world.run(1_000);
        world.ways[0] = Way::Up;
        world.told.clear();
        while world.told.is_empty() {
            world.step(true);
        }
        world.run(well_ms);
        world.ways[0] = Way::Refuses;
        world.run(10);
        world.told
    };
    use WebstreamHealth::{Degraded, Healthy, Unhealthy};
    assert_eq!(told(1_000), [(0, Healthy), (0, Unhealthy)]);
    assert_eq!(told(4_000), [(0, Healthy), (0, Degraded)]);
}

#[test]
fn a_short_pause_is_no_reason_to_leave() {
    let mut world = World::playing(&[Way::Up, Way::Up], laws());
    for _ in 0..5 {
        world.ways[0] = Way::Stalls;
        world.run(700);
        world.ways[0] = Way::Up;
        // What it held back comes at once.
        if let Some(look) = &mut world.pipes[0] {
            look.held += 700 * MS;
        }
        world.run(3_000);
    }
    assert_eq!(world.switches.len(), 1, "{:?}", world.switches);
    assert_eq!(world.dry_ms, 0);
}

#[test]
fn the_first_is_returned_to_once_it_was_well_and_at_a_quiet_moment() {
    let back = |quiet| {
        let mut world = World::playing(&[Way::Up, Way::Up], laws());
        world.ways[0] = Way::Refuses;
        world.run(8_000);
        world.ways[0] = Way::Up;
        let began = world.ms;
        world.quiet = quiet;
        world.run(70_000);
        let (at, from, to, reason) = *world.switches.last().expect("is there");
        assert_eq!((from, to, reason), (Some(1), Some(0), SwitchReason::Recovered));
        assert_eq!(world.healths.last(), Some(&WebstreamHealth::Healthy));
        assert!(world.pipes[1].is_none(), "the other is let go");
        assert_eq!(world.dry_ms, 0);
        at - began
    };
    let (quiet, busy) = (back(true), back(false));
    assert!(quiet >= 5_000, "{quiet} ms after it came back");
    assert_eq!(busy - quiet, QUIET_WAIT_MS);
}

#[test]
fn one_that_flaps_is_returned_to_later_and_later() {
    let mut world = World::playing(&[Way::Up, Way::Up], laws());
    // Down for 3 s, up for 12 s, for ten minutes.
    for _ in 0..40 {
        world.ways[0] = Way::Refuses;
        world.run(3_000);
        world.ways[0] = Way::Up;
        world.run(12_000);
    }
    // There and back once or twice, then its times of being well are too short.
    assert!(world.switches.len() <= 6, "{:?}", world.switches);
    assert_eq!(world.chain.active(), Some(1));
    assert_eq!(world.dry_ms, 0);
    // Once it stays, it is heard again.
    world.run(120_000);
    assert_eq!(world.chain.active(), Some(0));
}

#[test]
fn one_that_flaps_fast_is_not_returned_to_at_all() {
    let mut world = World::playing(&[Way::Up, Way::Up], laws());
    for _ in 0..60 {
        world.ways[0] = Way::Refuses;
        world.run(1_000);
        world.ways[0] = Way::Up;
        world.run(2_000);
    }
    assert_eq!(world.switches.len(), 2, "{:?}", world.switches);
}

#[test]
fn with_none_left_that_is_told_once_and_the_first_that_comes_back_is_heard() {
    let mut world = World::playing(&[Way::Up, Way::Up], laws());
    world.ways = vec![Way::Refuses, Way::Stalls];
    world.run(20_000);
    let last = *world.switches.last().expect("is there");
    assert_eq!((last.2, world.switches.iter().filter(|s| s.2.is_none()).count()), (None, 1));
    assert_eq!(world.healths.last(), Some(&WebstreamHealth::Unhealthy));
    world.ways[1] = Way::Up;
    world.run(70_000);
    let last = *world.switches.last().expect("is there");
    assert_eq!((last.1, last.2, last.3), (None, Some(1), SwitchReason::Recovered));
}

#[test]
fn the_only_one_is_heard_again_when_it_comes_back() {
    let mut world = World::playing(&[Way::Up], laws());
    world.ways[0] = Way::Refuses;
    world.run(10_000);
    assert_eq!(world.switches.last().map(|s| s.2), Some(None));
    world.ways[0] = Way::Up;
    world.run(30_000);
    let last = *world.switches.last().expect("is there");
    assert_eq!((last.1, last.2, last.3), (None, Some(0), SwitchReason::Recovered));
}

#[test]
fn while_it_rests_each_address_is_tried_out_in_its_interval() {
    let mut world = World::new(&[Way::Up, Way::Page, Way::Silent], laws());
    world.run(20_000);
    use WebstreamHealth::{Degraded, Healthy, Unhealthy};
    assert_eq!(world.told, [(0, Healthy), (1, Degraded), (2, Degraded)]);
    assert!(world.pipes.iter().all(Option::is_none), "nothing is left open");
    assert_eq!(world.healths, [Healthy]);
    world.run(30_000);
    assert_eq!(world.told[3..], [(1, Unhealthy), (2, Unhealthy)]);
    assert_eq!(world.switches, []);
    world.ways[0] = Way::Stalls;
    world.run(30_000);
    world.chain.probe_all(world.ms);
    world.run(10_000);
    assert_eq!(world.told[5..], [(0, Degraded), (0, Unhealthy)]);
    assert_eq!(world.healths.last(), Some(&Unhealthy));
}

#[test]
fn one_that_rests_while_in_doubt_is_tried_out_again_and_well_at_last() {
    let mut world = World::playing(&[Way::Up, Way::Up], laws());
    world.ways = vec![Way::Refuses; 2];
    world.run(20_000);
    assert_eq!(world.healths.last(), Some(&WebstreamHealth::Unhealthy));
    for act in world.chain.rest() {
        let Act::Close(place) = act else { panic!("{act:?}") };
        assert!(world.pipes[place].take().is_some(), "closed twice");
    }
    world.ways = vec![Way::Up; 2];
    world.run(120_000);
    assert_eq!(world.healths.last(), Some(&WebstreamHealth::Healthy));
    assert!(world.pipes.iter().all(Option::is_none), "nothing is left open");
}
