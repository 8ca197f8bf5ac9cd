//! Which files of a recording go: those that are too old, and the oldest while all are too large.

use grimnir_events::AirFrame;
use grimnir_events::recording::RemovalReason;
use grimnir_events::units::FRAMES_PER_SECOND;

/// Frames of a day.
const DAY: i64 = 24 * 3_600 * FRAMES_PER_SECOND;

/// A file that is there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Kept {
    /// Its first second, as its name tells.
    pub first: AirFrame,
    /// Its name below the folder.
    pub file: String,
    /// Its length.
    pub bytes: u64,
}

/// What of files that are closed goes, oldest first; 0 of either limit means none.
pub fn to_remove(
    mut files: Vec<Kept>,
    now: AirFrame,
    keep_days: u16,
    keep_bytes: u64,
) -> Vec<(Kept, RemovalReason)> {
    files.sort();
    let mut all: u64 = files.iter().map(|kept| kept.bytes).sum();
    let mut gone = Vec::new();
    for kept in files {
        let old = keep_days > 0 && now.since(kept.first) > i64::from(keep_days) * DAY;
        let reason = if old {
            RemovalReason::Age
        } else if keep_bytes > 0 && all > keep_bytes {
            RemovalReason::Size
        } else {
            break;
        };
        all -= kept.bytes;
        gone.push((kept, reason));
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(days: u16, bytes: u64) -> Vec<(String, RemovalReason)> {
        let now = AirFrame(100 * DAY);
        let file = |age: i64| Kept {
            first: AirFrame(now.0 - age * DAY - 1),
            file: format!("{age} days old"),
            bytes: 10,
        };
        let gone = to_remove([2, 4, 0, 3, 1].map(file).to_vec(), now, days, bytes);
        gone.into_iter().map(|(kept, reason)| (kept.file, reason)).collect()
    }

    #[test]
    fn the_old_go_first_then_the_oldest_while_there_is_too_much() {
        use RemovalReason::{Age, Size};
        let told = |list: &[(&str, RemovalReason)]| -> Vec<(String, RemovalReason)> {
            list.iter().map(|(age, reason)| (format!("{age} days old"), *reason)).collect()
        };
        assert_eq!(names(0, 0), []);
        assert_eq!(names(3, 0), told(&[("4", Age), ("3", Age)]));
        assert_eq!(names(0, 49), told(&[("4", Size)]));
        assert_eq!(names(4, 30), told(&[("4", Age), ("3", Size)]));
        assert_eq!(names(0, 1).len(), 5);
    }
}
