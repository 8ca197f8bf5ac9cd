//! The air, simulated: plans are extended hour by hour while lines play by the public resolver,
//! and people skip, live sources take the air and stay too long, engines fall over.

use super::clocks::{Claims, claims};
use super::dice::Dice;
use super::world::World;
use grimnir_events::timeline::{DropReason, HourPlan, Line};
use grimnir_events::{AirFrame, LineId, UtcMicros};
use grimnir_rules::planner::Play;
use grimnir_rules::planner::v2::explain_hours;
use grimnir_rules::timeline::resolve::{
    ANCHOR_FADE_FRAMES, Cursor, Interrupted, Playing, Resolution, ResolveSettings, rejoin, resolve,
};
use std::collections::{BTreeMap, BTreeSet};

/// Hours that are planned ahead, the running one among them.
const HORIZON: usize = 4;

/// One line on air.
#[derive(Clone, Debug)]
pub struct Aired {
    pub line: Line,
    pub start: AirFrame,
    pub end: AirFrame,
}

/// What happens to the programme.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// Somebody skips what plays.
    Skip,
    /// A live source has the air for so many frames, longer than was meant.
    Live(i64),
    /// Nothing is heard for so many frames.
    Outage(i64),
}

/// All that an engine and its people would write down.
#[derive(Default)]
pub struct AsRun {
    pub plans: Vec<HourPlan>,
    pub claims: Claims,
    pub aired: Vec<Aired>,
    pub dropped: Vec<(LineId, DropReason)>,
    pub troubles: Vec<(AirFrame, Trouble)>,
}

/// A day on air.
pub struct Air<'a> {
    world: World,
    hours: &'a [UtcMicros],
    known: BTreeMap<UtcMicros, HourPlan>,
    chain: Vec<Line>,
    cursor: Cursor,
    done: BTreeSet<LineId>,
    pub log: AsRun,
}

impl<'a> Air<'a> {
    pub fn new(world: World, hours: &'a [UtcMicros]) -> Self {
        let cursor = Cursor { at: hours[0].frame(), playing: None };
        let (known, chain, done) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
        Self { world, hours, known, chain, cursor, done, log: AsRun::default() }
    }

    /// Plays all hours; one trouble in so many of them, 0 for none.
    pub fn play(mut self, dice: &mut Dice, one_in: u32) -> AsRun {
        for nth in 0..self.hours.len() {
            self.extend(nth);
            let hour = self.hours[nth].frame();
            let until = self.hours.get(nth + 1).map_or(hour.plus(3_600 * 48_000), |h| h.frame());
            if one_in > 0 && dice.one_in(one_in) && nth + 2 < self.hours.len() {
                let at = hour.plus(dice.range(0, 3_599 * 48_000)).max(self.cursor.at);
                if at < until {
                    let trouble = match dice.below(3) {
                        0 => Trouble::Skip,
                        1 => Trouble::Live(dice.range(60, 5_400) * 48_000),
                        _ => Trouble::Outage(dice.range(5, 600) * 48_000),
                    };
                    self.to(at);
                    self.trouble(at, trouble);
                }
            }
            self.to(until.max(self.cursor.at));
        }
        self.log
    }

    /// Plans on to the horizon; hours gone by are known by what aired of them.
    fn extend(&mut self, nth: usize) {
        let past = self.hours[nth.saturating_sub(1)];
        let gone: Vec<LineId> = self
            .known
            .range(..past)
            .flat_map(|(_, plan)| &plan.lines)
            .map(|line| line.id)
            .collect();
        let of_gone: BTreeSet<LineId> = gone.into_iter().collect();
        self.known.retain(|hour, _| *hour >= past);
        for aired in self.log.aired.iter().filter(|aired| of_gone.contains(&aired.line.id)) {
            let line = &aired.line;
            let (title, artist) = (line.title.clone(), line.artist.clone());
            let play = Play { at: aired.start.utc(), media_id: line.media_id, artist, title };
            self.world.played.push(play);
        }
        let ahead = self.hours.iter().skip(nth).take(HORIZON);
        let new: BTreeSet<UtcMicros> =
            ahead.copied().filter(|hour| !self.known.contains_key(hour)).collect();
        let explained = explain_hours(&self.world.inputs(), &self.known, &new);
        self.log.claims.extend(claims(&explained));
        for hour in explained {
            self.chain.extend(hour.plan.lines.iter().cloned());
            self.known.insert(hour.plan.hour, hour.plan.clone());
            self.log.plans.push(hour.plan);
        }
    }

    fn resolved(&self) -> Resolution {
        let settings = ResolveSettings {
            crossfade_frames: i64::from(self.world.settings.crossfade_ms) * 48,
            curve: self.world.settings.fade_curve,
            anchor_fade_frames: ANCHOR_FADE_FRAMES,
        };
        resolve(&self.chain, &self.cursor, &settings)
    }

    /// Plays on to a frame.
    fn to(&mut self, until: AirFrame) {
        let plan = self.resolved();
        // What sounds may be ended by a line with a fixed time.
        if let (Some((end, _)), Some(last)) = (plan.playing_cut, self.log.aired.last_mut())
            && end < until
        {
            last.end = last.end.min(end);
        }
        let started: Vec<_> = plan.lines.iter().filter(|line| line.start < until).collect();
        for resolved in &started {
            let line = self.chain[resolved.index].clone();
            self.done.insert(line.id);
            self.log.aired.push(Aired { line, start: resolved.start, end: resolved.end });
        }
        if let Some(last) = started.last() {
            let (line_id, start) = (last.line_id, last.start);
            let whole = self.chain[last.index].cues;
            let segue = start.plus(whole.airtime());
            // It is cut only by what is yet to come: that is seen anew.
            let end = start.plus(whole.cue_out - whole.cue_in);
            self.cursor.playing = Some(Playing { line_id, start, segue, end });
            let aired = self.log.aired.last_mut().expect("just pushed");
            aired.end = aired.end.max(end.min(until));
            // Lines before the last that started are past: what did not air of them never will.
            let place = last.index;
            let never = |(id, _): &&(LineId, DropReason)| {
                self.chain[..place].iter().any(|line| line.id == *id)
            };
            let dropped: Vec<_> = plan.dropped.iter().filter(never).copied().collect();
            self.done.extend(dropped.iter().map(|(id, _)| *id));
            self.log.dropped.extend(dropped);
        }
        self.chain.retain(|line| !self.done.contains(&line.id));
        self.cursor.at = until;
        self.cursor.playing = self.cursor.playing.take().filter(|playing| playing.end > until);
        if let (Some(playing), Some(last)) = (&self.cursor.playing, self.log.aired.last_mut()) {
            last.end = playing.end;
        }
    }

    fn trouble(&mut self, at: AirFrame, trouble: Trouble) {
        self.log.troubles.push((at, trouble));
        let playing = self.cursor.playing.take();
        for aired in self.log.aired.iter_mut().rev().take(2) {
            aired.end = aired.end.min(at);
        }
        let length = match trouble {
            Trouble::Skip => return,
            Trouble::Live(length) | Trouble::Outage(length) => length,
        };
        self.cursor.at = at.plus(length);
        let broken = playing.and_then(|playing| {
            let aired = self.log.aired.last().filter(|a| a.line.id == playing.line_id)?;
            let at_frame = aired.line.cues.cue_in + at.since(playing.start);
            Some((aired.line.clone(), Interrupted { line_id: playing.line_id, at_frame }))
        });
        let mut chain: Vec<Line> = broken.iter().map(|(line, _)| line.clone()).collect();
        chain.append(&mut self.chain);
        let interrupted = broken.map(|(_, interrupted)| interrupted);
        let left = rejoin(&chain, self.cursor.at, &self.done, interrupted);
        // What was interrupted did air; the rest of it is no drop of a line.
        let lost = left.dropped.iter().filter(|(_, why)| *why != DropReason::Interrupted);
        self.log.dropped.extend(lost);
        self.done.extend(left.dropped.iter().map(|(id, _)| *id));
        for line in &left.lines {
            self.done.remove(&line.id);
        }
        self.chain = left.lines;
    }
}
