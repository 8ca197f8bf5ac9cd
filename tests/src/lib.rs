//! The harness of the scenes: real programs on loopback ports, heard at the listener's end.
//!
//! Reading order: [`server`] starts a control plane, [`ear`] listens to a mount, [`tracks`] makes
//! audio in which every track has its own tone, so that what is heard at any instant can be told.

pub mod client;
pub mod cluster;
pub mod cost;
pub mod damage;
pub mod ear;
pub mod figure;
pub mod files;
pub mod nats;
pub mod pager;
pub mod programs;
pub mod server;
pub mod stage;
pub mod tracks;

pub use client::Client;
pub use cluster::Cluster;
pub use ear::{Ear, Heard};
pub use nats::ports;
pub use server::Server;
pub use stage::{Setting, Stage};
