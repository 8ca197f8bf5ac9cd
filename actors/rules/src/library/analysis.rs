//! Decides and folds the analysis of items: asked for, under way, measured, or failed.
//!
//! Marks that a person set stand above measured ones, whichever came first. What fails is not
//! planned until it is measured, replaced or removed.

use super::decide::{DURATION_MAX, REASON_MAX, TAG_MAX, check_cues, check_text};
use super::stock::state::Stage;
use super::{LibraryRejection as No, LibraryState};
use crate::text;
use grimnir_events::analysis::{Analysis, AnalysisEvent, AnalysisFailure};
pub use grimnir_events::analysis::{AnalysisEntry, Progress};
use grimnir_events::library::{CueMarks, LibraryEvent};
use grimnir_events::{ContentHash, MediaId};
use serde::{Deserialize, Serialize};

/// What can be asked about the analysis of an item.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnalysisCommand {
    /// Measure it again.
    Queue {
        /// Which item.
        media_id: MediaId,
    },
    /// The measuring begins.
    Begin {
        /// Which item.
        media_id: MediaId,
    },
    /// It was measured; nothing changes where it has other bytes by now.
    Measure {
        /// Which item.
        media_id: MediaId,
        /// SHA-256 of the file that was measured.
        hash: ContentHash,
        /// What was found.
        analysis: Box<Analysis>,
    },
    /// It cannot be measured; nothing changes where it has other bytes by now.
    Fail {
        /// Which item.
        media_id: MediaId,
        /// SHA-256 of the file that was asked for.
        hash: ContentHash,
        /// Why.
        failure: AnalysisFailure,
    },
    /// Take the measured marks again instead of those that a person set.
    ReturnMarks {
        /// Which item.
        media_id: MediaId,
    },
}

/// The events that follow.
pub fn decide(state: &LibraryState, command: &AnalysisCommand) -> Result<Vec<LibraryEvent>, No> {
    let known = |media_id: &MediaId| {
        state.media.get(media_id).ok_or(No::UnknownMedia { media_id: *media_id })
    };
    let entry = |media_id: &MediaId| state.analyses.get(media_id);
    let progress = |media_id| entry(media_id).map_or(Progress::Idle, |entry| entry.progress);
    let event = match command {
        AnalysisCommand::Queue { media_id } => {
            known(media_id)?;
            let idle = progress(media_id) == Progress::Idle;
            idle.then_some(AnalysisEvent::Queued { media_id: *media_id })
        }
        AnalysisCommand::Begin { media_id } => {
            known(media_id)?;
            let waits = progress(media_id) == Progress::Queued;
            waits.then_some(AnalysisEvent::Begun { media_id: *media_id })
        }
        AnalysisCommand::Measure { media_id, hash, analysis } => {
            check(analysis)?;
            let same = AnalysisEntry {
                measured: Some(analysis.clone()),
                marks_by_hand: entry(media_id).is_some_and(|entry| entry.marks_by_hand),
                ..AnalysisEntry::default()
            };
            let news = known(media_id)?.item.hash == *hash && entry(media_id) != Some(&same);
            let analysis = analysis.clone();
            news.then_some(AnalysisEvent::Measured { media_id: *media_id, analysis })
        }
        AnalysisCommand::Fail { media_id, hash, failure } => {
            let reason = text::clip(&failure.reason, REASON_MAX);
            let failure = AnalysisFailure { reason, ..failure.clone() };
            let same = entry(media_id).is_some_and(|entry| {
                entry.failure.as_ref() == Some(&failure) && entry.progress == Progress::Idle
            });
            let news = known(media_id)?.item.hash == *hash && !same;
            news.then_some(AnalysisEvent::Failed { media_id: *media_id, failure })
        }
        AnalysisCommand::ReturnMarks { media_id } => {
            known(media_id)?;
            let held = entry(media_id).filter(|entry| entry.marks_by_hand);
            let measured = held.is_some_and(|entry| entry.measured.is_some());
            measured.then_some(AnalysisEvent::MarksReturned { media_id: *media_id })
        }
    };
    Ok(event.map(LibraryEvent::Analysis).into_iter().collect())
}

fn check(analysis: &Analysis) -> Result<(), No> {
    let duration = analysis.duration_frames;
    let measures = [
        ("duration_frames", duration, 1, DURATION_MAX),
        ("leading_silence", analysis.leading_silence, 0, duration),
        ("trailing_silence", analysis.trailing_silence, 0, duration),
        ("head.full_from", analysis.head.full_from, 0, duration),
        ("intro_end", analysis.intro_end.unwrap_or(0), 0, duration),
    ];
    for (field, found, min, max) in measures {
        if !(min..=max).contains(&found) {
            return Err(No::Measure { field, found, min, max });
        }
    }
    check_text("key", &analysis.key, 0, TAG_MAX)?;
    check_cues(&analysis.cues, duration)
}

/// Folds one event.
pub fn evolve(state: &mut LibraryState, event: &AnalysisEvent) {
    let media_id = event.media_id();
    let Some(held) = state.media.get_mut(&media_id) else { return };
    state.analyses.entry(media_id).or_default().apply(&mut held.item, event);
    match event {
        AnalysisEvent::Failed { failure, .. } => {
            held.stage = Stage::Failed(failure.reason.as_str().into());
        }
        AnalysisEvent::Measured { .. } => held.stage = Stage::Measured,
        AnalysisEvent::Queued { .. }
        | AnalysisEvent::Begun { .. }
        | AnalysisEvent::MarksReturned { .. } => {}
    }
}

/// An item was described with these marks: others than it had are a person's.
pub fn described(state: &mut LibraryState, media_id: MediaId, cues: &CueMarks) {
    if state.media.get(&media_id).is_some_and(|held| held.item.cues != *cues) {
        state.analyses.entry(media_id).or_default().marks_by_hand = true;
    }
}
