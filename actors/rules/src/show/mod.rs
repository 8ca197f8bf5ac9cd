//! Shows as they come: their airings by the calendar, their instances in the station's zone, the
//! stretches of time that they rule, the windows of live sources and streams, and all of it as a
//! calendar file.
//!
//! Pure, and bounded: every question names a stretch of time.
//! Upstream: the fold of a timeline. Downstream: its decisions, the planner, the API.

mod coming;
pub mod ical;
mod instance;
mod programme;
mod windows;
#[cfg(test)]
mod ical_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod windows_tests;

pub use coming::{Airing, Coming, rule};
pub use instance::{Instance, InstanceState, civil, instant};
pub use programme::{Composed, Programme, Ruled};
pub use windows::{Window, WindowKind};

/// Most occurrences of one show that are looked at in one question.
pub const MAX_AIRINGS: usize = 10_000;
