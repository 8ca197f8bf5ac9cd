//! A station: its name, its time, its mounts, and whether it is to be on air.

pub mod command;
