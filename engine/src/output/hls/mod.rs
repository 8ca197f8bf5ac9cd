//! HTTP live streaming (RFC 8216): segments of AAC, playlists, and where both are to be had.
//!
//! Reading order: `cutter` (the programme into segments of every bit rate, alike to the frame),
//! `packed` and `fmp4` (what a segment is), `window` (which there are now), `playlist`, `shelf`
//! (the folder, and what outlives the process), `audience` (who listens), `serve` (HTTP), `target`.
//! Upstream: the fan-out.

pub mod cutter;
pub mod packed;
pub mod fmp4;
pub mod window;
pub mod playlist;
pub mod shelf;
pub mod audience;
pub mod serve;
pub mod target;
