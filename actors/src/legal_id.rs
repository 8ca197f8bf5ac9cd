//! Judges, hour by hour and at sign-off, whether a legal ID aired: asks the executor once the air
//! has told all of that time.
//!
//! Upstream: the rule in the timeline, the hours of the station's own time. Downstream: the
//! executor, which decides from what it witnessed. Not here: where legal IDs are put.

use crate::clock;
use crate::error::CommandError;
use crate::meta::Meta;
use crate::site::Shared;
use grimnir_events::{CommitId, StationId, StreamId, StreamKind, UtcMicros, derive_id};
use grimnir_rules::executor::command::ExecutorCommand;
use grimnir_rules::planner::hours::{hour_of, zone};
use grimnir_rules::{Executor, Station, Timeline};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tracing::warn;

/// How often the air is looked at.
const TURN: Duration = Duration::from_secs(5);
/// A legal ID at sign-off starts right after the fade; its start is told within this time: 30 s.
const FAREWELL_US: i64 = 30_000_000;
/// What is told first of the fade and of the legal ID may differ by as much: 1 s.
const EARLY_US: i64 = 1_000_000;
/// A sign-off so long ago is not judged any more: 10 min. The rule may have come since.
const OLD_US: i64 = 600_000_000;

/// What a watch is started with.
pub struct LegalIdArgs {
    /// The site.
    pub shared: Arc<Shared>,
    /// The station.
    pub station: StationId,
}

/// Look now.
pub struct Look;

/// The actor.
pub struct LegalIdWatch;

/// What a running watch holds.
pub struct LegalIdState {
    shared: Arc<Shared>,
    station: StationId,
    ticker: JoinHandle<()>,
}

impl Actor for LegalIdWatch {
    type Msg = Look;
    type State = LegalIdState;
    type Arguments = LegalIdArgs;

    async fn pre_start(
        &self,
        me: ActorRef<Look>,
        args: LegalIdArgs,
    ) -> Result<LegalIdState, ActorProcessingErr> {
        let ticker = tokio::spawn(async move {
            while me.cast(Look).is_ok() {
                tokio::time::sleep(TURN).await;
            }
        });
        Ok(LegalIdState { shared: args.shared, station: args.station, ticker })
    }

    async fn handle(
        &self,
        _me: ActorRef<Look>,
        _look: Look,
        state: &mut LegalIdState,
    ) -> Result<(), ActorProcessingErr> {
        if let Err(error) = state.look().await {
            warn!(station.id = %state.station, %error, "legal IDs could not be judged");
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _me: ActorRef<Look>,
        state: &mut LegalIdState,
    ) -> Result<(), ActorProcessingErr> {
        state.ticker.abort();
        Ok(())
    }
}

impl LegalIdState {
    async fn look(&self) -> Result<(), CommandError> {
        if self.shared.is_closing() {
            return Ok(());
        }
        let directory = &self.shared.directory;
        let stream = |kind| StreamId::of_station(kind, self.station);
        let timeline = directory.inspect::<Timeline>(stream(StreamKind::Timeline)).await?;
        let Some(rule) = &timeline.state.orders.legal_id else { return Ok(()) };
        let station = directory.inspect::<Station>(stream(StreamKind::Station)).await?;
        let executor = directory.inspect::<Executor>(stream(StreamKind::Executor)).await?;
        if let Some(at) = executor.state.heard.left_at
            && !station.state.on_air
            && (FAREWELL_US..OLD_US).contains(&clock::now().since(at))
        {
            let (from, until) = (at.plus(-EARLY_US), at.plus(FAREWELL_US));
            let told = executor.state.missed >= Some(at);
            if !told && executor.state.heard.lacks_farewell(at, from, until) {
                return self.judge(at, from, until).await;
            }
        }
        let after = i64::from(rule.after_ms) * 1_000;
        let Some(hour) = begun(&station.state.time_zone, clock::now().plus(-after)) else {
            return Ok(());
        };
        let (from, until) = (hour.plus(-i64::from(rule.before_ms) * 1_000), hour.plus(after));
        let told = executor.state.missed >= Some(hour);
        if told || !executor.state.heard.lacks(from, until) {
            return Ok(());
        }
        self.judge(hour, from, until).await
    }

    async fn judge(
        &self,
        hour: UtcMicros,
        from: UtcMicros,
        until: UtcMicros,
    ) -> Result<(), CommandError> {
        let command = ExecutorCommand::JudgeLegalId { hour, from, until };
        let executor = StreamId::of_station(StreamKind::Executor, self.station);
        self.shared.directory.decide::<Executor>(executor, command, self.meta(hour)).await?;
        Ok(())
    }

    fn meta(&self, hour: UtcMicros) -> Meta {
        let log = self.shared.ledger.log_id();
        let parts: [&[u8]; 3] = [&log.0, &self.station.0, &hour.0.to_be_bytes()];
        let commit_id = CommitId(derive_id("legal id missed", &parts));
        Meta::own_under(commit_id)
    }
}

/// The full hour of the station's time that holds `at`; `None` in a part of one.
fn begun(time_zone: &str, at: UtcMicros) -> Option<UtcMicros> {
    let hour = hour_of(&zone(time_zone), at);
    (hour.skipped_ms == 0).then_some(hour.from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hour_is_one_of_the_stations_own_time() {
        let at = UtcMicros(497_000 * 3_600_000_000 + 1_900_000_000);
        let whole = UtcMicros(497_000 * 3_600_000_000);
        assert_eq!(begun("Europe/Berlin", at), Some(whole));
        assert_eq!(begun("Asia/Kolkata", at), Some(whole.plus(1_800_000_000)));
    }
}
