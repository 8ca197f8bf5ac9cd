//! The executor: what playout does now and what people asked of it.

pub mod command;
