//! What instances of shows aired, for the rebroadcasts in the hours that are about to be planned.
//!
//! Upstream: the as-run of the read model, which goes a week back, and the kept plans beyond it.
//! Downstream: the planner, which takes for an instance to come what is planned of it.

use crate::clock;
use grimnir_events::ladder::Tier;
use grimnir_events::show::ShowContent;
use grimnir_events::{MediaId, StationId, UtcMicros};
use grimnir_projections::Views;
use grimnir_rules::planner::Aired;
use grimnir_rules::planner::hours;
use grimnir_rules::show::{Instance, Programme};
use grimnir_rules::timeline::TimelineState;

/// What the instances aired that coming hours repeat, as far as they are over.
pub(crate) fn aired(
    views: &Views,
    station: StationId,
    timeline: &TimelineState,
    time_zone: &str,
    planned: &[UtcMicros],
) -> Aired {
    let (Some(first), Some(last)) = (planned.iter().min(), planned.iter().max()) else {
        return Aired::new();
    };
    let clock = timeline.default_clock.and_then(|clock| timeline.clocks.get(&clock));
    let TimelineState { shows, grid, clocks, .. } = timeline;
    let programme = Programme::new(hours::zone(time_zone), shows, grid, clock, clocks);
    // An hour ends an hour after its start at most; what follows is looked at as well.
    let until = last.plus(2 * grimnir_rules::timeline::decide::HOUR_US);
    let sources = programme.instances(*first, until).into_iter().filter_map(|instance| {
        let ShowContent::Rebroadcast { show_id } = instance.content else { return None };
        programme.last_before(show_id, instance.from)
    });
    let over = sources.filter(|source| source.until <= clock::now());
    over.filter_map(|source| {
        let items = items(views, station, &source);
        (!items.is_empty()).then_some((source.id, items))
    })
    .collect()
}

/// The items of automation that began while an instance was on.
fn items(views: &Views, station: StationId, source: &Instance) -> Vec<MediaId> {
    let rows = views.as_run(station, source.from, source.until).into_iter();
    let began = rows.filter(|row| (source.from..source.until).contains(&row.started_at));
    let own = began.filter(|row| row.entry == "item" && row.tier == Some(Tier::Automation));
    own.filter_map(|row| row.media_id).collect()
}
