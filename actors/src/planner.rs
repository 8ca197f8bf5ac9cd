//! Keeps 24 hours planned for one station: reads the folds, asks the pure planner, commits hours.

use crate::clock;
use crate::error::CommandError;
use crate::meta::Meta;
use crate::rebroadcast;
use crate::site::Shared;
use grimnir_events::timeline::HourPlan;
use grimnir_events::{
    Actor as Principal, CommitId, CorrelationId, MediaId, PlaylistId, StationId, StreamId,
    StreamKind, UtcMicros, derive_id,
};
use grimnir_rules::planner::joint::Joins;
use grimnir_rules::planner::{self, PlanInputs};
use grimnir_rules::timeline::command::TimelineCommand;
use grimnir_rules::{Library, Station, Timeline};
use jiff::tz::TimeZone;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tracing::{info, warn};

/// Hours that are kept planned, the running one among them.
pub const HORIZON_HOURS: u32 = 24;
/// How often the horizon is looked at.
const TURN: Duration = Duration::from_secs(5);

/// What a planner is started with.
pub struct PlannerArgs {
    /// The site.
    pub shared: Arc<Shared>,
    /// The station.
    pub station: StationId,
}

/// What a planner is told.
pub enum PlannerMessage {
    /// Extend the plan where it is short.
    Extend,
    /// Plan again from the given hour on; answers the ledger position after it.
    Replan {
        /// Which commit asked.
        meta: Meta,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<u64, CommandError>>,
    },
}

/// The actor.
pub struct PlannerActor;

/// What a running planner holds.
pub struct PlannerState {
    shared: Arc<Shared>,
    station: StationId,
    ticker: tokio::task::JoinHandle<()>,
}

impl Actor for PlannerActor {
    type Msg = PlannerMessage;
    type State = PlannerState;
    type Arguments = PlannerArgs;

    async fn pre_start(
        &self,
        me: ActorRef<PlannerMessage>,
        args: PlannerArgs,
    ) -> Result<PlannerState, ActorProcessingErr> {
        args.shared.enter_planner(args.station, me.clone());
        let waker = me.clone();
        let mut moved = args.shared.stations_moved(args.station);
        let ticker = tokio::spawn(async move {
            loop {
                if waker.cast(PlannerMessage::Extend).is_err() {
                    return;
                }
                let _ = tokio::time::timeout(TURN, moved.changed()).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Ok(PlannerState { shared: args.shared, station: args.station, ticker })
    }

    async fn handle(
        &self,
        _me: ActorRef<PlannerMessage>,
        message: PlannerMessage,
        state: &mut PlannerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            PlannerMessage::Extend => {
                if let Err(error) = state.extend().await {
                    warn!(station.id = %state.station, %error, "the plan could not be extended");
                }
            }
            PlannerMessage::Replan { meta, reply } => {
                let _ = reply.send(state.replan(meta).await);
            }
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _me: ActorRef<PlannerMessage>,
        state: &mut PlannerState,
    ) -> Result<(), ActorProcessingErr> {
        state.ticker.abort();
        Ok(())
    }
}

impl PlannerState {
    fn stream(&self, kind: StreamKind) -> StreamId {
        StreamId::of_station(kind, self.station)
    }

    /// Plans the hours of the horizon that have no plan, or an empty one and new media since.
    async fn extend(&self) -> Result<(), CommandError> {
        let directory = &self.shared.directory;
        let station = directory.inspect::<Station>(self.stream(StreamKind::Station)).await?;
        if !station.state.on_air || self.shared.is_closing() {
            return Ok(());
        }
        let library = directory.inspect::<Library>(self.stream(StreamKind::Library)).await?;
        let timeline = directory.inspect::<Timeline>(self.stream(StreamKind::Timeline)).await?;
        let mut input_seq = station.seq.max(library.seq);
        if timeline.state.orders.signed_on.is_some() {
            // Planned again after a sign-on, an hour is a commit of its own.
            input_seq = input_seq.max(timeline.seq);
        }
        let zone = planner::hours::zone(&station.state.time_zone);
        self.clear_stale(&zone, &timeline.state.hours, station.seq).await?;
        let whole = |plan: &&HourPlan| {
            (!plan.lines.is_empty() || plan.input_seq >= library.seq)
                && !timeline.state.orders.awaits_sign_on(plan.hour)
        };
        let planned = timeline.state.hours.values().filter(whole).map(|plan| plan.hour).collect();
        let missing = planner::hours_to_plan(&zone, clock::now(), &planned, HORIZON_HOURS);
        if missing.is_empty() {
            return Ok(());
        }
        let plans = self.plan(&missing, input_seq).await?;
        for plan in plans {
            let replace = timeline.state.hours.contains_key(&plan.hour);
            let (hour, seq) = (plan.hour, plan.input_seq);
            let meta = self.meta("plan", hour, seq);
            let command = TimelineCommand::CommitHour { plan: Box::new(plan), replace };
            directory.decide::<Timeline>(self.stream(StreamKind::Timeline), command, meta).await?;
        }
        info!(station.id = %self.station, hours = missing.len(), "the plan was extended");
        Ok(())
    }

    /// Takes out coming hours that begin where none does any more: the station keeps another time.
    async fn clear_stale(
        &self,
        zone: &TimeZone,
        hours: &BTreeMap<UtcMicros, HourPlan>,
        station_seq: u64,
    ) -> Result<(), CommandError> {
        let planned = hours.keys().copied().collect();
        for hour in planner::stale_hours(zone, clock::now(), &planned) {
            let reason = "the station keeps another time".into();
            let command = TimelineCommand::ClearHour { hour, reason };
            let meta = self.meta("clear", hour, station_seq);
            let stream = self.stream(StreamKind::Timeline);
            self.shared.directory.decide::<Timeline>(stream, command, meta).await?;
        }
        Ok(())
    }

    /// Plans again: everything after the running hour, and the running hour where it is empty.
    async fn replan(&self, cause: Meta) -> Result<u64, CommandError> {
        let directory = &self.shared.directory;
        let timeline = directory.inspect::<Timeline>(self.stream(StreamKind::Timeline)).await?;
        let library = directory.inspect::<Library>(self.stream(StreamKind::Library)).await?;
        let now = clock::now();
        let station = directory.inspect::<Station>(self.stream(StreamKind::Station)).await?;
        let zone = planner::hours::zone(&station.state.time_zone);
        let begun = |plan: &&HourPlan| plan.hour <= now && !plan.lines.is_empty();
        let begun = timeline.state.hours.values().filter(begun).map(|plan| plan.hour).collect();
        let hours = planner::hours_to_plan(&zone, now, &begun, HORIZON_HOURS);
        let mut seq = timeline.seq;
        let input_seq = library.seq.max(timeline.seq);
        for (index, plan) in self.plan(&hours, input_seq).await?.into_iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let commit_id = CommitId(derive_id(
                "replan",
                &[&self.shared.ledger.log_id().0, &cause.commit_id.0, &index.to_be_bytes()],
            ));
            let meta = Meta { causation: cause.causation, commit_id, ..cause };
            let command = TimelineCommand::CommitHour { plan: Box::new(plan), replace: true };
            seq = directory
                .decide::<Timeline>(self.stream(StreamKind::Timeline), command, meta)
                .await?
                .seq;
        }
        Ok(seq)
    }

    async fn plan(
        &self,
        hours: &[UtcMicros],
        input_seq: u64,
    ) -> Result<Vec<HourPlan>, CommandError> {
        let directory = &self.shared.directory;
        let station = directory.inspect::<Station>(self.stream(StreamKind::Station)).await?;
        let library = directory.inspect::<Library>(self.stream(StreamKind::Library)).await?;
        let timeline = directory.inspect::<Timeline>(self.stream(StreamKind::Timeline)).await?;
        let (id, hours) = (self.station, hours.to_vec());
        let zone = &station.state.time_zone;
        let views = &self.shared.views;
        let aired = rebroadcast::aired(views, id, &timeline.state, zone, &hours);
        // Picking takes milliseconds per hour; it must not hold up the other actors.
        tokio::task::spawn_blocking(move || {
            let playlists: BTreeMap<PlaylistId, (String, Vec<MediaId>)> = library
                .state
                .playlists
                .iter()
                .map(|(id, list)| (*id, (list.name.clone(), list.items.clone())))
                .collect();
            let clock = timeline.state.default_clock.and_then(|c| timeline.state.clocks.get(&c));
            let inputs = PlanInputs {
                station: id,
                settings: &station.state.settings,
                media: (&*library.state).into(),
                prepared: None,
                playlists: &playlists,
                playlist_times: &library.state.playlist_times(),
                details: &library.state.details,
                blocks: &timeline.state.blocks,
                rules: &timeline.state.rules,
                time_zone: &station.state.time_zone,
                // Plays before the kept plans are not counted here yet.
                tally: &BTreeMap::new(),
                clock,
                grid: &timeline.state.grid,
                clocks: &timeline.state.clocks,
                shows: &timeline.state.shows,
                aired: &aired,
                // Plans are kept 48 h back, longer than any separation looks.
                joins: Joins { mode: station.state.transitions, analyses: &library.state.analyses },
                played: &[],
                orders: &timeline.state.orders,
                input_seq,
            };
            planner::plan_hours(&inputs, &timeline.state.hours, &hours)
        })
        .await
        .map_err(|e| CommandError::Failed { what: "planning", reason: e.to_string() })
    }

    fn meta(&self, what: &str, hour: UtcMicros, input_seq: u64) -> Meta {
        let log = self.shared.ledger.log_id();
        let parts: [&[u8]; 4] =
            [&log.0, &self.station.0, &hour.0.to_be_bytes(), &input_seq.to_be_bytes()];
        let commit_id = CommitId(derive_id(what, &parts));
        Meta {
            actor: Principal::System,
            correlation: CorrelationId(commit_id.0),
            causation: CommitId::default(),
            commit_id,
        }
    }
}
