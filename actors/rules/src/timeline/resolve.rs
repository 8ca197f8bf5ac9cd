//! The resolver: a chain of lines and a cursor in, the frames of every start and end out.
//!
//! Upstream: planned lines. Downstream: the planner (projected times), the engine (what it plays),
//! replay (what should have played). Pure and total: nonsense in, an orderly answer out.
//! Not here: which lines are chosen (planner), what happens when the air comes back ([`rejoin`]).
//!
//! Rules, in the order of the chain:
//! - a line without anchor starts at the segue mark of the one before;
//! - a hard line starts on its frame; what sounds then is ended there, with a fade before it;
//! - a soft line starts at the first junction from its time on, and at time + grace at the latest;
//!   reached early it starts early, but by its grace at most: beyond that it waits for its time;
//! - what an anchor left without its least airtime, or without any, is dropped, but for a
//!   `must_air` line: that one follows the anchored line;
//! - at most two lines sound at once: a tail longer than the next line's airtime is cut to it.

mod anchors;
mod chain;
mod rejoin;

#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod smart_tests;
#[cfg(test)]
mod tests;

pub use rejoin::{Interrupted, Rejoined, rejoin};

use grimnir_events::station::FadeCurve;
use grimnir_events::timeline::{DropReason, Line};
use grimnir_events::{AirFrame, LineId};

/// Fade of what an anchored line cuts: 300 ms at 48 kHz.
pub const ANCHOR_FADE_FRAMES: i64 = 14_400;

/// What is on air when the chain is resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Playing {
    /// The line, which need not be in the chain; where it is, it is skipped there.
    pub line_id: LineId,
    /// Frame it started at.
    pub start: AirFrame,
    /// Frame from which the next may start.
    pub segue: AirFrame,
    /// Frame after its last.
    pub end: AirFrame,
}

/// Where the chain is taken up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// Earliest frame at which a line may start.
    pub at: AirFrame,
    /// What is on air there.
    pub playing: Option<Playing>,
}

/// How lines are joined.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResolveSettings {
    /// The station's overlap. Marks rule the resolver, so it does not read this: the planner sets
    /// marks with it, and the engine uses it where it joins an item that no plan has marked.
    pub crossfade_frames: i64,
    /// Gain shape of fades that no line's transition gives: those of anchors.
    pub curve: FadeCurve,
    /// Fade of what an anchored line cuts, ending where that line starts.
    pub anchor_fade_frames: i64,
}

/// One line with its frames.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// Its place in the chain that was given.
    pub index: usize,
    /// Its id.
    pub line_id: LineId,
    /// First frame on air.
    pub start: AirFrame,
    /// Frame of the file that airs first.
    pub from_frame: i64,
    /// Earliest natural start of the next line; where it is cut, the cut.
    pub segue: AirFrame,
    /// Frame after its last on air.
    pub end: AirFrame,
    /// Frames over which it fades in, from `start`.
    pub fade_in: i64,
    /// Frames over which it fades out, ending at `end`; 0 for the last of the chain.
    pub fade_out: i64,
    /// Gain shape of `fade_out`.
    pub curve: FadeCurve,
    /// Gain shape of `fade_in`: that of the line before, whose overlap it is.
    pub curve_in: FadeCurve,
    /// An anchored line ended it before its natural end.
    pub cut: bool,
}

/// The chain, resolved. Every line given is in `lines` or in `dropped`, but for the playing one
/// and for a second line of the same id; lines of `moved` are in `lines` too, out of order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolution {
    /// What airs, by rising start.
    pub lines: Vec<Resolved>,
    /// What does not, with the reason.
    pub dropped: Vec<(LineId, DropReason)>,
    /// `must_air` lines that an anchor passed, and that follow it instead.
    pub moved: Vec<LineId>,
    /// Frames (from, to) at which nothing of the chain sounds.
    pub gaps: Vec<(AirFrame, AirFrame)>,
    /// The playing item must end at this frame, fading over so many frames before it. The fade may
    /// begin before the cursor: the mix plays what is left of it.
    pub playing_cut: Option<(AirFrame, i64)>,
    /// Frames over which the playing item fades out, ending at its end or cut.
    pub playing_fade_out: i64,
    /// Frame after the last that sounds; the cursor where nothing does.
    pub end: AirFrame,
}

/// Turns a chain into frames.
pub fn resolve(lines: &[Line], cursor: &Cursor, settings: &ResolveSettings) -> Resolution {
    chain::Chain::new(lines, cursor, settings).run()
}
