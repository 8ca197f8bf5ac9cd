//! The mix thread: one block of 10 ms for each deadline, whatever else happens.
//!
//! Late blocks up to 2 s are rendered at once; beyond that the air moves on and says so.

use super::bus::{BlockMeter, Bus};
use super::clock::monotonic_ns;
use super::pace::Pace;
use super::realtime;
use super::sudden::is_sudden;
use super::view::{AirView, Shown};
use super::words::{AirCommand, AirReport};
use crate::output::fanout::Fanout;
use crate::position::{Position, PositionPage};
use grimnir_events::units::BLOCK_FRAMES;
use grimnir_events::{AirFrame, EngineRunId};
use grimnir_mix::dsp::silence::SilenceWord;
use grimnir_mix::meter::Meter;
use grimnir_mix::{BLOCK, Command, Frame, Mixer, Report, VoiceEvent};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::Thread;
use std::time::Duration;

/// The way to the mix thread.
#[derive(Clone)]
pub struct AirHandle {
    commands: Sender<AirCommand>,
    thread: Thread,
    /// What it shows.
    pub view: Arc<AirView>,
}

impl AirHandle {
    /// Sends a command; it is taken before the next block that is due.
    pub fn send(&self, command: AirCommand) {
        if self.commands.send(command).is_err() {
            tracing::error!("the mix thread is gone");
        }
        self.thread.unpark();
    }
    /// First frame of the next block that is due.
    pub fn position(&self) -> AirFrame {
        self.view.position()
    }
}

/// A play in the mixer, for the position page.
struct Sounding {
    voice: u64,
    from_frame: i64,
    urgent: bool,
    /// `None` until its first frame.
    started: Option<AirFrame>,
    /// Its source is silent.
    silent: bool,
}

struct MixThread {
    mixer: Mixer,
    /// Emergencies: summed in behind the limiter.
    urgent: Mixer,
    bus: Bus,
    meter: Meter,
    commands: Receiver<AirCommand>,
    reports: Box<dyn Fn(AirReport) + Send>,
    fanout: Fanout,
    mixed: Fanout,
    page: PositionPage,
    view: Arc<AirView>,
    run: EngineRunId,
    sounding: Vec<Sounding>,
}

/// What a block is rendered into.
struct Buffers {
    block: [Frame; BLOCK],
    urgent: [Frame; BLOCK],
    report: Report,
    urgent_report: Report,
}

impl Buffers {
    fn new() -> Self {
        let silence = [[0.0; 2]; BLOCK];
        let (report, urgent_report) = (Report::new(), Report::new());
        Self { block: silence, urgent: silence, report, urgent_report }
    }
}

/// What the mix thread is made of.
pub struct AirParts {
    /// This run.
    pub run: EngineRunId,
    /// Its first frame.
    pub start: AirFrame,
    /// The bus behind the mixer.
    pub bus: Bus,
    /// Where blocks go.
    pub fanout: Fanout,
    /// Where they go before the bus shapes them.
    pub mixed: Fanout,
    /// Where the position goes.
    pub page: PositionPage,
}

/// Starts the mix thread; `reports` is called on it and must not wait.
pub fn start(
    parts: AirParts,
    reports: impl Fn(AirReport) + Send + 'static,
) -> std::io::Result<(AirHandle, std::thread::JoinHandle<()>)> {
    let (tx, rx) = channel();
    let view = Arc::new(AirView::new(parts.start));
    let thread = MixThread {
        mixer: Mixer::new(parts.start),
        urgent: Mixer::new(parts.start),
        bus: parts.bus,
        meter: Meter::new(),
        commands: rx,
        reports: Box::new(reports),
        fanout: parts.fanout,
        mixed: parts.mixed,
        page: parts.page,
        view: view.clone(),
        run: parts.run,
        sounding: Vec::with_capacity(64),
    };
    let join = std::thread::Builder::new()
        .name("mix".into())
        .spawn(move || crate::run::or_abort("mix", || thread.run()))?;
    Ok((AirHandle { commands: tx, thread: join.thread().clone(), view }, join))
}

impl MixThread {
    fn run(mut self) {
        self.view.set_realtime(realtime::ask());
        let began = monotonic_ns();
        self.view.begin(began);
        let mut pace = Pace::begin(self.mixer.position(), began);
        let mut buffers = Buffers::new();
        let mut sudden = false;
        loop {
            let Some(ordered) = self.wait(&pace) else { return };
            // What is due by now was so before the order.
            let due = pace.due(self.mixer.position(), monotonic_ns());
            if due.passed > 0 {
                self.move_on(due.passed * BLOCK_FRAMES);
            }
            self.view.add_late(due.late.unsigned_abs());
            for _ in 0..due.blocks {
                self.block(&mut buffers, std::mem::take(&mut sudden));
            }
            let Some(soon) = self.take_commands(ordered) else { return };
            if soon {
                sudden = true;
                pace.hurry(self.mixer.position());
            }
        }
    }

    /// Waits until blocks are due or something is ordered, which it answers; `None` when nobody
    /// is left who could.
    fn wait(&self, pace: &Pace) -> Option<Option<AirCommand>> {
        let until = pace.wake_at(self.mixer.position());
        loop {
            match self.commands.try_recv() {
                Ok(command) => return Some(Some(command)),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            let left = until - monotonic_ns();
            if left <= 0 {
                return Some(None);
            }
            std::thread::park_timeout(Duration::from_nanos(left.unsigned_abs()));
        }
    }

    /// The air moves on over frames that nobody rendered.
    fn move_on(&mut self, frames: i64) {
        let from = self.mixer.position();
        let to = from.plus(frames);
        self.mixer.jump(to);
        self.urgent.jump(to);
        for play in &mut self.sounding {
            play.started = play.started.map(|at| at.plus(to.since(from)));
        }
        (self.reports)(AirReport::Stalled { from, to });
    }

    /// Renders the next block.
    fn block(&mut self, buffers: &mut Buffers, sudden: bool) {
        let Buffers { block, urgent, report, urgent_report } = buffers;
        // The bus gives the programme out later than the mixer mixed it.
        let mixed_at = self.mixer.position();
        let at = mixed_at.plus(-self.bus.latency_frames());
        self.mixer.render(block, report);
        self.urgent.render(urgent, urgent_report);
        let is_urgent = self.sounding.iter().any(|play| play.urgent);
        let over = is_urgent.then_some(urgent);
        self.mixed.send_sum(mixed_at, sudden, block, over.as_deref());
        let meter = self.bus.process(block, over);
        self.measure(block, meter, [report, urgent_report]);
        self.fanout.send(at, sudden, block);
        if let Some(chain) = self.bus.take_over() {
            (self.reports)(AirReport::Retired { chain });
        }
        if let Some((word, action)) = self.bus.take_word() {
            let at = at.plus(BLOCK_FRAMES);
            let silent = matches!(word, SilenceWord::Silent { .. });
            self.view.set_silent(Some(silent), self.silent_sources());
            (self.reports)(AirReport::Silence { word, action, at });
        }
        self.report(report);
        self.report(urgent_report);
        let play = self.heard();
        let position = Position {
            run: self.run,
            air_frame: self.mixer.position(),
            play: play.0,
            file_frame: play.1,
        };
        self.page.write(&position);
    }

    /// Meters a block as it leaves; spans of what starts in it begin with it.
    fn measure(&mut self, block: &[Frame; BLOCK], meter: BlockMeter, reports: [&Report; 2]) {
        for event in reports.iter().flat_map(|report| &report.events) {
            if let VoiceEvent::Started { voice, .. } = event {
                self.meter.begin(*voice);
            }
        }
        let reading = self.meter.take(block);
        let position = self.mixer.position();
        // Ten times a second: the gates look through every class of loudness.
        if position.0 / BLOCK_FRAMES % 10 == 0 {
            self.view.set_item(self.meter.so_far(self.heard().0));
        }
        self.view.publish(&Shown {
            position,
            peak: meter.peak,
            square_sum: meter.square_sum,
            true_peak: reading.true_peak,
            loudness: [reading.momentary, reading.short_term],
            buffered: reports.iter().filter_map(|report| report.buffered).min(),
        });
    }

    fn silent_sources(&self) -> u32 {
        self.sounding.iter().filter(|play| play.silent).count() as u32
    }

    fn set_silent(&mut self, voice: u64, silent: bool) {
        if let Some(play) = self.sounding.iter_mut().find(|play| play.voice == voice) {
            play.silent = silent;
        }
        self.view.set_silent(None, self.silent_sources());
    }

    /// Takes what is ordered, `first` before the others: whether any of it is to be heard soon;
    /// `None` when told to quit.
    fn take_commands(&mut self, mut first: Option<AirCommand>) -> Option<bool> {
        let mut sudden = false;
        loop {
            let command = match first.take().map_or_else(|| self.commands.try_recv(), Ok) {
                Ok(command) => command,
                Err(TryRecvError::Empty) => return Some(sudden),
                Err(TryRecvError::Disconnected) => return None,
            };
            sudden |= is_sudden(&command, self.mixer.position());
            let result = match command {
                AirCommand::Start { from_frame, urgent, start } => {
                    let voice = start.voice;
                    self.sounding.push(Sounding {
                        voice,
                        from_frame,
                        urgent,
                        started: None,
                        silent: false,
                    });
                    let result = self.mixer_of(voice).command(Command::Start(start));
                    if result.is_err() {
                        self.sounding.retain(|play| play.voice != voice);
                    }
                    result
                }
                AirCommand::Mix(command) => self.mixer_of(command.voice()).command(command),
                AirCommand::Cancel(voice) => {
                    if self.mixer_of(voice).cancel(voice) {
                        self.sounding.retain(|play| play.voice != voice);
                    }
                    Ok(())
                }
                AirCommand::Bus(shape) => {
                    for mixer in [&mut self.mixer, &mut self.urgent] {
                        mixer.set_duck(shape.duck);
                        mixer.set_silence(shape.source_silence.map(|watch| watch.settings));
                    }
                    self.mixer.set_gains(shape.mix);
                    if let Some(chain) = self.bus.set(shape) {
                        (self.reports)(AirReport::Retired { chain });
                    }
                    Ok(())
                }
                AirCommand::Listen(on_air) => {
                    self.bus.listen(on_air);
                    Ok(())
                }
                AirCommand::Quit => return None,
            };
            if let Err(error) = result {
                (self.reports)(AirReport::Refused { error });
            }
        }
    }

    fn report(&mut self, report: &Report) {
        let mixed_ns = if report.events.is_empty() { 0 } else { monotonic_ns() };
        for event in &report.events {
            match event {
                VoiceEvent::Started { voice, at } => {
                    if let Some(play) = self.sounding.iter_mut().find(|p| p.voice == *voice) {
                        play.started = Some(*at);
                    }
                }
                VoiceEvent::Ended { voice, .. } => {
                    self.sounding.retain(|play| play.voice != *voice);
                    self.view.set_silent(None, self.silent_sources());
                }
                VoiceEvent::Silent { voice, .. } => self.set_silent(*voice, true),
                VoiceEvent::Heard { voice, .. } => self.set_silent(*voice, false),
                VoiceEvent::Underrun { .. } => self.view.add_underrun(),
                VoiceEvent::NonFinite { .. } => {}
            }
            (self.reports)(AirReport::Voice { event: *event, mixed_ns });
            if let VoiceEvent::Ended { voice, at, .. } = *event
                && let Some(measured) = self.meter.end(voice)
            {
                (self.reports)(AirReport::Measured { voice, at, measured });
            }
        }
        // After the events: whoever hears that a voice ended may look at its source.
        for mixer in [&mut self.mixer, &mut self.urgent] {
            while let Some(start) = mixer.take_finished() {
                (self.reports)(AirReport::Finished { start });
            }
        }
    }

    /// The mixer that a voice is in, or is to be in.
    fn mixer_of(&mut self, voice: u64) -> &mut Mixer {
        let urgent = self.sounding.iter().any(|play| play.urgent && play.voice == voice);
        if urgent { &mut self.urgent } else { &mut self.mixer }
    }

    /// The play that came last and its next file frame.
    fn heard(&self) -> (u64, i64) {
        let now = self.mixer.position();
        let latest = self.sounding.iter().filter_map(|p| Some((p.started?, p)));
        latest
            .max_by_key(|(at, _)| *at)
            .map_or((0, 0), |(at, play)| (play.voice, play.from_frame + now.since(at)))
    }
}
