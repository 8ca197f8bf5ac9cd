//! Any text as a graph of the programme's sound, and as what it does to sound.
#![no_main]

#[path = "../../mix/tests/support/graph.rs"]
mod graph;

libfuzzer_sys::fuzz_target!(|data: &[u8]| graph::hold(data));
