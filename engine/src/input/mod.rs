//! What comes in from outside: encoders of people who are live, and webstreams.
//!
//! Reading order: [`gate`] (who may come in), [`harbor`] (how they speak), [`line`](mod@line) (SRT
//! and RTP), [`pump`] (bytes to frames), [`child`] (what only a decoder in C makes), [`webstream`].
//! Downstream: the director, by [`InputWord`]. Not here: who goes on air.

pub mod child;
pub mod gate;
pub mod harbor;
pub mod line;
mod pump;
pub mod webstream;

use crate::output::record::aired::AiredLog;
use grimnir_events::LiveSessionId;
use grimnir_mix::live::LiveTap;
use std::sync::Arc;
use tokio::sync::Notify;

/// One connection of a source, by a number that no other of this run has.
pub type Key = u64;

/// What an input tells the director.
pub enum InputWord {
    /// An encoder signed in.
    Connected(Box<Connected>),
    /// What it sends was recognised.
    Recognised {
        /// Which connection.
        key: Key,
        /// Codec, rate and channels.
        format: String,
    },
    /// It told what it plays.
    Titled {
        /// Which connection.
        key: Key,
        /// What.
        title: String,
    },
    /// It is gone.
    Ended {
        /// Which connection.
        key: Key,
        /// Why.
        reason: String,
        /// Bytes that came.
        bytes: u64,
    },
    /// Something about a webstream.
    Webstream(Box<grimnir_events::webstream::WebstreamAirEvent>),
    /// Somebody was turned away.
    Refused {
        /// Who asked.
        address: String,
        /// The mount.
        mount: String,
        /// Why.
        reason: String,
    },
}

/// An encoder that signed in.
pub struct Connected {
    /// This connection.
    pub key: Key,
    /// As whom.
    pub session_id: LiveSessionId,
    /// Its address.
    pub address: String,
    /// What it calls itself.
    pub client: String,
    /// How it speaks.
    pub protocol: &'static str,
    /// Its sound.
    pub tap: LiveTap,
    /// Where it is noted what of it is on air.
    pub aired: Arc<AiredLog>,
    /// Ends it.
    pub cut: Arc<Notify>,
}
