//! A GStreamer pipeline that decodes whatever comes into the programme's rate and channels.
//!
//! Upstream: bytes of anybody, in a process of its own. Downstream: whatever the caller puts behind
//! it. Not here: how it is run and watched.

use gstreamer as gst;
use gstreamer::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Which of a stream's sounds is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sound {
    /// The first; others of a file are not.
    First,
    /// The newest: a chained stream brings another.
    Newest,
}

/// An element without settings.
pub fn element(name: &str) -> Result<gst::Element, String> {
    gst::ElementFactory::make(name).build().map_err(|_| format!("GStreamer has no {name}"))
}

/// From `source` through a decoder, 48 kHz stereo in `format`, to the elements of `end`; with what
/// the decoded sound leaves.
pub fn pipeline(
    source: &gst::Element,
    sound: Sound,
    format: &str,
    end: &[gst::Element],
) -> Result<(gst::Pipeline, gst::Element), String> {
    let decode = element("decodebin")?;
    let audio_only = gst::Caps::builder("audio/x-raw").any_features().build();
    decode.set_property("caps", &audio_only);
    decode.set_property("expose-all-streams", false);
    let (convert, resample) = (element("audioconvert")?, element("audioresample")?);
    let filter = element("capsfilter")?;
    let caps = gst::Caps::builder("audio/x-raw")
        .field("format", format)
        .field("layout", "interleaved")
        .field("rate", 48_000)
        .field("channels", 2)
        .build();
    filter.set_property("caps", &caps);
    let pipeline = gst::Pipeline::new();
    let behind: Vec<&gst::Element> =
        [&convert, &resample, &filter].into_iter().chain(end).collect();
    let failed = |error: gst::glib::BoolError| error.to_string();
    pipeline.add_many([source, &decode]).map_err(failed)?;
    pipeline.add_many(&behind).map_err(failed)?;
    gst::Element::link_many(&behind).map_err(failed)?;
    source.link(&decode).map_err(failed)?;
    let into = convert.static_pad("sink").ok_or("audioconvert has no pad")?;
    // Two pads may come at once.
    let one = Mutex::new(());
    decode.connect_pad_added(move |_, pad| {
        let _one = one.lock().unwrap_or_else(PoisonError::into_inner);
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let audio = caps.structure(0).is_some_and(|s| s.name().starts_with("audio/x-raw"));
        let before = into.peer();
        if audio && (before.is_none() || sound == Sound::Newest) {
            if let Some(before) = before {
                let _ = before.unlink(&into);
            }
            let _ = pad.link(&into);
        }
    });
    Ok((pipeline, filter))
}
