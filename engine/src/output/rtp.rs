//! Packets of RTP to an address or a group: sent at the pace of the air by a thread of their own.
//!
//! Encoded sound comes from the encoder that all share, samples from the fan-out; both through
//! bounded queues that drop. The timestamp of a packet is its frame of the air, so that what was
//! dropped is a gap for whoever receives and nothing moves. Reading order: [`pack`] (sound into
//! packets), [`wire`] (packets onto the network), this file. Not here: how a receiver is told
//! (rules of the station).

mod pack;
mod wire;

use super::around::Surroundings;
use super::encoder::EncoderKey;
use super::fanout::{Blocks, FanoutHandle};
use super::target::{Encoded, Pulse, Sink, Target};
use bytes::Bytes;
use grimnir_events::AirFrame;
use grimnir_events::output::{OFF_AIR, Output, OutputHealth};
use grimnir_events::rtp::{RtpOutput, RtpPayload};
use grimnir_events::station::MountFormat;
use pack::{Packer, Packet};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::{Duration, Instant};
use wire::{Sent, Stream, Wire};

/// Pieces of encoded sound that may wait: 2 s of 24 ms each.
const QUEUE: usize = 84;
/// How often it is looked for sound where nothing is due.
const LOOK: Duration = Duration::from_millis(20);
/// A packet leaves so long after its first frame was mixed: what encoders gather and hold back at
/// most, and samples as they come from the mix.
const ENCODED_BEHIND: Duration = Duration::from_millis(220);
const SAMPLES_BEHIND: Duration = Duration::from_millis(100);
/// The air moved by more than this against the clock: packets are timed anew.
const MOVED: Duration = Duration::from_millis(500);
/// After a loss or a refusal it is not up for so long.
const QUIET: Duration = Duration::from_secs(3);
/// A machine at whose port nobody is says so by then.
const ANSWERED: Duration = Duration::from_millis(500);
/// Between two tries to reach an address at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(8));

/// An output by RTP; ends when dropped.
pub struct Rtp {
    key: Option<EncoderKey>,
    line: Arc<Line>,
    pulse: Arc<Pulse>,
    on_air: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

/// The encoder's end of the queue.
struct Line {
    tx: SyncSender<Encoded>,
    /// Bytes that found no room.
    lost: Arc<AtomicU64>,
    sender: OnceLock<Thread>,
}

impl Rtp {
    /// One that sends as soon as the station is on air.
    pub fn new(output: &Output, to: &RtpOutput, around: Surroundings) -> Self {
        let (tx, rx) = sync_channel(QUEUE);
        let pulse = Arc::new(Pulse::new(output.id, OFF_AIR, around.tell));
        let (stop, on_air) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let lost = Arc::new(AtomicU64::new(0));
        let key = match to.payload {
            RtpPayload::L16 { .. } | RtpPayload::L24 { .. } => None,
            RtpPayload::Mp3 { bitrate_kbps } => Some((MountFormat::Mp3, bitrate_kbps)),
            RtpPayload::Opus { bitrate_kbps } => Some((MountFormat::Opus, bitrate_kbps)),
        };
        let sender = Sender {
            to: to.clone(),
            rx,
            fanout: around.fanout,
            lost: lost.clone(),
            pulse: pulse.clone(),
            on_air: on_air.clone(),
            stop: stop.clone(),
        };
        let line = Arc::new(Line { tx, lost, sender: OnceLock::new() });
        let spawned = std::thread::Builder::new().name("rtp".into()).spawn(move || sender.run());
        match spawned {
            Ok(thread) => drop(line.sender.set(thread.thread().clone())),
            Err(error) => pulse.set(OutputHealth::Down, &error.to_string()),
        }
        Self { key, line, pulse, on_air, stop }
    }
}

impl Drop for Rtp {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

impl Target for Rtp {
    fn wants(&self) -> Vec<(EncoderKey, Arc<dyn Sink>)> {
        let line: Arc<dyn Sink> = self.line.clone();
        self.key.map(|key| (key, line)).into_iter().collect()
    }
    fn set_on_air(&self, on_air: bool) {
        self.on_air.store(on_air, Ordering::Release);
    }
    /// Packets have no place for it.
    fn set_title(&self, _: &str) {}
    fn pulse(&self) -> &Pulse {
        &self.pulse
    }
}

impl Sink for Line {
    /// Each packet can be taken apart by itself.
    fn begin(&self, _: &Bytes) {}
    fn push(&self, sound: &Encoded) {
        if let Err(TrySendError::Full(_)) = self.tx.try_send(sound.clone()) {
            self.lost.fetch_add(sound.bytes.len() as u64, Ordering::Relaxed);
        }
        if let Some(sender) = self.sender.get() {
            sender.unpark();
        }
    }
    /// It is built again; what is missing meanwhile is a gap, and told if it is long.
    fn failed(&self, reason: &str) {
        tracing::warn!(reason, "an output by RTP has no sound");
    }
}

struct Sender {
    to: RtpOutput,
    rx: Receiver<Encoded>,
    fanout: FanoutHandle,
    lost: Arc<AtomicU64>,
    pulse: Arc<Pulse>,
    on_air: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

/// What is sent while the station is on air.
struct Run {
    packer: Packer,
    /// Samples as they are mixed, where the payload is made of them.
    blocks: Option<Blocks>,
    waiting: VecDeque<Packet>,
    pace: Pace,
    health: Health,
}

impl Sender {
    fn run(self) {
        let (mut pause, mut stream) = (PAUSES.0, Stream::new(self.to.payload_type));
        while !self.stop.load(Ordering::Acquire) {
            if !self.on_air.load(Ordering::Acquire) {
                if self.pulse.state().health != OutputHealth::Down {
                    self.pulse.set(OutputHealth::Down, OFF_AIR);
                }
                self.wait(LOOK);
                continue;
            }
            match Wire::open(&self.to) {
                Ok(mut wire) => {
                    let began = Instant::now();
                    let Some(reason) = self.feed(&mut wire, &mut stream) else { continue };
                    self.pulse.set(OutputHealth::Down, &reason);
                    pause = if began.elapsed() > PAUSES.1 { PAUSES.0 } else { pause };
                }
                Err(reason) => self.pulse.set(OutputHealth::Down, &reason),
            }
            self.wait(pause);
            pause = (2 * pause).min(PAUSES.1);
            self.pulse.count(|state| state.reconnects = state.reconnects.saturating_add(1));
        }
    }

    /// Lets time pass; what comes is for nobody.
    fn wait(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.stop.load(Ordering::Acquire) {
            self.rx.try_iter().for_each(drop);
            let now = Instant::now();
            if now >= until {
                return;
            }
            std::thread::park_timeout((until - now).min(LOOK));
        }
    }

    /// Sends until the station leaves the air (`None`) or until nothing can be sent.
    fn feed(&self, wire: &mut Wire, stream: &mut Stream) -> Option<String> {
        let samples = matches!(self.to.payload, RtpPayload::L16 { .. } | RtpPayload::L24 { .. });
        let behind = if samples { SAMPLES_BEHIND } else { ENCODED_BEHIND };
        let mut run = Run {
            packer: Packer::new(self.to.payload),
            blocks: samples.then(|| self.fanout.tap_asleep()),
            waiting: VecDeque::new(),
            pace: Pace { behind, anchor: None },
            health: Health::default(),
        };
        while !self.stop.load(Ordering::Acquire) && self.on_air.load(Ordering::Acquire) {
            self.take(&mut run);
            let now = Instant::now();
            let mut next = now + LOOK;
            while let Some(packet) = run.waiting.front() {
                let due = run.pace.due(packet.at, now);
                if due > now {
                    next = next.min(due);
                    break;
                }
                match wire.send(stream, packet) {
                    Sent::Left(bytes) => self.pulse.count(|state| state.bytes_sent += bytes),
                    Sent::Refused(bytes) => {
                        self.pulse.count(|state| state.bytes_sent += bytes);
                        run.health.refused = Some(now);
                    }
                    Sent::Full => {
                        self.lost.fetch_add(packet.payload.len() as u64, Ordering::Relaxed);
                    }
                    Sent::Dead(reason) => return Some(reason),
                }
                run.waiting.pop_front();
                run.health.sent = Some(now);
                run.health.began.get_or_insert(now);
            }
            self.tell(&mut run.health, now);
            std::thread::park_timeout(next.saturating_duration_since(Instant::now()));
        }
        None
    }

    /// Takes what has come.
    fn take(&self, run: &mut Run) {
        if let Some(blocks) = &run.blocks {
            for block in blocks.rx.try_iter() {
                run.packer.samples(block.at, &block.frames, &mut run.waiting);
            }
            let dropped = blocks.dropped.swap(0, Ordering::Relaxed);
            let bytes = dropped * grimnir_mix::BLOCK as u64 * run.packer.frame_bytes();
            self.lost.fetch_add(bytes, Ordering::Relaxed);
        }
        for sound in self.rx.try_iter() {
            run.packer.encoded(&sound, &mut run.waiting);
        }
    }

    fn tell(&self, health: &mut Health, now: Instant) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            health.lost = Some(now);
            self.pulse.count(|state| state.lost_bytes += lost);
        }
        let lately = |at: Option<Instant>| at.is_some_and(|at| now - at < QUIET);
        if lately(health.refused) {
            let (host, port) = (&self.to.host, self.to.port);
            self.pulse.set(OutputHealth::Down, &format!("nobody takes it at {host}:{port}"));
        } else if lately(health.lost) {
            self.pulse.set(OutputHealth::Degraded, "the network is slower than the sound");
        } else if lately(health.sent) {
            // That nobody is there is said a moment after the first packet.
            if health.began.is_some_and(|began| now - began > ANSWERED) {
                self.pulse.set(OutputHealth::Up, "");
            }
        } else if health.sent.is_some() {
            self.pulse.set(OutputHealth::Degraded, "its encoder gives no sound");
        }
    }
}

/// What was seen of sending.
#[derive(Default)]
struct Health {
    began: Option<Instant>,
    sent: Option<Instant>,
    refused: Option<Instant>,
    lost: Option<Instant>,
}

/// When packets leave: as far apart as their frames are.
struct Pace {
    behind: Duration,
    anchor: Option<(AirFrame, Instant)>,
}

impl Pace {
    /// When a packet with this first frame is due, which came by `now`.
    fn due(&mut self, at: AirFrame, now: Instant) -> Instant {
        if let Some((first, began)) = self.anchor
            && let Ok(frames) = u64::try_from(at.since(first))
        {
            let due = began + Duration::from_nanos(frames * 62_500 / 3);
            if due <= now + self.behind + MOVED && now <= due + MOVED {
                return due;
            }
        }
        let due = now + self.behind;
        self.anchor = Some((at, due));
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_leave_as_far_apart_as_their_frames_are_whenever_they_come() {
        let behind = Duration::from_millis(60);
        let mut pace = Pace { behind, anchor: None };
        let (began, ms) = (Instant::now(), Duration::from_millis);
        let first = pace.due(AirFrame(4_800), began);
        assert_eq!(first, began + behind);
        // Eight at a time and late, and over a gap: always by their frames.
        assert_eq!(pace.due(AirFrame(4_800 + 240), began), first + ms(5));
        assert_eq!(pace.due(AirFrame(4_800 + 480), began + ms(90)), first + ms(10));
        assert_eq!(pace.due(AirFrame(4_800 + 48_000), began + ms(1_000)), first + ms(1_000));
        // The air moved: from there on anew.
        let moved = began + ms(9_000);
        assert_eq!(pace.due(AirFrame(4_800 + 96_000), moved), moved + behind);
        assert_eq!(pace.due(AirFrame(4_800 + 96_240), moved), moved + behind + ms(5));
        assert_eq!(pace.due(AirFrame(0), moved), moved + behind, "another count");
    }
}
