//! Decides what is asked about webstreams.

use super::command::WebstreamCommand;
use super::{WebstreamRejection as No, Webstreams};
use crate::text;
use grimnir_events::live::TakePolicy;
use grimnir_events::webstream::{Webstream, WebstreamEvent, WebstreamStart};
use grimnir_events::{UtcMicros, WebstreamId};

/// Webstreams that a station may have; they are handed to the engine as a whole, with at most
/// 5,000 bytes of addresses each.
pub const WEBSTREAMS_MAX: usize = 40;
/// Longest time that a person may put one on air for: a week.
pub const LASTS_MAX_US: i64 = 7 * 86_400_000_000;
/// Most addresses of one, as in a slot of a clock.
pub const URLS_MAX: usize = 10;
/// Longest address and name, in characters.
const URL_MAX: usize = 500;
const NAME_MAX: usize = 100;
/// Longest fade, in ms.
const FADE_MAX_MS: i64 = 20_000;

/// Decides one command.
pub fn decide(
    state: &Webstreams,
    command: &WebstreamCommand,
    now: UtcMicros,
) -> Result<Vec<WebstreamEvent>, No> {
    let number = state.requests + 1;
    match command {
        WebstreamCommand::Set { webstream } => set(state, webstream),
        WebstreamCommand::Remove { webstream_id } => {
            known(state, *webstream_id)?;
            Ok(vec![WebstreamEvent::Removed { webstream_id: *webstream_id }])
        }
        WebstreamCommand::Start { webstream_id, take, lasts_us } => {
            enabled(state, *webstream_id)?;
            check_take(*take)?;
            within("seconds", lasts_us / 1_000_000, 1, LASTS_MAX_US / 1_000_000)?;
            let start =
                WebstreamStart { number, from: now, until: now.plus(*lasts_us), take: *take };
            Ok(vec![WebstreamEvent::StartRequested { webstream_id: *webstream_id, start }])
        }
        WebstreamCommand::Stop { webstream_id } => {
            known(state, *webstream_id)?;
            Ok(vec![WebstreamEvent::StopRequested { webstream_id: *webstream_id, number }])
        }
        WebstreamCommand::Probe { webstream_id } => {
            enabled(state, *webstream_id)?;
            Ok(vec![WebstreamEvent::ProbeRequested { webstream_id: *webstream_id, number }])
        }
    }
}

fn set(state: &Webstreams, webstream: &Webstream) -> Result<Vec<WebstreamEvent>, No> {
    if webstream.id.is_nil() {
        return Err(No::NilId);
    }
    let held = state.webstreams.get(&webstream.id);
    if held == Some(webstream) {
        return Ok(vec![]);
    }
    check(webstream)?;
    let found = state.webstreams.len();
    if held.is_none() && found >= WEBSTREAMS_MAX {
        return Err(No::TooMany { found, limit: WEBSTREAMS_MAX });
    }
    Ok(vec![WebstreamEvent::Set { webstream: Box::new(webstream.clone()) }])
}

fn check(webstream: &Webstream) -> Result<(), No> {
    text::check(&webstream.name, 1, NAME_MAX).map_err(|fault| No::Text { fault })?;
    let urls = &webstream.urls;
    let once = |(place, url): (usize, &String)| !urls[..place].contains(url);
    if !(1..=URLS_MAX).contains(&urls.len()) || !urls.iter().enumerate().all(once) {
        return Err(No::Urls { found: urls.len(), limit: URLS_MAX });
    }
    urls.iter().try_for_each(|url| check_url(url))?;
    check_take(webstream.take)?;
    let probe = &webstream.probe;
    if probe.interval_s > 0 {
        within("probe.interval_s", probe.interval_s.into(), 5, 86_400)?;
    }
    within("probe.timeout_ms", probe.timeout_ms.into(), 500, 30_000)?;
    within("probe.min_bytes", probe.min_bytes.into(), 0, 1_048_576)?;
    let failover = &webstream.failover;
    within("failover.stall_ms", failover.stall_ms.into(), 500, 30_000)?;
    if failover.silence_ms > 0 {
        within("failover.silence_ms", failover.silence_ms.into(), 1_000, 600_000)?;
    }
    within("failover.grace_ms", failover.grace_ms.into(), 0, 10_000)?;
    within("failover.recover_after_ms", failover.recover_after_ms.into(), 1_000, 600_000)
}

/// A user name or a password in an address would be read by whoever reads the ledger.
fn check_url(url: &str) -> Result<(), No> {
    let scheme = ["http://", "https://"].iter().find(|scheme| url.starts_with(**scheme));
    let rest = scheme.map_or("", |scheme| &url[scheme.len()..]);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    let found = || text::clip(url, 80);
    if host.is_empty() || url.chars().count() > URL_MAX || !url.chars().all(plain) {
        let expected = "http:// or https:// and at most 500 characters without blanks";
        return Err(No::Url { found: found(), expected });
    }
    if host.contains('@') {
        let expected = "no user name or password before the host";
        return Err(No::Url { found: text::clip(scheme.unwrap_or(&""), 80), expected });
    }
    Ok(())
}

fn check_take(take: TakePolicy) -> Result<(), No> {
    match take {
        TakePolicy::Faded { fade_ms } => within("take.fade_ms", fade_ms.into(), 0, FADE_MAX_MS),
        // Nobody gives a webstream its cue but by starting it.
        TakePolicy::Immediate | TakePolicy::NextItem | TakePolicy::OnCue => Ok(()),
    }
}

fn within(field: &'static str, found: i64, least: i64, most: i64) -> Result<(), No> {
    match (least..=most).contains(&found) {
        true => Ok(()),
        false => Err(No::Setting { field, found, least, most }),
    }
}

fn known(state: &Webstreams, webstream_id: WebstreamId) -> Result<&Webstream, No> {
    state.webstreams.get(&webstream_id).ok_or(No::Unknown { webstream_id })
}

fn enabled(state: &Webstreams, webstream_id: WebstreamId) -> Result<(), No> {
    match known(state, webstream_id)?.enabled {
        true => Ok(()),
        false => Err(No::Disabled { webstream_id }),
    }
}
