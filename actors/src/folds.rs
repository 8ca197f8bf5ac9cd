//! The folds of one station, gathered as for planning, with its library prepared: what work by
//! hand, trying out and explaining ask the planner with.

use crate::error::CommandError;
use crate::gather::{Gathered, Larder, Prepared};
use crate::site::{Shared, Site};
use grimnir_events::StationId;
use grimnir_events::UtcMicros;
use grimnir_events::timeline::HourPlan;
use grimnir_rules::planner::PlanInputs;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// The folds of one station.
pub struct Folds {
    gathered: Gathered,
    larder: Arc<Mutex<Larder>>,
}

impl Deref for Folds {
    type Target = Gathered;

    fn deref(&self) -> &Gathered {
        &self.gathered
    }
}

impl Folds {
    /// As they are now.
    pub async fn read(site: &Site, id: StationId) -> Result<Self, CommandError> {
        Self::of(site.shared(), id).await
    }

    /// The same, for who has no site.
    pub async fn of(shared: &Shared, id: StationId) -> Result<Self, CommandError> {
        Ok(Self { gathered: Gathered::read(shared, id).await?, larder: shared.larder(id) })
    }

    /// The hours as they are.
    pub fn hours(&self) -> &BTreeMap<UtcMicros, HourPlan> {
        &self.timeline.state.hours
    }

    /// Asks the planner as planning does.
    pub fn ask<T>(
        &self,
        answer: impl FnOnce(&PlanInputs<'_>, &BTreeMap<UtcMicros, HourPlan>) -> T,
    ) -> T {
        self.gathered.ask(&self.prepare(), answer)
    }

    /// The library as planning needs it.
    pub fn prepare(&self) -> Arc<Prepared> {
        self.larder.lock().unwrap_or_else(PoisonError::into_inner).prepare(&self.gathered)
    }
}

/// What asks the planner takes milliseconds; it must not hold up the actors.
pub async fn apart<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CommandError> {
    let failed = |reason: String| CommandError::Failed { what, reason };
    tokio::task::spawn_blocking(work).await.map_err(|e| failed(e.to_string()))
}
