//! Which nodes share a host, and the engine that is left behind when a station goes to another.
//!
//! Nodes of one host share a folder, and each other's engines with it. A node on another host
//! starts an engine of its own, so the one here has to end: the air has one owner.

use super::Unit;
use crate::site::Shared;
use grimnir_engine_proto::{dial, v1};
use grimnir_events::StationId;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;
use tracing::{info, warn};

/// Name of the host, made up by the first node that uses the folder; empty where the disk refuses.
pub fn name(common: &Path) -> String {
    name_in(common).unwrap_or_else(|error| {
        warn!(%error, "the host has no name: engines are left to play");
        String::new()
    })
}

fn name_in(common: &Path) -> std::io::Result<String> {
    let path = common.join("host-id");
    let fresh = hex::encode(&crate::clock::fresh_id()[..8]);
    match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        // Shorter than any buffer: it is there whole or not at all.
        Ok(mut file) => file.write_all(fresh.as_bytes()).map(|()| fresh),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => std::fs::read_to_string(&path),
        Err(error) => Err(error),
    }
}

/// Ends the engine of a station that another host plays now, where one is left. Asked again and
/// again while the other owns it: one that is gone answers nothing.
pub async fn leave(shared: Arc<Shared>, unit: Unit) {
    let place = shared.place_of(StationId(unit));
    let Some(description) = place.description() else { return };
    let Ok(mut client) = dial(&place.socket()).await else { return };
    let status = client.get_status(v1::StatusRequest {}).await;
    if !status.is_ok_and(|s| s.into_inner().station_id == unit) {
        return;
    }
    let pid = i32::try_from(description.pid).ok().and_then(Pid::from_raw);
    match pid.map(|pid| kill_process(pid, Signal::TERM)) {
        Some(Ok(())) => {
            let pid = description.pid;
            info!(station.id = %place.station, pid, "another host plays: the engine here ends");
        }
        Some(Err(error)) => {
            warn!(station.id = %place.station, %error, "the engine here cannot be ended");
        }
        None => {}
    }
}
