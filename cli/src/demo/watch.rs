//! Prints what is on air, a line for each change.

use futures_util::StreamExt;
use grimnir_actors::Site;
use grimnir_events::StationId;
use std::time::Duration;

/// Where the station is listened to, once its engine answers.
pub async fn listen_urls(site: &Site, station: StationId) -> Vec<String> {
    for _ in 0..200 {
        let urls = site.listen_urls(station).await;
        let readiness = site.readiness().await;
        if !urls.is_empty() && readiness.engines.iter().any(|e| e.on_air) {
            return urls;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    site.listen_urls(station).await
}

/// Prints what is on air as it changes.
pub async fn now_playing(site: Site, station: StationId) {
    let mut shown = String::new();
    let mut changes = site.views().follow(None);
    loop {
        if let Some(row) = site.views().now_playing(station) {
            let line = if row.status == "playing" {
                let local = row.started_at.to_string();
                let time = local.get(11..19).unwrap_or(&local).to_owned();
                format!("{time}  {} – {}  [{:?}]", row.artist, row.title, row.tier)
            } else {
                "(nothing on air)".to_owned()
            };
            if line != shown {
                println!("{line}");
                shown = line;
            }
        }
        if changes.next().await.is_none() {
            return;
        }
    }
}
