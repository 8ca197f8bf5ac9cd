//! The grid: which format clock rules which hour of the week, and of dated days.

use super::kept;
use super::timeline::Replan;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::grid::{DAY_HOURS, DatedSet, Days, Grid, LocalDate};
use grimnir_events::{ClockId, StationId};
use grimnir_projections::rows::ClockRow;
use grimnir_rules::timeline::command::TimelineCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which clock rules which hour, in the station's own time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GridBody {
    /// Seven days, Monday first, each of 24 hours from midnight on; null leaves an hour to the
    /// default clock. Empty leaves all of them to it.
    #[serde(default)]
    #[schema(value_type = Vec<Vec<Option<String>>>)]
    week: Vec<Vec<Option<ClockId>>>,
    /// Days that are not like others; the first that names a day and has a clock for the hour
    /// rules it.
    #[serde(default)]
    sets: Vec<SetBody>,
}

/// Clocks of days that are not like others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetBody {
    /// Its name.
    name: String,
    /// The days.
    days: DaysBody,
    /// 24 hours from midnight on; null leaves an hour to the week.
    #[schema(value_type = Vec<Option<String>>)]
    hours: Vec<Option<ClockId>>,
}

/// Days of a calendar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DaysBody {
    /// Single days.
    Dates {
        /// The days, e.g. `2026-12-24`.
        #[schema(value_type = Vec<String>)]
        dates: Vec<LocalDate>,
    },
    /// From one day to another, both among them.
    Span {
        /// The first.
        #[schema(value_type = String, format = Date)]
        from: LocalDate,
        /// The last.
        #[schema(value_type = String, format = Date)]
        until: LocalDate,
    },
    /// The same day of every year.
    Yearly {
        /// 1 to 12.
        month: u8,
        /// 1 to 31.
        day: u8,
    },
    /// The n-th weekday of a month of every year.
    Weekday {
        /// 1 to 12.
        month: u8,
        /// 1 (Monday) to 7 (Sunday).
        weekday: u8,
        /// 1 to 5 from the start of the month, -1 to -5 from its end.
        nth: i8,
    },
    /// Days after Western Easter Sunday.
    Easter {
        /// -366 to 366; negative before it.
        offset_days: i16,
    },
}

impl From<DaysBody> for Days {
    fn from(body: DaysBody) -> Self {
        match body {
            DaysBody::Dates { dates } => Self::Dates { dates },
            DaysBody::Span { from, until } => Self::Span { from, until },
            DaysBody::Yearly { month, day } => Self::Yearly { month, day },
            DaysBody::Weekday { month, weekday, nth } => Self::Weekday { month, weekday, nth },
            DaysBody::Easter { offset_days } => Self::Easter { offset_days },
        }
    }
}

impl From<Days> for DaysBody {
    fn from(days: Days) -> Self {
        match days {
            Days::Dates { dates } => Self::Dates { dates },
            Days::Span { from, until } => Self::Span { from, until },
            Days::Yearly { month, day } => Self::Yearly { month, day },
            Days::Weekday { month, weekday, nth } => Self::Weekday { month, weekday, nth },
            Days::Easter { offset_days } => Self::Easter { offset_days },
        }
    }
}

impl GridBody {
    fn of(grid: Grid) -> Self {
        let set =
            |set: DatedSet| SetBody { name: set.name, days: set.days.into(), hours: set.hours };
        let week = grid.week.chunks(DAY_HOURS).map(<[_]>::to_vec).collect();
        Self { week, sets: grid.sets.into_iter().map(set).collect() }
    }

    fn read(self) -> Result<Grid, Problem> {
        let days = self.week.len();
        if days != 0 && days != 7 {
            let detail = format!("week has {days} days, expected 0 or 7");
            return Err(Problem::invalid("week", detail));
        }
        if let Some(day) = self.week.iter().position(|day| day.len() != DAY_HOURS) {
            let found = self.week[day].len();
            let detail = format!("week[{day}] has {found} hours, expected {DAY_HOURS}");
            return Err(Problem::invalid(format!("week[{day}]"), detail));
        }
        let set =
            |set: SetBody| DatedSet { name: set.name, days: set.days.into(), hours: set.hours };
        let sets = self.sets.into_iter().map(set).collect();
        Ok(Grid { week: self.week.concat(), sets })
    }
}

/// A station's grid.
#[derive(Debug, Serialize, ToSchema)]
pub struct GridView {
    /// The station.
    #[schema(value_type = String)]
    station_id: StationId,
    /// The grid.
    #[serde(flatten)]
    grid: GridBody,
}

/// Shows which clock rules which hour of a station.
#[utoipa::path(
    get, path = "/stations/{id}/grid", tag = "timeline", params(("id" = String, Path)),
    responses((status = 200, body = GridView), (status = 404, body = ProblemDocument))
)]
pub async fn show(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path(id): Path<String>,
) -> Result<Json<GridView>, Problem> {
    let station_id = lookup::station(&app, "id", &id)?.id;
    let grid = GridBody::of(app.site.views().grid(station_id).unwrap_or_default());
    Ok(Json(GridView { station_id, grid }))
}

/// Gives the hours of a station's week, and of dated days, their clocks (manager).
#[utoipa::path(
    put, path = "/stations/{id}/grid", tag = "timeline",
    params(("id" = String, Path), Replan), request_body = GridBody,
    responses((status = 200, body = GridView), (status = 422, body = ProblemDocument))
)]
pub async fn replace(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path(id): Path<String>,
    Params(options): Params<Replan>,
    Body(request): Body<GridBody>,
) -> Result<Answer<GridView>, Problem> {
    let station_id = lookup::station(&app, "id", &id)?.id;
    let grid = request.read()?;
    let command = TimelineCommand::SetGrid { grid: grid.clone() };
    let done = kept::recorded::<ClockRow>(&app, &intent, station_id, command, &options).await?;
    Ok(Answer::ok(done, GridView { station_id, grid: GridBody::of(grid) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_reads_as_it_is_shown() {
        let week = vec![vec![None; 24]; 7];
        let sets = serde_json::json!([
            { "name": "a", "days": { "kind": "dates", "dates": ["2026-12-24"] }, "hours": [] },
            { "name": "b", "hours": [],
              "days": { "kind": "span", "from": "2026-12-24", "until": "2027-01-06" } },
            { "name": "c", "days": { "kind": "yearly", "month": 5, "day": 1 }, "hours": [] },
            { "name": "d", "hours": [],
              "days": { "kind": "weekday", "month": 11, "weekday": 4, "nth": 4 } },
            { "name": "e", "days": { "kind": "easter", "offset_days": 1 }, "hours": [] },
        ]);
        let sets = serde_json::from_value(sets).expect("reads");
        let body = GridBody { week, sets };
        let grid = body.clone().read().expect("is whole");
        assert_eq!(grid.week.len(), 168);
        assert_eq!(GridBody::of(grid), body);
    }

    #[test]
    fn a_week_has_seven_days_of_24_hours_or_none() {
        let read = |week| GridBody { week, sets: vec![] }.read().is_ok();
        assert!(read(vec![]) && read(vec![vec![None; 24]; 7]));
        assert!(!read(vec![vec![None; 24]; 6]));
        let mut short = vec![vec![None; 24]; 7];
        short[3].pop();
        assert!(!read(short));
    }
}
