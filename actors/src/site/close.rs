//! Closing a site in order: no new work, actors, read models' snapshot, ledger.

use crate::site::Site;
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;
use tracing::info;

/// How long engines may take for their sign-off.
const SIGN_OFF_PATIENCE: Duration = Duration::from_secs(10);

impl Site {
    /// Closes it in order; engines go on playing unless `stop_engines`.
    pub async fn close(&self, stop_engines: bool) {
        if stop_engines {
            self.stop_engines().await;
        }
        if let Some(keeper) = self.shared.keeper() {
            keeper.lock().await.release().await;
        }
        self.shared.begin_closing();
        if let Some(archiver) = &self.shared.archiver {
            archiver.stop();
        }
        if let Some(root) = self.shared.root() {
            let _ = root.stop_and_wait(Some("closing".into()), Some(Duration::from_secs(5))).await;
        }
        self.shared.end().await;
        info!("site closed");
    }

    /// Asks every engine to sign off, and brings in what it has still to report.
    async fn stop_engines(&self) {
        let shared = &self.shared;
        shared.begin_closing();
        for station in shared.views.stations() {
            let place = shared.place_of(station.id);
            let Some(pid) = place.description().map(|d| d.pid) else { continue };
            if shared.engine(station.id).client().is_none() {
                continue;
            }
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::TERM);
            }
            let ended = crate::engine::program::ended(pid);
            let _ = tokio::time::timeout(SIGN_OFF_PATIENCE, ended).await;
        }
    }
}
