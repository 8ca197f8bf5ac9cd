//! HLS over HTTP: playlists and segments below the path of each output.

use super::window::Window;
use super::{fmp4, playlist};
use crate::output::http::{Body, text};
use bytes::Bytes;
use grimnir_events::output::{HlsContainer, HlsOutput};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a playlist is.
const PLAYLIST: &str = "application/vnd.apple.mpegurl";
/// A playlist changes with each segment; what stands between may keep it as long as a client waits
/// at least between two looks.
const SOON: &str = "public, max-age=1";
/// A segment never changes, and is gone within minutes.
const FOR_EVER: &str = "public, max-age=3600, immutable";

/// An HLS output as the listeners' server sees it.
pub struct Live {
    hls: HlsOutput,
    now: Mutex<Now>,
}

/// What is to be had now.
#[derive(Default)]
pub struct Now {
    /// The segments; `None` until the station was on air.
    pub window: Option<Window>,
    /// When it went off air.
    pub ended: Option<Instant>,
    /// How often it went on air: a thread of before has nothing to say any more.
    pub turn: u64,
}

impl Live {
    /// Of an output that has nothing yet.
    pub fn new(hls: HlsOutput) -> Self {
        Self { hls, now: Mutex::default() }
    }

    /// What is to be had now.
    pub fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Clients are behind by some segments: what was on air before its end is theirs, and the past
    /// is nobody's.
    fn grace(&self) -> Duration {
        Duration::from_millis(u64::from(self.hls.segment_ms) * (u64::from(self.hls.window) + 1))
    }

    /// Answers what is below the output's path; `None` where `path` is not.
    pub fn answer(&self, path: &str, head: bool) -> Option<Response<Body>> {
        let name = path.strip_prefix(self.hls.path.as_str())?.strip_prefix('/')?;
        Some(match self.find(name) {
            Found::Here(kind, cache, bytes) => response(kind, cache, bytes, head),
            Found::Closed => {
                text(StatusCode::SERVICE_UNAVAILABLE, "the station is off air\n".into())
            }
            Found::Early => {
                let told = "the first segment is not complete yet\n".into();
                text(StatusCode::SERVICE_UNAVAILABLE, told)
            }
            Found::Nothing => {
                let shown: String = path.chars().take(200).collect();
                let hls = &self.hls.path;
                let told = format!("nothing at {shown}; it begins at {hls}/{}\n", playlist::MASTER);
                text(StatusCode::NOT_FOUND, told)
            }
        })
    }

    fn find(&self, name: &str) -> Found {
        let HlsOutput { container, bitrates_kbps, .. } = &self.hls;
        let now = self.now();
        let over = now.ended.is_some_and(|ended| ended.elapsed() > self.grace());
        let Some(window) = now.window.as_ref().filter(|_| !over) else { return Found::Closed };
        let fixed = unchanging(*container, bitrates_kbps);
        if let Some((name, bytes)) = fixed.into_iter().find(|(fixed, _)| fixed == name) {
            let (kind, cache) = match name.ends_with(".m3u8") {
                true => (PLAYLIST, SOON),
                false => ("audio/mp4", FOR_EVER),
            };
            return Found::Here(kind, cache, bytes);
        }
        for (variant, kbps) in bitrates_kbps.iter().enumerate() {
            if name == playlist::media_name(*kbps) {
                let (cuts, listed) = window.listed();
                // A playlist without a segment is none: clients come again.
                if listed.is_empty() {
                    return Found::Early;
                }
                let mut text = playlist::media(&self.hls, *kbps, cuts, &listed);
                if now.ended.is_some() {
                    text.push_str(playlist::END);
                }
                return Found::Here(PLAYLIST, SOON, text.into());
            }
            let number = name.strip_prefix(&format!("{kbps}-")).and_then(|rest| {
                let number = rest.split('.').next()?.parse().ok()?;
                (playlist::segment_name(*container, *kbps, number) == name).then_some(number)
            });
            if let Some(bytes) = number.and_then(|number| window.segment(number, variant)) {
                let kind = match container {
                    HlsContainer::PackedAac => "audio/aac",
                    HlsContainer::Fmp4 => "audio/mp4",
                };
                return Found::Here(kind, FOR_EVER, bytes);
            }
        }
        Found::Nothing
    }
}

enum Found {
    Here(&'static str, &'static str, Bytes),
    Closed,
    Early,
    Nothing,
}

/// Files that are the same for as long as the output is.
pub fn unchanging(container: HlsContainer, bitrates_kbps: &[u16]) -> Vec<(String, Bytes)> {
    let master = playlist::master(container, bitrates_kbps);
    let mut files = vec![(playlist::MASTER.to_owned(), Bytes::from(master))];
    if container == HlsContainer::Fmp4 {
        let head = |kbps: &u16| (playlist::head_name(*kbps), Bytes::from(fmp4::head(*kbps)));
        files.extend(bitrates_kbps.iter().map(head));
    }
    files
}

fn response(kind: &'static str, cache: &'static str, bytes: Bytes, head: bool) -> Response<Body> {
    let length = bytes.len();
    let body = if head { Bytes::new() } else { bytes };
    let mut response = Response::new(Full::new(body).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

#[cfg(test)]
mod tests {
    use super::super::cutter::Segment;
    use super::*;
    use grimnir_events::AirFrame;

    /// Status, and the body as text.
    fn get(live: &Live, path: &str) -> Option<(u16, String)> {
        let answer = live.answer(path, false)?;
        let status = answer.status().as_u16();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let body = runtime.block_on(answer.into_body().collect()).expect("a body").to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }

    #[test]
    fn what_was_on_air_is_to_be_had_to_its_end_and_the_past_is_not() {
        let live = Live::new(HlsOutput {
            path: "/hls".into(),
            container: HlsContainer::PackedAac,
            bitrates_kbps: vec![64],
            segment_ms: 1_000,
            window: 2,
            folder: None,
        });
        let playlist = || get(&live, "/hls/64.m3u8").expect("its own");
        assert!(get(&live, "/hlsx/64.m3u8").is_none() && get(&live, "/64.m3u8").is_none());
        assert_eq!(playlist().0, 503, "it was never on air");
        live.now().window = Some(Window::after(2, None, |_| None));
        assert_eq!(playlist(), (503, "the first segment is not complete yet\n".into()));
        for n in 0..3 {
            let (first, variants) = (AirFrame(n * 48_000), vec![vec![b'a' + n as u8]]);
            let segment = Segment { first, frames: 48_000, variants };
            live.now().window.as_mut().expect("set").push(segment);
        }
        let (status, text) = playlist();
        assert!(
            status == 200
                && text.ends_with(
                    "64-1.aac\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01\
             T00:00:02.000000Z\n#EXTINF:1.000000,\n64-2.aac\n"
                ),
            "{text}"
        );
        assert!(!text.contains("64-0.aac"), "{text}");
        assert_eq!(get(&live, "/hls/64-0.aac"), Some((200, "a".into())), "who is behind gets it");
        for nothing in ["/hls/64-3.aac", "/hls/64-2.m4s", "/hls/128-2.aac", "/hls/"] {
            assert_eq!(get(&live, nothing).expect("its own").0, 404, "{nothing}");
        }
        let ago = |ms| Instant::now().checked_sub(Duration::from_millis(ms));
        live.now().ended = ago(2_000);
        let (status, text) = playlist();
        assert!(status == 200 && text.ends_with("64-2.aac\n#EXT-X-ENDLIST\n"), "{text}");
        live.now().ended = ago(3_001);
        assert_eq!(playlist(), (503, "the station is off air\n".into()));
    }
}
