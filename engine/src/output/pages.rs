//! What the listeners' server answers beside the streams: the list of mounts, playlist files, and a
//! status document in the shape that tools for Icecast read.

use super::format;
use super::http::{Body, Door, Offer, text};
use super::hub::Hub;
use grimnir_events::UtcMicros;
use grimnir_events::station::Mount;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};

/// Longest host name, with its port, that is put into a playlist.
const HOST_LIMIT: usize = 262;

/// Answers what is no mount.
pub fn answer<B>(request: &Request<B>, door: &Door, offer: &Offer) -> Response<Body> {
    let path = request.uri().path();
    if path == "/" {
        return list(request, offer);
    }
    let base = base(request, door);
    if path == "/status-json.xsl" {
        return typed("application/json", status(request, door, offer, &base));
    }
    let named = |suffix: &str| {
        let of = path.strip_suffix(suffix)?;
        offer.mounts.iter().map(|(mount, _)| mount).find(|mount| mount.path == of)
    };
    if let Some(mount) = named(".m3u") {
        let title = title(&offer.name, mount);
        let body = format!("#EXTM3U\n#EXTINF:-1,{title}\n{base}{}\n", mount.path);
        return typed("audio/x-mpegurl", body);
    }
    if let Some(mount) = named(".pls") {
        let (title, path) = (title(&offer.name, mount), &mount.path);
        let body = format!(
            "[playlist]\nNumberOfEntries=1\nFile1={base}{path}\nTitle1={title}\nLength1=-1\n\
             Version=2\n"
        );
        return typed("audio/x-scpls", body);
    }
    let known: Vec<&str> = offer.mounts.iter().map(|(m, _)| m.path.as_str()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let shown: String = path.chars().take(200).collect();
    text(StatusCode::NOT_FOUND, format!("no mount {shown}; mounts: {known}\n"))
}

fn title(station: &str, mount: &Mount) -> String {
    let whole = format!("{station} – {}", mount.name);
    whole.chars().filter(|c| !c.is_control()).collect()
}

/// Where the client reached us, as it says; the socket's own address where it says nothing fit for
/// an address.
fn base<B>(request: &Request<B>, door: &Door) -> String {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let fit = |host: &&str| {
        let of_a_host = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        !host.is_empty() && host.len() <= HOST_LIMIT && host.chars().all(of_a_host)
    };
    let host = header(HOST.as_str())
        .filter(fit)
        .map(str::to_owned)
        .or_else(|| door.local.map(|address| address.to_string()))
        .unwrap_or_else(|| "localhost".to_owned());
    // Behind a proxy that speaks TLS the player has to go the same way.
    let tls = door.tls || header("x-forwarded-proto") == Some("https");
    format!("{}://{host}", if tls { "https" } else { "http" })
}

/// As Icecast tells: no source, one, or a list of them; `?mount=` picks one.
fn status<B>(request: &Request<B>, door: &Door, offer: &Offer, base: &str) -> String {
    let asked = request.uri().query().and_then(|query| {
        query.split('&').find_map(|part| part.strip_prefix("mount=")).map(|m| m.replace("%2F", "/"))
    });
    let mut sources: Vec<Value> = offer
        .mounts
        .iter()
        .filter(|(mount, _)| asked.as_ref().is_none_or(|asked| *asked == mount.path))
        .filter_map(|(mount, hub)| source(&offer.name, mount, hub, base))
        .collect();
    let host = base.split_once("://").map_or(base, |(_, host)| host);
    let mut stats = json!({
        "admin": "",
        "host": host,
        "location": "",
        "server_id": concat!("Grimnir ", env!("CARGO_PKG_VERSION")),
        "server_start": dated(door.started),
        "server_start_iso8601": iso(door.started),
    });
    match sources.len() {
        0 => {}
        1 => stats["source"] = sources.remove(0),
        _ => stats["source"] = Value::Array(sources),
    }
    format!("{}\n", json!({ "icestats": stats }))
}

/// One mount; `None` while it is closed.
fn source(station: &str, mount: &Mount, hub: &Hub, base: &str) -> Option<Value> {
    let view = hub.view();
    let opened = view.opened?;
    let mut source = json!({
        "audio_info": format::SOUND,
        "channels": 2,
        "genre": "",
        "listener_peak": view.peak,
        "listeners": view.listeners,
        "listenurl": format!("{base}{}", mount.path),
        "samplerate": 48_000,
        "server_description": mount.name,
        "server_name": station,
        "server_type": format::content_type(mount.format),
        "stream_start": dated(opened),
        "stream_start_iso8601": iso(opened),
        "title": view.title,
        "dummy": null,
    });
    if mount.bitrate_kbps > 0 {
        source["bitrate"] = mount.bitrate_kbps.into();
        source["audio_info"] = format!("{};bitrate={}", format::SOUND, mount.bitrate_kbps).into();
    }
    if let Some(subtype) = format::subtype(mount.format) {
        source["subtype"] = subtype.into();
    }
    Some(source)
}

fn dated(at: UtcMicros) -> String {
    shown(at, "%a, %d %b %Y %H:%M:%S +0000")
}

fn iso(at: UtcMicros) -> String {
    shown(at, "%Y-%m-%dT%H:%M:%S+0000")
}

fn shown(at: UtcMicros, form: &str) -> String {
    jiff::Timestamp::from_microsecond(at.0)
        .map(|at| at.strftime(form).to_string())
        .unwrap_or_default()
}

fn list<B>(request: &Request<B>, offer: &Offer) -> Response<Body> {
    let json = request
        .headers()
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"));
    if json {
        let mounts: Vec<Value> = offer
            .mounts
            .iter()
            .map(|(mount, hub)| {
                json!({
                    "path": mount.path, "name": mount.name, "format": mount.format,
                    "bitrate_kbps": mount.bitrate_kbps, "on_air": hub.is_open(),
                    "listeners": hub.listeners(),
                })
            })
            .collect();
        let body = json!({ "name": offer.name, "mounts": mounts });
        return typed("application/json", format!("{body}\n"));
    }
    let mut lines = format!("{}\n", offer.name);
    for (mount, _) in &offer.mounts {
        lines.push_str(&format!("{} {} {}\n", mount.path, format::shown(mount), mount.name));
    }
    text(StatusCode::OK, lines)
}

fn typed(kind: &'static str, body: String) -> Response<Body> {
    let mut response = text(StatusCode::OK, body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
