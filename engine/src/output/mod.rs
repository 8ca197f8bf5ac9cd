//! Outputs: one encoder per format and bit rate, one hub of listeners per mount, one HTTP server.
//!
//! Upstream: blocks of the mix thread, through bounded queues that drop rather than wait.
//! Downstream: sockets. Nothing here can hold up the air or another output.

pub mod client;
pub mod codec;
pub mod desk;
pub mod encoder;
pub mod fanout;
pub mod format;
pub mod http;
pub mod hub;
pub mod icy;
pub mod mp3;
pub mod ogg;
pub mod pages;
pub mod reached;
pub mod sessions;
pub mod stream;
pub mod target;
pub mod around;
pub mod id3;
pub mod record;
pub mod hls;
pub mod srt;
pub mod rtp;
pub mod monitor;
pub mod withheld;
pub mod tls;
