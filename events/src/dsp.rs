//! The words of what shapes a station's programme: nodes in a row, as data.
//!
//! Which types and parameters there are is the mix's business (`grimnir_mix::dsp`); here they are
//! words and texts, so that what was loaded years ago can still be read.

use crate::codec::Payload;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Nodes between the mix and what leaves, in order; none is the limiter alone.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DspGraph {
    /// The preset it was made from; empty for one of its own.
    pub preset: String,
    /// The nodes.
    pub nodes: Vec<DspNode>,
}

/// One node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct DspNode {
    /// Its type, e.g. `COMPRESSOR`.
    pub kind: String,
    /// Texts of its parameters, by name.
    pub params: BTreeMap<String, String>,
}

impl Payload for DspGraph {
    const NAME: &'static str = "handover.graph";
    const VERSION: u16 = 1;
}
