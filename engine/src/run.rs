//! One run of the engine: takes the lock, finds out how the last run ended, wires the parts, waits.

use crate::RunArguments;
use crate::air::bus::Bus;
use crate::air::{self, AirCommand, clock};
use crate::control::{self, Control};
use crate::director::{Director, Legacy, Msg, Parts, status::Board};
use crate::held::{self, Cache};
use crate::input::gate::Gate;
use crate::input::harbor::{self, Harbor};
use crate::input::line;
use crate::journal::{Journal, Recovered};
use crate::output::around::Surroundings;
use crate::output::codec;
use crate::output::desk::Desk;
use crate::output::encoder::Tell;
use crate::output::reached::{self, Reached};
use crate::output::record::keeper;
use crate::output::tls::Certificate;
use crate::output::{fanout, http};
use crate::position::{self, Position, PositionPage};
use grimnir_events::air::{AirEvent, EndReason, InterruptReason};
use grimnir_events::ladder::{AUTOMATION_CLAIM, FALLBACK_CLAIM};
use grimnir_events::units::BLOCK_FRAMES;
use grimnir_events::{AirFrame, EngineRunId, UtcMicros};
use grimnir_rules::timeline::resolve::Interrupted;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, PoisonError};
use tokio::signal::unix::{SignalKind, signal};

/// A line that was cut by a crash is resumed if it stood still less than this: 10 s.
const RESUME_FRAMES: i64 = 10 * 48_000;

/// Recordings have so long to be closed and hashed; the next run closes what is left.
const CLOSING: std::time::Duration = std::time::Duration::from_secs(3);

/// Runs the station; returns once it has ended in an orderly way.
pub fn run(arguments: &RunArguments) -> Result<(), String> {
    let dir = &arguments.dir;
    // Everything made here is for this user only, the socket above all.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    std::fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let _lock = lock(&dir.join("engine.lock"))?;
    let run = EngineRunId(*uuid::Uuid::new_v4().as_bytes());
    let page_path = dir.join("position.page");
    let reached_path = dir.join("reached.page");
    let last = position::read(&page_path)
        .map(|mixed| reached::heard(mixed, position::read(&reached_path)));
    let (journal, mut recovered, writer) = Journal::open(&dir.join("journal"), run);
    let start = start_frame(&recovered, last.as_ref());
    let cache = Cache::new(dir);
    let mut held = cache.load();
    held.epoch = held.epoch.max(arguments.epoch);
    if arguments.minimal {
        tracing::warn!("the last rung and emergencies are all that plays");
        held.make_lean();
    }
    let on_air = held.config.as_ref().is_some_and(|config| config.on_air);
    let mut legacy = close_last_run(&journal, &recovered, last.as_ref(), start, on_air);
    if arguments.minimal {
        (legacy.line, legacy.claim) = (None, None);
    }
    if let Some(taken) = arguments.elsewhere.take_up(&mut recovered, start) {
        legacy = Legacy { line: taken.line, interruption: taken.interruption, claim: None };
    }

    let (tx, rx) = channel::<Msg>();
    let (blocks, taps) = fanout::fanout();
    let (mixed_blocks, mixed) = fanout::fanout();
    let (air, mix) = start_air(&page_path, run, start, [blocks, mixed_blocks], tx.clone())?;
    // The first block has been rendered once it is known whether the thread runs in real time.
    let realtime = wait_for_first_block(&air, start);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    journal.record(start, AirEvent::EngineStarted { version, realtime });
    codec::warm_up();

    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Everything served is short work; one thread spares the wake-ups between two.
        .worker_threads(1)
        .thread_name("serve")
        .enable_all()
        .build()
        .map_err(|e| format!("runtime: {e}"))?;

    let (graph, kept) = (held.graph.clone(), cache.clone());
    let (offer, board) = (http::SharedOffer::default(), Board::default());
    let tell = teller(journal.clone(), air.clone());
    let reached = Arc::new(Reached::new(run, open_page(&reached_path)?));
    let seats = arguments.mount_listeners as usize;
    let (dir_held, offered, lost) = (dir.clone(), offer.clone(), last.map(|p| p.air_frame));
    let around =
        Surroundings { dir: dir_held, run, lost, fanout: taps, mixed, offer: offered, tell };
    let outputs = Desk::new(around, reached, seats, runtime.handle().clone());
    let (gate, records) = (Arc::new(Gate::default()), outputs.records().clone());
    let parts = Parts {
        run,
        media: arguments.media.clone(),
        air: air.clone(),
        journal: journal.clone(),
        cache,
        held,
        outputs,
        gate: gate.clone(),
        runtime: runtime.handle().clone(),
        board: board.clone(),
        tx: tx.clone(),
        rx,
    };
    let director = Director::new(parts, &mut recovered, legacy);
    let director = std::thread::Builder::new()
        .name("director".into())
        .spawn(move || or_abort("director", || director.run()))
        .map_err(|e| format!("director thread: {e}"))?;

    let told = std::sync::Mutex::new(tx.clone());
    let tell = move |word| {
        let tx = told.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = tx.send(Msg::Input(word));
    };
    let certificate = certificate(arguments);
    let harbor = Arc::new(Harbor::new(gate, records, Box::new(tell), certificate.clone()));
    let http_port = Arc::new(AtomicU32::new(0));
    let control = Control {
        station: arguments.station,
        run,
        air: air.clone(),
        journal: journal.clone(),
        director: std::sync::Mutex::new(tx.clone()),
        board,
        offer: offer.clone(),
        http_port: http_port.clone(),
        graph: std::sync::Mutex::new(control::Loaded::again(graph, kept, &air)),
        metered: std::sync::Mutex::default(),
        minimal: arguments.minimal,
    };
    let doors = Doors { offer, http_port, harbor, certificate };
    let served = runtime.block_on(serve(arguments, control, doors, tx));
    let _ = director.join();
    keeper::wait_until_closed(CLOSING);
    air.send(AirCommand::Quit);
    let _ = mix.join();
    writer.close();
    served
}

/// Without one that can be read, mounts are served in the clear: better than not at all.
fn certificate(arguments: &RunArguments) -> Option<Arc<Certificate>> {
    let (chain, key) = (arguments.mount_tls_cert.as_ref()?, arguments.mount_tls_key.as_ref()?);
    Certificate::open(chain, key)
        .map_err(|reason| tracing::error!(reason, "mounts are served without TLS"))
        .ok()
        .map(Arc::new)
}

fn open_page(path: &Path) -> Result<PositionPage, String> {
    PositionPage::open(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// Starts the mix thread, with a new position page.
fn start_air(
    page_path: &Path,
    run: EngineRunId,
    start: AirFrame,
    [fanout, mixed]: [fanout::Fanout; 2],
    tx: Sender<Msg>,
) -> Result<(air::AirHandle, std::thread::JoinHandle<()>), String> {
    let page = open_page(page_path)?;
    let bus = Bus::new();
    let parts = air::thread::AirParts { run, start, bus, fanout, mixed, page };
    air::thread::start(parts, move |report| {
        let _ = tx.send(Msg::Air(report));
    })
    .map_err(|e| format!("mix thread: {e}"))
}

/// What listeners and encoders find.
struct Doors {
    offer: http::SharedOffer,
    http_port: Arc<AtomicU32>,
    harbor: Arc<Harbor>,
    certificate: Option<Arc<Certificate>>,
}

impl Doors {
    /// Opens the ports, and tells whoever looks which they are.
    async fn open(
        self,
        listen: SocketAddr,
        harbor: Option<SocketAddr>,
        dir: PathBuf,
        run: EngineRunId,
    ) {
        let harbor_port = match harbor {
            Some(address) => self.open_harbor(address).await,
            None => 0,
        };
        match http::bind(listen).await {
            Ok(listener) => {
                let port = listener.local_addr().map_or(0, |address| address.port());
                self.http_port.store(u32::from(port), Ordering::Relaxed);
                write_card(&dir, run, port, harbor_port);
                tracing::info!(port, "listeners are served");
                http::serve(listener, self.offer, self.certificate).await;
            }
            Err(error) => {
                tracing::error!(address = %listen, %error, "no listener can be served");
                write_card(&dir, run, 0, harbor_port);
            }
        }
    }

    async fn open_harbor(&self, address: SocketAddr) -> u16 {
        match harbor::bind(address).await {
            Ok((base, icy)) => {
                let port = base.local_addr().map_or(0, |address| address.port());
                tracing::info!(port, "encoders are let in");
                tokio::spawn(harbor::serve(base, self.harbor.clone(), false));
                tokio::spawn(harbor::serve(icy, self.harbor.clone(), true));
                tokio::spawn(line::keep(self.harbor.clone()));
                port
            }
            Err(error) => {
                tracing::error!(%address, %error, "no encoder can be let in");
                0
            }
        }
    }
}

/// Serves until a signal asks for the end; then has the director end, and waits for it.
async fn serve(
    arguments: &RunArguments,
    control: Control,
    doors: Doors,
    tx: Sender<Msg>,
) -> Result<(), String> {
    let text = |what: &str, e: std::io::Error| format!("{what}: {e}");
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| text("SIGTERM", e))?;
    // A terminal that goes away, or Ctrl-C in it, is no reason to leave the air.
    let _hang_up = signal(SignalKind::hangup()).map_err(|e| text("SIGHUP", e))?;
    let _interrupt = signal(SignalKind::interrupt()).map_err(|e| text("SIGINT", e))?;

    let socket = arguments.dir.join("engine.sock");
    let listener = control::bind(&socket).map_err(|e| text(&socket.display().to_string(), e))?;
    let run = control.run;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(control::serve(listener, control, async {
        let _ = stopped.await;
    }));
    let (listen, dir) = (arguments.listen, arguments.dir.clone());
    // The smallest engine lets nobody in.
    let harbor = arguments.harbor.filter(|_| !arguments.minimal);
    tokio::spawn(doors.open(listen, harbor, dir, run));

    terminate.recv().await;
    tracing::info!("asked to end");
    let (done, ended) = tokio::sync::oneshot::channel();
    if tx.send(Msg::Quit(done)).is_ok() {
        let _ = ended.await;
    }
    let _ = stop.send(());
    // Streams that follow the journal have no end of their own.
    let _ = tokio::time::timeout(std::time::Duration::from_millis(500), server).await;
    let _ = std::fs::remove_file(&socket);
    Ok(())
}

/// A panic where the air is decided ends the process: the next one goes on at the cut, within a
/// second, which a half-dead engine would not.
pub fn or_abort(what: &str, work: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
        tracing::error!(what, "thread panicked; the engine ends, to be started again");
        std::process::abort();
    }
}

/// One engine per folder.
fn lock(path: &Path) -> Result<File, String> {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|e| format!("{}: {e}", path.display()))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(format!("{} is held: another engine plays this station", path.display()))
        }
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Tells whoever looks which process this is.
fn write_card(dir: &Path, run: EngineRunId, http_port: u16, harbor_port: u16) {
    let card = serde_json::json!({
        "pid": std::process::id(),
        "run_id": run.to_string(),
        "http_port": http_port,
        "harbor_port": harbor_port,
        "started": clock::utc_now(),
    });
    if let Err(error) = held::replace(&dir.join("engine.json"), format!("{card}\n").as_bytes()) {
        tracing::error!(%error, "engine.json cannot be written");
    }
}

fn teller(journal: Journal, air: air::AirHandle) -> Tell {
    Arc::new(move |event| journal.record(air.position(), event))
}

fn wait_for_first_block(air: &air::AirHandle, start: AirFrame) -> bool {
    let limit = clock::monotonic_ns() + 1_000_000_000;
    while air.view.rendered() == start && clock::monotonic_ns() < limit {
        std::thread::park_timeout(std::time::Duration::from_millis(1));
    }
    air.view.realtime()
}

/// The run's first frame: now by UTC, but never before what has aired.
fn start_frame(recovered: &Recovered, last: Option<&Position>) -> AirFrame {
    let utc: UtcMicros = clock::utc_now();
    let aired = [recovered.last_frame, last.map(|position| position.air_frame)];
    let now = utc.frame();
    match aired.into_iter().flatten().max() {
        // A clock that was set back by more than a minute is believed; the past is then the past.
        Some(aired) if aired > now && aired.since(now) < 60 * 48_000 => aired,
        _ => now,
    }
}

/// Since when nothing is heard, where the last run ended between two items, in silence or off air;
/// `None` before the first sign-on.
fn interruption_of_quiet(
    recovered: &Recovered,
    last: Option<&Position>,
    on_air: bool,
) -> Option<(AirFrame, InterruptReason, i64)> {
    if let Some((from, reason)) = recovered.quiet {
        let bound = if reason == InterruptReason::EngineLost { BLOCK_FRAMES } else { 0 };
        return Some((from, reason, bound));
    }
    if recovered.last_play == 0 && !recovered.silent {
        return None;
    }
    let known = recovered.last_frame?;
    let lost = last.map_or(known, |position| position.air_frame.max(known));
    let reason = if on_air { InterruptReason::EngineLost } else { InterruptReason::OffAir };
    Some((lost, reason, BLOCK_FRAMES))
}

/// Ends in the journal what the last run left open; answers what this run has to take up.
fn close_last_run(
    journal: &Journal,
    recovered: &Recovered,
    last: Option<&Position>,
    start: AirFrame,
    on_air: bool,
) -> Legacy {
    let Some(newest) = recovered.open.last() else {
        let interruption = interruption_of_quiet(recovered, last, on_air);
        return Legacy { interruption, ..Legacy::default() };
    };
    let of_run = last.filter(|position| position.run == newest.run);
    let lost = of_run.map_or(recovered.last_frame.unwrap_or(newest.at), |p| p.air_frame);
    for open in &recovered.open {
        let limit = open.started.expected_frames;
        let mut frames = lost.since(open.at).max(0);
        if open.started.claim_id != FALLBACK_CLAIM {
            frames = frames.min(limit);
        }
        let reason = EndReason::EngineLost;
        let play = open.started.play;
        journal.record_of(open.run, lost, AirEvent::ItemEnded { play, frames, reason });
    }
    tracing::warn!(frame = lost.0, open = recovered.open.len(), "the last run ended in a crash");
    let mut legacy = Legacy {
        interruption: Some((lost, InterruptReason::EngineLost, BLOCK_FRAMES)),
        ..Legacy::default()
    };
    if start.since(lost) > RESUME_FRAMES {
        return legacy;
    }
    let heard = of_run.and_then(|p| recovered.open.iter().find(|o| o.started.play == p.play));
    if let (Some(position), Some(open)) = (of_run, heard) {
        let started = &open.started;
        if let (AUTOMATION_CLAIM, Some(line_id)) = (started.claim_id, started.line_id) {
            legacy.line = Some(Interrupted { line_id, at_frame: position.file_frame });
        } else if started.claim_id != FALLBACK_CLAIM && started.claim_id != AUTOMATION_CLAIM {
            legacy.claim = Some((started.claim_id, started.play_hash, position.file_frame));
        }
    }
    legacy
}
