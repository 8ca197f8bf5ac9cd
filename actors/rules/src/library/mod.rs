//! The library: media items and playlists of a station.

pub mod command;
