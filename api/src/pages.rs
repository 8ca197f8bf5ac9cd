//! The page of every problem code: `docs/errors/<code>.md`, built in and served.
//!
//! A code without its page does not compile; a page without its code fails a test.

use crate::problem::Problem;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

macro_rules! pages {
    ($($code:literal,)*) => {
        &[$(($code, include_str!(concat!("../../docs/errors/", $code, ".md"))),)*]
    };
}

/// Codes and their pages, by code.
const PAGES: &[(&str, &str)] = pages![
    "aggregate_not_found",
    "artwork_not_found",
    "audio_not_found",
    "bad_bitrate",
    "bad_category",
    "bad_claim_id",
    "bad_claim_item",
    "bad_consistency_proof",
    "bad_cue_marks",
    "bad_max_length",
    "bad_mount_path",
    "bad_request",
    "bad_sealed_name",
    "bad_slug",
    "bad_text",
    "bad_window",
    "body_too_large",
    "busy",
    "claim_not_found",
    "claim_too_large",
    "clock_name_length",
    "clock_not_found",
    "clock_slot_category",
    "clock_slot_count",
    "clock_slot_grace",
    "clock_slot_offset",
    "clock_slot_value",
    "clock_too_large",
    "closing",
    "credential_taken",
    "cursor_ahead",
    "dated_set_count",
    "dated_set_days",
    "dated_set_hours",
    "dated_set_name_length",
    "duplicate_media",
    "edit_breaks_rules",
    "engine_failed",
    "engine_is_whole",
    "fade_too_long",
    "file_required",
    "file_too_large",
    "first_user_not_admin",
    "folder_taken",
    "grid_too_large",
    "grid_week",
    "horizon_out_of_range",
    "hour_already_planned",
    "hour_past",
    "hour_too_old",
    "idempotency_key_reused",
    "import_not_found",
    "import_path_refused",
    "insufficient_role",
    "internal_fault",
    "invalid_credentials",
    "invalid_cursor",
    "invalid_field",
    "invalid_id",
    "invalid_idempotency_key",
    "invalid_json",
    "invalid_multipart",
    "last_admin",
    "ledger_unavailable",
    "library_full",
    "line_anchor_outside_hour",
    "line_comes_next",
    "line_cue_order",
    "line_id_taken",
    "line_locked",
    "line_on_air",
    "line_past",
    "line_planned_backwards",
    "measure_out_of_range",
    "media_exists",
    "media_id_required",
    "media_in_playlist",
    "media_not_found",
    "media_not_playable",
    "method_not_allowed",
    "missing_required_fields",
    "mount_exists",
    "mount_not_found",
    "mount_path_taken",
    "nil_id",
    "no_checkpoint",
    "no_line_on_air",
    "no_owner",
    "no_such_step",
    "not_an_emergency",
    "not_in_assist",
    "not_owner",
    "not_ready",
    "not_releasable",
    "nothing_on_air",
    "nothing_starts",
    "operation_failed",
    "outcome_unknown",
    "password_length",
    "place_past",
    "plan_empty_without_note",
    "plan_line_repeated",
    "plan_lines_out_of_place",
    "plan_not_an_hour",
    "plan_too_large",
    "playlist_item_not_found",
    "playlist_not_found",
    "playlist_too_long",
    "reason_length",
    "request_timeout",
    "route_not_found",
    "sealed_for_another",
    "setting_out_of_range",
    "show_field",
    "show_instance_not_found",
    "show_not_found",
    "show_overlap",
    "show_rrule",
    "slug_taken",
    "smart_block_fallback_depth",
    "smart_block_in_use",
    "smart_block_not_found",
    "smart_block_rules",
    "smart_block_too_large",
    "source_not_found",
    "source_refused",
    "station_exists",
    "station_id_required",
    "station_not_found",
    "storage_full",
    "template_description_length",
    "template_hour",
    "template_name_length",
    "template_not_found",
    "template_too_large",
    "tile_not_found",
    "too_many_clocks",
    "too_many_items",
    "too_many_lines",
    "too_many_mounts",
    "too_many_show_exceptions",
    "too_many_shows",
    "too_many_sign_ins",
    "too_many_smart_blocks",
    "too_many_templates",
    "too_many_users",
    "too_many_voice_tracks",
    "unauthorized",
    "unknown_field",
    "unknown_hour",
    "unknown_line",
    "unknown_log",
    "unknown_log_key",
    "unknown_time_zone",
    "unsupported_media_type",
    "user_erased",
    "user_exists",
    "user_not_found",
    "username_length",
    "username_taken",
    "version_not_found",
    "voice_track_not_found",
    "waveform_not_found",
    "websocket_expected",
];

fn page(code: &str) -> Option<&'static str> {
    let at = PAGES.binary_search_by_key(&code, |(code, _)| code).ok()?;
    PAGES.get(at).map(|(_, page)| *page)
}

/// What a code means, in a few words: the heading of its page.
pub fn title(code: &str) -> Option<&'static str> {
    page(code)?.lines().next()?.strip_prefix("# ")
}

/// Answers a code's page.
pub async fn show(Path(code): Path<String>) -> Result<Response, Problem> {
    let found = page(code.strip_suffix(".md").unwrap_or(&code)).ok_or_else(|| {
        let detail = format!("there is no problem code \"{}\"", crate::extract::cut(&code));
        Problem::new(StatusCode::NOT_FOUND, "route_not_found", detail).field("code")
    })?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], found).into_response())
}

#[cfg(test)]
mod tests;
