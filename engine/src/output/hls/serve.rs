//! HLS over HTTP: playlists and segments below the path of each output.

use super::audience::{Audience, Caller, NO_FRAMES, Span};
use super::window::Window;
use super::{fmp4, playlist};
use crate::output::http::{Body, text};
use bytes::Bytes;
use grimnir_events::OutputId;
use grimnir_events::output::{HlsContainer, HlsOutput};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// The output.
    pub output_id: OutputId,
    hls: HlsOutput,
    /// Who listens.
    pub audience: Arc<Audience>,
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
    pub fn new(output_id: OutputId, hls: HlsOutput) -> Self {
        let audience = Audience::new(Duration::from_millis(u64::from(hls.segment_ms)));
        Self { output_id, hls, audience: Arc::new(audience), now: Mutex::default() }
    }

    /// The path that it stands below.
    pub fn path(&self) -> &str {
        &self.hls.path
    }

    /// What is to be had now.
    pub fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Clients are behind by some segments: what was on air before its end is theirs, and the past
    /// is nobody's.
    pub fn grace(&self) -> Duration {
        Duration::from_millis(u64::from(self.hls.segment_ms) * (u64::from(self.hls.window) + 1))
    }

    /// Answers what is below the output's path; `None` where `path` is not. Who `caller` is, where
    /// it is one who listens.
    pub fn answer(&self, path: &str, caller: Option<&Caller>) -> Option<Response<Body>> {
        let name = path.strip_prefix(self.hls.path.as_str())?.strip_prefix('/')?;
        let head = caller.is_none();
        Some(match self.find(name) {
            Found::Here(kind, cache, bytes) => response(kind, cache, bytes, head),
            Found::Sound(kind, cache, bytes, span) => {
                if let Some(caller) = caller {
                    self.audience.took(caller, bytes.len(), span, Instant::now());
                }
                response(kind, cache, bytes, head)
            }
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
                return Found::Sound(PLAYLIST, SOON, text.into(), NO_FRAMES);
            }
            let number = name.strip_prefix(&format!("{kbps}-")).and_then(|rest| {
                let number = rest.split('.').next()?.parse().ok()?;
                (playlist::segment_name(*container, *kbps, number) == name).then_some(number)
            });
            let found = number.and_then(|number| window.segment(number, variant));
            if let Some((bytes, span)) = found {
                let kind = match container {
                    HlsContainer::PackedAac => "audio/aac",
                    HlsContainer::Fmp4 => "audio/mp4",
                };
                return Found::Sound(kind, FOR_EVER, bytes, span);
            }
        }
        Found::Nothing
    }
}

enum Found {
    Here(&'static str, &'static str, Bytes),
    /// The same, asked for by who listens.
    Sound(&'static str, &'static str, Bytes, Span),
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
    use crate::output::sessions::Who;
    use grimnir_events::AirFrame;
    use std::net::IpAddr;

    fn caller() -> Caller {
        let address = IpAddr::from([192, 0, 2, 1]);
        Caller { address, who: Who::new(false, false, "Player") }
    }

    /// Status, and the body as text.
    fn get(live: &Live, path: &str) -> Option<(u16, String)> {
        let answer = live.answer(path, Some(&caller()))?;
        let status = answer.status().as_u16();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let body = runtime.block_on(answer.into_body().collect()).expect("a body").to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }

    #[test]
    fn what_was_on_air_is_to_be_had_to_its_end_and_the_past_is_not() {
        let hls = HlsOutput {
            path: "/hls".into(),
            container: HlsContainer::PackedAac,
            bitrates_kbps: vec![64],
            segment_ms: 1_000,
            window: 2,
            folder: None,
        };
        let live = Live::new(OutputId([4; 16]), hls);
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

    #[test]
    fn who_takes_playlists_and_segments_listens_and_who_only_looks_does_not() {
        let hls = HlsOutput {
            path: "/hls".into(),
            container: HlsContainer::Fmp4,
            bitrates_kbps: vec![64, 128],
            segment_ms: 1_000,
            window: 2,
            folder: None,
        };
        let live = Live::new(OutputId([4; 16]), hls);
        live.now().window = Some(Window::after(2, None, |_| None));
        for n in 0..3 {
            let (first, variants) = (AirFrame(n * 48_000), vec![vec![1; 10], vec![2; 20]]);
            let segment = Segment { first, frames: 48_000, variants };
            live.now().window.as_mut().expect("set").push(segment);
        }
        let listens = || live.audience.now(Instant::now());
        for path in ["/hls/index.m3u8", "/hls/64-head.mp4", "/hls/64-9.m4s", "/hls/nothing"] {
            get(&live, path).expect("its own");
        }
        live.answer("/hls/64-1.m4s", None).expect("its own");
        assert!(listens().is_empty(), "{:?}", listens());
        let (_, text) = get(&live, "/hls/64.m3u8").expect("its own");
        assert_eq!((listens().len(), listens()[0].frames()), (1, 0));
        get(&live, "/hls/64-1.m4s").expect("its own");
        get(&live, "/hls/128-2.m4s").expect("its own");
        assert_eq!(listens().len(), 1, "one that changes the bit rate is the same");
        let session = &listens()[0];
        assert_eq!((session.frames(), session.who.agent.as_str()), (96_000, "Player"));
        assert_eq!(session.bytes(), text.len() as u64 + 30);
        let spans = live.audience.spans(AirFrame(0), AirFrame(60_000), AirFrame(0));
        assert_eq!(spans, [(48_000, 60_000)]);
    }
}
