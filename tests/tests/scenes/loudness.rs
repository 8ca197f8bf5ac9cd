//! However loud files are, items are heard at the loudness that the station asks for.

use ebur128::{EbuR128, Mode};
use grimnir_mix::Frame;
use grimnir_mix::tone::tone_level;
use grimnir_tests::stage::KBPS;
use grimnir_tests::{Ear, Server, Setting, Stage, tracks};

/// Loudness of the three files, in LUFS: of a tone on both sides its peak, nearly.
const MADE: [f64; 3] = [-8.0, -23.0, -30.0];
const SECONDS: f64 = 8.0;

/// A station whose items are brought to a loudness, and somebody who listens to it.
async fn on_air(server: &Server, number: usize, target_lufs_x100: i32) -> (Stage, Ear) {
    let setting = Setting {
        tracks: MADE.len(),
        seconds: SECONDS,
        crossfade_ms: 0,
        number,
        levels_db: &MADE,
        target_lufs_x100,
        ..Setting::default()
    };
    let stage = Stage::set(server, setting).await;
    let url = stage.start(server).await;
    let ear = Ear::connect(&url).await.expect("the mount can be reached");
    (stage, ear)
}

/// Integrated loudness of each track over the parts in which nothing else is heard.
fn loudness(frames: &[Frame]) -> Vec<f64> {
    // Half seconds; the neighbours of another track's hold some of it.
    let parts: Vec<&[Frame]> = frames.chunks_exact(24_000).collect();
    let heard = |part: &[Frame]| {
        let level = |n: &usize| tone_level(part, tracks::hz(*n));
        (0..MADE.len()).max_by(|a, b| level(a).total_cmp(&level(b)))
    };
    let tracks: Vec<Option<usize>> = parts.iter().map(|part| heard(part)).collect();
    let of_track = |track: usize| {
        let mut meter = EbuR128::new(2, 48_000, Mode::I).expect("a meter");
        let mut count = 0;
        for (n, around) in tracks.windows(3).enumerate() {
            if around.iter().all(|heard| *heard == Some(track)) {
                let samples: Vec<f32> = parts[n + 1].iter().flatten().copied().collect();
                meter.add_frames_f32(&samples).expect("it takes frames");
                count += 1;
            }
        }
        assert!(count >= 6, "track {track} was heard for {count} half seconds");
        meter.loudness_global().expect("a loudness")
    };
    (0..MADE.len()).map(of_track).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_heard_at_the_loudness_that_the_station_asks_for() {
    let server = Server::start().await;
    let (_usual, usual_ear) = on_air(&server, 0, -1_600).await;
    let (_broadcast, broadcast_ear) = on_air(&server, 1, -2_300).await;
    for (ear, target) in [(usual_ear, -16.0), (broadcast_ear, -23.0)] {
        ear.listen(SECONDS * MADE.len() as f64 + 6.0, KBPS).await;
        let found = loudness(&ear.stop().await.frames);
        let off = |lufs: &f64| (lufs - target).abs();
        assert!(found.iter().all(|lufs| off(lufs) <= 0.5), "{target} LUFS: heard {found:?}");
    }
    server.assert_no_panic();
}
