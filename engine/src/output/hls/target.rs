//! An HLS output: a thread that takes the programme, and what is offered of it over HTTP.

use super::cutter::{Cutter, Segment};
use super::serve::Live;
use super::shelf::{Shelf, Writer};
use crate::output::around::Surroundings;
use crate::output::encoder::EncoderKey;
use crate::output::fanout::{Block, Blocks};
use crate::output::target::{Pulse, Sink, Target};
use grimnir_events::AirFrame;
use grimnir_events::output::OFF_AIR;
use grimnir_events::output::{HlsOutput, Output, OutputHealth};
use grimnir_mix::Frame;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Blocks are gathered this long.
const GATHER: Duration = Duration::from_millis(100);
/// A broken encoder is built again after this.
const REBUILD: Duration = Duration::from_secs(1);

/// An HLS output.
pub struct Hls {
    hls: HlsOutput,
    shelf: Shelf,
    live: Arc<Live>,
    around: Surroundings,
    pulse: Arc<Pulse>,
    title: Arc<Mutex<String>>,
    running: Mutex<Option<Arc<AtomicBool>>>,
}

impl Hls {
    /// One that does not run yet; clients find its path from now on.
    pub fn new(output: &Output, hls: &HlsOutput, around: Surroundings) -> Self {
        let live = Arc::new(Live::new(output.id, hls.clone()));
        around.offer.write().unwrap_or_else(PoisonError::into_inner).hls.push(live.clone());
        Self {
            hls: hls.clone(),
            shelf: Shelf::new(&around.dir, output.id, hls),
            live,
            pulse: Arc::new(Pulse::new(output.id, OFF_AIR, around.tell.clone())),
            around,
            title: Arc::default(),
            running: Mutex::new(None),
        }
    }

    fn start(&self) -> Option<Arc<AtomicBool>> {
        let stop = Arc::new(AtomicBool::new(false));
        let pump = Pump {
            hls: self.hls.clone(),
            shelf: self.shelf.clone(),
            live: self.live.clone(),
            pulse: self.pulse.clone(),
            title: self.title.clone(),
            stop: stop.clone(),
        };
        let blocks = self.around.fanout.tap();
        std::thread::Builder::new()
            .name("hls".into())
            .spawn(move || pump.run(&blocks))
            .map_err(|error| self.pulse.set(OutputHealth::Down, &error.to_string()))
            .ok()
            .map(|_| stop)
    }

    /// False where it did not run.
    fn stop(&self) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let stopped = running.take().inspect(|stop| stop.store(true, Ordering::Release));
        stopped.is_some()
    }
}

impl Drop for Hls {
    fn drop(&mut self) {
        self.stop();
        let mut offer = self.around.offer.write().unwrap_or_else(PoisonError::into_inner);
        offer.hls.retain(|live| !Arc::ptr_eq(live, &self.live));
    }
}

impl Target for Hls {
    /// All its bit rates begin with the same frame, which shared encoders do not: it has its own.
    fn wants(&self) -> Vec<(EncoderKey, Arc<dyn Sink>)> {
        Vec::new()
    }

    fn set_on_air(&self, on_air: bool) {
        if !on_air {
            if self.stop() {
                self.pulse.set(OutputHealth::Down, OFF_AIR);
            }
            return;
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() {
            *running = self.start();
        }
    }

    fn set_title(&self, title: &str) {
        title.clone_into(&mut self.title.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    fn live(&self) -> Option<Arc<Live>> {
        Some(self.live.clone())
    }
}

struct Pump {
    hls: HlsOutput,
    shelf: Shelf,
    live: Arc<Live>,
    pulse: Arc<Pulse>,
    title: Arc<Mutex<String>>,
    stop: Arc<AtomicBool>,
}

impl Pump {
    fn run(self, blocks: &Blocks) {
        let (kept, turn) = {
            let mut now = self.live.now();
            let window = now.window.take().unwrap_or_else(|| self.shelf.window());
            let kept = window.kept();
            (now.window, now.ended) = (Some(window), None);
            now.turn += 1;
            (kept, now.turn)
        };
        let pulse = self.pulse.clone();
        let told = move |done: Result<(), String>| match done {
            Ok(()) => pulse.set(OutputHealth::Up, ""),
            Err(reason) => pulse.set(OutputHealth::Degraded, &reason),
        };
        let writer = match Writer::start(self.shelf.clone(), kept, told) {
            Ok(writer) => writer,
            Err(error) => return self.pulse.set(OutputHealth::Down, &error.to_string()),
        };
        let (next, heard) = (AirFrame(0), String::new());
        let mut stream = Stream { pump: &self, writer, turn, cutter: None, next, heard };
        while !self.stop.load(Ordering::Acquire) {
            std::thread::sleep(GATHER);
            if let Err(reason) = stream.take(blocks) {
                tracing::error!(reason, "an encoder of HLS failed; it is built again");
                self.pulse.set(OutputHealth::Down, &reason);
                stream.cutter = None;
                std::thread::sleep(REBUILD);
                blocks.rx.try_iter().for_each(drop);
            }
        }
        stream.end();
        let mut now = self.live.now();
        if now.turn == turn {
            now.ended = Some(Instant::now());
        }
    }
}

/// The stream that runs.
struct Stream<'a> {
    pump: &'a Pump,
    writer: Writer,
    turn: u64,
    cutter: Option<Cutter>,
    next: AirFrame,
    /// The title that the stream has.
    heard: String,
}

impl Stream<'_> {
    fn take(&mut self, blocks: &Blocks) -> Result<(), String> {
        let mut gathered: Vec<Frame> = Vec::new();
        let title = self.pump.title.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let taken: Vec<Arc<Block>> = blocks.rx.try_iter().collect();
        for block in taken {
            if block.at != self.next {
                self.push(&std::mem::take(&mut gathered))?;
                self.end();
            }
            if self.cutter.is_none() {
                self.begin(block.at, &title)?;
            }
            gathered.extend_from_slice(&block.frames);
            self.next = block.at.plus(block.frames.len() as i64);
        }
        if let Some(cutter) = self.cutter.as_mut().filter(|_| self.heard != title) {
            cutter.set_title(&title);
            self.heard = title;
        }
        self.push(&gathered)
    }

    fn begin(&mut self, first: AirFrame, title: &str) -> Result<(), String> {
        let HlsOutput { container, bitrates_kbps, segment_ms, .. } = &self.pump.hls;
        self.cutter = Some(Cutter::new(*container, bitrates_kbps, *segment_ms, first, title)?);
        title.clone_into(&mut self.heard);
        if let Some(window) = self.pump.live.now().window.as_mut() {
            window.cut();
        }
        Ok(())
    }

    fn push(&mut self, frames: &[Frame]) -> Result<(), String> {
        let number = self.number();
        let Some(cutter) = self.cutter.as_mut().filter(|_| !frames.is_empty()) else {
            return Ok(());
        };
        let segments = cutter.push(frames, number)?;
        segments.into_iter().for_each(|segment| self.publish(segment));
        Ok(())
    }

    /// What there is of a segment, where the stream ends.
    fn end(&mut self) {
        let number = self.number();
        let Some(cutter) = self.cutter.take() else { return };
        match cutter.end(number) {
            Ok(segment) => segment.into_iter().for_each(|segment| self.publish(segment)),
            Err(reason) => tracing::warn!(reason, "the last segment of a stream is lost"),
        }
    }

    fn number(&self) -> u64 {
        self.pump.live.now().window.as_ref().map_or(0, |window| window.next())
    }

    fn publish(&self, segment: Segment) {
        let mut now = self.pump.live.now();
        let current = now.turn == self.turn;
        let Some(window) = now.window.as_mut().filter(|_| current) else { return };
        let bytes: usize = segment.variants.iter().map(Vec::len).sum();
        let (entry, variants, gone) = window.push(segment);
        let change = self.pump.shelf.change(window, &entry, variants, &gone);
        drop(now);
        self.pump.pulse.count(|state| state.bytes_sent += bytes as u64);
        if !self.writer.send(change) {
            let lost = "the disk is behind by more than it may: the folder lacks segments";
            self.pump.pulse.set(OutputHealth::Degraded, lost);
            self.pump.pulse.count(|state| state.lost_bytes += bytes as u64);
        }
    }
}
