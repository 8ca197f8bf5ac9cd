//! What holds of any text as a chain of nodes: the fuzz target (`make fuzz`) and the tests run it.
//!
//! A line is a node: its type, then `name=value` with blanks between.

use grimnir_mix::dsp::plan::Plan;
use grimnir_mix::{BLOCK, Frame};
use std::collections::BTreeMap;

/// Reads it as a chain; one that is taken turns no sound into what is no number.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let node = |line: &str| {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        let pairs = rest.split(' ').filter_map(|pair| pair.split_once('='));
        let params = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        (kind.to_owned(), params.collect::<BTreeMap<String, String>>())
    };
    let nodes: Vec<(String, BTreeMap<String, String>)> = text.lines().map(node).collect();
    let asked: Vec<_> = nodes.iter().map(|(kind, params)| (kind.as_str(), params)).collect();
    let plan = match Plan::of(&asked) {
        Ok(plan) => plan,
        Err((place, what)) => {
            assert!(place <= asked.len() && !what.is_empty() && what.len() < 2_000, "{what}");
            return;
        }
    };
    assert_eq!(Plan::of(&asked).as_ref(), Ok(&plan), "one text, one chain");
    assert!(plan.ceiling_db <= 0.0 && plan.release_ms > 0.0, "{plan:?}");
    let mut chain = plan.chain();
    for number in 0..12 {
        let mut frames = [[0.0; 2]; BLOCK];
        // Silence, full scale, what is far above it and what is far below.
        let peak = [0.0, 1.0, 8.0, 1e-20][number % 4];
        for (at, frame) in frames.iter_mut().enumerate() {
            let turned: Frame = if at % 7 < 3 { [peak, -peak] } else { [-peak, peak * 0.5] };
            *frame = turned;
        }
        chain.process(&mut frames);
        assert!(frames.as_flattened().iter().all(|sample| sample.is_finite()), "{plan:?}");
    }
}
