//! What texts a command may carry: lengths in characters, no control characters.
//!
//! Lengths keep a commit within its 60 KiB; control characters would break logs, ICY metadata and
//! tables on their way out.

/// Why a text is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TextFault {
    /// Too short or too long.
    #[error("has {found} characters, expected {min} to {max}")]
    Length {
        /// Characters found; blanks at the ends do not count.
        found: usize,
        /// Least.
        min: usize,
        /// Most.
        max: usize,
    },
    /// A control character is in it.
    #[error("holds the control character U+{code:04X} at place {at}, expected none")]
    Control {
        /// The character.
        code: u32,
        /// Its place, from 0.
        at: usize,
    },
}

/// Checks one text; blanks at its ends do not count toward `min`, but do toward `max`.
pub fn check(text: &str, min: usize, max: usize) -> Result<(), TextFault> {
    let (whole, trimmed) = (text.chars().count(), text.trim().chars().count());
    if trimmed < min || whole > max {
        let found = if whole > max { whole } else { trimmed };
        return Err(TextFault::Length { found, min, max });
    }
    match text.chars().enumerate().find(|(_, c)| c.is_control()) {
        Some((at, c)) => Err(TextFault::Control { code: c as u32, at }),
        None => Ok(()),
    }
}

/// The first `max` characters without control characters: for reasons that machines report, which
/// are never worth refusing a fact for.
pub fn clip(text: &str, max: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(max).collect()
}
