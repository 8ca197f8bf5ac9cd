//! Finding what a request names, with a problem document for what is not there.

use crate::app::App;
use crate::extract::cut;
use crate::idempotency::Intent;
use crate::problem::Problem;
use grimnir_events::{IdError, StationId};
use grimnir_projections::rows::StationRow;
use std::str::FromStr;

/// The station that `text` names, by its id or its slug.
pub fn station(app: &App, field: &str, text: &str) -> Result<StationRow, Problem> {
    let views = app.site.views();
    let found = if text.starts_with("sta_") {
        views.station(id(field, text)?)
    } else {
        views.station_by_slug(text)
    };
    found.ok_or_else(|| no_station(field, text))
}

/// The station that a needed parameter or field names.
pub fn needed_station(app: &App, text: Option<&str>) -> Result<StationRow, Problem> {
    match text.map(str::trim) {
        None | Some("") => Err(Problem::missing("station_id_required", "station_id")),
        Some(text) => station(app, "station_id", text),
    }
}

/// The station that a parameter names, where it is given.
pub fn given_station(app: &App, text: Option<&str>) -> Result<Option<StationId>, Problem> {
    text.map(|text| station(app, "station_id", text).map(|row| row.id)).transpose()
}

fn no_station(field: &str, text: &str) -> Problem {
    let detail = format!("there is no station \"{}\"", cut(text));
    Problem::not_found("station_not_found", field, detail)
}

/// Reads a typed id from a path or a parameter.
pub fn id<T: FromStr<Err = IdError>>(field: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error| Problem::invalid_id(field, &error))
}

/// The station whose thing a mutation is about: as given, as found, or as it was recorded when
/// the same request was carried out before.
pub async fn station_of<G>(
    app: &App,
    intent: &Intent<G>,
    given: Option<StationId>,
    found: Option<StationId>,
    missing: impl FnOnce() -> Problem,
) -> Result<StationId, Problem> {
    match (given, found) {
        // A thing of another station is not there for this one.
        (Some(given), Some(found)) if given != found => Err(missing()),
        (Some(given), _) => Ok(given),
        (None, Some(found)) => Ok(found),
        (None, None) => intent.station_before(app).await.ok_or_else(missing),
    }
}
