//! The songs of an hour in another order; the same seed, the same order.

use super::super::rejection::TimelineRejection as No;
use super::Reach;
use super::draft::Draft;
use crate::planner::sound::is_programme;
use grimnir_events::UtcMicros;
use grimnir_events::edit::Arranged;
use grimnir_events::timeline::{Anchor, Line};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// Shuffles what of the hour is still to air.
pub fn shuffle(
    draft: &mut Draft,
    reach: &Reach<'_>,
    hour: UtcMicros,
    seed: &[u8; 16],
) -> Result<(), No> {
    let from = reach.first_free(hour);
    reach.check_place(hour, from).map_err(No::Edit)?;
    let lines = draft.lines(hour);
    let loose = |line: &Line| {
        let free = line.anchor == Anchor::AfterPrevious && is_programme(line.kind);
        free && !draft.pins().contains_key(&line.id)
    };
    let places: Vec<usize> = (from..lines.len()).filter(|at| loose(&lines[*at])).collect();
    let mut order = places.clone();
    let mut hasher = Sha256::new();
    hasher.update(b"grimnir shuffle");
    hasher.update(seed);
    hasher.update(hour.0.to_be_bytes());
    let mut rng = ChaCha8Rng::from_seed(hasher.finalize().into());
    for last in (1..order.len()).rev() {
        // A modulus of 64 bits over at most 150 lines: no order is likelier that anyone could hear.
        order.swap(last, (rng.next_u64() % (last as u64 + 1)) as usize);
    }
    let mut shuffled: Vec<&Line> = lines.iter().collect();
    for (place, line) in places.iter().zip(&order) {
        shuffled[*place] = &lines[*line];
    }
    // The times of the places stay for now: they are told anew in the end.
    let times = lines.iter().map(|line| line.planned_at);
    let arranged = shuffled.iter().zip(times);
    let arranged = arranged.map(|(line, planned_at)| Arranged { line_id: line.id, planned_at });
    let arranged = arranged.collect();
    draft.arrange(hour, arranged);
    draft.touched.insert(hour);
    Ok(())
}
