//! From an encoder's bytes to frames: recognises, decodes, levels, and keeps what waits fresh.
//!
//! One thread per source; it waits for the ring, and the socket waits for it. Upstream: the
//! harbor. Downstream: the ring of the mix.

use super::harbor::sniff::{SNIFF_LIMIT, Sound, sniff};
use super::{InputWord, Key, child};
use crate::air::clock::monotonic_ns;
use crate::output::record::live::Scribe;
use bytes::{Buf, Bytes};
use grimnir_mix::Frame;
use grimnir_mix::dsp::leveller::Leveller;
use grimnir_mix::live::{Calm, LiveFeed, StreamDecoder, StreamStep, rider};
use std::io::Read;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;

/// A full ring is looked at again after this.
const FULL_WAIT: Duration = Duration::from_millis(10);
/// Nothing for so long, and what comes then had waited on its way: 300 ms.
const PAUSE_NS: i64 = 300_000_000;

/// The bytes of a connection, as a decoder reads them.
pub(super) struct Incoming {
    rx: Receiver<Bytes>,
    held: Bytes,
    calm: Option<Calm>,
    /// What its sound is levelled to, where that is not done by somebody else.
    target_lufs: Option<f64>,
}

/// Where decoded frames go.
pub(super) trait Sink {
    /// Takes them all; waits while there is no room.
    fn take(&mut self, frames: &mut [Frame]);
}

impl Incoming {
    /// Of this channel, on its way to this ring.
    pub(super) fn new(rx: Receiver<Bytes>, feed: &LiveFeed) -> Self {
        Self { rx, held: Bytes::new(), calm: Some(feed.calm()), target_lufs: None }
    }

    /// Of this channel, on their way to somebody who looks at the time himself.
    pub(super) fn plain(rx: Receiver<Bytes>) -> Self {
        Self { rx, held: Bytes::new(), calm: None, target_lufs: None }
    }

    /// The same, whose sound is levelled to this loudness.
    pub(super) fn towards(self, target_lufs: f64) -> Self {
        Self { target_lufs: Some(target_lufs), ..self }
    }

    /// These come next, once more.
    pub(super) fn again(&mut self, bytes: Bytes) {
        self.held = bytes;
    }

    fn calm(&self, calm: bool) {
        if let Some(told) = &self.calm {
            told.set(calm);
        }
    }

    /// The next bytes; none when it is over.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        if self.held.has_remaining() {
            return Some(std::mem::take(&mut self.held));
        }
        match self.rx.try_recv() {
            Ok(bytes) => Some(bytes),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                // All that had waited is in.
                self.calm(true);
                let since = monotonic_ns();
                let bytes = self.rx.blocking_recv();
                if monotonic_ns() - since > PAUSE_NS {
                    self.calm(false);
                }
                bytes
            }
        }
    }
}

impl Read for Incoming {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let Some(mut bytes) = self.next() else { return Ok(0) };
        let count = bytes.len().min(out.len());
        bytes.copy_to_slice(&mut out[..count]);
        self.held = bytes;
        Ok(count)
    }
}

/// Frames on their way into the ring, and into the recording.
pub(super) struct Inlet {
    feed: LiveFeed,
    scribe: Scribe,
    rider: Option<Leveller>,
    began_ns: i64,
    parked_ns: i64,
    frames: i64,
    calm: Calm,
}

impl Inlet {
    fn new(feed: LiveFeed, scribe: Scribe) -> Self {
        let now = monotonic_ns();
        Self {
            calm: feed.calm(),
            feed,
            scribe,
            rider: None,
            began_ns: now,
            parked_ns: now,
            frames: 0,
        }
    }
}

impl Sink for Inlet {
    /// Levels the frames and puts them in; waits while there is no room.
    fn take(&mut self, frames: &mut [Frame]) {
        if let Some(rider) = &mut self.rider {
            rider.process(frames);
        }
        self.scribe.take(frames);
        let mut done = 0;
        while done < frames.len() {
            let now = monotonic_ns();
            self.feed.park(((now - self.parked_ns) as i128 * 48_000 / 1_000_000_000) as u64);
            self.parked_ns = now;
            let count = self.feed.push(&frames[done..]);
            done += count;
            self.frames += count as i64;
            if done == frames.len() {
                return;
            }
            let time = (now - self.began_ns) as i128 * 48_000 / 1_000_000_000;
            if i128::from(self.frames) < time {
                // It makes up for a pause: what had waited is stale where nobody hears it.
                self.feed.freshen();
            } else {
                // Faster than time: it has no clock, and what comes is always of now.
                self.calm.set(true);
            }
            std::thread::sleep(FULL_WAIT);
        }
    }
}

/// Runs until the bytes are over; answers why, where it is not that.
pub(super) fn run(
    key: Key,
    mut incoming: Incoming,
    (feed, scribe): (LiveFeed, Scribe),
    tell: &dyn Fn(InputWord),
) -> Option<String> {
    let mut inlet = Inlet::new(feed, scribe);
    let sound = match recognise(&mut incoming) {
        Ok(sound) => sound,
        Err(reason) => return Some(reason),
    };
    inlet.rider = incoming.target_lufs.map(rider);
    if sound.needs_child() {
        let format = match sound {
            Sound::Opus => "opus".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        };
        tell(InputWord::Recognised { key, format });
        return child::run(incoming, &mut inlet).err();
    }
    let mut decoder = match StreamDecoder::open(Box::new(incoming)) {
        Ok(decoder) => decoder,
        Err(reason) => return Some(reason),
    };
    let (mut frames, mut told) = (Vec::new(), false);
    loop {
        frames.clear();
        let step = decoder.next(&mut frames);
        if !told && !frames.is_empty() {
            told = true;
            tell(InputWord::Recognised { key, format: decoder.format() });
        }
        inlet.take(&mut frames);
        match step {
            StreamStep::More => {}
            StreamStep::Ended => return None,
            StreamStep::Failed(reason) => return Some(reason),
        }
    }
}

/// Bytes of a frame on the way from a process: two 32-bit floats.
pub(super) const FRAME_BYTES: usize = 8;

/// Runs until the frames of a process that decodes are over.
pub(super) fn run_frames(mut incoming: Incoming, feed: LiveFeed, scribe: Scribe) {
    let mut inlet = Inlet::new(feed, scribe);
    let (mut held, mut frames) = (Vec::new(), Vec::new());
    inlet.rider = incoming.target_lufs.map(rider);
    while let Some(bytes) = incoming.next() {
        held.extend_from_slice(&bytes);
        take_frames(&mut held, &mut frames);
        inlet.take(&mut frames);
    }
}

/// The whole frames of what is held; the rest of one stays.
pub(super) fn take_frames(held: &mut Vec<u8>, frames: &mut Vec<Frame>) {
    frames.clear();
    let (words, rest) = held.as_chunks::<FRAME_BYTES>();
    frames.extend(words.iter().map(|word| {
        let [a, b, c, d, e, f, g, h] = *word;
        [f32::from_le_bytes([a, b, c, d]), f32::from_le_bytes([e, f, g, h])]
    }));
    let whole = held.len() - rest.len();
    held.drain(..whole);
}

/// Reads until it is known what comes; what was read is read again.
fn recognise(incoming: &mut Incoming) -> Result<Sound, String> {
    let mut head: Vec<u8> = Vec::new();
    loop {
        let Some(bytes) = incoming.next() else {
            return Err("it ended before it was known what it sends".into());
        };
        head.extend_from_slice(&bytes);
        match sniff(&head) {
            Some(Some(sound)) => {
                incoming.again(Bytes::from(head));
                return Ok(sound);
            }
            None if head.len() <= SNIFF_LIMIT => {}
            _ => return Err("what it sends is neither MP3, AAC, Ogg nor FLAC".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::record::live::Records;
    use grimnir_mix::live::{TARGET_FRAMES, live};
    use grimnir_mix::tone::Tone;
    use grimnir_mix::{BLOCK, FrameSource};

    /// How far a tone is moved in 40 s that is levelled to this loudness, in dB.
    fn moved(tone_db: f64, target_lufs: f64) -> f64 {
        let (tx, rx) = tokio::sync::mpsc::channel(4);
        let (feed, tap) = live(TARGET_FRAMES);
        let incoming = Incoming::new(rx, &feed).towards(target_lufs);
        let session = grimnir_events::LiveSessionId([1; 16]);
        let scribe = Records::unused().scribe(session, String::new());
        let taking = std::thread::spawn(move || run_frames(incoming, feed, scribe));
        let sending = std::thread::spawn(move || {
            let (mut tone, mut part) = (Tone::new(997.0, tone_db), [[0.0f32; 2]; BLOCK]);
            for _ in 0..4_000 {
                tone.read(&mut part);
                let samples = part.as_flattened().iter().flat_map(|sample| sample.to_le_bytes());
                tx.blocking_send(samples.collect()).expect("it is taken");
            }
        });
        let (mut source, mut peaks, mut part) = (tap.source(), vec![], [[0.0f32; 2]; BLOCK]);
        while !tap.ended() || tap.fill() > 0 {
            if tap.fill() < 4 * BLOCK as u64 && !tap.ended() {
                std::thread::yield_now();
                continue;
            }
            let got = source.read(&mut part);
            let peak = |peak: f32, frame: &Frame| peak.max(frame[0].abs());
            peaks.push(part[..got.frames].iter().fold(0.0, peak));
        }
        sending.join().expect("all was sent");
        taking.join().expect("all was taken");
        let (first, last) = (peaks[20], peaks[peaks.len() - 20]);
        20.0 * f64::from(last / first).log10()
    }

    #[test]
    fn whoever_is_quiet_comes_in_louder_by_and_by() {
        let moved = moved(-30.0, -16.0);
        assert!((4.0..6.1).contains(&moved), "{moved} dB");
    }

    /// The tone has −20 LUFS.
    #[test]
    fn an_input_is_levelled_to_the_loudness_of_its_station() {
        let (up, down) = (moved(-20.0, -16.0), moved(-20.0, -23.0));
        assert!((2.5..4.5).contains(&up), "{up} dB");
        assert!((-3.5..-1.5).contains(&down), "{down} dB");
    }

    /// What frame `n` is, exactly.
    fn numbered(n: u32) -> f32 {
        n as f32 / (1 << 24) as f32
    }

    /// Frames of half a minute that come as fast as they are taken are heard one after the other:
    /// from a tenth of a second after the first none is lost, but what is heard a little faster,
    /// and what goes over into silence at the end.
    #[test]
    fn a_sender_that_is_faster_than_the_air_waits_and_loses_nothing() {
        const BEGIN: u32 = 4_800;
        let sent = 30 * 48_000u32;
        let (tx, rx) = tokio::sync::mpsc::channel(4);
        let (feed, tap) = live(TARGET_FRAMES);
        let incoming = Incoming::new(rx, &feed);
        let session = grimnir_events::LiveSessionId([1; 16]);
        let scribe = Records::unused().scribe(session, String::new());
        let taking = std::thread::spawn(move || run_frames(incoming, feed, scribe));
        let sending = std::thread::spawn(move || {
            for first in (0..sent).step_by(4_800) {
                let part = first..first + 4_800;
                let bytes = part.flat_map(|n| numbered(n).to_le_bytes().repeat(2)).collect();
                tx.blocking_send(bytes).expect("it is taken");
            }
        });
        // So little is read at once that it stays fuller than is aimed at.
        let (mut source, mut part) = (tap.source(), vec![[0.0f32; 2]; 40 * BLOCK]);
        let (mut begun, mut last, mut heard) = (0, 0, 0u32);
        while !tap.ended() || tap.fill() > 0 {
            // It is full whenever it is read, until all has come.
            if tap.fill() < 2 * TARGET_FRAMES && !tap.ended() {
                std::thread::yield_now();
                continue;
            }
            let got = source.read(&mut part);
            for frame in &part[..got.frames] {
                let number = (frame[0] * (1 << 24) as f32) as u32;
                // Sound comes and goes over a moment.
                if number > last {
                    (last, heard) = (number, heard + 1);
                }
                if heard == BEGIN {
                    begun = number;
                }
            }
        }
        sending.join().expect("all was sent");
        taking.join().expect("all was taken");
        let lost = i64::from(sent - begun) - i64::from(heard - BEGIN);
        assert!(lost < 14_400, "of {sent} frames from {begun} on {lost} are lost");
    }
}
