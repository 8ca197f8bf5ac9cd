//! Two hours of programme with random commands, faster than real time: every frame is what the
//! commands ask for, nothing is louder than it may be, memory stands, and the books are in order.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;
#[path = "support/memory.rs"]
mod memory;
#[path = "support/wishes.rs"]
mod wishes;

use std::collections::BTreeMap;

use grimnir_mix::dsp::silence::SilenceSettings;
use grimnir_mix::dsp::{Chain, NodeSpec, SwappingChain};
use grimnir_mix::{
    AirFrame, BLOCK, Clip, Command, FadeCurve, Frame, Limiter, MAX_VOICES, Mixer, RATE, Report,
    Role, VoiceEvent,
};
use support::{db, fade_out, oversampled_peak, start};
use wishes::{Expected, Wish};

const SEED: u64 = 0x6772_696d;
/// Two hours, in one go.
const BLOCKS: usize = 7_200 * RATE as usize / BLOCK;
/// Memory and true peak are looked at this often: three minutes.
const LOOK_EVERY: usize = 18_000;
/// Blocks of one look at the true peak: a second.
const LOOK: usize = 100;
/// Ten minutes; a chain is loaded in the first of them.
const CHAIN_EVERY: usize = 60_000;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
    fn curve(&mut self) -> FadeCurve {
        [
            FadeCurve::Linear,
            FadeCurve::EqualPower,
            FadeCurve::Logarithmic,
            FadeCurve::Exponential,
            FadeCurve::SCurve,
        ][self.roll(5) as usize]
    }
}

/// What the books say of a voice: what it is to be, its first frame, and whether it is over.
struct Entry {
    wish: Wish,
    begun: Option<i64>,
    over: bool,
    silent: bool,
}

struct Run {
    mixer: Mixer,
    dice: Dice,
    clip: Clip,
    next: u64,
    books: BTreeMap<u64, Entry>,
    refused: u64,
    ended: u64,
    expected: Expected,
}

impl Run {
    /// One that is there, or now and then one that never was.
    fn some_voice(&mut self) -> u64 {
        if self.dice.roll(8) == 0 {
            return u64::MAX - 1;
        }
        let place = self.dice.roll(self.books.len().max(1) as u64) as usize;
        self.books.keys().nth(place).copied().unwrap_or(0)
    }

    fn order(&mut self) {
        let now = self.mixer.position();
        let at = now.plus(self.dice.roll(96_000) as i64 - 960);
        // What is asked for the past is done now.
        let due = at.max(now).0;
        match self.dice.roll(10) {
            0..=3 => self.start(at),
            4 | 5 => {
                let (frames, curve) = (self.dice.roll(24_000) as i64, self.dice.curve());
                let voice = self.some_voice();
                self.ask(fade_out(voice, at.0, frames, curve), |wish| {
                    wish.fades.push((due, frames, curve));
                });
            }
            6 => {
                let voice = self.some_voice();
                self.ask(Command::Stop { voice, at }, |wish| {
                    wish.stop = Some(wish.stop.map_or(due, |before| before.min(due)));
                });
            }
            7 | 8 => {
                let voice = self.some_voice();
                // Of two for one frame the second counts.
                for _ in 0..=self.dice.roll(2) {
                    let gain = self.dice.roll(150) as f32 / 100.0;
                    self.ask(Command::SetGain { voice, at, gain }, |wish| {
                        wish.set_gain(due, f64::from(gain));
                    });
                }
            }
            _ => {
                let voice = self.some_voice();
                if self.mixer.cancel(voice) {
                    assert_eq!(self.books.remove(&voice).unwrap().begun, None);
                } else if let Some(entry) = self.books.get_mut(&voice) {
                    entry.wish.forget_from(now.0);
                }
            }
        }
    }

    fn start(&mut self, at: AirFrame) {
        self.next += 1;
        let from = self.dice.roll(20_000) as usize;
        let source = self.clip.source().from_frame(from);
        let looping = self.dice.roll(3) == 0;
        let mut one = if looping {
            start(self.next, at.0, source.looping())
        } else {
            start(self.next, at.0, source)
        };
        one.gain = self.dice.roll(200) as f32 / 100.0;
        one.fade_in = self.dice.roll(20_000) as i64;
        one.curve = self.dice.curve();
        let length = 1 + self.dice.roll(1_000_000) as i64;
        one.length = Some(length);
        one.role = if self.dice.roll(6) == 0 { Role::Over } else { Role::Programme };
        one.watched = self.dice.roll(2) == 0;
        let wish = Wish {
            at: at.max(self.mixer.position()).0,
            from,
            looping,
            role: one.role,
            gain: f64::from(one.gain),
            fade_in: one.fade_in,
            curve: one.curve,
            length,
            moves: Vec::new(),
            fades: Vec::new(),
            stop: None,
        };
        match self.mixer.command(Command::Start(one)) {
            Ok(()) => {
                let entry = Entry { wish, begun: None, over: false, silent: false };
                self.books.insert(self.next, entry);
            }
            Err(_) => self.refused += 1,
        }
    }

    /// Gives a command; where it is taken, the books know.
    fn ask(&mut self, command: Command, known: impl FnOnce(&mut Wish)) {
        let voice = command.voice();
        match self.mixer.command(command) {
            Ok(()) => known(&mut self.books.get_mut(&voice).unwrap().wish),
            Err(_) => self.refused += 1,
        }
    }

    /// Every frame of a block is what the commands ask for, and what is over leaves the books.
    fn hear(&mut self, block: i64, out: &[Frame; BLOCK]) {
        let Self { books, expected, clip, .. } = self;
        expected.block(block, &clip.0, books.values_mut().map(|entry| &mut entry.wish));
        for (n, (frame, wanted)) in out.iter().zip(&expected.sum).enumerate() {
            let off = |side: usize| (f64::from(frame[side]) - wanted[side]).abs();
            let (off, at) = (off(0).max(off(1)), block + n as i64);
            assert!(off < 1e-5, "{:.1} dBFS off at frame {at}: {frame:?}, not {wanted:?}", db(off));
        }
        books.retain(|_, entry| !entry.over);
    }

    fn book(&mut self, report: &Report) {
        for event in &report.events {
            match event {
                VoiceEvent::Started { voice, at } => {
                    let entry = self.books.get_mut(voice).unwrap();
                    assert_eq!(entry.begun.replace(at.0), None, "voice {voice} begins once");
                    assert_eq!(entry.wish.at, at.0, "voice {voice}: on its frame");
                }
                VoiceEvent::Ended { voice, at, frames, cause } => {
                    let entry = self.books.get_mut(voice).unwrap();
                    assert!(!std::mem::replace(&mut entry.over, true), "voice {voice} ends once");
                    let wanted = entry.wish.end(self.clip.0.len());
                    assert_eq!((at.0, *cause), wanted, "voice {voice}: on its frame, as asked");
                    let aired = entry.begun.map_or(0, |begun| at.0 - begun);
                    assert_eq!(*frames, aired, "voice {voice}: every frame once");
                    self.ended += 1;
                }
                VoiceEvent::Silent { voice, .. } => {
                    let entry = self.books.get_mut(voice).unwrap();
                    assert!(!std::mem::replace(&mut entry.silent, true));
                }
                VoiceEvent::Heard { voice, .. } => {
                    let entry = self.books.get_mut(voice).unwrap();
                    assert!(std::mem::replace(&mut entry.silent, false));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn two_hours_of_random_commands_leave_every_book_in_order() {
    let mut run = Run {
        mixer: Mixer::new(AirFrame(0)),
        dice: Dice(SEED),
        clip: Clip(support::band_limited(11, 90_000).into()),
        next: 0,
        books: BTreeMap::new(),
        refused: 0,
        ended: 0,
        expected: Expected::new(),
    };
    run.mixer.set_silence(Some(SilenceSettings {
        threshold_db: -30.0,
        duration_frames: 2_400,
        restore_frames: 2_400,
        either_channel: true,
    }));
    let mut limiter = Limiter::new();
    let loaded = [NodeSpec::parse("COMPRESSOR", &BTreeMap::new()).unwrap(), NodeSpec::Gain(6.0)];
    let mut chain = SwappingChain::default();
    let (mut out, mut report) = ([[0.0; 2]; BLOCK], Report::new());
    let (mut loudest, mut heard) = (0f32, 0usize);
    let (mut second, mut held_early) = (Vec::with_capacity(LOOK * BLOCK), 0);
    for block in 0..BLOCKS {
        if run.dice.roll(40) == 0 {
            run.order();
        }
        if block % CHAIN_EVERY == 0 {
            chain.swap(Box::new(Chain::of(&loaded)));
        } else if block % CHAIN_EVERY == CHAIN_EVERY / 10 {
            chain.swap(Box::default());
        }
        let at = run.mixer.position().0;
        run.mixer.render(&mut out, &mut report);
        assert!(report.active_voices <= MAX_VOICES);
        run.book(&report);
        run.hear(at, &out);
        while run.mixer.take_finished().is_some() {}
        chain.process(&mut out);
        limiter.process(&mut out);
        let peak = out.iter().flatten().fold(0f32, |most, sample| most.max(sample.abs()));
        assert!(peak.is_finite());
        loudest = loudest.max(peak);
        if block % LOOK_EVERY < LOOK {
            second.extend_from_slice(&out);
        } else if block % LOOK_EVERY == LOOK {
            // Voices are cut without a fade here, as no programme is: not all is band-limited.
            let true_peak = 20.0 * oversampled_peak(&second).log10();
            assert!(true_peak <= -0.9, "{true_peak} dBTP in the second before block {block}");
            second.clear();
            let held = memory::held();
            if held_early == 0 && block > LOOK_EVERY {
                held_early = held;
            }
            assert!(held - held_early < 1 << 20 || held_early == 0, "{held}, early {held_early}");
        }
        heard += usize::from(peak > 0.0);
    }
    assert_eq!(run.mixer.position(), AirFrame((BLOCKS * BLOCK) as i64), "no frame more or less");
    assert!(loudest <= limiter.ceiling(), "{loudest}");
    assert!(run.ended > 4_000 && run.refused > 500, "{} ended, {} refused", run.ended, run.refused);
    assert!(heard > BLOCKS / 2, "{heard} blocks of {BLOCKS} were heard");
    // What is left ends on command, with its books.
    for voice in run.books.keys().copied().collect::<Vec<_>>() {
        if run.mixer.cancel(voice) {
            run.books.remove(&voice);
        } else {
            run.mixer.command(Command::Stop { voice, at: AirFrame(0) }).unwrap();
        }
    }
    run.mixer.render(&mut out, &mut report);
    for event in &report.events {
        if let VoiceEvent::Ended { voice, .. } = event {
            run.books.remove(voice);
        }
    }
    assert!(run.books.is_empty());
}
