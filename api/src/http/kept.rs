//! What a station keeps under an id (format clocks, playlists): found, recorded, removed alike.
//!
//! Upstream: the routes of each kind. Downstream: its aggregate, and the plan that follows from it.

use super::mount::Removed;
use super::timeline::{Replan, replan};
use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::Managers;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::Problem;
use grimnir_events::{IdError, StationId};
use grimnir_rules::Aggregate;
use std::fmt::Display;
use std::str::FromStr;

/// A kind of thing that a station keeps; the row it is read from.
pub(super) trait Kept: Sized {
    /// Its id.
    type Id: FromStr<Err = IdError> + Display + Copy;
    /// The aggregate that keeps it.
    type Of: Aggregate;

    /// The row of this id.
    fn find(app: &App, id: Self::Id) -> Option<Self>;
    /// Whose it is.
    fn station_id(&self) -> StationId;
    /// There is none of this id.
    fn missing(id: Self::Id) -> Problem;
    /// The command that removes it.
    fn removal(id: Self::Id) -> <Self::Of as Aggregate>::Command;
}

/// The thing that a path names; another station's is not there for the station that is given.
pub(super) fn found<K: Kept>(
    app: &App,
    id: &str,
    station_id: Option<&str>,
) -> Result<(K::Id, K), Problem> {
    let id = lookup::id("id", id)?;
    let given = lookup::given_station(app, station_id)?;
    let row = K::find(app, id);
    let row = row.filter(|row| given.is_none_or(|given| row.station_id() == given));
    Ok((id, row.ok_or_else(|| K::missing(id))?))
}

/// Carries a command out, and plans again where the request asks for it.
pub(super) async fn recorded<K: Kept>(
    app: &App,
    intent: &Intent<Managers>,
    station: StationId,
    command: <K::Of as Aggregate>::Command,
    options: &Replan,
) -> Result<Done, Problem> {
    let receipt = app.site.command::<K::Of>(station, command, intent.meta).await?;
    let done = intent.shown(app, &receipt).await;
    replan(app, intent, station, options, done).await
}

/// Removes the thing that a path names.
pub(super) async fn removed<K: Kept>(
    app: &App,
    intent: &Intent<Managers>,
    id: &str,
    options: &Replan,
) -> Result<Answer<Removed>, Problem> {
    let id: K::Id = lookup::id("id", id)?;
    let given = lookup::given_station(app, options.station_id.as_deref())?;
    let found = K::find(app, id).map(|row| row.station_id());
    let station = lookup::station_of(app, intent, given, found, || K::missing(id)).await?;
    let done = recorded::<K>(app, intent, station, K::removal(id), options).await?;
    Ok(Answer::ok(done, Removed { id: id.to_string() }))
}
