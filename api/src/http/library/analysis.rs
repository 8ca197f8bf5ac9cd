//! What was measured in an item's sound: shown, and asked for again.

use super::{MediaView, no_item, of_row};
use crate::answer::Answer;
use crate::app::App;
use crate::auth::Djs;
use crate::extract::Body;
use crate::idempotency::Intent;
use crate::lookup;
use crate::problem::{Problem, ProblemDocument};
use axum::extract::{Path, State};
use grimnir_events::MediaId;
use grimnir_events::analysis::{Analysis, AnalysisEntry};
use grimnir_rules::Library;
use grimnir_rules::library::analysis::AnalysisCommand;
use grimnir_rules::library::command::LibraryCommand;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is known of an item's analysis; null where nothing was measured.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct AnalysisView {
    /// What was found last: loudness, range and true peak in hundredths, marks, silences, head,
    /// tail, intro, tempo and key of its tags; frames at 48 kHz.
    #[schema(value_type = Option<Object>)]
    measured: Option<Box<Analysis>>,
    /// Why the last one failed, while it is not resolved: `missing`, `refused`, `crashed`,
    /// `timed_out`, `out_of_memory` or `changed`. The item is not planned.
    failure: Option<&'static str>,
    /// The same in words.
    reason: Option<String>,
    /// The marks were set by a person; measured ones do not replace them.
    marks_by_hand: bool,
}

impl From<AnalysisEntry> for AnalysisView {
    fn from(entry: AnalysisEntry) -> Self {
        let AnalysisEntry { measured, failure, marks_by_hand, .. } = entry;
        let kind = failure.as_ref().map(|failure| failure.kind.word());
        let reason = failure.map(|failure| failure.reason);
        Self { measured, failure: kind, reason, marks_by_hand }
    }
}

/// How to measure again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnalyzeRequest {
    /// Marks that a person set give way to the measured ones.
    measured_marks: bool,
}

/// Has an item measured again; its state shows how far that is.
#[utoipa::path(
    post, path = "/media/{id}/analyze", tag = "library", params(("id" = String, Path)),
    request_body = AnalyzeRequest,
    responses((status = 200, body = MediaView), (status = 404, body = ProblemDocument))
)]
pub async fn analyze(
    State(app): State<App>,
    intent: Intent<Djs>,
    Path(id): Path<String>,
    Body(request): Body<AnalyzeRequest>,
) -> Result<Answer<MediaView>, Problem> {
    let media_id: MediaId = lookup::id("id", &id)?;
    let row = app.site.views().media_item(media_id).ok_or_else(|| no_item("id", &media_id))?;
    let command = LibraryCommand::Analysis(AnalysisCommand::Queue { media_id });
    let receipt = app.site.command::<Library>(row.station_id, command, intent.meta).await?;
    let mut done = intent.shown(&app, &receipt).await;
    if request.measured_marks {
        let command = LibraryCommand::Analysis(AnalysisCommand::ReturnMarks { media_id });
        let meta = intent.step("marks");
        let receipt = app.site.command::<Library>(row.station_id, command, meta).await?;
        done = done.then(intent.shown(&app, &receipt).await);
    }
    app.site.analyse_now();
    let row = app.site.views().media_item(media_id).ok_or_else(|| no_item("id", &media_id))?;
    Ok(Answer::ok(done, of_row(row)))
}
