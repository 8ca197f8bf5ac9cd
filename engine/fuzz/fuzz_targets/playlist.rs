//! Any bytes as a playlist.
#![no_main]

#[path = "../../src/input/webstream/answer.rs"]
#[allow(dead_code)]
mod answer;
#[path = "../../src/input/webstream/icy.rs"]
#[allow(dead_code)]
mod icy;
#[path = "../../src/input/webstream/laws.rs"]
#[allow(dead_code)]
mod laws;
#[path = "../../src/input/webstream/playlist.rs"]
#[allow(dead_code)]
mod playlist;

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::listing(data));
