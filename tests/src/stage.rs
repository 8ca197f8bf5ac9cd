//! A station made ready for a scene: tone tracks, a playlist, a clock, on air.

use crate::client::Client;
use crate::programs::until;
use crate::server::Server;
use crate::tracks;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Bit rate of every mount in the scenes.
pub const KBPS: u32 = 128;

/// A station with `tracks.len()` tone tracks.
pub struct Stage {
    /// The administrator.
    pub client: Client,
    /// The station's id.
    pub station: String,
    /// Media ids, by track.
    pub media: Vec<String>,
    /// The files, by track.
    pub files: Vec<PathBuf>,
    /// The playlist of all tracks.
    pub playlist: String,
}

/// How a stage is made.
pub struct Setting {
    /// Tracks of the playlist.
    pub tracks: usize,
    /// Seconds of each: 4 at least, or an hour has more lines than a plan holds.
    pub seconds: f64,
    /// Sample rate of each.
    pub rate: u32,
    /// Overlap of two tracks.
    pub crossfade_ms: u32,
    /// Sound that costs an encoder what music does, instead of tones that tell the tracks apart.
    pub music: bool,
    /// Which station of the server it is.
    pub number: usize,
    /// Levels of the tones in dBFS (peak), in turn.
    pub levels_db: &'static [f64],
    /// Loudness that items are brought to.
    pub target_lufs_x100: i32,
}

impl Default for Setting {
    fn default() -> Self {
        let (tracks, seconds, rate, crossfade_ms) = (6, 34.0, 48_000, 2_000);
        Self {
            tracks,
            seconds,
            rate,
            crossfade_ms,
            music: false,
            number: 0,
            levels_db: &[tracks::LEVEL_DB],
            target_lufs_x100: -1_600,
        }
    }
}

impl Stage {
    /// Makes a station whose clock plays the tracks in order; it is not on air yet.
    pub async fn set(server: &Server, setting: Setting) -> Self {
        let client = server.admin().await;
        let slug = match setting.number {
            0 => "scene".to_owned(),
            n => format!("scene-{n}"),
        };
        let settings = json!({
            "crossfade_ms": setting.crossfade_ms,
            "target_lufs_x100": setting.target_lufs_x100,
            "min_airtime_ms": 2_000,
        });
        let body = json!({
            "name": "Scene", "slug": slug, "time_zone": "UTC", "settings": settings,
        });
        let station = client.post("/api/v1/stations", body).await;
        let station = station["id"].as_str().expect("a station has an id").to_owned();
        let folder = server.data.join("made");
        let (mut media, mut files) = (Vec::new(), Vec::new());
        for index in 0..setting.tracks {
            let file = if setting.music {
                tracks::write_music(&folder, index, setting.seconds, setting.rate)
            } else {
                let level = setting.levels_db[index % setting.levels_db.len()];
                tracks::write_at(&folder, index, level, setting.seconds, setting.rate)
            };
            let title = format!("Track {index:02}");
            let fields = [("title", title.as_str()), ("artist", "Tone")];
            media.push(client.add_media(&station, &file, &fields).await);
            files.push(file);
        }
        let body = json!({"station_id": station, "name": "All", "items": media});
        let playlist = client.post("/api/v1/playlists", body).await;
        let playlist = playlist["id"].as_str().expect("a playlist has an id").to_owned();
        let stage = Self { client, station, media, files, playlist };
        let slot = json!({"offset_ms": 0, "type": "playlist", "playlist_id": stage.playlist});
        stage.clock(vec![slot]).await;
        stage
    }

    /// Makes the clock of every hour.
    pub async fn clock(&self, slots: Vec<Value>) -> String {
        let body = json!({
            "station_id": self.station, "name": "Scene hour", "slots": slots, "default": true,
        });
        let clock = self.client.post("/api/v1/clocks", body).await;
        clock["id"].as_str().expect("a clock has an id").to_owned()
    }

    /// Adds one more tone track that is not in the playlist.
    pub async fn extra(
        &mut self,
        server: &Server,
        seconds: f64,
        fields: &[(&str, &str)],
    ) -> (usize, String) {
        let index = self.files.len();
        let file = tracks::write(&server.data.join("made"), index, seconds, 48_000);
        let title = format!("Track {index:02}");
        let mut all = vec![("title", title.as_str()), ("artist", "Tone")];
        all.extend_from_slice(fields);
        let id = self.client.add_media(&self.station, &file, &all).await;
        self.files.push(file);
        self.media.push(id.clone());
        (index, id)
    }

    /// Signs on; answers the listen URL.
    pub async fn start(&self, server: &Server) -> String {
        self.client.post(&format!("/api/v1/stations/{}/start", self.station), json!({})).await;
        server.on_air(&self.client, &self.station).await
    }

    /// The as-run log of the last and the next hour, as the API answers it.
    pub async fn as_run(&self) -> Vec<Value> {
        let now = jiff::Timestamp::now();
        let hour = jiff::SignedDuration::from_hours(1);
        let path = format!(
            "/api/v1/analytics/as-run?station_id={}&from={}&to={}",
            self.station,
            now - hour,
            now + hour
        );
        let answer = self.client.get(&path).await;
        rows(answer)
    }

    /// Every planned line from an hour ago on.
    pub async fn schedule(&self, hours: u32) -> Vec<Value> {
        let from = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
        let path =
            format!("/api/v1/schedule?station_id={}&hours={hours}&from={from}", self.station);
        rows(self.client.get(&path).await)
    }
}

/// Second of the hour of plan, which is an hour of UTC.
pub fn second_of_hour() -> i64 {
    jiff::Timestamp::now().as_second().rem_euclid(3_600)
}

/// Waits for the next hour if this one ends within `seconds`: for scenes that tell the order of a
/// plan, which begins anew with the hour.
pub async fn clear_of_the_turn(seconds: i64) {
    let patience = Duration::from_secs(seconds.unsigned_abs() + 10);
    until("the hour has turned", patience, || async {
        (second_of_hour() + seconds < 3_600).then_some(())
    })
    .await;
}

/// The rows of a list answer.
pub fn rows(answer: Value) -> Vec<Value> {
    match answer {
        Value::Array(rows) => rows,
        Value::Object(mut object) => match object.remove("items") {
            Some(Value::Array(rows)) => rows,
            other => panic!("no items in {other:?}"),
        },
        other => panic!("not a list: {other}"),
    }
}

/// A string field of a row.
pub fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_default()
}
