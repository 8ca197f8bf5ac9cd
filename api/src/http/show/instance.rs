//! Instances: the times that shows come, and what is different about one of them.

use super::{ContentBody, LiveBody, check_playlist, found, recorded};
use crate::answer::{Answer, Done};
use crate::app::App;
use crate::auth::{Djs, Managers, SignedIn};
use crate::extract::{Body, Params};
use crate::http::timeline::Replan;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::Json;
use axum::extract::{Path, State};
use grimnir_events::show::{KeptShow, LocalTime, Substitute, original_start};
use grimnir_events::{InstanceId, ShowId, UtcMicros};
use grimnir_projections::rows::StationRow;
use grimnir_rules::planner::hours;
use grimnir_rules::show::{Coming, Instance, InstanceState};
use grimnir_rules::timeline::shows::command::ShowCommand;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const DAY_US: i64 = 86_400_000_000;
/// Longest stretch of time in one question, in days.
pub(super) const DAYS_MAX: i64 = 366;
/// Most instances in one answer.
pub(super) const MAX: usize = 5_000;

/// From when to when.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Within {
    /// From when, RFC 3339; now, or a week ago for a calendar, where not given.
    #[param(value_type = Option<String>)]
    from: Option<UtcMicros>,
    /// Until when, at most 366 days later (31 for windows); 7 days later, or 97 for a
    /// calendar, where not given.
    #[param(value_type = Option<String>)]
    until: Option<UtcMicros>,
}

impl Within {
    /// The stretch of time, `days` long where nothing is said, `most` days at most.
    pub(super) fn read(
        &self,
        from_days: i64,
        days: i64,
        most: i64,
    ) -> Result<(UtcMicros, UtcMicros), Problem> {
        let now = crate::http::now();
        let from = self.from.unwrap_or_else(|| now.plus(from_days * DAY_US));
        let until = self.until.unwrap_or_else(|| from.plus(days * DAY_US));
        let length = until.since(from);
        if length <= 0 || length > most * DAY_US {
            let detail = format!(
                "the window is from {from} until {until}, expected an end after its start, at \
                 most {most} days"
            );
            let status = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            return Err(Problem::new(status, "bad_window", detail).field("until"));
        }
        Ok((from, until))
    }
}

/// One time that a show comes.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstanceView {
    /// Its id: of its show and its original start.
    #[schema(value_type = String)]
    id: InstanceId,
    /// Its show.
    #[schema(value_type = String)]
    show_id: ShowId,
    /// When it comes by the show's rule, in the station's own time.
    #[schema(value_type = String)]
    original_start: LocalTime,
    /// When it comes, in the station's own time.
    #[schema(value_type = String)]
    local_start: LocalTime,
    /// First instant.
    #[schema(value_type = String, format = DateTime)]
    starts_at: UtcMicros,
    /// Instant after the last.
    #[schema(value_type = String, format = DateTime)]
    ends_at: UtcMicros,
    /// `scheduled` or `cancelled`.
    #[schema(value_type = String)]
    status: InstanceState,
    /// It comes at another time than by the rule.
    moved: bool,
    /// Something else airs than the show has.
    substituted: bool,
    /// Why it is cancelled.
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
    /// Its name.
    name: String,
    /// Who presents it.
    host: String,
    /// As `#rrggbb`.
    colour: String,
    /// What is planned while it is on.
    content: ContentBody,
    /// Who may go live while it is on; null for nobody.
    live: Option<LiveBody>,
    /// The higher one airs where two are on at once.
    priority: u8,
}

pub(super) fn view(instance: Instance) -> InstanceView {
    InstanceView {
        id: instance.id,
        show_id: instance.show_id,
        original_start: instance.original,
        local_start: instance.starts,
        starts_at: instance.from,
        ends_at: instance.until,
        status: instance.state,
        moved: instance.moved,
        substituted: instance.substituted,
        note: instance.note,
        name: instance.name,
        host: instance.host,
        colour: instance.colour,
        content: instance.content.into(),
        live: instance.live.map(LiveBody::from),
        priority: instance.priority,
    }
}

/// Not more than fit into an answer.
pub(super) fn bounded(instances: Vec<Instance>) -> Result<Vec<Instance>, Problem> {
    if instances.len() <= MAX {
        return Ok(instances);
    }
    let found = instances.len();
    let detail = format!("the window holds {found} instances, limit {MAX}");
    let status = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    Err(Problem::new(status, "bad_window", detail).field("until"))
}

/// Lists the instances of a show that are on at some time, cancelled ones too.
#[utoipa::path(
    get, path = "/stations/{id}/shows/{show_id}/instances", tag = "shows",
    params(("id" = String, Path), ("show_id" = String, Path), Within),
    responses((status = 200, body = Vec<InstanceView>), (status = 404, body = ProblemDocument))
)]
pub async fn list(
    State(app): State<App>,
    _: SignedIn<Djs>,
    Path((id, show_id)): Path<(String, String)>,
    Params(query): Params<Within>,
) -> Result<Json<Vec<InstanceView>>, Problem> {
    let station = lookup::station(&app, "id", &id)?;
    let (from, until) = query.read(0, 7, DAYS_MAX)?;
    let kept = found(&app, station.id, &show_id)?;
    let zone = hours::zone(&station.time_zone);
    let instances = bounded(Coming::of(&kept).instances(&zone, from, until))?;
    Ok(Json(instances.into_iter().map(view).collect()))
}

/// What is to be different about an instance; at least one of these.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstanceChange {
    /// `cancelled`, or `scheduled`, which takes back everything that is different about it.
    #[schema(value_type = Option<String>)]
    status: Option<Status>,
    /// Why it is cancelled.
    note: Option<String>,
    /// When it is to start, in the station's own time.
    #[schema(value_type = Option<String>)]
    start: Option<LocalTime>,
    /// How long it is to be.
    duration_s: Option<u32>,
    /// What it is to be called.
    name: Option<String>,
    /// Who is to present it.
    host: Option<String>,
    /// What is to be planned; in a linked show, of all its instances.
    content: Option<ContentBody>,
}

/// Whether an instance is to air.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Scheduled,
    Cancelled,
}

impl InstanceChange {
    /// The commands, in order; none is refused because of another.
    pub(super) fn commands(
        self,
        kept: &KeptShow,
        original: LocalTime,
    ) -> Result<Vec<ShowCommand>, Problem> {
        let show_id = kept.show.id;
        let moves = self.start.is_some() || self.duration_s.is_some();
        let content = self.content.map(Into::into);
        let with = Substitute { name: self.name, host: self.host, content };
        let differs = with != Substitute::default();
        let mut commands = Vec::new();
        match self.status {
            Some(status) if moves || differs => {
                let detail = format!("status {status:?} stands alone, but for a note");
                return Err(Problem::invalid("status", detail.to_lowercase()));
            }
            Some(Status::Cancelled) => {
                let note = self.note.unwrap_or_default();
                return Ok(vec![ShowCommand::CancelInstance { show_id, original, note }]);
            }
            Some(Status::Scheduled) if self.note.is_none() => {
                return Ok(vec![ShowCommand::RestoreInstance { show_id, original }]);
            }
            Some(Status::Scheduled) | None if self.note.is_some() => {
                return Err(Problem::invalid("note", "a note goes with status cancelled"));
            }
            Some(Status::Scheduled) | None => {}
        }
        let before = kept.exceptions.get(&original);
        if moves {
            let moved = before.and_then(|before| before.moved);
            let to = self.start.or(moved.map(|moved| moved.to)).unwrap_or(original);
            let long = moved.map_or(kept.show.duration_s, |moved| moved.duration_s);
            let duration_s = self.duration_s.unwrap_or(long);
            commands.push(ShowCommand::MoveInstance { show_id, original, to, duration_s });
        }
        if differs {
            let known = before.and_then(|before| before.with.clone()).unwrap_or_default();
            let with = Substitute {
                name: with.name.or(known.name),
                host: with.host.or(known.host),
                content: with.content.or(known.content),
            };
            commands.push(ShowCommand::SubstituteInstance { show_id, original, with });
        }
        if commands.is_empty() {
            let field = "status, start, duration_s, name, host or content";
            return Err(Problem::missing("missing_required_fields", field));
        }
        Ok(commands)
    }
}

/// Cancels an instance, moves it, puts something else into its place, or takes all of that back
/// (manager).
#[utoipa::path(
    patch, path = "/stations/{id}/shows/{show_id}/instances/{instance_id}", tag = "shows",
    params(
        ("id" = String, Path), ("show_id" = String, Path), ("instance_id" = String, Path), Replan
    ),
    request_body = InstanceChange,
    responses(
        (status = 200, body = InstanceView), (status = 404, body = ProblemDocument),
        (status = 409, body = ProblemDocument)
    )
)]
pub async fn change(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, show_id, instance_id)): Path<(String, String, String)>,
    Params(options): Params<Replan>,
    Body(request): Body<InstanceChange>,
) -> Result<Answer<InstanceView>, Problem> {
    let station = lookup::station(&app, "id", &id)?;
    let kept = found(&app, station.id, &show_id)?;
    let original = original(&kept, &instance_id)?;
    let commands = request.commands(&kept, original)?;
    if let Some(content) = commands.iter().find_map(|command| match command {
        ShowCommand::SubstituteInstance { with, .. } => with.content,
        _ => None,
    }) {
        check_playlist(&app, station.id, content)?;
    }
    carried_out(&app, &intent, &station, &kept, original, commands, &options).await
}

/// Cancels an instance (manager).
#[utoipa::path(
    delete, path = "/stations/{id}/shows/{show_id}/instances/{instance_id}", tag = "shows",
    params(
        ("id" = String, Path), ("show_id" = String, Path), ("instance_id" = String, Path), Replan
    ),
    responses((status = 200, body = InstanceView), (status = 404, body = ProblemDocument))
)]
pub async fn remove(
    State(app): State<App>,
    intent: Intent<Managers>,
    Path((id, show_id, instance_id)): Path<(String, String, String)>,
    Params(options): Params<Replan>,
) -> Result<Answer<InstanceView>, Problem> {
    let station = lookup::station(&app, "id", &id)?;
    let kept = found(&app, station.id, &show_id)?;
    let original = original(&kept, &instance_id)?;
    let (show_id, note) = (kept.show.id, String::new());
    let commands = vec![ShowCommand::CancelInstance { show_id, original, note }];
    carried_out(&app, &intent, &station, &kept, original, commands, &options).await
}

/// The original start of the instance that a path names by its id.
fn original(kept: &KeptShow, instance_id: &str) -> Result<LocalTime, Problem> {
    let id: InstanceId = lookup::id("instance_id", instance_id)?;
    let original = original_start(kept.show.id, id);
    let original = original.filter(|original| Coming::of(kept).holds(*original));
    original.ok_or_else(|| no_instance(id))
}

fn no_instance(id: InstanceId) -> Problem {
    let detail = format!("the show has no instance {id}");
    Problem::not_found("show_instance_not_found", "instance_id", detail)
}

async fn carried_out(
    app: &App,
    intent: &Intent<Managers>,
    station: &StationRow,
    kept: &KeptShow,
    original: LocalTime,
    commands: Vec<ShowCommand>,
    options: &Replan,
) -> Result<Answer<InstanceView>, Problem> {
    let id = kept.show.id;
    let mut all: Option<Done> = None;
    let last = commands.len() - 1;
    let none = Replan::default();
    for (at, command) in commands.into_iter().enumerate() {
        let options = if at == last { options } else { &none };
        let meta = if at == 0 { intent.meta } else { intent.step("second") };
        let done = recorded(app, intent, meta, station.id, command, options).await?;
        all = Some(all.map_or(done, |all| all.then(done)));
    }
    let zone = hours::zone(&station.time_zone);
    let shows = app.site.views().shows(station.id);
    let kept = shows.get(&id).unwrap_or(kept);
    let instance = Coming::of(kept).instance_of(&zone, original);
    let instance = instance.ok_or_else(|| super::missing(id))?;
    Ok(Answer::ok(all.unwrap_or_default(), view(instance)))
}
