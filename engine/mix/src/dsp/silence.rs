//! Silence sense: says when nothing is heard for too long, and when something is again.

use super::factor;
use crate::{Frame, RATE};
use grimnir_events::library::ItemKind;

/// When it speaks up.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SilenceSettings {
    /// Below this peak there is silence, in dBFS.
    pub threshold_db: f64,
    /// So long, in frames.
    pub duration_frames: u64,
    /// So long above it, in frames, until it is over.
    pub restore_frames: u64,
    /// One silent channel is enough.
    pub either_channel: bool,
}

impl SilenceSettings {
    /// What stands where nothing else is asked for: 10 s below −60 dBFS on both channels, over
    /// after a second.
    pub const STANDING: Self = Self {
        threshold_db: -60.0,
        duration_frames: 10 * RATE as u64,
        restore_frames: RATE as u64,
        either_channel: false,
    };
}

/// How the programme, or sources, are listened to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SilenceWatch {
    /// When there is silence.
    pub settings: SilenceSettings,
    /// Kinds of items that may be silent; of sources only.
    pub exempt: Exempt,
    /// What is done beside the alarm.
    pub action: SilenceAction,
}

impl SilenceWatch {
    /// What stands where nothing else is asked for.
    pub const STANDING: Self = Self {
        settings: SilenceSettings::STANDING,
        exempt: Exempt(0),
        action: SilenceAction::Alarm,
    };
}

/// What is done where there is silence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SilenceAction {
    /// Somebody is told.
    Alarm,
    /// Somebody is told, and what is silent leaves the air to what is below it.
    FailOver,
}

/// A set of item kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Exempt(pub u32);

impl Exempt {
    const WORDS: [(&str, ItemKind); 6] = [
        ("music", ItemKind::Music),
        ("legal_id", ItemKind::LegalId),
        ("imaging", ItemKind::Imaging),
        ("spot", ItemKind::Spot),
        ("feature", ItemKind::Feature),
        ("emergency", ItemKind::Emergency),
    ];

    /// Every word there is.
    pub fn words() -> String {
        Self::WORDS.map(|(word, _)| word).join(", ")
    }

    /// The kind is in the set.
    pub fn has(self, kind: ItemKind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }

    /// By commas; `None` where a word is not known.
    pub fn parse(text: &str) -> Option<Self> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words
            .map(|word| Self::WORDS.iter().find(|(known, _)| *known == word))
            .try_fold(Self(0), |set, found| Some(Self(set.0 | 1 << found?.1 as u32)))
    }
}

/// What it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SilenceWord {
    /// Silence, since so many frames.
    Silent {
        /// Frames before the end of this block that it began at.
        since_frames: u64,
    },
    /// Heard again.
    Restored,
}

/// The detector.
#[derive(Clone, Debug)]
pub struct SilenceSense {
    settings: SilenceSettings,
    threshold: f32,
    quiet: [u64; 2],
    /// Frames that were heard since.
    restoring: u64,
    silent: bool,
}

impl SilenceSense {
    /// That has heard nothing yet.
    pub fn new(settings: SilenceSettings) -> Self {
        let threshold = factor(settings.threshold_db) as f32;
        Self { settings, threshold, quiet: [0; 2], restoring: 0, silent: false }
    }

    /// Listens to `frames`; a word where something changed.
    pub fn listen(&mut self, frames: &[Frame]) -> Option<SilenceWord> {
        for frame in frames {
            for (sample, quiet) in frame.iter().zip(&mut self.quiet) {
                *quiet = if sample.abs() < self.threshold { *quiet + 1 } else { 0 };
            }
        }
        let quiet_for = self.quiet_for();
        if !self.silent && quiet_for >= self.settings.duration_frames {
            self.silent = true;
            return Some(SilenceWord::Silent { since_frames: quiet_for });
        }
        // A wave passes through zero: what is short is no silence, nor an end of one.
        let heard = quiet_for < self.settings.duration_frames.min(ZERO_CROSSING);
        if self.silent && heard {
            self.restoring += frames.len() as u64;
            if self.restoring >= self.settings.restore_frames {
                (self.silent, self.restoring) = (false, 0);
                return Some(SilenceWord::Restored);
            }
        } else {
            self.restoring = 0;
        }
        None
    }

    fn quiet_for(&self) -> u64 {
        let [left, right] = self.quiet;
        if self.settings.either_channel { left.max(right) } else { left.min(right) }
    }

    /// Silence is said and not over.
    pub fn is_silent(&self) -> bool {
        self.silent
    }
}

/// Longest stay below the threshold that a tone of 20 Hz has near zero: 50 ms.
const ZERO_CROSSING: u64 = 2_400;
