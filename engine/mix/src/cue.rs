//! Marks from the loudness of a sound: where it begins, may hand over, and ends, and how.
//!
//! Levels come in windows of 10 ms against the sound's own integrated loudness, as Liquidsoap's
//! autocue judges them: the sound begins at 34 LU below it, ends at 42 LU below it, and may hand
//! over from 7 LU below it on, for 6 s at most. Where a last sound is held, the handing over waits
//! until that one falls. Marks fall on the windows' edges. Upstream: the analyser's loudness meter.

/// Windows of one second.
pub const WINDOWS_PER_SECOND: usize = 100;
/// Windows over which a level is taken that a mark depends on (100 ms): a click does not count.
const LEVEL: usize = 10;
/// Windows of the level of a beginning (400 ms, a block of momentary loudness).
const OPENING: usize = 40;
/// An ending at least so long can be a held sound: 1 s.
const HELD_LEAST: usize = 100;

/// What counts as sound and as an ending.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CueSettings {
    /// The sound begins above this, in LU against its loudness.
    pub cue_in_lu: f32,
    /// It ends above this.
    pub cue_out_lu: f32,
    /// From where it stays below this the next may begin.
    pub segue_lu: f32,
    /// A held sound falls by less than this in its first half, in LU.
    pub held_lu: f32,
    /// Longest ending, in windows.
    pub longest: usize,
    /// Shortest ending that is one, in windows.
    pub shortest: usize,
    /// Silence is below this level, in LUFS.
    pub silence_lufs: f32,
}

impl Default for CueSettings {
    fn default() -> Self {
        Self {
            cue_in_lu: -34.0,
            cue_out_lu: -42.0,
            segue_lu: -7.0,
            held_lu: 4.0,
            longest: 6 * WINDOWS_PER_SECOND,
            shortest: 30,
            silence_lufs: -60.0,
        }
    }
}

/// The shape of an ending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It stops.
    Cold,
    /// It falls.
    Falling,
    /// A last sound was held, then falls.
    Held,
    /// It falls longer than the longest ending.
    Long,
}

/// What was found; places count windows from the start.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CueMarks {
    /// First window of the sound.
    pub cue_in: usize,
    /// Where the next item may begin: the start of the ending, or `cue_out`.
    pub segue: usize,
    /// Window after the last of the sound.
    pub cue_out: usize,
    /// Windows of silence before the sound.
    pub silence_before: usize,
    /// Windows of silence after it.
    pub silence_after: usize,
    /// First window from which on 100 ms are as loud as a segue asks for.
    pub full_from: usize,
    /// Level of the first 400 ms against the loudness, in LU.
    pub opening_lu: f32,
    /// The shape of the ending.
    pub ending: Ending,
    /// How steeply it falls, in LU a second.
    pub fall_lu_per_s: f32,
}

/// The marks of a sound, from the mean square of each of its windows (K-weighted, summed over
/// the sides) and its integrated loudness; `None` where nothing is above the threshold.
pub fn find_cues(powers: &[f32], loudness: f32, settings: &CueSettings) -> Option<CueMarks> {
    let above = |lu: f32| {
        let limit = power(loudness + lu);
        move |window: &f32| *window > limit
    };
    let cue_in = powers.iter().position(above(settings.cue_in_lu))?;
    let cue_out = powers.iter().rposition(above(settings.cue_out_lu))? + 1;
    let heard = power(settings.silence_lufs);
    let silence_before = powers.iter().take_while(|window| **window <= heard).count();
    let silence_after = powers.iter().rev().take_while(|window| **window <= heard).count();
    let loud = power(loudness + settings.segue_lu);
    let falls = falls_from(powers, (cue_in, cue_out), loud);
    let mut ending = Ending::Falling;
    let mut segue = falls;
    if let Some(held) = held_level(&powers[falls..cue_out], settings) {
        (segue, ending) = (falls_from(powers, (falls, cue_out), held), Ending::Held);
    }
    if cue_out - segue > settings.longest {
        (segue, ending) = (cue_out - settings.longest, Ending::Long);
    } else if cue_out - segue < settings.shortest {
        ending = Ending::Cold;
    }
    let full_from = (cue_in..cue_out)
        .find(|begin| mean(&powers[*begin..(begin + LEVEL).min(cue_out)]) >= loud)
        .unwrap_or(cue_in);
    let opening = mean(&powers[cue_in..(cue_in + OPENING).min(cue_out)]);
    Some(CueMarks {
        cue_in,
        segue,
        cue_out,
        silence_before: silence_before.min(powers.len()),
        silence_after: silence_after.min(powers.len()),
        full_from,
        opening_lu: level(opening) - loudness,
        ending,
        fall_lu_per_s: fall(&powers[segue..cue_out]),
    })
}

/// The window from which on no 100 ms is as loud as `limit`.
fn falls_from(powers: &[f32], (first, end): (usize, usize), limit: f32) -> usize {
    (first + 1..=end)
        .rev()
        .find(|to| mean(&powers[to.saturating_sub(LEVEL).max(first)..*to]) >= limit)
        .unwrap_or(first)
}

/// The power below which a held last sound counts as falling; `None` where none is held.
fn held_level(ending: &[f32], settings: &CueSettings) -> Option<f32> {
    let quarter = ending.len() / 4;
    if ending.len() < HELD_LEAST {
        return None;
    }
    let (begins, middle) = (mean(&ending[..quarter]), mean(&ending[quarter..2 * quarter]));
    let held = level(begins) - level(middle) < settings.held_lu;
    let after = mean(&ending[2 * quarter..3 * quarter]);
    // Half of it is at one level, and more than noise is left in its third quarter.
    let goes_on = level(begins) - level(after) < 2.0 * settings.held_lu;
    (held && goes_on).then(|| begins * power_ratio(settings.segue_lu))
}

/// LU a second from the first 100 ms of an ending to its last.
fn fall(ending: &[f32]) -> f32 {
    let length = ending.len();
    if length < 2 * LEVEL {
        return 0.0;
    }
    let by = level(mean(&ending[..LEVEL])) - level(mean(&ending[length - LEVEL..]));
    (by * WINDOWS_PER_SECOND as f32 / (length - LEVEL) as f32).max(0.0)
}

fn mean(powers: &[f32]) -> f32 {
    let sum: f64 = powers.iter().map(|power| f64::from(*power)).sum();
    (sum / powers.len().max(1) as f64) as f32
}

/// Mean square of a loudness (ITU-R BS.1770: LUFS = -0.691 + 10 log10 of it).
pub fn power(lufs: f32) -> f32 {
    libm::pow(10.0, (f64::from(lufs) + 0.691) / 10.0) as f32
}

fn power_ratio(lu: f32) -> f32 {
    libm::pow(10.0, f64::from(lu) / 10.0) as f32
}

/// Loudness of a mean square; digital silence is -120 LUFS.
fn level(power: f32) -> f32 {
    (libm::log10(f64::from(power).max(1.2e-12)) * 10.0 - 0.691) as f32
}
