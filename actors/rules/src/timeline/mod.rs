//! The timeline: format clocks and the planned hours; the resolver that turns a chain into frames.

pub mod command;
