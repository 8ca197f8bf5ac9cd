//! The thread of one webstream: carries out what its chain decides, and moves frames from the
//! address that is heard into the ring of the mix.
//!
//! Upstream: the director, by [`Order`]; [`super::pipe`]. Downstream: the mix, and the director by
//! what is told.

use super::chain::{Act, Chain, Now, Switch};
use super::pipe::{Look, Pipe, now_ms};
use super::splice::Splice;
use crate::input::{InputWord, Key};
use grimnir_events::WebstreamId;
use grimnir_events::webstream::{SwitchReason, Webstream, WebstreamAirEvent, WebstreamHealth};
use grimnir_mix::Frame;
use grimnir_mix::dsp::leveller::Leveller;
use grimnir_mix::live::{LiveFeed, rider};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tokio::runtime::Handle;

/// A turn while something may change.
const TURN: Duration = Duration::from_millis(10);
/// A turn while nothing is open.
const REST: Duration = Duration::from_millis(200);
/// Frames that are moved at a time: 50 ms.
const CHUNK: usize = 2_400;
/// Frames that one that is not heard holds: 2 s; more is stale.
const STANDBY: usize = 96_000;
/// Frames over which a stream that is well fades into the one that is returned to: 200 ms.
const RETURN_FADE: usize = 9_600;
/// Sound below this peak is a quiet moment: −40 dBFS.
const QUIET: f32 = 0.01;

/// What a player is told.
pub(in crate::input) enum Order {
    /// To be heard from now on: into this ring, under this number, at this loudness.
    Play(Box<LiveFeed>, Key, f64),
    /// Not any more.
    Rest,
    /// Try out all addresses.
    Probe,
    /// Tell titles from now on, or not.
    Passthrough(bool),
}

/// Who is told.
pub type Tell = std::sync::Arc<dyn Fn(InputWord) + Send + Sync>;

/// One webstream of a running engine; it ends when this is dropped.
pub struct Player {
    orders: Sender<Order>,
}

impl Player {
    /// Starts its thread.
    pub fn start(webstream: &Webstream, runtime: Handle, tell: Tell) -> Result<Self, String> {
        let (orders, rx) = channel();
        let now = now_ms();
        let chain = Chain::new(&webstream.urls, webstream.failover, webstream.probe, now);
        let thread = Thread {
            id: webstream.id,
            passthrough: webstream.passthrough,
            pipes: webstream.urls.iter().map(|_| None).collect(),
            chain,
            runtime,
            tell,
            air: None,
            bytes: 0,
            turned_ms: now,
        };
        std::thread::Builder::new()
            .name("webstream".into())
            .spawn(move || thread.run(&rx))
            .map_err(|error| format!("thread of a webstream: {error}"))?;
        Ok(Self { orders })
    }

    fn send(&self, order: Order) {
        // One that is gone tells nothing; nothing waits for it.
        let _ = self.orders.send(order);
    }

    /// To be heard from now on: into this ring, under this number, at this loudness in LUFS.
    pub fn play(&self, feed: LiveFeed, key: Key, target_lufs: f64) {
        self.send(Order::Play(Box::new(feed), key, target_lufs));
    }

    /// Not to be heard any more.
    pub fn rest(&self) {
        self.send(Order::Rest);
    }

    /// Try out all addresses.
    pub fn probe(&self) {
        self.send(Order::Probe);
    }

    /// Tell titles from now on, or not.
    pub fn pass_titles(&self, passthrough: bool) {
        self.send(Order::Passthrough(passthrough));
    }
}

/// What leads to the ring.
struct Air {
    feed: Box<LiveFeed>,
    key: Key,
    rider: Leveller,
    splice: Splice,
    /// Frames that found no room.
    pending: Vec<Frame>,
    /// Of the address that was heard, and has ended.
    left_over: Vec<Frame>,
    quiet: bool,
    format: String,
}

impl Air {
    fn new(feed: Box<LiveFeed>, key: Key, target_lufs: f64) -> Self {
        Self {
            feed,
            key,
            rider: rider(target_lufs),
            splice: Splice::default(),
            pending: Vec::new(),
            left_over: Vec::new(),
            quiet: true,
            format: String::new(),
        }
    }

    fn held(&self) -> u64 {
        self.feed.fill() + (self.pending.len() + self.left_over.len()) as u64
    }

    fn push(&mut self, mut frames: Vec<Frame>) {
        if frames.is_empty() {
            return;
        }
        let loud = |frame: &Frame| frame[0].abs().max(frame[1].abs()) > QUIET;
        self.quiet = !frames.iter().any(loud);
        self.rider.process(&mut frames);
        self.pending.extend(frames);
        self.flush();
    }

    fn flush(&mut self) {
        let count = self.feed.push(&self.pending);
        self.pending.drain(..count);
    }
}

struct Thread {
    id: WebstreamId,
    passthrough: bool,
    chain: Chain,
    pipes: Vec<Option<Pipe>>,
    runtime: Handle,
    tell: Tell,
    air: Option<Air>,
    bytes: u64,
    turned_ms: i64,
}

impl Thread {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let wait = if self.chain.busy() { TURN } else { REST };
            match orders.recv_timeout(wait) {
                Ok(order) => self.take(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.leave(),
            }
            self.turn();
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Play(feed, key, target_lufs) => {
                self.rest("it begins anew");
                self.air = Some(Air::new(feed, key, target_lufs));
                self.chain.want(now_ms());
            }
            Order::Rest => self.rest("it is not wanted"),
            Order::Probe => self.chain.probe_all(now_ms()),
            Order::Passthrough(passthrough) => self.passthrough = passthrough,
        }
    }

    fn rest(&mut self, reason: &str) {
        if self.air.is_none() {
            return;
        }
        let acts = self.chain.rest();
        self.carry_out(acts);
        self.air = None;
        let (reason, bytes) = (reason.to_owned(), std::mem::take(&mut self.bytes));
        self.say(WebstreamAirEvent::Closed { webstream_id: self.id, reason, bytes });
    }

    /// Its last words: nobody looks at it any more.
    fn leave(&mut self) {
        self.rest("it is no more");
        if let Some(from) = self.chain.forget() {
            let to = WebstreamHealth::Unknown;
            self.say(WebstreamAirEvent::HealthChanged { webstream_id: self.id, from, to });
        }
    }

    fn say(&self, event: WebstreamAirEvent) {
        (self.tell)(InputWord::Webstream(Box::new(event)));
    }

    fn turn(&mut self) {
        let now = now_ms();
        let passed = (now - self.turned_ms).clamp(0, 1_000) as usize * 48;
        self.turned_ms = now;
        if let Some(air) = &mut self.air {
            air.feed.park(passed as u64);
            air.flush();
        }
        self.move_frames();
        let heard = self.chain.active();
        for (place, pipe) in self.pipes.iter().enumerate() {
            if let Some(pipe) = pipe.as_ref().filter(|_| heard != Some(place)) {
                pipe.drop_oldest(STANDBY, passed);
            }
        }
        let look = |pipe: &Option<Pipe>| pipe.as_ref().map(Pipe::look);
        let looks: Vec<Option<Look>> = self.pipes.iter().map(look).collect();
        let of_active = heard.and_then(|place| looks[place].as_ref()).map_or(0, |look| look.held);
        let held = self.air.as_ref().map_or(0, |air| air.held() + of_active);
        let quiet = self.air.as_ref().is_none_or(|air| air.quiet);
        let acts = self.chain.step(&Now { ms: now, held, quiet, looks: &looks });
        self.carry_out(acts);
        self.tell_titles();
    }

    /// From the address that is heard into the ring, as far as there is room.
    fn move_frames(&mut self) {
        let Some(air) = &mut self.air else { return };
        while air.pending.is_empty() {
            let count = air.left_over.len().min(CHUNK);
            let frames = match count {
                0 => {
                    let pipe = self.chain.active().and_then(|place| self.pipes[place].as_ref());
                    pipe.map(|pipe| pipe.take(CHUNK)).unwrap_or_default()
                }
                count => air.left_over.drain(..count).collect(),
            };
            if frames.is_empty() {
                return;
            }
            let frames = air.splice.follow(frames);
            air.push(frames);
        }
    }

    fn carry_out(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Open(place) => {
                    let url = self.chain.url(place);
                    tracing::info!(webstream = %self.id, place, url, "address opened");
                    self.pipes[place] = Some(Pipe::open(&self.runtime, url));
                }
                Act::Close(place) => self.close(place),
                Act::Told(place, health, why) => self.told(place, health, why),
                Act::Switch(switch) => self.switch(switch),
                Act::Health(from, to) => {
                    self.say(WebstreamAirEvent::HealthChanged { webstream_id: self.id, from, to });
                }
            }
        }
    }

    fn close(&mut self, place: usize) {
        let Some(pipe) = self.pipes[place].take() else { return };
        let look = pipe.look();
        self.bytes += look.bytes;
        let ended = look.fault.is_some() && self.chain.active() == Some(place);
        if let Some(air) = self.air.as_mut().filter(|_| ended) {
            // What had come before it ended is still heard.
            air.left_over.extend(pipe.take(usize::MAX));
        }
    }

    fn told(&self, place: usize, health: WebstreamHealth, why: String) {
        let format = self.pipes[place].as_ref().map(Pipe::format).unwrap_or_default();
        let found = if health == WebstreamHealth::Healthy { format } else { why };
        let url = self.chain.url(place).to_owned();
        let place = place as u16;
        self.say(WebstreamAirEvent::Probed { webstream_id: self.id, place, url, health, found });
    }

    fn switch(&mut self, switch: Switch) {
        let Switch { from, to, reason, detail } = switch;
        let url = to.map(|place| self.chain.url(place).to_owned()).unwrap_or_default();
        tracing::info!(webstream = %self.id, ?from, ?to, ?reason, detail, "another is heard");
        if let (Some(air), Some(pipe)) = (&mut self.air, to.and_then(|to| self.pipes[to].as_ref()))
        {
            let returns = reason == SwitchReason::Recovered && from.is_some();
            let old = match from.and_then(|from| self.pipes[from].as_ref()) {
                Some(pipe) if returns => pipe.take(RETURN_FADE),
                _ => std::mem::take(&mut air.left_over),
            };
            let next = pipe.take(if returns { RETURN_FADE } else { CHUNK });
            let frames = air.splice.cross(old, next);
            air.push(frames);
            air.format = pipe.format();
            let (key, format) = (air.key, air.format.clone());
            (self.tell)(InputWord::Recognised { key, format });
            if self.passthrough {
                // What the one before said is not heard any more.
                let title = pipe.title().unwrap_or_default();
                (self.tell)(InputWord::Titled { key, title });
            }
        }
        let place = |place: usize| place as u16;
        let (from, to) = (from.map(place), to.map(place));
        let webstream_id = self.id;
        self.say(WebstreamAirEvent::Switched { webstream_id, from, to, url, reason, detail });
    }

    fn tell_titles(&mut self) {
        let (Some(air), Some(place)) = (&self.air, self.chain.active()) else { return };
        let title = self.pipes[place].as_ref().and_then(Pipe::title);
        if let Some(title) = title.filter(|_| self.passthrough) {
            (self.tell)(InputWord::Titled { key: air.key, title });
        }
    }
}

#[cfg(test)]
mod tests;
