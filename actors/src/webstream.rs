//! Webstreams at a site: made, put on air, tried out, and seen as the engine told of them.

use crate::clock;
use crate::error::CommandError;
use crate::meta::Meta;
use crate::site::Site;
use grimnir_events::webstream::{self, WebstreamGrant};
use grimnir_events::{ClaimId, StationId};
use grimnir_rules::planner::hours;
use grimnir_rules::show::Programme;
use grimnir_rules::timeline::TimelineState;
use grimnir_rules::webstream::{Sight, WebstreamCommand, Webstreams, grants};
use grimnir_rules::{Ladder, Webstream};

/// Windows of the plan are handed over so far ahead: a week.
const AHEAD_US: i64 = 7 * 86_400_000_000;

/// A webstream as it is shown.
#[derive(Clone, Debug)]
pub struct WebstreamStatus {
    /// The webstream.
    pub webstream: webstream::Webstream,
    /// What the engine saw of it.
    pub sight: Sight,
    /// It owns the air.
    pub on_air: bool,
}

/// Webstreams with the stretches of time in which each is to be on air.
pub(crate) fn granted(
    state: &Webstreams,
    timeline: &TimelineState,
    time_zone: &str,
) -> Vec<WebstreamGrant> {
    let clock = timeline.default_clock.and_then(|clock| timeline.clocks.get(&clock));
    let TimelineState { shows, grid, clocks, .. } = timeline;
    let programme = Programme::new(hours::zone(time_zone), shows, grid, clock, clocks);
    let now = clock::now();
    grants(state, &programme.windows_between(now, now.plus(AHEAD_US)), now)
}

impl Site {
    /// Carries out a command about webstreams; its ledger position.
    pub async fn webstream_command(
        &self,
        station: StationId,
        command: WebstreamCommand,
        meta: Meta,
    ) -> Result<u64, CommandError> {
        Ok(self.command::<Webstream>(station, command, meta).await?.seq)
    }

    /// The webstreams of a station, by name.
    pub async fn webstreams(
        &self,
        station: StationId,
    ) -> Result<Vec<WebstreamStatus>, CommandError> {
        let state = self.inspect::<Webstream>(station).await?.state;
        let owner: ClaimId = self.inspect::<Ladder>(station).await?.state.owner;
        let status = |webstream: &webstream::Webstream| {
            let sight = state.seen.get(&webstream.id).cloned().unwrap_or_default();
            let on_air = sight.claim_id == Some(owner);
            WebstreamStatus { webstream: webstream.clone(), sight, on_air }
        };
        let mut all: Vec<WebstreamStatus> = state.webstreams.values().map(status).collect();
        all.sort_by(|a, b| {
            (&a.webstream.name, a.webstream.id).cmp(&(&b.webstream.name, b.webstream.id))
        });
        Ok(all)
    }
}
