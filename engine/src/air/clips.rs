//! Audio kept decoded in memory: the last rung, and the heads of emergencies.
//!
//! An emergency longer than its head goes on from a feeder that starts with it, so that memory
//! stays bounded and the first block never waits.

use super::feeder::explain;
use super::ring::RingReader;
use grimnir_events::ContentHash;
use grimnir_events::ladder::ClaimItem;
use grimnir_mix::{Clip, ClipSource, Frame, FrameSource, Got, SourceState};
use std::path::{Path, PathBuf};

/// Head of an emergency that is kept: 10 s, 3.8 MB.
pub const HEAD_FRAMES: i64 = 10 * 48_000;
/// The last rung is kept up to this length: 5 min, 115 MB; it repeats.
pub const FALLBACK_FRAMES: i64 = 300 * 48_000;

/// What identifies a clip: the bytes, and the cue marks it was cut by.
pub type ClipKey = (ContentHash, i64, i64);

/// The key of an item's clip.
pub fn key_of(item: &ClaimItem) -> ClipKey {
    (item.play_hash, item.cues.cue_in, item.cues.cue_out)
}

/// A decoded clip.
#[derive(Clone)]
pub struct Held {
    /// The sound.
    pub clip: Clip,
    /// Frames of it.
    pub frames: i64,
    /// Nothing follows it up to the cue out.
    pub whole: bool,
}

/// Path of the file that holds `hash`.
pub fn media_path(media: &Path, hash: &ContentHash) -> PathBuf {
    let name = hash.to_string();
    media.join(&name[..2]).join(name)
}

/// Decodes an item's first `limit` frames.
pub fn decode(media: &Path, item: &ClaimItem, limit: i64) -> Result<Held, String> {
    let from = item.cues.cue_in.max(0);
    let to = item.cues.cue_out.max(from);
    let end = to.min(from + limit);
    let path = media_path(media, &item.play_hash);
    let clip = Clip::decode(&path, from, Some(end), (end - from).max(0) as usize)
        .map_err(|error| explain(&error))?;
    let frames = clip.0.len() as i64;
    if frames == 0 {
        return Err(format!("{}: no sound between {from} and {to}", path.display()));
    }
    // A file that ends before its head does has nothing to follow either.
    Ok(Held { clip, frames, whole: end == to || from + frames < end })
}

/// A clip's sound, then a ring's.
pub struct HeadThenTail {
    head: ClipSource,
    in_head: bool,
    tail: RingReader,
}

impl HeadThenTail {
    /// Joins a head and the ring that goes on where it ends.
    pub fn new(head: &Clip, tail: RingReader) -> Self {
        Self { head: head.source(), in_head: true, tail }
    }
}

impl FrameSource for HeadThenTail {
    fn read(&mut self, out: &mut [Frame]) -> Got {
        let mut done = 0;
        if self.in_head {
            let got = self.head.read(out);
            if got.state == SourceState::More {
                return got;
            }
            self.in_head = false;
            done = got.frames;
        }
        let got = self.tail.read(&mut out[done..]);
        Got { frames: done + got.frames, state: got.state }
    }
    fn buffered(&self) -> Option<i64> {
        if self.in_head { None } else { self.tail.buffered() }
    }
    fn failure(&self) -> Option<&str> {
        self.tail.failure()
    }
}
