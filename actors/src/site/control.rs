//! Who starts lines: the mode of a station, and starts by people.

use super::Site;
use crate::error::CommandError;
use crate::meta::Meta;
use grimnir_events::control::ControlMode;
use grimnir_events::crash::WholeAgain;
use grimnir_events::ladder::AUTOMATION_CLAIM;
use grimnir_events::{LineId, StartId, StationId, derive_id};
use grimnir_rules::Executor;
use grimnir_rules::executor::command::ExecutorCommand;

/// How lines are to be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ModeWanted {
    /// By the plan.
    Automatic,
    /// By a person.
    Assist,
    /// Not any more, once what is on air has ended.
    StopAfter,
    /// Not any more, from now on.
    Hold,
}

/// The line that is made ready, as the engine says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NextLine {
    /// Which.
    pub line_id: LineId,
    /// Its title.
    pub title: String,
    /// Nothing starts it by itself.
    pub waiting: bool,
}

impl Site {
    /// Starts lines in another way from now on.
    pub async fn set_mode(
        &self,
        station: StationId,
        wanted: ModeWanted,
        meta: Meta,
    ) -> Result<u64, CommandError> {
        self.ours(station)?;
        let mode = match wanted {
            ModeWanted::Automatic => ControlMode::Automatic,
            ModeWanted::Assist => ControlMode::Assist,
            ModeWanted::Hold => ControlMode::Hold,
            ModeWanted::StopAfter => match self.asked_before::<Executor>(meta).await {
                Some(ExecutorCommand::SetMode { mode }) => mode,
                _ => self.stop_after(station).await?,
            },
        };
        let command = ExecutorCommand::SetMode { mode };
        Ok(self.command::<Executor>(station, command, meta).await?.seq)
    }

    /// The mode that names the line on air.
    async fn stop_after(&self, station: StationId) -> Result<ControlMode, CommandError> {
        self.engine_known(station).await?;
        let (line_id, owner) = self.on_air_now(station).await?;
        let of_plan = owner == AUTOMATION_CLAIM;
        let line_id = if of_plan { line_id } else { LineId::default() };
        Ok(ControlMode::StopAfter { line_id })
    }

    /// Starts the line that is ready; the engine hears of it by the next hand-over, at once.
    pub async fn start_next(&self, station: StationId, meta: Meta) -> Result<u64, CommandError> {
        let start_id = StartId(derive_id("start", &[&meta.commit_id.0]));
        let command = ExecutorCommand::Start { start_id };
        Ok(self.command::<Executor>(station, command, meta).await?.seq)
    }

    /// Lets a whole engine play again; the smallest one makes room at its next turn.
    pub async fn restore_engine(
        &self,
        station: StationId,
        meta: Meta,
    ) -> Result<u64, CommandError> {
        let command = ExecutorCommand::RestoreEngine { why: WholeAgain::Ordered };
        Ok(self.command::<Executor>(station, command, meta).await?.seq)
    }

    /// The line that the engine makes ready; `None` while no engine is connected, or none is.
    pub async fn next_line(&self, station: StationId) -> Option<NextLine> {
        let status = self.fresh_status(station).await?;
        let line_id = LineId(status.next_line_id.as_slice().try_into().ok()?);
        let waiting = status.waiting;
        (!line_id.is_nil()).then_some(NextLine { line_id, title: status.next_title, waiting })
    }
}
