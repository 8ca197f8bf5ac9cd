//! Scenes over the real programs, judged on decoded audio at the listener's end.
//!
//! `make test` runs the short forms; with `GRIMNIR_SOAK` set the long ones run.

mod analysis;
mod bad_input;
mod control;
mod dsp;
mod edits;
mod effects;
mod emergency;
mod engine_crashes;
mod engine_loss;
mod faults;
mod format_clocks;
mod folders;
mod grid;
mod jetstream_cut;
mod kill_commands;
mod library;
mod live;
mod loudness;
mod on_air;
mod other_host;
mod outage;
mod outputs;
mod ownership;
mod rolling;
mod shows;
mod silence;
mod smart_blocks;
mod webstreams;
