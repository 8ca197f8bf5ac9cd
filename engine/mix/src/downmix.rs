//! From any channel layout to left and right (ITU-R BS.775: centre and surrounds at −3 dB, LFE
//! left out), scaled so that full scale on all channels does not exceed full scale.

use symphonia::core::audio::{Channels, Position};

use crate::Frame;

/// Centre and surrounds at −3 dB.
const MINUS_3_DB: f32 = core::f32::consts::FRAC_1_SQRT_2;

/// Share of each channel in left and right.
#[derive(Debug)]
pub(crate) struct Downmix {
    shares: Vec<[f32; 2]>,
}

impl Downmix {
    /// For one or two channels.
    pub(crate) const fn none() -> Self {
        Self { shares: Vec::new() }
    }

    pub(crate) fn new(channels: &Channels) -> Self {
        let count = channels.count();
        if count <= 2 {
            return Self { shares: Vec::new() };
        }
        let mut shares: Vec<[f32; 2]> = match channels {
            Channels::Positioned(positions) => positions.iter().map(share).collect(),
            // Without positions the first two are taken for left and right.
            _ => (0..count)
                .map(|index| match index {
                    0 => [1.0, 0.0],
                    1 => [0.0, 1.0],
                    _ => [MINUS_3_DB * 0.5; 2],
                })
                .collect(),
        };
        for side in 0..2 {
            let total: f32 = shares.iter().map(|share| share[side]).sum();
            if total > 1.0 {
                shares.iter_mut().for_each(|share| share[side] /= total);
            }
        }
        Self { shares }
    }

    /// Appends interleaved samples of `channels` channels as frames.
    pub(crate) fn append(&self, samples: &[f32], channels: usize, out: &mut Vec<Frame>) {
        match channels {
            0 => {}
            1 => out.extend(samples.iter().map(|&sample| [sample, sample])),
            2 => out.extend(samples.chunks_exact(2).map(|pair| [pair[0], pair[1]])),
            _ => out.extend(samples.chunks_exact(channels).map(|all| {
                all.iter().zip(&self.shares).fold([0.0; 2], |sum, (sample, share)| {
                    [sum[0] + sample * share[0], sum[1] + sample * share[1]]
                })
            })),
        }
    }
}

fn share(position: Position) -> [f32; 2] {
    const LEFT: Position = Position::FRONT_LEFT.union(Position::FRONT_LEFT_CENTER);
    const RIGHT: Position = Position::FRONT_RIGHT.union(Position::FRONT_RIGHT_CENTER);
    const LEFT_BEHIND: Position = Position::REAR_LEFT.union(Position::SIDE_LEFT);
    const RIGHT_BEHIND: Position = Position::REAR_RIGHT.union(Position::SIDE_RIGHT);
    const LOW: Position = Position::LFE1.union(Position::LFE2);
    if LEFT.contains(position) {
        [1.0, 0.0]
    } else if RIGHT.contains(position) {
        [0.0, 1.0]
    } else if position == Position::FRONT_CENTER {
        [MINUS_3_DB; 2]
    } else if LEFT_BEHIND.contains(position) {
        [MINUS_3_DB, 0.0]
    } else if RIGHT_BEHIND.contains(position) {
        [0.0, MINUS_3_DB]
    } else if LOW.contains(position) {
        [0.0; 2]
    } else {
        [MINUS_3_DB * MINUS_3_DB; 2]
    }
}
