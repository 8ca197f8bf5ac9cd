//! Any bytes as what a server of a webstream answers, in chunks, and with titles in its sound.
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

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::stream(data));
