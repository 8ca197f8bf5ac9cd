//! Keeps a station planned ahead: reads the folds at one position, asks the pure planner, commits.
//!
//! Each turn does the first thing that is due: hours without a plan are planned; firm lines that
//! cannot stay are picked again one by one; what moved is told its time; hours beyond the firm
//! horizon are rebuilt once what they follow from has changed and rests. Only the owner's commands
//! are taken, so nobody else's plan goes on.

mod commit;
mod turn;

use crate::error::CommandError;
use crate::meta::Meta;
use crate::site::Shared;
use crate::templates;
use grimnir_events::StationId;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tracing::warn;
use turn::Rest;

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
    /// Do what is due.
    Extend,
    /// Plan again from the next hour on; answers the ledger position after it.
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
    rest: Rest,
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
        let (shared, station) = (args.shared, args.station);
        Ok(PlannerState { shared, station, ticker, rest: Rest::default() })
    }

    async fn handle(
        &self,
        _me: ActorRef<PlannerMessage>,
        message: PlannerMessage,
        state: &mut PlannerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            PlannerMessage::Extend => {
                if let Err(error) = state.turn().await {
                    warn!(station.id = %state.station, %error, "the plan could not go on");
                }
                if let Err(error) = templates::fill_waiting(&state.shared, state.station).await {
                    warn!(station.id = %state.station, %error, "templates were not laid over");
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
