//! Nodes in a row, and how one row takes the place of another without a click.

use super::compressor::Compressor;
use super::equalizer::Equalizer;
use super::factor;
use super::gate::Gate;
use super::leveller::Leveller;
use super::spec::NodeSpec;
use super::width::Width;
use crate::{BLOCK, Frame};

/// Frames over which a new chain fades in over the old one: 20 ms.
const SWAP_FRAMES: usize = 960;

#[derive(Clone, Debug)]
enum Node {
    Gain(f64),
    Leveller(Box<Leveller>),
    Compressor(Box<Compressor>),
    Equalizer(Equalizer),
    Gate(Box<Gate>),
    Width(Width),
}

/// Nodes in a row; made where time does not matter, run on the mix thread.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    nodes: Vec<Node>,
}

impl Chain {
    /// Of these nodes. A limiter is not among them: the bus ends with one, whatever is loaded.
    pub fn of(specs: &[NodeSpec]) -> Self {
        let node = |spec: &NodeSpec| match spec {
            NodeSpec::Gain(db) => Some(Node::Gain(factor(*db))),
            NodeSpec::Leveller(settings) | NodeSpec::Normalizer { settings, .. } => {
                Some(Node::Leveller(Box::new(Leveller::new(*settings))))
            }
            NodeSpec::Compressor(settings) => {
                Some(Node::Compressor(Box::new(Compressor::new(*settings))))
            }
            NodeSpec::TenBands(gains) => Some(Node::Equalizer(Equalizer::ten_bands(gains))),
            NodeSpec::Parametric(bands) => Some(Node::Equalizer(Equalizer::parametric(bands))),
            NodeSpec::HighPass(hertz) => Some(Node::Equalizer(Equalizer::high_pass(*hertz))),
            NodeSpec::Gate(settings) => Some(Node::Gate(Box::new(Gate::new(*settings)))),
            NodeSpec::Width(width) => Some(Node::Width(Width { width: *width })),
            // These act elsewhere: on the bus, or in the mix.
            NodeSpec::Limiter { .. }
            | NodeSpec::Duck(_)
            | NodeSpec::Mix(_)
            | NodeSpec::Silence(_)
            | NodeSpec::SourceSilence(_)
            | NodeSpec::Meter { .. }
            | NodeSpec::Off => None,
        };
        Self { nodes: specs.iter().filter_map(node).collect() }
    }

    /// Runs frames through.
    pub fn process(&mut self, frames: &mut [Frame]) {
        for node in &mut self.nodes {
            match node {
                Node::Gain(gain) => {
                    for frame in frames.iter_mut() {
                        *frame = frame.map(|sample| (f64::from(sample) * *gain) as f32);
                    }
                }
                Node::Leveller(node) => node.process(frames),
                Node::Compressor(node) => node.process(frames),
                Node::Equalizer(node) => node.process(frames),
                Node::Gate(node) => node.process(frames),
                Node::Width(node) => node.process(frames),
            }
        }
    }
}

/// A chain that can be replaced while it runs.
#[derive(Debug, Default)]
pub struct SwappingChain {
    current: Box<Chain>,
    next: Option<Box<Chain>>,
    /// Its turn comes when the fade that runs is over.
    waiting: Option<Box<Chain>>,
    faded: usize,
}

impl SwappingChain {
    /// Begins with this chain.
    pub fn new(chain: Chain) -> Self {
        Self { current: Box::new(chain), next: None, waiting: None, faded: 0 }
    }

    /// Fades another chain in. Answers what need not be kept: it is dropped where time does not
    /// matter.
    pub fn swap(&mut self, next: Box<Chain>) -> Option<Box<Chain>> {
        if self.next.is_some() {
            return self.waiting.replace(next);
        }
        (self.next, self.faded) = (Some(next), 0);
        None
    }

    /// Runs one block through; answers a chain that is over.
    pub fn process(&mut self, block: &mut [Frame; BLOCK]) -> Option<Box<Chain>> {
        let Some(next) = &mut self.next else {
            self.current.process(block);
            return None;
        };
        let mut new = *block;
        self.current.process(block);
        next.process(&mut new);
        for (old, new) in block.iter_mut().zip(new) {
            self.faded += 1;
            let gain = (self.faded as f32 / SWAP_FRAMES as f32).min(1.0);
            *old = [old[0] + (new[0] - old[0]) * gain, old[1] + (new[1] - old[1]) * gain];
        }
        if self.faded < SWAP_FRAMES {
            return None;
        }
        let next = self.next.take()?;
        (self.next, self.faded) = (self.waiting.take(), 0);
        Some(std::mem::replace(&mut self.current, next))
    }
}
