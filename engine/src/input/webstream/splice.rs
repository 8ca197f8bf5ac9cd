//! Where one stream follows another: the end of the first is held back, so that the second fades
//! in over it, and nothing clicks.

use grimnir_mix::Frame;

/// Frames that are held back: 10 ms.
const TAIL: usize = 480;

/// Frames on their way, the last of them held back.
#[derive(Default)]
pub(super) struct Splice {
    tail: Vec<Frame>,
}

impl Splice {
    /// Takes what follows; answers what may go on.
    pub(super) fn follow(&mut self, frames: Vec<Frame>) -> Vec<Frame> {
        let mut all = std::mem::take(&mut self.tail);
        all.extend(frames);
        self.tail = all.split_off(all.len().saturating_sub(TAIL));
        all
    }

    /// Another stream begins with `next`, over what is held back and `rest` of the one before.
    pub(super) fn cross(&mut self, rest: Vec<Frame>, next: Vec<Frame>) -> Vec<Frame> {
        let mut old = std::mem::take(&mut self.tail);
        old.extend(rest);
        let length = old.len().min(next.len());
        // The end of a longer one is what fades.
        let mut out: Vec<Frame> = old[..old.len() - length].to_vec();
        let fading = &old[old.len() - length..];
        for (index, (before, after)) in fading.iter().zip(&next).enumerate() {
            let part = (index + 1) as f32 / (length + 1) as f32;
            let mixed = |side: usize| before[side] * (1.0 - part) + after[side] * part;
            out.push([mixed(0), mixed(1)]);
        }
        out.extend_from_slice(&next[length..]);
        self.follow(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_pass_in_order_and_one_stream_fades_into_the_next() {
        let mut splice = Splice::default();
        let count = |from: usize, to: usize| (from..to).map(|n| [n as f32; 2]).collect::<Vec<_>>();
        let mut out = splice.follow(count(0, 100));
        assert!(out.is_empty(), "all of it is held back");
        out.extend(splice.follow(count(100, 2_000)));
        out.extend(splice.follow(count(2_000, 2_001)));
        assert_eq!(out, count(0, 2_001 - TAIL));
        let ones = vec![[0.0f32; 2]; 2_000];
        let crossed = splice.cross(vec![], ones);
        // From the last frame that went on, down to none, in even steps.
        let last = out.last().expect("is there");
        let all = [std::slice::from_ref(last), &crossed[..TAIL]].concat();
        let steps: Vec<f32> = all.windows(2).map(|w| w[0][0] - w[1][0]).collect();
        assert!(steps.iter().all(|step| (0.0..10.0).contains(step)), "{steps:?}");
        assert_eq!(crossed.len(), 2_000 - TAIL);
        assert_eq!(crossed[TAIL], [0.0; 2]);
    }
}
