//! Media at ingest: measured, and made playable where symphonia does not decode it exactly.
//!
//! Every step runs in a child process: `child` starts `analyze`, which starts `transcode`.

pub mod analyze;
pub mod child;
pub mod decoding;
pub mod intro;
pub mod levels;
pub mod limits;
pub mod scan;
pub mod tags;
pub mod transcode;
