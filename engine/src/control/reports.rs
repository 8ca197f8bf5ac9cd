//! Reports: status, telemetry, the journal's stream.

use super::Control;
use crate::air::clock;
use crate::air::view::MeterMark;
use crate::director::status::{self, OutputView, Snapshot, TargetView};
use crate::journal::Journal;
use crate::output::hls::serve::Live;
use crate::output::http::SharedOffer;
use crate::output::hub::Hub;
use crate::output::sessions::Session;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use grimnir_engine_proto::v1 as proto;
use grimnir_events::station::Mount;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tonic::Status;

/// Telemetry intervals that are given, in ms; 0 asks for that of the graph, 100 where it has none.
const INTERVALS_MS: std::ops::RangeInclusive<u32> = 20..=10_000;

/// The status now.
pub(super) fn status(control: &Control) -> proto::StatusResponse {
    let mut mark = control.metered.lock().unwrap_or_else(PoisonError::into_inner);
    let telemetry = measure(control, &mut mark);
    drop(mark);
    let shown = status::read(&control.board);
    let now = control.air.position();
    let view = &control.air.view;
    let position = if shown.heard { now.since(shown.started).clamp(0, shown.length) } else { 0 };
    let outputs = outputs(&shown);
    proto::StatusResponse {
        station_id: control.station.0.to_vec(),
        run_id: control.run.0.to_vec(),
        version: env!("CARGO_PKG_VERSION").into(),
        on_air: shown.on_air,
        realtime: view.realtime(),
        minimal: control.minimal,
        config_revision: shown.config_revision,
        timeline_revision: shown.timeline_revision,
        claims_revision: shown.claims_revision,
        journal_head: control.journal.head(),
        journal_acked: control.journal.acked(),
        owner_claim: shown.owner.0.to_vec(),
        owner_tier: u32::from(shown.tier),
        line_id: shown.line_id.0.to_vec(),
        title: shown.title,
        artist: shown.artist,
        position_frames: position,
        length_frames: shown.length,
        air_frame: now.0,
        outputs,
        http_port: control.http_port.load(Ordering::Relaxed),
        held_until_frame: shown.held_until.0,
        epoch: shown.epoch,
        late_blocks: view.late_blocks(),
        state: shown.state.into(),
        item_id: shown.item_id.0.to_vec(),
        control_mode: shown.mode.into(),
        next_line_id: shown.next_line.0.to_vec(),
        next_title: shown.next_title,
        waiting: shown.waiting,
        telemetry: Some(telemetry),
        targets: shown.targets.into_iter().map(target).collect(),
    }
}

fn target(target: TargetView) -> proto::TargetStatus {
    proto::TargetStatus {
        output_id: target.id.0.to_vec(),
        name: target.name,
        kind: target.kind.into(),
        health: target.state.health.word().into(),
        reason: target.state.reason,
        bytes_sent: target.state.bytes_sent,
        since_us: target.state.since.0,
        lost_bytes: target.state.lost_bytes,
        reconnects: target.state.reconnects,
        listeners: target.state.listeners,
    }
}

fn outputs(shown: &Snapshot) -> Vec<proto::OutputStatus> {
    let output = |output: &OutputView| proto::OutputStatus {
        mount_id: output.mount_id.0.to_vec(),
        path: output.path.clone(),
        up: output.up,
        listeners: output.listeners,
        bytes_sent: output.bytes_sent,
    };
    shown.outputs.iter().map(output).collect()
}

/// Who listens to the mounts, and to segments.
pub(super) fn listeners(offer: &SharedOffer) -> proto::ListenersResponse {
    let offer = offer.read().unwrap_or_else(PoisonError::into_inner);
    let of_mount = |(mount, hub): &(Mount, Arc<Hub>)| {
        let sessions = hub.sessions().into_iter();
        let of = |one: proto::Listener| proto::Listener { mount_id: mount.id.0.to_vec(), ..one };
        sessions.map(|one| of(listener(&one, &mount.path))).collect::<Vec<_>>()
    };
    let of_live = |live: &Arc<Live>| {
        let sessions = live.audience.now(Instant::now()).into_iter();
        let id = live.output_id.0.to_vec();
        let of = |one: proto::Listener| proto::Listener { output_id: id.clone(), ..one };
        sessions.map(|one| of(listener(&one, live.path()))).collect::<Vec<_>>()
    };
    let mounts = offer.mounts.iter().flat_map(of_mount);
    proto::ListenersResponse {
        listeners: mounts.chain(offer.hls.iter().flat_map(of_live)).collect(),
    }
}

fn listener(session: &Session, path: &str) -> proto::Listener {
    proto::Listener {
        path: path.to_owned(),
        since_us: session.since.0,
        ipv6: session.who.ipv6,
        tls: session.who.tls,
        user_agent: session.who.agent.clone(),
        bytes_sent: session.bytes(),
        heard_frames: session.frames(),
        ..proto::Listener::default()
    }
}

/// Levels and position at an interval.
pub(super) fn telemetry(
    control: Arc<Control>,
    interval_ms: u32,
) -> Result<BoxStream<'static, Result<proto::Telemetry, Status>>, Status> {
    let of_graph = interval_ms == 0;
    let interval_ms = if of_graph { control.air.view.meter_ms() } else { interval_ms };
    if !INTERVALS_MS.contains(&interval_ms) {
        return Err(Status::invalid_argument(format!(
            "interval_ms: {interval_ms}, allowed {} to {}",
            INTERVALS_MS.start(),
            INTERVALS_MS.end()
        )));
    }
    let ticks = ticks_of(interval_ms);
    let mut mark = Mark::default();
    measure(&control, &mut mark);
    let stream = stream::unfold((control, ticks, mark), move |state| async move {
        let (control, mut ticks, mut mark) = state;
        let now_ms = if of_graph { control.air.view.meter_ms() } else { interval_ms };
        if now_ms != ticks.period().as_millis() as u32 {
            ticks = ticks_of(now_ms);
            ticks.reset();
        }
        ticks.tick().await;
        let report = measure(&control, &mut mark);
        Some((Ok(report), (control, ticks, mark)))
    });
    Ok(stream.boxed())
}

fn ticks_of(interval_ms: u32) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(Duration::from_millis(u64::from(interval_ms)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    ticks
}

/// Where a reader of levels stood.
#[derive(Default)]
pub struct Mark {
    meter: MeterMark,
    cpu_ns: i64,
    at_ns: i64,
}

impl Mark {
    /// Share of one core since it was asked last.
    fn cpu_share(&mut self) -> f32 {
        let (used, at) = (clock::cpu_ns(), clock::monotonic_ns());
        let share = (used - self.cpu_ns) as f64 / (at - self.at_ns).max(1) as f64;
        (self.cpu_ns, self.at_ns) = (used, at);
        share as f32
    }
}

fn measure(control: &Control, mark: &mut Mark) -> proto::Telemetry {
    let view = &control.air.view;
    let (levels, loudness) = (view.levels(&mut mark.meter), view.loudness());
    let shown = status::read(&control.board);
    let now = view.position();
    proto::Telemetry {
        air_frame: now.0,
        level_left_db: levels.rms_db[0],
        level_right_db: levels.rms_db[1],
        peak_left_db: levels.peak_db[0],
        peak_right_db: levels.peak_db[1],
        underruns: view.underruns(),
        late_blocks: view.late_blocks(),
        position_frames: if shown.heard { now.since(shown.started) } else { 0 },
        length_frames: shown.length,
        state: shown.state.into(),
        momentary_lufs: loudness.momentary,
        short_term_lufs: loudness.short_term,
        integrated_lufs: loudness.integrated,
        item_true_peak_dbtp: loudness.true_peak_db,
        true_peak_dbtp: levels.true_peak_db,
        buffered_frames: view.buffered().unwrap_or(-1),
        cpu_share: mark.cpu_share(),
        outputs: outputs(&shown),
        programme_silent: view.programme_silent(),
        silent_sources: view.silent_sources(),
        targets: shown.targets.into_iter().map(target).collect(),
    }
}

/// Every record from `from` on, then each new one as it is written.
pub(super) fn journal(
    journal: Journal,
    from: u64,
) -> BoxStream<'static, Result<proto::JournalRecord, Status>> {
    let follow = journal.follow();
    let pages =
        stream::unfold((journal, follow, from.max(1)), |(journal, mut follow, from)| async move {
            follow.wait_for(|head| *head >= from).await.ok()?;
            let reader = journal.clone();
            let page = tokio::task::spawn_blocking(move || reader.read(from)).await;
            let page = match page {
                Ok(Ok(page)) if !page.is_empty() => page,
                Ok(Ok(_)) => {
                    let told = format!("record {from} is no longer held");
                    return Some((
                        vec![Err(Status::out_of_range(told))],
                        (journal, follow, u64::MAX),
                    ));
                }
                Ok(Err(error)) => {
                    let told = Status::unavailable(format!("journal cannot be read: {error}"));
                    return Some((vec![Err(told)], (journal, follow, u64::MAX)));
                }
                Err(_) => return None,
            };
            let next = page.last().map_or(from, |(seq, _)| seq + 1);
            let records = page
                .into_iter()
                .map(|(seq, fact_payload)| Ok(proto::JournalRecord { seq, fact_payload }));
            Some((records.collect(), (journal, follow, next)))
        });
    pages.flat_map(stream::iter).boxed()
}
