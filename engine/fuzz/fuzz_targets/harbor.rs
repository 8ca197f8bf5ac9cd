//! Any bytes as what an encoder says at the engine's harbor, and as its sound.
#![no_main]

#[path = "../../src/input/harbor/chunks.rs"]
mod chunks;
#[path = "../../src/input/harbor/laws.rs"]
mod laws;
#[path = "../../src/input/harbor/request.rs"]
#[allow(dead_code)]
mod request;
#[path = "../../src/input/harbor/sniff.rs"]
#[allow(dead_code)]
mod sniff;

libfuzzer_sys::fuzz_target!(|data: &[u8]| laws::hold(data));
